"""Lists with owners, commands and bad members, in the running server."""
import unittest

from server import Server, wait_for
from sink import Sink

POLICY = """edition 1
hostname "mx.here.example"
listen smtp on "127.0.0.1:@PORT@"
set ours = { "here.example" }
net here = { 127.0.0.0/8 }
map aliases = text "@DIR@/tables/aliases" as aliases
map users = text "@DIR@/users" as accounts
mailbox box { accounts users; path "@DIR@/mail/{user}" }
relay hop { host "127.0.0.1" port @HOP@ }
rewrite outbound sender { "{user}@outside.example" => "{user}@outside.example.org" }
on rcpt { client.ip in here => accept }
route {
    rcpt.domain in ours => expand aliases, deliver box
    otherwise => relay hop
}
"""
ALIASES = """news: :include:lists/news
owner-news: ann@desk.example
press: bob, x@far.example
owner-press: bob, ann
abroad: x@far.example
owner-abroad: her@outside.example
feed: bob, "|/usr/bin/feed -x", /var/log/feed
notes: /dev/null
bob: \\bob, ann
"""
NEWS = """# who reads the news
bob
good@far.example, refused@far.example
"""


class Lists(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hop = Sink(script=cls.script)
        cls.server = Server(POLICY.replace("@HOP@", str(cls.hop.port)),
                            {"users": "ann:x\nbob:x\n", "tables/aliases": ALIASES,
                             "tables/lists/news": NEWS})

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)
        cls.hop.__exit__()

    @staticmethod
    def script(verb, argument, session):
        del session
        if verb == "RCPT" and "refused" in argument:
            return b"550 5.1.1 not here\r\n"
        return None

    def setUp(self):
        self.hop.messages.clear()

    def send(self, subject, rcpt, sender="s@sender.example"):
        with self.server.smtp() as c:
            c.sendmail(sender, [rcpt], f"Subject: {subject}\r\n\r\nx\r\n".encode())

    def left(self, n=1):
        wait_for(lambda: len(self.hop.messages) >= n)
        return self.hop.messages

    def mail(self, user, subject):
        """The one message of this subject in the mailbox."""
        found = wait_for(lambda: [m for m in self.server.maildir(user)
                                  if f"Subject: {subject}".encode() in m])
        return found[0]

    def test_mail_of_a_list_comes_from_its_owner_and_bounces_to_him(self):
        self.send("news", "news@here.example")
        self.assertIn(b"Return-Path: <ann@desk.example>", self.mail("bob", "news"))
        one, dsn = sorted(self.left(2), key=lambda m: "FROM:<>" in m["from"])
        self.assertTrue(one["from"].startswith("FROM:<ann@desk.example>"), one)
        self.assertEqual(one["to"], ["good@far.example"])
        self.assertEqual(dsn["to"], ["ann@desk.example"])
        # The owner learns which member it was.
        self.assertIn(b"Final-Recipient: rfc822; refused@far.example", dsn["data"])

    def test_an_owner_that_is_several_is_the_alias(self):
        self.send("press", "press@here.example")
        self.assertTrue(self.left()[0]["from"].startswith("FROM:<owner-press@here.example>"))
        self.assertIn(b"Return-Path: <owner-press@here.example>", self.mail("ann", "press"))

    def test_the_owner_is_rewritten_as_any_sender(self):
        self.send("abroad", "abroad@here.example")
        self.assertTrue(self.left()[0]["from"].startswith("FROM:<her@outside.example.org>"))

    def test_a_null_sender_stays_one(self):
        self.send("null", "abroad@here.example", sender="")
        self.assertTrue(self.left()[0]["from"].startswith("FROM:<>"))

    def test_commands_and_files_wait_and_the_others_get_it(self):
        self.send("feed", "feed@here.example")
        self.mail("bob", "feed")
        self.mail("ann", "feed")

        waiting = wait_for(lambda: [m for m in self.server.queue() if "cannot be used" in (m["reason"] or "")])
        self.assertEqual(waiting[0]["open"], 1)    # the list itself is tried again
        self.assertEqual(waiting[0]["reason"],
                         "a member of the list cannot be used: no program may be run: write "
                         '`programs { folder "/etc/waybill/programs" }` and put it there')

    def test_what_goes_as_another_recipient_is_not_discarded(self):
        with self.server.smtp() as c:
            c.sendmail("s@sender.example", ["bob@here.example", "ann@here.example"],
                       b"Subject: twice\r\n\r\nx\r\n")
        wait_for(lambda: "merged id=" in self.server.log())
        one = self.server.log().split("merged id=")[1].split(" ")[0]
        self.mail("ann", "twice")
        self.assertNotIn(f"discarded id={one}", self.server.log())

    def test_nowhere(self):
        self.send("notes", "notes@here.example")
        wait_for(lambda: "discarded id=" in self.server.log())


if __name__ == "__main__":
    unittest.main()
