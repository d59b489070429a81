"""What the postmaster is told by whole servers, `on bounce`, and notifications of programs and LMTP."""
import os
import pwd
import signal
import unittest

from dsn_test import Client, Report, TABLES, policy, send
from server import Server, wait_for
from sink import Sink

OURS = """
notify { tell postmaster CLASSES; postmaster "ann@queue.example" }
"""


REFUSES = ('rcpt.local == "never" => reject 550 5.7.1 "not {rcpt}"\n    client.ip in here => accept')


def sessions(classes):
    return policy(1).replace("client.ip in here => accept", REFUSES) + OURS.replace("CLASSES", classes)


def one(s, n=1):
    wait_for(lambda: len(s.maildir("ann")) >= n and not s.queue())
    mails = s.maildir("ann")
    assert len(mails) == n, mails
    return mails[-1].decode()


class Sessions(unittest.TestCase):
    def test_what_a_policy_refuses_is_summed_up_once(self):
        with Server(sessions("policy"), TABLES) as s:
            with Client(s.port) as c:
                c.say("MAIL FROM:<eve@\x7f.example>", "5")  # against the protocol: not this class
                c.say("MAIL FROM:<eve@else.example>")
                c.say("RCPT TO:<never@queue.example>", "550 5.7.1")
                c.say("RCPT TO:<never@else.example>", "550 5.7.1")
                c.say("RCPT TO:<bob@queue.example>")
                c.data(b"Subject: content\r\n\r\nunseen\r\n")
                c.close()
            mail = one(s)
            self.assertIn("Subject: Mail was refused by the policy\n", mail)
            self.assertIn("refused mail of a client, 2 times.", mail)
            self.assertIn("rcpt from=<eve@else.example> to=never@queue.example\n"
                          "    550 5.7.1 not never@queue.example (line ", mail)
            self.assertIn("client 127.0.0.1 helo=client.example listener=smtp", mail)
            self.assertNotIn("unseen", mail)
            self.assertNotIn("C: ", mail)

    def test_a_transcript_of_who_has_not_kept_to_the_protocol(self):
        with Server(sessions("protocol"), TABLES) as s:
            with Client(s.port) as c:
                c.say("AUTH PLAIN AGFubgBzZWNyZXQ=", "5")
                c.say("c2VjcmV0", "500")
                c.say("WHAT\x1b[2J", "500")
                c.say("MAIL FROM:<eve@else.example>")
                c.say("RCPT TO:<never@queue.example>", "550 5.7.1")
                c.say("RCPT TO:<bob@queue.example>")
                c.data(b"Subject: content\r\n\r\nunseen\r\n")
                c.close()
            mail = one(s)
            self.assertIn("Subject: A client and the protocol\n", mail)
            self.assertRegex(mail, r"S: 220 mx\.queue\.example ESMTP Waybill\n"
                                   r"C: EHLO client\.example\nS: 250-mx\.queue")
            self.assertRegex(mail, r"C: AUTH \*\*\*\nS: 50\d .*\nC: \*\*\*\nS: 500 .*\n"
                                   r"C: \*\*\*\nS: 500 .*\nC: MAIL FROM:<eve@else\.example>\n")
            self.assertRegex(mail, r"C: DATA\nS: 354 .*\nS: 250 .*\nC: QUIT\nS: 221 ")
            for secret in ("AGFubg", "c2Vj", "unseen", "\x1b"):
                self.assertNotIn(secret, mail)

    def test_control_characters_are_escaped(self):
        with Server(sessions("protocol"), TABLES) as s:
            with Client(s.port) as c:
                c.say("WH\u00c4T\x1b[2J\\", "500")
                c.close()
            self.assertIn("C: WH\\xc3\\x84T\\x1b[2J\\x5c\nS: 500 ", one(s))

    def test_without_the_classes_nothing_is_told(self):
        with Server(policy(1).replace("client.ip in here => accept", REFUSES) + """
notify { postmaster "ann@queue.example" }""", TABLES) as s:
            with Client(s.port) as c:
                c.say("NONSENSE", "500")
                c.say("MAIL FROM:<eve@else.example>")
                c.say("RCPT TO:<never@queue.example>", "550 5.7.1")
                c.close()
            send(s, [("bob@queue.example", "")])
            s.wait_mail("bob")
            self.assertEqual(s.maildir("ann"), [])

    def test_twenty_an_hour_and_the_next_says_how_many_more(self):
        with Server(sessions("protocol"), TABLES, args=("--workers", "1")) as s:
            for _ in range(23):
                with Client(s.port) as c:
                    c.say("NONSENSE", "500")
                    c.close()
            wait_for(lambda: s.log().count("end=quit") >= 23)
            send(s, [("bob@queue.example", "")])
            s.wait_mail("bob")
            one(s, 20)


class Software(unittest.TestCase):
    def test_a_process_that_ends_by_itself_is_told_of_by_default(self):
        with Server(policy(1) + """
notify { postmaster "ann@queue.example" }""", TABLES) as s:
            wait_for(lambda: "event=ready" in s.log())
            os.kill(s.processes()["route"][0], signal.SIGKILL)
            mail = one(s)
            self.assertIn("Subject: A process has ended\n", mail)
            self.assertIn("The process route (0) has ended by itself, with signal 9", mail)

    def test_of_the_queue_itself_the_next_one_tells(self):
        with Server(policy(1) + OURS.replace("CLASSES", "software"), TABLES) as s:
            wait_for(lambda: "event=ready" in s.log())
            os.kill(s.processes()["queue"][0], signal.SIGKILL)
            self.assertIn("The process queue (0) has ended by itself, with signal 9", one(s))

    def test_a_reload_is_no_such_end(self):
        with Server(policy(1) + """
notify { tell postmaster software; postmaster "ann@queue.example" }""", TABLES) as s:
            with open(s.policy, "a", encoding="utf-8") as f:
                f.write("limits { idle 4m }\n")
            s.waybill("reload")
            s.waybill("reload")
            send(s, [("bob@queue.example", "")])
            s.wait_mail("bob")
            self.assertEqual(s.maildir("ann"), [])


def refuse(verb, _argument, _session):
    return b"550 5.1.1 nobody\r\n" if verb == "RCPT" else None


class OnBounce(unittest.TestCase):
    def test_it_knows_what_is_told_and_why(self):
        hook = """
on bounce {
    bounce.kind == "failed" and bounce.status == "5.1.1" => bcc <cid@queue.example>
    bounce.kind == "arrived" => discard
}
"""
        with Sink(script=refuse) as hop, Server(policy(hop.port) + hook, TABLES) as s:
            send(s, [("bob@queue.example", "NOTIFY=SUCCESS")])
            wait_for(lambda: "on bounce says so" in s.log() and not s.queue())
            self.assertEqual(s.maildir("ann"), [])
            send(s, [("x@else.example", "")])
            self.assertEqual(Report(one(s).encode()).actions(), {"x@else.example": "failed"})
            self.assertEqual(len(s.wait_mail("cid")), 1)


class Programs(unittest.TestCase):
    def test_of_a_program_its_exit_code_and_what_it_said(self):
        user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        text = policy(1).replace("route {", f"""route {{
    rcpt.user == "says" => pipe "/bin/sh -c 'echo not this one; exit 77'" as {user}""") \
            .replace("mailbox boxes", 'programs { folder "/bin" }\nmailbox boxes')
        with Server(text, TABLES) as s:
            send(s, [("says@queue.example", "")])
            (rcpt,) = Report(one(s).encode()).rcpts
            self.assertEqual(rcpt["Status"], "5.7.1")
            self.assertRegex(rcpt["Diagnostic-Code"], r"^x-unix; permission denied \(exit code 77\): not this one$")
            self.assertNotIn("Remote-MTA", rcpt)


class Lmtp(unittest.TestCase):
    def test_a_refusal_behind_the_dot_keeps_status_and_host(self):
        def script(verb, _argument, _session):
            return b"552 5.2.2 mailbox full\r\n" if verb == "." else None
        with Sink(script=script, lmtp=True) as hop:
            text = policy(1).replace("    otherwise => relay hop",
                                     f'    otherwise => lmtp "127.0.0.1:{hop.port}"')
            with Server(text, TABLES) as s:
                send(s, [("x@else.example", "")])
                (rcpt,) = Report(one(s).encode()).rcpts
                self.assertEqual(rcpt["Status"], "5.2.2")
                self.assertEqual(rcpt["Diagnostic-Code"], "smtp; 552 5.2.2 mailbox full")
                self.assertEqual(rcpt["Remote-MTA"], "dns; sink.example")
