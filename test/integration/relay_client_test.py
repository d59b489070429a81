"""The SMTP client in the whole server: what hops say of themselves is kept, each recipient has
the mail once, and what failed is told with the hop's own words."""
import re
import unittest

from hop_script import Hop
from queue_test import policy, send
from server import Server, wait_for

PATIENT = "queue { retry 1h }"
USERS = {"users": "ann:x\n", "aliases": ""}


def server(hop, queue=PATIENT, extra=""):
    return Server(policy(hop.port, queue, extra), USERS)


def names(n):
    return [f"r{i}@else.example" for i in range(n)]


def once(hop):
    """Recipients as they were taken, sorted; whoever stands twice had it twice."""
    return sorted(r for m in hop.messages for r in m["to"])


class Limits(unittest.TestCase):
    """RFC 9422: LIMITS."""

    def test_recipients_and_messages(self):
        offers = ["PIPELINING", "LIMITS RCPTMAX=2 MAILMAX=2"]
        with Hop(extensions=offers) as hop, server(hop) as s:
            send(s, names(5))
            wait_for(lambda: not s.queue())
            self.assertEqual(once(hop), names(5))
            self.assertEqual([len(m["to"]) for m in hop.messages], [2, 2, 1])
            # Nobody was refused, so nobody was put off.
            self.assertNotIn(" deferred id=", s.log())
            self.assertEqual([sum(b"MAIL" in line for line in t.lines) for t in hop.talks], [2, 1])
            self.assertEqual(hop.talks[0].lines[-1], b"QUIT")

    def test_the_first_ones_are_refused(self):
        script = {"RCPT r0@": b"550 5.1.1 who\r\n", "RCPT r1@": b"450 4.2.1 busy\r\n"}
        with Hop(script, extensions=["PIPELINING", "LIMITS RCPTMAX=2"]) as hop, server(hop) as s:
            send(s, names(4))
            wait_for(lambda: "r3@else.example" in once(hop))
            self.assertEqual(once(hop), names(4)[2:])
            wait_for(lambda: " failed id=" in s.log())
            self.assertEqual(len(re.findall(" deferred id=", s.log())), 1)

    def test_a_message_that_is_cut_through(self):
        text = policy(0, PATIENT).replace("port 0 }", "port HOP; cut through }")
        with Hop(extensions=["LIMITS RCPTMAX=1"]) as hop, \
                Server(text.replace("HOP", str(hop.port)), USERS) as s:
            send(s, names(3))
            wait_for(lambda: not s.queue())
            self.assertEqual(once(hop), names(3))
            self.assertIn('reply="sink.example[127.0.0.1] takes 1 of these recipients in one '
                          'transaction"', s.log())


class TooMany(unittest.TestCase):
    def test_452_is_no_attempt(self):
        """RFC 5321, 4.5.3.1.10."""
        def script(verb, _argument, session):
            many = verb == "RCPT" and len(session.rcpts) == 2
            return b"452 4.5.3 too many recipients\r\n" if many else None
        with Hop(script) as hop, server(hop) as s:
            send(s, names(5))
            wait_for(lambda: not s.queue())
            self.assertEqual(once(hop), names(5))
            self.assertEqual([len(m["to"]) for m in hop.messages], [2, 2, 1])
            self.assertNotIn(" deferred id=", s.log())


if __name__ == "__main__":
    unittest.main()
