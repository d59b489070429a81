"""Tables of PostgreSQL, asked of Debian's server."""
import os
import unittest

import asked_cases
from asked import Asked
from backends import Postgres
from server import BUILD, wait_for

with open(f"{BUILD}/config.h", encoding="ascii") as f:
    BUILT = "\n#define WITH_PGSQL 1" in f.read()
ASK = "select target from people where name = {key}"


@unittest.skipUnless(BUILT and Postgres.BIN, "PostgreSQL is not there")
class PostgresTable(asked_cases.Cases, unittest.TestCase):
    GONE = r"Connection refused|No such file|server closed|starting up|shutting down|terminating"

    @classmethod
    def setUpClass(cls):
        cls.backend = Postgres()
        cls.addClassCleanup(cls.backend.close)
        cls.backend.sql(f"""
            create table people (name text primary key, target text, quota text, n int);
            insert into people values ('ann', 'ann@x', '2G', 7), ('blank', '', null, null),
                ('{asked_cases.LONG}', 'long@x', null, null),
                ('{asked_cases.UTF8}', 'grüße@x', null, null),
                ('null', null, null, null), ('ann@x.example', 'split', null, null),
                ('it''s', 'quoted', null, null);
            create table lists (name text, member text);
            insert into lists values ('all', 'ann'), ('all', null), ('all', 'bob');
            create table hidden (name text);
            create role mail login password 's3 cret';
            grant select on people, lists to mail;""")

    def local(self, user="boss"):
        return f"host={self.backend.dir} port={self.backend.port} user={user} dbname=postgres"

    def tcp(self, more="", host="127.0.0.1"):
        return f"host={host} port={self.backend.port} dbname=postgres {more}"

    def table(self, where=None, **options):
        options.setdefault("query", ASK)
        return Asked("pgsql", where or self.local(), **options)

    def test_columns_and_rows(self):
        with self.table(query="select quota, n, target from people where name = {key}") as t:
            self.found(t, "ann", "quota=2G\nn=7\ntarget=ann@x")
            self.found(t, "blank", "target=")
        with self.table(query="select member from lists where name = {key}",
                        kind="aliases") as t:
            self.found(t, "all", "ann, bob")
        with self.table() as t:
            self.assertEqual(t.ask("null"), ("none", ""))
            self.found(t, "it's", "quoted")
        with self.table(query="select target from people where name = {user} || '@' || {domain} "
                        "and name like '%' || {key}") as t:
            self.found(t, "ann@x.example", "split")
            self.assertEqual(t.ask("ann"), ("none", ""))
        with self.table(query="select n::text from people where n = {key}") as t:
            self.found(t, "7", "7")
            result, why = t.ask("seven")
            self.assertEqual(result, "broken")
            self.assertIn("invalid input syntax for type integer", why)
            self.found(t, "7", "7")

    def test_names_are_resolved_and_logins_checked(self):
        with self.table(where=self.tcp(host="db.test"), login="mail", password="s3 cret",
                        records=["AAAA:db.test=::1", "A:db.test=127.0.0.1"]) as t:
            self.found(t, "ann", "ann@x")
        with self.table(where=f"postgresql://db.test:{self.backend.port}/postgres",
                        login="mail", password="s3 cret",
                        records=["A:db.test=127.0.0.1"]) as t:
            self.found(t, "ann", "ann@x")
        # The second of two hosts; the first has no address.
        with self.table(where=self.tcp(host=f"nobody.test,{self.backend.dir}"),
                        login="boss") as t:
            self.found(t, "ann", "ann@x")
        self.fails("later", "password authentication failed", where=self.tcp(),
                   login="mail", password="wrong")
        self.fails("later", "no password supplied", where=self.tcp(), login="mail")
        self.fails("later", "has no address", where=self.tcp(host="nobody.test"), login="mail")
        self.fails("later", 'role "nobody" does not exist', where=self.local("nobody"))
        self.fails("later", 'database "no" does not exist',
                   where=self.local().replace("dbname=postgres", "dbname=no"))

    def test_what_cannot_be_served_is_refused(self):
        self.refused("login", where=self.tcp("password=x"))
        self.refused("login", where="postgresql://u:secret@db.test/x")
        self.refused("service", where="service=x")
        self.refused("twice", where=self.tcp("user=x"), login="mail")
        self.refused("invalid connection option", where="hots=x")
        self.refused("without quotes", query="select target from people where name = '{key}'")
        self.refused("without quotes", query="select 1 -- {key}")
        self.refused("without quotes", query="select 1 /* {key} */")
        self.refused("in braces", query="select {name}")
        self.refused("no query", query="")

    def test_errors_of_the_query(self):
        self.fails("broken", 'relation "persons" does not exist (42P01)',
                   query="select x from persons where y = {key}")
        self.fails("broken", 'column "aim" does not exist',
                   query="select aim from people where name = {key}")
        self.fails("broken", "syntax error", query="selekt {key}")
        self.fails("broken", "multiple commands",
                   query="select target from people where name = {key}; select 1")
        self.fails("broken", "no SELECT", query="set application_name = 'x'")
        self.fails("broken", "something else", query="copy people to stdout")
        self.fails("broken", "permission denied", where=self.tcp(), login="mail",
                   password="s3 cret", query="select name from hidden where name = {key}")

    def test_errors_do_not_stay(self):
        with self.table(connections=1, query="select 1/(n - 7) from people where name = {key}") \
                as t:
            for _ in range(3):
                result, why = t.ask("ann")
                self.assertEqual(result, "broken")
                self.assertIn("division by zero", why)
                self.assertEqual(t.ask("bob"), ("none", ""))
            self.assertEqual(t.stats()["connections"], 1)

    def test_too_much_is_said(self):
        with self.table(connections=1, kind="aliases",
                        query="select case {key}::text when 'wide' then repeat('x', 2000000) "
                        "else 'm' || i end from generate_series(1, case {key}::text when 'long' "
                        "then 200000 else 1 end) i") as t:
            for key in ("wide", "long"):
                result, why = t.ask(key)
                self.assertEqual(result, "broken", why)
                self.assertIn("1 MiB", why)
            self.found(t, "ann", "m1")

    def test_locks_and_slow_queries_end(self):
        with self.table(timeout=3000, connections=1,
                        query="select target from people, pg_sleep(case {key}::text when 'slow' "
                        "then 20 else 0 end) where name = replace({key}, 'slow', 'ann')") as t:
            self.soon(t)
            self.assertEqual(t.ask("slow")[0], "later")
            self.soon(t)
        # The server has given it up too.
        wait_for(lambda: self.backend.sql(
            "select count(*) from pg_stat_activity where query like '%pg_sleep%' "
            "and state = 'active' and pid <> pg_backend_pid()") == "0")

    def test_a_connection_that_the_server_ends(self):
        end = ("select count(pg_terminate_backend(pid)) from pg_stat_activity "
               "where application_name = 'waybill'")
        with self.table(connections=1) as t:
            for _ in range(3):
                self.found(t, "ann", "ann@x")
                # One that is ending is still in the list.
                self.assertGreaterEqual(int(self.backend.sql(end)), 1)
                self.found(t, "ann", "ann@x")
        with self.table(connections=1,
                        query="select target from people, pg_sleep(0.3) where name = {key}") as t:
            self.found(t, "ann", "ann@x")
            n = t.send("ann")
            wait_for(lambda: self.backend.sql(end) != "0", step=0.01)
            self.assertEqual(t.answer(n), ("found", b"ann@x"))

    def test_connections_are_bounded_by_the_server_too(self):
        self.backend.sql("alter role mail connection limit 1")
        try:
            with self.table(where=self.tcp(), login="mail", password="s3 cret",
                            connections=4) as t:
                asked = [t.send("ann") for _ in range(200)]
                for n in asked:
                    self.assertEqual(t.answer(n), ("found", b"ann@x"))
                self.assertEqual(t.stats()["connections"], 1)
        finally:
            self.backend.sql("alter role mail connection limit -1")

    def test_tls_as_the_conninfo_says(self):
        self.fails("later", "SSL", where=self.tcp("sslmode=require"), login="mail",
                   password="s3 cret")
        import subprocess
        data = f"{self.backend.dir}/data"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout",
             f"{data}/server.key", "-out", f"{data}/server.crt", "-subj", "/CN=db.test",
             "-addext", "subjectAltName=DNS:db.test"], check=True, stderr=subprocess.DEVNULL)
        os.chmod(f"{data}/server.key", 0o600)
        if self.backend.user is not None:
            for name in ("server.key", "server.crt"):
                os.chown(f"{data}/{name}", self.backend.user, -1)
        self.backend.sql("alter system set ssl = on")
        self.backend.sql("select pg_reload_conf()")
        cert = f"{self.backend.dir}/root.crt"
        with open(f"{data}/server.crt", encoding="ascii") as f, \
                open(cert, "w", encoding="ascii") as out:
            out.write(f.read())
        verify = f"sslmode=verify-full sslrootcert={cert}"
        with self.table(where=self.tcp(verify, "db.test"), login="mail", password="s3 cret",
                        records=["A:db.test=127.0.0.1"]) as t:
            self.soon(t)
        self.fails("later", "does not match host name", where=self.tcp(verify, "other.test"),
                   login="mail", password="s3 cret", records=["A:other.test=127.0.0.1"])


if __name__ == "__main__":
    unittest.main()
