"""Databases of other programs, and the commands that people know from sendmail."""
import os
import shutil
import smtplib
import subprocess
import unittest

from map_test import Folder
from server import BUILD, Server, wait_for

ENTRIES = [(f"key{i}.example", f"value of {i} " + "x" * (i % 300)) for i in range(2000)]
ENTRIES.append(("large.example", "y" * 20000))


def classic(name, *args, cwd, stdin=""):
    return subprocess.run([name, *args], executable=f"{BUILD}/waybill", capture_output=True,
                          text=True, timeout=120, cwd=cwd, input=stdin)


def pairs(prefix=""):
    return "".join(f"{prefix}{k}\n{prefix}{v}\n" for k, v in ENTRIES)


def writes_hash(test):
    """libdb is optional."""
    if "hash\n" not in classic("makemap", "-l", cwd="/").stdout:
        test.skipTest("built without libdb: this test did not run")


def tool(*args, cwd, stdin):
    """Runs one of the programs that make such files; a test without it is skipped, and says so."""
    if shutil.which(args[0]) is None:
        raise unittest.SkipTest(f"{args[0]} is not installed: this test did not run")
    subprocess.run(args, cwd=cwd, input=stdin, text=True, check=True, timeout=120,
                   capture_output=True)


class OfOthers(Folder):
    """What the real tools make is read, and not one octet of damage crashes the reader."""

    def make(self, name):
        if name == "t.cdb":
            tool("cdb", "-c", "-m", "t.cdb", cwd=self.dir,
                 stdin="".join(f"{k} {v}\n" for k, v in ENTRIES))
        elif name == "t.lmdb":
            tool("mdb_load", "-n", "t.lmdb", cwd=self.dir, stdin="VERSION=3\nformat=print\n"
                 f"type=btree\nmapsize=104857600\nHEADER=END\n{pairs(' ')}DATA=END\n")
        elif name == "t.gdbm":
            tool("gdbmtool", "-n", "t.gdbm", cwd=self.dir,
                 stdin="".join(f"store {k} \"{v}\"\n" for k, v in ENTRIES[:-1]))
        else:
            tool("db5.3_load", "-T", "-t", name.split(".")[1], "t.db", cwd=self.dir,
                 stdin=pairs())
            name = "t.db"
        return os.path.join(self.dir, name)

    def entries(self, name):
        path = self.make(name)
        # gdbmtool takes no long words, and leaves room at the end of the file.
        wanted = ENTRIES[:-1] if name == "t.gdbm" else ENTRIES
        self.run_is(0, "map", "check", path)
        out = self.run_is(0, "map", "dump", path).stdout
        self.assertEqual(sorted(out.splitlines()), sorted(f"{k}\t{v}" for k, v in wanted))
        with open(path, "rb") as f:
            whole = f.read()
        out = self.run_is(0, "map", "query", path, "KEY7.example").stdout
        self.assertTrue(out.startswith("value of 7 xxxxxxx\t"), out)
        shorter = {len(whole) * i // 9 for i in range(9)} | {4, 100}
        for n in sorted(shorter | ({len(whole) - 1} if name != "t.gdbm" else set())):
            with open(path, "wb") as f:
                f.write(whole[:n])
            p = self.run_is(2, "map", "query", path, "no.such.key")
            self.assertIn("database", p.stderr)
        for i in range(0, len(whole), len(whole) // 40):
            with open(path, "wb") as f:
                f.write(whole[:i] + bytes([whole[i] ^ 0xa5]) + whole[i + 1:])
            p = subprocess.run([f"{BUILD}/waybill", "map", "dump", path], capture_output=True,
                               timeout=60)
            self.assertIn(p.returncode, (0, 1, 2), p.stderr[-2000:])

    def test_cdb_of_tinycdb(self):
        self.entries("t.cdb")

    def test_lmdb_of_mdb_load(self):
        self.entries("t.lmdb")

    def test_hash_of_libdb(self):
        self.entries("t.hash")

    def test_btree_of_libdb(self):
        self.entries("t.btree")

    def test_gdbm_of_gdbmtool(self):
        self.entries("t.gdbm")

    def postfix(self):
        if shutil.which("postmap", path="/usr/sbin:/usr/bin") is None:
            self.skipTest("postmap is not installed: this test did not run")
        self.file("main.cf", "compatibility_level = 3.6\n")
        for name in ("dynamicmaps.cf", "dynamicmaps.cf.d"):
            if os.path.exists(f"/etc/postfix/{name}"):
                os.symlink(f"/etc/postfix/{name}", os.path.join(self.dir, name))

    def postmap(self, *args, check=True):
        return subprocess.run(["/usr/sbin/postmap", "-c", self.dir, *args], cwd=self.dir,
                              capture_output=True, text=True, timeout=60, check=check)

    def test_tables_of_postmap(self):
        self.postfix()
        self.file("virtual", "Info@shop.example ann\n@shop.example bob@x.example\n")
        for kind in ("hash", "btree"):
            self.postmap(f"{kind}:virtual")
            out = self.run_is(0, "map", "query", "virtual", "info@shop.example",
                              "--as", "virtusers").stdout
            self.assertTrue(out.startswith("ann\t(virtual.db, "), out)

    def test_postfix_reads_what_is_made_for_it(self):
        self.postfix()
        writes_hash(self)
        self.file("virtual", "info@shop.example ann\n@shop.example bob@x.example\n")
        for kind in ("hash", "btree"):
            p = classic("makemap", kind, "m", cwd=self.dir, stdin="Key value\nother\tone two\n")
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertEqual(self.postmap("-q", "other", f"{kind}:m").stdout, "one two\n")
            self.run_is(0, "map", "build", "virtual", "--as", "virtusers", "--to", kind)
            q = self.postmap("-q", "@shop.example", f"{kind}:virtual")
            self.assertEqual(q.stdout, "bob@x.example\n")

    def test_other_tools_read_what_is_made(self):
        lines = "".join(f"{k}\t{v}\n" for k, v in ENTRIES)
        for kind in ("cdb", "lmdb"):
            p = classic("makemap", kind, "m", cwd=self.dir, stdin=lines)
            self.assertEqual(p.returncode, 0, p.stderr)
        if shutil.which("cdb") is None or shutil.which("mdb_dump") is None:
            self.skipTest("cdb or mdb_dump is not installed: this test did not run")
        p = subprocess.run(["cdb", "-q", "m.cdb", "key9.example"], cwd=self.dir,
                           capture_output=True, text=True, check=True)
        self.assertEqual(p.stdout.strip(), dict(ENTRIES)["key9.example"].strip())
        p = subprocess.run(["mdb_dump", "-n", "-p", "m.lmdb"], cwd=self.dir,
                           capture_output=True, text=True, check=True)
        body = p.stdout.split("HEADER=END\n")[1].splitlines()[:-1]
        got = dict(zip([s[1:] for s in body[::2]], [s[1:] for s in body[1::2]]))
        self.assertEqual(got, {k: v.strip() for k, v in ENTRIES})


class Makemap(Folder):
    def makemap(self, status, *args, stdin=""):
        p = classic("makemap", *args, cwd=self.dir, stdin=stdin)
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        return p

    def dump(self, *args):
        return self.makemap(0, "-u", *args).stdout

    def test_what_goes_in_comes_out(self):
        text = "# x\n\nFrom:Spam.Example\tREJECT a  b \n192.0.2 OK\r\n"
        for kind in ("gdbm", "cdb", "lmdb"):
            self.makemap(0, kind, "access", stdin=text)
            self.assertEqual(sorted(self.dump(kind, "access").splitlines()),
                             ["192.0.2\tOK", "from:spam.example\tREJECT a  b"])
            out = self.run_is(0, "map", "query", f"access.{kind}", "Connect:192.0.2.9",
                              "--as", "access").stdout
            self.assertTrue(out.startswith("OK\t"), out)

    def test_options(self):
        self.makemap(0, "-f", "-N", "cdb", "m", stdin="Key a\n")
        self.assertEqual(self.dump("cdb", "m"), "Key\ta\n")
        with open(os.path.join(self.dir, "m.cdb"), "rb") as f:
            self.assertIn(b"Key\0a\0", f.read())
        self.makemap(0, "-t", ":", "-D", ";", "cdb", "m", stdin=";no\n#a b:c d\n")
        self.assertEqual(self.dump("cdb", "m"), "#a b\tc d\n")
        self.makemap(0, "-e", "cdb", "m", stdin="a\n")
        self.assertEqual(self.dump("cdb", "m"), "a\t\n")
        self.makemap(0, "-o", "cdb", "m.cdb", stdin="b 2\n")
        self.assertEqual(self.dump("cdb", "m"), "a\t\nb\t2\n")
        self.makemap(0, "-r", "cdb", "m", stdin="a 1\na 2\n")
        self.assertEqual(self.dump("cdb", "m"), "a\t2\n")
        p = self.makemap(0, "-v", "-s", "cdb", "m", stdin="a 1\n")
        self.assertIn("key=`a', val=`1'", p.stdout)
        self.assertIn("-s", p.stderr)
        self.assertIn("lmdb\n", self.makemap(0, "-l").stdout)

    def test_mistakes_leave_the_old(self):
        self.makemap(0, "gdbm", "m", stdin="a 1\n")
        for text, what in (("a 1\na 2\n", "line 2: this key"), ("a\n", "line 1: no value"),
                           (" a b\n", "line 1: an entry begins"),
                           ("a b\n\nc\0d e\n", "line 3: an octet 0")):
            p = self.makemap(65, "gdbm", "m", stdin=text)
            self.assertIn(what, p.stderr)
            self.assertEqual(self.dump("gdbm", "m"), "a\t1\n")
        self.assertEqual(os.listdir(self.dir), ["m.gdbm"])
        self.makemap(65, "text", "m", stdin="a\n")
        self.makemap(0, "text", "m", stdin="a b\n")

    def test_what_cannot_be(self):
        self.makemap(64)
        self.makemap(64, "-Q", "gdbm", "m")
        self.makemap(64, "-d", "btree", "m")
        self.makemap(69, "nis", "m")
        p = self.makemap(69, "dbm", "m")
        self.assertIn("makemap gdbm", p.stderr)
        self.makemap(66, "-u", "gdbm", "nothing")
        self.makemap(73, "cdb", "no/such/folder", stdin="a b\n")
        self.file("not.cdb", "a text")
        self.makemap(65, "-u", "cdb", "not")

    def test_mode_of_the_old_stays(self):
        self.makemap(0, "lmdb", "m", stdin="a b\n")
        path = os.path.join(self.dir, "m.lmdb")
        os.chmod(path, 0o600)
        self.makemap(0, "lmdb", "m", stdin="a c\n")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

    def test_a_database_with_lines_is_shown_and_not_added_to(self):
        self.file("v", "a@x.example b\n")
        self.run_is(0, "map", "build", "v", "--as", "virtusers")
        self.assertEqual(self.dump("gdbm", "v"), "a@x.example\tb\n")
        p = self.makemap(65, "-o", "gdbm", "v", stdin="c d\n")
        self.assertIn("waybill map build", p.stderr)


POLICY = """edition 1
hostname "mx.shop.example"
set ours = { "shop.example" }
map users = text "users" as accounts
map al = gdbm "aliases" as aliases
map more = text "more" as aliases
map virt = hash "virtual" as virtusers
map acc = cdb "access" as access
map dom = lmdb "domains" as domains
map nets = cidr "networks" as access
map pats = regex "patterns" as virtusers
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
on connect {
    client in nets => nets[client]
    client in acc => acc[client]
}
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
    rcpt unknown => reject 550 5.1.1
    otherwise => accept
}
route {
    rcpt.domain in ours => expand pats, expand virt, expand al, expand more, deliver boxes
    otherwise => reject 550 5.1.2
}
"""


TABLES = {
    "users": "ann:{PLAIN}x\nbob:{PLAIN}x\n",
    "aliases": "root: ann\nteam: ann, bob\n",
    "more": "staff: bob\n",
    "virtual": "info@shop.example ann\n",
    "access": "Connect:198.51.100 REJECT\n",
    "domains": "old.example shop.example\n",
    "networks": "192.0.2.0/24 550 no\n",
    "patterns": "/^(.*)-x@(.*)$/ $1@$2\n",
}


class Policy(Folder):
    def setUp(self):
        super().setUp()
        writes_hash(self)
        for name, text in TABLES.items():
            self.file(name, text)
        self.policy = self.file("waybill.conf", POLICY.replace("@PORT@", "2525")
                                .replace("@DIR@", "/var"))

    def test_build_what_is_newer(self):
        out = self.run_is(0, "map", "build", "-c", "waybill.conf").stdout
        for name in ("aliases.gdbm: 2", "access.cdb: 1", "domains.lmdb: 1"):
            self.assertIn(f"{name} entries", out)
        self.assertEqual(self.run_is(0, "map", "build", "-c", "waybill.conf").stdout, "")
        os.utime(os.path.join(self.dir, "access"))
        os.utime(os.path.join(self.dir, "aliases"), (1, 1))
        self.assertIn("newer than its", self.run_is(0, "check", "waybill.conf").stderr)
        out = self.run_is(0, "map", "build", "-c", "waybill.conf").stdout
        self.assertTrue(out.endswith("access.cdb: 1 entries\n") and "\n" not in out[:-1], out)
        self.run_is(0, "check", "waybill.conf")
        # Also when a damaged one keeps the policy from being compiled.
        with open(os.path.join(self.dir, "domains.lmdb"), "wb") as f:
            f.write(b"nothing")
        os.utime(os.path.join(self.dir, "domains.lmdb"), (1, 1))
        self.run_is(1, "check", "waybill.conf")
        self.run_is(0, "map", "build", "-c", "waybill.conf")
        self.run_is(0, "check", "waybill.conf")

    def test_each_driver_answers(self):
        def explain(rcpt, client="203.0.113.9"):
            return self.run_is(0, "explain", self.policy, "--client", client,
                               "--from", "x@y.example", "--rcpt", rcpt).stdout
        for built in (False, True):
            if built:
                self.run_is(0, "map", "build", "-c", "waybill.conf")
            for rcpt in ("root", "info", "ann-x"):
                self.assertIn("ann", explain(f"{rcpt}@shop.example"))
            self.assertIn("bob", explain("staff@shop.example"))
            self.assertIn("550 5.1.1", explain("nobody@shop.example"))
            self.assertIn("550", explain("ann@shop.example", "192.0.2.7"))
            self.assertIn("550", explain("ann@shop.example", "198.51.100.7"))

    def test_newaliases(self):
        p = classic("newaliases", "-v", "-c", "waybill.conf", cwd=self.dir)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        self.assertIn("aliases: 2 aliases, longest 8 bytes, 19 bytes total\n", p.stdout)
        self.assertIn("aliases.gdbm has been made", p.stdout)
        self.assertIn("more: 1 aliases, longest 3 bytes, 8 bytes total\n", p.stdout)
        self.assertIn("more: a text; the server reads it by itself", p.stdout)
        self.file("more", "staff: bob\nno colon\n")
        self.file("aliases", "root: ann\n")
        p = classic("newaliases", "-C", "waybill.conf", cwd=self.dir)
        self.assertEqual(p.returncode, 65, p.stdout + p.stderr)
        self.assertIn("more:2:1: error: a ':' is missing", p.stderr)
        self.assertIn("aliases: 1 aliases", p.stdout)

    def test_newaliases_without_a_policy(self):
        p = classic("newaliases", "-c", "none.conf", cwd=self.dir)
        self.assertEqual(p.returncode, 66, p.stderr)
        self.assertEqual(classic("newaliases", "x", cwd=self.dir).returncode, 64)
        self.file("bad.conf", "edition 1\nmap =\n")
        p = classic("newaliases", "-c", "bad.conf", cwd=self.dir)
        self.assertEqual(p.returncode, 78, p.stderr)
        self.assertIn("bad.conf:2", p.stderr)

    def test_praliases(self):
        def praliases(*args):
            p = classic("praliases", *args, cwd=self.dir)
            self.assertEqual(p.returncode, 0, p.stderr)
            return p.stdout
        for built in (False, True):
            if built:
                self.run_is(0, "map", "build", "-c", "waybill.conf")
            out = praliases("-c", "waybill.conf")
            self.assertEqual(sorted(out.splitlines()),
                             ["root:ann", "staff:bob", "team:ann, bob"])
            self.assertEqual(praliases("-f", "aliases", "Team", "nope"),
                             "team:ann, bob\nnope: No such key\n")
        self.assertEqual(classic("praliases", "-f", "none", cwd=self.dir).returncode, 66)


class InTheServer(unittest.TestCase):
    """Each driver that is a file, and its database replaced while the server runs."""

    def codes(self, s, *rcpts):
        try:
            with s.smtp() as c:
                c.ehlo()
                c.mail("x@y.test")
                return [c.rcpt(f"{r}@shop.example")[0] for r in rcpts]
        except smtplib.SMTPConnectError as e:
            return e.smtp_code

    def server(self, **tables):
        return Server(POLICY, {**TABLES, **tables}, start=False)

    def test_all_of_them(self):
        writes_hash(self)
        s = self.server()
        s.run("map", "build", "-c", s.policy)
        s.start()
        with s:
            self.assertEqual(self.codes(s, "root", "info", "ann-x", "staff", "who", "who-x"),
                             [250, 250, 250, 250, 550, 550])
            with s.smtp() as c:
                for rcpt in ("root", "info", "ann-x", "staff"):
                    c.sendmail("x@y.test", [f"{rcpt}@shop.example"],
                               f"Subject: {rcpt}\r\n\r\n1\r\n")
            texts = b"".join(m if isinstance(m, bytes) else m.encode()
                             for m in s.wait_mail("ann", 3))
            for rcpt in (b"root", b"info", b"ann-x"):
                self.assertIn(b"Subject: " + rcpt, texts)
            s.wait_mail("bob", 1)
            # What makemap and an editor put into their place serves soon.
            classic("makemap", "hash", "virtual", cwd=s.dir, stdin="new@shop.example bob\n")
            wait_for(lambda: self.codes(s, "info", "new") == [550, 250])
            s.write("patterns", "/^(.*)-y@(.*)$/ $1@$2\n")
            wait_for(lambda: self.codes(s, "ann-x", "ann-y") == [550, 250])
            # A damaged one does not.
            with open(f"{s.dir}/aliases.gdbm", "r+b") as f:
                f.truncate(5000)
            wait_for(lambda: "table-kept" in s.log())
            self.assertEqual(self.codes(s, "root", "who"), [250, 550])

    def test_networks_and_access_of_a_client(self):
        s = self.server(networks="127.0.0.0/8 550 5.7.1 not from here\n")
        s.start()
        with s:
            self.assertEqual(self.codes(s, "ann"), 550)
            s.write("networks", "127.0.0.0/8 550 no\n127.0.0.1 OK\n")
            wait_for(lambda: self.codes(s, "ann") == [250])


if __name__ == "__main__":
    unittest.main()
