"""A million aliases and a million virtusers: building databases, reading, asking, memory.

A part of tables.py.  The same texts go through `waybill map build` and through Postfix's
postalias and postmap; times are of the processor, and beside them those of the clock, which
has the disk in it.
"""
import os
import random
import re
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../integration"]
import measured as m  # noqa: E402
import server as srv  # noqa: E402

ENTRIES = 1000000
ASKED = 200000
TOUCHED = 2000
KINDS = {
    "aliases": (lambda i: f"user{i}: box{i}\n", lambda i: f"user{i}"),
    "virtusers": (lambda i: f"user{i}@shop{i % 1000}.example\tbox{i}@inside.example\n",
                  lambda i: f"user{i}@shop{i % 1000}.example"),
}
OURS = ("gdbm", "cdb", "lmdb")
POSTFIX = ("hash", "btree", "cdb", "lmdb")
POLICY = """
edition 1
hostname "mx.bench.example"
set ours = { "bench.example" }
map aliases = text "aliases" as aliases
map virtusers = text "virtusers" as virtusers
listen smtp on "127.0.0.1:@PORT@"
on rcpt { rcpt.domain in ours => accept }
route {
    rcpt.domain in ours => expand virtusers, expand aliases
    otherwise => mx
}
"""


class Tables:
    def __init__(self, rounds):
        self.rounds = rounds
        self.dir = tempfile.mkdtemp(prefix="waybill-bench-", dir="/var/tmp")
        self.pm = m.Postmap()
        drawn = random.Random(1)
        for kind, (line, key) in KINDS.items():
            self.write(kind, (line(i) for i in range(ENTRIES)))
            self.write(f"{kind}.keys", (key(drawn.randrange(ENTRIES)) + "\n"
                                        for _ in range(ASKED)))

    def write(self, name, lines):
        with open(f"{self.dir}/{name}", "w", encoding="ascii") as f:
            f.writelines(lines)

    def build(self, name, cmd, file):
        runs = []
        for _ in range(self.rounds):
            if os.path.exists(file):
                os.unlink(file)
            runs.append(m.Ran(cmd))
        m.row(name, m.median([r.cpu_s for r in runs]), m.median([r.wall_s for r in runs]),
              os.path.getsize(file) / 2**20, max(r.mib for r in runs))

    def builds(self, kind):
        text = f"{self.dir}/{kind}"
        for to in OURS:
            self.build(f"{kind}: `waybill map build --to {to}`",
                       [f"{m.BUILD}/waybill", "map", "build", "--as", kind, "--to", to, text],
                       f"{text}.{to}")
        tool = "postalias" if kind == "aliases" else "postmap"
        of = f"{self.dir}/pm-{kind}"
        shutil.copy(text, of)
        for to in POSTFIX:
            if not self.pm.has(f"{to}:"):
                continue
            name = f"{of}.{'db' if to in ('hash', 'btree') else to}"
            self.build(f"{kind}: `{tool} {to}:`", self.pm.command(f"{to}:{of}", name=tool), name)
            if to == "hash":
                shutil.copy(name, f"{self.dir}/hash-{kind}.db")

    def asks(self, kind):
        """`read`, `index`, cold and hot of ours; hot of the others."""
        keys = f"{self.dir}/{kind}.keys"
        for driver in ("text", *OURS):
            file = f"{self.dir}/{kind}" + ("" if driver == "text" else f".{driver}")
            runs = [m.AskFile(driver, kind, file, keys, ASKED) for _ in range(self.rounds)]
            m.row(f"{kind}: {driver}", *(m.median([getattr(r, name) / by for r in runs])
                                        for name, by in (("read_ms", 1), ("index_ms", 1),
                                                         ("octets", 2**20), ("cold_ns", 1),
                                                         ("ns", 1))),
                  max(r.mib for r in runs))
        for library in OURS:
            runs = [m.AskFile("bare", library, f"{self.dir}/{kind}.{library}", keys, ASKED)
                    for _ in range(self.rounds)]
            m.row(f"{kind}: {library} alone", None, None, None,
                  *(m.median([getattr(r, name) for r in runs]) for name in ("cold_ns", "ns")),
                  None)
        for to in POSTFIX:
            table = f"{to}:{self.dir}/" + ("hash-" if to == "hash" else "pm-") + kind
            if self.pm.has(table):
                m.row(f"{kind}: `postmap -q - {to}:`", None, None, None, None, m.median(
                    [self.pm.query_s(table, keys, ASKED) * 1e9 for _ in range(self.rounds)]),
                      None)

    def memory(self):
        """Of each process with both tables: all, what is its own, what it has touched of indexes."""
        tables = {}
        for kind in KINDS:
            with open(f"{self.dir}/{kind}", encoding="ascii") as f:
                tables[kind] = f.read()
        s = srv.Server(POLICY, tables=tables, start=False)
        del tables
        try:
            began = time.monotonic()
            s.start()
            m.row("both read: s of the clock until the first session",
                  time.monotonic() - began, None, None)
            for name, n in re.findall(r"event=table-read map=(\S+) .* octets=(\d+)", s.log()):
                m.row(f"the index of {name}, in memory once", None, None, int(n) / 2**20)
            touch(s)
            for name, pids in sorted(s.processes().items()):
                rows = [rollup(pid) for pid in pids]
                m.row(f"{name} ({len(pids)})" if len(pids) > 1 else name,
                      *(sum(r[field] for r in rows) / 1024 for field in
                        ("Pss", "Pss_Anon", "Pss_Shmem")))
        finally:
            s.stop()
            shutil.rmtree(s.dir)

    def close(self):
        self.pm.remove()
        shutil.rmtree(self.dir)


def touch(server):
    """Recipients drawn at random, so that pages of the indexes are in the processes."""
    drawn = random.Random(2)
    with server.smtp() as c:
        c.ehlo()
        c.mail("a@elsewhere.example")
        for _ in range(TOUCHED):
            c.rcpt(f"user{drawn.randrange(ENTRIES)}@bench.example")
            c.rset()
            c.mail("a@elsewhere.example")


def rollup(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return {name: int(kib) for name, kib in re.findall(r"(\w+): +(\d+) kB", f.read())}


def page(rounds):
    t = Tables(rounds)
    print(f"\n### {ENTRIES:,} aliases and virtusers\n")
    try:
        m.head("building", "s of processor", "s of the clock", "MiB of the file",
               "MiB of memory")
        for kind in KINDS:
            t.builds(kind)
        print()
        m.head("asking", "read, ms", "into the index, ms", "MiB of the index",
               "one look-up, cold, ns", "hot, ns", "MiB of memory to read it")
        for kind in KINDS:
            t.asks(kind)
        print()
        m.head("the running server", "PSS, MiB", "its own, MiB", "of indexes, MiB")
        t.memory()
    finally:
        t.close()
