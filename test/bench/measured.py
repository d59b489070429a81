"""What the measurements of tables share: programs with their time and memory, Postfix's
postmap in a folder of its own, medians, rows of a page in Markdown.
"""
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time

BUILD = os.environ.get("WB_BUILD", os.getcwd())
ROUNDS = 3                      # other programs disturb


class Ran:
    """A program that has ended well."""

    def __init__(self, cmd, stdin=None, keep=True):
        start = time.monotonic()
        with tempfile.TemporaryFile() as out, \
                open(stdin or os.devnull, "rb") as given:
            proc = subprocess.Popen(cmd, stdin=given, stdout=out,
                                    stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(proc.pid, 0)
            proc.returncode = os.waitstatus_to_exitcode(status)
            self.wall_s = time.monotonic() - start
            out.seek(0)
            self.out = out.read().decode() if keep or proc.returncode else ""
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.mib = usage.ru_maxrss / 1024   # never less than of this program, which it began as
        if proc.returncode:
            raise SystemExit(f"{' '.join(cmd)}: status {proc.returncode}\n{self.out[-2000:]}")


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


class Postmap:
    """postmap and postalias with a configuration of their own."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="postmap-", dir="/var/tmp")
        with open(f"{self.dir}/main.cf", "w", encoding="ascii") as f:
            f.write("compatibility_level = 3.6\n")
        if os.path.exists("/etc/postfix/dynamicmaps.cf"):
            shutil.copy("/etc/postfix/dynamicmaps.cf", self.dir)
            if os.path.isdir("/etc/postfix/dynamicmaps.cf.d"):
                shutil.copytree("/etc/postfix/dynamicmaps.cf.d",
                                f"{self.dir}/dynamicmaps.cf.d")
        self.types = set()
        if self.find("postconf"):
            self.types = set(Ran([self.find("postconf"), "-c", self.dir, "-m"]).out.split())

    @staticmethod
    def find(name):
        return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")

    def has(self, table):
        return table is not None and table.partition(":")[0] in self.types

    def command(self, *args, name="postmap"):
        return [self.find(name), "-c", self.dir, *args]

    def query_s(self, table, keys, n, found=None):
        """Seconds of processor for each of n keys on its input."""
        ran = Ran(self.command("-q", "-", table), stdin=keys)
        if ran.out.count("\n") != (n if found is None else found):
            raise SystemExit(f"postmap -q - {table}: {ran.out[:500]}")
        return ran.cpu_s / n

    def each_s(self, table, key):
        """Of a process for one key."""
        return median([Ran(self.command("-q", key, table)).cpu_s for _ in range(5)])

    def remove(self):
        shutil.rmtree(self.dir)


class AskFile:
    """One run of test/bench/ask_file."""

    def __init__(self, *args):
        ran = Ran([f"{BUILD}/test/bench/ask_file", *map(str, args)])
        self.mib = ran.mib
        self.__dict__.update({k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", ran.out)})


def number(x):
    """Three digits are all that a shared machine gives."""
    if x is None:
        return "-"
    if x >= 100:
        return f"{float(f'{x:.3g}'):,.0f}"
    return f"{x:.3g}"


def ratio(x, y):
    return "-" if x is None or y is None else f"{x / y:.2g}x" if x / y < 100 else f"{x / y:.0f}x"


def row(*cells):
    print("| " + " | ".join(c if isinstance(c, str) else number(c) for c in cells) + " |",
          flush=True)


def head(*cells):
    row(*cells)
    print("|" + "---|" * len(cells))
