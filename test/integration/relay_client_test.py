"""The SMTP client in the whole server: what hops say of themselves is kept, each recipient has
the mail once, and what failed is told with the hop's own words."""
import os
import re
import unittest

from hop_script import Hop, in_turn
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

    def test_sessions_are_shared_by_who_speaks_alike(self):
        """Three domains with one set of MX hosts; one of them goes by another block."""
        zone = ["live.test. A 127.0.0.1", *(f"{d}.test. MX 5 live.test." for d in ("a", "b", "c"))]
        text = policy(0, PATIENT).replace(
            'host "127.0.0.1" port 0', 'host mx; helo "other.queue.example"').replace(
                "otherwise => relay hop", 'rcpt.domain == "c.test" => relay hop\n'
                "    otherwise => mx")
        with NameServer(zone) as dns, Hop() as hop, Server(text, USERS, env={
                "WAYBILL_RESOLVER": dns.address, "WAYBILL_MX_PORT": str(hop.port)}) as s:
            for n, domain in enumerate("abcab"):
                send(s, f"x@{domain}.test")
                wait_for(lambda n=n: len(hop.messages) == n + 1)
                wait_for(lambda: not s.queue())
            self.assertEqual([(t.lines[0], sum(b"MAIL" in line for line in t.lines))
                              for t in hop.talks],
                             [(b"EHLO mx.queue.example", 4), (b"EHLO other.queue.example", 1)])

    def test_by_sender(self):
        """Expressions of the block: each sender has an address and a name of his own."""
        options = 'source senders[sender].address; helo senders[sender].name'
        text = self.block(hop := Hop(), options).replace(
            "map users", 'map senders = {\n    "ann@queue.example" = { address "127.0.0.70", name '
            '"ann.queue.example" },\n    "bob@queue.example" = { address "127.0.0.71", name '
            '"bob.queue.example" }\n}\nmap users')
        with hop, Server(text, USERS) as s:
            for name in ("ann", "bob"):
                send(s, "x@else.example", sender=f"{name}@queue.example")
            wait_for(lambda: len(hop.messages) == 2)
            self.assertEqual(sorted((t.peer[0], t.lines[0]) for t in hop.talks),
                             [("127.0.0.70", b"EHLO ann.queue.example"),
                              ("127.0.0.71", b"EHLO bob.queue.example")])


class Notified(unittest.TestCase):
    def test_a_notification_names_those_who_failed_and_why(self):
        script = {"RCPT r1@": b"550 5.1.1 nobody of that name\r\n",
                  "RCPT r2@": b"550 5.7.1 not from you\r\n"}
        with Hop(script) as hop, server(hop) as s:
            send(s, names(4), sender="ann@far.example")
            wait_for(lambda: len(hop.messages) == 2)
            report = next(m for m in hop.messages if m["to"] == ["ann@far.example"])["data"]
            self.assertEqual(re.findall(rb"Final-Recipient: rfc822; ?(\S+)", report),
                             [b"r1@else.example", b"r2@else.example"])
            self.assertEqual(re.findall(rb"\nStatus: (\S+)", report), [b"5.1.1", b"5.7.1"])
            self.assertIn(b"550 5.1.1 nobody of that name", report)
            self.assertIn(b"550 5.7.1 not from you", report)
            self.assertEqual(once(hop), ["ann@far.example", "r0@else.example", "r3@else.example"])

    def test_the_dot_is_refused(self):
        script = {".": in_turn(b"554 5.6.0 not that\r\n", None), "RCPT r1@": b"450 4.2.1 x\r\n"}
        with Hop(script) as hop, server(hop) as s:
            send(s, names(3), sender="ann@far.example")
            wait_for(lambda: hop.messages)
            report = hop.messages[0]["data"]
            self.assertEqual(re.findall(rb"Final-Recipient: rfc822; ?(\S+)", report),
                             [b"r0@else.example", b"r2@else.example"])
            self.assertEqual(len(s.queue()), 1)


    def test_the_postmaster_hears_of_nonsense(self):
        extra = 'notify { tell postmaster protocol; postmaster "pm@far.example" }\n'
        with Hop({"RCPT x@": b"what?\r\n"}) as hop, server(hop, extra=extra) as s:
            send(s, ["x@else.example", "y@else.example"])
            wait_for(lambda: hop.messages)
            told = hop.messages[0]
            self.assertEqual(told["to"], ["pm@far.example"])
            self.assertIn(b"The next hop relay:hop, sink.example[127.0.0.1], has said what is no SMTP: "
                          b"not understood instead of", told["data"])
            self.assertEqual(len(hop.messages), 1)


class Content(unittest.TestCase):
    def test_what_came_by_bdat_is_stuffed_anew(self):
        body = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\nend\r\n.\r\nQUIT\r\n"
        with Hop() as hop, server(hop) as s:
            with s.smtp() as c:
                c.ehlo()
                c.mail("ann@queue.example")
                c.rcpt("x@else.example")
                c.send(b"BDAT %d LAST\r\n%s" % (len(body), body))
                self.assertEqual(c.getreply()[0], 250)
            wait_for(lambda: hop.messages)
            self.assertTrue(hop.messages[0]["data"].endswith(body))
            self.assertIn(b"\r\n..\r\n...\r\n..x\r\nend\r\n..\r\nQUIT\r\n.\r\n",
                          bytes(hop.wire[0]))

    def test_local_parts_that_are_quoted(self):
        rcpts = ['"a b"@else.example', r'"a\"b"@else.example', '"a@b"@else.example']
        with Hop() as hop, server(hop) as s:
            with s.smtp() as c:
                c.ehlo()
                c.docmd("MAIL FROM:<ann@queue.example>")
                for rcpt in rcpts:
                    self.assertEqual(c.docmd(f"RCPT TO:<{rcpt}>")[0], 250)
                c.data("Subject: x\r\n\r\n")
            wait_for(lambda: hop.messages)
            self.assertEqual(sorted(hop.messages[0]["to"]), sorted(rcpts))


if __name__ == "__main__":
    unittest.main()
