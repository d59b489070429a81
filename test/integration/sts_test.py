"""Policies of MTA-STS (RFC 8461): the fetch process, web servers of every kind, and a
resolve that is played here."""
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from channel import TYPES, Child, octets, u8, u16, u32, u64
from hop_script import Hop
from https_server import STS_PATH, HttpsServer, enforce, policy
from nameserver import NameServer
from server import BUILD, PATIENCE, Server, wait_for

RESULTS = ["none", "found", "later"]
TROUBLES = ["", "fetch-error", "invalid", "webpki-invalid"]
MODES = ["none", "testing", "enforce"]
A, TXT, AAAA = 1, 16, 28
FOUND, NODATA, NXDOMAIN, FAILING = range(4)
OF_ALL = 0xffffffff
SETTINGS = """edition 1
hostname "mx.example.test"
listen smtp on "127.0.0.1:25"
on rcpt { otherwise => reject 550 "no" }
route { otherwise => mx }
"""


class Names(threading.Thread):
    """Answers as resolve does: TXT from a table, the web server's address for mta-sts.*."""

    def __init__(self, channel, records):
        super().__init__(daemon=True)
        self.channel, self.records, self.asked = channel, records, []
        self.start()

    def run(self):
        try:
            while True:
                _, body = self.channel.receive()
                ticket, kind, name = body.take("<Q"), body.take("<H"), body.octets().decode()
                self.asked.append(name)
                self.say(ticket, *self.find(kind, name))
        except (EOFError, OSError):
            pass

    def find(self, kind, name):
        if kind == TXT:
            found = self.records.get(name.removeprefix("_mta-sts."), NXDOMAIN)
        elif kind == A:
            found = self.records.get(name, [bytes([127, 0, 0, 1])])
        else:
            found = NODATA
        return (found, []) if isinstance(found, int) else (FOUND, found)

    def say(self, ticket, result, records):
        self.channel.send("DNS_ANSWER", u64(ticket), u8(result), u8(0), u32(3600), octets(b""),
                          octets(b""), u32(len(records)), *[octets(r) for r in records])


class Policy:
    def __init__(self, body):
        self.ticket, self.result = body.take("<Q"), RESULTS[body.take("<B")]
        self.trouble, self.why = TROUBLES[body.take("<B")], body.octets().decode()
        self.mode, self.id = MODES[body.take("<B")], body.octets().decode()
        self.fetched, self.expires = body.take("<Q"), body.take("<Q")
        self.text = body.octets()
        self.mx = [body.octets().decode() for _ in range(body.take("<I"))]
        body.end()


class Sts:
    """The process, its spool's folder, and who asks it."""

    def __init__(self, web, records, spool=None, seconds=10):
        self.spool = spool or tempfile.mkdtemp(prefix="waybill-test-", dir="/var/tmp")
        if os.geteuid() == 0:
            os.chown(self.spool, pwd.getpwnam("nobody").pw_uid, -1)
        self.child = Child("fetch", env={"WAYBILL_STS_PORT": str(web.port),
                                         "WAYBILL_STS_SECONDS": str(seconds)},
                           args=("--spool", self.spool))
        self.names = Names(self.child.peer("resolve"), records)
        self.configure(web.ca)
        self.peer, self.ticket = self.child.peer("relay"), 0

    def configure(self, ca):
        text, image = (os.path.join(self.spool, name) for name in ("policy.conf", "image"))
        with open(text, "w", encoding="ascii") as f:
            f.write(SETTINGS)
        subprocess.run([f"{BUILD}/waybill", "compile", text, "-o", image], check=True)
        with open(image, "rb") as f:
            self.child.parent.send("CONFIG_IMAGE", u32(1), fd=f.fileno())
        with open(ca, "rb") as f:
            self.child.parent.send("CONFIG_AUTHORITIES", u32(1), u32(OF_ALL), fd=f.fileno())
        self.child.parent.send("CONFIG_DONE", u32(1))
        assert self.child.parent.receive()[0] == "READY"

    def send(self, domain):
        self.ticket += 1
        self.peer.send("STS_ASK", u64(self.ticket), octets(domain.encode()))
        return self.ticket

    def answer(self):
        name, body = self.peer.receive()
        assert name == "STS_POLICY", name
        return Policy(body)

    def ask(self, domain):
        ticket = self.send(domain)
        p = self.answer()
        assert p.ticket == ticket
        return p

    def stats(self):
        self.child.parent.send("STATS_WANTED", u64(1))
        name, body = self.child.parent.receive()
        assert name == "STATS", name
        for _ in range(25):
            body.take("<Q")
        return json.loads(body.octets())

    def path(self, domain=""):
        return os.path.join(self.spool, "mta-sts", domain)

    def kept(self):
        return sorted(os.listdir(self.path()))

    def wait_kept(self, domain, ident="1"):
        """Until it would outlive the process."""
        def there():
            try:
                with open(self.path(domain), "rb") as f:
                    return f"\nid {ident}\n".encode() in f.read()
            except FileNotFoundError:
                return False
        wait_for(there)

    def end(self, keep=False):
        self.child.__exit__(None, None, None)
        self.peer.close()
        self.names.join()
        self.names.channel.close()
        if not keep:
            shutil.rmtree(self.spool, ignore_errors=True)


def record(ident):
    return [f"v=STSv1; id={ident};".encode()]


def crc32c(data):
    """RFC 3720, appendix B.4."""
    crc = 0xffffffff
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def write_kept(spool, domain, ident, fetched, text):
    """A file as doc/mta-sts.md describes it."""
    rest = f"domain {domain}\nid {ident}\nfetched {int(fetched)}\n\n{text}".encode()
    folder = os.path.join(spool, "mta-sts")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, domain)
    with open(path, "wb") as f:
        f.write(b"waybill-sts 1 %08x\n" % crc32c(rest) + rest)
    if os.geteuid() == 0:
        for p in folder, path:
            os.chown(p, pwd.getpwnam("nobody").pw_uid, -1)


GOOD = enforce(["MX1.good.test", "*.good.test"], max_age=604800)


class Fetched(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.web = HttpsServer()
        cls.records = {}
        cls.sts = Sts(cls.web, cls.records, seconds=1)

    @classmethod
    def tearDownClass(cls):
        cls.sts.end()
        cls.web.stop()

    def publish(self, domain, text, ident="1", **kw):
        self.web.sts(domain, text, **kw)
        self.records[domain] = record(ident)

    def none(self, domain, trouble, why):
        p = self.sts.ask(domain)
        self.assertEqual((p.result, p.trouble), ("none", trouble), p.why)
        self.assertIn(why, p.why)
        self.assertNotIn(domain, self.sts.kept())

    def test_a_policy(self):
        self.publish("good.test", GOOD, "2026a")
        p = self.sts.ask("Good.Test.")
        self.assertEqual((p.result, p.trouble, p.mode, p.id), ("found", "", "enforce", "2026a"))
        self.assertEqual(p.mx, ["mx1.good.test", "*.good.test"])
        self.assertEqual(p.text, GOOD.encode())
        self.assertEqual(p.expires - p.fetched, 604800)
        self.assertLess(abs(p.fetched - time.time()), PATIENCE)
        again = self.sts.ask("good.test")
        self.assertEqual(again.text, p.text)
        self.assertEqual(len(self.web.asked("mta-sts.good.test")), 1)
        self.assertEqual(self.sts.names.asked.count("_mta-sts.good.test"), 1)
        self.sts.wait_kept("good.test", "2026a")

    def test_the_other_modes(self):
        self.publish("testing.test", policy("testing", ["mx.testing.test"], end="\n"))
        self.assertEqual(self.sts.ask("testing.test").mode, "testing")
        self.publish("gone.test", policy("none", max_age=0))
        p = self.sts.ask("gone.test")
        self.assertEqual((p.result, p.mode, p.mx), ("found", "none", []))

    def test_parameters_of_the_type(self):
        self.publish("charset.test", GOOD, type="Text/Plain; charset=utf-8")
        self.assertEqual(self.sts.ask("charset.test").result, "found")

    def test_no_record_no_question(self):
        n = self.web.connections
        self.none("nosuch.test", "", "")
        self.records["empty.test"] = NODATA
        self.none("empty.test", "", "")
        self.records["failing.test"] = FAILING
        self.none("failing.test", "", "")
        self.records["other.test"] = [b"v=spf1 -all", b"v=STSv2; id=1;"]
        self.none("other.test", "", "")
        self.assertEqual(self.web.connections, n)

    def test_a_record_that_is_not_one(self):
        n = self.web.connections
        self.records["two.test"] = record("1") + record("2")
        self.none("two.test", "", "")
        self.records["bad.test"] = [b"v=STSv1; id=a-b;"]
        self.none("bad.test", "", "")
        self.assertEqual(self.web.connections, n)

    def test_no_domain_no_policy(self):
        n = len(self.sts.names.asked)
        for domain in "[192.0.2.1]", "a..b", "-a.test", "a_b.test", "a" * 64 + ".test", "":
            self.none(domain, "", "")
        self.assertEqual(len(self.sts.names.asked), n)

    def test_certificates(self):
        for domain, how in (("expired.test", {"expired": True}), ("unknown.test", {"by": "stranger"}),
                            ("wrong.test", {"names": "DNS:wrong.test"})):
            self.web.host(f"mta-sts.{domain}", **how)
            self.publish(domain, GOOD)
            self.none(domain, "webpki-invalid", "untrusted")
            self.assertEqual(self.web.asked(f"mta-sts.{domain}"), [])

    def test_answers_that_are_no_policy(self):
        for domain, trouble, why, how in (
                ("status.test", "fetch-error", "says 404", {"status": 404}),
                ("moved.test", "fetch-error", "says 301", {"status": 301, "headers": {
                    "Location": f"https://mta-sts.good.test:{self.web.port}{STS_PATH}"}}),
                ("html.test", "invalid", "text/plain", {"type": "text/html"}),
                ("broken.test", "fetch-error", "broken", {"length": 9999}),
                ("slow.test", "fetch-error", "slow", {"delay": PATIENCE})):
            self.publish(domain, GOOD, **how)
            self.none(domain, trouble, why)

    def test_texts_that_are_no_policy(self):
        for domain, why, text in (
                ("syntax.test", "has no ':'", "version: STSv1\r\nnonsense\r\n"),
                ("version.test", "version", GOOD.replace("STSv1", "STSv2")),
                ("nomx.test", "no mx", enforce([])),
                ("noage.test", "no max_age", "version: STSv1\nmode: none\n"),
                ("large.test", "large", GOOD + "x: " + "y" * 65536)):
            self.publish(domain, text)
            self.none(domain, "invalid", why)

    def test_nobody_is_there(self):
        self.publish("away.test", GOOD)
        self.records["mta-sts.away.test"] = [bytes([127, 0, 0, 2])]
        self.none("away.test", "fetch-error", "no-connect")
        self.publish("nohost.test", GOOD)
        self.records["mta-sts.nohost.test"] = NXDOMAIN
        self.none("nohost.test", "fetch-error", "no-host")

    def test_who_was_never_asked_for_others_is_no_failure(self):
        """As many servers as are asked at once take all the time there is."""
        with socket.create_server(("127.0.0.9", self.web.port), backlog=200):
            for i in range(64):
                self.records[f"slow{i}.test"] = record("1")
                self.records[f"mta-sts.slow{i}.test"] = [bytes([127, 0, 0, 9])]
                self.sts.send(f"slow{i}.test")
            self.publish("behind.test", GOOD)
            last = self.sts.send("behind.test")
            answers = {p.ticket: p for p in (self.sts.answer() for _ in range(65))}
        self.assertEqual((answers[last].result, answers[last].trouble), ("later", ""))
        self.assertEqual({p.trouble for t, p in answers.items() if t != last}, {"fetch-error"})
        self.assertEqual(self.sts.ask("behind.test").result, "found")

    def test_a_failure_is_remembered(self):
        self.publish("again.test", "nothing")
        self.none("again.test", "invalid", "")
        self.none("again.test", "invalid", "")
        self.assertEqual(len(self.web.asked("mta-sts.again.test")), 1)

    def test_many_who_wait_for_one(self):
        self.publish("busy.test", GOOD, delay=0.3)
        tickets = [self.sts.send("busy.test") for _ in range(50)]
        answers = [self.sts.answer() for _ in tickets]
        self.assertEqual(sorted(p.ticket for p in answers), tickets)
        self.assertEqual({p.result for p in answers}, {"found"})
        self.assertEqual(len(self.web.asked("mta-sts.busy.test")), 1)

    def test_whoever_asks_may_go(self):
        self.publish("left.test", GOOD, delay=0.3)
        peer = self.sts.child.peer("relay")
        peer.send("STS_ASK", u64(1), octets(b"left.test"))
        wait_for(lambda: self.web.asked("mta-sts.left.test"))
        peer.close()
        self.sts.wait_kept("left.test")
        self.assertEqual(self.sts.ask("left.test").result, "found")

    def test_nonsense_closes_the_channel_but_not_the_process(self):
        peer = self.sts.child.peer("relay")
        peer.send("STS_ASK", u64(1), u16(7))
        with self.assertRaises(EOFError):
            peer.receive()
        peer.close()
        self.none("nosuch.test", "", "")


class Kept(unittest.TestCase):
    def setUp(self):
        self.web = HttpsServer()
        self.records = {}
        self.spool = tempfile.mkdtemp(prefix="waybill-test-", dir="/var/tmp")
        self.sts = None

    def tearDown(self):
        if self.sts:
            self.sts.end()
        shutil.rmtree(self.spool, ignore_errors=True)
        self.web.stop()

    def start(self):
        """Another process in the place of the one before."""
        if self.sts:
            self.sts.end(keep=True)
        self.sts = Sts(self.web, self.records, self.spool)

    def fetch(self, text=GOOD, ident="1"):
        self.web.sts("kept.test", text)
        self.records["kept.test"] = record(ident)
        self.start()
        self.assertEqual(self.sts.ask("kept.test").id, ident)
        self.sts.wait_kept("kept.test", ident)

    def times_asked(self):
        return len(self.web.asked("mta-sts.kept.test"))

    def test_it_survives_the_process(self):
        self.fetch()
        before = self.sts.ask("kept.test")
        self.start()
        p = self.sts.ask("kept.test")
        self.assertEqual((p.text, p.id, p.mx, p.fetched, p.expires),
                         (before.text, before.id, before.mx, before.fetched, before.expires))
        self.assertEqual(self.times_asked(), 1)

    def test_another_id_is_another_policy(self):
        self.fetch()
        self.web.sts("kept.test", enforce(["other.kept.test"]))
        self.records["kept.test"] = record("2")
        self.start()
        p = self.sts.ask("kept.test")
        self.assertEqual((p.id, p.mx), ("2", ["other.kept.test"]))
        self.sts.wait_kept("kept.test", "2")
        self.start()
        self.assertEqual(self.sts.ask("kept.test").id, "2")
        self.assertEqual(self.times_asked(), 2)

    def test_what_is_kept_holds_when_another_cannot_be_fetched(self):
        self.fetch()
        self.web.sts("kept.test", "nonsense")
        self.records["kept.test"] = record("2")
        self.start()
        p = self.sts.ask("kept.test")
        self.assertEqual((p.result, p.id, p.trouble), ("found", "1", "invalid"))
        self.web.host("mta-sts.kept.test", expired=True)
        self.start()
        p = self.sts.ask("kept.test")
        self.assertEqual((p.result, p.id, p.trouble), ("found", "1", "webpki-invalid"))

    def test_what_is_kept_holds_without_a_record(self):
        self.fetch()
        for answer in NXDOMAIN, NODATA, FAILING, [b"v=STSv1; nonsense"]:
            self.records["kept.test"] = answer
            self.start()
            p = self.sts.ask("kept.test")
            self.assertEqual((p.result, p.id, p.trouble), ("found", "1", ""))
        self.assertEqual(self.times_asked(), 1)

    def test_an_expired_one_is_fetched_again(self):
        write_kept(self.spool, "kept.test", "1", time.time() - 700000, GOOD)
        self.fetch()
        self.assertEqual(self.times_asked(), 1)

    def test_an_expired_one_without_another_is_none(self):
        write_kept(self.spool, "kept.test", "1", time.time() - 700000, GOOD)
        self.start()
        self.assertEqual(self.sts.ask("kept.test").result, "none")
        wait_for(lambda: self.sts.kept() == [])

    def test_an_old_one_is_fetched_again_and_nobody_waits(self):
        then = int(time.time()) - 100000
        write_kept(self.spool, "kept.test", "1", then, GOOD)
        self.web.sts("kept.test", GOOD, delay=0.5)
        self.records["kept.test"] = record("1")
        self.start()
        self.assertEqual(self.sts.ask("kept.test").fetched, then)
        wait_for(lambda: self.sts.ask("kept.test").fetched > then)
        self.assertEqual(self.times_asked(), 1)

    def test_an_old_one_holds_when_it_cannot_be_fetched_again(self):
        then = int(time.time()) - 100000
        write_kept(self.spool, "kept.test", "1", then, GOOD)
        self.web.sts("kept.test", GOOD, status=500)
        self.records["kept.test"] = record("1")
        self.start()
        p = wait_for(lambda: (lambda p: p.trouble and p)(self.sts.ask("kept.test")))
        self.assertEqual((p.result, p.fetched, p.trouble), ("found", then, "fetch-error"))
        self.assertEqual(self.times_asked(), 1)

    def test_a_damaged_file_is_none(self):
        self.fetch()
        path = self.sts.path("kept.test")
        with open(path, "r+b") as f:
            text = f.read().replace(b"enforce", b"testing")
            f.seek(0)
            f.write(text)
        for name in ".kept.test.new", "other.test":
            shutil.copy(path, self.sts.path(name))
        self.records["kept.test"] = NXDOMAIN
        self.start()
        self.assertEqual(self.sts.ask("kept.test").result, "none")
        self.assertEqual(self.sts.kept(), [])

    def test_a_file_by_another_name_is_none(self):
        self.fetch()
        shutil.copy(self.sts.path("kept.test"), self.sts.path("other.test"))
        self.start()
        self.assertEqual(self.sts.ask("other.test").result, "none")
        self.assertEqual(self.sts.kept(), ["kept.test"])

    def test_a_clock_that_was_wrong(self):
        write_kept(self.spool, "kept.test", "1", time.time() + 10**7, GOOD)
        self.records["kept.test"] = NXDOMAIN
        self.start()
        self.assertLess(self.sts.ask("kept.test").fetched, time.time() + PATIENCE)

    def test_without_room_on_the_disk_it_serves_all_the_same(self):
        self.start()
        shutil.rmtree(self.sts.path())
        self.web.sts("kept.test", GOOD)
        self.records["kept.test"] = record("1")
        self.assertEqual(self.sts.ask("kept.test").result, "found")
        wait_for(lambda: self.sts.stats()["sts_unwritten"] == 1)
        self.assertEqual(self.sts.ask("kept.test").result, "found")

    def test_killed_between_question_and_answer(self):
        self.web.sts("kept.test", GOOD, delay=1)
        self.records["kept.test"] = record("1")
        self.start()
        self.sts.send("kept.test")
        wait_for(self.times_asked)
        self.sts.child.proc.kill()
        with self.assertRaises(EOFError):
            self.sts.answer()
        self.start()
        self.assertEqual(self.sts.ask("kept.test").result, "found")

    def test_it_ends_with_its_parent(self):
        self.fetch()
        self.assertEqual(self.sts.child.stop(), 0)


SERVED = """edition 1
hostname "mail.here.test"
authorities file "CA"
listen smtp on "127.0.0.1:@PORT@"
queue { retry 1s, 2s }
mx { authorities file "CA" }
net self = { 127.0.0.0/8 }
on rcpt { client.ip in self => accept }
route { otherwise => mx }
"""


class Served(unittest.TestCase):
    """The whole server: resolve, fetch, relay, a mail host with TLS, a web server."""

    @classmethod
    def setUpClass(cls):
        cls.web = HttpsServer()
        cls.web.certs.make("mx", names="DNS:mx.kept.test", by="authority")
        cls.web.sts("kept.test", enforce(["*.kept.test"]))
        cls.web.sts("other.test", enforce(["elsewhere.other.test"]))
        cls.dns = NameServer([r for d in ("kept.test", "other.test") for r in (
            f"{d}. MX 10 mx.kept.test.", f"mta-sts.{d}. A 127.0.0.1",
            f'_mta-sts.{d}. TXT "v=STSv1; id=1;"')] + ["mx.kept.test. A 127.0.0.1"])
        cls.hop = Hop(cert=(cls.web.certs.path("mx.pem"), cls.web.certs.path("mx.key")))

    @classmethod
    def tearDownClass(cls):
        cls.hop.stop()
        cls.dns.stop()
        cls.web.stop()

    def server(self, **env):
        return Server(SERVED.replace("CA", self.web.ca), env={
            "WAYBILL_RESOLVER": self.dns.address, "WAYBILL_MX_PORT": str(self.hop.port),
            "WAYBILL_STS_PORT": str(self.web.port), **env})

    def send(self, s, to):
        with s.smtp() as c:
            c.sendmail("ann@here.test", [to], "Subject: x\r\n\r\nx\r\n")

    def delivered(self, s):
        n = len(self.hop.messages)
        self.send(s, "bob@kept.test")
        wait_for(lambda: len(self.hop.messages) > n)
        wait_for(lambda: not s.queue())
        self.assertIn("by=sts", s.log())

    def test_an_enforced_policy(self):
        with self.server() as s:
            self.delivered(s)
            self.assertTrue(os.path.exists(os.path.join(s.spool, "mta-sts", "kept.test")))
            shown = json.loads(s.waybill("sts", "--json").stdout)
            self.assertEqual([(p["domain"], p["mode"], p["mx"]) for p in shown],
                             [("kept.test", "enforce", ["*.kept.test"])])
            self.assertIn("kept.test", s.waybill("sts", "kept.test").stdout)

    def test_a_host_that_the_policy_has_not(self):
        with self.server() as s:
            n = len(self.hop.messages)
            self.send(s, "bob@other.test")
            wait_for(lambda: "by=sts" in s.log() or "MTA-STS" in s.log())
            self.assertEqual(len(self.hop.messages), n)
            self.assertEqual(len(s.queue()), 1)

    def test_killed_between_question_and_answer(self):
        for process, message in (("fetch", "STS_ASK"), ("relay", "STS_POLICY")):
            kill = f"{process}:{TYPES.index(message)}"
            with self.server(WAYBILL_TEST_KILL=kill) as s:
                self.delivered(s)
                self.assertIn("signal 9", s.log().replace("signal=9", "signal 9"))


if __name__ == "__main__":
    os.environ.setdefault("WB_BUILD", os.getcwd())
    unittest.main()
