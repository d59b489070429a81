"""What the queue holds of its next hops, beside a hop that does what it is told, and the
terms of hops in the whole server."""
import json
import unittest

from queue_test import TABLES, policy, send
from server import Server, wait_for
from sink import Sink

PATIENT = "queue { retry 1h }"


def status(s):
    return json.loads(s.waybill("status", "--json").stdout)


class Scripted(unittest.TestCase):
    """Each event, and the hop's state after it: the lists of test/unit/mta/queue/hop, in life."""

    def play(self, s, n, ends):
        """n messages, one after the other, each when the one before has ended."""
        for _ in range(n):
            before = self.count(s, ends)
            send(s, "x@else.example")
            wait_for(lambda: self.count(s, ends) == before + 1)

    def count(self, s, what):
        return status(s)["queue"][what]

    def state(self, s):
        h = next(h for h in status(s)["hops"] if h["hop"] == "relay:hop")
        return (h["concurrency"], h["window_good"], h["windows_failed"], h["state"], h["class"])

    def test_a_hop_grows_fails_dies_and_comes_back(self):
        busy = []

        def script(verb, _argument, _session):
            return b"421 4.3.2 busy\r\n" if busy and verb == "MAIL" else None
        with Sink(script=script) as hop, Server(policy(hop.port, PATIENT), TABLES) as s:
            send(s, "y@else.example")
            wait_for(lambda: self.count(s, "sent") == 1)
            self.play(s, 11, "sent")
            busy.append(True)
            self.play(s, 1, "deferred")
            self.assertEqual(self.state(s), (3, 0, 1, "failing", "connect"))
            busy.clear()
            self.play(s, 1, "sent")
            self.assertEqual(self.state(s), (3, 1, 0, "good", "connect"))
            busy.append(True)
            for state in ((1, 0, 1, "failing"), (1, 0, 2, "failing"), (1, 0, 3, "dead")):
                self.play(s, 1, "deferred")
                self.assertEqual(self.state(s)[:4], state)
            # Dead: what comes now waits, and nobody connects.
            sessions = hop.sessions
            send(s, "x@else.example")
            wait_for(lambda: status(s)["hops"][0]["waiting"] == 1)
            self.assertEqual(hop.sessions, sessions)
            self.assertIn("dead, next try", s.waybill("status").stdout)
            busy.clear()
            s.waybill("queue", "retry", "all")
            wait_for(lambda: not s.queue())
            self.assertEqual(len(hop.messages), 18)


class Terms(unittest.TestCase):
    def test_greylisted_mail_has_waits_of_its_own(self):
        said = []

        def grey(verb, _argument, _session):
            if verb == "RCPT" and not said:
                said.append(verb)
                return b"450 4.2.0 greylisted\r\n"
            return None
        queue = "queue { retry 1h; retry greylisted 1s }"
        with Sink(script=grey) as hop, Server(policy(hop.port, queue), TABLES) as s:
            send(s, "x@else.example")
            wait_for(lambda: hop.messages)

    def test_a_block_for_the_relay_counts(self):
        queue = """queue { retry 1h }
queue for relay hop { recipients 2; per connection 1 messages }"""
        with Sink() as hop, Server(policy(hop.port, queue), TABLES) as s:
            send(s, ["a@e.example", "b@e.example", "c@e.example"])
            wait_for(lambda: not s.queue())
            self.assertEqual(sorted(len(m["to"]) for m in hop.messages), [1, 2])
            self.assertEqual(hop.sessions, 2)

    def test_what_the_hop_cannot_take_goes_to_its_fallback(self):
        def script(verb, _argument, _session):
            return b"451 4.3.0 not today\r\n" if verb == "RCPT" else None
        queue = "queue { retry 1h }\nqueue for relay hop { fallback spare; fallback after 0s }"
        with Sink(script=script) as hop, Sink() as spare:
            extra = f'relay spare {{ host "127.0.0.1" port {spare.port} }}\n'
            with Server(policy(hop.port, queue, extra), TABLES) as s:
                send(s, "x@else.example")
                wait_for(lambda: spare.messages)
                wait_for(lambda: not s.queue())
                self.assertEqual(hop.messages, [])
                self.assertIn("event=fallback", s.log())

    def test_both_replies_are_told(self):
        def first(verb, _argument, _session):
            return b"451 4.3.0 not today\r\n" if verb == "RCPT" else None

        def second(verb, argument, _session):
            if verb == "RCPT" and "ann" not in argument:
                return b"550 5.1.1 nobody here\r\n"
            return None
        queue = "queue { retry 1h }\nqueue for relay hop { fallback spare; fallback after 0s }"
        with Sink(script=first) as hop, Sink(script=second) as spare:
            extra = f'relay spare {{ host "127.0.0.1" port {spare.port} }}\n'
            with Server(policy(hop.port, queue, extra), TABLES) as s:
                send(s, "x@else.example", sender="ann@far.example")
                wait_for(lambda: spare.messages)
                report = b" ".join(spare.messages[0]["data"].split())
                self.assertIn(b"nobody here", report)
                self.assertIn(b"451 not today", report)

    def test_low_priority_goes_behind(self):
        extra = 'on mail { sender.user == "bulk" => priority low }\n'
        gate = []

        def script(verb, _argument, _session):
            return None if gate or verb != "RCPT" else b"451 4.3.0 wait\r\n"
        queue = "queue { retry 1h; concurrency 1; concurrency start 1 }"
        with Sink(script=script) as hop, Server(policy(hop.port, queue, extra), TABLES) as s:
            for _ in range(5):
                send(s, "x@else.example", sender="bulk@queue.example")
            for _ in range(5):
                send(s, "x@else.example")
            wait_for(lambda: status(s)["queue"]["deferred"] == 10)
            gate.append(True)
            s.waybill("queue", "retry", "all")
            wait_for(lambda: len(hop.messages) == 10)
            senders = [m["from"] for m in hop.messages[:4]]
            self.assertLessEqual(sum("bulk" in f for f in senders), 1)


if __name__ == "__main__":
    unittest.main()
