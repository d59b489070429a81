"""After-queue content filters: out by SMTP or LMTP, back on their own listener."""
import os
import smtplib
import socket
import unittest

from filter_proxy import FilterProxy
from server import Server, free_port, wait_for
from sink import Sink

POLICY = """
edition 1
hostname "mail.test"
listen smtp on "127.0.0.1:@PORT@"
relay out { host "127.0.0.1" port @HOP@ }
@FILTERS@
limits { hops @HOPS@; message 20K }
queue { retry 1s }
set far = { "far.test" }
on mail { sender.user == "nobody" => reject 550 5.7.1 "not you" }
on rcpt {
    rcpt.domain in far => accept
    otherwise => reject 550 5.7.1
}
on content { otherwise => add header "X-Rule: once" }
rewrite inbound rcpt { "{user}@old.test" => "{user}@far.test" }
route {
    rcpt.user == "special" => relay out
    client.helo == "special.test" => @GO@, redirect <special@far.test>
    otherwise => @GO@, relay out
}
"""


def policy(hop, *filters, go="filter virus", hops=50, extra=""):
    blocks = "\n".join(
        f'filter {name} {{ host {host}; back on "127.0.0.1:{back}"; {extra} }}'
        for name, host, back in filters)
    return (POLICY.replace("@FILTERS@", blocks).replace("@HOP@", str(hop)).replace("@GO@", go)
            .replace("@HOPS@", str(hops)))


def at(port):
    return f'"127.0.0.1" port {port}'


def send(server, rcpts=("bob@far.test",), text="Subject: hi\r\n\r\n.dot\r\n", sender="ann@x.test",
         helo="client.test", **kw):
    with smtplib.SMTP("127.0.0.1", server.port, local_hostname=helo, timeout=30) as c:
        c.sendmail(sender, list(rcpts), text, **kw)


class Filter(unittest.TestCase):
    def setUp(self):
        self.back = free_port()

    def test_out_and_back(self):
        """The envelope unchanged, hooks once, where it came from kept, then routed for real."""
        with Sink(extensions=["DSN", "8BITMIME"]) as hop, \
                FilterProxy(("127.0.0.1", self.back)) as f, \
                Server(policy(hop.port, ("virus", at(f.port), self.back))) as s:
            send(s, ["bob@far.test", "cid@far.test"], text="Subject: ü\r\n\r\nx\r\n".encode(),
                 mail_options=["BODY=8BITMIME", "RET=HDRS", "ENVID=q7"],
                 rcpt_options=["NOTIFY=FAILURE,DELAY"])
            wait_for(lambda: hop.messages)
            wait_for(lambda: not s.queue())
            m, seen = hop.messages[0], f.seen[0]
            self.assertEqual(len(hop.messages), 1)
            self.assertIn("FROM:<ann@x.test> SIZE=", seen["from"])
            self.assertIn(" BODY=8BITMIME RET=HDRS ENVID=q7", seen["from"])
            self.assertEqual(sorted(seen["rcpts"]), [
                f"TO:<{u}@far.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;{u}@far.test"
                if "ORCPT" in seen["rcpts"][0] else f"TO:<{u}@far.test> NOTIFY=FAILURE,DELAY"
                for u in ("bob", "cid")])
            self.assertEqual(m["from"], "FROM:<ann@x.test> BODY=8BITMIME RET=HDRS ENVID=q7")
            self.assertEqual(sorted(m["to"]), ["bob@far.test", "cid@far.test"])
            self.assertIn(" NOTIFY=FAILURE,DELAY", hop.rcpts[0][0])
            head = m["data"].split(b"\r\n\r\n")[0]
            self.assertEqual(head.count(b"X-Rule: once"), 1)
            self.assertEqual(head.count(b"Received: "), 2)
            self.assertTrue(m["data"].startswith(b"Received: from filter.test"))
            self.assertIn(b"\r\nX-Filter: seen\r\n", head)
            told = seen["xforward"]
            self.assertEqual((told["ADDR"], told["PROTO"], told["HELO"], told["SOURCE"]),
                             ("127.0.0.1", "ESMTP", "client.test", "REMOTE"))
            ids = [line.split(" id=")[1].split()[0] for line in s.log().splitlines()
                   if " accepted id=" in line]
            self.assertEqual(told["IDENT"], ids[0])
            self.assertIn(f"ident={ids[0]}", s.log())
            self.assertIn(f"hop=filter:virus mta=sink.example[127.0.0.1]", s.log())

    def test_the_real_route_sees_the_client(self):
        with Sink() as hop, FilterProxy(("127.0.0.1", self.back)) as f, \
                Server(policy(hop.port, ("virus", at(f.port), self.back))) as s:
            send(s, helo="special.test")
            wait_for(lambda: hop.messages)
            self.assertEqual(hop.messages[0]["to"], ["special@far.test"])

    def test_a_filter_that_knows_nothing(self):
        """Neither XFORWARD nor any extension."""
        with Sink() as hop, FilterProxy(("127.0.0.1", self.back), xforward=False,
                                        extensions=[]) as f, \
                Server(policy(hop.port, ("virus", at(f.port), self.back))) as s:
            send(s)
            wait_for(lambda: hop.messages)
            self.assertEqual(f.seen[0]["xforward"], {})
            self.assertEqual(f.seen[0]["from"], "FROM:<ann@x.test>")

    def test_smtputf8_survives(self):
        with Sink(extensions=["SMTPUTF8", "8BITMIME"]) as hop, \
                FilterProxy(("127.0.0.1", self.back)) as f, \
                Server(policy(hop.port, ("virus", at(f.port), self.back))) as s:
            with s.smtp() as c:
                c.ehlo("client.test")
                c.command_encoding = "utf-8"
                c.docmd("MAIL", "FROM:<änn@x.test> SMTPUTF8 BODY=8BITMIME")
                self.assertEqual(c.docmd("RCPT", "TO:<bob@far.test>")[0], 250)
                self.assertEqual(c.data(b"Subject: x\r\n\r\nx\r\n")[0], 250)
            wait_for(lambda: hop.messages)
            self.assertIn("änn@x.test> BODY=8BITMIME SMTPUTF8", hop.messages[0]["from"])

    def test_by_lmtp_over_a_local_socket(self):
        path = f"/var/tmp/waybill-filter-{os.getpid()}"
        with Sink() as hop, FilterProxy(("127.0.0.1", self.back), lmtp=True, path=path), \
                Server(policy(hop.port, ("virus", f'"unix:{path}"', self.back),
                              extra="lmtp")) as s:
            os.chmod(path, 0o777)
            send(s)
            wait_for(lambda: hop.messages)
            os.unlink(path)

    def test_down_waits_and_says_why(self):
        port = free_port()
        with Sink() as hop, Server(policy(hop.port, ("virus", at(port), self.back))) as s:
            send(s)
            wait_for(lambda: "hop=filter:virus" in s.log() and "cannot connect" in s.log())
            qid = s.queue()[0]["id"]
            self.assertIn("filter:virus", s.waybill("queue", "show", qid).stdout)
            with FilterProxy(("127.0.0.1", self.back)) as f:
                pass
            self.assertEqual(hop.messages, [])

    def test_refused_by_the_filter_is_returned(self):
        with Sink() as hop, \
                FilterProxy(("127.0.0.1", self.back), script=lambda m:
                            None if "FROM:<>" in m["from"] else b"554 5.7.1 a virus\r\n") as f, \
                Server(policy(hop.port, ("virus", at(f.port), self.back))) as s:
            send(s, sender="ann@far.test")
            wait_for(lambda: hop.messages)
            self.assertEqual(hop.messages[0]["to"], ["ann@far.test"])
            self.assertIn(b"a virus", hop.messages[0]["data"])
            self.assertIn(b"X-Filter", hop.messages[0]["data"])

    def test_put_off_by_the_filter_is_tried_again(self):
        says = [b"451 4.3.0 busy\r\n", None]
        with Sink() as hop, FilterProxy(("127.0.0.1", self.back), script=lambda m: says.pop(0)
                                        if says else None) as f, \
                Server(policy(hop.port, ("virus", at(f.port), self.back))) as s:
            send(s)
            wait_for(lambda: hop.messages)
            self.assertEqual(len(f.seen), 2)

    def test_a_filter_that_keeps_it(self):
        """What it has taken is its own: nothing here waits for it."""
        with Sink() as hop, FilterProxy(("127.0.0.1", self.back), script=lambda m:
                                        b"250 2.0.0 mine\r\n") as f, \
                Server(policy(hop.port, ("virus", at(f.port), self.back))) as s:
            send(s)
            wait_for(lambda: f.seen)
            wait_for(lambda: not s.queue())
            self.assertEqual(hop.messages, [])

    def test_a_filter_that_gives_it_to_the_wrong_port_makes_a_loop_that_ends(self):
        with Sink() as hop, FilterProxy(("127.0.0.1", 0)) as f, \
                Server(policy(hop.port, ("virus", at(f.port), self.back), hops=4)) as s:
            f.back = ("127.0.0.1", s.port)
            send(s)
            wait_for(lambda: "code=554" in s.log() and not s.queue())
            self.assertLess(len(f.seen), 12)
            self.assertEqual([m for m in hop.messages if "ann@" in m["from"]], [])

    def test_strangers_cannot_give_back(self):
        with Sink() as hop, Server(policy(hop.port, ("virus", at(1), self.back),
                                          extra="from 127.0.0.1")) as s:
            with socket.create_connection(("127.0.0.1", self.back), 10,
                                          source_address=("127.0.0.2", 0)) as c:
                self.assertTrue(c.recv(200).startswith(b"554 5.7.1 "))
                c.sendall(b"EHLO x\r\n")
                self.assertTrue(c.recv(200).startswith(b"503 "))
            with smtplib.SMTP("127.0.0.1", self.back) as c:
                self.assertEqual(c.ehlo("x")[0], 250)
                self.assertNotIn("vrfy", c.esmtp_features)
                self.assertEqual(c.docmd("VRFY", "bob@far.test")[0] // 100, 5)
                c.sendmail("nobody@x.test", ["b@anywhere.test"], "Subject: x\r\n\r\n")
            wait_for(lambda: hop.messages)
            self.assertEqual(hop.messages[0]["to"], ["b@anywhere.test"])
            self.assertIn("client=127.0.0.1", s.log())

    def test_larger_by_what_the_filter_adds(self):
        with Sink() as hop, FilterProxy(("127.0.0.1", self.back), mark="y" * 900) as f, \
                Server(policy(hop.port, ("virus", at(f.port), self.back))) as s:
            send(s, text="Subject: x\r\n\r\n" + ("z" * 70 + "\r\n") * 283)
            wait_for(lambda: hop.messages)

    def test_two_filters_one_behind_the_other(self):
        second = free_port()
        with Sink() as hop, FilterProxy(("127.0.0.1", self.back), mark="first") as a, \
                FilterProxy(("127.0.0.1", second), mark="second") as b, \
                Server(policy(hop.port, ("virus", at(a.port), self.back),
                              ("spam", at(b.port), second), go="filter virus, filter spam")) as s:
            send(s)
            wait_for(lambda: hop.messages)
            wait_for(lambda: not s.queue())
            head = hop.messages[0]["data"].split(b"\r\n\r\n")[0]
            self.assertLess(head.index(b"X-Filter: second"), head.index(b"X-Filter: first"))
            self.assertEqual((len(a.seen), len(b.seen), len(hop.messages)), (1, 1, 1))
            self.assertEqual(b.seen[0]["xforward"]["HELO"], "client.test")

    def test_killed_processes_lose_nothing(self):
        with Sink() as hop, FilterProxy(("127.0.0.1", self.back)) as f, \
                Server(policy(hop.port, ("virus", at(f.port), self.back))) as s:
            for name in ("relay", "route", "queue", "smtp"):
                send(s, text=f"Subject: {name}\r\n\r\nx\r\n")
                for pid in s.processes().get(name, []):
                    os.kill(pid, 9)
                wait_for(lambda name=name: any(b"Subject: " + name.encode() in m["data"]
                                               for m in hop.messages))
                wait_for(lambda: s.run("status", "-c", s.policy, check=False).returncode == 0)

    def test_explain_and_test_see_behind_it(self):
        text = policy(2525, ("virus", at(10024), 10025)) + """
test "through the filter" {
    client 203.0.113.9
    mail from <a@x.test>
    rcpt to <bob@far.test>
    expect relay out
    expect filter virus
}
"""
        with Server(text, start=False) as s:
            self.assertIn("1 passed", s.run("test", s.policy).stdout)
            out = s.run("explain", s.policy, "--client", "203.0.113.9", "--from", "a@x.test",
                        "--rcpt", "bob@far.test").stdout
            self.assertIn("send to relay:out", out)
            self.assertIn("after filter virus", out)


if __name__ == "__main__":
    unittest.main()
