"""DNS that is dead, slow, broken or says odd things of where mail goes: what becomes of the mail.
doc/smtp-client.md has the table."""
import unittest

from channel import Child
from dns_script import A, CNAME, GARBAGE, MX, REFUSED, SERVFAIL, SILENT, Dns, late, truncated
from hop_script import Hop
from queue_test import policy, send
from relay_test import Relay
from server import Server, wait_for

LIVE = A("127.0.0.1")
MANY = [f"h{i}.many.test" for i in range(40)]
ZONE = {
    "live.test": LIVE,
    "slow.test": late(0.5, MX(10, "slowhost.test")), "slowhost.test": late(0.5, LIVE),
    "cut.test": truncated(MX(10, "cuthost.test")), "cuthost.test": truncated(LIVE),
    "cutoff.test": truncated(MX(10, "live.test"), tcp=False),
    "servfail.test": SERVFAIL, "refused.test": REFUSED, "garbage.test": GARBAGE,
    "badhost.test": MX(10, "servfail.test"),
    "halfhost.test": MX(10, "servfail.test", 20, "live.test"),
    "loop.test": CNAME("loop2.test"), "loop2.test": CNAME("loop.test"),
    "self-loop.test": CNAME("self-loop.test"),
    "loophost.test": MX(10, "loop.test"),
    "null.test": MX(0, "."), "notnull.test": MX(0, ".", 10, "live.test"),
    "alias.test": CNAME("real.test"), "real.test": MX(10, "live.test"),
    "aliashost.test": MX(10, "also-live.test"), "also-live.test": CNAME("live.test"),
    "number.test": MX(10, "127.0.0.1"), "local.test": MX(10, "localhost"),
    "any.test": MX(10, "anyhost.test"), "anyhost.test": A("0.0.0.0"),
    "many.test": MX(*(x for i, name in enumerate(MANY) for x in (i, name))), MANY[-1]: LIVE,
    # Of hundreds of addresses one answers, if it is among those that are tried.
    "crowd.test": MX(10, "crowdhost.test"),
    "crowdhost.test": A(*(f"127.0.{i // 250}.{i % 250 + 1}" for i in range(600))),
    "same.test": MX(*(x for i in range(300) for x in (10, f"s{i}.same.test"))),
    **{f"s{i}.same.test": LIVE for i in range(300)},
    "gone.test": MX(10, "nosuch.test"), "txtonly.test": [],
    "empty.test": MX(10, "nothing.test"), "nothing.test": [],
}


class Answers(unittest.TestCase):
    """One relay process, one resolve process, one scripted name server."""

    @classmethod
    def setUpClass(cls):
        cls.dns = Dns(ZONE)
        cls.hop = Hop()
        cls.resolve = Child("resolve", env={"WAYBILL_RESOLVER": cls.dns.address})
        cls.relay = Relay(env={"WAYBILL_MX_PORT": str(cls.hop.port)})
        cls.relay.child.join("resolve", cls.resolve, "relay")

    @classmethod
    def tearDownClass(cls):
        cls.relay.__exit__(None, None, None)
        cls.resolve.__exit__(None, None, None)
        cls.hop.stop()
        cls.dns.stop()

    def result(self, domain):
        return self.relay.relay(f"mx:{domain}")[2][0]

    def arrives(self, domain):
        before = len(self.hop.messages)
        self.assertEqual(self.result(domain)[0], 250, domain)
        self.assertEqual(len(self.hop.messages), before + 1)

    def fails(self, domain, code, status, text):
        self.assertEqual(self.result(domain), (code, status, f"{text}: {domain}"))

    def test_slow(self):
        self.arrives("slow.test")

    def test_truncated_then_by_tcp(self):
        self.arrives("cut.test")
        self.assertIn(("tcp", "cut.test", 15), self.dns.asked)
        self.assertIn(("tcp", "cuthost.test", 1), self.dns.asked)

    def test_what_cannot_be_said_may_be_said_later(self):
        for domain in ("servfail.test", "refused.test", "garbage.test", "cutoff.test", "loop.test",
                       "self-loop.test", "badhost.test", "loophost.test"):
            with self.subTest(domain):
                self.fails(domain, 451, "4.4.3", "DNS cannot say where it is")

    def test_one_host_of_two_is_enough(self):
        self.arrives("halfhost.test")

    def test_null_mx(self):
        self.fails("null.test", 556, "5.1.10", "the domain takes no mail")
        self.arrives("notnull.test")

    def test_aliases(self):
        """Of a domain (RFC 5321, 5.1), and of a host, which should not be (RFC 2181, 10.3)."""
        self.arrives("alias.test")
        self.arrives("aliashost.test")

    def test_an_address_is_no_host(self):
        self.fails("number.test", 550, "5.4.4", "the domain's mail hosts do not exist")

    def test_hosts_that_are_ourselves(self):
        self.fails("local.test", 554, "5.4.6", "mail loops back to this host")

    def test_forty_hosts_of_which_the_last_exists(self):
        self.arrives("many.test")

    def test_hundreds_of_addresses(self):
        """Some of them are tried, in the time that there is."""
        self.assertIn(self.result("crowd.test")[0], (250, 451))
        self.arrives("same.test")

    def test_nothing_there(self):
        self.fails("nosuch.test", 550, "5.1.2", "no such domain")
        self.fails("gone.test", 550, "5.4.4", "the domain's mail hosts do not exist")
        self.fails("empty.test", 550, "5.4.4", "the domain's mail hosts have no address")
        self.fails("txtonly.test", 550, "5.4.4", "the domain's mail hosts have no address")


class Crowd(unittest.TestCase):
    def test_names_without_an_answer_hold_nobody_up(self):
        zone = {"live.test": LIVE, **{f"silent{i}.test": SILENT for i in range(60)}}
        with Dns(zone) as dns, Hop() as hop, Relay(env={"WAYBILL_MX_PORT": str(hop.port)}) as relay, \
                Child("resolve", env={"WAYBILL_RESOLVER": dns.address}) as resolve:
            relay.child.join("resolve", resolve, "relay")
            for i in range(60):
                relay.send(f"mx:silent{i}.test")
            wait_for(lambda: ("udp", "silent59.test", 15) in dns.asked)
            job = relay.send("mx:live.test")
            got, _, _, results = relay.answer()
            self.assertEqual((got, results[0][0]), (job, 250))


class WholeServer(unittest.TestCase):
    TEXT = policy(25, "queue { retry 1h }").replace("otherwise => relay hop", "otherwise => mx")
    USERS = {"users": "ann:x\n", "aliases": ""}

    def test_silent(self):
        """Mail waits, and what else there is goes meanwhile."""
        with Dns({"silent.test": SILENT, "live.test": LIVE}) as dns, Hop() as hop, \
                Server(self.TEXT, self.USERS, env={
                    "WAYBILL_RESOLVER": dns.address, "WAYBILL_MX_PORT": str(hop.port)}) as s:
            send(s, "x@silent.test")
            wait_for(lambda: any(name == "silent.test" for _, name, _ in dns.asked))
            send(s, "x@live.test")
            wait_for(lambda: hop.messages)
            self.assertEqual([m["sender"] for m in s.queue()], ["ann@queue.example"])
            self.assertNotIn(" deferred id=", s.log())
            s.kill_all()    # in order, it would wait for the answer

    def test_hosts_that_are_ourselves_by_address(self):
        zone = {"any.test": ZONE["any.test"], "anyhost.test": ZONE["anyhost.test"]}
        with Dns(zone) as dns, Server(self.TEXT, self.USERS, start=False) as s:
            s.set_policy(self.TEXT.replace("127.0.0.1:@PORT@", "*:@PORT@"))
            s.env.update(WAYBILL_RESOLVER=dns.address, WAYBILL_MX_PORT=str(s.port))
            s.start()
            send(s, "x@any.test")
            wait_for(lambda: "status=5.4.6" in s.log())


if __name__ == "__main__":
    unittest.main()
