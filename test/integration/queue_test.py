"""What becomes of messages that cannot go at once: retries, ends, loops, a full disk."""
import email
import os
import re
import shutil
import smtplib
import subprocess
import tempfile
import time
import unittest

from server import Server, wait_for
from sink import Sink

POLICY = """edition 1
hostname "mx.queue.example"
set ours = { "queue.example" }
net here = { 127.0.0.0/8 }
map users = text "users" as accounts
map aliases = text "aliases" as aliases
listen smtp on "127.0.0.1:@PORT@"
QUEUE
relay hop { host "127.0.0.1" port HOP }
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
on rcpt { client.ip in here => accept }
route {
    rcpt.domain in ours => expand aliases, deliver boxes
    otherwise => relay hop
}
"""
TABLES = {"users": "ann:x\nbob:x\ncid:x\n", "aliases": "all: ann, bob, far@else.example\n"}
MESSAGE = "Subject: hello\r\n\r\nhello\r\n"


def policy(hop, queue="queue { retry 1s }", extra=""):
    return POLICY.replace("HOP", str(hop)).replace("QUEUE", queue) + extra


def send(s, to, sender="ann@queue.example", text=MESSAGE):
    with s.smtp() as c:
        c.sendmail(sender, [to] if isinstance(to, str) else to, text)


class Waits(unittest.TestCase):
    def test_a_hop_that_says_later_gets_it_later(self):
        said = []

        def busy(verb, _argument, _session):
            if verb == "RCPT" and len(said) < 2:
                said.append(verb)
                return b"450 4.2.1 try later\r\n"
            return None
        with Sink(script=busy) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, "x@else.example")
            wait_for(lambda: hop.messages)
            wait_for(lambda: not s.queue())
            self.assertEqual(len(said), 2)
            self.assertEqual(len(hop.messages), 1)
            self.assertIn("deferred id=", s.log())

    def test_an_open_refusal_comes_back_as_one_report(self):
        def refuse(verb, argument, _session):
            if verb == "RCPT" and "no" in argument:
                return b"550 5.1.1 nobody of that name\r\n"
            return None
        with Sink(script=refuse) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, ["no1@else.example", "yes@else.example", "no2@else.example"])
            report = email.message_from_bytes(s.wait_mail("ann")[0])
            wait_for(lambda: not s.queue())
            self.assertEqual(len(hop.messages), 1)
            self.assertEqual(len(s.maildir("ann")), 1)
            self.assertEqual(report["Return-Path"], "<>")
            self.assertEqual(report.get_content_type(), "multipart/report")
            status = [p for p in report.walk()
                      if p.get_content_type() == "message/delivery-status"][0]
            fields = [dict(b.items()) for b in status.get_payload()]
            self.assertEqual(fields[0]["Reporting-MTA"], "dns; mx.queue.example")
            self.assertEqual(sorted(f["Final-Recipient"] for f in fields[1:]),
                             ["rfc822; no1@else.example", "rfc822; no2@else.example"])
            for f in fields[1:]:
                self.assertEqual((f["Action"], f["Status"]), ("failed", "5.1.1"))
                self.assertIn("nobody of that name", f["Diagnostic-Code"])
            self.assertIn("Subject: hello", s.maildir("ann")[0].decode())

    def test_nobody_is_told_when_nobody_sent_it(self):
        def refuse(verb, _argument, _session):
            return b"550 5.1.1 no\r\n" if verb == "RCPT" else None
        with Sink(script=refuse) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, "no@else.example", sender="")
            wait_for(lambda: "dropped id=" in s.log())
            wait_for(lambda: not s.queue())
            self.assertEqual(hop.messages, [])

    def test_at_the_end_of_its_lifetime_it_comes_back(self):
        queue = "queue { retry 1s; lifetime 6s; warn 2s }"
        with Server(policy(1, queue), TABLES) as s:
            send(s, "x@else.example")
            texts = s.wait_mail("ann", 2)
            wait_for(lambda: not s.queue())
            actions = [line for t in texts for line in t.decode().splitlines()
                       if line.startswith("Action:")]
            self.assertEqual(sorted(actions), ["Action: delayed", "Action: failed"])

    def test_a_list_reaches_its_members_each_once(self):
        with Sink() as hop, Server(policy(hop.port), TABLES) as s:
            send(s, "all@queue.example", sender="cid@queue.example")
            wait_for(lambda: hop.messages)
            s.wait_mail("ann")
            s.wait_mail("bob")
            wait_for(lambda: not s.queue())
            self.assertEqual(hop.messages[0]["to"], ["far@else.example"])
            self.assertEqual([len(s.maildir(u)) for u in ("ann", "bob", "cid")], [1, 1, 0])
            self.assertIn(b"Delivered-To: ann@queue.example\n", s.maildir("ann")[0])
            self.assertIn(b"Return-Path: <cid@queue.example>\n", s.maildir("ann")[0])

    def test_a_list_of_very_many_does_not_stop_the_others(self):
        members = ",\n  ".join(f"m{i}@else.example" for i in range(25000))
        tables = dict(TABLES, aliases=f"many: {members}\n")
        with Server(policy(1, "queue { retry 1h }"), tables) as s:
            send(s, "many@queue.example")
            send(s, "ann@queue.example")
            self.assertEqual(len(s.wait_mail("ann")), 1)
            wait_for(lambda: s.queue()[0]["open"] == 25000)
            self.assertNotIn("cut-off", s.log())

    def test_a_list_in_a_file_of_its_own(self):
        tables = dict(TABLES, aliases="list: :include:members\nowner: ann\n",
                      members="# the club\nann\nbob, owner\n<cid@queue.example>\n")
        with Server(policy(1), tables) as s:
            send(s, ["list@queue.example", "ann@queue.example"], sender="")
            wait_for(lambda: not s.queue())
            self.assertEqual([len(s.maildir(u)) for u in ("ann", "bob", "cid")], [1, 1, 1])
            # A member that comes later is one after the table has been read again.
            s.write("members", "bob\n")
            s.waybill("reload")
            send(s, "list@queue.example", sender="")
            s.wait_mail("bob", 2)
            wait_for(lambda: not s.queue())
            self.assertEqual([len(s.maildir(u)) for u in ("ann", "bob", "cid")], [1, 2, 1])

    def test_aliases_that_lead_in_a_circle_deliver_nothing_twice(self):
        tables = dict(TABLES, aliases="one: two\ntwo: one\nthree: one, bob\nann: ann, bob\n")
        with Server(policy(1), tables) as s:
            send(s, "ann@queue.example", sender="cid@queue.example")
            s.wait_mail("bob")
            wait_for(lambda: not s.queue())
            self.assertEqual([len(s.maildir(u)) for u in ("ann", "bob", "cid")], [1, 1, 0])
            with s.smtp() as c:
                c.ehlo()
                c.mail("cid@queue.example")
                code, text = c.rcpt("one@queue.example")
                self.assertEqual((code, text[:6]), (554, b"5.4.6 "))
            send(s, "three@queue.example", sender="cid@queue.example")
            s.wait_mail("bob", 2)
            report = s.wait_mail("cid")[0].decode()
            self.assertIn("Final-Recipient: rfc822; three@queue.example", report)
            self.assertIn("Status: 5.4.6", report)
            wait_for(lambda: not s.queue())

    def test_a_report_keeps_the_members_of_a_list_to_itself(self):
        def refuse(verb, _argument, _session):
            return b"550 5.1.1 gone away\r\n" if verb == "RCPT" else None
        with Sink(script=refuse) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, "all@queue.example", sender="cid@queue.example")
            report = s.wait_mail("cid")[0].decode()
            self.assertIn("Final-Recipient: rfc822; all@queue.example", report)
            self.assertNotIn("far@else.example", report)

    def test_what_was_delivered_to_an_address_is_not_again(self):
        with Server(policy(1), TABLES) as s:
            send(s, "bob@queue.example",
                 text="Delivered-To: bob@queue.example\r\n" + MESSAGE)
            report = s.wait_mail("ann")[0].decode()
            self.assertIn("Status: 5.4.6", report)
            self.assertEqual(s.maildir("bob"), [])

    def test_a_new_table_changes_where_waiting_mail_goes(self):
        with Server(policy(1, "queue { retry 1h }"), TABLES) as s:
            send(s, "all@queue.example", sender="cid@queue.example")
            s.wait_mail("bob")
            wait_for(lambda: s.queue() and s.queue()[0]["state"] == "waiting")
            s.write("aliases", "all: ann, bob, cid\n")
            s.waybill("reload")

            def gone():
                s.waybill("queue", "retry", "all")
                return not s.queue()
            wait_for(gone)
            s.wait_mail("cid")
            self.assertEqual([len(s.maildir(u)) for u in ("ann", "bob")], [1, 1])

    def test_a_restart_keeps_what_waits(self):
        with Sink() as hop, Server(policy(1, "queue { retry 1h }"), TABLES) as s:
            for i in range(20):
                send(s, f"x{i}@else.example")
            wait_for(lambda: len(s.queue()) == 20)
            s.stop()
            s.set_policy(policy(hop.port, "queue { retry 1h }"))
            s.start()
            self.assertIn("recovered messages=20 ", s.log())
            s.waybill("queue", "retry", "all")
            wait_for(lambda: len(hop.messages) == 20)
            wait_for(lambda: not s.queue())


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"), "mounts a small disk")
class FullDisk(unittest.TestCase):
    """A spool of 24 MiB: what was acknowledged is kept, the rest is refused, then it goes on."""

    def setUp(self):
        self.disk = tempfile.mkdtemp(prefix="waybill-disk-", dir="/var/tmp")
        os.chmod(self.disk, 0o755)
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", self.disk],
                              check=False, capture_output=True)
        if made.returncode:
            os.rmdir(self.disk)
            self.skipTest("cannot mount here")
        self.addCleanup(self.unmount)

    def unmount(self):
        subprocess.run(["umount", self.disk], check=False)
        os.rmdir(self.disk)

    def fill(self, s):
        """Sends until refused: (acknowledged, first refusal)."""
        acked, refused = 0, None
        with s.smtp() as c:
            while refused is None and acked < 1000:
                try:
                    c.sendmail("a@x.example", ["x@else.example"],
                               f"X-Id: {acked}\r\n\r\n" + "line of text\r\n" * 7000)
                    acked += 1
                except smtplib.SMTPResponseException as e:
                    refused = (e.smtp_code, e.smtp_error)
        return acked, refused

    def run_full(self, reserve, told):
        """What is told of it to the postmaster is mail too, in the queue and at the hop."""
        def there(sender):
            return [m for m in hop.messages if m["from"].startswith(f"FROM:<{sender}>")]
        spool = f'\nspool {{ directory "{self.disk}/spool"; segment 1M; reserve {reserve} }}\n'
        with Sink() as hop, Server(policy(1, "queue { retry 1h }", spool), TABLES) as s:
            acked, refused = self.fill(s)
            self.assertGreater(acked, 20)
            self.assertEqual(refused[0], 452, refused)
            self.assertIn(b"4.3.1", refused[1])
            self.assertEqual(len([m for m in s.queue() if m["sender"] == "a@x.example"]), acked)
            if told:
                wait_for(lambda: len(s.queue()) > acked)
            # Restarted on the full disk all is still there; and it all goes out.
            s.stop()
            # For want of a segment, and when that took the disk below the reserve.
            notices = s.log().count(" postmaster told ")
            self.assertIn(notices, (1, 2) if told else (0, 1, 2))
            s.set_policy(policy(hop.port, "queue { retry 1h }", spool))
            s.start()
            recovered = int(re.search(r"recovered messages=([1-9]\d*) ", s.log())[1])
            self.assertEqual(recovered - acked, notices)
            s.waybill("queue", "retry", "all")
            wait_for(lambda: len(there("a@x.example")) >= acked)
            wait_for(lambda: not s.queue())
            self.assertEqual(len(there("a@x.example")), acked)
            if told:
                self.assertIn(b"Subject: New mail is not taken", there("")[0]["data"])
            # With room again it takes mail by itself.
            end = time.monotonic() + 30
            while time.monotonic() < end:
                try:
                    send(s, "y@else.example")
                    break
                except smtplib.SMTPException:
                    time.sleep(0.2)
            wait_for(lambda: there("ann@queue.example"))

    def test_below_the_reserve_mail_is_refused_until_there_is_room(self):
        self.run_full("8M", True)

    def test_what_the_server_makes_in_advance_does_not_take_the_reserve(self):
        spool = f'\nspool {{ directory "{self.disk}/spool"; segment 1M; reserve 20M }}\n'
        with Server(policy(1, extra=spool), TABLES) as s:
            time.sleep(1.5)
            for _ in range(6):
                send(s, "ann@queue.example")
                time.sleep(0.3)
            self.assertEqual(len(s.wait_mail("ann", 6)), 6)
            disk = os.statvfs(self.disk)
            self.assertGreaterEqual(disk.f_bavail * disk.f_frsize, 20 << 20)

    def test_without_a_reserve_nothing_acknowledged_is_lost(self):
        self.run_full("64K", False)


if __name__ == "__main__":
    unittest.main()
