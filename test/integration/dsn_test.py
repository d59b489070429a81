"""Parameters of MAIL and RCPT through whole servers: what is told, returned, handed on, and stored."""
import email
import socket
import unittest

from server import Server, wait_for
from sink import Sink

POLICY = """edition 1
hostname "mx.queue.example"
set ours = { "queue.example" }
net here = { 127.0.0.0/8 }
map users = text "users" as accounts
map aliases = text "aliases" as aliases
listen smtp on "127.0.0.1:@PORT@"
queue { retry 1s }
relay hop { host "127.0.0.1" port HOP }
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
on rcpt { client.ip in here => accept }
route {
    rcpt.domain in ours => expand aliases, deliver boxes
    otherwise => relay hop
}
"""
TABLES = {"users": "ann:x\nbob:x\ncid:x\n",
          "aliases": "all: bob, far@else.example\none: far@else.example\n"
                     "news: bob, far@else.example\nowner-news: cid\n"}
CONTENT = b"Subject: hello\r\n\r\nhello\r\n"
ALL = ("PIPELINING", "DSN", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", "DELIVERBY")


def policy(hop):
    return POLICY.replace("HOP", str(hop))


class Client:
    """SMTP as it is typed; each reply must begin as it should."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.replies = self.socket.makefile("rb")
        self.reply()
        self.say("EHLO client.example")

    def reply(self):
        lines = []
        while not lines or lines[-1][3:4] == b"-":
            lines.append(self.replies.readline())
        return b"".join(lines).decode()

    def say(self, line, wanted="2"):
        self.socket.sendall(line.encode() + b"\r\n")
        reply = self.reply()
        if not reply.startswith(wanted):
            raise AssertionError(f"{line}: {reply}")
        return reply

    def data(self, content=CONTENT):
        self.say("DATA", "354")
        self.socket.sendall(content + b".\r\n")
        assert self.reply().startswith("250")

    def bdat(self, content):
        self.socket.sendall(b"BDAT %d LAST\r\n" % len(content) + content)
        reply = self.reply()
        assert reply.startswith("250"), reply

    def close(self):
        self.say("QUIT")
        self.replies.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.replies.close()
        self.socket.close()


def send(s, rcpts, mail="", sender="ann@queue.example", content=CONTENT):
    """rcpts: [(address, parameters), ...]"""
    with Client(s.port) as c:
        c.say(f"MAIL FROM:<{sender}> {mail}".rstrip())
        for address, parameters in rcpts:
            c.say(f"RCPT TO:<{address}> {parameters}".rstrip())
        c.data(content)


class Report:
    """A notification, taken apart."""

    def __init__(self, octets):
        self.octets = octets
        self.message = email.message_from_bytes(octets)
        parts = self.message.get_payload()
        self.types = [p.get_content_type() for p in parts]
        # Fields as they stand there, not as email would decode them.
        status = octets.split(self.types[1].encode() + b"\n", 1)[1].split(b"\n--=_")[0]
        blocks = [b for b in status.decode().split("\n\n") if ": " in b]
        fields = [dict(line.split(": ", 1) for line in b.replace("\n ", " ").split("\n") if line)
                  for b in blocks]
        fields = [f for f in fields if "Content-Transfer-Encoding" not in f]
        self.about, self.rcpts = fields[0], fields[1:]

    def actions(self):
        return {f["Final-Recipient"].split("; ")[1]: f["Action"] for f in self.rcpts}


def report(s, user="ann"):
    wait_for(lambda: s.maildir(user) and not s.queue())
    boxes = s.maildir(user)
    assert len(boxes) == 1, boxes
    return Report(boxes[0])


class Told(unittest.TestCase):
    def test_arriving_is_told_in_one_report(self):
        """Who `one` and `all` are has it already, and gets it once."""
        with Sink() as hop, Server(policy(hop.port), TABLES) as s:
            send(s, [("bob@queue.example", "NOTIFY=SUCCESS ORCPT=rfc822;Bob+2Bx@orig.example"),
                     ("far@else.example", "NOTIFY=SUCCESS,FAILURE"),
                     ("one@queue.example", "NOTIFY=SUCCESS"),
                     ("all@queue.example", "NOTIFY=SUCCESS"),
                     ("cid@queue.example", "NOTIFY=FAILURE"),
                     ("quiet@else.example", "")], mail="ENVID=QQ+2B314")
            r = report(s)
            self.assertEqual(r.actions(), {"bob@queue.example": "delivered",
                                           "far@else.example": "relayed",
                                           "one@queue.example": "expanded",
                                           "all@queue.example": "expanded"})
            self.assertEqual(r.about["Original-Envelope-Id"], "QQ+314")
            self.assertRegex(s.log(), r" notified id=\S+ dsn=\S+ action=success")
            self.assertNotIn("bounced id=", s.log())
            self.assertEqual(r.about["Reporting-MTA"], "dns; mx.queue.example")
            self.assertIn("Arrival-Date", r.about)
            self.assertEqual([f.get("Original-Recipient") for f in r.rcpts
                              if "bob" in f["Final-Recipient"]], ["rfc822; Bob+x@orig.example"])
            self.assertEqual(r.message["Return-Path"], "<>")
            self.assertEqual(r.types, ["text/plain", "message/delivery-status",
                                       "text/rfc822-headers"])

    def test_a_list_is_reached_and_its_members_are_its_owners(self):
        with Sink(extensions=ALL) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, [("news@queue.example", "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;n@o.example")],
                 mail="RET=FULL ENVID=e1")
            r = report(s)
            self.assertEqual(r.actions(), {"news@queue.example": "delivered"})
            self.assertEqual(hop.messages[0]["from"], "FROM:<cid@queue.example>")
            self.assertEqual(hop.rcpts[0], ["TO:<far@else.example>"])

    def test_failures_as_they_are_asked_for(self):
        def refuse(verb, _argument, _session):
            return b"550 5.1.1 nobody\r\n" if verb == "RCPT" else None
        with Sink(script=refuse) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, [("a@else.example", "NOTIFY=NEVER"), ("b@else.example", "NOTIFY=SUCCESS")])
            wait_for(lambda: not s.queue() and s.log().count("failed id=") == 2)
            self.assertEqual(s.maildir("ann"), [])
            send(s, [("a@else.example", "NOTIFY=NEVER"), ("b@else.example", "NOTIFY=FAILURE"),
                     ("c@else.example", "")], mail="RET=FULL", content=CONTENT * 3)
            r = report(s)
            self.assertEqual(r.actions(), {"b@else.example": "failed", "c@else.example": "failed"})
            self.assertEqual(r.types[2], "message/rfc822")
            self.assertIn((CONTENT * 3).replace(b"\r\n", b"\n"), r.octets)

    def test_a_failure_that_nobody_is_told_takes_no_report_of_others_along(self):
        def refuse(verb, argument, _session):
            return b"550 5.1.1 nobody\r\n" if verb == "RCPT" and "a@" in argument else None
        with Sink(script=refuse) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, [("a@else.example", "NOTIFY=NEVER"), ("bob@queue.example", "NOTIFY=SUCCESS"),
                     ("b@else.example", "NOTIFY=SUCCESS")])
            r = report(s)
            self.assertEqual(r.actions(), {"bob@queue.example": "delivered",
                                           "b@else.example": "relayed"})

    def test_of_a_long_header_whole_lines_come_back(self):
        """Wherever in a line of four octets the part that is returned ends."""
        with Sink() as hop, Server(policy(hop.port), TABLES) as s:
            for n in range(4):
                send(s, [("bob@queue.example", "NOTIFY=SUCCESS")],
                     content=b"A:" + b"z" * n + b"\r\n" + b"B:\r\n" * 17000 + b"\r\n")
            for octets in s.wait_mail("ann", 4):
                self.assertNotIn(b"\r", octets)
                self.assertIn(b"\nB:\n\n--=_", octets)

    def test_utf8_far_down_in_a_header_is_not_overlooked(self):
        with Sink(extensions=("8BITMIME",)) as hop, Server(policy(hop.port), TABLES) as s:
            many = b"B:\r\n" * 70000
            send(s, [("far@else.example", "")], mail="SMTPUTF8",
                 content=many + "To: ü@x.example\r\n\r\n".encode())
            self.assertEqual(report(s).rcpts[0]["Status"], "5.6.7")
            self.assertEqual(hop.messages, [])
            send(s, [("far@else.example", "")], mail="SMTPUTF8",
                 content=many + "C: ü\r\n\r\n".encode())
            wait_for(lambda: hop.messages)
            self.assertTrue(hop.messages[0]["data"].endswith(b"C: =?utf-8?q?=C3=BC?=\r\n\r\n"))

    def test_an_address_of_utf8_has_its_own_report(self):
        with Sink() as hop, Server(policy(hop.port), dict(TABLES, users="jörg:x\n")) as s:
            send(s, [("grün@else.example", "")], mail="SMTPUTF8", sender="jörg@queue.example")
            r = report(s, "jörg")
            self.assertEqual(hop.messages, [])
            self.assertEqual(r.types, ["text/plain", "message/global-delivery-status",
                                       "message/global-headers"])
            self.assertEqual(r.rcpts[0]["Final-Recipient"], "utf-8; grün@else.example")
            self.assertEqual(r.rcpts[0]["Status"], "5.6.7")


class HandedOn(unittest.TestCase):
    def test_a_hop_with_dsn_is_told_all_and_tells(self):
        """Two servers: the second is the next hop of the first, and it of the second's reports."""
        first = Server(policy(1), TABLES, start=False)
        with Server(policy(first.port), {"users": "far:x\n", "aliases": ""}, start=False) as second:
            text = open(second.policy, encoding="utf-8").read()
            second.set_policy(text.replace("queue.example", "else.example"))
            second.start()
            text = open(first.policy, encoding="utf-8").read()
            first.set_policy(text.replace("port 1 }", f"port {second.port} }}"))
            with first:
                first.start()
                send(first, [("one@queue.example", "NOTIFY=SUCCESS")], mail="ENVID=e+2B1")
                r = report(first)
                wait_for(lambda: not second.queue())
                # Its recipient is gone from sight; who sent it knows this address.
                self.assertEqual(r.about["Reporting-MTA"], "dns; mx.else.example")
                self.assertEqual(r.about["Original-Envelope-Id"], "e+1")
                self.assertEqual(r.actions(), {"far@else.example": "delivered"})
                self.assertEqual(r.rcpts[0]["Original-Recipient"], "rfc822; one@queue.example")
                self.assertEqual(len(second.maildir("far")), 1)
                self.assertNotRegex(first.log(), "(bounced|notified) id=")

    def test_all_parameters_arrive_encoded_once(self):
        with Sink(extensions=ALL) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, [("x@else.example", "NOTIFY=DELAY,SUCCESS ORCPT=rfc822;a+2Bb+3D@o.example"),
                     ("all@queue.example", "NOTIFY=SUCCESS"), ("y@else.example", "")],
                 mail="RET=HDRS ENVID=a+2Bb+3Dc BY=1000;N")
            wait_for(lambda: len(hop.rcpts) == 1 or not s.queue())
            wait_for(lambda: not s.queue())
            sender = hop.messages[0]["from"]
            self.assertIn(" RET=HDRS ENVID=a+2Bb+3Dc BY=", sender)
            self.assertRegex(sender, "BY=(99[0-9]|1000);N$")
            arguments = sum(hop.rcpts, [])
            self.assertIn("TO:<x@else.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb+3D@o.example",
                          arguments)
            self.assertIn("TO:<far@else.example> NOTIFY=NEVER ORCPT=rfc822;all@queue.example",
                          arguments)
            self.assertIn("TO:<y@else.example>", arguments)

    def test_a_type_of_address_may_be_any_atom(self):
        """Whom RCPT has let in no process behind it takes for nonsense."""
        with Sink(extensions=ALL) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, [("x@else.example", "ORCPT=a_b!#$%&'*+-/?^`{|}~;o")])
            wait_for(lambda: hop.messages)
            self.assertEqual(hop.rcpts[0], ["TO:<x@else.example> ORCPT=a_b!#$%&'*+-/?^`{|}~;o"])
            wait_for(lambda: not s.queue())
            self.assertNotIn("nonsense", s.log())

    def test_a_plain_message_leaves_as_before(self):
        with Sink(extensions=ALL) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, [("x@else.example", "")])
            wait_for(lambda: hop.messages)
            self.assertEqual(hop.messages[0]["from"], "FROM:<ann@queue.example>")
            self.assertEqual(hop.rcpts[0], ["TO:<x@else.example>"])


class Deadlines(unittest.TestCase):
    def test_what_is_to_be_returned_is_not_given_to_a_hop_that_may_be_late(self):
        with Sink() as hop, Server(policy(hop.port), TABLES) as s:
            send(s, [("x@else.example", "")], mail="BY=100;R")
            self.assertEqual(report(s).rcpts[0]["Status"], "5.4.4")
            self.assertEqual(hop.messages, [])

    def test_it_comes_back_when_its_time_is_over(self):
        def busy(verb, _argument, _session):
            return b"450 4.2.1 later\r\n" if verb == "RCPT" else None
        with Sink(script=busy, extensions=ALL) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, [("x@else.example", "")], mail="BY=3;R")
            shown = s.waybill("queue", "show", s.queue()[0]["id"]).stdout
            self.assertIn("deadline", shown)
            self.assertIn("returned then", shown)
            r = report(s)
            self.assertEqual((r.rcpts[0]["Action"], r.rcpts[0]["Status"]), ("failed", "5.4.7"))
            self.assertEqual(hop.messages, [])

    def test_in_mode_n_it_is_told_once_and_goes_on(self):
        said = []

        def busy(verb, _argument, _session):
            if verb == "RCPT" and len(said) < 4:
                said.append(verb)
                return b"450 4.2.1 later\r\n"
            return None
        with Sink(script=busy, extensions=ALL) as hop, Server(policy(hop.port), TABLES) as s:
            send(s, [("x@else.example", "")], mail="BY=1;N")
            r = report(s)
            self.assertEqual((r.rcpts[0]["Action"], r.rcpts[0]["Status"]), ("delayed", "4.4.7"))
            self.assertEqual(len(hop.messages), 1)
            self.assertRegex(hop.messages[0]["from"], "BY=-?[0-9]+;N$")


BINARY = (b"Subject: octets\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
          b"Content-Transfer-Encoding: binary\r\n\r\n\0\r\n.\r\n\n.\n\r\r\n\xff\xfe\r")


class Binary(unittest.TestCase):
    def send(self, s, rcpt, content=BINARY, mail="BODY=BINARYMIME"):
        with Client(s.port) as c:
            c.say(f"MAIL FROM:<ann@queue.example> {mail}")
            c.say(f"RCPT TO:<{rcpt}>")
            c.bdat(content)

    def test_it_stays_as_it_is(self):
        with Sink(extensions=ALL) as hop, Server(policy(hop.port), TABLES) as s:
            self.send(s, "bob@queue.example")
            self.send(s, "x@else.example")
            self.assertTrue(s.wait_mail("bob")[0].endswith(b"\r\n" + BINARY))
            wait_for(lambda: hop.messages)
            self.assertTrue(hop.messages[0]["data"].endswith(BINARY))
            self.assertIn("BODY=BINARYMIME", hop.messages[0]["from"])

    def test_it_is_encoded_for_a_hop_without_binarymime(self):
        for extensions in (["CHUNKING", "8BITMIME"], []):
            with Sink(extensions=extensions) as hop, Server(policy(hop.port), TABLES) as s:
                self.send(s, "x@else.example")
                wait_for(lambda: hop.messages)
                got = email.message_from_bytes(hop.messages[0]["data"])
                self.assertEqual(got.get_payload(decode=True), BINARY.partition(b"\r\n\r\n")[2])
                self.assertTrue(hop.messages[0]["data"].isascii())
                wait_for(lambda: "event=converted" in s.log())

    def test_it_comes_back_where_it_cannot_be(self):
        content = (b"Content-Type: multipart/signed; boundary=s\r\n\r\n"
                   b"--s\r\n\r\n" + BINARY + b"\r\n--s--\r\n")
        with Sink(extensions=["CHUNKING", "8BITMIME"]) as hop, \
                Server(policy(hop.port), TABLES) as s:
            self.send(s, "x@else.example", content)
            r = report(s)
            self.assertEqual(r.rcpts[0]["Status"], "5.6.3")
            self.assertEqual(r.types[2], "text/rfc822-headers")
            self.assertNotIn(b"BDAT", bytes(hop.wire[0]))

    def test_a_chunk_of_text_goes_out_by_data(self):
        content = b"Subject: dots\r\n\r\n.\r\n..x\r\n.\r\nMAIL FROM:<>\r\n"
        with Sink(extensions=ALL) as hop, Server(policy(hop.port), TABLES) as s:
            self.send(s, "x@else.example", content, mail="")
            wait_for(lambda: hop.messages)
            self.assertTrue(hop.messages[0]["data"].endswith(content))
            wire = bytes(hop.wire[0])
            self.assertEqual(wire.count(b"\r\n.\r\n"), 1)
            self.assertNotIn(b"BDAT", wire)


if __name__ == "__main__":
    unittest.main()
