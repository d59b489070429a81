"""Passwords of accounts that servers have: `verify` of SQLite, PostgreSQL and redis, `bind` of LDAP."""
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from backends import Postgres, Redis, Slapd
from channel import Child, auth_verify, u32
from server import BUILD, PATIENCE, SANITIZED
from user_test import has_in_memory

WAYBILL = f"{BUILD}/waybill"
with open(f"{BUILD}/config.h", encoding="ascii") as config:
    BUILT = config.read()
POLICY = """edition 1
hostname "mx.shop.example"
set ours = { "shop.example" }
@MAPS@
listen smtp on "127.0.0.1:2525"
mailbox boxes { accounts users; path "/srv/mail/{user}" }
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
# What would be another's name, or all of them, if it were not a name.
HOSTILE = ["ann' or '1'='1", "' or 1=1 --", "x'; drop table people; --", "$1", "{key}", "*", "a*",
           "ann)(uid=*", "*)(objectClass=*", "ann\\2a", "ann,dc=test", "\\", "%", "ann\tbob",
           "ann\r\nGET ann", "\"ann\"", "a" * 1000, "\N{GREEK SMALL LETTER ALPHA}nn"]


def has(library):
    return f"\n#define WITH_{library} 1" in BUILT


def crypt(password):
    """As a program makes it that writes no scheme."""
    return subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password + "\n", text=True,
                          check=True, stdout=subprocess.PIPE, timeout=PATIENCE).stdout.strip()


class Asking(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="waybill-test-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.dir)
        os.chmod(self.dir, 0o755)

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o644)
        return path

    def policy(self, *maps):
        return self.file("p.conf", POLICY.replace("@MAPS@", "\n".join(maps)))

    def verify(self, user, password, name="users"):
        p = subprocess.run([WAYBILL, "user", "verify", user, "--json", "-c", f"{self.dir}/p.conf",
                            "--map", name], input=password + "\n", text=True, capture_output=True,
                           timeout=PATIENCE * 2, cwd=self.dir)
        try:
            doc = json.loads(p.stdout)
        except ValueError:
            self.fail(p.stdout + p.stderr)
        if password:
            self.assertNotIn(password, p.stdout + p.stderr)
        self.assertEqual(p.returncode, {"right": 0, "wrong": 1, "cannot": 2}[doc["result"]])
        self.said = p.stderr
        return doc["result"], doc["app"]

    def is_quiet(self, *wanted):
        self.assertEqual(self.verify(*wanted[:-1])[0], wanted[-1], self.said)
        self.assertNotIn("problem=", self.said)

    # --- the process by itself

    def compile(self):
        subprocess.run([WAYBILL, "compile", "p.conf", "-o", "image"], check=True, cwd=self.dir,
                       stdout=subprocess.DEVNULL, timeout=PATIENCE)

    def ask(self, peer, user, password):
        return auth_verify(peer, user, password).result

    def configure(self, auth, generation):
        with open(f"{self.dir}/image", "rb") as image:
            auth.parent.send("CONFIG_IMAGE", u32(generation), fd=image.fileno())
        auth.parent.send("CONFIG_DONE", u32(generation))
        self.assertEqual(auth.parent.receive()[0], "READY")


class Cases:
    """What holds of each of them; map `users` has ann, whose password is s3same."""

    def test_right_and_wrong(self):
        self.is_quiet("ann", "s3same", "right")
        self.is_quiet("ANN", "s3same", "right")
        self.is_quiet("ann", "S3same", "wrong")
        self.is_quiet("eve", "s3same", "wrong")
        self.is_quiet("", "s3same", "wrong")

    def test_names_are_names_whatever_is_in_them(self):
        for name in HOSTILE:
            self.assertEqual(self.verify(name, "s3same"), ("wrong", None), name)

    def test_a_server_that_is_down_cannot_say(self):
        self.down()
        self.assertEqual(self.verify("ann", "s3same"), ("cannot", None))
        self.assertRegex(self.said, "map=users .*problem=")
        self.up()
        self.assertEqual(self.verify("ann", "s3same"), ("right", None))

    def test_the_next_table_has_whom_it_does_not_know(self):
        with open(f"{self.dir}/p.conf", encoding="utf-8") as f:
            text = f.read()
        self.file("p.conf", text.replace("listen", 'map more = text "more" as accounts\n'
                                         "map all = first of users, more\nlisten", 1))
        self.file("more", "zoe:{PLAIN}of-zoe\nann:{PLAIN}of-more\n")
        for user, password, result in (("zoe", "of-zoe", "right"), ("ann", "s3same", "right"),
                                       ("ann", "of-more", "wrong"), ("eve", "x-x", "wrong")):
            self.assertEqual(self.verify(user, password, "all"), (result, None), user)
        self.down()
        self.assertEqual(self.verify("zoe", "of-zoe", "all"), ("cannot", None))
        self.up()


# name, secret as it stands there, password
ROWS = [("ann", None, "s3same"), ("plain", "{PLAIN}of-plain", "of-plain"),
        ("none", None, ""), ("blank", "", ""), ("locked", "!", ""), ("bad", "tell-nobody", ""),
        ("rot", "{ROT13}tell-nobody", "")]


class Sql(Cases):
    def fill(self, run):
        run("create table people (name text primary key, home text, secret text)")
        run("create table apps (name text, app text, secret text)")
        for name, secret, _ in ROWS:
            secret = crypt("s3same") if name == "ann" else secret
            run("insert into people values ('%s', '/home', %s)" %
                (name, "null" if secret is None else f"'{secret}'"))
        for name, app, secret in (("ann", "phone of ann", "{PLAIN}app-1"), ("ann", "tea", "{PLAIN}app-2"),
                                  ("odd", "{PLAIN}x", "{PLAIN}y"), ("odd", "a", "{PLAIN}z")):
            run(f"insert into apps values ('{name}', '{app}', '{secret}')")
        run("insert into apps values ('null', null, '{PLAIN}main')")

    def test_what_is_no_secret(self):
        for name in ("none", "blank", "locked"):
            for password in ("x", "!", "NULL"):
                self.is_quiet(name, password, "wrong")
        self.is_quiet("plain", "of-plain", "right")
        for name in ("bad", "rot"):
            self.assertEqual(self.verify(name, "x-x")[0], "cannot")
            self.assertRegex(self.said, "map=users problem=")
            self.assertNotIn("tell-nobody", self.said)

    def test_app_passwords(self):
        self.other("select '' as app, secret from people where name = {key} union all "
                   "select app, secret from apps where name = {key}")
        for user, password, result in (
                ("ann", "s3same", ("right", None)), ("ann", "app-1", ("right", "phone of ann")),
                ("ann", "app-2", ("right", "tea")), ("ann", "app-3", ("wrong", None)),
                ("null", "main", ("right", None)), ("eve", "app-1", ("wrong", None))):
            self.assertEqual(self.verify(user, password), result, user)
        self.assertEqual(self.verify("odd", "z-z"), ("cannot", None))
        self.assertIn("names the app", self.said)

    def test_several_secrets(self):
        self.other("select secret from apps where name = {key}")
        self.assertEqual(self.verify("ann", "app-1"), ("right", None))
        self.assertEqual(self.verify("ann", "app-2"), ("right", None))
        self.assertEqual(self.verify("ann", "s3same"), ("wrong", None))

    def test_too_much(self):
        self.other("select name, home, secret from people where name = {key}")
        self.assertEqual(self.verify("ann", "s3same"), ("cannot", None))
        self.assertIn("more columns", self.said)
        self.other("select '\\{PLAIN}no' from people a, people b, people c where {key} <> ''")
        self.assertEqual(self.verify("ann", "s3same"), ("cannot", None))
        self.assertIn("65 rows", self.said)

    def test_a_query_that_is_none(self):
        self.other("select secret from persons where name = {key}")
        self.assertEqual(self.verify("ann", "s3same"), ("cannot", None))
        self.assertIn("persons", self.said)

    def test_without_verify(self):
        self.other(None)
        self.assertEqual(self.verify("ann", "s3same"), ("cannot", None))
        self.assertIn("neither 'verify' nor 'bind'", self.said)


class OfSqlite(Sql, Asking):
    def setUp(self):
        super().setUp()
        self.path = f"{self.dir}/people.db"
        self.db = sqlite3.connect(self.path)
        self.addCleanup(self.db.close)
        self.fill(self.db.execute)
        self.db.commit()
        os.chmod(self.path, 0o644)
        self.other("select secret from people where name = {key}")

    def other(self, verify):
        self.policy('map users = sqlite "people.db" as accounts { query "select home from people '
                    'where name = {key}"' + (f'; verify "{verify}"' if verify else "") + " }")

    def down(self):
        os.rename(self.path, self.path + ".away")
        other = sqlite3.connect(self.path)
        other.execute("create table others (name text)")
        other.commit()
        other.close()
        os.chmod(self.path, 0o644)

    def up(self):
        os.rename(self.path + ".away", self.path)

    def test_the_process(self):
        self.compile()
        # Who was not started to ask servers does not.
        with Child("auth") as auth:
            self.configure(auth, 1)
            self.assertEqual(self.ask(auth.peer("smtp"), b"ann", b"s3same"), "cannot")
        with Child("auth", args=("--servers", "yes")) as auth:
            peer = auth.peer("smtp")
            self.configure(auth, 1)
            self.assertEqual(self.ask(peer, b"ann", b"s3same"), "right")
            self.assertEqual(self.ask(peer, b"ann", b"never-" + b"typed"), "wrong")
            # Nothing is kept: what changes there counts at once.
            self.db.execute("update people set secret = '{PLAIN}new' where name = 'ann'")
            self.db.commit()
            self.assertEqual(self.ask(peer, b"ann", b"s3same"), "wrong")
            self.assertEqual(self.ask(peer, b"ann", b"new"), "right")
            self.assertEqual(self.ask(peer, b"ann\0x", b"new"), "wrong")
            self.assertEqual(self.ask(peer, b"ann", b"new\0x"), "wrong")
            self.configure(auth, 2)
            self.assertEqual(self.ask(peer, b"ann", b"new"), "right")
            if not SANITIZED:
                try:
                    self.assertFalse(has_in_memory(auth.proc.pid, b"never-" + b"typed"))
                except PermissionError:
                    pass
            with open(f"/proc/{auth.proc.pid}/status", encoding="ascii") as f:
                status = f.read()
            self.assertIn("NoNewPrivs:\t1", status)
            self.assertIn("Seccomp:\t2", status)
            self.assertEqual(auth.stop(), 0)


@unittest.skipUnless(has("PGSQL") and os.path.exists(f"{Postgres.BIN}/initdb"), "PostgreSQL is not there")
class OfPostgres(Sql, Asking):
    @classmethod
    def setUpClass(cls):
        cls.backend = Postgres()
        cls.addClassCleanup(cls.backend.close)
        statements = []
        cls.fill(cls, statements.append)
        cls.backend.sql(";\n".join(statements) + ";\ncreate role door login password 'of-door';\n"
                        "grant select on people, apps to door;\n")

    def setUp(self):
        super().setUp()
        self.file("secret", "of-door\n")
        self.other("select secret from people where name = {key}")

    def other(self, verify):
        self.policy(f'map users = pgsql "host=localhost port={self.backend.port} dbname=postgres" as '
                    'accounts { query "select home from people where name = {key}"; login "door" '
                    'password file "secret"' + (f'; verify "{verify}"' if verify else "") + " }")

    def down(self):
        self.backend.kill()

    def up(self):
        self.backend.start()

    def test_another_password_of_the_login(self):
        self.file("secret", "of-nobody\n")
        self.assertEqual(self.verify("ann", "s3same"), ("cannot", None))
        self.assertIn("authentication failed", self.said)
        self.assertNotIn("of-nobody", self.said)


@unittest.skipUnless(has("REDIS") and Redis.BIN, "redis-server is not there")
class OfRedis(Cases, Asking):
    def setUp(self):
        super().setUp()
        self.backend = Redis()
        self.addCleanup(self.backend.close)
        self.policy(f'map users = redis "unix:{self.backend.path}" as accounts {{\n'
                    '    query "EXISTS home:{key}"; verify "GET secret:{key}" }')
        self.fill()

    def fill(self):
        self.backend.call("SET", "secret:ann", crypt("s3same"))
        self.backend.call("SET", "secret:two", "{PLAIN}1-one {PLAIN}2-two")
        os.chmod(self.backend.path, 0o777)

    def down(self):
        self.backend.kill()

    def up(self):
        self.backend.start()
        self.fill()

    def test_two_in_one(self):
        for password, result in (("1-one", "right"), ("2-two", "right"),
                                 ("1-one {PLAIN}2-two", "wrong")):
            self.assertEqual(self.verify("two", password)[0], result)


class LaxSlapd(Slapd):
    """One that takes a name without a password for nobody's login, and says yes."""

    def prepare(self):
        super().prepare()
        with open(f"{self.dir}/slapd.conf", encoding="utf-8") as f:
            text = f.read()
        with open(f"{self.dir}/slapd.conf", "w", encoding="utf-8") as f:
            f.write(text.replace("sizelimit 20", "sizelimit 20\nallow bind_anon_dn", 1)
                    .replace("access to *", "access to attrs=userPassword by anonymous auth by * none\n"
                             "access to *", 1))


@unittest.skipUnless(has("LDAP") and Slapd.BIN, "slapd is not there")
class OfLdap(Cases, Asking):
    @classmethod
    def setUpClass(cls):
        cls.backend = s = LaxSlapd()
        cls.addClassCleanup(s.close)
        s.kill(15)
        s.add(s.person("ann", userPassword="s3same", mail="one@x") +
              s.person("none", mail="two@x") +
              s.person("twin", dn="cn=twin,dc=test", userPassword="s3same", mail="one@x") +
              s.person("odd", dn=r"uid=a\2Cb\+c\22\23 x\3D1,dc=test", userPassword="of-odd"))
        s.start()

    def setUp(self):
        super().setUp()
        self.file("secret", "hidden\n")
        self.options()

    def options(self, text='login "cn=boss,dc=test" password file "secret"', where=None, field="uid"):
        where = where or f"ldap://localhost:{self.backend.port}"
        self.policy(f'map users = ldap "{where}" as accounts {{ base "dc=test"; '
                    f'filter "({field}={{key}})"; bind; {text} }}')

    def down(self):
        self.backend.kill()

    def up(self):
        self.backend.start()

    def test_without_a_login(self):
        self.options("timeout 5s", where="ldapi://" + self.backend.ldapi.replace("/", "%2F"))
        os.chmod(self.backend.ldapi, 0o777)
        self.is_quiet("ann", "s3same", "right")
        self.is_quiet("ann", "other", "wrong")

    def test_no_password_is_nobodys(self):
        # The server itself would say yes.
        ok = subprocess.run(["ldapwhoami", "-x", "-H", f"ldap://127.0.0.1:{self.backend.port}", "-D",
                             "uid=ann,dc=test", "-w", ""], capture_output=True, text=True, check=True)
        self.assertIn("anonymous", ok.stdout)
        self.options("", where=f"ldap://127.0.0.1:{self.backend.port}")
        self.compile()
        with Child("auth", args=("--servers", "yes")) as auth:
            peer = auth.peer("smtp")
            self.configure(auth, 1)
            for user in (b"ann", b"none"):
                self.assertEqual(self.ask(peer, user, b""), "wrong")
                self.assertEqual(self.ask(peer, user, b"\0"), "wrong")
            self.assertEqual(self.ask(peer, b"ann", b"s3same"), "right")
            self.assertEqual(self.ask(peer, b"none", b"s3same"), "wrong")
            self.assertEqual(auth.stop(), 0)

    def test_an_entry_without_a_password(self):
        self.is_quiet("none", "x-x", "wrong")

    def test_names_of_entries(self):
        self.is_quiet('a,b+c"# x=1', "of-odd", "right")

    def test_one_entry_is_the_user(self):
        self.options(field="mail")
        self.is_quiet("two@x", "x-x", "wrong")
        self.assertEqual(self.verify("one@x", "s3same"), ("cannot", None))
        self.assertIn("several entries", self.said)

    def test_another_password_of_the_login(self):
        self.file("secret", "of-nobody\n")
        self.assertEqual(self.verify("ann", "s3same"), ("cannot", None))
        self.assertIn("the login", self.said)
        self.assertNotIn("of-nobody", self.said)


if __name__ == "__main__":
    unittest.main()
