"""The relay process between a queue of the test's own and next hops, and in the whole server."""
import email
import os
import re
import shutil
import socket
import subprocess
import unittest

from channel import Child, octets, u8, u32, u64
from nameserver import NameServer
from server import Server, free_port, wait_for
from sink import Sink

SMTP_SINK = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
EIGHTBIT, UTF8, BINARY, REQUIRETLS, RET_FULL, BY_RETURN = 1, 2, 8, 16, 32, 128
CONTENT = b"Subject: dots\r\n\r\n.\r\n..\r\n.hidden\r\nend\r\n"

ZONE = [
    "one.test. MX 10 live.test.",
    "same.test. MX 30 LIVE.test.",
    "next.test. MX 10 dead.test.",
    "next.test. MX 20 live.test.",
    "three.test. MX 10 dead.test.",
    "three.test. MX 20 deader.test.",
    "null.test. MX 0 .",
    "bare.test. A 127.0.0.1",
    "alias.test. CNAME one.test.",
    "nowhere.test. MX 10 nosuch.test.",
    "txtonly.test. TXT \"x\"",
    "live.test. A 127.0.0.1",
    "dead.test. A 127.0.0.2",
    "deader.test. A 127.0.0.3",
]


class Relay:
    """The process, and the queue's end of its channel."""

    def __init__(self, env=None):
        self.child = Child("relay", env=env)
        self.queue = self.child.peer("queue")
        self.jobs = 0

    def segment(self, number, content):
        fd = os.memfd_create("segment")
        os.write(fd, content)
        self.queue.send("SEGMENT_FD", u32(number), u32(1), fd=fd)
        os.close(fd)

    def send(self, hop, content=CONTENT, rcpts=("b@y.test",), flags=0, own_fd=False,
             sender="a@x.test", envid=b"", by_ms=0, notify=0, orcpt=(b"", b""), most=0):
        self.jobs += 1
        fd = None
        if own_fd:
            fd = os.memfd_create("body")
            os.write(fd, content)
        else:
            self.segment(self.jobs, b"#" * 100 + content)
        self.queue.send(
            "RELAY", u64(self.jobs), u64(self.jobs), octets(hop.encode()), u8(own_fd),
            u32(0 if own_fd else self.jobs), u32(1), u64(0 if own_fd else 100),
            u64(len(content)), u32(flags), octets(sender.encode()), octets(envid),
            u64(by_ms), u32(len(rcpts)),
            *(u32(i) + octets(r.encode()) + u8(notify) + octets(orcpt[0]) + octets(orcpt[1])
              for i, r in enumerate(rcpts)), u32(most), octets(b""), octets(b""), fd=fd)
        if own_fd:
            os.close(fd)
        return self.jobs

    def answer(self):
        """(job, mta, connected, [(code, status, text), ...])"""
        name, body = self.queue.receive()
        assert name == "RELAYED", name
        job, mta, connected = body.take("<Q"), body.octets().decode(), body.take("<B")
        self.offers = body.take("<B")
        self.trouble, self.tls = body.take("<B"), body.octets().decode()
        self.login, self.held = body.octets().decode(), body.take("<B") != 0
        results, self.mtas = {}, {}
        for _ in range(body.take("<I")):
            i = body.take("<I")
            results[i] = (body.take("<H"), body.octets().decode(), body.octets().decode())
            self.mtas[i] = body.octets().decode()
        self.mx = body.octets()
        body.end()
        return job, mta, connected, [results[i] for i in sorted(results)]

    def relay(self, hop, **kw):
        job = self.send(hop, **kw)
        got, mta, connected, results = self.answer()
        assert got == job
        return mta, connected, results

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.queue.close()
        self.child.__exit__(*what)


def host(port, address="127.0.0.1"):
    return f"host:[{address}]:{port}"


# What some receiver takes for the end of the data, or a line of its own.
SMUGGLED = [b"\n.\r\n", b"\r\n.\n", b"\n.\n", b"\r.\r\n", b"\r.\r", b"\r\n.\r", b"\r\r\n.\r\r\n",
            b"\n\n.\r\n", b"\r\n\r.\r\n", b"\r\n.\r\r\n", b"\r\n\0.\n", b"\r\n.\0\n"]


class Smuggling(unittest.TestCase):
    """Of the octets that leave, only one place can be taken for the end of the data."""

    def content(self, end):
        return b"Subject: x\r\n\r\na" + end + b"MAIL FROM:<m@evil.test>\r\nDATA\r\n"

    def refused(self, hop, r, content, flags):
        before = len(hop.wire)
        result = r.relay(host(hop.port), content=content, flags=flags)[2][0][:2]
        self.assertEqual(result, (554, "5.6.3"))
        self.assertNotIn(b"evil", b"".join(bytes(w) for w in hop.wire[before:]))

    def test_a_cr_or_lf_alone_never_leaves_by_data(self):
        # As it is, and cut in two by the size of a piece.
        pads = [b"", *(b"x" * ((256 << 10) - n) for n in range(14, 20))]
        with Sink(extensions=["8BITMIME", "CHUNKING"]) as hop, Relay() as r:
            for end in SMUGGLED:
                for flags in (0, EIGHTBIT):
                    with self.subTest(flags=flags, end=end):
                        self.refused(hop, r, self.content(end), flags)
                for pad in pads:
                    with self.subTest(pad=len(pad), end=end):
                        self.refused(hop, r, pad + self.content(end), 0)
            self.assertEqual(hop.messages, [])

    def test_where_it_is_said_to_be_binary_it_is_encoded(self):
        for extensions in (["8BITMIME", "CHUNKING"], ["BINARYMIME"], []):
            with Sink(extensions=extensions) as hop, Relay() as r:
                for end in SMUGGLED:
                    with self.subTest(extensions=extensions, end=end):
                        content = self.content(end)
                        self.assertEqual(r.relay(host(hop.port), content=content, flags=BINARY)[2][0][:2],
                                         (250, "2.0.0"))
                        data = hop.messages[-1]["data"]
                        self.assertIsNone(re.search(rb"\0|\r(?!\n)|(?<!\r)\n", data))
                        self.assertEqual(email.message_from_bytes(data).get_payload(decode=True),
                                         content.partition(b"\r\n\r\n")[2])
                self.assertEqual(len(hop.messages), len(SMUGGLED))

    def test_by_bdat_it_is_counted(self):
        with Sink(extensions=["CHUNKING", "BINARYMIME", "PIPELINING"]) as hop, Relay() as r:
            for end in SMUGGLED:
                with self.subTest(end=end):
                    content = self.content(end)
                    self.assertEqual(r.relay(host(hop.port), content=content,
                                             flags=BINARY)[2][0][0], 250)
                    self.assertEqual(hop.messages[-1]["data"], content)
                    self.assertIn(b"BDAT %d LAST\r\n%s" % (len(content), content),
                                  bytes(hop.wire[0]))
            self.assertEqual(len(hop.messages), len(SMUGGLED))

    def test_the_wire_has_one_end(self):
        """Content as a chunk may bring it: dots where they hurt."""
        with Sink(extensions=["CHUNKING"]) as hop, Relay() as r:
            for content in (b".\r\n", b"a\r\n.\r\n", b"a\r\n.", b"..\r\n.x\r\n",
                            b"a\r\n.\r\nQUIT\r\n.\r\n"):
                with self.subTest(content=content):
                    self.assertEqual(r.relay(host(hop.port), content=content)[2][0][0], 250)
                    end = b"" if content.endswith(b"\r\n") else b"\r\n"
                    self.assertEqual(hop.messages[-1]["data"], content + end)
                    wire = bytes(hop.wire[0]).rsplit(b"DATA\r\n", 1)[1]
                    self.assertEqual((b"\r\n" + wire).count(b"\r\n.\r\n"), 1)


class Hops(unittest.TestCase):
    def test_content_arrives_as_it_is(self):
        with Sink() as hop, Relay() as r:
            mta, connected, results = r.relay(host(hop.port))
            self.assertEqual(results, [(250, "2.0.0", "taken")])
            self.assertEqual((mta, connected), ("sink.example[127.0.0.1]", 1))
            self.assertEqual(hop.messages, [{"from": f"FROM:<a@x.test> SIZE={len(CONTENT)}",
                                             "to": ["b@y.test"], "data": CONTENT}])

    def test_a_large_body_from_its_own_file(self):
        content = b"Subject: large\r\n\r\n" + b".0123456789abcdef\r\n" * 200000
        with Sink() as hop, Relay() as r:
            self.assertEqual(r.relay(host(hop.port), content=content, own_fd=True)[2][0][0], 250)
            self.assertEqual(hop.messages[0]["data"], content)

    def test_each_recipient_has_its_answer(self):
        def script(verb, argument, session):
            if verb == "RCPT" and "no" in argument:
                return b"550-5.1.1 there is\r\n550 5.1.1 no such user\r\n"
            if verb == "RCPT" and "busy" in argument:
                return b"450 4.2.1 \xfcbusy\r\n"
            return None
        with Sink(script=script) as hop, Relay() as r:
            results = r.relay(host(hop.port), rcpts=["no@y.test", "yes@y.test", "busy@y.test"])[2]
            self.assertEqual(results, [(550, "5.1.1", "there is no such user"),
                                       (250, "2.0.0", "taken"), (450, "4.2.1", "?busy")])
            self.assertEqual(hop.messages[0]["to"], ["yes@y.test"])

    def test_a_session_is_used_again(self):
        with Sink() as hop, Relay() as r:
            for _ in range(20):
                self.assertEqual(r.relay(host(hop.port))[2][0][0], 250)
            self.assertEqual((hop.sessions, len(hop.messages)), (1, 20))

    def test_refused_everywhere_then_used_again(self):
        def script(verb, argument, session):
            return b"550 5.1.1 no\r\n" if verb == "RCPT" and len(hop.messages) == 0 and \
                "b@" in argument else None
        with Sink(script=script) as hop, Relay() as r:
            self.assertEqual(r.relay(host(hop.port))[2][0], (550, "5.1.1", "no"))
            self.assertEqual(r.relay(host(hop.port), rcpts=["c@y.test"])[2][0][0], 250)
            self.assertEqual(hop.sessions, 1)

    def test_a_session_that_the_hop_had_closed(self):
        def script(verb, argument, session):
            if verb == "MAIL" and hasattr(session, "took"):
                return False
            if verb == ".":
                session.took = True
            return None
        with Sink(script=script) as hop, Relay() as r:
            for _ in range(3):
                self.assertEqual(r.relay(host(hop.port))[2][0][0], 250)
            self.assertEqual((hop.sessions, len(hop.messages)), (3, 3))

    def test_nobody_listens(self):
        with Relay() as r:
            mta, connected, results = r.relay(host(free_port()))
            self.assertEqual((results[0][:2], connected), ((451, "4.4.1"), 0))

    def test_421_and_a_broken_session_defer(self):
        for reply in (b"421 4.3.2 going down\r\n", False):
            with Sink(script=lambda v, a, s, reply=reply: reply if v == "RCPT" else None) as hop, \
                    Relay() as r:
                _, connected, results = r.relay(host(hop.port))
                self.assertEqual(results[0][0], 421 if reply else 451)
                if not reply:
                    self.assertEqual(connected, 0)

    def test_what_is_refused_at_the_dot(self):
        with Sink(script=lambda v, a, s: b"554 5.7.1 spam\r\n" if v == "." else None) as hop, \
                Relay() as r:
            self.assertEqual(r.relay(host(hop.port), rcpts=["b@y.test", "c@y.test"])[2],
                             [(554, "5.7.1", "spam")] * 2)

    def test_a_plain_old_hop(self):
        with Sink(extensions=[]) as hop, Relay() as r:
            self.assertEqual(r.relay(host(hop.port), rcpts=["b@y.test", "c@y.test"])[2][1][0], 250)
            self.assertEqual(r.relay(host(hop.port), flags=EIGHTBIT)[2][0][0], 250)
            self.assertEqual(r.relay(host(hop.port), flags=UTF8)[2][0][:2], (250, "2.0.0"))
            for flags in (EIGHTBIT, UTF8):
                self.assertEqual(r.relay(host(hop.port), flags=flags,
                                         content="Subject: ü\r\n\r\n".encode())[2][0][:2], (250, "2.0.0"))
                self.assertEqual(hop.messages[-1]["data"], b"Subject: =?utf-8?q?=C3=BC?=\r\n\r\n")
                self.assertEqual(r.relay(host(hop.port), flags=flags,
                                         content="From: ü@x.test\r\n\r\n".encode())[2][0][:2],
                                 (554, "5.6.7"))
            self.assertEqual(hop.sessions, 1)

    def test_a_large_message_is_converted_piece_by_piece(self):
        """Of more than one piece, while other mail goes on; what was measured is what is sent."""
        line = "grüße %06d\r\n"
        content = ("Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" +
                   "".join(line % n for n in range(60000))).encode()
        with Sink(extensions=["SIZE"]) as hop, Relay() as r:
            jobs = [r.send(host(hop.port), content=content, flags=EIGHTBIT), r.send(host(hop.port))]
            self.assertEqual({r.answer()[0], r.answer()[0]}, set(jobs))
            large = max(hop.messages, key=lambda m: len(m["data"]))
            self.assertEqual(large["from"], f"FROM:<a@x.test> SIZE={len(large['data'])}")
            self.assertTrue(large["data"].isascii())
            self.assertEqual(email.message_from_bytes(large["data"]).get_payload(decode=True),
                             content.partition(b"\r\n\r\n")[2])

    def test_parameters_go_to_a_hop_that_knows_them(self):
        kw = {"flags": RET_FULL, "envid": b"a+b=c", "notify": 1, "orcpt": (b"rfc822", b"x=y@z.test")}
        with Sink(extensions=["DSN"]) as hop, Relay() as r:
            r.relay(host(hop.port), **kw)
            self.assertEqual(r.offers, 1)
            self.assertEqual(hop.messages[0]["from"], "FROM:<a@x.test> RET=FULL ENVID=a+2Bb+3Dc")
            self.assertEqual(hop.rcpts[0],
                             ["TO:<b@y.test> NOTIFY=SUCCESS ORCPT=rfc822;x+3Dy@z.test"])
        with Sink(extensions=["SIZE 1000"]) as hop, Relay() as r:
            r.relay(host(hop.port), **kw)
            self.assertEqual(r.offers, 0)
            self.assertEqual(hop.messages[0]["from"], f"FROM:<a@x.test> SIZE={len(CONTENT)}")
            self.assertEqual(hop.rcpts[0], ["TO:<b@y.test>"])

    def test_a_host_that_takes_it_as_it_is_comes_first(self):
        green = "Subject: x\r\n\r\ngrün\r\n".encode()
        with Sink(extensions=[]) as plain, Sink(extensions=["8BITMIME"]) as eight, Relay() as r:
            both = f"{host(plain.port)} {host(eight.port)}"
            for n in range(3):
                self.assertEqual(r.relay(both, flags=EIGHTBIT, content=green)[2][0][0], 250)
                self.assertEqual(eight.messages[n]["data"], green)
            self.assertEqual(plain.messages, [])
            self.assertEqual(r.relay(both)[2][0][0], 250)   # needs nothing: whichever is idle
            self.assertEqual((plain.sessions, eight.sessions), (1, 1))

    def test_the_first_host_has_it_converted_where_all_lack_it(self):
        green = "Subject: x\r\n\r\ngrün\r\n".encode()
        with Sink(extensions=[]) as first, Sink(extensions=["SIZE 10"]) as second, Relay() as r:
            for _ in range(3):
                self.assertEqual(r.relay(f"{host(first.port)} {host(second.port)}", flags=EIGHTBIT,
                                         content=green)[2][0][0], 250)
            self.assertEqual((len(first.messages), second.messages), (3, []))
            self.assertTrue(first.messages[0]["data"].isascii())
            self.assertEqual((first.sessions, second.sessions), (1, 1))

    def test_a_host_that_is_dead_does_not_take_it_as_it_is(self):
        with Sink(extensions=[]) as only, Relay() as r:
            dead = free_port()
            self.assertEqual(r.relay(f"{host(only.port)} {host(dead)}", flags=EIGHTBIT,
                                     content="\r\ngrün\r\n".encode())[2][0][0], 250)
            self.assertTrue(only.messages[0]["data"].isascii())
            self.assertEqual(only.sessions, 1)

    def test_recipients_of_utf8_go_to_the_host_that_takes_them(self):
        with Sink(extensions=["8BITMIME"]) as plain, Sink(extensions=["8BITMIME", "SMTPUTF8"]) as utf8, Relay() as r:
            results = r.relay(f"{host(plain.port)} {host(utf8.port)}", flags=UTF8,
                              rcpts=["ü@y.test", "b@y.test"])[2]
            self.assertEqual([x[0] for x in results], [250, 250])
            self.assertEqual((plain.messages, utf8.messages[0]["to"]), ([], ["ü@y.test", "b@y.test"]))

    def test_domains_go_as_a_labels_to_a_hop_without_smtputf8(self):
        with Sink(extensions=[]) as hop, Relay() as r:
            results = r.relay(host(hop.port), flags=UTF8, sender="a@grün.test",
                              rcpts=["ü@y.test", "b@bücher.test"])[2]
            self.assertEqual(results[0][:2], (553, "5.6.7"))
            self.assertEqual(results[1][:2], (250, "2.0.0"))
            self.assertEqual(hop.messages[0]["from"], "FROM:<a@xn--grn-ioa.test>")
            self.assertEqual(hop.messages[0]["to"], ["b@xn--bcher-kva.test"])

    def test_what_needs_tls_is_never_said_in_the_clear(self):
        with Sink(extensions=["REQUIRETLS"]) as hop, Relay() as r:
            self.assertEqual(r.relay(host(hop.port), flags=REQUIRETLS)[2][0][:2], (554, "5.7.10"))
            self.assertNotIn(b"MAIL", hop.wire[0])
            self.assertNotIn(b"test", hop.wire[0].split(b"\r\n", 1)[1])

    def test_too_large_is_known_before(self):
        with Sink(extensions=["SIZE 10"]) as hop, Relay() as r:
            self.assertEqual(r.relay(host(hop.port))[2][0][:2], (552, "5.3.4"))
            self.assertEqual(hop.messages, [])

    def test_ipv6(self):
        if not os.path.exists("/proc/net/if_inet6"):
            self.skipTest("no IPv6")
        with Sink(host="::1") as hop, Relay() as r:
            self.assertEqual(r.relay(host(hop.port, "::1"))[2][0][0], 250)

    def test_messages_over_one_connection_are_limited(self):
        with Sink() as hop, Relay() as r:
            for sessions in (1, 1, 2, 2, 3):
                self.assertEqual(r.relay(host(hop.port), most=2)[2][0][0], 250)
                self.assertEqual(hop.sessions, sessions)

    def test_a_new_queue_sends_again(self):
        with Sink() as hop, Relay() as r:
            r.relay(host(hop.port))
            r.queue.close()
            r.queue = r.child.peer("queue")
            self.assertEqual(r.relay(host(hop.port))[2][0][0], 250)

    def test_a_segment_that_is_not_there(self):
        with Sink() as hop, Relay() as r:
            r.queue.send("SEGMENT_GONE", u32(7), u32(1))
            r.queue.send("RELAY", u64(1), u64(1), octets(host(hop.port).encode()), u8(0), u32(7),
                         u32(1), u64(0), u64(10), u32(0), octets(b"a@x.test"), octets(b""),
                         u64(0), u32(1), u32(0), octets(b"b@y.test"), u8(0), octets(b""),
                         octets(b""), u32(0), octets(b""), octets(b""))
            self.assertEqual(r.answer()[3][0][:2], (451, "4.3.0"))
            self.assertEqual(hop.messages, [])

    def test_an_address_that_would_end_the_line_is_nonsense(self):
        with Sink() as hop, Relay() as r:
            r.send(host(hop.port), rcpts=["b@y.test>\r\nDATA"])
            with self.assertRaises((EOFError, ConnectionResetError)):
                r.answer()
            self.assertEqual(hop.messages, [])


    def test_no_recipients_is_nonsense(self):
        with Sink() as hop, Relay() as r:
            r.send(host(hop.port), rcpts=[])
            with self.assertRaises((EOFError, ConnectionResetError)):
                r.answer()
            self.assertEqual(hop.sessions, 0)


class ByName(unittest.TestCase):
    """MX, A and the rest, by the resolve process and a name server of the test's own."""

    @classmethod
    def setUpClass(cls):
        cls.dns = NameServer(ZONE, refused=["failing.test."])
        cls.hop = Sink()
        cls.resolve = Child("resolve", env={"WAYBILL_RESOLVER": cls.dns.address})
        cls.relay = Relay(env={"WAYBILL_MX_PORT": str(cls.hop.port)})
        cls.relay.child.join("resolve", cls.resolve, "relay")

    @classmethod
    def tearDownClass(cls):
        cls.relay.__exit__(None, None, None)
        cls.resolve.__exit__(None, None, None)
        cls.hop.__exit__()
        cls.dns.stop()

    def result(self, hop):
        mta, _, results = self.relay.relay(hop)
        return mta, *results[0][:2]

    def test_mail_exchangers_by_preference(self):
        self.assertEqual(self.result("mx:one.test"), ("live.test[127.0.0.1]", 250, "2.0.0"))

    def test_domains_with_the_same_exchangers_share_sessions(self):
        self.assertEqual(self.result("mx:one.test")[1], 250)
        mine, sessions = self.relay.mx, self.hop.sessions
        self.assertEqual(len(mine), 16)
        self.assertEqual(self.result("mx:same.test")[1], 250)
        self.assertEqual((self.relay.mx, self.hop.sessions), (mine, sessions))
        self.result("mx:next.test")
        self.assertNotIn(self.relay.mx, (mine, b""))
        self.result("mx:bare.test")
        self.assertEqual(self.relay.mx, b"")

    def test_the_next_exchanger_when_the_first_is_dead(self):
        self.assertEqual(self.result("mx:next.test"), ("live.test[127.0.0.1]", 250, "2.0.0"))

    def test_all_exchangers_dead(self):
        self.assertEqual(self.result("mx:three.test")[1:], (451, "4.4.1"))

    def test_no_exchanger_then_its_address(self):
        self.assertEqual(self.result("mx:bare.test"), ("bare.test[127.0.0.1]", 250, "2.0.0"))

    def test_an_alias_of_a_domain(self):
        self.assertEqual(self.result("mx:alias.test")[1], 250)

    def test_a_domain_that_takes_no_mail(self):
        self.assertEqual(self.result("mx:null.test"), ("", 556, "5.1.10"))

    def test_no_such_domain(self):
        self.assertEqual(self.result("mx:nosuch.test"), ("", 550, "5.1.2"))
        self.assertEqual(self.result("mx:nowhere.test"), ("", 550, "5.4.4"))
        self.assertEqual(self.result("mx:txtonly.test"), ("", 550, "5.4.4"))

    def test_dns_that_fails_defers(self):
        self.assertEqual(self.result("mx:a.failing.test"), ("", 451, "4.4.3"))

    def test_a_host_of_the_hosts_file(self):
        self.assertEqual(self.result(f"host:localhost:{self.hop.port}")[1], 250)

    def test_a_named_host(self):
        self.assertEqual(self.result(f"host:live.test:{self.hop.port}")[1], 250)
        self.assertEqual(self.result(f"host:nosuch.test:{self.hop.port}")[1:], (451, "4.4.4"))


SATELLITE = """
edition 1
hostname "web.test"
listen smtp on "127.0.0.1:@PORT@"
net self = { 127.0.0.0/8 }
relay hub { %s }
on rcpt { client.ip in self => accept }
route { otherwise => relay hub }
"""

BACKUP = """
edition 1
hostname "backup.test"
listen smtp on "127.0.0.1:@PORT@"
set friends = { "one.test", "next.test", "null.test", "self.test" }
on rcpt {
    rcpt.domain in friends => accept
    otherwise => reject 550 5.7.1
}
route { otherwise => mx }
"""


def send(server, rcpt, sender="ann@web.test", text="Subject: hi\r\n\r\n.dot\r\n"):
    with server.smtp() as c:
        c.sendmail(sender, [rcpt], text)


class WholeServer(unittest.TestCase):
    def test_by_a_smart_host_whose_first_address_is_dead(self):
        with Sink() as hop:
            hosts = f'host "127.0.0.2" port {hop.port}; host "localhost" port {hop.port}'
            with Server(SATELLITE % hosts) as s:
                send(s, "bob@far.test")
                wait_for(lambda: hop.messages)
                m = hop.messages[0]
                self.assertEqual(m["to"], ["bob@far.test"])
                self.assertTrue(m["data"].startswith(b"Received: from "), m["data"])
                self.assertTrue(m["data"].endswith(b"\r\nSubject: hi\r\n\r\n.dot\r\n"))
                wait_for(lambda: not s.queue())
                self.assertIn("mta=localhost[127.0.0.1]", s.log())

    def test_a_refusal_comes_back_as_a_notification(self):
        def script(verb, argument, session):
            return b"550 5.1.1 no such user\r\n" if verb == "RCPT" and "nobody@" in argument \
                else None
        with Sink(script=script) as hop, \
                Server(SATELLITE % f'host "127.0.0.1" port {hop.port}') as s:
            send(s, "nobody@far.test")
            wait_for(lambda: hop.messages)
            m = hop.messages[0]
            self.assertEqual((m["from"].split()[0], m["to"]), ("FROM:<>", ["ann@web.test"]))
            self.assertIn(b"\r\nStatus: 5.1.1\r\n", m["data"])
            self.assertIn(b"550 5.1.1 no such user", m["data"])

    def test_a_server_that_relays_to_itself_stops(self):
        with NameServer(ZONE) as dns, \
                Server(SATELLITE % 'host "live.test" port @PORT@',
                       env={"WAYBILL_RESOLVER": dns.address}) as s:
            send(s, "bob@far.test", sender="")
            wait_for(lambda: "5.4.6" in s.log())
            wait_for(lambda: not s.queue())

    def test_a_hop_that_is_away_for_a_while(self):
        port = free_port()
        with Server(SATELLITE % f'host "127.0.0.1" port {port}') as s:
            send(s, "bob@far.test")
            wait_for(lambda: "cannot connect" in s.log())
            self.assertEqual(len(s.queue()), 1)
            with Sink(port=port) as hop:
                s.waybill("queue", "retry", "all")
                wait_for(lambda: hop.messages)
                wait_for(lambda: not s.queue())

    def test_a_backup_sends_to_better_exchangers_only(self):
        zone = ZONE + ["self.test. MX 5 backup.test.", "self.test. MX 10 live.test.",
                       "backup.test. A 192.0.2.1"]
        with NameServer(zone) as dns, Sink() as hop, \
                Server(BACKUP, env={"WAYBILL_RESOLVER": dns.address,
                                    "WAYBILL_MX_PORT": str(hop.port)}) as s:
            send(s, "bob@next.test", sender="")
            wait_for(lambda: hop.messages)
            self.assertEqual(hop.messages[0]["to"], ["bob@next.test"])
            send(s, "bob@null.test", sender="")
            wait_for(lambda: "5.1.10" in s.log())
            send(s, "bob@self.test", sender="")
            wait_for(lambda: "5.4.6" in s.log())
            wait_for(lambda: not s.queue())
            self.assertEqual(len(hop.messages), 1)


@unittest.skipUnless(os.path.exists(SMTP_SINK), "no smtp-sink")
class PostfixSink(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.sink = subprocess.Popen([SMTP_SINK, *user, "-c", f"127.0.0.1:{self.port}", "100"],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

        def up():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_for(up)

    def tearDown(self):
        self.sink.terminate()
        self.sink.wait()
        self.sink.stdout.close()

    def test_many_messages_at_once(self):
        n, at_once = 2000, 20
        with Relay() as r:
            for _ in range(at_once):
                r.send(host(self.port))
            done = 0
            while done < n:
                self.assertEqual(r.answer()[3][0][0], 250)
                done += 1
                if r.jobs < n:
                    r.send(host(self.port))
        self.sink.terminate()
        counts = re.findall(rb"(\d+)", self.sink.communicate()[0])
        self.assertEqual(max(int(c) for c in counts), n)


if __name__ == "__main__":
    unittest.main()
