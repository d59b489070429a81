#!/usr/bin/env python3
"""A million queued messages: how long the server takes to start on them, in how much memory.

    million_queue.py [--build DIR] [--messages N] [--hops N] [--octets N] [--cold]

A spool is filled with sealed segments (test/bench/fill_spool), as sessions leave it when the
machine stops at once; all messages go to next hops that are not there.  Then the server starts:

  segments   on tables of contents, with no status log
  log        again, when all has been routed and what was tried waits
  killed     again after SIGKILL of all its processes, while it works
  waiting    on a log in which each message has been tried and waits, and again when killed

--cold drops the kernel's cache of files before each start (as root).
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../integration")

POLICY = """edition 1
hostname "mx.bench.example"
net here = { 127.0.0.0/8 }
listen smtp on "127.0.0.1:@PORT@"
queue { retry 4h; messages 10000000; memory 8G; mark 10000000 }
spool { directory "spool"; segment 16M; reserve 64M }
RELAYS
on rcpt { client.ip in here => accept }
route {
ROUTES
    otherwise => relay hop0
}
"""


def policy(hops):
    relays = "\n".join(f'relay hop{i} {{ host "127.0.0.1" port {i + 1} }}' for i in range(hops))
    routes = "\n".join(f'    rcpt.domain == "d{i}.bench.example" => relay hop{i}'
                       for i in range(hops))
    return POLICY.replace("RELAYS", relays).replace("ROUTES", routes)


def fields(path, *names):
    with open(path, encoding="ascii") as f:
        text = f.read()
    return [int(re.search(rf"^{n}:\s+(\d+)", text, re.M)[1]) for n in names]


class Run:
    def __init__(self, a):
        import server
        self.a, self.srv = a, server
        self.s = server.Server(policy(a.hops), start=False)

    def fill(self, waiting):
        seg = f"{self.s.spool}/seg"
        os.makedirs(seg, exist_ok=True)
        began = time.monotonic()
        subprocess.run([f"{self.srv.BUILD}/test/bench/fill_spool", self.s.spool,
                        str(self.a.messages), str(self.a.hops), str(self.a.octets),
                        str(16 << 20), *(["waiting"] if waiting else [])], check=True)
        if os.geteuid() == 0:
            log = [f"{self.s.spool}/status.log"] if waiting else []
            for path in (*log, self.s.spool, seg, *(f"{seg}/{n}" for n in os.listdir(seg))):
                shutil.chown(path, "waybill-queue", "waybill-queue")
        os.sync()
        print(f"filled: {self.a.messages} messages of {self.a.octets} octets to {self.a.hops} "
              f"hops in {time.monotonic() - began:.1f} s", flush=True)

    def start(self, what):
        if self.a.cold:
            with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
                f.write("1\n")
        log = len(self.s.log())
        began = time.monotonic()
        self.s.start()
        greeted = time.monotonic() - began
        said = re.findall(r"recovered messages=(\d+) records=(\d+) ms=(\d+)", self.s.log()[log:])
        self.queue = self.s.processes()["queue"][0]
        print(f"{what}: greeting after {greeted:.2f} s; known {said[-1][0]} messages after "
              f"{int(said[-1][2]) / 1000:.2f} s, {said[-1][1]} records; {self.memory()}",
              flush=True)

    def memory(self):
        """Peak: what is the process' own; pages of a mapped log are the kernel's to take back."""
        pss, = fields(f"/proc/{self.queue}/smaps_rollup", "Pss")
        peak, = fields(f"/proc/{self.queue}/status", "VmHWM")
        with open(f"/proc/{self.queue}/io", encoding="ascii") as f:
            reads = dict(line.split(": ") for line in f.read().splitlines())
        return (f"queue {pss / 1024:.0f} MiB ({pss * 1024 / self.a.messages:.0f} octets each), "
                f"peak {peak / 1024:.0f} MiB; {int(reads['syscr'])} reads, "
                f"{int(reads['rchar']) / 2**20:.0f} MiB")

    def status(self):
        return json.loads(self.s.waybill("status", "--json").stdout)

    def settled(self):
        """All are in line at their hops, or wait."""
        hops = self.status()["hops"]
        return sum(h["waiting"] + h["active"] for h in hops) >= self.a.messages * 0.99 - 5000

    def run(self):
        try:
            self.fill(False)
            self.start("segments")
            began = time.monotonic()
            try:
                self.srv.wait_for(self.settled, 300, 1)
                print(f"routed in {time.monotonic() - began:.1f} s; {self.memory()}", flush=True)
            except AssertionError:
                print(f"not routed in {time.monotonic() - began:.1f} s; {self.memory()}")
            t = self.status()["queue"]["throttle"]
            print(f"index_memory {t['memory_used'] / 2**20:.0f} MiB", flush=True)
            began = time.monotonic()
            self.s.stop()
            print(f"stopped in {time.monotonic() - began:.1f} s", flush=True)
            self.start("log")
            self.s.kill_all()
            self.start("killed")
            self.s.kill_all()
            shutil.rmtree(f"{self.s.spool}/seg")
            self.fill(True)
            self.start("waiting")
            self.s.kill_all()
            self.start("killed")
        finally:
            if self.s.proc is not None:
                self.s.kill_all()
            if not os.environ.get("WB_KEEP"):
                shutil.rmtree(self.s.dir, ignore_errors=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default=os.getcwd())
    ap.add_argument("--messages", type=int, default=1000000)
    ap.add_argument("--hops", type=int, default=10)
    ap.add_argument("--octets", type=int, default=2048)
    ap.add_argument("--cold", action="store_true")
    a = ap.parse_args()
    os.environ["WB_BUILD"] = os.path.abspath(a.build)
    Run(a).run()


if __name__ == "__main__":
    main()
