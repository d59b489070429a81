"""The SMTP client in the whole server: what hops say of themselves is kept, each recipient has
the mail once, and what failed is told with the hop's own words."""
import os
import re
import unittest

from hop_script import Hop
from nameserver import NameServer
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
            self.assertEqual(sorted(len(m["to"]) for m in hop.messages), [1, 2, 2])
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
            self.assertEqual(sorted(len(m["to"]) for m in hop.messages), [1, 2, 2])
            self.assertNotIn(" deferred id=", s.log())


class Ways(unittest.TestCase):
    """What a relay block says of how it is sent."""

    def block(self, hop, options, host="127.0.0.1"):
        return policy(0, PATIENT).replace(
            'host "127.0.0.1" port 0', f'host "{host}" port {hop.port}; {options}')

    def test_source_and_name(self):
        options = 'source "127.0.0.77", "::1"; helo "out.queue.example"'
        with Hop() as hop, Server(self.block(hop, options), USERS) as s:
            send(s, "x@else.example")
            wait_for(lambda: hop.messages)
            self.assertEqual(hop.talks[0].peer[0], "127.0.0.77")
            self.assertEqual(hop.talks[0].lines[0], b"EHLO out.queue.example")
            self.assertIn(b"\tby mx.queue.example ", hop.messages[0]["data"])

    def test_a_source_that_this_machine_has_not(self):
        with Hop() as hop, Server(self.block(hop, 'source "192.0.2.77"'), USERS) as s:
            send(s, "x@else.example")
            send(s, "y@else.example")
            wait_for(lambda: s.log().count(" deferred id=") == 2)
            self.assertIn("cannot send from the address 192.0.2.77: Cannot assign requested "
                          "address", s.log())
            self.assertIn("4.3.5", s.waybill("queue", "show", s.queue()[0]["id"]).stdout)
            self.assertEqual(s.log().count("event=source-unusable source=192.0.2.77"), 1)
            self.assertEqual(hop.sessions, 0)

    def test_a_family_without_a_source_is_not_used(self):
        with Hop() as hop, Server(self.block(hop, 'source "2001:db8::1"'), USERS) as s:
            send(s, "x@else.example")
            wait_for(lambda: "no address of a family that 'source' names" in s.log())
            self.assertEqual(hop.sessions, 0)

    @unittest.skipUnless(os.path.exists("/proc/net/if_inet6"), "no IPv6")
    def test_which_family_comes_first(self):
        with NameServer(["both.test. A 127.0.0.1", "both.test. AAAA ::1"]) as dns:
            for options, family in (("", "127.0.0.1"), ("prefer ipv4", "127.0.0.1"),
                                    ("prefer ipv6", "::1"), ('source "::1"', "::1")):
                with Hop() as four, Hop(host="::1", port=four.port) as six, \
                        Server(self.block(four, options, "both.test"), USERS,
                               env={"WAYBILL_RESOLVER": dns.address}) as s:
                    send(s, "x@else.example")
                    wait_for(lambda: four.messages or six.messages)
                    self.assertEqual("127.0.0.1" if four.messages else "::1", family, options)


if __name__ == "__main__":
    unittest.main()
