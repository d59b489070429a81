"""Every kind of server's table under one running Waybill: asked, lost, back again."""
import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from backends import Postgres, Redis, Slapd, SocketMap
from nameserver import NameServer
from server import BUILD, Server, wait_for

with open(f"{BUILD}/config.h", encoding="ascii") as f:
    CONFIG = f.read()
BUILT = all(f"\n#define WITH_{name} 1" in CONFIG for name in ("LDAP", "PGSQL", "REDIS"))
OWNER = 'owner "waybill-mail"' if os.geteuid() == 0 else ""
POLICY = """edition 1
hostname "mail.here.test"
set ours = { "sqlite.test", "pgsql.test", "ldap.test", "redis.test", "socket.test", "dns.test", "wrong.test" }
map users = { "ann" = "x" } as accounts
map by_sqlite = sqlite "@DB@/people.db" { query "select target from people where name = {key}" }
map by_pgsql  = pgsql "host=db.test port=@PGSQL@ dbname=postgres" {
    query "select target from people where name = {key}"
    login "mail" password file "pgsql.secret"; timeout 3s; connections 2
}
map by_ldap   = ldap "ldap://ldap.test:@LDAP@" {
    base "dc=test"; filter "(uid={key})"; attributes "mail"
    login "cn=boss,dc=test" password file "ldap.secret"; timeout 3s
}
map by_redis  = redis "unix:@REDIS@" { query "GET mail:{key}"; timeout 3s }
map by_socket = socket "inet:map.test:@SOCKET@" { map "people"; timeout 3s; cache 1h, 1h }
map by_wrong  = sqlite "@DB@/people.db" { query "select aim from people where name = {key}" }
map by_dns    = dns "users.test" { type TXT; timeout 3s }
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "mail/{user}"; @OWNER@ }
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
@RULES@}
route { otherwise => deliver boxes }
""".replace("@OWNER@", OWNER)
NAMES = ("sqlite", "pgsql", "ldap", "redis", "socket", "dns")
POLICY = POLICY.replace("@RULES@", "".join(
    f"""    rcpt.domain == "{name}.test" and rcpt.user in by_{name} => accept
    rcpt.domain == "{name}.test" => reject 550 5.1.1
""" for name in (*NAMES, "wrong")))


@unittest.skipUnless(BUILT and Postgres.BIN and Redis.BIN and Slapd.BIN, "no servers")
class Drivers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        def add(what):
            cls.addClassCleanup(what.close)
            return what
        cls.pgsql = add(Postgres())
        cls.pgsql.sql("""create table people (name text, target text);
            insert into people values ('ann', 'x');
            create role mail login password 's3 cret'; grant select on people to mail;""")
        cls.redis = add(Redis())
        cls.redis.call("SET", "mail:ann", "x")
        os.chmod(cls.redis.path, 0o777)
        cls.ldap = add(Slapd())
        cls.ldap.kill(15)
        cls.ldap.add(cls.ldap.person("ann", mail="x"))
        cls.ldap.start()
        cls.map = add(SocketMap({b"ann": "x"}))
        cls.dns = NameServer([f"{name}.test. A 127.0.0.1" for name in ("db", "ldap", "map")] +
                             ['ann.users.test. TXT "x"'])
        cls.addClassCleanup(cls.dns.__exit__, None, None, None)
        cls.folder = tempfile.mkdtemp(prefix="waybill-db-", dir="/var/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chmod(cls.folder, 0o755)
        db = sqlite3.connect(f"{cls.folder}/people.db")
        db.executescript("create table people (name, target);"
                         "insert into people values ('ann', 'x')")
        db.close()
        words = {"PGSQL": cls.pgsql.port, "LDAP": cls.ldap.port, "REDIS": cls.redis.path,
                 "SOCKET": cls.map.port, "DB": cls.folder}
        policy = POLICY
        for word, value in words.items():
            policy = policy.replace(f"@{word}@", str(value))
        cls.server = Server(policy, tables={"pgsql.secret": "s3 cret\n",
                                            "ldap.secret": "hidden\n"},
                            env={"WAYBILL_RESOLVER": cls.dns.address}, start=False)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        for name in ("pgsql.secret", "ldap.secret"):
            os.chmod(f"{cls.server.dir}/{name}", 0o600)
        cls.server.start()

    def rcpt(self, address):
        with self.server.smtp() as c:
            c.ehlo("far.test")
            c.mail("who@far.test")
            code, text = c.rcpt(address)
            return code, text.decode()

    def is_asked(self, name):
        self.assertEqual(self.rcpt(f"ann@{name}.test")[0], 250, name)
        self.assertEqual(self.rcpt(f"ANN@{name}.test")[0], 250, name)
        for user in ("bob", "ann*", "'or'1'='1", "*)(uid=*", "{key}"):
            local = f'"{user}"' if user != "bob" else user
            self.assertEqual(self.rcpt(f"{local}@{name}.test")[0], 550, (name, user))

    def test_each_is_asked(self):
        for name in NAMES:
            with self.subTest(name):
                self.is_asked(name)

    def test_each_is_lost_and_comes_back(self):
        for name, backend in (("pgsql", self.pgsql), ("ldap", self.ldap), ("redis", self.redis)):
            with self.subTest(name):
                self.is_asked(name)
                backend.kill()
                code, text = self.rcpt(f"ann@{name}.test")
                self.assertEqual((code, text.split()[0]), (451, "4.3.0"))
                self.assertEqual(self.rcpt("ann@sqlite.test")[0], 250)
                wait_for(lambda n=name: f"map=by_{n} driver={n} state=down" in self.server.log())
                backend.start()
                if name == "redis":
                    self.redis.call("SET", "mail:ann", "x")
                    os.chmod(self.redis.path, 0o777)
                wait_for(lambda n=name: self.rcpt(f"ann@{n}.test")[0] == 250)
        log = self.server.log()
        for secret in ("s3 cret", "hidden"):
            self.assertNotIn(secret, log)

    def test_what_is_wrong_is_said_once(self):
        for _ in range(5):
            self.assertEqual(self.rcpt("ann@wrong.test"), (451, "4.3.0 " + self.rcpt(
                "bob@wrong.test")[1].split(" ", 1)[1]))
        said = wait_for(lambda: [line for line in self.server.log().splitlines()
                                 if "no such column: aim" in line])
        self.assertEqual(len(said), 1)
        self.assertIn("map=by_wrong driver=sqlite", said[0])

    def test_what_is_kept_outlives_the_server(self):
        self.is_asked("socket")
        self.map.close()
        self.assertEqual(self.rcpt("ann@socket.test")[0], 250)
        self.assertEqual(self.rcpt("bob@socket.test")[0], 550)
        self.assertEqual(self.rcpt("cid@socket.test")[0], 451)

    def test_a_database_that_is_replaced(self):
        path = f"{self.folder}/people.db"
        db = sqlite3.connect(path + ".new")
        db.executescript("create table people (name, target);"
                         "insert into people values ('ann', 'x'), ('new', 'x')")
        db.close()
        os.rename(path + ".new", path)
        self.assertEqual(self.rcpt("new@sqlite.test")[0], 250)
        db = sqlite3.connect(path)
        db.execute("pragma journal_mode = wal")
        db.execute("insert into people values ('wal', 'x')")
        db.commit()
        for name in (path, path + "-wal", path + "-shm"):
            os.chmod(name, 0o644)
        self.assertEqual(self.rcpt("wal@sqlite.test")[0], 250)
        db.close()


class LeftOut(unittest.TestCase):
    """Only lookup has the libraries of databases."""

    def test_who_is_linked_with_them(self):
        libraries = ("libpq", "libldap", "libhiredis", "libsqlite3")
        for program in sorted(os.listdir(BUILD)):
            path = f"{BUILD}/{program}"
            if not program.startswith("waybill") or not os.access(path, os.X_OK) or \
                    os.path.isdir(path):
                continue
            out = subprocess.run(["readelf", "-d", path], capture_output=True, text=True,
                                 check=True).stdout
            named = [lib for lib in libraries if lib in out]
            if program == "waybill-lookup":
                self.assertIn("libsqlite3", named)
            elif program != "waybill-auth":
                self.assertEqual(named, [], program)


if __name__ == "__main__":
    unittest.main()
