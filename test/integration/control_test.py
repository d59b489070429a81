"""A running server is asked and changed: queue, status, reload."""
import json
import re
import unittest

from server import Server, wait_for

POLICY = """edition 1
hostname "mx.control.example"
set ours = { "control.example" }
net here = { 127.0.0.0/8 }
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
queue { retry 1h; lifetime 1d }
relay nowhere { host "127.0.0.1" port @PORT2@ }
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
on rcpt {
    rcpt.domain in ours and rcpt unknown => reject 550 5.1.1
    client.ip in here => accept
}
route { rcpt.domain in ours => deliver boxes; otherwise => relay nowhere }
"""
MESSAGE = "Subject: hello\r\n\r\nhello\r\n"


class Control(unittest.TestCase):
    def server(self):
        s = Server(POLICY, {"users": "ann:x\n"})
        self.addCleanup(s.__exit__, None, None, None)
        return s

    def send(self, s, to):
        with s.smtp() as c:
            return c.sendmail("a@b.example", [to], MESSAGE)

    def test_a_message_that_waits(self):
        s = self.server()
        self.assertIn("The queue is empty.", s.waybill("queue", "list").stdout)
        self.send(s, "x@far.example")
        wait_for(lambda: s.queue() and s.queue()[0]["attempts"] >= 1)
        m = s.queue()[0]
        self.assertEqual((m["sender"], m["recipients"], m["state"]), ("a@b.example", 1, "waiting"))
        text = s.waybill("queue", "list").stdout
        self.assertIn(m["id"], text)
        self.assertRegex(text, r"\n1 message, \d+\n$")
        text = s.waybill("queue", "show", m["id"]).stdout
        self.assertIn("<x@far.example>", text)
        self.assertIn("relay:nowhere", text)
        shown = json.loads(s.waybill("queue", "show", m["id"], "--json").stdout)
        self.assertEqual(shown["message"]["id"], m["id"])
        # Tried at once, an hour before its time.
        self.assertIn("1 message (1 recipient) will be tried", s.waybill("queue", "retry", m["id"]).stdout)
        wait_for(lambda: s.queue()[0]["attempts"] >= 2)
        self.assertIn("removed", s.waybill("queue", "remove", m["id"]).stdout)
        wait_for(lambda: s.queue() == [])
        for words, says in ((("show", m["id"]), "no such message"),
                            (("remove", m["id"]), "no such message"),
                            (("retry", "NONSENSE"), "is no id")):
            r = s.waybill("queue", *words, check=False)
            self.assertEqual(r.returncode, 1, words)
            self.assertIn(says, r.stderr)

    def test_status(self):
        s = self.server()
        self.send(s, "ann@control.example")
        s.wait_mail("ann")
        doc = json.loads(s.waybill("status", "--json").stdout)
        names = [p["name"] for p in doc["processes"]]
        for name in ("parent", "smtp", "route", "queue", "relay", "resolve", "limits",
                     "spawner"):
            self.assertIn(name, names)
        self.assertTrue(all(p["answered"] for p in doc["processes"]))
        self.assertTrue(all(len(p["lag"]) == 24 for p in doc["processes"]))
        route = next(p for p in doc["processes"] if p["name"] == "route")
        self.assertEqual(route["counters"]["requests"], 1)
        self.assertEqual(route["counters"]["targets"], 1)
        text = s.waybill("status").stdout
        self.assertIn("generation 1", text)
        self.assertIn("delivered 1", text)
        self.assertIn("route[0]", text)

    def test_reload(self):
        s = self.server()
        before = json.loads(s.waybill("status", "--json").stdout)
        good = POLICY.replace("rcpt unknown => reject 550 5.1.1",
                              'rcpt unknown => reject 550 5.1.1 "never heard of"')
        s.set_policy(good.replace("@PORT2@", "9"))
        self.assertIn("has changed since", s.waybill("status").stdout)
        self.assertIn("The new policy runs", s.waybill("reload").stdout)
        self.assertIn("generation 2", s.waybill("status").stdout)
        with s.smtp() as c:
            c.ehlo()
            c.mail("a@b.example")
            self.assertIn(b"never heard of", c.rcpt("zoe@control.example")[1])
        # One with errors changes nothing, and says why.
        s.set_policy(good.replace("in ours and", "in our and"))
        r = s.run("reload", "--spool", s.spool, check=False)
        self.assertEqual(r.returncode, 1)
        self.assertIn("did you mean 'ours'", r.stderr)
        self.assertIn("policy.conf:", r.stderr)
        after = json.loads(s.run("status", "--spool", s.spool, "--json").stdout)
        policy = [next(p["counters"]["policy"] for p in d["processes"] if p["name"] == "parent")
                  for d in (before, after)]
        self.assertNotEqual(policy[0], policy[1])
        self.send(s, "ann@control.example")
        s.wait_mail("ann")

    def test_a_table_that_changes_is_taken(self):
        s = self.server()
        s.write("users", "ann:x\nzoe:x\n")

        def known():
            with s.smtp() as c:
                c.ehlo()
                c.mail("a@b.example")
                return c.rcpt("zoe@control.example")[0] == 250
        wait_for(known, step=0.3)

    def test_a_decision_is_recorded_as_explain_tells_it(self):
        chain = "".join(f'    sender.domain == "far{i}.example" or helo_is("h{i}.example") => '
                        f'reject 550 5.7.1\n' for i in range(60))
        policy = POLICY.replace("on rcpt {\n", "ruleset helo_is(name: domain) -> bool {\n"
                                "    client.helo == name => true\n    otherwise => false\n}\n"
                                "on rcpt {\n" + chain)
        s = Server(policy, {"users": "ann:x\n"}, args=["--records"])
        self.addCleanup(s.__exit__, None, None, None)
        with s.smtp(local_hostname="client.example") as c:
            c.ehlo()
            c.mail("a@b.example")
            self.assertEqual(c.rcpt("zoe@control.example")[0], 550)
            self.assertEqual(c.rcpt("ann@control.example")[0], 250)
        logged = [json.loads(x) for x in re.findall(r" info decision (.*)", s.log())]
        refused = re.search(r" refused stage=rcpt .* ref=(\S+) ", s.log()).group(1)
        told = []
        for to in ("zoe", "ann"):
            doc = json.loads(s.run("explain", s.policy, "--json", "--client", "127.0.0.1",
                                   "--helo", "client.example", "--from", "a@b.example",
                                   "--rcpt", to + "@control.example").stdout)
            told += [step["record"] for step in doc["steps"] if step["hook"] == "on rcpt"]
        logged = [r for r in logged if r["hook"] == "on rcpt"]
        self.assertEqual(logged[0]["ref"], refused)
        self.assertGreater(len(json.dumps(logged[0])), 10000)
        for mine, theirs in zip(logged, told, strict=True):
            del mine["ref"], theirs["ref"]
            self.assertEqual(mine, theirs)

    def test_a_routing_is_recorded_as_explain_tells_it(self):
        s = Server(POLICY, {"users": "ann:x\n"}, args=["--records"])
        self.addCleanup(s.__exit__, None, None, None)
        with s.smtp(local_hostname="client.example") as c:
            c.sendmail("a@b.example", ["ann@control.example", "x@far.example"], MESSAGE)
        s.wait_mail("ann")
        qid = re.search(r" accepted id=(\S+)", s.log()).group(1)

        def routed():
            logged = [json.loads(x) for x in re.findall(r" info decision (.*)", s.log())]
            return [r for r in logged if r["hook"] == "route"]
        logged = wait_for(lambda: len(routed()) == 2 and routed())
        for mine, to in zip(logged, ("ann@control.example", "x@far.example"), strict=True):
            self.assertEqual(mine["ref"], qid)
            doc = json.loads(s.run("explain", s.policy, "--json", "--client", "127.0.0.1",
                                   "--helo", "client.example", "--from", "a@b.example",
                                   "--rcpt", to).stdout)
            told = [step["route_record"] for step in doc["steps"] if "route_record" in step]
            self.assertEqual(mine["steps"], told[0]["steps"])
            self.assertEqual(mine["policy"], told[0]["policy"])

    def test_no_server(self):
        s = Server(POLICY, {"users": "ann:x\n"}, start=False)
        self.addCleanup(s.__exit__, None, None, None)
        for words in (("status",), ("queue", "list"), ("reload",)):
            r = s.waybill(*words, check=False)
            self.assertEqual(r.returncode, 2, words)
            self.assertIn("Does the server run?", r.stderr)

    def test_what_is_not_served_is_refused(self):
        s = Server(POLICY + 'listen imap on "127.0.0.1:143" { tls none }\n',
                   {"users": "ann:x\n"}, start=False)
        self.addCleanup(s.__exit__, None, None, None)
        r = s.run("run", s.policy, check=False)
        self.assertEqual(r.returncode, 1)
        self.assertIn(f"policy.conf:{POLICY.count(chr(10)) + 1}:", r.stderr)
        self.assertIn("listen imap", r.stderr)


if __name__ == "__main__":
    unittest.main()
