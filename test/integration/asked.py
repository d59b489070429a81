"""One table of a server, asked by test/integration/asked_query.

    with Asked("redis", f"127.0.0.1:{port}", query="GET {key}") as t:
        t.ask("ann")                     # ("found", b"...") or ("later", "why")
        n = t.send("ann"); t.answer(n)   # the same in two steps
"""
import os
import queue
import re
import subprocess
import threading

from server import BUILD, PATIENCE

PROGRAM = f"{BUILD}/test/integration/asked_query"


class Refused(Exception):
    """The policy's words cannot be served."""


class Asked:
    def __init__(self, driver, where, records=(), env=None, **options):
        words = [f"driver={driver}", f"where={where}"]
        words += [f"{name}={value}" for name, value in options.items()]
        words += list(records)
        self.proc = subprocess.Popen(
            [PROGRAM, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, **(env or {})})
        first = self.proc.stdout.readline().decode().strip()
        self.log = []
        self.n = 0
        self.answers = {}
        self.lines = queue.Queue()
        self.readers = [threading.Thread(target=self.read_lines, daemon=True),
                        threading.Thread(target=self.read_log, daemon=True)]
        for r in self.readers:
            r.start()
        if first != "ready":
            self.proc.stdin.close()
            self.finish()
            raise Refused(first.removeprefix("refused "))

    def read_lines(self):
        for line in self.proc.stdout:
            self.lines.put(line.decode("utf-8", "surrogateescape").rstrip("\n"))
        self.lines.put(None)

    def read_log(self):
        for line in self.proc.stderr:
            self.log.append(line.decode("utf-8", "replace"))

    def write(self, text):
        self.proc.stdin.write(text.encode())
        self.proc.stdin.flush()

    def send(self, key):
        if isinstance(key, str):
            key = key.encode()
        self.n += 1
        self.write(f"ask {self.n} {key.hex() or '-'}\n")
        return self.n

    def line(self, pattern, seconds=PATIENCE):
        """The next line that fits; answers on the way are kept."""
        while True:
            line = self.lines.get(timeout=seconds)
            if line is None:
                raise AssertionError(f"asked_query ended: {''.join(self.log)}")
            if re.match(pattern, line):
                return line
            n, word, rest = (line.split(" ", 2) + [""])[:3]
            self.answers[int(n)] = (word, rest)

    def answer(self, n, seconds=PATIENCE):
        if n not in self.answers:
            word, rest = (self.line(rf"{n} ", seconds).split(" ", 2) + [""])[1:3]
        else:
            word, rest = self.answers.pop(n)
        return (word, bytes.fromhex(rest)) if word == "found" else (word, rest)

    def ask(self, key, seconds=PATIENCE):
        return self.answer(self.send(key), seconds)

    def cancel(self, n):
        self.write(f"cancel {n}\n")

    def stats(self):
        self.write("stats\n")
        words = self.line(r"stats ").split()[1:]
        return {k: int(v) for k, v in (w.split("=") for w in words)}

    def bench(self, n, parallel, key):
        self.write(f"bench {n} {parallel} {key.encode().hex()}\n")
        words = self.line(r"bench ", 300).split()[1:]
        return {k: int(v) for k, v in (w.split("=") for w in words)}

    def finish(self):
        self.proc.wait(PATIENCE)
        for r in self.readers:
            r.join(PATIENCE)
        for f in (self.proc.stdout, self.proc.stderr):
            f.close()

    def close(self):
        """Its own end; not 0 is a failure (leaks, with sanitizers)."""
        if not self.proc.stdin.closed:
            self.proc.stdin.close()
        try:
            self.finish()
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            raise
        if self.proc.returncode != 0:
            raise AssertionError(f"status {self.proc.returncode}: {''.join(self.log)}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *exc):
        if kind is not None:
            self.proc.kill()
        try:
            self.close()
        except AssertionError:
            if kind is None:
                raise
