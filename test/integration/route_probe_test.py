"""`waybill route`: where a message would go, and with --probe what the server finds there."""
import json
import tempfile
import unittest

from certs import Certs
from hop_script import Hop
from server import Server, free_port

SECRET = "correct horse battery"
POLICY = """edition 1
hostname "mx.out.example"
net here = { 127.0.0.0/8 }
listen smtp on "127.0.0.1:@PORT@"
RELAY
on rcpt { client.ip in here => accept }
route {
    sender == <boss@out.example> => mx
    otherwise => relay hop
}
"""
CLEAR = 'auth "ann" password file "secret"; auth in clear'


def block(hops, more=""):
    hosts = "; ".join(f'host "127.0.0.1" port {getattr(h, "port", h)}' for h in hops)
    return "relay hop { %s%s }" % (hosts, more and "; " + more)


def server(hops, more="", secret=SECRET, **kw):
    return Server(POLICY.replace("RELAY", block(hops, more)), {"secret": secret + "\n"}, **kw)


def route(s, *args, sender="ann@out.example"):
    return s.run("route", sender, "x@else.example", "-c", s.policy, *args, check=False)


def probe(s, *args):
    """The exit status, and what was found at the only hop."""
    r = route(s, "--probe", "--spool", s.spool, "--json", *args)
    assert r.stdout, r.stderr
    return r.returncode, json.loads(r.stdout)["targets"][0]["probe"]


class Shown(unittest.TestCase):
    def test_hop_login_tls_and_rules(self):
        with server([587, 465], CLEAR + "; mechanisms login, plain", start=False) as s:
            r = route(s, "--json")
            doc = json.loads(r.stdout)
            hop = doc["targets"][0]["hops"][0]
            self.assertEqual(r.returncode, 0)
            self.assertEqual(hop["hosts"], ["127.0.0.1 port 587", "127.0.0.1 port 465"])
            self.assertEqual((hop["login"], hop["mechanisms"]), ("ann", "login, plain"))
            rules = {x["text"].split(" =>")[0]: x for x in doc["rules"]}
            self.assertEqual(rules["otherwise"]["fate"], "chosen")
            lost = rules["sender == <boss@out.example>"]
            self.assertEqual((lost["fate"], lost["why"]), ("lost", "condition false"))
            self.assertEqual(lost["line"], 8)
            text = route(s).stdout
            self.assertIn(f"{s.policy}:8", text)
            self.assertIn("login: ann, by login, plain", text)
            self.assertNotIn(SECRET, text + r.stdout)

    def test_the_rule_that_decides_first(self):
        with server([587], start=False) as s:
            doc = json.loads(route(s, "--json", sender="boss@out.example").stdout)
            self.assertEqual([x["fate"] for x in doc["rules"]], ["chosen", "lost"])
            self.assertIn("before it", doc["rules"][1]["why"])

    def test_without_a_server(self):
        with server([587], start=False) as s:
            r = route(s, "--probe")
            self.assertEqual(r.returncode, 69)
            self.assertIn("Does the server run?", r.stderr)
            self.assertIn("nothing was probed", r.stderr)


class Probed(unittest.TestCase):
    def test_a_login(self):
        with Hop(logins={"ann": SECRET}, mechanisms=["PLAIN", "LOGIN"]) as hop, \
                server([hop], CLEAR) as s:
            status, found = probe(s)
            host = found["hosts"][0]
            self.assertEqual((status, found["goes"], host["serves"]), (0, True, True), found)
            self.assertEqual(host["greeting"], "sink.example")
            self.assertEqual(host["login"]["offered"], ["PLAIN", "LOGIN"])
            self.assertEqual(host["login"]["tried"], ["PLAIN"])
            self.assertEqual(host["login"]["refused"], [])
            self.assertTrue(host["login"]["accepted"])
            self.assertIn("PIPELINING", host["extensions"])
            self.assertEqual(hop.talks[0].lines[-1], b"QUIT")
            self.assertEqual((hop.messages, len(hop.talks)), ([], 1))
            self.assertFalse([x for x in hop.talks[0].lines if x.startswith(b"MAIL")])
            text = route(s, "--probe").stdout
            self.assertIn("A message would go.", text)
            self.assertNotIn(SECRET, text + json.dumps(found) + s.log())

    def test_a_password_by_sender(self):
        """Who is written with < and > is the same sender."""
        with Hop(logins={"ann": SECRET}, mechanisms=["PLAIN"]) as hop:
            own = CLEAR.replace('file "secret"', "secrets[sender]")
            policy = POLICY.replace("RELAY", 'map secrets = text "secrets"\n' + block([hop], own))
            with Server(policy, {"secrets": f"ann@out.example: {SECRET}\n"}) as s:
                for sender in ("ann@out.example", "<ann@out.example>"):
                    r = route(s, "--probe", sender=sender)
                    self.assertEqual(r.returncode, 0, r.stdout + r.stderr)

    def test_a_wrong_password(self):
        with Hop(logins={"ann": SECRET}, mechanisms=["PLAIN"]) as hop, \
                server([hop], CLEAR, "wrong") as s:
            status, found = probe(s)
            login = found["hosts"][0]["login"]
            self.assertEqual((status, found["goes"]), (1, False))
            self.assertEqual((login["tried"], login["refused"]), (["PLAIN"], ["PLAIN"]))
            self.assertFalse(login["accepted"])
            self.assertIn("535", login["told"])
            self.assertEqual(found["status"], "4.7.8")

    def test_no_starttls_where_it_is_wanted(self):
        with Hop() as hop, server([hop], "tls required") as s:
            status, found = probe(s)
            tls = found["hosts"][0]["tls"]
            self.assertEqual((status, tls["wanted"], tls["by"], tls["reached"]),
                             (1, "required", "block", "clear"))
            self.assertEqual(tls["class"], "starttls-not-supported")
            self.assertIn("4.7.5", route(s, "--probe").stdout)

    def test_certificates(self):
        with tempfile.TemporaryDirectory() as folder:
            certs = Certs(folder)
            pem = certs.make("hop", names="IP:127.0.0.1")
            key = certs.path("hop.key")
            other = certs.make("other", ca=True)
            with Hop(cert=(pem, key)) as hop, server(
                    [hop], f'tls verified; authorities file "{other}"') as s:
                status, found = probe(s)
                tls = found["hosts"][0]["tls"]
                self.assertEqual((status, tls["wanted"]), (1, "verified"))
                self.assertEqual(tls["class"], "certificate-not-trusted", found)
                self.assertTrue(tls["why"])
                s.set_policy(s_policy(hop, f'authorities file "{other}"'))
                s.waybill("reload")
                status, found = probe(s)
                tls = found["hosts"][0]["tls"]
                self.assertEqual((status, tls["reached"], tls["version"]),
                                 (0, "encrypted", "TLSv1.3"), found)
                self.assertTrue(tls["unverified"])

    def test_the_next_host(self):
        with Hop() as good, Hop() as third, server([free_port(), good, third]) as s:
            status, found = probe(s)
            self.assertEqual([h["serves"] for h in found["hosts"]], [False, True])
            self.assertEqual(status, 0)
            self.assertEqual(third.sessions, 0)
            status, found = probe(s, "--all")
            self.assertEqual([h["serves"] for h in found["hosts"]], [False, True, True])

    def test_no_host_behind_a_failure_that_stops(self):
        with Hop() as good, server([free_port(), good], "move on busy") as s:
            status, found = probe(s)
            self.assertEqual((status, found["goes"], good.sessions), (1, False, 0))
            status, found = probe(s, "--all")
            self.assertEqual((status, found["goes"], good.sessions), (1, False, 1))
            self.assertTrue(found["hosts"][1]["left_out"])

    def test_nothing_is_remembered(self):
        port = free_port()
        with server([port]) as s:
            self.assertEqual(probe(s)[0], 1)
            with Hop(port=port):
                status, found = probe(s)
                self.assertEqual((status, found["hosts"][0]["rests"]), (0, False))


def s_policy(hop, more):
    return POLICY.replace("RELAY", block([hop], more))


if __name__ == "__main__":
    unittest.main()
