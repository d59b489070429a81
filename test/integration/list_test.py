#!/usr/bin/env python3
"""Large lists in the running server: what RCPT costs, limits, deaths in the middle."""
import collections
import glob
import json
import os
import re
import unittest

import server as srv
from sink import Sink

POLICY = """
edition 1
hostname "mx.lists.example"
set ours = { "lists.example" }
net self = { 127.0.0.0/8 }
map aliases = text "aliases" as aliases
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "@DIR@/mail/{user}"; OWNER }
relay hop { host "127.0.0.1" port HOP }
queue { retry 1s, 2s }
on rcpt { rcpt unknown => reject 550 5.1.1; client.ip in self => accept }
route {
    rcpt.domain in ours => expand aliases, deliver boxes
    otherwise => relay hop
}
"""
BOXES, FAR = 400, 5000
SLOW_BUCKETS = 15  # turns of 2^15 microseconds (33 ms) and more


def policy(hop=1):
    owner = 'owner "nobody"; ' if os.geteuid() == 0 else ""
    return POLICY.replace("OWNER", owner).replace("HOP", str(hop))


def numbers():
    """{name: number} of the messages between processes."""
    with open(os.path.join(srv.SRC, "mta/msg/messages.def"), encoding="utf-8") as f:
        names = [m.group(1) for m in map(re.compile(r"^MSG\((\w+),").match, f) if m]
    return {name: i + 1 for i, name in enumerate(names)}


def slow_turns(server, process):
    status = json.loads(server.waybill("status", "--json").stdout)
    return sum(sum((p.get("lag") or [])[SLOW_BUCKETS:])
               for p in status["processes"] if p["name"] == process)


class Lists(unittest.TestCase):
    def test_rcpt_reads_no_further_than_to_the_first_member_that_goes_somewhere(self):
        many = "".join(f"m{i}@far.example\n" for i in range(100000))
        tables = {"users": "ann:x\n", "many": many, "aliases": "all: :include:many\n"}
        with srv.Server(policy(), tables) as s, s.smtp() as c:
            before = slow_turns(s, "smtp")
            for _ in range(40):
                c.ehlo()
                c.mail("ann@lists.example")
                self.assertEqual(c.rcpt("all@lists.example")[0], 250)
                c.rset()
            # Each of them took longer than that when all members were read.
            self.assertLess(slow_turns(s, "smtp") - before, 20)

    def bounce(self, tables, rcpt):
        tables = dict({"users": "ann:x\n"}, **tables)
        with Sink() as hop, srv.Server(policy(hop.port), tables) as s:
            with s.smtp() as c:
                c.sendmail("ann@lists.example", [rcpt], "Subject: x\r\n\r\ntext\r\n")
            text = s.wait_mail("ann")[0].decode()
            self.assertEqual(hop.messages, [])
            return text

    def test_more_than_100000_members_are_refused_and_told(self):
        text = self.bounce({"many": "".join(f"m{i}@far.example\n" for i in range(100001)),
                            "aliases": "all: :include:many\n"}, "all@lists.example")
        self.assertIn("the list has more than 100000 members", text)
        self.assertIn("Status: 5.3.4", text)
        self.assertIn("Final-Recipient: rfc822; all@lists.example", text)

    def test_lists_in_lists_count_together(self):
        lists = {f"part{k}": "".join(f"m{k}.{i}@far.example\n" for i in range(10000))
                 for k in range(11)}
        aliases = "all: " + ", ".join(f"part{k}" for k in range(11)) + "\n"
        aliases += "".join(f"part{k}: :include:part{k}\n" for k in range(11))
        text = self.bounce(dict(lists, aliases=aliases), "all@lists.example")
        self.assertIn("the list has more than 100000 members", text)

    def test_each_address_once(self):
        tables = {"users": "ann:x\n", "aliases":
                  "all: x@far.example, part, X@FAR.example, ann, ann\n"
                  "part: ann, x@far.example, y@far.example\n"}
        with Sink() as hop, srv.Server(policy(hop.port), tables) as s:
            with s.smtp() as c:
                c.sendmail("a@b.example", ["all@lists.example", "part@lists.example"], "S: x\r\n\r\n")
            srv.wait_for(lambda: not s.queue())
            got = [r.lower() for m in hop.messages for r in m["to"]]
            self.assertEqual(sorted(got), ["x@far.example", "y@far.example"])
            self.assertEqual(len(s.maildir("ann")), 1)


class Deaths(unittest.TestCase):
    """Each process in the middle: no member is lost, a Maildir has it once."""

    def run_with(self, process, message, nth):
        far = [f"m{i}@far.example" for i in range(FAR)]
        tables = {"users": "".join(f"u{i}:x\n" for i in range(BOXES)),
                  "many": "\n".join(far + [f"u{i}" for i in range(BOXES)]) + "\n",
                  "aliases": "all: :include:many\n"}
        kill = {"WAYBILL_TEST_KILL": f"{process}:{numbers()[message]}:{nth}"}
        with Sink() as hop, srv.Server(policy(hop.port), tables, env=kill) as s:
            with s.smtp() as c:
                c.sendmail("a@b.example", ["all@lists.example"], "Subject: x\r\n\r\ntext\r\n")
            srv.wait_for(lambda: self.is_over(s), 120)
            log = s.log()
            self.assertRegex(log, rf"{process}.*(signal|killed|died|ended)", "it has died")
            # The postmaster is told of the death, by mail.
            got = collections.Counter(r for m in hop.messages for r in m["to"]
                                      if r != "postmaster@mx.lists.example")
            self.assertEqual(sorted(got), sorted(far))
            self.assertLessEqual(max(got.values()), 2)
            boxes = collections.Counter(os.path.basename(os.path.dirname(os.path.dirname(f)))
                                        for f in glob.glob(f"{s.dir}/mail/*/new/*"))
            self.assertEqual(boxes, {f"u{i}": 1 for i in range(BOXES)})
            return got

    def is_over(self, s):
        try:
            return "finished" if not s.queue() else None
        except (AssertionError, ValueError):
            return None

    def test_route_asked(self):
        self.assertEqual(set(self.run_with("route", "ROUTE", 1).values()), {1})

    def test_queue_in_the_middle_of_the_answer(self):
        self.assertEqual(set(self.run_with("queue", "ROUTED", 4).values()), {1})

    def test_queue_while_it_is_relayed(self):
        self.run_with("queue", "RELAYED", 10)

    def test_queue_while_it_is_delivered(self):
        self.run_with("queue", "PREPARED", 100)

    def test_queue_after_a_delivery(self):
        self.run_with("queue", "DELIVERED", 100)

    def test_relay(self):
        self.run_with("relay", "RELAY", 10)

    def test_deliver_before_it_is_prepared(self):
        self.assertEqual(set(self.run_with("deliver", "DELIVER", 100).values()), {1})

    def test_deliver_before_it_is_done(self):
        self.assertEqual(set(self.run_with("deliver", "COMMIT", 100).values()), {1})


if __name__ == "__main__":
    unittest.main()
