"""DANE and MTA-STS from message to hop: signed zones, policies, hops with certificates of their
own, the whole server."""
import json
import os
import re
import shutil
import tempfile
import unittest

from certs import Certs
from dnssec import Zone, tlsa
from hop_script import Hop
from https_server import HttpsServer, enforce, policy
from server import Server, free_port, wait_for
from signed_zone import STRIP, SignedDns

POLICY = """edition 1
hostname "mail.here.example"
authorities file "@DIR@/ca.pem"
set ours = { "here.example" }
map users = text "@DIR@/users" as accounts
listen smtp on "127.0.0.1:@PORT@"
mailbox people { accounts users; path "@DIR@/mail/{user}" }
queue { retry 1h }
postmaster "ann@here.example"
relay named  { host "ee.signed.test" port @HOP@ }
relay mxdane  { host mx; tls dane }
relay mxsts   { host mx; tls sts }
relay surely  { host mx; tls verified }
relay nosts   { host mx; no sts }
relay wrong  { host "wrong.signed.test" port @HOP@ }
relay forced  { host "full.signed.test" port @HOP@; tls dane }
relay none    { host "other.signed.test" port @HOP@; tls dane }
relay without { host "wrong.signed.test" port @HOP@; no dane }
net home = { 127.0.0.0/8 }
on rcpt { client.ip in home => accept }
route {
    rcpt.domain in ours => deliver people
    rcpt.user == "named" => relay named
    rcpt.user == "wrong" => relay wrong
    rcpt.user == "forced" => relay forced
    rcpt.user == "without" => relay without
    rcpt.user == "none" => relay none
    rcpt.user == "mxdane" => relay mxdane
    rcpt.user == "mxsts" => relay mxsts
    rcpt.user == "surely" => relay surely
    rcpt.user == "nosts" => relay nosts
    otherwise => mx
}
"""
HOSTS = ["ee", "ta", "wrong", "clear", "other", "plain", "pki", "one"]     # each at an address of its own
WRONG = "3 1 1 " + "00" * 32


def address(host):
    return f"127.0.1.{HOSTS.index(host) + 1}"


# Domains with a policy of MTA-STS, all but one with MX records that are not signed.
STS = {
    "good.plain.test": ("pki", enforce(["pki.signed.test"])),
    "name.plain.test": ("other", enforce(["*.signed.test"])),   # its certificate is for another
    "else.plain.test": ("other", enforce(["mx.else.test"])),
    "maybe.plain.test": ("other", policy("testing", ["mx.else.test"])),
    "dane.signed.test": ("ee", enforce(["mx.else.test"])),
}


def sts_records(zone):
    for domain, (host, _) in STS.items():
        name = domain.removesuffix(f".{zone}")
        if name != domain:
            yield from (f"{name} MX 10 {host}.signed.test.", f"_mta-sts.{name} TXT v=STSv1; id=1;",
                        f"mta-sts.{name} A 127.0.0.1")


def zones(port, certs):
    """Which records there are; PORT is where hops listen."""
    def at(host):
        return f"_{port}._tcp.{host}"
    ee, ta = tlsa(certs.path("ee.pem")), tlsa(certs.path("ca.pem"), usage=2, selector=0)
    pkix = tlsa(certs.path("ee.pem"), usage=1)
    hosts = [f"{h} A {address(h)}" for h in HOSTS]
    more = ["roll", "old", "late", "bad", "refused", "unusable", "full", "junk", "short",
            "mixed", "many"]
    return [
        Zone("signed.test.", hosts + [f"{h} A {address('ee')}" for h in more] + [
            f"{at('ee')} TLSA {ee}", f"{at('ta')} TLSA {ta}", f"{at('wrong')} TLSA {WRONG}",
            f"{at('clear')} TLSA {ee}", f"{at('plain')} TLSA {WRONG}", f"{at('roll')} TLSA {WRONG}", f"{at('roll')} TLSA {ee}",
            f"{at('old')} TLSA {ee}", f"{at('late')} TLSA {ee}", f"{at('bad')} TLSA {ee}",
            f"{at('unusable')} TLSA {pkix}", f"{at('junk')} TLSA 3 0 0 30820101",
            f"{at('short')} TLSA 3 1 1 {'ab' * 20}",
            f"{at('mixed')} TLSA {pkix}", f"{at('mixed')} TLSA 3 0 0 30820101",
            f"{at('mixed')} TLSA 3 1 9 00", f"{at('mixed')} TLSA {ee}",
            *(f"{at('many')} TLSA 3 1 1 {i:064x}" for i in range(20)), f"{at('many')} TLSA {ee}",
            f"{at('full')} TLSA {tlsa(certs.path('ee.pem'), selector=0, matching=0)}",
            f"{at('one')} TLSA {ta}", "beside MX 10 one",
            "alias CNAME ee", "away CNAME ee.plain.test.", f"{at('away')} TLSA {ee}",
            "both CNAME other", f"{at('both')} TLSA {WRONG}"] +
             [f"to-{h} MX 10 {h}" for h in HOSTS + more + ["alias", "away", "both"]] + [
                 *sts_records("signed.test"), "to-mixed MX 10 wrong", "to-mixed MX 20 ee",
                 "to-unsure MX 10 refused", "to-unsure MX 20 other"],
             broken={(at("bad"), "TLSA")}, expired={(at("late"), "TLSA")}),
        Zone("plain.test.", [f"ee A {address('ee')}", f"own A {address('plain')}",
                             f"{at('own')} TLSA {WRONG}", "to-plain MX 10 plain.signed.test.",
                             "to-own MX 10 own", *sts_records("plain.test")], signed=False),
        Zone("broken.test.", ["to-ee MX 10 ee.signed.test."], missing=True),
    ]


class World:
    """Hops, name server and server, and one question to them: what becomes of a message."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="waybill-dane-", dir="/var/tmp")
        self.certs = Certs(f"{self.dir}/certs")
        self.certs.make("ca", ca=True)
        self.certs.make("ee", names="DNS:nobody.example")
        self.certs.make("ta", by="ca", names="DNS:ta.signed.test")
        self.certs.make("pki", by="ca", names="DNS:pki.signed.test")
        self.certs.make("one", by="ca", names="DNS:to-one.signed.test")
        for name in "ta", "one":
            with open(self.certs.path(f"{name}.pem"), "a", encoding="ascii") as f, \
                    open(self.certs.path("ca.pem"), encoding="ascii") as ca:
                f.write(ca.read())
        self.port = free_port(address("ee"))
        self.hops = {h: Hop(host=address(h), port=self.port, cert=self.pair(h)) for h in HOSTS}
        self.dns = SignedDns(zones(self.port, self.certs),
                             refused=[f"_{self.port}._tcp.refused.signed.test."])
        self.web = HttpsServer()
        for domain, (_, text) in STS.items():
            self.web.sts(domain, text)
        authorities = ""
        for path in self.certs.path("ca.pem"), self.web.ca:
            with open(path, encoding="ascii") as f:
                authorities += f.read()
        self.server = Server(
            POLICY.replace("@HOP@", str(self.port)),
            {"users": "ann:x\n", "ca.pem": authorities},
            env={**self.dns.env, "WAYBILL_MX_PORT": str(self.port),
                 "WAYBILL_STS_PORT": str(self.web.port)})
        self.sent = 0

    def pair(self, host):
        if host == "clear":
            return None
        name = host if host in ("ee", "ta", "pki", "one") else "ee"
        return self.certs.path(f"{name}.pem"), self.certs.path(f"{name}.key")

    def stop(self):
        self.server.__exit__(None, None, None)
        self.dns.stop()
        self.web.stop()
        for hop in self.hops.values():
            hop.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def end(self, qid):
        """The line of the log that says how the only recipient's attempt has ended."""
        return next((x for x in self.server.log().splitlines() if re.search(
            rf" queue\[\d+\] \w+ (sent|deferred|failed|bounced) id={qid} ", x)), None)

    def send(self, to, header="Subject: x"):
        """(the host that got it, or None, the record)"""
        self.sent += 1
        mark = f"n{self.sent}"
        with self.server.smtp() as c:
            c.ehlo("client.test")
            c.mail("x@here.example")
            c.rcpt(to)
            qid = re.search(r"\b[0-9A-V]{13}\b", c.data(
                f"{header}\r\nX-Mark: {mark}\r\n\r\nx\r\n".encode())[1].decode()).group()
        record = wait_for(lambda: self.end(qid))
        got = [h for h, hop in self.hops.items()
               if any(f"X-Mark: {mark}\r\n".encode() in m["data"] for m in list(hop.messages))]
        assert len(got) <= 1, got
        return (got or [None])[0], record


class Dane(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()

    def sent(self, to, host, *words):
        got, record = self.world.send(to)
        self.assertEqual(got, host, record)
        for word in words:
            self.assertIn(word, record)
        return record

    def waits(self, to, *words):
        return self.sent(to, None, "deferred", *words)

    DANE = ("wanted=dane tls-by=dane", "reached=dane")

    def test_a_record_of_usage_3_for_whatever_name(self):
        self.sent("x@to-ee.signed.test", "ee", *self.DANE)
        self.sent("x@to-full.signed.test", "ee", *self.DANE)

    def test_a_record_of_usage_2_and_a_certificate_for_the_host(self):
        self.sent("x@to-ta.signed.test", "ta", *self.DANE)

    def test_a_certificate_for_one_domain_is_none_for_another_with_the_same_host(self):
        """Also where a session is open there."""
        self.sent("x@to-one.signed.test", "one", *self.DANE)
        self.waits("x@beside.signed.test", "4.7.5", "ostname mismatch")
        self.sent("x@to-one.signed.test", "one", *self.DANE)
        self.assertEqual(self.world.hops["one"].sessions, 2)    # that of the first message goes on

    def test_a_wrong_digest_waits(self):
        self.waits("x@to-wrong.signed.test", "4.7.5")

    def test_a_hop_without_tls_waits(self):
        self.waits("x@to-clear.signed.test", "4.7.5", "STARTTLS")

    def test_in_a_rollover_one_of_two_records_is_enough(self):
        self.sent("x@to-roll.signed.test", "ee", *self.DANE)

    def test_an_alias_is_asked_for_at_its_end(self):
        self.sent("x@to-alias.signed.test", "ee", *self.DANE)

    def test_a_signed_alias_for_an_unsigned_name_is_asked_for_itself(self):
        self.sent("x@to-away.signed.test", "ee", *self.DANE)

    def test_records_at_the_alias_count_where_its_end_has_none(self):
        self.waits("x@to-both.signed.test", "4.7.5")

    def test_no_records_is_no_dane(self):
        self.sent("x@to-other.signed.test", "other", "wanted=opportunistic tls-by=block",
                  "reached=encrypted")

    def test_an_unsigned_mx_is_no_dane(self):
        self.sent("x@to-plain.plain.test", "plain", "wanted=opportunistic tls-by=block")

    def test_records_that_are_not_signed_are_none(self):
        self.sent("x@to-own.plain.test", "plain", "wanted=opportunistic tls-by=block")

    def test_a_bogus_mx_waits(self):
        self.waits("x@to-ee.broken.test", "4.4.3", "not signed as it should be (DNSSEC)")

    def test_bogus_and_expired_records_wait(self):
        for host in "bad", "late":
            self.waits(f"x@to-{host}.signed.test", "4.7.5", "is not signed as it should be")

    def test_records_that_cannot_be_asked_for_wait(self):
        self.waits("x@to-refused.signed.test", "4.7.5", "cannot be asked for")

    def test_records_that_cannot_be_used_want_tls_alone(self):
        for host in "unusable", "junk", "short":
            self.sent(f"x@to-{host}.signed.test", "ee", "wanted=required tls-by=dane",
                      "reached=encrypted")

    def test_where_more_is_wanted_records_that_cannot_be_used_do_not_do(self):
        """A record with a certificate that is none is as good as none."""
        for host in "unusable", "junk", "short":
            self.waits(f"mxdane@to-{host}.signed.test", "4.7.5", "no record that can be used")
            self.waits(f"surely@to-{host}.signed.test", "wanted=verified tls-by=block")

    def test_one_record_among_others_is_enough(self):
        for host in "mixed", "many":
            self.sent(f"x@to-{host}.signed.test", "ee", *self.DANE)

    def test_another_host_of_the_domain_gets_it(self):
        self.sent("x@to-mixed.signed.test", "ee", *self.DANE)
        self.sent("x@to-unsure.signed.test", "other", "wanted=opportunistic tls-by=block")

    def test_a_relay_block_with_a_name(self):
        self.sent("named@x.example", "ee", *self.DANE)
        self.waits("wrong@x.example", "4.7.5")

    def test_by_dane_alone(self):
        self.sent("forced@x.example", "ee", "wanted=dane tls-by=block", "reached=dane")
        self.waits("none@x.example", "4.7.5", "has no signed TLSA records")

    def test_without_dane(self):
        self.sent("without@x.example", "wrong", "wanted=opportunistic tls-by=block")

    def test_a_message_that_does_not_want_tls(self):
        got, record = self.world.send("x@to-wrong.signed.test", "TLS-Required: No")
        self.assertEqual(got, "wrong")
        self.assertIn("wanted=opportunistic tls-by=tls-required-no", record)


    def test_a_block_for_the_hosts_of_the_domain(self):
        self.sent("mxdane@to-roll.signed.test", "ee", "wanted=dane tls-by=block", "reached=dane")
        self.waits("mxdane@to-other.signed.test", "4.7.5", "has no signed TLSA records")

    # --- MTA-STS
    def test_an_enforced_policy_wants_a_certificate_for_the_host(self):
        self.sent("x@good.plain.test", "pki", "wanted=verified tls-by=sts", "reached=verified")
        self.waits("x@name.plain.test", "4.7.5")

    def test_a_host_that_an_enforced_policy_does_not_name_gets_nothing(self):
        self.waits("x@else.plain.test", "4.7.5",
                   "the MTA-STS policy of else.plain.test does not name other.signed.test")

    def test_a_policy_in_testing_changes_nothing(self):
        self.sent("x@maybe.plain.test", "other", "wanted=opportunistic tls-by=block")

    def test_dane_comes_before_a_policy(self):
        self.sent("x@dane.signed.test", "ee", *self.DANE)

    def test_without_policies(self):
        self.sent("nosts@else.plain.test", "other", "wanted=opportunistic tls-by=block")

    def test_by_a_policy_alone(self):
        self.sent("mxsts@good.plain.test", "pki", "wanted=verified tls-by=block",
                  "reached=verified")
        self.waits("mxsts@to-plain.plain.test", "4.7.5", "there is no MTA-STS policy")


class Stripped(unittest.TestCase):
    """The resolver stops passing signatures on."""

    def test_mail_goes_on_and_says_so(self):
        world = World()
        try:
            got, record = world.send("x@to-ee.signed.test")
            self.assertIn("reached=dane", record)
            world.dns.mode = STRIP
            wait_for(lambda: "event=dnssec-lost" in world.server.log() or
                     world.send(f"x@no{world.sent}.signed.test") is None)
            # A host whose records nobody has seen goes on; one that had some waits.
            got, record = world.send("x@to-roll.signed.test")
            self.assertEqual(got, "ee")
            self.assertIn("dane=cannot-say", record)
            got, record = world.send("forced@x.example")
            self.assertIn("passes no signatures on", record)
            self.assertIn(world.dns.address, record)
            self.assertEqual(got, None)
            self.assertEqual(world.server.log().count("event=dnssec-lost"), 1)
            told = wait_for(lambda: [x for x in world.server.maildir("ann") if
                                     b"The resolver passes no signatures on" in x])
            self.assertEqual(len(told), 1)
            self.assertIn("passes no signatures on any more (DNSSEC)",
                          world.server.waybill("status").stdout)
            status = json.loads(world.server.waybill("status", "--json").stdout)
            resolve = next(p for p in status["processes"] if p["name"] == "resolve")
            self.assertEqual(resolve["counters"]["validates"], "lost")
        finally:
            world.stop()


if __name__ == "__main__":
    os.environ.setdefault("WB_BUILD", os.getcwd())
    unittest.main()
