#!/usr/bin/env python3
"""Programs of this machine send: what arrives, what they hear, as whom."""
import email.message
import os
import shutil
import subprocess
import threading
import unittest

from programs_in import NOBODY, ROOT, Case, call, command, server
from server import BUILD, PATIENCE, wait_for


class Shared(Case):
    @classmethod
    def setUpClass(cls):
        cls.s = server()
        cls.addClassCleanup(cls.s.__exit__, None, None, None)

    def arrives(self, what, user="ann"):
        what = what.encode()
        return wait_for(lambda: next((m for m in self.s.maildir(user) if what in m), None))


class Sending(Shared):
    def test_cron_writes_to_root(self):
        self.sends(self.s, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root",
                   text="From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@h> job\n"
                        "Content-Type: text/plain; charset=UTF-8\nX-Cron-Env: <SHELL=/bin/sh>\n\nout\n")
        m = self.arrives("Cron <root@h> job")
        self.assertIn(b"\r\nFrom: root@murphy.example (Cron Daemon)\r\n".replace(b"\r\n", b"\n"),
                      b"\n" + m.replace(b"\r\n", b"\n"))
        self.assertIn(b"\nTo: root@murphy.example\n", m)
        self.assertIn(b"Delivered-To: ann@murphy.example", m)

    def test_recipients_of_the_header(self):
        self.sends(self.s, "-t", "-i", text="From x Sat\nTo: ann, Bob <bob@murphy.example>\n"
                   "Bcc: bob\nSubject: header rcpts\n\n.\nlast\n")
        for user in ("ann", "bob"):
            m = self.arrives("header rcpts", user)
            self.assertNotIn(b"Bcc", m)
            self.assertNotIn(b"From x Sat", m)
            self.assertIn(b"\n.\n", m)
            self.assertIn(b"\nlast\n", m)
        self.assertEqual(sum(b"header rcpts" in x for x in self.s.maildir("bob")), 1)

    def test_who_it_was_is_told(self):
        self.sends(self.s, "-f", "Somebody@else.example", "ann", text="Subject: told\n\nx\n")
        m = self.arrives("Subject: told")
        self.assertIn(b"Return-Path: <Somebody@else.example>", m)
        name = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
        self.assertIn(f"(Waybill, from {name}, uid {os.geteuid()})".encode(), m)
        self.assertIn(f"X-User: {name}".encode(), m)
        self.assertIn(b"\nMessage-ID: <", m)
        self.assertIn(b"\nDate: ", m)
        self.assertRegex(self.s.log(), r"listener=programs .*user=" + name)

    def test_a_refusal_is_the_status(self):
        self.fails(self.s, 67, "never@murphy.example: 550 5.1.1 there is no", "never")
        self.fails(self.s, 68, "550 5.1.2", "gone")
        self.fails(self.s, 77, "550 5.7.1", "x@elsewhere.example")
        self.fails(self.s, 65, "554 5.6.0 as you wish", "ann", text="Subject: refuse me\n\n")
        self.fails(self.s, 64, "no recipients")
        self.fails(self.s, 65, "no recipients in the header", "-t", text="Subject: x\n\n")
        self.fails(self.s, 65, "recipient in the header", "-t", text="To: a b@c.example\n\n")
        self.fails(self.s, 64, "-C:", "-C", "/tmp/x", "ann")

    def test_more_refused_than_a_session_has_errors(self):
        self.fails(self.s, 67, "there is no never+29@", "ann", *[f"never+{i}" for i in range(30)])

    def test_more_recipients_than_a_transaction_takes(self):
        self.sends(self.s, "-t", text="To: bob,\n " + ",\n ".join(
            f"ann+{i}" for i in range(2100)) + "\nSubject: portions\n\nx\n")
        wait_for(lambda: self.s.log().count("nrcpt=1000 ") >= 2 and "nrcpt=101 " in self.s.log())
        self.arrives("Subject: portions", "bob")
        self.fails(self.s, 67, "there is no never@", "-t", text="To: bob, never,\n " + ",\n ".join(
            f"ann+{i}" for i in range(1100)) + "\nSubject: nobody gets it\n\nx\n")
        self.assertFalse([m for m in self.s.maildir("bob") if b"nobody gets it" in m])

    def test_closed_streams_are_not_the_server(self):
        for closed in ((1,), (2,), (1, 2)):
            argv, environ = command(self.s, "-v", "ann")
            text = f"Subject: closed {closed}.\n\nx\n"
            r = subprocess.run(argv, env=environ, input=text.encode(), timeout=PATIENCE,
                               capture_output=True, check=False,
                               preexec_fn=lambda c=closed: [os.close(fd) for fd in c])
            self.assertEqual(r.returncode, 0, (closed, r))
            self.arrives(f"Subject: closed {closed}.")
        r = subprocess.run(argv, env=environ, timeout=PATIENCE, check=False,
                           capture_output=True, preexec_fn=lambda: os.close(0))
        self.assertEqual(r.returncode, 74, r)
        self.assertIn(b"standard input: ", r.stderr)

    def test_all_or_none(self):
        self.fails(self.s, 67, "sent to nobody", "ann", "never", text="Subject: half\n\nx\n")
        self.sends(self.s, "ann", text="Subject: after half\n\nx\n")
        self.arrives("after half")
        self.assertFalse([m for m in self.s.maildir("ann") if b"Subject: half" in m])

    def test_quiet_and_mailed_back(self):
        r = call(self.s, "-oeq", "never")
        self.assertEqual((r.returncode, r.stderr), (67, b""))
        r = call(self.s, "-oem", "-f", "ann", "never", text="Subject: back again\n\nx\n")
        self.assertEqual(r.returncode, 67)
        m = self.arrives("Subject: back again")
        self.assertIn(b"Return-Path: <>", m)
        self.assertIn(b"multipart/report", m)
        self.assertIn(b"550 5.1.1 there is no never@murphy.example", m)
        r = call(self.s, "-oee", "-f", "ann", "never", text="Subject: and with 0\n\nx\n")
        self.assertEqual(r.returncode, 0)
        self.arrives("Subject: and with 0")

    def test_who_is_put_off_need_not_wait(self):
        self.sends(self.s, "-f", "<>", "later")
        wait_for(lambda: "event=drop-waits" in self.s.log())
        self.assertIn("451 4.7.1 not now", self.s.log())

    def test_verify(self):
        r = call(self.s, "-bv", "root", text="")
        self.assertEqual((r.returncode, r.stdout), (0, b"root@murphy.example... deliverable\n"))
        self.fails(self.s, 67, "there is no", "-bv", "never", text="")

    def test_smtp_on_standard_input(self):
        r = call(self.s, "-bs", text="EHLO x\r\nMAIL FROM:<bob@murphy.example>\r\n"
                 "RCPT TO:<ann@murphy.example>\r\nRCPT TO:<never@murphy.example>\r\nDATA\r\n"
                 "Subject: by smtp\r\n\r\nx\r\n.\r\nQUIT\r\n")
        self.assertEqual(r.returncode, 0, r)
        self.assertIn(b"550 5.1.1", r.stdout)
        self.assertIn(b"\r\n221 ", r.stdout)
        self.assertIn(b"(Waybill, from ", self.arrives("Subject: by smtp"))

    def test_the_queue(self):
        r = call(self.s, "-bp", text="")
        self.assertEqual(r.returncode, 0, r)
        self.sends(self.s, "-f", "bob", "waits@slow.example", text="Subject: slow\n\nx\n")
        r = wait_for(lambda: b"refused)" in (r := call(self.s, "-bp", text="")).stdout and r)
        self.assertRegex(r.stdout.decode(), r"^-Queue ID-.*\n(?s:.*)bob@murphy.example\n"
                         r"\(.*refused\)\n +waits@slow.example\n\n-- 1 Kbytes in 1 Request")
        self.assertNotIn(b"normal priority", r.stdout)
        r = call(self.s, "-v", "-bp", text="")
        self.assertIn(b"normal priority, tried 1 times", r.stdout)

    def test_other_names(self):
        r = call(self.s, "-bi", text="")
        self.assertEqual(r.returncode, 66, r)   # newaliases: this machine has no policy in /etc

    def test_fifty_at_once(self):
        bad = []

        def one(i):
            r = call(self.s, "bob", text=f"Subject: many {i}.\n\nx\n")
            if r.returncode:
                bad.append(r)
        threads = [threading.Thread(target=one, args=(i,)) for i in range(50)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(bad, [])
        wait_for(lambda: all(any(f"many {i}.".encode() in m for m in self.s.maildir("bob"))
                             for i in range(50)))

    @unittest.skipUnless(ROOT, "needs root")
    def test_another_user(self):
        self.sends(self.s, "ann", text="Subject: of nobody\n\nx\n", user=NOBODY)
        m = self.arrives("Subject: of nobody")
        self.assertIn(f"uid {NOBODY})".encode(), m)
        self.assertIn(b"Return-Path: <nobody@murphy.example>", m)
        self.assertIn(b"X-User: nobody", m)
        self.fails(self.s, 77, "nobody is not forged@x.example", "-f", "forged@x.example", "ann",
                   user=NOBODY)
        self.sends(self.s, "-f", "forged@x.example", "ann", text="Subject: root may\n\nx\n")
        self.arrives("Subject: root may")


class Callers(Shared):
    """The programs that people use."""

    def run_it(self, argv, text="", **env):
        _, environ = command(self.s, **env)
        return subprocess.run(argv, env=environ, input=text.encode(), capture_output=True,
                              timeout=PATIENCE)

    def test_python(self):
        m = email.message.EmailMessage()
        m["From"], m["To"], m["Subject"] = "ann@murphy.example", "ann@murphy.example", "from python"
        m.set_content("gr\u00fc\u00dfe\n")
        self.sends(self.s, "-t", "-oi", text=m.as_bytes())
        self.arrives("from python")

    def test_as_php_does(self):
        self.sends(self.s, "-t", "-i", "-fwww@murphy.example",
                   text="To: ann\r\nSubject: from php\r\nX-PHP-Originating-Script: 33:a.php\n"
                        "From: web\r\n\r\nbody\nwith both\r\nends\n")
        m = self.arrives("from php")
        self.assertIn(b"\nbody\nwith both\nends\n", m)
        self.assertIn(b"\nFrom: web@murphy.example\n", m)

    @unittest.skipUnless(shutil.which("mail.mailx") or shutil.which("bsd-mailx"), "no bsd-mailx")
    def test_mailx(self):
        rc = self.s.write("mailrc", f"set sendmail={BUILD}/sendmail\n")
        mailx = shutil.which("bsd-mailx") or shutil.which("mail.mailx")
        r = self.run_it([mailx, "-s", "from mailx", "ann"], "hello\n", MAILRC=rc, HOME=self.s.dir)
        self.assertEqual(r.returncode, 0, r)
        self.arrives("from mailx")

    @unittest.skipUnless(shutil.which("mutt"), "no mutt")
    def test_mutt(self):
        r = self.run_it(["mutt", "-n", "-F", "/dev/null", "-e",
                         f'set sendmail="{BUILD}/sendmail -oem -oi"', "-e", "set copy=no",
                         "-e", "set sendmail_wait=0", "-s", "from mutt", "ann@murphy.example"],
                        "hello\n", HOME=self.s.dir)
        self.assertEqual(r.returncode, 0, r)
        self.arrives("from mutt")

    def test_as_git_send_email_does(self):
        self.sends(self.s, "-i", "ann@murphy.example", text="From: Ann <ann@murphy.example>\n"
                   "To: ann@murphy.example\nSubject: [PATCH] from git\nDate: Mon, 2 Nov 2026 10:00:00 +0000\n"
                   "Message-Id: <1@git>\nX-Mailer: git-send-email 2.39\n\n---\n.\n2.39\n")
        m = self.arrives("[PATCH] from git")
        self.assertIn(b"\n.\n2.39\n", m)
        self.assertEqual(m.lower().count(b"\nmessage-id:"), 1)


class Domain(Case):
    def test_the_policy_names_it(self):
        with server('listen programs { domain "other.example" }') as s:
            self.fails(s, 77, "ann@other.example: 550 5.7.1", "ann")

    def test_none(self):
        with server("listen programs none") as s:
            self.fails(s, 69, "takes no mail from programs", "ann")
            with open(s.policy, encoding="ascii") as f:
                text = f.read()
            s.set_policy(text.replace("listen programs none", ""))
            s.waybill("reload")
            wait_for(lambda: os.path.exists(f"{s.spool}/public/submit"))
            self.sends(s, "ann", text="Subject: now\n\nx\n")
            s.wait_mail("ann")


if __name__ == "__main__":
    unittest.main()
