"""Mail that is handed over by LMTP (RFC 2033): to a sink, to another server of ours, to Dovecot."""
import os
import pwd
import unittest

from relay_test import BINARY, CONTENT, EIGHTBIT, Relay
from server import SANITIZED, Server, wait_for
from sink import Sink

POLICY = """
edition 1
hostname "mail.test"
listen smtp on "127.0.0.1:@PORT@"
set ours = { "here.test" }
on rcpt {
    rcpt.domain in ours => accept
    otherwise => reject 550 5.7.1
}
route { otherwise => lmtp "%s" }
queue { retry 1s; concurrency 4 }
"""


def text(subject="hi"):
    return f"Subject: {subject}\r\n\r\n.dot\r\n"


def outcomes(server):
    return [line for line in server.log().splitlines() if " sent id=" in line]


class Process(unittest.TestCase):
    """The relay process alone."""

    def test_a_reply_for_each_recipient(self):
        def script(verb, argument, session):
            if verb == ".":
                return {"b@y.test": b"452 4.2.2 full\r\n", "c@y.test": b"550 5.2.1 off\r\n"}.get(
                    session.rcpt)
            return b"550 5.1.1 who\r\n" if verb == "RCPT" and "d@" in argument else None
        with Sink(script=script, lmtp=True) as hop, Relay() as r:
            rcpts = [c + "@y.test" for c in "abcde"]
            for _ in range(2):
                _, connected, results = r.relay(f"lmtp:[127.0.0.1]:{hop.port}", rcpts=rcpts)
                self.assertEqual(connected, 1)
                self.assertEqual([x[:2] for x in results], [
                    (250, "2.0.0"), (452, "4.2.2"), (550, "5.2.1"), (550, "5.1.1"), (250, "2.0.0")])
            self.assertEqual(hop.sessions, 1)
            self.assertEqual([m["to"] for m in hop.messages], [["a@y.test"], ["e@y.test"]] * 2)

    def test_broken_after_some_replies(self):
        def script(verb, argument, session):
            return False if verb == "." and session.rcpt == "b@y.test" else None
        with Sink(script=script, lmtp=True) as hop, Relay() as r:
            _, connected, results = r.relay(f"lmtp:[127.0.0.1]:{hop.port}",
                                            rcpts=[c + "@y.test" for c in "abc"])
            self.assertEqual([x[:2] for x in results],
                             [(250, "2.0.0"), (451, "4.4.2"), (451, "4.4.2")])
            self.assertEqual(connected, 0)

    def test_octets_by_bdat(self):
        with Sink(lmtp=True, extensions=["CHUNKING", "BINARYMIME", "8BITMIME"]) as hop, Relay() as r:
            octets = b"Subject: x\r\n\r\n\0\n.\r\n\r"
            results = r.relay(f"lmtp:[127.0.0.1]:{hop.port}", content=octets, flags=BINARY,
                              rcpts=["a@y.test", "b@y.test"])[2]
            self.assertEqual([x[0] for x in results], [250, 250])
            self.assertEqual(hop.messages[1]["data"], octets)

    def test_a_hop_that_speaks_smtp(self):
        with Sink() as hop, Relay() as r:
            hop.script = lambda verb, a, s: b"502 5.5.1 what\r\n" if verb == "LHLO" else None
            self.assertEqual(r.relay(f"lmtp:[127.0.0.1]:{hop.port}", flags=EIGHTBIT)[2][0][0], 402)
            self.assertNotIn(b"HELO", hop.wire[0])

    def test_no_socket_there(self):
        with Relay() as r:
            mta, connected, results = r.relay("lmtp:/var/tmp/waybill-no-such-socket")
            self.assertEqual((mta, connected), ("[/var/tmp/waybill-no-such-socket]", 0))
            self.assertEqual(results[0][:2], (451, "4.4.1"))


class WholeServer(unittest.TestCase):
    def setUp(self):
        self.folder = f"/var/tmp/waybill-lmtp-{os.getpid()}"
        os.mkdir(self.folder, 0o755)
        self.path = self.folder + "/sock"

    def tearDown(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        os.rmdir(self.folder)

    def allow(self):
        """As Dovecot's `user = waybill-relay` does."""
        if os.geteuid() == 0:
            os.chown(self.path, pwd.getpwnam("waybill-relay").pw_uid, -1)
            os.chmod(self.path, 0o600)

    def test_a_local_socket_keeps_its_connection(self):
        def script(verb, argument, session):
            return b"550 5.2.1 off\r\n" if verb == "." and session.rcpt == "no@here.test" else None
        with Sink(script=script, lmtp=True, path=self.path) as hop, \
                Server(POLICY % self.path) as s:
            self.allow()
            for i in range(3):
                with s.smtp() as c:
                    c.sendmail("ann@far.test", ["bob@here.test", "no@here.test"], text(str(i)))
                wait_for(lambda i=i: sum(m["to"] == ["bob@here.test"] for m in hop.messages) > i)
            bob = [m for m in hop.messages if m["to"] == ["bob@here.test"]]
            self.assertEqual(len(bob), 3)
            self.assertTrue(bob[0]["data"].endswith(b"\r\nSubject: 0\r\n\r\n.dot\r\n"))
            wait_for(lambda: s.log().count(" failed id=") >= 3)
            self.assertIn(f"hop=lmtp:{self.path} mta=sink.example[{self.path}]", s.log())
            self.assertIn("code=550", s.log())

    def test_what_is_down_waits_for_its_time(self):
        with Server(POLICY % ("unix:" + self.path)) as s:
            with s.smtp() as c:
                c.sendmail("ann@far.test", ["bob@here.test"], text())
            wait_for(lambda: "cannot connect to" in s.log())
            self.assertIn(f"lmtp:{self.path}", s.waybill("queue", "list").stdout
                          + s.log())
            with Sink(lmtp=True, path=self.path) as hop:
                self.allow()
                wait_for(lambda: hop.messages)
            wait_for(lambda: not s.queue())

    def test_relay_may_open_nothing(self):
        with Server(POLICY % self.path) as s:
            pid = s.processes()["relay"][0]
            if os.geteuid() == 0:
                self.assertEqual(os.readlink(f"/proc/{pid}/root"), "/")
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                self.assertIn("\nSeccomp:\t2\n", f.read())

    def test_relay_stays_in_its_chroot_where_there_is_no_socket(self):
        if os.geteuid() != 0 or SANITIZED:
            self.skipTest("without root, and under sanitizers, there is no chroot")
        with Server(POLICY % "127.0.0.1:24") as s:
            pid = s.processes()["relay"][0]
            wait_for(lambda: os.readlink(f"/proc/{pid}/root") != "/")
            s.set_policy(POLICY % self.path)
            s.waybill("reload")
            wait_for(lambda: s.processes().get("relay", [pid])[0] != pid)
            with Sink(lmtp=True, path=self.path) as hop:
                self.allow()
                with s.smtp() as c:
                    c.sendmail("ann@far.test", ["bob@here.test"], text())
                wait_for(lambda: hop.messages)

    def test_success_is_delivered(self):
        """RFC 3461, 6.2.3: who answers LMTP has it in a mailbox."""
        policy = (POLICY % self.path).replace(
            "route {", "route {\n    rcpt.domain not in ours => relay out;").replace(
                "set ours", 'relay out { host "127.0.0.1" port %d }\nset ours')
        with Sink(lmtp=True, path=self.path) as hop, Sink() as out, \
                Server(policy % out.port) as s:
            self.allow()
            with s.smtp() as c:
                c.ehlo("x")
                c.sendmail("ann@far.test", ["bob@here.test"], text(),
                           rcpt_options=["NOTIFY=SUCCESS"])
            wait_for(lambda: out.messages)
            self.assertIn(b"Action: delivered", out.messages[0]["data"])
            self.assertEqual(len(hop.messages), 1)


class OurOwn(unittest.TestCase):
    """From one server of ours to the lmtp listener of another."""

    INNER = """
edition 1
hostname "inner.test"
listen smtp on "127.0.0.1:@PORT@"
listen lmtp on "127.0.0.1:@PORT2@"
set ours = { "here.test" }
map users = text "@DIR@/users" as accounts
mailbox home { accounts users; path "@DIR@/mail/{user}"; owner "OWNER" }
on rcpt {
    rcpt unknown => reject 550 5.1.1 "no {rcpt.user}"
    rcpt.domain in ours => accept
}
route { otherwise => deliver home }
"""

    def test_some_of_its_recipients_are_unknown(self):
        owner = pwd.getpwuid(os.geteuid() or pwd.getpwnam("nobody").pw_uid).pw_name
        with Server(self.INNER.replace("OWNER", owner), tables={"users": "ann:\nbob:\n"},
                    start=False) as inner:
            os.makedirs(inner.dir + "/mail", exist_ok=True)
            if os.geteuid() == 0:
                os.chown(inner.dir + "/mail", pwd.getpwnam(owner).pw_uid, -1)
            inner.start()
            with Server(POLICY % f"127.0.0.1:{inner.ports[1]}") as s:
                with s.smtp() as c:
                    c.sendmail("x@far.test",
                               ["ann@here.test", "cid@here.test", "bob@here.test"], text())
                for user in ("ann", "bob"):
                    wait_for(lambda user=user: len(inner.maildir(user)) == 1)
                wait_for(lambda: "code=550" in s.log())
                self.assertEqual(len(outcomes(s)), 2)
                self.assertIn(b"with LMTP", inner.maildir("ann")[0])


if __name__ == "__main__":
    unittest.main()
