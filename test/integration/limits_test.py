"""Sessions are counted over all workers."""
import contextlib
import json
import os
import signal
import time
import unittest

from server import Server, wait_for
from smtp_server_test import probe_gone, reply

HEAD = """edition 1
hostname "mail.here.example"
set ours = { "here.example" }
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "mail/{user}"; OWNER }
"""
HEAD = HEAD.replace("OWNER", 'owner "waybill-mail"' if os.geteuid() == 0 else "")
RCPT = """on rcpt {
    rcpt unknown => reject 550 5.1.1
    rcpt.domain in ours => accept
}
"""
ROUTE = """route {
    rcpt.domain in ours => deliver boxes
    otherwise => reject
}
"""
USERS = {"users": "ann:x\nbob:x\n"}
TWO = ("--workers", "2")


def start(rules="", route=ROUTE, rcpt=RCPT, args=TWO, **kw):
    return Server(HEAD + rules + rcpt + route, USERS, args=args, **kw)


def count(s, name):
    """A counter of the limits process, by `waybill status`."""
    doc = json.loads(s.waybill("status", "--json").stdout)
    return next(p for p in doc["processes"] if p["name"] == "limits")["counters"].get(name)


def kill(s, name):
    """Ends all processes of that name; when others are there it is over."""
    before = s.processes()[name]
    for pid in before:
        os.kill(pid, signal.SIGKILL)

    def again():
        now = s.processes().get(name, [])
        return len(now) == len(before) and not set(now) & set(before)
    wait_for(again)


def stopped(s, name, which=0):
    """The process stands still: what is asked of it is not answered."""
    @contextlib.contextmanager
    def standing():
        pid = s.processes()[name][which]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)
    return standing()


class Sessions(unittest.TestCase):
    def fill(self, s, x, tries=12):
        """Connects so often; the greeted ones stay open. How many those are."""
        greeted = []
        for _ in range(tries):
            c = s.raw()
            r = reply(c)
            if r.startswith("220 "):
                greeted.append(x.enter_context(c))
            else:
                self.assertTrue(r.startswith("421 "), r)
                c.close()
        return greeted

    def of_the_other(self, s):
        """A connection that a worker who does not stand still has taken; its greeting."""
        end = time.monotonic() + 30
        while True:
            c = s.raw()
            c.settimeout(0.3)
            try:
                greeting = c.recv(512)
                if greeting.startswith(b"220 "):
                    return c, greeting
                # The worker still has sessions of connections that were given
                # up while it stood: so it asks before it greets.
                self.assertTrue(greeting.startswith(b"421 "), greeting)
                self.assertLess(time.monotonic(), end)
            except TimeoutError:
                pass
            c.close()

    def test_of_one_client_over_two_workers(self):
        with start("limits { per client 3 connections }\n") as s:
            probe_gone(s)
            for _ in range(3):
                with contextlib.ExitStack() as x:
                    self.assertEqual(len(self.fill(s, x)), 3)
                wait_for(lambda: count(s, "sessions") == 0)
            self.assertIn("limit=connections", s.log())

    def test_altogether_over_two_workers(self):
        with start("limits { sessions 5 }\n") as s, contextlib.ExitStack() as x:
            probe_gone(s)
            self.assertEqual(len(self.fill(s, x)), 5)
            self.assertIn("limit=sessions", s.log())

    def test_a_worker_that_dies_takes_its_sessions(self):
        with start("limits { per client 6 connections }\n") as s, contextlib.ExitStack() as x:
            probe_gone(s)
            self.assertEqual(len(self.fill(s, x)), 6)
            kill(s, "smtp")
            wait_for(lambda: count(s, "sessions") == 0)
            self.assertEqual(len(self.fill(s, x)), 6)

    def test_a_new_limits_hears_of_the_sessions_that_there_are(self):
        with start("limits { per client 4 connections }\n") as s, contextlib.ExitStack() as x:
            probe_gone(s)
            self.assertEqual(len(self.fill(s, x, tries=2)), 2)
            kill(s, "limits")
            wait_for(lambda: count(s, "sessions") == 2)
            self.assertEqual(len(self.fill(s, x)), 2)

    def test_one_too_many_may_hear_of_it_after_the_greeting(self):
        with start("limits { per client 9 connections }\n") as s, \
                contextlib.ExitStack() as x:
            probe_gone(s)
            with stopped(s, "smtp", 1):
                for _ in range(9):
                    x.enter_context(self.of_the_other(s)[0])
            with stopped(s, "smtp", 0):
                c, greeting = self.of_the_other(s)
                with c, c.makefile("rb") as lines:
                    c.settimeout(10)
                    said = greeting + lines.read()
                    self.assertEqual(said.count(b"\r\n"), 2)
                    self.assertIn(b"\r\n421 ", said)
            wait_for(lambda: count(s, "sessions") == 9)

    def test_a_limits_that_does_not_answer_keeps_nobody_out(self):
        with start("limits { per client 4 connections }\n") as s:
            probe_gone(s)
            with stopped(s, "limits"), s.raw() as c:
                began = time.monotonic()
                self.assertTrue(reply(c).startswith("220 "))
                self.assertGreater(time.monotonic() - began, 1)

    def test_one_of_few_is_greeted_while_limits_is_asked(self):
        with start() as s:
            probe_gone(s)
            with stopped(s, "limits"), s.raw() as c:
                c.settimeout(2)
                self.assertTrue(reply(c).startswith("220 "))


if __name__ == "__main__":
    unittest.main()
