"""The SMTP server as a whole: limits, its end, a reload, large messages, IPv6."""
import contextlib
import os
import signal
import smtplib
import socket
import unittest

from server import Server, wait_for
from smtp_chat_test import HEAD, POLICIES, RCPT, ROUTE

USERS = {"users": "ann:x\nbob:x\n"}
ONE = ("--workers", "1")


def reply(sock):
    """One reply of one line."""
    text = b""
    while not text.endswith(b"\r\n"):
        piece = sock.recv(512)
        if not piece:
            break
        text += piece
    return text.decode()


def probe_gone(s):
    """The connection that Server made to see that it is up counts no more."""
    wait_for(lambda: "end=closed by client" in s.log())


class Limits(unittest.TestCase):
    def test_sessions_of_one_client(self):
        policy = POLICIES["plain"] + "limits { per client 2 connections }\n"
        with Server(policy, USERS, args=ONE) as s, contextlib.ExitStack() as x:
            probe_gone(s)
            first, second = (x.enter_context(s.raw()) for _ in range(2))
            self.assertTrue(reply(first).startswith("220 "))
            self.assertTrue(reply(second).startswith("220 "))
            with s.raw() as third:
                self.assertTrue(reply(third).startswith("421 4.7.0 "))
                self.assertEqual(third.recv(10), b"")
            first.close()
            wait_for(lambda: self.greeted(s))
            self.assertIn("limit=connections", s.log())

    def greeted(self, s):
        with s.raw() as c:
            return reply(c).startswith("220 ")

    def test_sessions_altogether(self):
        policy = POLICIES["plain"] + "limits { sessions 3 }\n"
        with Server(policy, USERS, args=ONE) as s, contextlib.ExitStack() as x:
            probe_gone(s)
            for _ in range(3):
                c = x.enter_context(s.raw())
                self.assertTrue(reply(c).startswith("220 "))
            with s.raw() as c:
                self.assertTrue(reply(c).startswith("421 4.3.2 "))

    def test_a_thousand_idle_sessions(self):
        policy = POLICIES["plain"] + "limits { per client 2000 connections }\n"
        with Server(policy, USERS) as s, contextlib.ExitStack() as x:
            socks = [x.enter_context(s.raw()) for _ in range(1000)]
            for c in socks:
                self.assertTrue(reply(c).startswith("220 "))
            socks[0].sendall(b"NOOP\r\n")
            self.assertTrue(reply(socks[0]).startswith("250 "))


class Ends(unittest.TestCase):
    def test_stop_tells_the_idle_and_lets_data_finish(self):
        with Server(POLICIES["plain"], USERS, args=ONE) as s:
            idle = s.raw()
            self.assertTrue(reply(idle).startswith("220 "))
            busy = s.smtp()
            busy.ehlo("client.example")
            busy.mail("a@b.example")
            busy.rcpt("ann@here.example")
            busy.putcmd("data")
            self.assertEqual(busy.getreply()[0], 354)
            os.kill(s.proc.pid, signal.SIGTERM)
            self.assertTrue(reply(idle).startswith("421 4.3.2 "))
            busy.send(b"Subject: last\r\n\r\n.\r\n")
            self.assertEqual(busy.getreply()[0], 250)
            self.assertEqual(busy.getreply()[0], 421)
            idle.close()
            busy.close()
            s.stop()
            s.start()
            self.assertIn(b"Subject: last", s.wait_mail("ann")[0])

    def test_old_sessions_end_under_the_policy_they_began_with(self):
        with Server(POLICIES["plain"], USERS, args=ONE) as s:
            old = s.smtp()
            old.ehlo("client.example")
            closed = HEAD + 'on rcpt { otherwise => reject 550 5.7.1 "shut" }\n' + ROUTE
            s.set_policy(closed)
            s.waybill("reload")
            with s.smtp() as new:
                new.ehlo("client.example")
                new.mail("a@b.example")
                self.assertEqual(new.rcpt("ann@here.example")[1], b"5.7.1 shut")
            old.mail("a@b.example")
            self.assertEqual(old.rcpt("ann@here.example")[0], 250)
            old.quit()

    def test_a_killed_worker_is_followed_by_another_on_the_same_socket(self):
        with Server(POLICIES["plain"], USERS, args=ONE) as s:
            os.kill(s.processes()["smtp"][0], signal.SIGKILL)
            with s.smtp() as c:
                c.sendmail("a@b.example", ["ann@here.example"], "Subject: x\r\n\r\n")
            self.assertEqual(len(s.wait_mail("ann")), 1)


class Messages(unittest.TestCase):
    def test_a_large_message_arrives_whole(self):
        text = "Subject: large\n\n" + "0123456789" * 9 + "\n" + ".dot\n" * 3
        text += "".join(f"line {i} of many, so that it is large\n" for i in range(80000))
        with Server(POLICIES["plain"], USERS) as s:
            with s.smtp() as c:
                c.sendmail("a@b.example", ["ann@here.example", "bob@here.example"],
                           text.replace("\n", "\r\n"))
            for user in ("ann", "bob"):
                got = s.wait_mail(user)[0].decode()
                self.assertEqual(got[got.index("Subject: large"):], text)

    def test_every_message_of_many_sessions_arrives_once(self):
        with Server(POLICIES["plain"], USERS) as s:
            for i in range(20):
                with s.smtp() as c:
                    for k in range(5):
                        c.sendmail("a@b.example", ["ann@here.example"],
                                   f"Subject: {i}-{k}\r\n\r\nx\r\n")
            got = s.wait_mail("ann", 100)
            subjects = {m.split(b"Subject: ")[1].split(b"\n")[0] for m in got}
            self.assertEqual((len(got), len(subjects)), (100, 100))

    def test_received_names_the_only_recipient(self):
        with Server(POLICIES["plain"], USERS) as s:
            with s.smtp(local_hostname="[127.0.0.1]") as c:
                c.sendmail("a@b.example", ["ann@here.example"], "S: 1\r\n\r\n")
                c.sendmail("", ["bob@here.example", "ann@here.example"], "S: 2\r\n\r\n")
            bob = s.wait_mail("bob")[0]
            ann = s.wait_mail("ann", 2)
            self.assertIn(b"from [127.0.0.1] ([127.0.0.1])\n\tby mx.example (Waybill)"
                          b" with ESMTP id ", bob)
            self.assertNotIn(b"for <", bob)
            self.assertTrue(any(b"\tfor <ann@here.example>;\n" in m for m in ann))
            self.assertIn(b"Return-Path: <>\n", bob)

    def test_edits_of_the_last_ehlo_alone(self):
        hello = 'on helo { otherwise => add header "X-Helo: {client.helo}" }\n'
        with Server(POLICIES["plain"] + hello, USERS) as s, s.smtp() as c:
            c.ehlo("first.example")
            c.mail("x@b.example")
            for name in ("second.example", "[not a name", "third.example"):
                c.docmd("EHLO", name)
            c.sendmail("a@b.example", ["ann@here.example"], "S: 1\r\n\r\n")
            self.assertEqual([x for x in s.wait_mail("ann")[0].split(b"\n") if b"X-" in x],
                             [b"X-Helo: third.example"])

    def test_ipv6(self):
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError:
            self.skipTest("no IPv6 here")
        policy = HEAD.replace('listen smtp on "127.0.0.1:@PORT@"',
                              'listen smtp on "127.0.0.1:@PORT@", "[::1]:@PORT@"')
        with Server(policy + RCPT + ROUTE, USERS) as s:
            with smtplib.SMTP("::1", s.port, timeout=30) as c:
                c.sendmail("a@b.example", ["ann@here.example"], "S: 6\r\n\r\n")
            self.assertIn(b"([IPv6:::1])", s.wait_mail("ann")[0])


if __name__ == "__main__":
    unittest.main()
