#!/usr/bin/env python3
"""Tables on one page: look-ups/s of each driver, and a million entries.

    tables.py [--build DIR] [--rounds N] [files|servers|million ...]

Prints Markdown: tables that are files (ours as the server asks them, bare loops of the
databases' libraries, Postfix's postmap); tables that servers have (drivers.py); a million
aliases and virtusers (million.py).  All figures are medians of rounds in which
each row's columns follow one another.  Where Postfix, or a package of it, is not
there or lacks the type, there is a "-".
"""
import argparse
import os
import random
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import decisions  # noqa: E402

ENTRIES = 100000
DRAWN = 20000                   # keys asked for
RANDOM = random.Random(1)


def address(i):
    return f"user{i}@shop{i % 1000}.example"


def network(i):
    return f"{i // 65536 + 11}.{i // 256 % 256}.{i % 256}"


class Files:
    """A folder with a table of each driver, and what to ask it."""

    def __init__(self, m, rounds):
        self.m, self.rounds = m, rounds
        self.dir = tempfile.mkdtemp(prefix="waybill-bench-", dir="/var/tmp")
        self.pm = m.Postmap()
        self.keys("addresses", (address(RANDOM.randrange(ENTRIES)) for _ in range(DRAWN)))
        self.write("people", (f"{address(i)}\tbox{i}@inside.example\n" for i in range(ENTRIES)))

    def write(self, name, lines):
        with open(f"{self.dir}/{name}", "w", encoding="ascii") as f:
            f.writelines(lines)
        return f"{self.dir}/{name}"

    def keys(self, name, keys):
        return self.write(f"{name}.keys", (k + "\n" for k in keys))

    def row(self, name, entries, ask, postfix=None, bare=None, keys="addresses", n=1000000,
            asked=DRAWN):
        """ask: driver, kind, file; postfix: TYPE:FILE; asked: keys for postmap."""
        m, path = self.m, f"{self.dir}/{keys}.keys"
        driver, kind, file = ask
        mine, alone, theirs, each = [], [], [], None
        if not self.pm.has(postfix):
            postfix = None
        some = f"{path}.{asked}"
        with open(path, encoding="ascii") as f, open(some, "w", encoding="ascii") as g:
            lines = f.readlines()[:asked]
            g.writelines(lines)
        for _ in range(self.rounds):
            got = m.AskFile(driver, kind, f"{self.dir}/{file}", path, n)
            if got.found != n:
                raise SystemExit(f"{name}: {got.found} of {n} were found")
            mine.append(1e9 / got.ns)
            if bare:
                alone.append(1e9 / m.AskFile("bare", bare, f"{self.dir}/{file}", path, n).ns)
            if postfix:
                theirs.append(1 / self.pm.query_s(postfix, some, len(lines)))
        one = None if driver == "passwd" else m.median(
            [m.Ran(self.one(ask, lines[0].strip())).cpu_s for _ in range(5)])
        if postfix:
            each = self.pm.each_s(postfix, lines[0].strip())
        rate, alone, theirs = m.median(mine), m.median(alone), m.median(theirs)
        m.row(name, f"{entries:,}", rate, alone, m.ratio(rate, alone), theirs,
              m.ratio(rate, theirs), one and one * 1e3, each and each * 1e3)

    def one(self, ask, key):
        driver, kind, file = ask
        file = f"{self.dir}/{file}"
        cmd = [f"{self.m.BUILD}/waybill", "map", "query", "--as", kind]
        if driver in ("cidr", "regex"):
            cmd += ["--driver", driver]
        return [*cmd, file, key]

    def build(self, to):
        """Each format under a name of its own."""
        shutil.copy(f"{self.dir}/people", f"{self.dir}/of-{to}")
        self.m.Ran([f"{self.m.BUILD}/waybill", "map", "build", "--as", "virtusers",
                    "--to", to, f"{self.dir}/of-{to}"])

    def of_postfix(self, kind):
        if not self.pm.has(f"{kind}:"):
            return None
        name = f"{self.dir}/pm-{kind}"
        shutil.copy(f"{self.dir}/people", name)
        self.m.Ran(self.pm.command(f"{kind}:{name}"))
        return f"{kind}:{name}"

    def hashed(self):
        self.row("text", ENTRIES, ("text", "virtusers", "people"), f"texthash:{self.dir}/people")
        for name in ("gdbm", "cdb", "lmdb"):
            self.build(name)
            self.row(name, ENTRIES, (name, "virtusers", f"of-{name}.{name}"),
                     self.of_postfix(name), bare=name)
        for name in ("hash", "btree"):
            postfix = self.of_postfix(name)
            if postfix:
                self.row(f"{name}, made by Postfix", ENTRIES,
                         (name, "virtusers", f"pm-{name}.db"), postfix)

    def patterns(self):
        path = self.write("nets", (f"{network(i)}.0/24 net{i}\n" for i in range(1000)))
        self.keys("nets", (f"{network(RANDOM.randrange(1000))}.7" for _ in range(DRAWN)))
        self.row("cidr", 1000, ("cidr", "plain", "nets"), f"cidr:{path}", keys="nets")
        for n, asks in ((10, 1000000), (1000, 20000)):
            path = self.write(f"re{n}", (f"/^user{i}-.*@shop\\.example$/ box{i}\n"
                                         for i in range(n)))
            self.keys(f"re{n}", (f"user{RANDOM.randrange(n)}-x@shop.example"
                                 for _ in range(DRAWN)))
            for kind in ("pcre", "regexp"):
                self.row(f"regex, beside {kind}", n, ("regex", "plain", f"re{n}"),
                         f"{kind}:{path}", keys=f"re{n}", n=asks,
                         asked=DRAWN if n == 10 else 2000)

    def passwd(self):
        with open("/etc/passwd", encoding="utf-8") as f:
            names = [line.split(":")[0] for line in f]
        shutil.copy("/etc/passwd", f"{self.dir}/passwd")
        self.keys("passwd", (RANDOM.choice(names) for _ in range(DRAWN)))
        self.row("passwd", len(names), ("passwd", "plain", "passwd"), "unix:passwd.byname",
                 keys="passwd")

    def made(self):
        """`sender in t`: a decision with one rule, in the server's own room."""
        bench = decisions.Bench(self.m.BUILD, self.dir, self.rounds * 5)
        half = ENTRIES // 2
        for name, first, end in (("one", 0, half), ("two", half, ENTRIES)):
            self.write(name, (f"{address(i)} x\n" for i in range(first, end)))
        self.write("next", ("x y\n",))
        inline = ", ".join(f'"{address(i)}" = "x"' for i in range(half, half + 100))
        asked = [RANDOM.randrange(half, ENTRIES) for _ in range(DRAWN)]
        few = [half + i % 100 for i in range(DRAWN)]
        self.m.head("`sender in t` of `on mail`", "ns")
        for name, words, keys in (
                ("in place, 100 entries", f"map t = {{ {inline} }}", few),
                ("text, 50,000 entries", 'map t = text "two"', asked),
                ("first of two, the second has it", "map t = first of one, two", asked),
                ("union of the two", "map t = union of one, two", asked),
                ("pipe of one and another", "map t = pipe of two, next", asked)):
            bench.write("made.conf", (decisions.HEAD, 'map one = text "one"\n'
                                      'map two = text "two"\nmap next = text "next"\n', words,
                                      "\non mail { sender in t => reject }\n"
                                      "on rcpt { rcpt.domain in ours => accept }\n"
                                      "route { otherwise => mx }\n"))
            ns, _, said = bench.measure("made.conf", (
                f"ask mail {decisions.OUTSIDE} from={address(i)}\n" for i in keys))["on mail"]
            if said != ["reject"]:
                raise SystemExit(f"{name}: {said}")
            self.m.row(name, ns)

    def close(self):
        self.pm.remove()
        shutil.rmtree(self.dir)


def files(m, rounds):
    print("### Tables that are files\n\nLook-ups for a second of processor; `one key`: "
          "milliseconds of processor of one `waybill map query`, of one `postmap -q`.\n")
    m.head("driver", "entries", "in the server", "bare loop", "ours/bare", "`postmap -q -`",
           "ours/postmap", "one key, ours", "one key, postmap")
    f = Files(m, rounds)
    try:
        f.hashed()
        f.patterns()
        f.passwd()
        print()
        f.made()
    finally:
        f.close()


def servers(m, rounds):
    import drivers
    m.ROUNDS = rounds
    print("\n### Tables that servers have\n\nLook-ups/s of the clock, and microseconds of processor, of asker and server, for one.\n")
    drivers.page(20000)


def million(m, rounds):
    import million as page
    page.page(rounds)


def main():
    parts = {"files": files, "servers": servers, "million": million}
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--build", default=os.environ.get("WB_BUILD", "."))
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("what", nargs="*", choices=[*parts, []])
    args = ap.parse_args()
    os.environ["WB_BUILD"] = os.path.abspath(args.build)
    import measured
    for name in args.what or parts:
        parts[name](measured, args.rounds)


if __name__ == "__main__":
    main()
