#!/usr/bin/env python3
"""Look-ups/s of tables that servers have, beside `postmap -q` of Postfix.

    WB_BUILD=BUILD test/bench/drivers.py [--n 20000]

Debian's redis, PostgreSQL and slapd on loopback, an SQLite file, a socketmap server
in Python (which is what is measured there).  10,000 keys; ours asks one of them again and again, without a cache.
Columns, medians of three: one question after the other; 64 at once on 4 connections; `postmap -q -` with all
keys on its input; one `postmap -q KEY` for each key.  Prints rows of doc/performance.md.
"""
import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../integration")
from asked import Asked  # noqa: E402
from backends import Postgres, Redis, Slapd, SocketMap  # noqa: E402

KEYS = 10000
QUERY = "select target from people where name = {key}"


def middle(rate, *args):
    """Of three: other programs disturb."""
    return statistics.median(rate(*args) for _ in range(3))


def ours(n, *args, **options):
    def rate(parallel, connections, count):
        with Asked(*args, connections=connections, timeout=60000, **options) as t:
            t.bench(100, 1, "user7")
            got = t.bench(count, parallel, "user7")
            assert got["found"] == count, got
            return count * 1e6 / got["us"]
    return middle(rate, 1, 1, n // 4), middle(rate, 64, 4, n)


class Postmap:
    """A folder of configuration of its own; None where Postfix is not there."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="postmap-", dir="/var/tmp")
        with open(f"{self.dir}/main.cf", "w", encoding="ascii") as f:
            f.write("compatibility_level = 3.6\n")
        if os.path.exists("/etc/postfix/dynamicmaps.cf"):
            shutil.copy("/etc/postfix/dynamicmaps.cf", self.dir)
            if os.path.isdir("/etc/postfix/dynamicmaps.cf.d"):
                shutil.copytree("/etc/postfix/dynamicmaps.cf.d", f"{self.dir}/dynamicmaps.cf.d")
        self.program = shutil.which("postmap") or "/usr/sbin/postmap"

    def table(self, kind, text):
        path = f"{self.dir}/{kind}.cf"
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return f"{kind}:{path}"

    def rates(self, table, n):
        """`postmap -q -`, and one process for each; None: Postfix lacks the kind."""
        cmd = [self.program, "-c", self.dir, "-q"]
        one = subprocess.run([*cmd, "user7", table], capture_output=True, text=True, check=False)
        if one.stdout.strip() != "user7@x":
            print(f"postmap {table}: {one.stderr.strip()}", file=sys.stderr)
            return None, None
        keys = "".join(f"user{i % KEYS}\n" for i in range(n))

        def on_input():
            start = time.monotonic()
            out = subprocess.run([*cmd, "-", table], input=keys, capture_output=True,
                                 text=True, check=True).stdout
            assert out.count("\n") == n, out[:200]
            return n / (time.monotonic() - start)

        def each():
            start = time.monotonic()
            for i in range(50):
                subprocess.run([*cmd, f"user{i}", table], stdout=subprocess.DEVNULL, check=True)
            return 50 / (time.monotonic() - start)
        return middle(on_input), middle(each)


def row(name, mine, theirs):
    def cell(x):
        return "-" if x is None else f"{round(x, -1 if x > 100 else 0):,.0f}"
    print("| " + " | ".join([name] + [cell(x) for x in (*mine, *theirs)]) + " |", flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--n", type=int, default=20000)
    n = ap.parse_args().n
    people = [(f"user{i}", f"user{i}@x") for i in range(KEYS)]
    pm = Postmap()
    print("| | one by one | 64 at once | `postmap -q -` | `postmap -q KEY` |\n|---|---|---|---|---|")

    path = f"{pm.dir}/people.db"
    db = sqlite3.connect(path)
    db.execute("create table people (name text primary key, target text)")
    db.executemany("insert into people values (?, ?)", people)
    db.commit()
    db.close()
    row("sqlite", ours(n, "sqlite", path, query=QUERY), pm.rates(pm.table(
        "sqlite", f"dbpath = {path}\nquery = select target from people where name = '%s'\n"), n))

    with Postgres() as pg:
        pg.sql("create table people (name text primary key, target text);"
               f"insert into people select 'user' || i, 'user' || i || '@x' "
               f"from generate_series(0, {KEYS - 1}) i; analyze people")
        where = f"host={pg.dir} port={pg.port} user=boss dbname=postgres"
        row("pgsql", ours(n, "pgsql", where, query=QUERY), pm.rates(pm.table(
            "pgsql", f"hosts = postgresql://boss@/postgres?host={pg.dir}&port={pg.port}\nuser = boss\n"
            "dbname = postgres\n"
            "query = select target from people where name = '%s'\n"), n))

    with Slapd() as ldap:
        ldap.kill(15)
        ldap.add("".join(ldap.person(name, mail=target) for name, target in people))
        ldap.start()
        url = f"ldap://127.0.0.1:{ldap.port}"
        row("ldap", ours(n, "ldap", url, base="dc=test", filter="(uid={key})",
                         attributes="mail"),
            pm.rates(pm.table("ldap", f"server_host = {url}\nsearch_base = dc=test\n"
                              "query_filter = (uid=%s)\nresult_attribute = mail\nbind = no\n"
                              "version = 3\n"), n))

    with Redis() as redis:
        for name, target in people:
            redis.call("SET", f"mail:{name}", target)
        row("redis", ours(n, "redis", f"unix:{redis.path}", query="GET mail:{key}"),
            (None, None))

    with SocketMap({name.encode(): target for name, target in people}) as m:
        row("socket", ours(n // 2, "socket", f"127.0.0.1:{m.port}", map="people"),
            pm.rates(f"socketmap:inet:127.0.0.1:{m.port}:people", n // 2))
    shutil.rmtree(pm.dir)


if __name__ == "__main__":
    main()
