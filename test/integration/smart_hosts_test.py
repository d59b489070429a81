"""Relay blocks beside several hops that do what they are told: order, failures that move on, hosts
and logins by sender, rates, addresses that rest."""
import json
import re
import tempfile
import unittest

from certs import Certs
from hop_script import CLOSE, Hop, in_turn
from nameserver import NameServer
from server import Server, free_port, wait_for

POLICY = """edition 1
hostname "mx.smart.example"
net here = { 127.0.0.0/8 }
map tenants = { @TENANTS@ }
tag tenant: domain
listen smtp on "127.0.0.1:@PORT@"
queue { retry 1h }
relay hub { @HUB@ }
on mail { otherwise => tag tenant = sender.domain }
on rcpt { client.ip in here => accept }
route { otherwise => relay hub }
"""
TEXT = "Subject: hello\r\n\r\nhello\r\n"


def policy(hub, tenants='"none.example" = { host "x", login "x", secret "x" }'):
    return POLICY.replace("@HUB@", hub).replace("@TENANTS@", tenants)


def host(hop, more=""):
    return f'host "127.0.0.1" port {hop.port if isinstance(hop, Hop) else hop} {more}'


def send(s, to=("x@far.example",), sender="a@shop.example"):
    with s.smtp() as c:
        return c.sendmail(sender, to if isinstance(to, (list, tuple)) else [to], TEXT)


def status(s):
    return json.loads(s.waybill("status", "--json").stdout)


def resting(s):
    p = next(p for p in status(s)["processes"] if p["name"] == "relay")
    return p["counters"]["resting"]


def why(s):
    return "".join(s.waybill("queue", "why", q["id"], check=False).stdout for q in s.queue())


def logged(s, pattern, n=1):
    wait_for(lambda: len(re.findall(pattern, s.log())) >= n)


class MovesOn(unittest.TestCase):
    def test_a_host_that_is_down_is_followed_and_rests(self):
        down = free_port()
        with Hop() as hop, Server(policy(f"{host(down)}; {host(hop)}")) as s:
            send(s)
            wait_for(lambda: hop.messages)
            one, = resting(s)
            self.assertEqual((one["address"], one["failures"]), (f"[127.0.0.1]:{down}", 1))
            self.assertIn("refused", one["why"])
            self.assertIn(f"[127.0.0.1]:{down}", s.waybill("status").stdout)
            # It is remembered beyond a reload.
            s.set_policy(policy(f"{host(down)}; {host(hop)}; connections 3"))
            s.waybill("reload")
            self.assertEqual(len(resting(s)), 1)
            send(s)
            wait_for(lambda: len(hop.messages) == 2)
            self.assertEqual(resting(s)[0]["failures"], 1)

    def test_only_what_is_said_moves_on(self):
        with Hop(script={"": b"421 4.3.2 busy\r\n"}) as first, Hop() as second:
            with Server(policy(f"{host(first)}; {host(second)}; move on connect, tls")) as s:
                send(s)
                logged(s, "deferred id=.*busy")
                self.assertEqual(second.messages, [])
            with Server(policy(f"{host(first)}; {host(second)}")) as s:
                send(s)
                wait_for(lambda: second.messages)

    def test_recipients_move_on_each_for_itself(self):
        script = {"RCPT later@": b"450 4.2.1 later\r\n", "RCPT no@": b"550 5.1.1 who\r\n",
                  "EHLO": b"250-first.example\r\n250 PIPELINING\r\n"}
        to = ["ok@far.example", "later@far.example", "no@far.example"]
        with Hop(script=script) as first, Hop() as second:
            hub = f"{host(first)}; {host(second)}; move on connect, temporary"
            with Server(policy(hub)) as s:
                send(s, to)
                wait_for(lambda: second.messages)
                self.assertEqual(first.messages[0]["to"], ["ok@far.example"])
                self.assertEqual(second.messages[0]["to"], ["later@far.example"])
                logged(s, "sent id=", 2)
                # Each record names who has said it.
                for who, by in (("ok", "first"), ("later", "sink")):
                    self.assertRegex(s.log(), rf"to={who}@far.example .*mta={by}.example\[")
            hub = f"{host(first)}; {host(second)}; move on connect, temporary, refused"
            with Server(policy(hub)) as s:
                send(s, to)
                wait_for(lambda: [m for m in second.messages if sorted(m["to"]) == sorted(to[1:])])

    def test_without_it_they_stop(self):
        with Hop(script={"RCPT": b"450 4.2.1 later\r\n"}) as first, Hop() as second, \
                Server(policy(f"{host(first)}; {host(second)}")) as s:
            send(s)
            logged(s, "deferred id=")
            self.assertEqual(second.messages, [])

    def test_what_all_refuse_is_refused(self):
        with Hop(script={"RCPT": b"550 5.1.1 who\r\n"}) as first, \
                Hop(script={".": b"554 5.7.1 spam\r\n"}) as second, \
                Server(policy(f"{host(first)}; {host(second)}; move on refused")) as s:
            send(s)
            logged(s, "5.7.1")
            wait_for(lambda: not [q for q in s.queue() if "x@far" in str(q)])

    def test_a_message_that_breaks_off_at_the_dot_goes_to_nobody_else(self):
        with Hop(script={".": CLOSE}) as first, Hop() as second, \
                Server(policy(f"{host(first)}; {host(second)}; move on connect, temporary")) as s:
            send(s)
            logged(s, "deferred id=")
            self.assertEqual(second.messages, [])


class Weights(unittest.TestCase):
    def test_hosts_with_weights_share(self):
        with Hop() as a, Hop() as b, Hop() as c:
            hub = f"{host(a, 'weight 1')}; {host(b, 'weight 1')}; {host(c)}; connections 1"
            with Server(policy(hub) + "queue for relay hub { per connection 1 messages }\n") as s:
                def step():
                    n = len(a.messages) + len(b.messages)
                    send(s)
                    wait_for(lambda: len(a.messages) + len(b.messages) == n + 1)
                    return a.messages and b.messages
                self.assertTrue(any(step() for _ in range(60)))
                self.assertEqual(c.messages, [])


class BySender(unittest.TestCase):
    def test_each_sender_has_a_host(self):
        with Hop() as a, Hop() as b:
            tenants = (f'"shop.example" = {{ host "127.0.0.1:{a.port}", login "x", secret "x" }}, '
                       f'"news.example" = {{ host "[127.0.0.1]:{b.port}", login "x", secret "x" }}')
            hub = "host tenants[tenant].host port 25; tls none"
            with Server(policy(hub, tenants)) as s:
                send(s, sender="a@shop.example")
                send(s, sender="b@news.example")
                wait_for(lambda: a.messages and b.messages)
                self.assertIn("<a@shop.example>", a.messages[0]["from"])
                self.assertIn("<b@news.example>", b.messages[0]["from"])
                # Nothing is sent by another way when the table has nothing.
                with s.smtp() as c:
                    c.ehlo()
                    c.mail("c@other.example")
                    code, text = c.rcpt("x@far.example")
                self.assertEqual(code, 451)
                self.assertIn(b"'host' of relay hub comes to nothing", text)

    def test_each_sender_has_a_login_on_one_host(self):
        logins = {"shop": "one", "news & co": "two"}
        tenants = ('"shop.example" = { host "x", login "shop", secret "one" }, '
                   '"news.example" = { host "x", login "news & co", secret "two" }')
        with Hop(logins=logins, mechanisms=["PLAIN"]) as hop:
            hub = (f"{host(hop)}; tls none; auth in clear; mechanisms plain; "
                   "auth tenants[tenant].login password tenants[tenant].secret")
            with Server(policy(hub, tenants)) as s:
                for sender in ("a@shop.example", "b@news.example", "c@shop.example"):
                    n = len(hop.messages)
                    send(s, sender=sender)
                    wait_for(lambda: len(hop.messages) == n + 1)
                # Two texts, two sessions: the third message went by the first one's.
                self.assertEqual(len(hop.talks), 2)
                self.assertIn("relay:hub?login=news%20%26%20co", s.log())


class Rates(unittest.TestCase):
    def test_no_more_recipients_than_the_rate(self):
        with Hop() as hop, Server(policy(f"{host(hop)}; rate 3/1h")) as s:
            send(s, ["a@far.example", "b@far.example"])
            wait_for(lambda: hop.messages)
            send(s, ["c@far.example", "d@far.example"])
            wait_for(lambda: len(hop.messages) == 2)
            self.assertEqual(len(hop.messages[1]["to"]), 1)
            h = next(h for h in status(s)["hops"] if h["hop"] == "relay:hub")
            self.assertEqual((h["rate"]["recipients"], h["rate"]["gone"]), (3, 3))
            self.assertIn("hop-rate", why(s))
            # A reload forgets nothing; a higher rate lets the rest go.
            s.set_policy(policy(f"{host(hop)}; rate 4/1h"))
            s.waybill("reload")
            wait_for(lambda: len(hop.messages) == 3)
            self.assertEqual(sum(len(m["to"]) for m in hop.messages), 4)
            send(s)
            wait_for(lambda: "hop-rate" in why(s))
            self.assertEqual(len(hop.messages), 3)


class Srv(unittest.TestCase):
    """RFC 6186: where a domain's mail is handed in."""

    def certs(self, folder):
        certs = Certs(folder)
        certs.make("ca", ca=True)
        for name, names in (("theirs", "DNS:smtp.other.test"), ("domain", "DNS:prov.test")):
            certs.make(name, names=names, by="ca")
        return certs

    def test_who_forges_it_gets_nothing(self):
        """Records that nobody signed name hosts of another domain: its certificate will not do."""
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            certs = self.certs(folder)
            pair = [(certs.path(f"{n}.pem"), certs.path(f"{n}.key")) for n in ("theirs", "domain")]
            with Hop(cert=pair[0], implicit=True) as first, Hop(cert=pair[1]) as second:
                zone = [f"_submissions._tcp.prov.test. SRV 0 1 {first.port} smtp.other.test.",
                        f"_submission._tcp.prov.test. SRV 1 1 {second.port} smtp.other.test.",
                        "smtp.other.test. A 127.0.0.1"]
                text = policy(f'srv "prov.test"; tls verified; authorities file "{certs.path("ca.pem")}"')
                with NameServer(zone) as dns, Server(text, env={"WAYBILL_RESOLVER": dns.address}) as s:
                    send(s)
                    wait_for(lambda: second.messages)
                    logged(s, r" sent id=.* tls-reached=verified")
                    logged(s, "event=tls-failed .*class=certificate-host-mismatch")
                    self.assertEqual((first.sessions, first.messages), (1, []))


class Greetings(unittest.TestCase):
    def test_a_host_that_comes_back_is_used_again(self):
        with Hop(script={"": in_turn(b"421 4.3.2 busy\r\n", None)}) as first, Hop() as second, \
                Server(policy(f"{host(first)}; {host(second)}")) as s:
            send(s)
            wait_for(lambda: second.messages)
            send(s)
            wait_for(lambda: len(second.messages) == 2)
            self.assertEqual(len(resting(s)), 1)


if __name__ == "__main__":
    unittest.main()
