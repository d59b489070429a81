"""`cut through`: the hop has the message before the client is answered; the
spool is for what the hop has not taken."""
import os
import re
import signal
import smtplib
import unittest

from server import Server, wait_for
from sink import Sink

POLICY = """
edition 1
hostname "mx.cut.example"
set ours = { "cut.example" }
net self = { 127.0.0.0/8 }
listen smtp on "127.0.0.1:@PORT@"
relay hop { host "127.0.0.1" port HOP; cut through MORE }
relay other { host "127.0.0.1" port HOP }
queue { retry 1s QUEUE }
on rcpt { client.ip in self => accept }
route {
    rcpt.domain == "other.example" => relay other
    otherwise => relay hop
}
rewrite outbound sender { "{user}@old.example" => "{user}@new.example" }
rewrite outbound rcpt { "{user}@away.example" => "{user}@far.example" }
"""
TEXT = "Subject: t\r\n\r\nline\r\n"


def policy(hop, more="", queue=""):
    return POLICY.replace("HOP", str(hop.port)).replace("MORE", more).replace("QUEUE", queue)


def send(s, to=("x@far.example",), text=TEXT, sender="a@sender.example", options=()):
    """Code and reply to the final dot."""
    with s.smtp() as c:
        c.ehlo("client.example")
        c.mail(sender)
        for one in to:
            assert c.rcpt(one, options)[0] == 250
        code, reply = c.data(text)
        return code, reply.decode()


def refusing(what):
    """A script: replies by recipient or, "." for the final dot; each counts down."""
    left = dict(what)

    def script(verb, argument, _session):
        if verb == "RCPT":
            return next((left[k] for k in left if k in argument), None)
        if verb == ".":
            return left.get(".")
        return None
    return script


def records(s, qid):
    """Lines of the log with this id, without those of the session."""
    return [line.split(" ", 3)[3] for line in s.log().splitlines() if f"id={qid}" in line]


class Cut(unittest.TestCase):
    def test_taken_by_the_hop_nothing_is_queued(self):
        with Sink() as hop, Server(policy(hop)) as s:
            code, reply = send(s, ["x@far.example", "y@far.example"])
            self.assertEqual(code, 250)
            self.assertRegex(reply, r"^2\.0\.0 ok, relayed as \S+$")
            # It is there before the answer, with our Received: field.
            self.assertEqual([m["to"] for m in hop.messages], [["x@far.example", "y@far.example"]])
            self.assertRegex(hop.messages[0]["data"], rb"^Received: .*\r\n")
            qid = reply.split()[-1]
            wait_for(lambda: len(records(s, qid)) == 3)
            lines = records(s, qid)
            self.assertRegex(lines[0], r"^accepted id=\S+ from=a@sender.example size=\d+ nrcpt=2 "
                             r"client=127.0.0.1 user=- policy=\w+ cut=through$")
            self.assertRegex(lines[1], r"^sent id=\S+ to=x@far.example hop=relay:hop "
                             r"mta=\S+ tls-wanted=opportunistic .*code=250 reply=taken cut=through$")
            self.assertEqual(s.queue(), [])

    def test_large_content_goes_too(self):
        with Sink() as hop, Server(policy(hop)) as s:
            for size in (70000, 1000000):
                text = "Subject: t\r\n\r\n" + "0123456789abc.\r\n" * (size // 16)
                self.assertIn("relayed as", send(s, text=text)[1])
                self.assertTrue(hop.messages[-1]["data"].endswith(text.encode()))
            text = "Subject: t\r\n\r\n" + "0123456789abc.\r\n" * 80000
            self.assertIn("queued as", send(s, text=text)[1])
            wait_for(lambda: len(hop.messages) == 3)

    def test_the_envelope_leaves_as_it_would_from_the_queue(self):
        with Sink() as hop, Server(policy(hop)) as s:
            self.assertIn("relayed as", send(s, ["x@away.example"], sender="a@old.example")[1])
            self.assertIn("queued as", send(s, ["x@other.example"], sender="a@old.example")[1])
            wait_for(lambda: len(hop.messages) == 2)
            self.assertIn("<a@new.example>", hop.messages[0]["from"])
            self.assertEqual(hop.messages[0]["to"], ["x@far.example"])
            self.assertIn("<a@new.example>", hop.messages[1]["from"])

    def test_two_hops_go_by_the_queue(self):
        with Sink() as hop, Server(policy(hop)) as s:
            self.assertIn("queued as", send(s, ["x@far.example", "y@other.example"])[1])
            wait_for(lambda: sum(len(m["to"]) for m in hop.messages) == 2)

    def test_what_asks_for_a_notification_goes_by_the_queue(self):
        with Sink(extensions=("PIPELINING", "DSN")) as hop, Server(policy(hop)) as s:
            self.assertIn("queued as", send(s, options=["NOTIFY=SUCCESS"])[1])
            self.assertIn("relayed as",
                          send(s, options=["NOTIFY=NEVER", "ORCPT=rfc822;x@far.example"])[1])
            self.assertIn(["TO:<x@far.example> NOTIFY=NEVER ORCPT=rfc822;x@far.example"],
                          hop.rcpts)

    def test_refused_for_all_the_client_is_told(self):
        for where in ("@far.example", "."):
            with self.subTest(where), Sink(refusing({where: b"554 5.7.7 not that\r\n"})) as hop, \
                    Server(policy(hop)) as s:
                code, reply = send(s, ["x@far.example", "y@far.example"])
                self.assertEqual(code, 554)
                self.assertRegex(reply, r"^5\.7\.7 \S+\[127\.0\.0\.1\] says: not that$")
                self.assertRegex(s.log(), r" hop-refused id=\S+ hop=relay:hop mta=\S+ nrcpt=2 "
                                 r'code=554 reply="not that" cut=through')
                self.assertEqual(s.queue(), [])

    def test_with_soft_bounce_a_refusal_is_queued(self):
        with Sink(refusing({".": b"554 5.7.7 not that\r\n"})) as hop, \
                Server(policy(hop, queue="; soft bounce")) as s:
            self.assertIn("queued as", send(s)[1])
            self.assertEqual(len(s.queue()), 1)

    def test_those_not_taken_are_queued_alone(self):
        replies = {"<late@": b"450 4.2.1 later\r\n", "<bad@": b"550 5.1.1 nobody\r\n"}
        with Sink(refusing(replies)) as hop, Server(policy(hop)) as s:
            code, reply = send(s, ["ok@far.example", "late@far.example", "bad@far.example"])
            self.assertEqual(code, 250)
            qid = reply.split()[-1]
            wait_for(lambda: "failed id=" + qid in s.log())
            lines = records(s, qid)
            self.assertRegex(lines[0], "^sent .* to=ok@far.example .* cut=through$")
            self.assertRegex(lines[1], "^spooled .* nrcpt=2 code=450 reply=later cut=through$")
            self.assertRegex(lines[2], "^accepted .* nrcpt=2 ")
            hop.script = None
            wait_for(lambda: any(m["to"] == ["late@far.example"] for m in hop.messages))
            self.assertEqual(sum("ok@far.example" in m["to"] for m in hop.messages), 1)

    def test_a_passing_refusal_is_queued(self):
        with Sink(refusing({".": b"451 4.3.0 not now\r\n"})) as hop, Server(policy(hop)) as s:
            self.assertIn("queued as", send(s)[1])
            hop.script = None
            wait_for(lambda: len(hop.messages) == 1)

    def test_a_hop_that_dies_in_the_middle(self):
        dead = []

        def script(verb, _argument, _session):
            if verb == "." and not dead:
                dead.append(verb)
                return False
            return None
        with Sink(script) as hop, Server(policy(hop)) as s:
            self.assertIn("queued as", send(s)[1])
            wait_for(lambda: len(hop.messages) == 1)

    def test_no_hop_at_all(self):
        with Sink() as hop:
            port = hop.port
        with Server(policy(hop)) as s:
            self.assertIn("queued as", send(s)[1])
            # It rests: the next client waits for nothing.
            self.assertIn("queued as", send(s)[1])
            wait_for(lambda: 'reply="the next hop was in trouble"' in s.log())
            with Sink(port=port) as hop:
                wait_for(lambda: len(hop.messages) == 2)

    def test_more_than_the_connections_go_by_the_queue(self):
        with Sink(refusing({})) as hop, Server(policy(hop, more="; connections 1")) as s:
            first = s.smtp()
            first.ehlo("client.example")
            held = []

            def hold(verb, _argument, session):
                if verb == "." and not held:
                    held.append(session)
                    wait_for(lambda: len(held) == 2)
                return None
            hop.script = hold
            first.mail("a@sender.example")
            first.rcpt("x@far.example")
            first.docmd("DATA")
            first.send(TEXT.encode() + b".\r\n")
            wait_for(lambda: held)
            self.assertIn("queued as", send(s, ["y@far.example"])[1])
            # The queue's own job waits for the connection too.
            self.assertEqual(hop.sessions, 1)
            held.append(None)
            self.assertIn(b"relayed as", first.getreply()[1])
            wait_for(lambda: len(hop.messages) == 2)
            self.assertEqual(hop.sessions, 1)

    def test_relay_is_killed_in_the_middle(self):
        with Sink() as hop, Server(policy(hop)) as s:
            def kill(verb, _argument, _session):
                if verb == ".":
                    hop.script = None
                    os.kill(s.processes()["relay"][0], signal.SIGKILL)
                    return False
                return None
            hop.script = kill
            self.assertIn("queued as", send(s)[1])
            wait_for(lambda: hop.messages)
            self.assertIn('reply="relay has not answered"', s.log())

    def test_a_worker_is_killed_in_the_middle(self):
        with Sink() as hop, Server(policy(hop), args=("--workers", "1")) as s:
            def kill(verb, _argument, _session):
                if verb == "DATA":
                    hop.script = None
                    os.kill(s.processes()["smtp"][0], signal.SIGKILL)
                return None
            hop.script = kill
            with self.assertRaises((OSError, smtplib.SMTPException)):
                send(s)
            s.wait_up()
            self.assertIn("relayed as", send(s)[1])

    def test_status_counts(self):
        with Sink() as hop, Server(policy(hop)) as s:
            send(s)
            hop.script = refusing({".": b"451 4.3.0 not now\r\n"})
            send(s)
            text = s.waybill("status", "--json").stdout
            for key in ("cut_through", "cut_spooled", "cuts_taken"):
                self.assertTrue(re.search(rf'"{key}": ?1\b', text), key)


if __name__ == "__main__":
    unittest.main()
