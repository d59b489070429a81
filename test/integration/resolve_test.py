"""The resolve process against a real name server, by its own channel."""
import itertools
import json
import os
import socket
import time
import unittest

from channel import Child, octets, u16, u64
from dnssec import Zone
from nameserver import NameServer
from server import free_port, wait_for
from signed_zone import PASS, REFUSE, STRIP, SignedDns

A, CNAME, PTR, MX, TXT, AAAA, SRV, TLSA = 1, 5, 12, 15, 16, 28, 33, 52
FOUND, NODATA, NXDOMAIN, FAILING = range(4)
INSECURE, SECURE, CANNOT_SAY, BOGUS = range(4)

RECORDS = [
    "example.test. MX 20 b.example.test.",
    "example.test. MX 10 A.example.test.",
    "null.test. MX 0 .",
    "a.example.test. A 192.0.2.1",
    "a.example.test. A 192.0.2.2",
    "a.example.test. AAAA 2001:db8::1",
    "alias.example.test. CNAME a.example.test.",
    'txt.example.test. TXT "v=spf1 " "-all"',
    r"a+b\032c\061.odd.test. A 192.0.2.7",
    "5.2.0.192.in-addr.arpa. PTR mail.example.test.",
    "9.0.0.10.in-addr.arpa. PTR inside.example.test.",
]


class Resolve:
    def __init__(self, resolver=None, env=None):
        self.child = Child("resolve", env=env or {"WAYBILL_RESOLVER": resolver})
        self.channel = self.child.peer("smtp")
        self.ticket = 0

    def send(self, kind, name):
        self.ticket += 1
        self.channel.send("DNS_ASK", u64(self.ticket), u16(kind), octets(name.encode()))
        return self.ticket

    def answer(self):
        name, body = self.channel.receive()
        assert name == "DNS_ANSWER", name
        ticket, result = body.take("<Q"), body.take("<B")
        self.trust, _, self.canonical = body.take("<B"), body.take("<I"), body.octets()
        self.resolver = body.octets().decode()
        records = [body.octets() for _ in range(body.take("<I"))]
        body.end()
        return ticket, result, records

    def ask(self, kind, name):
        ticket = self.send(kind, name)
        got, result, records = self.answer()
        assert got == ticket
        return result, records

    def __enter__(self):
        self.child.__enter__()
        return self

    def __exit__(self, *what):
        self.channel.close()
        self.child.__exit__(*what)


class WithNameServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dns = NameServer(RECORDS, refused=["failing.test."])
        cls.resolve = Resolve(cls.dns.address)

    @classmethod
    def tearDownClass(cls):
        cls.resolve.__exit__(None, None, None)
        cls.dns.stop()

    def ask(self, kind, name):
        return self.resolve.ask(kind, name)

    def test_addresses(self):
        result, records = self.ask(A, "a.example.test")
        self.assertEqual(result, FOUND)
        self.assertEqual(sorted(records), [bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])])
        self.assertEqual(self.ask(AAAA, "A.EXAMPLE.test."),
                         (FOUND, [socket.inet_pton(socket.AF_INET6, "2001:db8::1")]))

    def test_mail_exchangers(self):
        result, records = self.ask(MX, "example.test")
        self.assertEqual(result, FOUND)
        self.assertEqual(sorted(records), [b"\0\x0aa.example.test", b"\0\x14b.example.test"])
        self.assertEqual(self.ask(MX, "null.test"), (FOUND, [b"\0\0"]))

    def test_an_alias_is_followed(self):
        result, records = self.ask(A, "alias.example.test")
        self.assertEqual((result, len(records)), (FOUND, 2))

    def test_names_of_addresses(self):
        self.assertEqual(self.ask(PTR, "5.2.0.192.in-addr.arpa"), (FOUND, [b"mail.example.test"]))

    def test_private_addresses_are_asked_for_too(self):
        self.assertEqual(self.ask(PTR, "9.0.0.10.in-addr.arpa"),
                         (FOUND, [b"inside.example.test"]))

    def test_text(self):
        self.assertEqual(self.ask(TXT, "txt.example.test"), (FOUND, [b"v=spf1 -all"]))

    def test_no_and_nothing_and_cannot_say_are_different(self):
        self.assertEqual(self.ask(A, "nosuch.example.test"), (NXDOMAIN, []))
        self.assertEqual(self.ask(MX, "a.example.test"), (NODATA, []))
        self.assertEqual(self.ask(MX, "a.failing.test"), (FAILING, []))

    def test_names_that_cannot_be(self):
        for name in "a..b", "", "a b.test", "x" * 64 + ".test", "." * 300, "\\000.test", "ü.test":
            self.assertEqual(self.ask(A, name), (NXDOMAIN, []), name)

    def test_names_that_spf_makes(self):
        """RFC 7208, 7.1: macros put what a sender wrote into a name."""
        self.assertEqual(self.ask(A, "A+b c=.odd.test"), (FOUND, [bytes([192, 0, 2, 7])]))

    def test_hosts_file_comes_first(self):
        self.assertEqual(self.ask(A, "localhost"), (FOUND, [bytes([127, 0, 0, 1])]))

    def test_many_at_once(self):
        n = 500
        tickets = [self.resolve.send(A, f"n{i % 50}.example.test") for i in range(n)]
        answers = [self.resolve.answer() for _ in range(n)]
        self.assertEqual(sorted(t for t, _, _ in answers), tickets)
        self.assertEqual({r for _, r, _ in answers}, {NXDOMAIN})


ZONES = [
    Zone("signed.test.", [
        "@ MX 10 mx", "mx A 192.0.2.1", "mx AAAA 2001:db8::1", "alias CNAME mx",
        "away CNAME mx.plain.test.", "gone CNAME nosuch",
        "_25._tcp.mx TLSA 3 1 1 00ff", "_25._tcp.mx TLSA 2 0 1 aa55",
        "_submissions._tcp SRV 0 1 465 mx", "_submission._tcp SRV 10 20 587 .",
        "wrong A 192.0.2.2", "late A 192.0.2.3"],
        broken={("wrong", "A")}, expired={("late", "A")}),
    Zone("plain.test.", ["@ MX 10 mx", "mx A 192.0.2.4", "back CNAME mx.signed.test."],
         signed=False),
    Zone("missing.test.", ["mx A 192.0.2.5"], missing=True),
]


class Signed(unittest.TestCase):
    """RFC 4033, 5: secure, insecure, bogus; one resolver that passes all on."""

    @classmethod
    def setUpClass(cls):
        cls.dns = SignedDns(ZONES, refused=["refused.signed.test."])
        cls.resolve = Resolve(env=cls.dns.env)

    @classmethod
    def tearDownClass(cls):
        cls.resolve.__exit__(None, None, None)
        cls.dns.stop()

    def ask(self, kind, name):
        """The result, whether it is secure, the records."""
        result, records = self.resolve.ask(kind, name)
        return result, self.resolve.trust, records

    def test_a_signed_zone_is_secure(self):
        self.assertEqual(self.ask(MX, "signed.test"), (FOUND, SECURE, [b"\0\x0amx.signed.test"]))
        self.assertEqual(self.ask(A, "mx.signed.test")[:2], (FOUND, SECURE))
        self.assertEqual(self.resolve.canonical, b"")

    def test_that_something_is_not_there_is_proven_too(self):
        self.assertEqual(self.ask(TLSA, "mx.signed.test"), (NODATA, SECURE, []))
        self.assertEqual(self.ask(TLSA, "_25._tcp.alias.signed.test"), (NXDOMAIN, SECURE, []))

    def test_an_insecure_delegation_is_insecure(self):
        self.assertEqual(self.ask(MX, "plain.test")[:2], (FOUND, INSECURE))
        self.assertEqual(self.ask(TLSA, "_25._tcp.mx.plain.test"), (NXDOMAIN, INSECURE, []))

    def test_wrong_and_expired_and_missing_signatures_fail(self):
        for name in "wrong.signed.test", "late.signed.test", "mx.missing.test":
            self.assertEqual(self.ask(A, name), (FAILING, BOGUS, []), name)
        self.assertEqual(self.ask(A, "mx.signed.test")[:2], (FOUND, SECURE))

    def test_no_answer_is_not_bogus(self):
        self.assertEqual(self.ask(TLSA, "_25._tcp.refused.signed.test"), (FAILING, INSECURE, []))

    def test_aliases(self):
        """The whole chain counts; the first alias may be signed where the rest is not."""
        self.assertEqual(self.ask(A, "alias.signed.test")[:2], (FOUND, SECURE))
        self.assertEqual(self.resolve.canonical, b"mx.signed.test")
        self.assertEqual(self.ask(A, "away.signed.test")[:2], (FOUND, INSECURE))
        self.assertEqual(self.resolve.canonical, b"mx.plain.test")
        self.assertEqual(self.ask(CNAME, "away.signed.test"), (FOUND, SECURE, [b"mx.plain.test"]))
        self.assertEqual(self.ask(A, "back.plain.test")[:2], (FOUND, INSECURE))
        self.assertEqual(self.ask(CNAME, "back.plain.test")[:2], (FOUND, INSECURE))
        self.assertEqual(self.ask(A, "gone.signed.test"), (NXDOMAIN, SECURE, []))

    def test_tlsa_records(self):
        result, trust, records = self.ask(TLSA, "_25._tcp.mx.signed.test")
        self.assertEqual((result, trust), (FOUND, SECURE))
        self.assertEqual(sorted(records), [b"\2\0\1\xaa\x55", b"\3\1\1\0\xff"])

    def test_srv_records(self):
        self.assertEqual(self.ask(SRV, "_submissions._tcp.signed.test"),
                         (FOUND, SECURE, [b"\0\0\0\1\1\xd1mx.signed.test"]))
        self.assertEqual(self.ask(SRV, "_submission._tcp.signed.test"),
                         (FOUND, SECURE, [b"\0\x0a\0\x14\2\x4b"]))     # "." is not here


class Stripped(unittest.TestCase):
    """A resolver that strips signatures is a state of its own."""

    def state(self, resolve):
        resolve.child.parent.send("STATS_WANTED", u64(1))
        name, body = resolve.child.parent.receive()
        while name != "STATS":
            name, body = resolve.child.parent.receive()
        body.take("<Q")
        for _ in range(24):
            body.take("<Q")
        return json.loads(body.octets())["validates"]

    def test_one_that_never_passed_them_on(self):
        with SignedDns(ZONES, mode=STRIP) as dns, Resolve(env=dns.env) as r:
            self.assertEqual(r.ask(MX, "signed.test"), (FOUND, [b"\0\x0amx.signed.test"]))
            self.assertEqual((r.trust, self.state(r)), (CANNOT_SAY, "no"))
            self.assertEqual(r.resolver, dns.address)
            self.assertEqual(r.ask(A, "wrong.signed.test")[0], FOUND)

    def test_one_that_passes_them_on_no_more(self):
        with SignedDns(ZONES) as dns, Resolve(env=dns.env) as r:
            r.ask(A, "mx.signed.test")
            self.assertEqual((r.trust, self.state(r)), (SECURE, "yes"))
            dns.mode = STRIP
            # For a moment yet a probe's yes is believed, and it is a broken domain.
            n = itertools.count()
            wait_for(lambda: r.ask(A, f"n{next(n)}.signed.test")[0] != FAILING)
            self.assertEqual((r.trust, self.state(r)), (CANNOT_SAY, "lost"))
            self.assertEqual(r.ask(TLSA, "_25._tcp.mx.signed.test")[0], FOUND)
            self.assertEqual(r.trust, CANNOT_SAY)
            r.ask(A, "mx.signed.test")      # is kept, and secure; that mends nothing
            self.assertEqual((r.trust, self.state(r)), (SECURE, "lost"))

    def test_one_that_is_down_has_stripped_nothing(self):
        with SignedDns(ZONES) as dns, Resolve(env=dns.env) as r:
            r.ask(A, "mx.signed.test")
            dns.mode = REFUSE
            self.assertEqual(r.ask(TLSA, "_25._tcp.mx.signed.test"), (FAILING, []))
            self.assertEqual(self.state(r), "yes")
            dns.mode = PASS

    def test_without_an_anchor_nothing_can_be_said(self):
        with SignedDns(ZONES) as dns, Resolve(
                env={**dns.env, "WAYBILL_TRUST_ANCHOR": "/dev/null"}) as r:
            self.assertEqual(r.ask(A, "mx.signed.test")[0], FOUND)
            self.assertEqual((r.trust, self.state(r)), (CANNOT_SAY, "no"))


class Alone(unittest.TestCase):
    def test_without_a_name_server_it_cannot_say_and_does_not_hang(self):
        with Resolve(f"127.0.0.1@{free_port()}") as r:
            began = time.monotonic()
            self.assertEqual(r.ask(A, "example.test"), (FAILING, []))
            self.assertLess(time.monotonic() - began, 20)
            self.assertEqual(r.ask(A, "localhost")[0], FOUND)

    def test_a_silent_name_server_is_given_up(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            with Resolve(f"127.0.0.1@{s.getsockname()[1]}") as r:
                began = time.monotonic()
                self.assertEqual(r.ask(MX, "example.test"), (FAILING, []))
                self.assertLess(time.monotonic() - began, 20)

    def test_nonsense_closes_the_channel_but_not_the_process(self):
        with Resolve(f"127.0.0.1@{free_port()}") as r:
            r.channel.send("DNS_ASK", u64(1), u16(99), octets(b"example.test"))
            with self.assertRaises(EOFError):
                r.channel.receive()
            r.channel = r.child.peer("relay")
            self.assertEqual(r.ask(A, "localhost")[0], FOUND)

    def test_it_ends_with_its_parent(self):
        r = Resolve(f"127.0.0.1@{free_port()}")
        r.send(A, "example.test")
        self.assertEqual(r.child.stop(), 0)
        r.channel.close()


if __name__ == "__main__":
    os.environ.setdefault("WB_BUILD", os.getcwd())
    unittest.main()
