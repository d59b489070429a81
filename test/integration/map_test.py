"""Tables: `waybill map`, databases under a policy, and what the server does by them."""
import json
import os
import pwd
import smtplib
import sqlite3
import subprocess
import tempfile
import unittest

from server import BUILD, Server, wait_for
from sink import Sink

ACCESS = """# sendmail's
Connect:198.51.100.7\tREJECT
Connect:198.51.100\t450 4.7.1 try later
From:spam.example\tERROR:5.7.1:550 not from there
192.0.2\tRELAY
"""
VIRTUSERS = """info@shop.example\tann
gone@shop.example\terror:5.1.6:551 she has left
@shop.example\tbob@shop.example
"""


def waybill(*args, cwd=None):
    return subprocess.run([f"{BUILD}/waybill", *args], capture_output=True, text=True,
                          timeout=120, cwd=cwd, stdin=subprocess.DEVNULL)


class Folder(unittest.TestCase):
    def setUp(self):
        d = tempfile.TemporaryDirectory(prefix="waybill-test-")
        self.addCleanup(d.cleanup)
        self.dir = d.name

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def run_is(self, status, *args):
        p = waybill(*args, cwd=self.dir)
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        return p


class Command(Folder):
    def test_build_query_dump_check(self):
        self.file("access", ACCESS)
        out = self.run_is(0, "map", "build", "access", "--as", "access").stdout
        self.assertEqual(out, "access.gdbm: 4 entries\n")
        self.assertEqual(self.run_is(0, "map", "check", "access").stdout,
                         "access.gdbm: ok, a database\n")
        out = self.run_is(0, "map", "query", "access", "Connect:198.51.100.9").stdout
        self.assertEqual(out, "450 4.7.1 try later\t(access.gdbm:3, connect:198.51.100.0/24)\n")
        out = self.run_is(0, "map", "query", "access", "From:a@b.spam.example", "--json").stdout
        self.assertEqual(json.loads(out), {
            "key": "from:spam.example", "value": "ERROR:5.7.1:550 not from there",
            "file": "access.gdbm", "line": 4})
        self.run_is(1, "map", "query", "access", "Connect:203.0.113.1")
        rows = json.loads(self.run_is(0, "map", "dump", "access", "--json").stdout)
        self.assertEqual(sorted(r["line"] for r in rows), [2, 3, 4, 5])
        self.assertEqual(sorted(os.listdir(self.dir)), ["access", "access.gdbm"])

    def test_a_dump_is_a_table_again(self):
        self.file("v", VIRTUSERS)
        self.run_is(0, "map", "build", "v", "--as", "virtusers")
        self.file("again", self.run_is(0, "map", "dump", "v").stdout)
        self.run_is(0, "map", "build", "again", "--as", "virtusers")
        for table in ("v", "again"):
            out = self.run_is(0, "map", "query", table, "x@shop.example").stdout
            self.assertTrue(out.startswith("bob@shop.example\t"), out)

    def test_a_link_under_the_name_that_is_written_is_not_followed(self):
        """Who may write into the folder puts a link in the place of the file
        while it is built: owner and mode of what that names stay."""
        text = self.file("v", "".join(f"u{i}@shop.example ann\n" for i in range(60000)))
        os.chmod(text, 0o644)
        if os.geteuid() == 0:
            os.chown(text, 65534, 65534)
        for to in ("gdbm", "cdb", "lmdb"):
            with self.subTest(to):
                mine = self.file("secret", "x")
                os.chmod(mine, 0o600)
                before = os.stat(mine)
                p = subprocess.Popen([f"{BUILD}/waybill", "map", "build", "v", "--as",
                                      "virtusers", "--to", to], cwd=self.dir,
                                     stdout=subprocess.DEVNULL)
                beside = os.path.join(self.dir, f"v.{to}.{p.pid}.new")
                while not os.path.lexists(beside) and p.poll() is None:
                    pass
                self.assertIsNone(p.poll(), "it was written before it was seen")
                os.unlink(beside)
                os.symlink(mine, beside)
                p.wait(timeout=60)
                after = os.stat(mine)
                self.assertEqual((after.st_mode, after.st_uid, after.st_size),
                                 (before.st_mode, before.st_uid, 1))
                if os.path.lexists(f"{self.dir}/v.{to}"):
                    os.unlink(f"{self.dir}/v.{to}")

    @unittest.skipIf(os.geteuid() != 0, "a small disk is mounted by root")
    def test_a_full_disk_is_said_once_and_leaves_nothing(self):
        text = self.file("v", "".join(f"u{i}@shop.example ann\n" for i in range(3000)))
        disk = os.path.join(self.dir, "disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk],
                          check=False).returncode != 0:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        with open(f"{BUILD}/config.h", encoding="ascii") as f:
            with_db = "#define WITH_DB 1" in f.read()
        for to in ("gdbm", "cdb", "lmdb", "hash") if with_db else ("gdbm", "cdb", "lmdb"):
            p = self.run_is(2, "map", "build", text, "--as", "virtusers", "--to", to,
                            "-o", f"{disk}/v")
            self.assertEqual(p.stderr, f"waybill map: {disk}/v: No space left on device\n")
            self.assertEqual(os.listdir(disk), [])

    def test_what_is_included_and_no_file_is_not_waited_for(self):
        os.mkfifo(os.path.join(self.dir, "fifo"))
        for what in (f"{self.dir}/fifo", self.dir, "/dev/zero"):
            self.file("aliases", f"list: :include:{what}\nann: bob\n")
            p = self.run_is(1, "map", "check", "aliases", "--as", "aliases")
            self.assertIn("aliases:1:7: error: ", p.stdout + p.stderr)
            self.run_is(0, "map", "query", "aliases", "ann", "--as", "aliases")

    def test_mistakes_build_nothing_and_leave_the_old(self):
        self.file("v", VIRTUSERS)
        self.run_is(0, "map", "build", "v", "--as", "virtusers")
        with open(os.path.join(self.dir, "v.gdbm"), "rb") as f:
            before = f.read()
        self.file("v", VIRTUSERS + "nobody\tx@y.example\n")
        p = self.run_is(1, "map", "build", "v", "--as", "virtusers")
        self.assertIn("v:4:1: error: a key is user@domain", p.stderr)
        with open(os.path.join(self.dir, "v.gdbm"), "rb") as f:
            self.assertEqual(f.read(), before)

    def test_a_table_that_is_not_there(self):
        self.run_is(2, "map", "build", "nothing")
        self.run_is(2, "map", "query", "nothing", "x")
        self.run_is(2, "map", "paint", "nothing")

    def test_a_damaged_database_is_not_asked(self):
        self.file("access", ACCESS)
        self.run_is(0, "map", "build", "access", "--as", "access")
        path = os.path.join(self.dir, "access.gdbm")
        with open(path, "r+b") as f:
            f.truncate(os.path.getsize(path) // 2)
        p = self.run_is(2, "map", "query", "access", "Connect:203.0.113.1")
        self.assertIn("damaged", p.stderr)


POLICY = """edition 1
hostname "mx.shop.example"
set ours = { "shop.example" }
map users = text "users" as accounts
map virtusers = gdbm "virtusers" as virtusers
map routes = gdbm "mailertable" as routes
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
on rcpt {
    rcpt.domain not in ours and rcpt.domain not in routes => reject 550 5.7.1
    rcpt unknown => reject 550 5.1.1
    otherwise => accept
}
route {
    rcpt.domain in routes => routes[rcpt.domain]
    rcpt.domain in ours => expand virtusers, deliver boxes
    otherwise => reject 550 5.1.2
}
"""
CHECK = POLICY.replace("@PORT@", "2525").replace("@DIR@", "/var")


class Policy(Folder):
    def setUp(self):
        super().setUp()
        self.file("users", "ann:x\nbob:x\n")
        self.file("virtusers", VIRTUSERS)
        self.file("mailertable", ".far.example\tsmtp:[hub.far.example]:2525\n")
        self.policy = self.file("p.conf", CHECK)

    def build(self, name, kind):
        self.run_is(0, "map", "build", name, "--as", kind)

    def explain(self, rcpt):
        return self.run_is(0, "explain", self.policy, "--client", "203.0.113.9",
                           "--from", "x@y.example", "--rcpt", rcpt).stdout

    def test_text_and_database_say_the_same(self):
        def answers():
            texts = [self.explain(r) for r in ("info@shop.example", "who@shop.example",
                                               "gone@shop.example", "x@a.far.example")]
            return [t.replace(".gdbm", "") for t in texts]
        text = answers()
        self.build("virtusers", "virtusers")
        self.build("mailertable", "routes")
        self.assertEqual(answers(), text)
        self.assertIn("deliver", text[0])
        self.assertIn("551 5.1.6 she has left", text[2])
        self.assertIn("host:hub.far.example:2525", text[3])

    def test_the_line_of_the_table_is_told(self):
        self.build("virtusers", "virtusers")
        self.assertRegex(self.explain("who@shop.example"), r"virtusers\[who@shop.example\] = .*/virtusers.gdbm:3\)")

    def test_a_database_that_is_older_than_its_text(self):
        self.build("virtusers", "virtusers")
        os.utime(os.path.join(self.dir, "virtusers.gdbm"), (1, 1))
        p = self.run_is(0, "check", self.policy)
        self.assertIn("warning: 'virtusers' is newer than its database", p.stderr)
        self.assertIn("map build", p.stderr)

    def test_a_mistake_is_told_once_and_not_as_a_line_of_the_log(self):
        self.file("nets", "192.0.2.0/24 REJECT\n192.0.2.1 OK\n")
        self.file("p.conf", CHECK.replace("mailbox boxes", 'map nets = cidr "nets" as access\n'
                                          "on connect { client in nets => access[client] }\n"
                                          "mailbox boxes".replace("access[", "nets["), 1))
        for args in (("check", self.policy), ("test", self.policy),
                     ("explain", self.policy, "--client", "192.0.2.1"),
                     ("map", "query", "-c", self.policy, "nets", "192.0.2.1")):
            err = self.run_is(0, *args).stderr
            self.assertEqual(err.count("Postfix takes line 1"), 1, err)
            self.assertIn("nets:2:1: warning: ", err)
            self.assertNotIn("map=nets", err)
        self.assertNotIn("nets", self.run_is(0, "map", "query", "-c", self.policy, "users", "ann").stderr)

    def test_show_says_what_is_not_built(self):
        def lines():
            out = self.run_is(0, "show", self.policy).stdout
            return [line for line in out.splitlines() if " = gdbm " in line]
        self.assertEqual(["not built" in line for line in lines()], [True, True])
        self.build("virtusers", "virtusers")
        self.assertEqual(["not built" in line for line in lines()], [False, True])

    def test_show_says_what_a_map_is_and_no_secret(self):
        self.file("hub.secret", "hush\n")
        self.file("more.conf", """edition 1
hostname "mx.here.example"
postmaster "ann@here.example"
map names  = text "users" as accounts
map served = socket "unix:/run/maps" { map "names"; cache 5m, 30s }
map here   = { "a" = "x", "b" = "y" }
map both   = first of here, served
relay hub { host "hub.example"; auth "me" password file "hub.secret" }
mailbox boxes { accounts names; path "/var/mail/{user}" }
on rcpt { rcpt.domain != "here.example" => reject; rcpt unknown => reject; otherwise => accept }
route { rcpt.user in both => relay hub; otherwise => deliver boxes }
""")
        out = self.run_is(0, "show", "more.conf").stdout
        self.assertRegex(out, r'map names = text ".*/users" as accounts\t# line 4, 2 entries\n')
        self.assertIn('map served = socket "unix:/run/maps" as plain {\t# line 5, asked of a server\n', out)
        self.assertIn("\tcache 5m, 30s\t# line 5\n\ttimeout 5s\t# default\n\tconnections 4\t# default\n", out)
        self.assertIn("as plain\t# line 6, 2 entries\n", out)
        self.assertIn("map both = first of here, served as plain\t# line 7\n", out)
        self.assertNotIn("hush", out)
        doc = self.run_is(0, "show", "--json", "more.conf").stdout
        self.assertNotIn("hush", doc)
        maps = {m["name"]: m for m in json.loads(doc)["maps"]}
        self.assertEqual(maps["both"]["of"], ["here", "served"])
        self.assertEqual(maps["served"]["where"], "unix:/run/maps")
        self.assertEqual(maps["names"]["entries"], 2)

    def test_a_home_of_the_system(self):
        self.file("p.conf", CHECK.replace('text "users" as accounts', "passwd")
                  .replace('"/var/mail/{user}"', '"{users[account].home}/Maildir"'))
        home = pwd.getpwnam("root").pw_dir
        self.assertIn(f'deliver boxes "root" into {home}/Maildir', self.explain("root@shop.example"))

    def test_a_damaged_database_is_an_error(self):
        self.file("virtusers.gdbm", "this is no database")
        p = self.run_is(1, "check", self.policy)
        self.assertIn("virtusers.gdbm", p.stderr)

    def test_a_database_that_is_none_is_an_error(self):
        self.file("p.conf", CHECK.replace(
            'gdbm "mailertable" as routes',
            'sqlite "routes.db" as routes { query "select way from routes where name = {key}" }'))
        p = self.run_is(1, "check", self.policy)
        self.assertRegex(p.stderr, r"p\.conf:6:\d+: error: .*routes\.db.*No such file")
        self.file("routes.db", "this is no database\n")
        p = self.run_is(1, "check", self.policy)
        self.assertRegex(p.stderr, r"p\.conf:6:\d+: error: .*routes\.db.*no database of SQLite")
        os.unlink(os.path.join(self.dir, "routes.db"))
        db = sqlite3.connect(os.path.join(self.dir, "routes.db"))
        db.execute("create table routes (name text, way text)")
        db.close()
        self.run_is(0, "compile", "--for-run", self.policy, "-o", os.path.join(self.dir, "image"))


class InTheServer(unittest.TestCase):
    def server(self, hop=25):
        s = Server(POLICY, {"users": "ann:x\nbob:x\n", "virtusers": VIRTUSERS,
                            "mailertable": f"far.example\tsmtp:[127.0.0.1]:{hop}\n"}, start=False)
        self.build(s)
        s.start()
        return s

    def build(self, s):
        s.run("map", "build", f"{s.dir}/virtusers", "--as", "virtusers")
        s.run("map", "build", f"{s.dir}/mailertable", "--as", "routes")

    def test_virtusers(self):
        with self.server() as s:
            with s.smtp() as c:
                c.sendmail("x@y.test", ["info@shop.example"], b"Subject: info\r\n\r\n1\r\n")
                c.sendmail("x@y.test", ["who@shop.example"], b"Subject: all\r\n\r\n2\r\n")
                c.sendmail("x@y.test", ["ann@shop.example"], b"Subject: ann\r\n\r\n3\r\n")
                with self.assertRaises(smtplib.SMTPRecipientsRefused) as e:
                    c.sendmail("x@y.test", ["gone@shop.example"], b"\r\n4\r\n")
                self.assertEqual(e.exception.recipients["gone@shop.example"],
                                 (551, b"5.1.6 she has left"))
            mails = b"".join(m if isinstance(m, bytes) else m.encode()
                             for m in s.wait_mail("ann", 2))
            self.assertIn(b"Subject: info", mails)
            self.assertIn(b"Subject: ann", mails)  # not the catch-all's
            s.wait_mail("bob", 1)

    def test_a_database_that_is_built_again_serves_at_once(self):
        with self.server() as s:
            s.write("virtusers", "info@shop.example\tbob\n")
            self.build(s)
            s.waybill("reload")

            def refused():
                with s.smtp() as c:
                    c.ehlo()
                    c.mail("x@y.test")
                    return c.rcpt("who@shop.example")[0] == 550
            wait_for(refused)
            with s.smtp() as c:
                c.sendmail("x@y.test", ["info@shop.example"], b"Subject: new\r\n\r\n1\r\n")
            s.wait_mail("bob", 1)

    def test_a_mailertable_names_the_hop(self):
        with Sink() as hop, self.server(hop.port) as s:
            with s.smtp() as c:
                c.sendmail("x@y.test", ["who@far.example"], b"Subject: far\r\n\r\n1\r\n")
            wait_for(lambda: hop.messages)
            self.assertEqual(hop.messages[0]["to"], ["who@far.example"])

    def test_two_workers_ask_one_database(self):
        policy_args = ("--workers", "2")
        s = self.server()
        s.stop()
        s.args = list(policy_args)
        s.start()
        with s:
            for _ in range(20):
                with s.smtp() as c:
                    c.ehlo()
                    c.mail("x@y.test")
                    self.assertEqual(c.rcpt("who@shop.example")[0], 250)
                    self.assertEqual(c.rcpt("gone@shop.example")[0], 551)


ACCESS_POLICY = """edition 1
hostname "mx.shop.example"
set ours = { "shop.example" }
map users = text "users" as accounts
map access = gdbm "access" as access
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
relay hub { host "127.0.0.1" port @PORT2@ }
on connect {
    client in access => access[client]
}
on mail {
    sender in access => access[sender]
}
on rcpt {
    rcpt in access => access[rcpt]
    rcpt.domain not in ours => reject 550 5.7.1
    rcpt unknown => reject 550 5.1.1
    otherwise => accept
}
route {
    rcpt.domain in ours => deliver boxes
    otherwise => relay hub
}
"""
LINES = """From:spam.example\tERROR:5.7.1:550 not from there
From:friend.example\tRELAY
From:later.example\t450 4.7.1 try later
To:club.example\tRELAY
To:bob@shop.example\t550 5.2.1 bob is away
From:odd.example\tQUARANTINE:odd
"""


class Access(unittest.TestCase):
    def server(self, lines, built):
        s = Server(ACCESS_POLICY, {"users": "ann:x\nbob:x\n", "access": lines}, start=False)
        if built:
            s.run("map", "build", f"{s.dir}/access", "--as", "access")
        s.start()
        return s

    def refused_at_connect(self, built):
        with self.server("Connect:127.0.0\t554 5.7.1 not you\n", built) as s:
            with s.raw() as c:
                self.assertEqual(c.recv(512), b"554 5.7.1 not you\r\n")

    def test_a_client_is_refused_by_prefix(self):
        self.refused_at_connect(False)

    def test_a_client_is_refused_by_prefix_in_a_database(self):
        self.refused_at_connect(True)

    def test_senders_and_recipients(self):
        with self.server(LINES, True) as s, s.smtp() as c:
            c.ehlo()

            def mail(a):
                c.rset()
                return c.mail(a)[0]
            self.assertEqual(c.mail("x@sub.spam.example"), (550, b"5.7.1 not from there"))
            self.assertEqual(mail("x@later.example"), 450)
            # Taken, and kept for the administrator: it does not get through.
            c.rset()
            c.sendmail("x@odd.example", ["ann@shop.example"], "Subject: odd\r\n\r\nx\r\n")
            kept = wait_for(s.queue)
            self.assertEqual([(m["state"], m["reason"]) for m in kept], [("quarantined", "odd")])
            self.assertEqual(s.maildir("ann"), [])
            # A sender can be forged: From: never relays.
            self.assertEqual(mail("x@friend.example"), 250)
            self.assertEqual(c.rcpt("y@elsewhere.example")[0], 550)
            self.assertEqual(c.rcpt("y@club.example")[0], 250)
            self.assertEqual(c.rcpt("ann@shop.example")[0], 250)
            self.assertEqual(c.rcpt("bob@shop.example"), (550, b"5.2.1 bob is away"))


if __name__ == "__main__":
    unittest.main()
