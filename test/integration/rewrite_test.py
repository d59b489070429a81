"""Addresses that become others, in the whole server: what rules see, what a mailbox gets, what
leaves; and attachments and header text, which the confined process must be able to read."""
import shutil
import smtplib
import subprocess
import unittest

from server import Server, wait_for
from sink import Sink

POLICY = """edition 1
hostname "mx.here.example"
listen smtp on "127.0.0.1:@PORT@"
set ours = { "here.example" }
net here = { 127.0.0.0/8 }
map users = text "@DIR@/users" as accounts
map names = { "colin" = "colin.murphy", "spaced" = "two words" }
map broken = { "broken@here.example" = "no address <" }
mailbox box { accounts users; path "@DIR@/mail/{user}" }
relay hop { host "127.0.0.1" port @HOP@ }
rewrite inbound sender {
    "{who in broken}" => broken[who]
    "{user}@{host}.here.example" => "{user}@here.example"
}
rewrite inbound rcpt {
    "{user}@old.example" => "{user}@here.example"
    "{user}%{host}@here.example" => "{user}@{host}"
}
rewrite outbound sender, header {
    "{user}@unsayable.example" => broken["broken@here.example"]
    "{user in names}@here.example" => "{names[user]}@example.com"
    "{user}@here.example" => "{user}@example.com"
}
rewrite outbound rcpt {
    "{user}@far.example" => "{user}@nearer.example"
}
on rcpt {
    client.ip in here => accept
}
on content {
    attachments matches /\\.exe$/i => reject 554 5.7.1 "no programs"
    header["Subject"] == "Спам" => reject 554 5.7.1 "no such subject"
}
route {
    rcpt.domain in ours => deliver box
    otherwise           => relay hop
}
"""

HEADER = """From: "Colin  M." (me)\r\n\t<colin@here.example>\r
To: Friends: ann@far.example,\r\n  <ann(1)@here.example(2)>;, "x y"@here.example\r
Cc: spaced@here.example\r
Subject: colin@here.example\r
"""

REWRITTEN = """From: "Colin  M." (me)\r\n\t<colin.murphy@example.com>\r
To: Friends: ann@far.example,\r\n  <ann(1)@example.com(2)>;, "x y"@example.com\r
Cc: "two words"@example.com\r
Subject: colin@here.example\r
"""


class Rewriting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.refuses = False
        cls.hop = Sink(script=cls.script)
        cls.server = Server(POLICY.replace("@HOP@", str(cls.hop.port)),
                            tables={"users": "ann:x\nbob:x\n"})

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)
        cls.hop.__exit__()

    @classmethod
    def script(cls, verb, argument, session):
        del session
        if cls.refuses and verb == "RCPT" and "refused" in argument:
            return b"550 5.1.1 not here\r\n"
        return None

    def setUp(self):
        self.hop.messages.clear()
        for user in ("ann", "bob"):
            shutil.rmtree(f"{self.server.dir}/mail/{user}", ignore_errors=True)

    def send(self, sender, rcpts, text="Subject: x\r\n\r\nx\r\n", charset=None):
        with self.server.smtp() as c:
            c.sendmail(sender, rcpts, text.encode(charset or "ascii"))

    def left(self, n=1):
        wait_for(lambda: len(self.hop.messages) >= n)
        return self.hop.messages

    def test_envelope_that_leaves(self):
        self.send("colin@desk.here.example", ["ann@far.example", "bob@other.example"])
        messages = self.left()
        self.assertEqual(len(messages), 1)
        self.assertTrue(messages[0]["from"].startswith("FROM:<colin.murphy@example.com>"))
        self.assertEqual(sorted(messages[0]["to"]), ["ann@nearer.example", "bob@other.example"])

    def test_what_stays_keeps_its_envelope(self):
        self.send("colin@desk.here.example", ["bob@old.example", "ann@far.example"])
        text = self.server.wait_mail("bob")[0]
        self.assertIn(b"Return-Path: <colin@here.example>", text)
        self.assertIn(b"Delivered-To: bob@here.example", text)
        self.assertTrue(self.left()[0]["from"].startswith("FROM:<colin.murphy@example.com>"))

    def test_header(self):
        for filler in ("x\r\n", ("x" * 78 + "\r\n") * 20000):  # in memory, and in a file
            with self.subTest(octets=len(filler)):
                self.hop.messages.clear()
                self.send("colin@here.example", ["ann@far.example"], HEADER + "\r\n" + filler)
                data = self.left()[0]["data"].decode()
                self.assertEqual(data[data.index("From: "):], REWRITTEN + "\r\n" + filler)

    def test_quoted_local_parts(self):
        self.send('"a b"@desk.here.example', ['"c d"@far.example'])
        message = self.left()[0]
        self.assertTrue(message["from"].startswith('FROM:<"a b"@example.com>'))
        self.assertEqual(message["to"], ['"c d"@nearer.example'])
        self.hop.messages.clear()
        self.send("spaced@here.example", ["x@far.example"])
        self.assertTrue(self.left()[0]["from"].startswith('FROM:<"two words"@example.com>'))

    def test_percent(self):
        self.send("colin@here.example", ["ann%far.example@here.example"])
        self.assertEqual(self.left()[0]["to"], ["ann@nearer.example"])

    def test_null_sender(self):
        self.send("", ["ann@far.example"])
        self.assertTrue(self.left()[0]["from"].startswith("FROM:<>"))

    def test_bounce_goes_to_who_stood_in_the_envelope(self):
        type(self).refuses = True
        try:
            self.send("colin@desk.here.example", ["refused@far.example"])
            message = self.left()[0]
        finally:
            type(self).refuses = False
        self.assertTrue(message["from"].startswith("FROM:<>"))
        self.assertEqual(message["to"], ["colin.murphy@example.com"])
        # Whom the client named, not what became of him.
        self.assertIn(b"Final-Recipient: rfc822; refused@far.example", message["data"])

    def test_undecided_inbound(self):
        with self.server.smtp() as c:
            c.helo("client.example")
            code, text = c.mail("broken@here.example")
            self.assertEqual((code, text[:5]), (451, b"4.3.0"))
            self.assertEqual(c.mail("colin@here.example")[0], 250)
        with self.assertRaises(smtplib.SMTPDataError) as e:
            self.send("colin@here.example", ["ann@here.example"],
                      "To: x@unsayable.example\r\n\r\n")
        self.assertEqual(e.exception.smtp_code, 451)

    def test_undecided_outbound(self):
        self.send("x@unsayable.example", ["ann@far.example", "bob@here.example"])
        self.server.wait_mail("bob")
        wait_for(lambda: "deferred" in self.server.log() and
                 "cannot be rewritten" in self.server.log())
        self.assertEqual(self.hop.messages, [])
        for message in self.server.queue():
            self.server.waybill("queue", "remove", message["id"])

    @unittest.skipUnless(shutil.which("swaks"), "no swaks")
    def test_swaks(self):
        r = subprocess.run(
            ["swaks", "--server", "127.0.0.1", "--port", str(self.server.port),
             "--from", "colin@desk.here.example", "--to", "ann@far.example",
             "--h-From", "Colin <colin@here.example>", "--body", "by swaks"],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        message = self.left()[0]
        self.assertEqual(message["to"], ["ann@nearer.example"])
        self.assertIn(b"\r\nFrom: Colin <colin.murphy@example.com>\r\n", message["data"])

    def test_what_the_confined_process_reads(self):
        for header in ("Subject: =?koi8-r?B?89DBzQ==?=\r\n",
                       "Content-Type: a/b; name*=windows-1252''x%2eEXE\r\n"):
            with self.subTest(header), self.assertRaises(smtplib.SMTPDataError) as e:
                self.send("a@b.example", ["ann@here.example"], header + "\r\n")
            self.assertEqual(e.exception.smtp_code, 554)


if __name__ == "__main__":
    unittest.main()
