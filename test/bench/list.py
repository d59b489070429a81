#!/usr/bin/env python3
"""A list of 100,000 members, and what other mail notices of it.

    list.py [--members 100000] [--rate 20] [--calm 10] [SCENARIO ...]

Scenarios are MEMBERS-TARGETS.  MEMBERS: `lines` (one entry over many lines of
the aliases), `line` (one line), `include` (a file of its own).  TARGETS: `local`
(1,000 Maildirs), `hop` (one smart host), `hops` (1,000 next hops).  Default:
include-local include-hop include-hops line-hop lines-hop.

A server runs with a stream of ordinary messages, some of them to a mailbox
here, the others to a hop of their own; first alone, then with one message to
the list.  For each scenario: how long until the list was expanded (all of it
durable in the queue's log) and until all of it was sent; latencies of the
ordinary messages with the list to those without (same run); memory (VmHWM) of
each process, the longest turn of its loop, and callbacks above 20 ms (test
builds name them).  Needs smtp-sink of Postfix for the hops.  Before that, with
the default scenarios: what it costs to read the members (test/bench/members).
"""
import argparse
import datetime
import json
import os
import re
import shutil
import signal
import smtplib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import server as srv  # noqa: E402
from sink import Sink  # noqa: E402

POLICY = """
edition 1
hostname "mx.bench.example"
set ours = { "bench.example" }
net self = { 127.0.0.0/8 }
map aliases = text "aliases" as aliases
map users = text "users" as accounts
map ways = text "ways" as routes
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "@DIR@/mail/{user}"; OWNER }
relay hop { host "127.0.0.1" port HOP }
relay quick { host "127.0.0.1" port QUICK }
spool { directory "spool"; segment 8M; reserve 1M }
on rcpt { rcpt unknown => reject 550 5.1.1; client.ip in self => accept }
route {
    rcpt.domain in ours => expand aliases, deliver boxes
    rcpt.domain == "quick.example" => relay quick
    rcpt.domain in ways => ways[rcpt.domain]
    otherwise => relay hop
}
"""
DEFAULT = ["include-local", "include-hop", "include-hops", "line-hop", "lines-hop"]
HOPS = BOXES = 1000
STAMP = "%Y-%m-%dT%H:%M:%S.%f%z"


def members(targets, n):
    if targets == "local":
        return [f"u{i % BOXES}+{i // BOXES}" for i in range(n)]
    if targets == "hops":
        return [f"m{i}@d{i % HOPS}.example" for i in range(n)]
    return [f"m{i}@far.example" for i in range(n)]


def tables(how, targets, n):
    m = members(targets, n)
    files = {"users": "".join(f"u{i}:x\n" for i in range(BOXES)) + "ann:x\n", "ways": ""}
    if how == "include":
        files["list.members"] = "\n".join(m) + "\n"
        files["aliases"] = "list: :include:list.members\n"
    else:
        files["aliases"] = "list: " + (", " if how == "line" else ",\n    ").join(m) + "\n"
    return files


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p))]


class Stream:
    """Ordinary messages at a steady rate; who got them when."""

    def __init__(self, server, rate):
        self.server, self.rate = server, rate
        self.sent, self.got, self.refused = {}, {}, 0
        self.stop = threading.Event()
        self.hop = Sink(script=self.on_verb)
        self.threads = []

    def on_verb(self, verb, argument, _session):
        if verb == "MAIL":
            number = re.search(r"<s(\d+)@", argument)
            if number:
                self.got.setdefault(int(number.group(1)), time.monotonic())

    def start(self):
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.send, self.look)]
        for t in self.threads:
            t.start()

    def send(self):
        n, due = 0, time.monotonic()
        c = self.server.smtp()
        while not self.stop.is_set():
            n += 1
            to = "ann@bench.example" if n % 4 == 0 else f"x{n}@quick.example"
            self.sent[n] = time.monotonic()
            try:
                c.sendmail(f"s{n}@stream.example", [to], f"X-N: {n}\r\n\r\ntext\r\n")
            except smtplib.SMTPException:
                self.refused += 1
                del self.sent[n]
            due += 1 / self.rate
            time.sleep(max(0, due - time.monotonic()))
        c.close()

    def look(self):
        folder, seen = f"{self.server.dir}/mail/ann/new", set()
        while not self.stop.is_set():
            time.sleep(0.005)
            try:
                names = set(os.listdir(folder)) - seen
            except OSError:
                continue
            now = time.monotonic()
            for name in names:
                with open(f"{folder}/{name}", "rb") as f:
                    n = re.search(rb"X-N: (\d+)", f.read())
                self.got.setdefault(int(n.group(1)), now)
            seen |= names

    def latencies(self, begin, end):
        """Of the messages sent in this time; those that are missing count as infinite."""
        return [self.got.get(n, float("inf")) - t for n, t in list(self.sent.items())
                if begin <= t < end]


def parse(n):
    """The reading of the members alone, by test/bench/members."""
    folder = tempfile.mkdtemp(prefix="waybill-bench-")
    for how in ("include", "line", "lines"):
        for name, text in tables(how, "hop", n).items():
            with open(f"{folder}/{name}", "w", encoding="ascii") as f:
                f.write(text)
        out = subprocess.run([f"{srv.BUILD}/test/bench/members", f"{folder}/aliases", "list"],
                             check=True, capture_output=True, text=True).stdout
        print(f"{how}:\n" + re.sub("^", "  ", out, flags=re.M).rstrip())
    shutil.rmtree(folder)


class Bench:
    def __init__(self, scenario, args):
        self.how, self.targets = scenario.split("-")
        self.args, self.n = args, args.members
        self.sink, self.sink_port = None, srv.free_port()

    def policy(self, quick):
        owner = ""
        if os.geteuid() == 0:
            owner = 'owner "nobody"; '
        return (POLICY.replace("OWNER", owner).replace("HOP", str(self.sink_port))
                .replace("QUICK", str(quick)))

    def start_sink(self):
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.sink = subprocess.Popen(
            [shutil.which("smtp-sink") or "/usr/sbin/smtp-sink", *user, "-m", "2000",
             f"inet:0.0.0.0:{self.sink_port}", "1000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run(self):
        files = tables(self.how, self.targets, self.n)
        if self.targets == "hops":
            files["ways"] = "".join(
                f"d{i}.example relay:[127.1.{i // 250}.{i % 250 + 1}]:{self.sink_port}\n"
                for i in range(HOPS))
        if self.targets != "local":
            self.start_sink()
        server = srv.Server(self.policy(1), tables=files, start=False)
        stream = Stream(server, self.args.rate)
        try:
            with stream.hop:
                server.set_policy(self.policy(stream.hop.port))
                server.start()
                return self.measure(server, stream)
        finally:
            stream.stop.set()
            server.stop()
            if self.sink:
                self.sink.send_signal(signal.SIGTERM)
                self.sink.wait()
            shutil.rmtree(server.dir, ignore_errors=True)

    def status(self, server):
        return json.loads(server.waybill("status", "--json").stdout)

    def done(self, server):
        q = self.status(server)["queue"]
        return q["sent"] + q["delivered"] + q["failed"]

    def measure(self, server, stream):
        stream.start()
        begin = time.monotonic()
        time.sleep(self.args.calm)
        calm_end = time.monotonic()
        with server.smtp() as c:
            c.sendmail("boss@stream.example", ["list@bench.example"], "Subject: all\r\n\r\nhello\r\n")
        acked = time.monotonic()
        self.wait(server, stream, acked)
        over = time.monotonic()
        time.sleep(1)
        log = server.log()
        return {
            "rcpt_s": acked - calm_end, "expanded_s": self.expanded(log),
            "sent_s": over - acked,
            "calm": stream.latencies(begin + 1, calm_end - 1),
            "busy": stream.latencies(acked, over),
            "refused": stream.refused, "processes": self.processes(server),
            "slow": re.findall(r"slow callback=(\S+) ms=(\d+)", log)}

    def wait(self, server, stream, acked):
        end = acked + self.args.patience
        while time.monotonic() < end:
            time.sleep(0.25)
            if self.done(server) >= self.n and not self.lists_left(server):
                return
        raise SystemExit(f"{self.how}-{self.targets}: not sent after {self.args.patience} s: "
                         f"{self.status(server)['queue']}")

    def lists_left(self, server):
        return [m for m in server.queue() if m["recipients"] >= self.n]

    def expanded(self, log):
        at = {}
        for stamp, word, qid in re.findall(r"^(\S+) \S+ info (accepted|expanded) id=(\S+)", log, re.M):
            at[word, qid] = datetime.datetime.strptime(stamp.replace("Z", "+0000"), STAMP)
        return max((at[w, q] - at["accepted", q]).total_seconds()
                   for w, q in at if w == "expanded")

    def processes(self, server):
        lines = {}
        for p in self.status(server)["processes"]:
            lag = p.get("lag") or []
            top = max((i for i, n in enumerate(lag) if n), default=0)
            with open(f"/proc/{p['pid']}/status", encoding="ascii") as f:
                peak = int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))
            name = p.get("process") or p.get("name")
            mib, ms = lines.get(name, (0, 0))
            lines[name] = max(mib, peak / 1024), max(ms, 2 ** (top + 1) / 1000)
        return lines


def show(scenario, r):
    calm, busy = r["calm"], r["busy"]
    print(f"\n{scenario}: expanded after {r['expanded_s']:.2f} s, all sent after {r['sent_s']:.1f} s; "
          f"RCPT to DATA {r['rcpt_s'] * 1000:.0f} ms")
    for name, f in (("median", statistics.median), ("99 %", lambda v: percentile(v, 0.99)),
                    ("largest", max)):
        print(f"  ordinary mail, {name}: {f(calm) * 1000:.1f} ms without, {f(busy) * 1000:.1f} ms "
              f"with the list: {f(busy) / f(calm):.1f}x  ({len(calm)}, {len(busy)} messages)")
    print("  " + "; ".join(f"{name} {mib:.0f} MiB, turns up to {ms:.0f} ms"
                           for name, (mib, ms) in sorted(r["processes"].items())))
    slow = {}
    for name, ms in r["slow"]:
        slow.setdefault(name, []).append(int(ms))
    for name, times in sorted(slow.items()):
        print(f"  slow: {name} {len(times)} times, up to {max(times)} ms")
    if r["refused"]:
        print(f"  refused: {r['refused']} ordinary messages")
    sys.stdout.flush()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--members", type=int, default=100000)
    p.add_argument("--rate", type=float, default=20)
    p.add_argument("--calm", type=float, default=10)
    p.add_argument("--patience", type=float, default=600)
    p.add_argument("scenario", nargs="*", default=DEFAULT)
    args = p.parse_args()
    if args.scenario == DEFAULT:
        parse(args.members)
    for scenario in args.scenario:
        show(scenario, Bench(scenario, args).run())


if __name__ == "__main__":
    main()
