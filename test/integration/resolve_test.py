"""The resolve process against a real name server, by its own channel."""
import os
import socket
import time
import unittest

from channel import Child, octets, u16, u64
from nameserver import NameServer
from server import free_port

A, PTR, MX, TXT, AAAA = 1, 12, 15, 16, 28
FOUND, NODATA, NXDOMAIN, FAILING = range(4)

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
    def __init__(self, resolver):
        self.child = Child("resolve", env={"WAYBILL_RESOLVER": resolver})
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
        body.take("<B"), body.take("<I"), body.octets()     # trust, ttl, canonical name
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
