"""The fetch process against HTTPS servers of every kind, by its own channel."""
import os
import time
import unittest

from channel import Child, octets, u8, u16, u32, u64
from https_server import Answer, HttpsServer
from nameserver import NameServer
from server import PATIENCE, free_port

RESULTS = ["done", "no-host", "no-connect", "tls", "untrusted", "slow", "large", "broken",
           "refused", "cannot"]
GET, POST = 0, 1
STRANGERS, TOKENS = "0", "1"
OF_ALL = 0xffffffff

HOSTS = ["good", "wrongname", "expired", "stranger", "redirect", "slow", "drops", "large",
         "endless", "broken", "nonsense", "post", "late", "header", "gone"]
RECORDS = [f"{name}.web.test. A 127.0.0.1" for name in HOSTS] + [
    "two.web.test. A 127.0.0.1", "two.web.test. AAAA ::1", "empty.web.test. TXT x"]


class Fetch:
    """The process, its parent played by us."""

    def __init__(self, ca, resolver, instance=TOKENS, env=None, args=()):
        self.child = Child("fetch", env=env, args=args, instance=instance)
        self.resolve = Child("resolve", env={"WAYBILL_RESOLVER": resolver})
        self.child.join("resolve", self.resolve, "fetch")
        self.authorities(ca)
        self.peer = self.child.peer("relay" if instance == STRANGERS else "smtp")
        self.ticket = 0

    def authorities(self, path, generation=1):
        with open("/dev/null", "rb") as image:
            self.child.parent.send("CONFIG_IMAGE", u32(generation), fd=image.fileno())
        if path:
            with open(path, "rb") as f:
                self.child.parent.send("CONFIG_AUTHORITIES", u32(generation), u32(OF_ALL),
                                       fd=f.fileno())
        self.child.parent.send("CONFIG_DONE", u32(generation))
        assert self.child.parent.receive()[0] == "READY"

    def send(self, url, method=GET, kind=b"", headers=b"", body=b"", most=65536, seconds=10,
             redirects=0):
        self.ticket += 1
        self.peer.send("HTTP_ASK", u64(self.ticket), u8(method), octets(url.encode()),
                       octets(kind), octets(headers), octets(body), u32(most), u32(seconds),
                       u8(redirects))
        return self.ticket

    def answer(self):
        name, body = self.peer.receive()
        assert name == "HTTP_ANSWER", name
        got = (body.take("<Q"), RESULTS[body.take("<B")], body.take("<H"), body.octets(),
               body.octets(), body.octets().decode())
        body.end()
        return got

    def ask(self, url, **kw):
        """result, status, type, body, why"""
        ticket = self.send(url, **kw)
        ticket_too, *rest = self.answer()
        assert ticket == ticket_too
        return rest

    def stop(self):
        self.child.__exit__(None, None, None)
        self.resolve.__exit__(None, None, None)
        self.peer.close()


class Https(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.web = HttpsServer()
        cls.dns = NameServer(RECORDS, refused=["failing.test."])
        cls.fetch = Fetch(cls.web.ca, cls.dns.address)
        cls.script(cls.web)

    @classmethod
    def tearDownClass(cls):
        cls.fetch.stop()
        cls.dns.stop()
        cls.web.stop()

    @staticmethod
    def script(web):
        web.host("wrongname.web.test", names="DNS:other.web.test")
        web.host("expired.web.test", expired=True)
        web.host("stranger.web.test", by="stranger")
        for name, a in {
                "good": Answer(body=b"all is well"),
                "two": Answer(body=b"by the second address"),
                "wrongname": Answer(), "expired": Answer(), "stranger": Answer(),
                "redirect": Answer(302, headers={
                    "Location": f"https://good.web.test:{web.port}/x"}),
                "slow": Answer(delay=PATIENCE), "drops": Answer(body=b"x" * 1000, drop=0.5),
                "large": Answer(body=b"x" * 70000), "endless": Answer(body=b"x" * 999, endless=True),
                "broken": Answer(body=b"half", length=8), "nonsense": Answer(raw=b"\0\1\2\3" * 99),
                "header": Answer(headers={f"X-{i}": "y" * 9000 for i in range(20)})}.items():
            web.on(f"{name}.web.test", "/x", a)
        web.on("post.web.test", "/x", lambda r: Answer(201, r.body[::-1], r.headers["content-type"]))

    def url(self, name, path="/x"):
        return f"https://{name}.web.test:{self.web.port}{path}"

    def ask(self, name, **kw):
        return self.fetch.ask(self.url(name), **kw)

    def test_a_page(self):
        self.assertEqual(self.ask("good"), ["done", 200, b"text/plain", b"all is well", ""])
        self.assertEqual(self.fetch.ask(self.url("good", "/nosuch"))[:2], ["done", 404])
        r = self.web.asked("good.web.test")[-1]
        self.assertEqual((r.method, r.headers["user-agent"]), ("GET", "Waybill"))

    def test_a_post(self):
        got = self.ask("post", method=POST, kind=b"text/x", headers=b"X-One: 1\nX-Two: 2\n",
                       body=b"abc" * 20000)
        self.assertEqual(got, ["done", 201, b"text/x", b"cba" * 20000, ""])
        r = self.web.asked("post.web.test")[-1]
        self.assertEqual((r.headers["x-one"], r.headers["x-two"]), ("1", "2"))
        self.assertNotIn("expect", r.headers)

    def test_a_post_of_nothing(self):
        got = self.ask("post", method=POST, kind=b"text/x")
        self.assertEqual(got[:4], ["done", 201, b"text/x", b""])

    def test_a_header_line_is_one_line(self):
        self.ask("good", headers=b"X-One: 1\rX-Two: 2\nX-Three: 3\n")
        r = self.web.asked("good.web.test")[-1]
        self.assertNotIn("x-one", r.headers)
        self.assertNotIn("x-two", r.headers)
        self.assertEqual(r.headers["x-three"], "3")

    def test_certificates_are_verified(self):
        for name in "wrongname", "expired", "stranger":
            result, *_, why = self.ask(name)
            self.assertEqual(result, "untrusted", name)
            self.assertIn("127.0.0.1", why)
            self.assertEqual(self.web.asked(f"{name}.web.test"), [], "nothing was asked there")

    def test_no_authorities_nobody_is_trusted(self):
        f = Fetch(None, self.dns.address)
        try:
            self.assertIn(f.ask(self.url("good"))[0], ("tls", "untrusted"))
            f.authorities(self.web.ca, 2)
            self.assertEqual(f.ask(self.url("good"))[0], "done")
            f.authorities("/dev/null", 3)       # what cannot be used changes nothing
            self.assertEqual(f.ask(self.url("good"))[0], "done")
        finally:
            f.stop()

    def test_redirects_only_when_asked_for(self):
        self.assertEqual(self.ask("redirect")[:2], ["done", 302])
        self.assertEqual(self.ask("redirect", redirects=1)[3], b"all is well")

    def test_no_redirect_to_http(self):
        self.web.on("redirect.web.test", "/http", Answer(302, headers={
            "Location": "http://good.web.test/"}))
        self.web.on("redirect.web.test", "/loop", Answer(302, headers={
            "Location": "/loop"}))
        self.assertEqual(self.fetch.ask(self.url("redirect", "/http"), redirects=5)[0], "refused")
        n = len(self.web.asked())
        self.assertEqual(self.fetch.ask(self.url("redirect", "/loop"), redirects=3)[:2],
                         ["done", 302])
        self.assertEqual(len(self.web.asked()), n + 4)

    def test_a_secret_does_not_follow_a_redirect(self):
        self.ask("redirect", redirects=1, headers=b"Authorization: secret\n")
        self.assertNotIn("authorization", self.web.asked("good.web.test")[-1].headers)

    def test_time_is_limited(self):
        for name in "slow", "drops":
            began = time.monotonic()
            self.assertEqual(self.ask(name, seconds=1)[0], "slow", name)
            self.assertLess(time.monotonic() - began, PATIENCE / 2)

    def test_octets_are_limited(self):
        for name in "large", "endless":
            self.assertEqual(self.ask(name)[0], "large", name)
        self.assertEqual(self.ask("large", most=70000)[:2], ["done", 200])
        self.assertEqual(self.ask("header")[0], "large")

    def test_what_is_broken(self):
        for name in "broken", "nonsense":
            self.assertEqual(self.ask(name)[0], "broken", name)

    def test_nobody_there(self):
        gone = f"https://gone.web.test:{free_port()}/"
        self.assertEqual(self.fetch.ask(gone)[0], "no-connect")
        self.assertEqual(self.fetch.ask("https://nosuch.web.test/")[0], "no-host")
        self.assertEqual(self.fetch.ask("https://empty.web.test/")[0], "no-host")
        self.assertEqual(self.fetch.ask("https://a.failing.test/")[0], "no-host")

    def test_each_address_is_tried(self):
        """Nobody listens on ::1."""
        self.assertEqual(self.ask("two")[3], b"by the second address")

    def test_urls_that_are_refused(self):
        for url in ("http://good.web.test/", "file:///etc/passwd", "https://", "https://u@good/",
                    "https://good.web.test:0/", "https://a b/", "https:///x", "ftp://x/"):
            self.assertEqual(self.fetch.ask(url)[0], "refused", url)

    def test_many_at_once(self):
        n = 200
        tickets = [self.fetch.send(self.url("good"), seconds=60) for _ in range(n)]
        answers = [self.fetch.answer() for _ in range(n)]
        self.assertEqual(sorted(a[0] for a in answers), tickets)
        self.assertEqual({a[1] for a in answers}, {"done"})

    def test_nonsense_closes_the_channel_but_not_the_process(self):
        peer = self.fetch.child.peer("smtp")
        peer.send("HTTP_ASK", u64(1), u8(9), u16(0))
        with self.assertRaises(EOFError):
            peer.receive()
        peer.close()
        self.assertEqual(self.ask("good")[0], "done")

    def test_whoever_asks_may_go(self):
        peer = self.fetch.child.peer("smtp")
        peer.send("HTTP_ASK", u64(1), u8(GET), octets(self.url("slow").encode()), octets(b""),
                  octets(b""), octets(b""), u32(9), u32(60), u8(0))
        peer.close()
        self.assertEqual(self.ask("good")[0], "done")


if __name__ == "__main__":
    os.environ.setdefault("WB_BUILD", os.getcwd())
    unittest.main()
