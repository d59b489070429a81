#!/usr/bin/env python3
"""People hand in their mail: what is mended of it, and how much they may send."""
import smtplib
import unittest

from server import Server, wait_for

POLICY = """
edition 1
hostname "mx.example"
set ours = { "here.example" }
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
listen submission on "127.0.0.1:@PORT2@" { accounts users; auth required; auth in clear; tls none }
listen lmtp on "127.0.0.1:@PORT3@" { accounts users; auth required; auth in clear; tls none }
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
limits { %s }
on rcpt {
    client.authenticated => accept
    rcpt.domain in ours => accept
}
route { rcpt.domain in ours => deliver boxes; otherwise => reject }
"""
USERS = "ann:{PLAIN}secret-ann\nbob:{PLAIN}secret-bob\n"
BARE = "Subject: hello\r\nTo: bob@here.example\r\nBcc: ann@here.example\r\n\r\nhello\r\n"


class Submission(unittest.TestCase):
    def server(self, limits=""):
        s = Server(POLICY % limits, tables={"users": USERS})
        self.addCleanup(s.__exit__, None, None, None)
        with open(s.policy, encoding="ascii") as f:
            text = f.read()
        self.port, self.lmtp_port = (int(text.split(kind + " on \"127.0.0.1:")[1].split("\"")[0])
                                     for kind in ("submission", "lmtp"))
        return s

    def login(self, user="ann"):
        c = smtplib.SMTP("127.0.0.1", self.port, timeout=60)
        self.addCleanup(c.close)
        c.ehlo("client.example")
        c.login(user, f"secret-{user}")
        return c

    def send(self, c, content=BARE, rcpts=("bob@here.example",)):
        return c.sendmail("ann@here.example", list(rcpts), content)

    def refused(self, code, status, call, *args):
        with self.assertRaises(smtplib.SMTPException) as caught:
            call(*args)
        e = caught.exception
        if isinstance(e, smtplib.SMTPRecipientsRefused):
            said = list(e.recipients.values())[0]
        else:
            said = (e.smtp_code, e.smtp_error)
        self.assertEqual(said[0], code, said)
        self.assertTrue(said[1].startswith(status), said)

    def test_a_header_is_made_whole(self):
        s = self.server()
        self.send(self.login())
        got = wait_for(lambda: s.maildir("bob"))[0].decode()
        for field in ("Date: ", "From: ann@here.example", "Message-ID: <", "Subject: hello"):
            self.assertIn("\n" + field, got)
        self.assertNotIn("Bcc", got)
        self.assertRegex(s.log(), r"accepted id=\S+ from=ann@here\.example .* user=ann policy=")

    def test_other_listeners_mend_nothing(self):
        s = self.server()
        with s.smtp() as c:
            c.sendmail("x@y.example", ["bob@here.example"], BARE)
        got = wait_for(lambda: s.maildir("bob"))[0].decode()
        self.assertIn("\nBcc: ann@here.example", got)
        self.assertNotIn("\nMessage-ID:", got)
        self.assertRegex(s.log(), r"accepted id=\S+ from=x@y\.example .* user=- policy=")

    def test_messages(self):
        s = self.server("user messages 2/1h")
        c = self.login()
        self.send(c)
        self.send(self.login())
        self.refused(450, b"4.7.1", self.send, c)
        self.refused(450, b"4.7.1", self.send, self.login("ann"))
        self.send(self.login("bob"))        # another user
        with s.smtp() as stranger:          # and nobody
            stranger.sendmail("x@y.example", ["bob@here.example"], BARE)
        self.assertEqual(c.noop()[0], 250)

    def test_recipients(self):
        self.server("user recipients 3/1h")
        c = self.login()
        three = ("bob@here.example", "ann@here.example", "bob+x@here.example")
        self.assertEqual(self.send(c, rcpts=three[:2]), {})
        refused = self.send(c, rcpts=three)     # one is taken
        self.assertEqual(sorted(refused), sorted(three[1:]))
        self.assertEqual({code for code, _ in refused.values()}, {450})

    def test_octets(self):
        self.server("user octets 10K over 1h")
        c = self.login()
        self.send(c, "Subject: x\r\n\r\n" + "x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 80)
        self.refused(450, b"4.7.1", self.send, c, "Subject: x\r\n\r\n" + ("y" * 70 + "\r\n") * 80)
        self.send(c)                            # there is room for a small one
        self.refused(552, b"5.3.4", self.send, c, "Subject: x\r\n\r\n" + ("y" * 70 + "\r\n") * 200)
        self.send(c)                            # and that did not count

    def test_octets_by_lmtp_have_an_answer_for_each_recipient(self):
        self.server("user octets 1K over 1h")
        c = smtplib.LMTP("127.0.0.1", self.lmtp_port, timeout=20)
        self.addCleanup(c.close)
        c.ehlo("client.example")      # LHLO
        c.login("ann", "secret-ann")
        for wanted in (250, 450):
            c.mail("ann@here.example")
            self.assertEqual([c.rcpt(f"{u}@here.example")[0] for u in ("ann", "bob")], [250, 250])
            self.assertEqual(c.docmd("DATA")[0], 354)
            c.send(b"Subject: x\r\n\r\n" + (b"y" * 70 + b"\r\n") * 12 + b".\r\n")
            self.assertEqual([c.getreply()[0], c.getreply()[0]], [wanted, wanted])
        self.assertEqual(c.noop(), (250, b"2.0.0 ok"))

    def test_connections(self):
        self.server("user connections 1")
        # Counted behind the answer to AUTH, in two workers: either may be the second.
        both = [self.login(), self.login()]
        over = wait_for(lambda: [c for c in both if self.ended(c)])
        self.assertEqual(len(over), 1)
        stays, = (c for c in both if c not in over)
        self.assertEqual(stays.noop()[0], 250)
        self.assertEqual(self.login("bob").noop()[0], 250)
        stays.quit()
        wait_for(lambda: self.login().noop()[0] == 250)

    @staticmethod
    def ended(c):
        try:
            return c.noop()[0] == 421
        except smtplib.SMTPServerDisconnected:
            return True

    def test_it_outlives_a_restart(self):
        s = self.server("user messages 1/1h")
        self.send(self.login())
        wait_for(lambda: s.maildir("bob"))
        s.stop()
        s.start()
        self.refused(450, b"4.7.1", self.send, self.login())


if __name__ == "__main__":
    unittest.main()
