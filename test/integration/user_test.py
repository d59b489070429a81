"""Accounts: `waybill user`, the auth process behind it, PAM, and what a table's columns do."""
import json
import os
import pty
import re
import select
import shutil
import smtplib
import stat
import subprocess
import tempfile
import time
import unittest

from channel import Child, auth_verify, u32, u64
from server import BUILD, PATIENCE, SANITIZED, Server, wait_for

WAYBILL = f"{BUILD}/waybill"
PAM_MODULES = "/usr/lib/x86_64-linux-gnu/pam_wrapper"
WITH_PAM = False
with open(os.path.join(BUILD, "config.h"), encoding="ascii") as f:
    WITH_PAM = "\n#define WITH_PAM 1" in f.read()

USERS = """# who is here
colin:{PLAIN}one
    quota=2G
    home=/srv/mail/colin
# a comment between
    app tablet 2026-01-05 {PLAIN}app-one

bob:x
# the end
"""
POLICY = """edition 1
hostname "mx.shop.example"
set ours = { "shop.example" }
map users = text "users" as accounts
listen smtp on "127.0.0.1:2525"
mailbox boxes { accounts users; path "{users[account].home}/Maildir" }
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
    rcpt unknown => reject 550 5.1.1
    otherwise => accept
}
route {
    rcpt.domain in ours => deliver boxes
    otherwise => reject 550 5.1.2
}
"""


class Folder(unittest.TestCase):
    def setUp(self):
        d = tempfile.TemporaryDirectory(prefix="waybill-test-")
        self.addCleanup(d.cleanup)
        self.dir = d.name
        self.users = self.file("users", USERS)

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def text(self, name="users"):
        with open(os.path.join(self.dir, name), encoding="utf-8") as f:
            return f.read()

    def user(self, status, *args, password="", env=None, where=None):
        where = ("--file", self.users) if where is None else where
        p = subprocess.run([WAYBILL, "user", *args, *where], input=password + "\n", text=True,
                           capture_output=True, timeout=PATIENCE * 2, cwd=self.dir,
                           env={**os.environ, **(env or {})})
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        return p

    def verify(self, user, password, **kw):
        """right, wrong or cannot, and the app."""
        p = subprocess.run([WAYBILL, "user", "verify", user, "--json",
                            *(kw.get("where") or ("--file", self.users))],
                           input=password + "\n", text=True, capture_output=True,
                           timeout=PATIENCE * 2, cwd=self.dir,
                           env={**os.environ, **(kw.get("env") or {})})
        try:
            doc = json.loads(p.stdout)
        except ValueError:
            self.fail(p.stdout + p.stderr)
        self.assertEqual(p.returncode, {"right": 0, "wrong": 1, "cannot": 2}[doc["result"]])
        return doc["result"], doc["app"]


class Words(Folder):
    def test_the_life_of_an_account(self):
        self.user(0, "add", "ann", "quota=1G", "note=two words", password="first")
        self.assertEqual(self.verify("ann", "first"), ("right", None))
        self.assertEqual(self.verify("ANN", "first"), ("right", None))
        self.assertEqual(self.verify("ann", "First"), ("wrong", None))
        self.user(0, "passwd", "ann", password="second")
        self.assertEqual(self.verify("ann", "first"), ("wrong", None))
        self.assertEqual(self.verify("ann", "second"), ("right", None))
        app = self.user(0, "app", "add", "ann", "phone").stdout.strip()
        self.assertRegex(app, r"^([a-z2-9]{4}-){5}[a-z2-9]{4}$")
        self.assertEqual(self.verify("ann", app), ("right", "phone"))
        self.user(0, "passwd", "ann", password="third")
        self.assertEqual(self.verify("ann", app), ("right", "phone"))
        self.user(0, "app", "remove", "ann", "Phone")
        self.assertEqual(self.verify("ann", app), ("wrong", None))
        self.user(0, "remove", "ann")
        self.assertEqual(self.verify("ann", "third"), ("wrong", None))
        self.assertEqual(self.text(), USERS)

    def test_nothing_else_changes(self):
        self.user(0, "passwd", "colin", password="new")
        before, after = USERS.split("\n"), self.text().split("\n")
        self.assertEqual(after[:1] + after[2:], before[:1] + before[2:])
        self.assertRegex(after[1], r"^colin:\{CRYPT\}\$y\$\S+ \{SCRAM-SHA-256\}10000,\S+$")
        self.user(0, "app", "add", "colin", "phone")
        new = self.text().split("\n")
        self.assertEqual(new[:6] + new[7:], after[:6] + after[6:])
        self.assertRegex(new[6], r"^    app phone \d{4}-\d\d-\d\d \{SCRAM-SHA-256\}10000,\S+$")

    def test_mode_and_owner_stay(self):
        os.chmod(self.users, 0o640)
        if os.geteuid() == 0:
            os.chown(self.users, 65534, 65534)
        self.user(0, "passwd", "colin", password="new")
        st = os.stat(self.users)
        self.assertEqual(stat.S_IMODE(st.st_mode), 0o640)
        if os.geteuid() == 0:
            self.assertEqual((st.st_uid, st.st_gid), (65534, 65534))
        self.assertEqual(sorted(os.listdir(self.dir)), ["users"])

    def test_a_new_file_is_closed_to_others(self):
        os.unlink(self.users)
        self.user(2, "passwd", "ann", password="x y z")
        self.user(0, "add", "ann", password="x y z")
        st = os.stat(self.users)
        self.assertEqual((stat.S_IMODE(st.st_mode), st.st_gid), (0o600, os.getegid()))
        self.assertEqual(self.verify("ann", "x y z"), ("right", None))
        self.assertEqual(self.user(0, "list").stderr, "")

    def test_a_link_stays_one(self):
        os.rename(self.users, self.users + ".real")
        os.symlink("users.real", self.users)
        self.user(0, "add", "ann", password="x")
        self.assertTrue(os.path.islink(self.users))
        self.assertIn("\nann:", self.text("users.real"))

    def test_schemes(self):
        for scheme, begins in (("SCRAM-SHA-1", "{SCRAM-SHA-1}10000,"), ("blf-crypt", "{BLF-CRYPT}$2b$"),
                               ("SHA512-CRYPT", "{SHA512-CRYPT}$6$"), ("YESCRYPT", "{YESCRYPT}$y$")):
            self.user(0, "add", scheme, "--scheme", scheme, password="one")
            self.assertIn(f"\n{scheme}:{begins}", self.text())
            self.assertEqual(self.verify(scheme, "one"), ("right", None))
        self.user(2, "add", "ann", "--scheme", "PLAIN", password="one")
        self.user(2, "add", "ann", "--scheme", "CRYPT,ROT13", password="one")
        self.user(0, "add", "ann", "--no-password")
        self.assertIn("\nann:x\n", self.text())
        self.assertEqual(self.verify("ann", "x"), ("wrong", None))

    def test_scram_has_one_salt_for_a_user(self):
        """Or clients could not log in by it with the password of an app."""
        self.user(0, "add", "eve", password="one")
        self.user(0, "app", "add", "eve", "phone")
        self.user(0, "passwd", "eve", password="two")
        self.user(0, "app", "add", "eve", "tablet")
        eve = self.text().partition("\neve:")[2]
        salts = re.findall(r"\{SCRAM-SHA-256\}(\d+,[^,]+),", eve)
        self.assertEqual(len(salts), 3)
        self.assertEqual(len(set(salts)), 1)

    def test_no(self):
        self.assertIn("is there already", self.user(1, "add", "Colin", password="x").stderr)
        for args in (("passwd", "eve"), ("remove", "eve"), ("app", "add", "eve", "a"),
                     ("app", "remove", "colin", "phone"), ("app", "add", "colin", "Tablet"),
                     ("list", "eve")):
            self.user(1, *args, password="x")
        for args in (("add", "a b"), ("add", "a:b"), ("add", "#a"), ("add", "ann", "quota"),
                     ("add", "ann", "password=x"), ("app", "add", "colin", "a b"), ("app", "colin"),
                     ("passwd", "colin", "secret"), ("passwd",), ("paint", "colin")):
            self.user(2, *args, password="x")
        for bad in ("", "x" * 513, "a\tb"):
            self.user(2, "passwd", "colin", password=bad)
        self.assertEqual(self.text(), USERS)

    def test_list_has_no_secrets(self):
        rows = json.loads(self.user(0, "list", "--json").stdout)
        self.assertEqual(rows, [
            {"name": "colin", "line": 2, "schemes": ["PLAIN"],
             "columns": [{"name": "quota", "value": "2G"},
                         {"name": "home", "value": "/srv/mail/colin"}],
             "apps": [{"name": "tablet", "since": "2026-01-05", "schemes": ["PLAIN"]}]},
            {"name": "bob", "line": 8, "schemes": [], "columns": [], "apps": []}])
        out = self.user(0, "list").stdout
        self.assertEqual(out, "colin: PLAIN\n    quota=2G\n    home=/srv/mail/colin\n"
                              "    app tablet 2026-01-05 PLAIN\nbob: no password\n")
        self.assertEqual(self.user(0, "list", "BOB").stdout, "bob: no password\n")

    def test_answers_as_json(self):
        doc = json.loads(self.user(0, "app", "add", "bob", "tea", "--json").stdout)
        self.assertEqual((doc["name"], doc["app"]), ("bob", "tea"))
        self.assertEqual(self.verify("bob", doc["password"]), ("right", "tea"))

    def test_a_file_with_mistakes_is_not_changed(self):
        bad = USERS + "eve:{ROT13}tell-nobody\n"
        self.file("users", bad)
        for args in (("add", "ann"), ("passwd", "colin"), ("app", "add", "colin", "a"), ("remove", "bob")):
            p = self.user(1, *args, password="x")
            self.assertIn(f"{self.users}:10:6: error: no such scheme", p.stderr)
            self.assertNotIn("tell-nobody", p.stdout + p.stderr)
        self.assertEqual(self.text(), bad)
        self.assertEqual(self.verify("colin", "one"), ("right", None))
        self.assertEqual(self.verify("eve", "tell-nobody"), ("cannot", None))

    def test_many_at_once(self):
        running = [subprocess.Popen([WAYBILL, "user", "add", f"u{i}", "--no-password",
                                     "--file", self.users], stdout=subprocess.DEVNULL)
                   for i in range(16)]
        self.assertEqual([p.wait(PATIENCE * 2) for p in running], [0] * 16)
        names = [r["name"] for r in json.loads(self.user(0, "list", "--json").stdout)]
        self.assertEqual(sorted(names), sorted(["colin", "bob"] + [f"u{i}" for i in range(16)]))


class Terminal(Folder):
    def type(self, *lines):
        """The status, and what the terminal showed."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(WAYBILL, [WAYBILL, "user", "passwd", "colin", "--file", self.users])
        shown, lines = b"", list(lines)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if not select.select([fd], [], [], 0.2)[0]:
                continue
            try:
                more = os.read(fd, 4096)
            except OSError:
                break
            shown += more
            if shown.endswith(b": ") and lines:
                time.sleep(0.05)  # it has to turn the echo off and to read
                os.write(fd, lines.pop(0).encode() + b"\n")
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()

    def test_asked_twice_without_echo(self):
        status, shown = self.type("s3cret", "s3cret")
        self.assertEqual(status, 0, shown)
        self.assertNotIn("s3cret", shown)
        self.assertEqual(self.verify("colin", "s3cret"), ("right", None))

    def test_two_that_differ(self):
        status, shown = self.type("s3cret", "s3crets")
        self.assertEqual(status, 2, shown)
        self.assertIn("not the same", shown)
        self.assertEqual(self.text(), USERS)


class InAPolicy(Folder):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.policy = ("-c", self.file("p.conf", POLICY))

    def test_the_auth_process_verifies(self):
        self.assertEqual(self.verify("colin", "one", where=self.policy), ("right", None))
        self.assertEqual(self.verify("colin", "app-one", where=self.policy), ("right", "tablet"))
        self.assertEqual(self.verify("colin", "two", where=self.policy), ("wrong", None))
        self.assertEqual(self.verify("eve", "one", where=self.policy), ("wrong", None))

    def test_changes_are_checked_and_seen(self):
        self.user(0, "add", "ann", "home=/srv/ann", password="x", where=self.policy)
        self.assertEqual(self.verify("ann", "x", where=self.policy), ("right", None))
        out = subprocess.run([WAYBILL, "explain", self.policy[1], "--client", "203.0.113.9", "--from",
                              "x@y.example", "--rcpt", "ann@shop.example"], text=True,
                             capture_output=True, timeout=PATIENCE).stdout
        self.assertIn("into /srv/ann/Maildir", out)

    def test_which_map(self):
        self.file("p.conf", POLICY.replace("listen", 'map more = text "more" as accounts\nlisten', 1))
        self.file("more", "eve:{PLAIN}x\n")
        p = self.user(2, "list", where=self.policy)
        self.assertIn("users more", p.stderr)
        self.user(2, "list", "--map", "most", where=self.policy)
        self.assertEqual(self.user(0, "list", "--map", "more", where=self.policy).stdout, "eve: PLAIN\n")
        self.assertEqual(self.verify("eve", "x", where=(*self.policy, "--map", "more")), ("right", None))

    def test_maps_made_of_others(self):
        self.file("p.conf", POLICY.replace("listen", 'map more = text "more" as accounts\n'
                                           "map all = first of more, users\nlisten", 1))
        self.file("more", "eve:{PLAIN}x\ncolin:{PLAIN}other\n")
        where = (*self.policy, "--map", "all")
        for user, password, result in (("eve", "x", "right"), ("colin", "other", "right"),
                                       ("colin", "one", "wrong"), ("bob", "x", "wrong")):
            self.assertEqual(self.verify(user, password, where=where), (result, None))
        self.assertIn("say which with --map", self.user(1, "list", where=where).stderr)

    def test_where_accounts_are_kept(self):
        for table, says in (("passwd", "useradd"), ('{ "ann" = "x" } as accounts', "in the policy itself"),
                            ('sqlite "users.db" as accounts { query "select home from users where name = {key}" }', "SQLite")):
            self.file("users.db", "")
            self.file("p.conf", POLICY.replace('text "users" as accounts', table)
                      .replace("{users[account].home}/Maildir", "/srv/{user}"))
            p = self.user(1, "add", "ann", password="x", where=self.policy)
            self.assertIn(says, p.stderr)
            self.assertIn(says, self.user(1, "list", where=self.policy).stderr)

    def test_secrets_of_a_mistake_are_not_shown(self):
        self.file("users", "ann:{CRYPT}$y$tell-nobody\n    app a {PLAIN}\nbob:tell-nobody\n")
        for args in (("check", "p.conf"), ("user", "list", *self.policy),
                     ("map", "check", "users", "--as", "accounts")):
            p = subprocess.run([WAYBILL, *args], cwd=self.dir, text=True, capture_output=True,
                               timeout=PATIENCE, stdin=subprocess.DEVNULL)
            self.assertEqual(p.returncode, 1, p.stdout + p.stderr)
            self.assertRegex(p.stderr, r"users:1:12: error: the hash is shorter")
            self.assertRegex(p.stderr, r"users:2:18: error: the password is missing")
            self.assertNotIn("tell-nobody", p.stdout + p.stderr)


    def test_secrets_that_everybody_can_read(self):
        def said(*args):
            p = subprocess.run([WAYBILL, *args], cwd=self.dir, text=True, capture_output=True,
                               timeout=PATIENCE, stdin=subprocess.DEVNULL)
            self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
            return p.stdout if "--json" in args else p.stdout + p.stderr
        words = (("check", "p.conf"), ("map", "check", "-c", "p.conf"),
                 ("map", "check", "users", "--as", "accounts"),
                 ("user", "add", "ann", "--no-password", "--file", "users"),
                 ("user", "remove", "ann", "--file", "users"))
        os.chmod(self.users, 0o644)
        for args in words:
            self.assertIn("warning: everybody on this machine can read the secrets in it", said(*args))
        self.assertEqual(json.loads(said("check", "p.conf", "--json"))["exposed"], [self.users])
        os.chmod(self.users, 0o640)
        for args in words:
            self.assertNotIn("everybody", said(*args))
        self.assertEqual(json.loads(said("check", "p.conf", "--json"))["exposed"], [])
        self.file("users", "bob:x\n    quota=2G\n")
        os.chmod(self.users, 0o644)
        self.assertNotIn("everybody", said("check", "p.conf"))


SERVED = """edition 1
hostname "mx.shop.example"
set ours = { "shop.example" }
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "@DIR@/mail/{users[account].box}" }
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
    rcpt unknown => reject 550 5.1.1
    otherwise => accept
}
route {
    rcpt.domain in ours => deliver boxes
    otherwise => reject 550 5.1.2
}
"""


def has_in_memory(pid, needle):
    """Whether the octets stand in what a process may write to, or shares."""
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as f:
        areas = [line.split() for line in f]
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for area in areas:
            if not area[1].startswith("r") or area[-1] in ("[vvar]", "[vsyscall]", "[vdso]"):
                continue
            begin, end = (int(x, 16) for x in area[0].split("-"))
            if end - begin > 256 << 20:
                continue  # a sanitizer's shadow
            try:
                mem.seek(begin)
                if needle in mem.read(end - begin):
                    return True
            except OSError:
                continue
    return False


class InTheServer(unittest.TestCase):
    def test_accounts_change_while_it_runs_and_no_process_keeps_a_secret(self):
        secret = b"{PLAIN}s3cr3t" + b"-of-ann"
        text = f"ann:{secret.decode()}\n    box=of-ann\nbob:x\n    box=of-bob\n"
        with Server(SERVED, tables={"users": text}) as s:
            s.waybill("status")
            seen = {"column": 0, "secret": 0}
            for pids in s.processes().values():
                for pid in pids:
                    try:
                        seen["column"] += has_in_memory(pid, b"box=of-ann")
                        seen["secret"] += has_in_memory(pid, secret[7:])
                    except PermissionError:
                        seen["column"] += 1  # not root: only what one may look at
            self.assertGreater(seen["column"], 0)
            self.assertEqual(seen["secret"], 0)

            def send(to):
                with s.smtp() as c:
                    c.sendmail("x@y.example", [to], b"Subject: " + to.encode() + b"\r\n\r\n1\r\n")
                    return True

            def taken():
                try:
                    return send("eve@shop.example")
                except smtplib.SMTPRecipientsRefused as e:
                    self.assertEqual(e.recipients["eve@shop.example"][0], 550)
                    return False
            send("ann@shop.example")
            self.assertEqual(len(s.wait_mail("of-ann")), 1)
            self.assertFalse(taken())
            s.run("user", "add", "eve", "box=of-eve", "--no-password", "-c", s.policy)
            wait_for(taken, step=0.2)
            self.assertEqual(len(s.wait_mail("of-eve")), 1)
            self.assertNotIn("s3cr3t", s.log())


class Process(Folder):
    """waybill-auth by itself, as a parent would have it."""

    def configure(self, auth, generation):
        with open(f"{self.dir}/image", "rb") as image, open(self.users, "rb") as users:
            auth.parent.send("CONFIG_IMAGE", u32(generation), fd=image.fileno())
            auth.parent.send("CONFIG_FILE", u32(generation), u32(self.number), fd=users.fileno())
        auth.parent.send("CONFIG_DONE", u32(generation))
        kind, body = auth.parent.receive()
        self.assertEqual((kind, body.take("<I")), ("READY", generation))

    def ask(self, peer, user, password):
        v = auth_verify(peer, user, password)
        return v.result, v.which

    def stats(self, auth):
        auth.parent.send("STATS_WANTED", u64(1))
        kind, body = auth.parent.receive()
        self.assertEqual(kind, "STATS")
        for _ in range(25):
            body.take("<Q")
        return json.loads(body.octets())

    def test_a_file_that_is_replaced(self):
        policy = self.file("p.conf", POLICY)
        subprocess.run([WAYBILL, "compile", policy, "-o", f"{self.dir}/image"], check=True,
                       stdout=subprocess.DEVNULL, timeout=PATIENCE)
        self.number = 1  # in the manifest: behind the policy itself
        with Child("auth") as auth:
            peer = auth.peer("smtp")
            self.assertEqual(self.ask(peer, b"colin", b"one"), ("cannot", ""))
            self.configure(auth, 1)
            self.assertEqual(self.ask(peer, b"colin", b"app-one"), ("right", "tablet"))
            self.user(0, "passwd", "colin", password="two")
            self.assertEqual(self.ask(peer, b"colin", b"one"), ("right", ""))
            self.configure(auth, 2)
            self.assertEqual(self.ask(peer, b"colin", b"one"), ("wrong", ""))
            self.assertEqual(self.ask(peer, b"colin", b"two"), ("right", ""))
            stats = self.stats(auth)
            self.assertEqual({k: stats[k] for k in ("accounts", "waiting", "right", "cached",
                                                    "wrong", "cannot", "busy", "slow")},
                             {"accounts": 2, "waiting": 0, "right": 3, "cached": 0, "wrong": 1,
                              "cannot": 1, "busy": 0, "slow": 0})
            with open(f"/proc/{auth.proc.pid}/status", encoding="ascii") as f:
                status = f.read()
            self.assertIn("NoNewPrivs:\t1", status)
            self.assertIn("Seccomp:\t2", status)
            self.assertEqual(auth.stop(), 0)


@unittest.skipUnless(WITH_PAM and os.path.exists(f"{PAM_MODULES}/pam_matrix.so") and not SANITIZED,
                     "needs PAM, pam_wrapper, and a program that can be preloaded")
class Pam(Folder):
    """The users of the system are those of a PAM of the test's own (pam_matrix)."""

    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.policy = ("-c", self.file("p.conf", POLICY.replace('text "users" as accounts', "passwd")))
        passdb = self.file("passdb", "daemon:sesame:waybill\nbin:sesame:sshd\nroot:sesame:waybill\n"
                           "tester:sesame:waybill\n")
        os.mkdir(f"{self.dir}/pam.d")
        module = f"required {PAM_MODULES}/pam_matrix.so passdb={passdb}\n"
        self.file("pam.d/waybill", f"auth {module}account {module}")
        self.env = {"LD_PRELOAD": "libpam_wrapper.so", "PAM_WRAPPER": "1",
                    "PAM_WRAPPER_SERVICE_DIR": f"{self.dir}/pam.d", "WAYBILL_LIBEXECDIR": BUILD}

    def asked(self, user, password):
        return self.verify(user, password, where=self.policy, env=self.env)

    def test_passwords_of_the_system(self):
        self.assertEqual(self.asked("daemon", "sesame"), ("right", None))
        self.assertEqual(self.asked("Daemon", "sesame"), ("right", None))
        self.assertEqual(self.asked("daemon", "Sesame"), ("wrong", None))
        self.assertEqual(self.asked("bin", "sesame"), ("wrong", None))
        # PAM knows him, and the table does not: he has no mailbox.
        self.assertEqual(self.asked("tester", "sesame"), ("wrong", None))

    def test_root_is_not_asked_for(self):
        self.assertEqual(self.asked("root", "sesame"), ("wrong", None))

    def test_a_broken_pam_cannot_say(self):
        self.file("pam.d/waybill", "auth required /nowhere/pam_none.so\n")
        self.assertEqual(self.asked("daemon", "sesame")[0], "cannot")

    def helper(self, text):
        return subprocess.run([f"{BUILD}/waybill-pam"], input=text, timeout=PATIENCE,
                              env={**os.environ, **self.env}, stderr=subprocess.DEVNULL).returncode

    def test_the_helper_takes_user_and_password_and_nothing_else(self):
        self.assertEqual(self.helper(b"tester\0sesame\0"), 0)
        for text in (b"", b"tester", b"tester\0", b"tester\0sesame", b"\0sesame\0", b"tester\0\0",
                     b"tester\0sesame\0x\0", b"tester\0" + b"x" * 3000 + b"\0"):
            self.assertEqual(self.helper(text), 2, text)


STEPS = ("openat", "flock", "unlinkat", "fchown", "fchmod", "write", "fsync", "renameat", "renameat2")


@unittest.skipUnless(shutil.which("strace") and not SANITIZED, "needs strace")
class Killed(Folder):
    def killed_at(self, call, nth):
        """Whether `user add` met its end at that system call, and not behind its last."""
        p = subprocess.run(
            ["strace", "-qqf", "-o", "/dev/null", f"--trace={call}",
             f"--inject={call}:signal=SIGKILL:when={nth}", WAYBILL, "user", "add", "ann",
             "--scheme", "SHA256-CRYPT", "--file", self.users], input="word\n", text=True,
            capture_output=True, timeout=PATIENCE * 2)
        if "ptrace" in p.stderr.lower():
            self.skipTest("strace may not trace here")
        return p.returncode != 0

    def is_whole(self):
        """The old file or the new one; whether it is the new one."""
        if self.text() == USERS:
            return False
        self.assertRegex(self.text(), "^" + re.escape(USERS) + r"ann:\{SHA256-CRYPT\}\S+\n$")
        return True

    def test_the_old_file_or_the_new(self):
        kills, news = 0, 0
        for call in STEPS:
            for nth in range(1, 100):
                self.file("users", USERS)
                if not self.killed_at(call, nth):
                    break
                kills += 1
                if self.is_whole():
                    news += 1
                    continue
                # What it left behind is in nobody's way.
                self.user(0, "add", "ann", "--no-password")
                self.assertEqual(self.text(), USERS + "ann:x\n")
                self.assertEqual(sorted(os.listdir(self.dir)), ["users"])
        self.assertGreater(kills, 8)
        self.assertGreater(news, 0)


if __name__ == "__main__":
    unittest.main()
