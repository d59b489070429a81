#!/usr/bin/env python3
"""Delivery into a Maildir that is full of files, beside one that is empty.

    full_maildir.py [--files 1000000] [--messages 500] BUILD [FOLDER]

waybill-deliver is spoken to as the queue does, DELIVER and COMMIT of one message
after the other, with and without a quota; what each takes is printed.  With a
full Maildir it must be less than 1.5 times as long.
"""
import argparse
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

SRC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
with open(f"{SRC}/mta/msg/messages.def", encoding="utf-8") as f:
    TYPES = {name: i + 1 for i, name in enumerate(re.findall(r"^MSG\((\w+),", f.read(), re.M))}
MAILDIR = 1     # mta/msg/deliver.def
QUOTA = 2


def octets(s):
    return struct.pack("<I", len(s)) + s


class Deliver:
    def __init__(self, build):
        ours, spawner = socket.socketpair()
        self.life, life = socket.socketpair()
        self.s = ours
        theirs = spawner

        def place():
            a, b = os.dup2(life.fileno(), 30), os.dup2(theirs.fileno(), 31)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.proc = subprocess.Popen([f"{build}/waybill-deliver", "--log-level", "error"],
                                     preexec_fn=place, close_fds=False)

    def ask(self, kind, body, wanted):
        self.s.sendall(struct.pack("<IHH", len(body), TYPES[kind], 0) + body)
        head = self.read(8)
        n, got, _ = struct.unpack("<IHH", head)
        answer = self.read(n)
        if got != TYPES[wanted]:
            sys.exit(f"{kind}: {got} {answer!r}")
        return answer

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                sys.exit("waybill-deliver has ended")
            data += more
        return data

    def message(self, n, path, options):
        head = struct.pack("<BQ", MAILDIR, n) + octets(path.encode()) + octets(options)
        answer = self.ask("DELIVER", head + octets(b"%d.Qbench.host" % n) + octets(b"") +
                          octets(b"a@b") + struct.pack("<Q", 1000) + octets(b"R: x\r\n") +
                          b"\0\0" + octets(b"x" * 4000 + b"\r\n"), "PREPARED")
        self.ask("COMMIT", head + answer[8:], "DELIVERED")

    def end(self):
        self.s.close()
        self.proc.wait()


def times_of(d, boxes, options, messages, start):
    """The lower quartile of each box, in us: they have their turns, so that a busy
    machine is as busy for both."""
    times = [[] for _ in boxes]
    for i in range(messages):
        for box, t in zip(boxes, times):
            begin = time.monotonic()
            d.message(start + i, box, options)
            t.append(time.monotonic() - begin)
    return [statistics.quantiles(t, n=4)[0] * 1e6 for t in times]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--files", type=int, default=1000000)
    p.add_argument("--messages", type=int, default=500)
    p.add_argument("build")
    p.add_argument("folder", nargs="?", default="/var/tmp")
    args = p.parse_args()
    top = tempfile.mkdtemp(prefix="waybill-full-", dir=args.folder)
    try:
        for box in ("empty", "full"):
            for sub in ("tmp", "new", "cur"):
                os.makedirs(f"{top}/{box}/{sub}")
        for i in range(args.files):
            os.close(os.open(f"{top}/full/new/{i}.Qx.host,S=4000,W=4010",
                             os.O_CREAT | os.O_WRONLY, 0o600))
        d = Deliver(args.build)
        quota = b"100000000000000"
        options = struct.pack("<BH", QUOTA, len(quota)) + quota
        ok = True
        for name, o, start in (("no quota", b"", 1), ("quota", options, 10**6)):
            d.message(start, f"{top}/full", o)   # counts once
            full, empty = times_of(d, (f"{top}/full", f"{top}/empty"), o, args.messages,
                                   start + 1)
            print(f"{name}: empty {empty:.0f} us, {args.files} files {full:.0f} us, "
                  f"{full / empty:.2f} times")
            ok &= full < empty * 1.5
        d.end()
        return 0 if ok else 1
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    sys.exit(main())
