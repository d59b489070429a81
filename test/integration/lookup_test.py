"""Tables that a server has: accounts, aliases and access by a socketmap."""
import contextlib
import json
import os
import re
import signal
import sqlite3
import time
import unittest

from server import SANITIZED, Server, wait_for
from socketmap import Socketmap
from smtp_server_test import reply

OWNER = 'owner "waybill-mail"' if os.geteuid() == 0 else ""
POLICY = """edition 1
hostname "mail.here.example"
set ours = { "here.example" }
map users   = socket "@SOCKET@" as accounts { map "users"; timeout 2s }
map aliases = socket "@SOCKET@" as aliases { map "aliases"; timeout 2s }
map access  = socket "@SOCKET@" as access { map "access"; timeout 2s }
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "mail/{user}"; @OWNER@ }
on mail { sender in access => access[sender] }
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
    rcpt unknown => reject 550 5.1.1
    otherwise => accept
}
route {
    rcpt.domain in ours => expand aliases, deliver boxes
    otherwise => reject
}
""".replace("@OWNER@", OWNER)
TABLES = {
    "users": {"ann": "x", "bob": "x", "postmaster": "x"},
    "aliases": {"both": "ann, bob", "bob@here.example": "bob"},
    "access": {"from:spam.example": "550 5.7.1 not from there"},
}


def start(sm, policy=POLICY, **kw):
    return Server(policy.replace("@SOCKET@", sm.where), **kw)


def rcpt(s, address, sender="who@far.example"):
    with s.smtp() as c:
        c.ehlo("far.example")
        code, text = c.mail(sender)
        if code == 250:
            code, text = c.rcpt(address)
        return code, text.decode()


def counters(s, table):
    doc = json.loads(s.waybill("status", "--json").stdout)
    p = next(p for p in doc["processes"] if p["name"] == "lookup")
    return p["counters"]["tables"][table]


class Lookup(unittest.TestCase):
    def test_mail_by_tables_of_a_server(self):
        with Socketmap(TABLES) as sm, start(sm) as s:
            with s.smtp() as c:
                c.sendmail("who@far.example", ["both@here.example"],
                           "Subject: a\r\n\r\ntext\r\n")
            self.assertEqual(len(s.wait_mail("ann")), 1)
            self.assertEqual(len(s.wait_mail("bob")), 1)
            self.assertEqual(rcpt(s, "nobody@here.example")[0], 550)
            self.assertEqual(rcpt(s, "ann@here.example", "x@a.spam.example"),
                             (550, "5.7.1 not from there"))
            self.assertEqual(rcpt(s, "postmaster")[0], 250)
            # In small letters, the exact before the general.
            self.assertEqual(rcpt(s, "Ann+x@here.example")[0], 250)
            self.assertIn("aliases ann+x@here.example", sm.asked)
            self.assertIn("users ann", sm.asked)
            users = counters(s, "users")
            self.assertEqual(users["state"], "up")
            self.assertGreater(users["found"], 0)
            self.assertGreater(users["none"], 0)
            self.assertEqual(users["failed"], 0)
            self.assertRegex(s.waybill("status").stdout, r"(?m)^users +socket +up ")

    def test_server_that_is_away_defers_and_comes_back(self):
        with Socketmap(TABLES) as sm, start(sm) as s:
            self.assertEqual(rcpt(s, "ann@here.example")[0], 250)
            sm.stop()
            for _ in range(20):
                code, text = rcpt(s, "ann@here.example")
                self.assertEqual((code, text[:5]), (451, "4.3.0"))
            down = wait_for(lambda: re.findall(r".*lookup.*state=down.*", s.log()))
            # One line for each table that was asked, whoever asked.
            self.assertLessEqual(len(down), 3, down)
            self.assertIn("map=access", "".join(down))
            access = counters(s, "access")
            self.assertEqual(access["state"], "down")
            self.assertRegex(access["why"], "refused")
            # Workers count it, and leave the log to lookup.
            self.assertNotRegex(s.log(), r"table map=\w+ .*cannot_say=")
            self.assertGreater(counters(s, "access")["failed"], 0)
            sm.start()
            wait_for(lambda: counters(s, "access")["state"] == "up")
            wait_for(lambda: rcpt(s, "ann@here.example")[0] == 250)
            self.assertRegex(s.log(), r"map=access driver=socket state=up")

    def test_others_go_on_while_one_waits(self):
        with Socketmap(TABLES) as sm, start(sm, args=("--workers", "1")) as s:
            sm.slow_keys["from:slow@far.example"] = 1.5
            with s.raw() as one, s.raw() as two:
                slow, other = one.makefile("rb"), two.makefile("rb")
                for c, replies in ((one, slow), (two, other)):
                    self.assertTrue(replies.readline().startswith(b"220"))
                    c.sendall(b"HELO far.example\r\n")
                    self.assertTrue(replies.readline().startswith(b"250"))
                began = time.monotonic()
                one.sendall(b"MAIL FROM:<slow@far.example>\r\n"
                            b"RCPT TO:<ann@here.example>\r\nNOOP\r\n")
                for _ in range(5):
                    two.sendall(b"MAIL FROM:<q@far.example>\r\n"
                                b"RCPT TO:<bob@here.example>\r\nRSET\r\n")
                    for _ in range(3):
                        self.assertTrue(other.readline().startswith(b"250"))
                quick = time.monotonic() - began
                for _ in range(3):
                    self.assertTrue(slow.readline().startswith(b"250"))
                self.assertGreater(time.monotonic() - began, 1.4)
                self.assertLess(quick, 1.4)

    def test_answers_that_are_none(self):
        with Socketmap(TABLES) as sm, start(sm) as s:
            for octets in (b"nonsense", b"7:OK none", b"99999999999:OK x,", b"5:MAYBE,",
                           b"0:,", b"10:TEMP later,", b"11:OK RELY all,"):
                sm.answer = octets
                code, text = rcpt(s, "ann@here.example")
                self.assertEqual((code, text[:5]), (451, "4.3.0"), octets)
                sm.answer = None
                wait_for(lambda: rcpt(s, "ann@here.example")[0] == 250)
            self.assertEqual(len(s.processes()["lookup"]), 1)

    def test_long_answers(self):
        tables = dict(TABLES)
        tables["aliases"] = {"big": "ann, bob (" + "x" * 1000000 + ")",
                             "bigger": "ann, bob (" + "x" * 1100000 + ")"}
        with Socketmap(tables) as sm, start(sm) as s:
            self.assertEqual(rcpt(s, "bigger@here.example")[0], 451)
            with s.smtp() as c:
                c.sendmail("who@far.example", ["big@here.example"],
                           "Subject: a\r\n\r\ntext\r\n")
            self.assertEqual(len(s.wait_mail("ann")), 1)
            self.assertEqual(len(s.wait_mail("bob")), 1)

    def test_lookup_that_dies_is_followed_by_another(self):
        with Socketmap(TABLES) as sm, start(sm) as s:
            sm.slow = 0.7
            with s.raw() as c:
                self.assertTrue(reply(c).startswith("220"))
                c.sendall(b"EHLO far.example\r\n")
                self.assertTrue(reply(c).startswith("250"))
                n = len(sm.asked)
                c.sendall(b"MAIL FROM:<x@far.example>\r\n")
                wait_for(lambda: len(sm.asked) > n)
                os.kill(s.processes()["lookup"][0], signal.SIGKILL)
                sm.slow = 0
                self.assertTrue(reply(c).startswith("250"))


class Query(unittest.TestCase):
    """`waybill map query -c POLICY NAME KEY` asks the server."""

    def query(self, s, name, key, status=0, *args):
        r = s.waybill("map", "query", name, key, *args, check=False)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r.stderr if status == 2 else r.stdout

    def test_servers_are_asked(self):
        policy = POLICY.replace("map access", """map near = text "near" as aliases
map both = first of near, aliases
map all = union of near, aliases
map access""", 1)
        with Socketmap(TABLES) as sm, start(sm, policy, start=False,
                                            tables={"near": "both: ann\n"}) as s:
            self.assertEqual(self.query(s, "aliases", "both@here.example"),
                             "ann, bob\t(map aliases, both)\n")
            self.assertEqual(self.query(s, "aliases", "none@here.example", 1), "")
            self.assertEqual(self.query(s, "both", "both@here.example"),
                             f"ann\t(map near, {s.dir}/near:1, both)\n")
            self.assertEqual(self.query(s, "both", "bob@here.example"),
                             "bob\t(map aliases, bob@here.example)\n")
            self.assertEqual(self.query(s, "all", "both@here.example"),
                             f"ann\t(map near, {s.dir}/near:1, both)\nann, bob\t(map aliases, both)\n")
            by = json.loads(self.query(s, "both", "both@here.example", 0, "--json"))["by"]
            self.assertEqual(by, [{"map": "near", "file": f"{s.dir}/near", "line": 1,
                                   "key": "both", "value": "ann"}])
            self.assertEqual(json.loads(self.query(s, "users", "Ann", 0, "--json"))["key"], "ann")
            self.assertIn("550 5.7.1", self.query(s, "access", "From:x@spam.example"))
            sm.answer = b"10:TEMP later,"
            self.assertRegex(self.query(s, "users", "ann", 2), "later")
            sm.answer = b"11:OK RELY all,"
            self.assertRegex(self.query(s, "access", "From:x@q.example", 2),
                             "^waybill map: 'From:x@q.example' cannot be asked: no such verdict")
            sm.stop()
            self.assertRegex(self.query(s, "users", "ann", 2), "refused")
            self.assertRegex(self.query(s, "both", "eve@here.example", 2),
                             "    by aliases\tcannot say: .*refused\t\\(map aliases\\)\n")


    def test_check_asks_servers_when_it_is_told_to(self):
        with Socketmap(TABLES) as sm, start(sm, start=False) as s:
            args = ("map", "check", "-c", s.policy)
            n = len(sm.asked)
            s.waybill(*args)
            self.assertEqual(len(sm.asked), n)
            r = s.waybill(*args, "--ask")
            self.assertIn("users: a server's, and it answers\n", r.stdout)
            self.assertIn("access: a server's, and it answers\n", r.stdout)
            self.assertIn("users waybill-map-check@waybill-map-check.invalid", sm.asked)
            sm.answer = b"10:TEMP later,"
            r = s.waybill(*args, "--ask", "users", check=False)
            self.assertEqual(r.returncode, 1, r.stdout)
            self.assertRegex(r.stderr, r":\d+:1: error: map 'users' \(socket\) cannot be asked: .*later")
            self.assertNotIn("aliases", r.stderr)
            sm.answer = None
            sm.stop()
            r = s.waybill(*args, "--ask", "--json", check=False)
            self.assertEqual(r.returncode, 1, r.stdout)
            self.assertEqual(r.stderr, "")
            doc = json.loads(r.stdout)
            self.assertEqual(doc["errors"], 3)
            self.assertRegex(doc["findings"][0]["text"], "cannot be asked: .*refused")
            self.assertEqual([t["answers"] for t in doc["tables"] if t["name"] == "users"], [False])
            self.assertEqual(s.waybill("map", "check", "--ask", "x", check=False).returncode, 2)

    def test_explain_asks_when_it_is_told_to(self):
        with Socketmap(TABLES) as sm, start(sm, start=False) as s:
            args = ("explain", s.policy, "--client", "192.0.2.1", "--from", "who@far.example",
                    "--rcpt", "both@here.example")
            said = s.run(*args, "--ask").stdout
            self.assertIn('deliver boxes "bob"', said)
            self.assertIn('aliases[both@here.example] = "ann, bob"\n'
                          '           by aliases["both"] = "ann, bob"\n', said)
            n = len(sm.asked)
            self.assertIn("451 4.3.0", s.run(*args).stdout)
            self.assertEqual(len(sm.asked), n)


class Reload(unittest.TestCase):
    FILES = POLICY.replace('socket "@SOCKET@" as accounts { map "users"; timeout 2s }',
                           'text "users" as accounts')
    NONE = re.sub(r"map (aliases|access)  ?= .*", r'map \1 = text "\1" as \1', FILES)

    def test_process_comes_with_the_first_table(self):
        files = {"users": "ann:x\n", "aliases": "both: ann\n", "access": "From:q REJECT\n"}
        with Socketmap(TABLES) as sm, Server(self.NONE, files) as s:
            self.assertNotIn("lookup", s.processes())
            self.assertEqual(rcpt(s, "ann@here.example")[0], 250)
            s.set_policy(self.FILES.replace("@SOCKET@", sm.where))
            s.waybill("reload")
            self.assertEqual(rcpt(s, "ann@here.example", "x@spam.example")[0], 550)
            self.assertEqual(len(s.processes()["lookup"]), 1)

    def test_session_goes_on_with_the_tables_it_began_with(self):
        with Socketmap(TABLES) as sm, start(sm) as s:
            with s.smtp() as c:
                c.ehlo("far.example")
                s.set_policy(POLICY.replace("@SOCKET@", sm.where).replace(
                    'map "access"', 'map "others"'))
                s.waybill("reload")
                self.assertEqual(c.mail("x@spam.example")[0], 550)
            self.assertEqual(rcpt(s, "ann@here.example", "x@spam.example")[0], 250)
            self.assertIn("others from:spam.example", sm.asked)


class Confined(unittest.TestCase):
    """waybill-lookup reads the folders of its files, and no others."""
    POLICY = re.sub(r"map (\w+) +=.*\n", "", POLICY).replace("listen ", """
map users = sqlite "DB" as accounts { query "select name from people where name = {key}" }
map aliases = { "both" = "ann" } as aliases
map access = { "spam.example" = "REJECT" } as access
listen """)

    def database(self, s, path, *names):
        path = os.path.join(s.dir, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.chmod(os.path.dirname(path), 0o755)
        with contextlib.closing(sqlite3.connect(path + ".new")) as db:
            db.execute("create table people (name text)")
            db.executemany("insert into people values (?)", [(n,) for n in names])
            db.commit()
        os.chmod(path + ".new", 0o644)
        os.rename(path + ".new", path)

    def test_server_starts_without_its_database_or_with_none(self):
        s = Server(self.POLICY.replace('"DB"', '"@DIR@/a/db"'), start=False)
        with s:
            path = s.write("a/db", "no database, but a text\n" * 10)
            self.assertIn("error: ", s.run("check", s.policy, check=False).stderr)
            s.start()
            self.assertEqual(rcpt(s, "ann@here.example")[0], 451)
            self.assertEqual(s.queue(), [])
            s.stop()
            os.unlink(path)
            s.start()
            self.assertIn("what asks for it waits (451)", s.output())
            self.assertEqual(rcpt(s, "ann@here.example")[0], 451)
            self.assertEqual(s.queue(), [])
            self.database(s, "a/db", "ann")
            wait_for(lambda: rcpt(s, "ann@here.example")[0] == 250)

    def test_database_is_replaced_and_moves(self):
        files = {"users": "ann:x\n", "aliases": "both: ann\n", "access": "From:q REJECT\n"}
        with Server(Reload.NONE, files, start=False) as s:
            self.database(s, "one/people.db", "ann")
            s.set_policy(self.POLICY.replace("DB", "one/people.db"))
            s.start()
            self.assertEqual(rcpt(s, "ann@here.example")[0], 250)
            self.assertEqual(rcpt(s, "bob@here.example")[0], 550)
            self.database(s, "one/people.db", "ann", "bob")
            wait_for(lambda: rcpt(s, "bob@here.example")[0] == 250)
            before = s.processes()["lookup"]
            self.database(s, "two/people.db", "eve")
            s.set_policy(self.POLICY.replace("DB", "two/people.db"))
            s.waybill("reload")
            wait_for(lambda: rcpt(s, "eve@here.example")[0] == 250)
            if not SANITIZED and "no Landlock" not in s.log():
                self.assertNotEqual(s.processes()["lookup"], before)
                self.assertRegex(s.log(), "lookup.*event=restart")


class Composition(unittest.TestCase):
    def test_file_before_server(self):
        policy = POLICY.replace("map aliases = socket", "map far = socket").replace(
            "map access", 'map near = text "near" as aliases\n'
            "map aliases = first of near, far\nmap access")
        with Socketmap(TABLES) as sm, start(sm, policy,
                                            tables={"near": "both@here.example: ann\n"}) as s:
            n = len(sm.asked)
            self.assertEqual(rcpt(s, "both@here.example")[0], 250)
            self.assertFalse([q for q in sm.asked[n:] if q.startswith("aliases both")])
            sm.answer = b"4:TEMP,"
            self.assertEqual(rcpt(s, "bob@here.example")[0], 451)


if __name__ == "__main__":
    unittest.main(verbosity=2)
