"""The administrator's view of the queue of a running server, over a restart:
what rules keep is listed, shown, released and removed; conditions, why, mailq."""
import json
import os
import socket
import subprocess
import unittest

from server import BUILD, Server, wait_for

POLICY = """edition 1
hostname "mx.admin.example"
set ours = { "admin.example" }
net here = { 127.0.0.0/8 }
map users = text "users" as accounts
map access = text "access" as access
tag campaign: int = 0
listen smtp on "127.0.0.1:@PORT@"
queue { retry 1h; lifetime 1d }
relay nowhere { host "127.0.0.1" port @PORT2@ }
relay elsewhere { host "127.0.0.1" port @PORT3@ }
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
on mail {
    sender in access => access[sender]
    sender.domain == "news.example" => tag campaign = 7
    sender.domain == "slow.example" => hold "all of slow"
}
on rcpt {
    rcpt.domain in ours and rcpt unknown => reject 550 5.1.1
    client.ip in here => accept
}
on content { header["Subject"] == "odd" => quarantine "odd subject" }
route { rcpt.domain in ours => deliver boxes; otherwise => relay nowhere }
"""
TABLES = {"users": "ann:x\n", "access": "From:bad@evil.example\tQUARANTINE:known for it\n"}


class QueueAdmin(unittest.TestCase):
    def server(self):
        s = Server(POLICY, TABLES)
        self.addCleanup(s.__exit__, None, None, None)
        return s

    def send(self, s, sender, to, subject="hello"):
        with s.smtp() as c:
            c.sendmail(sender, to, f"Subject: {subject}\r\n\r\nhello\r\n")

    def ask(self, s, *words):
        return json.loads(s.waybill("queue", *words, "--json").stdout)

    def test_what_rules_keep_stays_over_a_restart_until_it_is_released(self):
        s = self.server()
        self.send(s, "a@b.example", ["ann@admin.example"], "odd")
        self.send(s, "bad@evil.example", ["ann@admin.example"])
        self.send(s, "c@slow.example", ["ann@admin.example"])
        wait_for(lambda: len(s.queue()) == 3)
        self.assertEqual(sorted(m["state"] for m in s.queue()), ["held", "quarantined", "quarantined"])
        self.assertEqual(sorted(m["reason"] for m in s.queue()), ["all of slow", "known for it", "odd subject"])
        s.kill_all()
        s.start()
        kept = json.loads(s.waybill("quarantine", "list", "--json").stdout)["messages"]
        kept.sort(key=lambda m: m["sender"])
        self.assertEqual([m["sender"] for m in kept], ["a@b.example", "bad@evil.example"])
        odd, bad = (m["id"] for m in kept)
        text = s.waybill("quarantine", "show", odd).stdout
        self.assertIn("in quarantine since", text)
        self.assertIn("because: odd subject", text)
        self.assertIn("Subject: odd", s.waybill("queue", "show", odd, "--header").stdout)
        self.assertTrue(s.waybill("queue", "show", odd, "--content").stdout.endswith("\nhello\n"))
        self.assertIn("quarantined: ", s.waybill("queue", "why", odd).stdout)
        self.assertEqual(s.maildir("ann"), [])
        self.assertIn("released", s.waybill("quarantine", "release", odd).stdout)
        wait_for(lambda: len(s.maildir("ann")) == 1)
        self.assertEqual(s.waybill("quarantine", "release", odd, check=False).returncode, 1)
        self.assertIn("1 message (1 recipient) removed", s.waybill("quarantine", "remove", "--all").stdout)
        self.assertEqual([m["sender"] for m in s.queue()], ["c@slow.example"])
        s.waybill("queue", "release", "--state", "held")
        wait_for(lambda: len(s.maildir("ann")) == 2 and s.queue() == [])
        log = s.log()
        for line in (f"released id={odd} by=uid:{os.getuid()} from=quarantine",
                     f"removed id={bad} by=uid:{os.getuid()}", f"id={odd} act=read by=uid:"):
            self.assertIn(line, log)

    def test_conditions_counts_and_acts(self):
        s = self.server()
        for sender in ("x@news.example", "y@news.example", "z@other.example"):
            self.send(s, sender, ["p@far.example", "q@near.example"])
        wait_for(lambda: sum(m["attempts"] > 0 for m in s.queue()) == 3)
        self.assertEqual(len(self.ask(s, "list", "--tag", "campaign")["messages"]), 2)
        self.assertEqual(len(self.ask(s, "list", "--tag", "campaign:8")["messages"]), 0)
        count = self.ask(s, "count", "--by", "domain", "--sender", "@news.example")
        self.assertEqual((count["matched"], count["recipients"]), (2, 4))
        self.assertEqual([g["name"] for g in count["groups"]], ["far.example", "near.example"])
        one = s.queue()[0]["id"]
        why = s.waybill("queue", "why", one).stdout
        self.assertIn("retry-connect: there was no connection to its hop", why)
        self.assertIn("refused", why)
        self.assertIn("what to do: ", why)
        r = s.waybill("queue", "remove", check=False)
        self.assertEqual(r.returncode, 2)
        self.assertIn("--all", r.stderr)
        dry = self.ask(s, "remove", "--domain", "far.example", "--dry-run")
        self.assertEqual((dry["messages"], dry["dry"]), (3, True))
        done = self.ask(s, "remove", "--domain", "far.example", "--sender", "@news.example")
        self.assertEqual((done["messages"], done["recipients"]), (2, 2))
        self.assertEqual(sorted(m["open"] for m in s.queue()), [1, 1, 2])
        r = s.waybill("queue", "reroute", one, "to", "nobody", check=False)
        self.assertIn("no relay 'nobody'", r.stderr)
        s.waybill("queue", "reroute", one, "to", "elsewhere")
        wait_for(lambda: "relay:elsewhere" in s.waybill("queue", "show", one).stdout)
        s.waybill("queue", "bounce", "--sender", "z@other.example", "--why", "gone for good")
        wait_for(lambda: "gone for good" in s.log() and "bounced id=" in s.log())

    def test_clients_that_say_nothing_do_not_keep_out_others(self):
        s = self.server()
        self.send(s, "c@slow.example", ["ann@admin.example"])
        wait_for(lambda: len(s.queue()) == 1)
        silent = []
        for _ in range(40):
            c = socket.socket(socket.AF_UNIX)
            self.addCleanup(c.close)
            c.connect(f"{s.spool}/control")
            silent.append(c)
        self.assertEqual(len(s.queue()), 1)
        # A line is obeyed once, whatever comes behind it before the end.
        for line in (b"release all=yes dry=yes", b"count", b"status"):
            silent[-1].sendall(line + b"\nremove all=yes\n")
            silent[-1].close()
            silent.pop()
        self.assertEqual(len(s.queue()), 1)

    def test_mailq(self):
        s = self.server()
        name = os.path.join(s.dir, "mailq")
        os.symlink(f"{BUILD}/waybill", name)

        def mailq(*args, spool=s.spool):
            return subprocess.run([name, *args], capture_output=True, text=True, check=False,
                                  env=dict(os.environ, WAYBILL_SPOOL=spool))
        self.assertEqual((mailq().returncode, mailq().stdout), (0, "Mail queue is empty\n"))
        self.send(s, "c@slow.example", ["ann@admin.example", "p@far.example"])
        wait_for(lambda: len(s.queue()) == 1)
        text = mailq().stdout
        self.assertRegex(text, r"\n[0-9A-V]{13}! +\d+ \w{3} \w{3} \d\d [\d:]{8} +c@slow\.example\n"
                               r"\(all of slow\)\n +ann@admin\.example\n +p@far\.example\n")
        self.assertTrue(text.endswith("\n-- 1 Kbytes in 1 Request.\n"), text)
        self.assertIn("[held, normal priority", mailq("-v").stdout)
        self.assertEqual(mailq("-x").returncode, 64)
        self.assertEqual(mailq(spool="/nowhere").returncode, 69)


if __name__ == "__main__":
    unittest.main()
