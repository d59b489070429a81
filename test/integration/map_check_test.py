"""`waybill map check`: what is wrong in tables, and between them."""
import json
import os
import re
import time
import unittest

from map_test import Folder

POLICY = """edition 1
hostname "mx.here.example"
set ours = { "here.example", "shop.example" }
map users = text "users" as accounts
map aliases = text "tables/aliases" as aliases
map virtusers = text "virtusers" as virtusers
map access = text "access" as access
map routes = text "routes" as routes
listen smtp on "*:25"
mailbox boxes { accounts users; path "/var/mail/{user}" }
on rcpt {
    client in access => access[client]
    rcpt.domain not in ours and rcpt.domain not in routes => reject 550 5.7.1
    rcpt unknown => reject 550 5.1.1
    otherwise => accept
}
route {
    rcpt.domain in routes => routes[rcpt.domain]
    rcpt.domain in ours   => expand virtusers, expand aliases, deliver boxes
    otherwise             => mx
}
"""


class MapCheck(Folder):
    def tables(self, **tables):
        os.makedirs(f"{self.dir}/tables", exist_ok=True)
        texts = {"users": "ann:x\nbob:x\ncolin:x\n", "tables/aliases": "root: ann\n",
                 "virtusers": "", "access": "", "routes": "", "p.conf": POLICY}
        texts.update({k.replace("_", "/"): v for k, v in tables.items()})
        for name, text in texts.items():
            self.file(name, text)

    def found(self, status, *args):
        """The findings, "file:line:column: level: text"."""
        return self.run_is(status, "map", "check", *args).stderr.splitlines()

    def check(self, status=1, *names):
        return self.found(status, "-c", "p.conf", *names)

    def test_nothing_to_find(self):
        self.tables(tables_aliases="root: ann\nlist: ann, \\bob, x@far.example, /dev/null\n",
                    virtusers="info@shop.example\troot\n@shop.example\terror:nouser\n",
                    routes="far.example\tsmtp:[192.0.2.1]\n")
        p = self.run_is(0, "map", "check", "-c", "p.conf")
        self.assertEqual(p.stderr, "")
        self.assertIn("aliases: 2 entries of aliases\n", p.stdout)

    def test_names_that_nobody_has(self):
        self.tables(tables_aliases="root: coln\nlist: ann,\n\tbob, zzzzzz@here.example\n"
                    "kids: :include:kids\nfar: who@elsewhere.example\n",
                    tables_kids="# the kids\nann\nbbo\n",
                    virtusers="sales@shop.example\tann, sals@shop.example\n",
                    routes="back.example\tlocal:nobdy@here.example\n")
        self.assertEqual([line for line in self.check() if ": note: " not in line], [
            "routes:1:20: error: 'nobdy@here.example' is neither an alias nor a mailbox here: "
            "mail for it bounces",
            "tables/aliases:1:7: error: 'coln' is neither an alias nor a mailbox here: mail for it "
            "bounces; did you mean 'colin' (users:3)?",
            "tables/aliases:3:7: error: 'zzzzzz@here.example' is neither an alias nor a mailbox "
            "here: mail for it bounces",
            "tables/kids:3:1: error: 'bbo' is neither an alias nor a mailbox here: mail for it "
            "bounces; did you mean 'bob' (users:2)?",
            "virtusers:1:25: error: 'sals@shop.example' is neither an alias nor a mailbox here: "
            "mail for it bounces; did you mean 'sales@shop.example' (virtusers:1)?"])

    def test_a_catch_all_has_everybody(self):
        self.tables(tables_aliases="root: coln\n", virtusers="@here.example\tann@here.example\n")
        self.assertEqual(self.check(0), [])

    def test_loops_across_tables(self):
        self.tables(tables_aliases="ring: ring2, ann\nring2: info@shop.example\nself: \\ann, self2\n"
                    "self2: ann\nann: ann, bob\n",
                    virtusers="info@shop.example\tring\n@shop.example\terror:nouser\n")
        self.assertEqual(self.check(), [
            "tables/aliases:1:1: error: a loop, and mail for it is refused (554 5.4.6): "
            "ring (aliases:1) -> ring2 (aliases:2) -> info@shop.example (virtusers:1) -> ring"])

    def test_catch_alls_that_lead_to_each_other(self):
        self.tables(virtusers="@here.example\t%1@shop.example\n@shop.example\t%1@here.example\n"
                    "ann@shop.example\tann@here.example\n")
        found = self.check()
        self.assertEqual(len(found), 1)
        self.assertIn("virtusers:1:1: error: a loop", found[0])

    def test_by_itself(self):
        self.file("a", "ring: ring2\nring2: ring\nx: y\n")
        self.assertEqual(self.found(1, "a", "--as", "aliases"), [
            "a:1:1: error: a loop, and mail for it is refused (554 5.4.6): "
            "ring (a:1) -> ring2 (a:2) -> ring"])
        self.file("v", "a@x.example\tb@x.example\n@x.example\tc@y.example\n")
        self.assertEqual(self.found(0, "v", "--as", "virtusers"), [])

    def test_by_itself_a_domain_may_be_anybodys(self):
        self.file("a", "eric: eric@mailhost.example, bob@far.example\nbob: eric\n"
                  "ann@x.example: bob@x.example\nbob@x.example: ann@x.example\n")
        self.assertEqual(self.found(1, "a", "--as", "aliases"), [
            "a:3:1: error: a loop, and mail for it is refused (554 5.4.6): ann@x.example (a:3) -> "
            "bob@x.example (a:4) -> ann@x.example"])

    def test_too_deep(self):
        for n, status in ((32, 0), (33, 1), (40, 1)):
            lines = [f"n{i}: n{i + 1}\n" for i in range(n - 1)] + [f"n{n - 1}: ann\n"]
            self.tables(tables_aliases="".join(lines))
            found = self.check(status)
            self.assertEqual(len(found), status, found)
            if status:
                self.assertIn(f"tables/aliases:{n - 32}:1: error: 'n{n - 33}' is expanded", found[0])

    def test_mistakes_with_their_places(self):
        self.tables(tables_aliases="dup: ann\nbad: ann, b c, bob\ndup: bob\n",
                    access="Connect:192.0.2\tHOLD\nspam.example\tREJCT\n",
                    virtusers="nobody\tann\n")
        self.assertEqual([re.match(".*?(?:error|warning): .{18}", line)[0] for line in self.check()], [
            "access:1:17: error: no such verdict: i",
            "access:2:14: error: no such verdict (i",
            "tables/aliases:2:11: warning: the address has ch",
            "tables/aliases:3:1: error: 'dup' stands on li",
            "virtusers:1:1: error: a key is user@doma"])
        # Of some tables only; those of the others are not told.
        self.assertEqual(len(self.check(1, "virtusers")), 1)
        self.assertEqual(self.check(0, "users"), [])

    def test_what_never_matches(self):
        self.tables(tables_aliases="ann@her.example: bob\n", access="From:x-*@y.example\tREJECT\n",
                    virtusers="sale@shp.example\tann\nw-*@shop.example\tann\n@shop.example\tann\n")
        self.assertEqual([line.replace("this never matches", "never") for line in self.check(0)], [
            "access:1:1: warning: never: '-' divides no detail here; `detail \"-\"` at the top of the "
            "policy says that it does",
            "tables/aliases:1:1: warning: never: no rule of `route` asks 'aliases' for addresses of "
            "her.example; did you mean 'here.example'?",
            "virtusers:1:1: warning: never: no rule of `route` asks 'virtusers' for addresses of "
            "shp.example; did you mean 'shop.example'?",
            "virtusers:2:1: warning: never: '-' divides no detail here; `detail \"-\"` at the top of "
            "the policy says that it does"])

    def test_traps_of_other_servers(self):
        self.tables(tables_aliases="list: ann\nowner-lost: bob\n", access="2001:db8::1\tREJECT\n",
                    virtusers="info@shop.example\tann\nsales@shop.example\tann\n",
                    routes="far.example\tsmtp:[hub.example]:2525\n")
        found = self.check(0)
        self.assertEqual([line.split(":")[0] + line.split(":")[3] for line in found],
                         ["access note", "routes note", "tables/aliases note", "virtusers note"])
        self.assertIn("sendmail never finds this key", found[0])
        self.assertIn("forgets the port", found[1])
        self.assertIn("there is no list 'lost'", found[2])
        self.assertIn("sendmail sends their mail on by DNS", found[3])
        # `waybill check` tells mistakes only.
        p = self.run_is(0, "check", "p.conf")
        self.assertNotIn("sendmail", p.stdout + p.stderr)

    def test_json(self):
        self.tables(tables_aliases="root: coln\n")
        j = json.loads(self.run_is(1, "map", "check", "-c", "p.conf", "aliases", "--json").stdout)
        self.assertEqual((j["errors"], j["warnings"], j["notes"]), (1, 0, 0))
        self.assertEqual([t["name"] for t in j["tables"]], ["aliases"])
        self.assertEqual(j["tables"][0]["entries"], 1)
        self.assertEqual({k: j["findings"][0][k] for k in ("level", "line", "column")},
                         {"level": "error", "line": 1, "column": 7})
        self.assertTrue(j["findings"][0]["file"].endswith("/tables/aliases"))

    def test_query_of_a_policys_table(self):
        self.tables(tables_aliases="news: bob, :include:kids, :include:none\n",
                    tables_kids="# the kids\nann, \\bob\n", virtusers="u+*@shop.example\t%1-%2@x.example\n")

        def query(*args):
            return self.run_is(0, "map", "query", "-c", "p.conf", *args).stdout
        self.assertEqual(query("aliases", "news+x@here.example").splitlines(), [
            "bob, :include:kids, :include:none\t(tables/aliases:1, news)",
            "    ann\t(tables/kids:2)", "    \\bob\t(tables/kids:2)",
            "    none\t(an included file is not there, or cannot be read)"])
        self.assertEqual(query("virtusers", "u+v@shop.example"),
                         "u-v@x.example\t(virtusers:1, u+*@shop.example)\n")
        j = json.loads(query("aliases", "news", "--json"))
        self.assertEqual([(m["kind"], m["text"], m.get("line")) for m in j["members"]],
                         [("address", "bob", None), ("address", "ann", 2), ("mailbox", "bob", 2),
                          ("bad", "none", None)])
        self.run_is(1, "map", "query", "-c", "p.conf", "aliases", "who")
        self.run_is(2, "map", "query", "-c", "p.conf", "nomap", "who")

    def test_a_decision_names_the_line_of_an_included_file(self):
        self.tables(tables_aliases="news: bob, :include:kids\n", tables_kids="# the kids\nann\n")
        args = ("explain", "p.conf", "--client", "203.0.113.1", "--from", "x@far.example",
                "--rcpt", "news@here.example")
        text = self.run_is(0, *args).stdout
        self.assertRegex(text, r'aliases\[news@here.example\] = .*/tables/aliases:1\)')
        self.assertRegex(text, r'\n     aliases has "ann"  \(.*/tables/kids:2\)\n')
        self.assertRegex(text, r'-> ann@here.example: deliver boxes "ann" .*/tables/kids:2\)\n')
        j = json.loads(self.run_is(0, *args, "--json").stdout)
        steps = [s for step in j["steps"] for s in step.get("route_record", {"steps": []})["steps"]
                 if s["step"] == "member"]
        self.assertEqual(len(steps), 1)
        self.assertEqual((steps[0]["name"], steps[0]["key"], steps[0]["table_line"]),
                         ("aliases", "ann", 2))
        self.assertTrue(steps[0]["table"].endswith("/tables/kids"))

    def test_exit_statuses(self):
        self.tables()
        self.check(2, "nomap")
        self.found(2, "-c", "nowhere.conf")
        self.found(2, "nowhere", "--as", "aliases")
        self.found(2)
        self.file("p.conf", "edition 1\nnonsense\n")
        self.assertIn("p.conf:3:1", "".join(self.found(1, "-c", "p.conf")))

    def test_a_large_table(self):
        """As many names that nobody has as there are names: no search for each."""
        n = 30000
        self.tables(users="".join(f"user{i}:x\n" for i in range(n)),
                    tables_aliases="".join(f"alias{i}: usr{i}\n" for i in range(n)))
        before = time.monotonic()
        found = self.check()
        self.assertLess(time.monotonic() - before, 60)
        self.assertEqual(len(found), 1001)
        self.assertEqual(found[-1], f"{n - 1000} more errors")
        self.assertEqual(sum("did you mean" in line for line in found), 25)


if __name__ == "__main__":
    unittest.main()
