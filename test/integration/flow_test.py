"""More mail than goes: MAIL is delayed above the mark, refused at hard limits, and status says why."""
import json
import os
import smtplib
import socket
import time
import unittest

from server import PATIENCE, Server, wait_for

POLICY = """edition 1
hostname "mx.flow.example"
set ours = { "flow.example" }
listen smtp on "127.0.0.1:@PORT@"
listen smtp local on "unix:@DIR@/socket"
queue { retry 1h; QUEUE }
relay hop { host "127.0.0.1" port 1 }
on rcpt { rcpt.domain in ours => accept }
route { otherwise => relay hop }
"""
MESSAGE = "Subject: hello\r\n\r\nhello\r\n"


def mail(c, n=1):
    for _ in range(n):
        c.sendmail("a@x.example", ["b@flow.example"], MESSAGE)


def throttle(s):
    return json.loads(s.waybill("status", "--json").stdout)["queue"]["throttle"]


def reasons(s):
    return [r["reason"] for r in throttle(s)["reasons"]]


class Local(smtplib.SMTP):
    """A program of this machine."""

    def _get_socket(self, host, _port, _timeout):
        c = socket.socket(socket.AF_UNIX)
        c.settimeout(PATIENCE)
        c.connect(host)
        return c


class Flow(unittest.TestCase):
    def refuse(self, c):
        with self.assertRaises(smtplib.SMTPSenderRefused) as e:
            mail(c)
        return e.exception.smtp_code, e.exception.smtp_error[:5]

    def test_at_the_limit_of_messages_strangers_wait_and_local_programs_go_on(self):
        with Server(POLICY.replace("QUEUE", "messages 64")) as s, s.smtp() as c:
            mail(c, 64)
            wait_for(lambda: throttle(s)["reasons"])
            self.assertEqual(self.refuse(c), (452, b"4.3.2"))
            with Local(f"{s.dir}/socket", 25) as local:
                # Four more, one of which may be the server's own to the postmaster.
                mail(local, 2)
                with self.assertRaises(smtplib.SMTPSenderRefused) as e:
                    mail(local, 1000)
                self.assertEqual(e.exception.smtp_code, 452)
            self.assertEqual(reasons(s), ["messages"])
            text = s.waybill("status").stdout
            self.assertIn("messages since ", text)
            self.assertIn("raise the limit.", text)
            for m in s.queue()[:30]:
                s.waybill("queue", "remove", m["id"])
            wait_for(lambda: not reasons(s))
            mail(c)
            for state in ("begins", "ends"):
                self.assertEqual(s.log().count(f"event=throttle reason=messages state={state}"),
                                 1, s.log())

    def test_at_the_limit_of_memory_strangers_wait(self):
        with Server(POLICY.replace("QUEUE", "memory 16K")) as s, s.smtp() as c:
            with self.assertRaises(smtplib.SMTPSenderRefused):
                mail(c, 1000)
            self.assertEqual(reasons(s), ["memory"])
            self.assertEqual(self.refuse(c), (452, b"4.3.1"))
            t = throttle(s)
            self.assertEqual(t["memory"], 16384)
            self.assertGreater(t["memory_used"], 16384)

    def test_above_the_mark_answers_to_mail_are_late_while_more_comes_than_goes(self):
        with Server(POLICY.replace("QUEUE", "mark 5")) as s, s.smtp() as c:
            mail(c, 30)
            # More each second, but nothing goes: the delay grows.
            wait_for(lambda: mail(c) or throttle(s)["delay_ms"] >= 30)
            t = throttle(s)
            self.assertEqual((t["mark"], [r["reason"] for r in t["reasons"]]), (5, ["mark"]))
            self.assertGreater(t["arrivals"], t["departures"])
            self.assertIn("MAIL is delayed by ", s.waybill("status").stdout)
            c.rset()
            began = time.monotonic()
            self.assertEqual(c.mail("a@x.example")[0], 250)
            self.assertGreaterEqual(time.monotonic() - began, 0.02)
            # When all has gone nobody waits any more.
            c.rset()
            for m in s.queue():
                s.waybill("queue", "remove", m["id"])
            wait_for(lambda: not throttle(s)["delay_ms"])

    def test_a_client_that_leaves_while_it_waits_is_forgotten(self):
        with Server(POLICY.replace("QUEUE", "mark 5")) as s, s.smtp() as c:
            mail(c, 30)
            wait_for(lambda: mail(c) or throttle(s)["delay_ms"] >= 30)
            for _ in range(5):
                with s.raw() as raw:
                    raw.recv(512)
                    raw.sendall(b"EHLO x\r\n")
                    raw.recv(512)
                    raw.sendall(b"MAIL FROM:<a@x.example>\r\n")
            mail(c)
            self.assertNotIn("assert", s.log())
            self.assertEqual(os.path.exists(f"{s.dir}/socket"), True)


class Spool(unittest.TestCase):
    def test_a_second_server_on_a_spool_is_refused_soon(self):
        text = POLICY.replace("QUEUE", "mark 5")
        with Server(text) as s, Server(text, start=False) as other:
            other.set_policy(text + f'\nspool {{ directory "{s.spool}" }}\n')
            other.wait_up = lambda: None
            other.start()
            said = f"the spool is in use by another server, pid {self.parent(s)}"
            wait_for(lambda: said in other.output() + other.log(), 9)
            other.kill_all()
            with s.smtp() as c:
                mail(c)

    def parent(self, s):
        with open(f"/proc/{s.processes()['queue'][0]}/stat", encoding="ascii") as f:
            return int(f.read().rsplit(")", 1)[1].split()[1])


if __name__ == "__main__":
    unittest.main()
