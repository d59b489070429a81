#!/usr/bin/env python3
"""Look-ups/s of tables that servers have, beside `postmap -q` of Postfix.

    WB_BUILD=DIR test/bench/drivers.py [--n 20000]

Debian's redis, PostgreSQL and slapd on loopback, an SQLite file, a socketmap server
in Python (which is what is measured there).  10,000 keys; ours asks one of them again
and again.  Columns, medians: one question after the other; 64 at once on 4 connections;
`postmap -q -` with all keys on its input; each with microseconds of processor for one
look-up, of who asks and of the server; ratios of those; one `postmap -q KEY` for each key.
A part of tables.py.
"""
import argparse
import os
import sqlite3
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../integration"]
import measured  # noqa: E402
from asked import Asked  # noqa: E402
from backends import Postgres, Redis, Slapd, SocketMap  # noqa: E402

KEYS = 10000
QUERY = "select target from people where name = {key}"
THEIRS = "select target from people where name = '%s'"


TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def used_s(pid):
    """Processor of a process, its threads, and the children it has waited for."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:15]) * TICK_S


class Clock:
    """Look-ups/s, and microseconds of processor for one: asker and server."""

    def __init__(self, server):
        self.server = server

    def server_s(self):
        if isinstance(self.server, SocketMap):
            return time.process_time()      # it is in this process
        if self.server is None:
            return 0
        return sum(used_s(pid) for pid in [self.server.proc.pid, *self.server.children()])

    def ours(self, parallel, connections, count, *args, **options):
        with Asked(*args, connections=connections, timeout=60000, **options) as t:
            t.bench(100, 1, "user7")
            began = self.server_s() + used_s(t.proc.pid)
            got = t.bench(count, parallel, "user7")
            used = self.server_s() + used_s(t.proc.pid) - began
        assert got["found"] == count, got
        return count * 1e6 / got["us"], used * 1e6 / count

    def theirs(self, cmd, keys, count):
        began = self.server_s()
        ran = measured.Ran(cmd, stdin=keys)
        assert ran.out.count("\n") == count, ran.out[:200]
        used = ran.cpu_s + self.server_s() - began
        return count / ran.wall_s, used * 1e6 / count


class Postmap(measured.Postmap):
    def table(self, kind, text):
        path = f"{self.dir}/{kind}.cf"
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return f"{kind}:{path}"

    def is_there(self, table):
        if table is None or not self.has(table):
            return False
        one = subprocess.run(self.command("-q", "user7", table), capture_output=True, text=True,
                             check=False)
        if one.stdout.strip() != "user7@x":
            raise SystemExit(f"postmap {table}: {one.stderr.strip()}")
        return True

    def keys(self, n):
        path = f"{self.dir}/keys"
        with open(path, "w", encoding="ascii") as f:
            f.writelines(f"user{i % KEYS}\n" for i in range(n))
        return path


def row(name, server, pm, table, n, *args, **options):
    """All columns in each round; other programs disturb."""
    clock = Clock(server)
    ways = [lambda: clock.ours(1, 1, n // 4, *args, **options),
            lambda: clock.ours(64, 4, n, *args, **options)]
    if pm.is_there(table):
        cmd = pm.command("-q", "-", table)
        keys = pm.keys(n)
        ways += [lambda: clock.theirs(cmd, keys, n),
                 lambda: (1 / measured.Ran(pm.command("-q", "user7", table)).wall_s, None)]
    rounds = [[way() for way in ways] for _ in range(measured.ROUNDS)]
    got = [[measured.median(v) for v in zip(*way)] for way in zip(*rounds)]
    one, many, theirs, each = (got + [[None, None]] * 2)[:4]
    measured.row(name, *one, *many, *theirs, measured.ratio(one[1], theirs[1]),
                 measured.ratio(many[1], theirs[1]), each[0])


def page(n):
    pm = Postmap()
    try:
        rows(pm, n)
    finally:
        pm.remove()


def rows(pm, n):
    people = [(f"user{i}", f"user{i}@x") for i in range(KEYS)]
    measured.head("driver", "one by one", "us", "64 at once", "us", "`postmap -q -`", "us",
                  "us: one by one/postmap", "us: 64/postmap", "`postmap -q KEY`")
    row("dns, its records known", None, pm, None, 10 * n, "dns", "{key}.example",
        ["A:user7.example=192.0.2.1"], type="A")

    path = f"{pm.dir}/people.db"
    db = sqlite3.connect(path)
    db.execute("create table people (name text primary key, target text)")
    db.executemany("insert into people values (?, ?)", people)
    db.commit()
    db.close()
    row("sqlite, with cache", None, pm, None, 10 * n, "sqlite", path, query=QUERY, cache=60000)
    row("sqlite", None, pm, pm.table("sqlite", f"dbpath = {path}\nquery = {THEIRS}\n"), n,
        "sqlite", path, query=QUERY)

    with Postgres() as pg:
        pg.sql("create table people (name text primary key, target text);"
               f"insert into people select 'user' || i, 'user' || i || '@x' "
               f"from generate_series(0, {KEYS - 1}) i; analyze people")
        table = pm.table("pgsql", "hosts = postgresql://boss@/postgres?"
                         f"host={pg.dir}&port={pg.port}\nuser = boss\n"
                         f"dbname = postgres\nquery = {THEIRS}\n")
        row("pgsql", pg, pm, table, n, "pgsql",
            f"host={pg.dir} port={pg.port} user=boss dbname=postgres", query=QUERY)

    with Slapd() as ldap:
        ldap.kill(15)
        ldap.add("".join(ldap.person(name, mail=target) for name, target in people))
        ldap.start()
        url = f"ldap://127.0.0.1:{ldap.port}"
        table = pm.table("ldap", f"server_host = {url}\nsearch_base = dc=test\n"
                         "query_filter = (uid=%s)\nresult_attribute = mail\nbind = no\n"
                         "version = 3\n")
        row("ldap", ldap, pm, table, n, "ldap", url, base="dc=test", filter="(uid={key})",
            attributes="mail")

    with Redis() as redis:
        for name, target in people:
            redis.call("SET", f"mail:{name}", target)
        row("redis", redis, pm, None, n, "redis", f"unix:{redis.path}", query="GET mail:{key}")

    with SocketMap({name.encode(): target for name, target in people}) as s:
        row("socket", s, pm, f"socketmap:inet:127.0.0.1:{s.port}:people", n // 2, "socket",
            f"127.0.0.1:{s.port}", map="people")


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--n", type=int, default=20000)
    page(ap.parse_args().n)


if __name__ == "__main__":
    main()
