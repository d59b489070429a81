"""`waybill diff`: which decisions of recorded sessions another policy changes."""
import json
import os
import re
import tempfile
import unittest

from cmd_test import waybill
from server import Server

POLICY = """edition 1
hostname "mx.diff.example"
set ours = { "diff.example" }
net lan = { 192.168.1.0/24 }
map users = { "ann" = "x", "bob" = "x" } as accounts
listen smtp on "127.0.0.1:2525"
relay hub { host "hub.example" port 587 }
mailbox boxes { accounts users; path "/var/mail/{user}" }
on connect { client.verified_name == "bad.example" => reject 554 5.7.1 "not you" }
on rcpt {
    client.ip in lan or client.authenticated => accept
    rcpt.domain not in ours                  => reject 550 5.7.1 "no relaying"
    rcpt unknown                             => reject 550 5.1.1
    otherwise                                => accept
}
on content { header["Subject"] == "spam" => reject 554 5.7.1 }
route { rcpt.domain in ours => deliver boxes; otherwise => relay hub }
"""

SESSIONS = [
    {"client": "203.0.113.9", "helo": "h.example", "from": "a@b.example",
     "rcpt": ["ann@diff.example", "x@far.example"]},
    {"client": "203.0.113.9", "from": "", "rcpt": "zoe@diff.example"},
    {"client": "192.168.1.7", "from": "ann@diff.example", "rcpt": "x@far.example"},
    {"client": "192.168.1.8", "from": "ann@diff.example", "rcpt": "y@far.example"},
    {"client": "203.0.113.9", "login": "ann", "from": "ann@diff.example", "rcpt": "x@far.example"},
    {"client": "203.0.113.9", "verified_name": "bad.example", "name": "bad.example"},
    {"client": "203.0.113.9", "from": "a@b.example", "rcpt": "ann@diff.example",
     "header": ["Subject: spam"], "body": "x"},
]


class Diff(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="waybill-diff-")
        self.addCleanup(self.dir.cleanup)
        self.old = self.file("old.conf", POLICY)

    def file(self, name, text):
        path = os.path.join(self.dir.name, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def diff(self, new, *options, log=None):
        if log is None:
            log = self.file("log", "".join(json.dumps(s) + "\n" for s in SESSIONS))
        r = waybill("diff", self.old, self.file("new.conf", new), "--traffic", log, *options)
        self.assertNotIn("error", r.stderr)
        return r.returncode, r.stdout

    def test_nothing_differs(self):
        self.assertEqual(self.diff("# other text\n" + POLICY),
                         (0, f"{len(SESSIONS)} sessions, 0 differ\n"))

    def test_a_network(self):
        status, out = self.diff(POLICY.replace("192.168.1.0", "192.168.2.0"))
        self.assertEqual(status, 1)
        self.assertIn("line 3: client 192.168.1.7\n"
                      "  - RCPT TO:<x@far.example>: accept\n"
                      "  -   x@far.example: send to relay:hub\n", out)
        self.assertIn('  + RCPT TO:<x@far.example>: reject 550 5.7.1 "no relaying"\n', out)
        self.assertIn("and 1 more by lines 11 and 12\n", out)
        self.assertTrue(out.endswith("7 sessions, 2 differ\n"), out)

    def test_all_are_printed_when_asked_for(self):
        out = self.diff(POLICY.replace("192.168.1.0", "192.168.2.0"), "--all")[1]
        self.assertIn("line 3:", out)
        self.assertIn("line 4:", out)

    def test_each_fact_counts(self):
        for change, lines in (
                (("or client.authenticated", ""), [5]),
                (("bad.example", "worse.example"), [6]),
                (('== "spam"', '== "ham"'), [7]),
                (("deliver boxes", "defer 450 4.2.1"), [1, 2, 7]),
                (("550 5.1.1", "553 5.1.1"), [2])):
            out = json.loads(self.diff(POLICY.replace(*change), "--json", "--all")[1])
            self.assertEqual([c["line"] for c in out["changes"]], lines, change)
            self.assertEqual((out["sessions"], out["differ"], out["unreadable"]),
                             (7, len(lines), 0))

    def test_lines_that_cannot_be_read_are_counted(self):
        log = self.file("log", 'x\n{"client":"no"}\n{\n{"client":"192.0.2.1","from":5}\n'
                               'smtp[7] info traffic {"client":"192.0.2.1","time":"now"}\n'
                               '{"client":"192.0.2.1","rcpt":["a@b.example"]}\n'
                               '{"client":"192.0.2.1","from":"a b","rcpt":["a@b.example"]}\n')
        self.assertEqual(self.diff(POLICY, log=log),
                         (0, "2 sessions, 0 differ, 6 cannot be read\n"))

    def test_control_characters_do_not_reach_the_terminal(self):
        log = self.file("log", json.dumps({"client": "203.0.113.9", "helo": "a\x1b[2Jb"}) + "\n")
        new = POLICY.replace("on connect {", "on helo { otherwise => reject 550 }\non connect {")
        out = self.diff(new, log=log)[1]
        self.assertIn("+ EHLO a?[2Jb: reject 550", out)
        self.assertNotIn("\x1b", out)

    def test_wrong_usage(self):
        log = self.file("log", "")
        for args in (["diff"], ["diff", self.old, self.old],
                     ["diff", self.old, "--traffic", log],
                     ["diff", self.old, self.old, "--traffic", log + "x"]):
            self.assertEqual(waybill(*args).returncode, 2, args)
        bad = self.file("bad.conf", POLICY + "nonsense\n")
        self.assertEqual(waybill("diff", self.old, bad, "--traffic", log).returncode, 1)

    def test_the_server_records_its_sessions(self):
        s = Server(POLICY.replace("/var/mail", "@DIR@/mail").replace("2525", "@PORT@"), args=["--records"])
        self.addCleanup(s.__exit__, None, None, None)
        with s.smtp(local_hostname="client.example") as c:
            c.ehlo()
            c.mail("a@b.example")
            self.assertEqual(c.rcpt("zoe@diff.example")[0], 550)
            self.assertEqual(c.rcpt("ann@diff.example")[0], 250)
        log = self.file("log", s.log())
        seen = [json.loads(x) for x in re.findall(r" traffic (.*)", s.log())]
        self.assertEqual([x["rcpt"] for x in seen], ["zoe@diff.example", "ann@diff.example"])
        self.assertEqual({(x["client"], x["helo"], x["from"], x["listener"]) for x in seen},
                         {("127.0.0.1", "client.example", "a@b.example", "smtp")})
        self.assertEqual(self.diff(POLICY, log=log), (0, "2 sessions, 0 differ\n"))
        out = self.diff(POLICY.replace('"bob"', '"zoe"'), log=log)[1]
        self.assertIn("  + RCPT TO:<zoe@diff.example>: accept\n", out)


if __name__ == "__main__":
    unittest.main()
