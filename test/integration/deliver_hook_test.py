"""`on deliver` in the real server: asked for each recipient that goes into a mailbox."""
import unittest

from server import Server, wait_for

POLICY = """
edition 1; hostname "mx.here.test"
set ours = { "here.test" }
map users = text "users" as accounts
map closed = text "closed"
tag wary: bool
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
on mail { sender.domain == "odd.test" => tag wary = true }
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
    rcpt unknown            => reject 550 5.1.1
    otherwise               => accept
}
route { rcpt.domain in ours => deliver boxes; otherwise => mx }
on deliver {
    rcpt.user in closed        => reject 550 5.2.1 "the mailbox of {rcpt.user} is {closed[rcpt.user]}"
    rcpt.user == "tim"         => discard
    rcpt.user == "eve"         => defer 450 4.2.1 "not now"
    wary and queue.age < 1m    => log "wary of {sender}", accept
}
"""


class DeliverHook(unittest.TestCase):
    def test_its_verdict_is_the_recipients(self):
        with Server(POLICY, tables={"users": "ann:{PLAIN}x\nbob:{PLAIN}x\ntim:{PLAIN}x\n",
                                    "closed": "bob on holiday\n"}) as s:
            with s.smtp(local_hostname="x.test") as c:
                c.sendmail("ann@here.test", ["bob@here.test", "tim@here.test"],
                           "Subject: both\n\nhello\n")
                c.sendmail("x@odd.test", ["ann@here.test"], "Subject: odd\n\nhello\n")
            wait_for(lambda: len(s.maildir("ann")) == 2)
            bounce = [t for t in s.maildir("ann") if b"the mailbox of bob is on holiday" in t]
            self.assertEqual(len(bounce), 1)
            self.assertIn(b"Status: 5.2.1", bounce[0])
            self.assertEqual(s.maildir("tim"), [])
            self.assertEqual(s.maildir("bob"), [])
            wait_for(lambda: s.queue() == [])
            self.assertIn("wary of x@odd.test", s.log())

    def test_who_is_deferred_waits(self):
        with Server(POLICY, tables={"users": "ann:{PLAIN}x\neve:{PLAIN}x\n",
                                    "closed": "bob on holiday\n"}) as s:
            with s.smtp(local_hostname="x.test") as c:
                c.sendmail("a@b.test", ["eve@here.test", "ann@here.test"],
                           "Subject: x\n\nhello\n")
            wait_for(lambda: len(s.maildir("ann")) == 1)
            self.assertEqual(len(s.queue()), 1)
            self.assertIn("not now", s.waybill("queue", "show", s.queue()[0]["id"]).stdout)
            self.assertEqual(s.maildir("eve"), [])


if __name__ == "__main__":
    unittest.main()
