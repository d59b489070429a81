#!/usr/bin/env python3
"""What 100,000 messages that wait for a dead next hop cost the others.

    dead_hop.py [--build DIR] [--waiting N] [--messages N] [--sessions N] [--pairs N]

The same load goes through a server whose queue is empty, and one with that many messages to a
hop that is not there; AB BA ..., each started anew.  Needs smtp-source and smtp-sink (Postfix).
Told for each pair: accepted and drained a second, the server's processor time for 1,000
messages (which says more where the machine does other work), and their ratios; then the medians.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../integration"]
os.environ["PATH"] += ":/usr/sbin"

WARM = 2000     # messages before: segments are made, what waits has been routed
POLICY = """edition 1
hostname "mx.bench.example"
net here = { 127.0.0.0/8 }
listen smtp on "127.0.0.1:@PORT@"
limits { per client 1000 connections }
queue { retry 5m; mark 10000000 }
spool { directory "spool"; segment 16M; reserve 64M }
relay dead { host "127.0.0.1" port 1 }
relay sink { host "127.0.0.1" port @PORT2@ }
on rcpt { client.ip in here => accept }
route {
    rcpt.domain == "d0.bench.example" => relay dead
    otherwise => relay sink
}
"""


class Side:
    """One server, one sink, one load."""

    def __init__(self, a, waiting):
        import server
        self.a, self.srv = a, server
        self.s = server.Server(POLICY, start=False)
        if waiting:
            server_seg = f"{self.s.spool}/seg"
            os.makedirs(server_seg, exist_ok=True)
            subprocess.run([f"{server.BUILD}/test/bench/fill_spool", self.s.spool,
                            str(waiting), "1", "2048", str(16 << 20)], check=True)
            if os.geteuid() == 0:
                subprocess.run(["chown", "-R", "waybill-queue:", server_seg], check=True)

    def sent(self):
        q = subprocess.run([f"{self.srv.BUILD}/waybill", "status", "--json", "-c",
                            self.s.policy], capture_output=True, text=True, check=True).stdout
        return int(re.search(r'"sent": ?(\d+)', q)[1])

    def cpu(self):
        """Seconds of all its processes."""
        ticks = 0
        for pids in self.s.processes().values():
            for pid in pids:
                with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                    ticks += sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def load(self, n):
        subprocess.run(["smtp-source", "-s", str(self.a.sessions), "-m", str(n), "-l", "10240",
                        "-f", "a@x.example", "-t", "b@y.example",
                        f"127.0.0.1:{self.s.port}"], check=True)

    def measure(self):
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        sink = subprocess.Popen(["smtp-sink", *user, f"127.0.0.1:{self.s.ports[1]}", "1000"])
        try:
            with self.s as s:
                s.start()
                self.load(WARM)
                self.srv.wait_for(lambda: self.sent() == WARM)
                used, began = self.cpu(), time.monotonic()
                self.load(self.a.messages)
                accepted = time.monotonic() - began
                self.srv.wait_for(lambda: self.sent() == WARM + self.a.messages, 120, 0.02)
                drained = time.monotonic() - began
                n = self.a.messages
                return n / accepted, n / drained, (self.cpu() - used) * 1000 / n
        finally:
            sink.kill()
            sink.wait()


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default=os.getcwd())
    ap.add_argument("--waiting", type=int, default=100000)
    ap.add_argument("--messages", type=int, default=4000)
    ap.add_argument("--sessions", type=int, default=20)
    ap.add_argument("--pairs", type=int, default=5)
    a = ap.parse_args()
    os.environ["WB_BUILD"] = os.path.abspath(a.build)
    ratios = []
    for i in range(a.pairs):
        figures = {}
        for waiting in (0, a.waiting) if i % 2 == 0 else (a.waiting, 0):
            figures[waiting] = Side(a, waiting).measure()
        with_them, without = figures[a.waiting], figures[0]
        ratios.append([x / y for x, y in zip(with_them, without)])
        print("empty %.0f accepted, %.0f drained a second, %.3f s; " % without
              + f"with {a.waiting} waiting " + "%.0f, %.0f, %.3f s: " % with_them
              + "%.3f, %.3f, %.3f" % tuple(ratios[-1]), flush=True)
    print("median of the ratios: accepted %.3f, drained %.3f, processor %.3f"
          % tuple(statistics.median(r) for r in zip(*ratios)))


if __name__ == "__main__":
    main()
