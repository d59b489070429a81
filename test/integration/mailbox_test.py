"""Mailboxes in the real server: folders, quota, files of messages and their locks."""
import fcntl
import glob
import os
import subprocess
import unittest

from server import Server, wait_for

POLICY = """
edition 1; hostname "mx.here.test"
set ours = { "here.test", "files.test", "strict.test", "plain.test" }
map users = { "ann" = { room "9K" }, "bob" = { room "0" } } as accounts
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes  { accounts users; path "@DIR@/mail/{user}"; folder "{detail}"; quota users[account].room }
mailbox strict { accounts users; path "@DIR@/mail/{user}"; quota 9K; over quota refuse }
mailbox plain  { accounts users; path "@DIR@/mail/{user}"; detail none }
mailbox files  { accounts users; path "@DIR@/files/{user}"; format mbox; quota users[account].room }
on rcpt { rcpt.domain not in ours => reject; rcpt unknown => reject 550 5.1.1; otherwise => accept }
route {
    rcpt.domain == "files.test"  => deliver files
    rcpt.domain == "strict.test" => deliver strict
    rcpt.domain == "plain.test"  => deliver plain
    rcpt.domain in ours          => deliver boxes
    otherwise                    => mx
}
"""


class Mailboxes(unittest.TestCase):
    def setUp(self):
        self.s = Server(POLICY)
        self.addCleanup(self.s.__exit__, None, None, None)

    def send(self, to, text="Subject: x\n\nhello\n", sender="bob@here.test"):
        with self.s.smtp(local_hostname="x.test") as c:
            c.sendmail(sender, [to], text)

    def owned(self, *command):
        """A command as the mailboxes' owner."""
        if os.geteuid() == 0:
            command = ("setpriv", "--reuid=waybill-mail", "--clear-groups", "--regid=waybill-mail",
                       *command)
        subprocess.run(command, check=True)

    def mbox(self, user="ann"):
        try:
            with open(os.path.join(self.s.dir, "files", user), "rb") as f:
                return f.read()
        except FileNotFoundError:
            return b""

    def why(self):
        queue = self.s.queue()
        return self.s.waybill("queue", "show", queue[0]["id"]).stdout if queue else ""

    def test_a_detail_leads_to_a_folder_that_is_there(self):
        self.send("ann+lists@here.test")
        wait_for(lambda: len(self.s.maildir("ann")) == 1)
        folder = os.path.join(self.s.dir, "mail/ann/.lists")
        self.owned("mkdir", folder)
        self.send("ann+lists@here.test")
        self.send('"ann+../../x"@here.test')
        wait_for(lambda: len(glob.glob(folder + "/new/*")) == 1)
        wait_for(lambda: len(self.s.maildir("ann")) == 2)
        self.assertTrue(os.path.exists(folder + "/maildirfolder"))
        with self.s.smtp(local_hostname="x.test") as c:
            c.helo("x.test")
            c.mail("bob@here.test")
            self.assertEqual(c.rcpt("ann+lists@plain.test")[0], 550)
            self.assertEqual(c.rcpt("ann@plain.test")[0], 250)

    def test_a_full_maildir_makes_mail_wait_or_come_back(self):
        large = "Subject: x\n\n" + "hello, hello\n" * 400
        self.send("ann@here.test", large)
        wait_for(lambda: len(self.s.maildir("ann")) == 1)
        with open(os.path.join(self.s.dir, "mail/ann/maildirsize"), encoding="ascii") as f:
            self.assertRegex(f.read(), "^9216S\n0 0\n[0-9]+ 1\n$")
        self.send("ann@here.test", large)
        wait_for(lambda: "4.2.2" in self.why())
        self.send("ann@strict.test", large)
        wait_for(lambda: len(self.s.maildir("bob")) == 1)
        self.assertIn(b"Status: 5.2.2", self.s.maildir("bob")[0])
        self.send("ann@here.test", large * 3)
        wait_for(lambda: len(self.s.maildir("bob")) == 2)
        self.assertTrue(any(b"Status: 5.2.3" in t for t in self.s.maildir("bob")))
        for name in glob.glob(os.path.join(self.s.dir, "mail/ann/new/*")):
            os.unlink(name)
        self.owned("rm", os.path.join(self.s.dir, "mail/ann/maildirsize"))
        self.s.waybill("queue", "retry", self.s.queue()[0]["id"])
        wait_for(lambda: self.s.queue() == [] and len(self.s.maildir("ann")) == 1)

    def test_a_file_of_messages_gets_them_one_behind_the_other(self):
        self.send("ann@files.test", "Subject: x\n\nFrom me\n")
        wait_for(lambda: self.mbox().endswith(b"\n>From me\n\n"))
        self.send("ann+more@files.test", sender="")
        wait_for(lambda: self.mbox().count(b"\nFrom ") == 1)
        self.assertTrue(self.mbox().startswith(b"From bob@here.test "))
        self.assertIn(b"\n\nFrom MAILER-DAEMON ", self.mbox())
        self.assertIn(b"\nDelivered-To: ann+more@files.test\n", self.mbox())
        self.send("ann@files.test", "Subject: x\n\n" + "hello, hello\n" * 680)
        wait_for(lambda: "4.2.2" in self.why())

    def test_a_file_that_another_has_locked_is_waited_for(self):
        self.send("ann@files.test")
        wait_for(lambda: self.mbox() != b"")
        before = self.mbox()
        path = os.path.join(self.s.dir, "files/ann")
        with open(path, "r+b") as f:
            fcntl.lockf(f, fcntl.LOCK_EX)
            self.send("ann@files.test")
            self.send("bob@files.test")
            wait_for(lambda: self.mbox("bob") != b"")
            self.assertEqual(self.mbox(), before)
        wait_for(lambda: len(self.mbox()) > len(before))
        wait_for(lambda: not os.path.exists(path + ".lock"))


if __name__ == "__main__":
    unittest.main()
