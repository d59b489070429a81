#!/usr/bin/env python3
"""The disk fails at the n-th call, for each n in turn, and no mail is lost.

A server runs with test/crash/fault.c before the C library.  For each kind of
call (write, sync, rename, create, grow, a write that takes half) and each error
(EIO, ENOSPC) the first call fails, then the second, and so on, until a round
of mail (a mailbox, two by an alias, a next hop, a body file, one that comes
back) has met none.  Then the disk fails for a while, and heals.  Then each
call of the start fails in turn.  Then clocks jump.  What was acknowledged must
be there: in Maildirs once; refusals are temporary.

    faults_test.py [--step N] [--most N] [--ill SECONDS] [--seed N] [NAME ...]

--step N: only each N-th call, from a random one on (./check); --most N: none
beyond the N-th; --ill: how long a disk is that fails for good; NAME: calls,
errors, start, clocks (default: all).
"""
import argparse
import collections
import errno
import itertools
import os
import random
import smtplib
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
import server as srv  # noqa: E402
from sink import Sink  # noqa: E402
import kill_test  # noqa: E402
from fault import Fault  # noqa: E402

ERRORS = {"write": (errno.EIO, errno.ENOSPC), "sync": (errno.EIO, errno.ENOSPC),
          "rename": (errno.EIO, errno.ENOSPC), "create": (errno.EIO, errno.ENOSPC),
          "grow": (errno.EIO, errno.ENOSPC), "short": (0,)}
TARGETS = ("u1@crash.example", "pair@crash.example", "u1@files.example", "x@elsewhere.example",
           "refused@elsewhere.example")


class World:
    """A server, its next hop, and what it has promised."""

    def __init__(self, a):
        self.a, self.acked, self.qids, self.n = a, {}, {}, itertools.count(1)
        self.rounds = self.hits = self.refused = 0
        self.bad = []
        self.results = []

    def open(self):
        owner = 'owner "waybill-mail"' if os.geteuid() == 0 else ""
        self.hop = Sink(script=self.script)
        policy = kill_test.POLICY.replace("HOP", str(self.hop.port)).replace("OWNER", owner)
        self.server = srv.Server(policy, tables=kill_test.TABLES, start=False)
        self.fault = Fault(self.server.dir, srv.BUILD)
        self.server.env.update(self.fault.env)
        self.server.start()

    @staticmethod
    def script(verb, argument, _session):
        if verb == "RCPT" and "refused" in argument:
            return b"550 5.1.1 nobody\r\n"
        return None

    # --- mail
    def send(self, c, to, size):
        ident = f"m.{next(self.n)}"
        text = f"X-Id: {ident}\r\nSubject: t\r\n\r\n" + "line of text\r\n" * (size // 14)
        said = [c.mail("u2@crash.example")]
        if said[-1][0] == 250:
            said.append(c.rcpt(to))
        if said[-1][0] == 250:
            said.append(c.data(text))
        code, reply = said[-1]
        if len(said) == 3 and code == 250:
            self.acked[ident] = to
            self.qids[ident] = reply.decode().split()[-1]
        elif not 400 <= code < 500:
            self.bad.append(f"{ident} to {to}: {code} {reply!r}")
        else:
            self.refused += 1
            c.rset()

    def round(self, body):
        """One of each kind; what is not acknowledged does not count."""
        self.rounds += 1
        sizes = [400] * len(TARGETS) + [1200000] * body
        clients = [threading.Thread(target=self.client, args=one)
                   for one in zip(TARGETS + ("u1@crash.example",) * body, sizes)]
        for t in clients:
            t.start()
        for t in clients:
            t.join()

    def client(self, to, size):
        try:
            with smtplib.SMTP("127.0.0.1", self.server.port, timeout=60) as c:
                c.ehlo()
                self.send(c, to, size)
        except (OSError, smtplib.SMTPException):
            self.refused += 1
            time.sleep(0.05)

    def missing(self):
        """What is acknowledged and not yet where it belongs."""
        local, far = kill_test.gather(self.server, self.hop)
        back = {k for k, to in self.acked.items() if "refused" in to}
        lost, twice, far_twice = kill_test.judge(
            {k: v for k, v in self.acked.items() if k not in back}, local, far)
        # A notification names what it is about; it is mail of its own.
        lost += [(k, "its sender") for k in back if not local[("u2", k)]]
        return lost, [t for t in twice if t[1] not in back], far_twice

    def wait_hit(self, seconds):
        """Until the fault has come, or all is done; whether it came."""
        end = time.monotonic() + seconds
        while not self.fault.hits() and time.monotonic() < end:
            if not self.missing()[0] and self.quiet():
                break
            time.sleep(0.02)
        return self.fault.hits() > 0

    def quiet(self):
        try:
            return not self.server.queue()
        except AssertionError:
            return False

    def recover(self):
        self.fault.disarm()
        if self.server.proc.poll() is not None:
            self.bad.append(f"the server ended with {self.server.proc.returncode}")
            self.server.start()

    def settle(self, what):
        """The disk is well again: all arrives."""
        self.recover()
        self.server.wait_up()
        left = kill_test.settle(self.server)
        lost, twice, far_twice = self.missing()
        for ident, to in lost[:5]:
            print(f"{what}: lost {ident} to {to}, id {self.qids[ident]}")
            print("\n".join(x for x in self.server.log().splitlines() if self.qids[ident] in x))
        for bad in self.bad[:5]:
            print(f"{what}: {bad}")
        ok = not (left or lost or twice or self.bad)
        print(f"{what}: {'ok' if ok else 'FAILED'}; {self.rounds} rounds, {self.hits} calls failed, "
              f"acknowledged {len(self.acked)}, refused {self.refused}, lost {len(lost)}, "
              f"duplicates in Maildirs {len(twice)}, elsewhere {len(far_twice)}, "
              f"left {len(left)}", flush=True)
        self.results.append(ok)
        self.forget(lost, twice)
        self.rounds = self.hits = self.refused = 0
        self.bad = []

    def forget(self, lost, twice):
        """What was told is not told again."""
        for ident, _to in lost:
            del self.acked[ident]
        for user, ident in twice:
            self.acked.pop(ident, None)
        self.acked.clear()
        self.hop.messages.clear()
        for user in ("u1", "u2"):
            for sub in ("new", "cur"):
                folder = f"{self.server.dir}/mail/{user}/{sub}"
                if os.path.isdir(folder):
                    for name in os.listdir(folder):
                        os.unlink(f"{folder}/{name}")


def calls(w):
    """Each call in turn fails once."""
    for kind, errors in ERRORS.items():
        for error in errors:
            n = 1 + w.a.rng.randrange(w.a.step)
            while n <= w.a.most:
                w.fault.arm(kind, error, n)
                w.round(body=n % 4 == 1)
                if not w.wait_hit(3):
                    break
                w.hits += w.fault.hits()
                w.recover()
                n += w.a.step
            w.settle(f"{kind} {errno.errorcode.get(error, 'half')}, calls 1 to {n - 1}")


def errors(w):
    """From the n-th call on all fail, for a while."""
    cases = [(kind, error, n) for kind, codes in ERRORS.items() if kind != "short"
             for error in codes for n in (1, 2, 5, 17)]
    for kind, error, n in cases[w.a.rng.randrange(w.a.step)::w.a.step]:
        w.fault.arm(kind, error, n, forever=True)
        w.round(body=False)
        w.wait_hit(2)
        time.sleep(w.a.ill)     # as long as it takes to meet what goes on
        w.round(body=True)
        w.hits += w.fault.hits()
        w.settle(f"{kind} {errno.errorcode[error]} from call {n} on")


def start(w):
    """The n-th call of a start fails: it says so and ends, or serves."""
    for kind, codes in ERRORS.items():
        for error in codes:
            n, hit = 1, True
            while hit and n <= w.a.most:
                w.round(body=False)
                w.server.kill_all()
                w.fault.arm(kind, error, n)
                served = begins(w)
                hit = w.fault.hits() > 0
                w.hits += w.fault.hits()
                w.fault.disarm()
                if not served:
                    w.server.proc = None
                    w.server.start()
                n += w.a.step
            w.settle(f"start with {kind} {errno.errorcode.get(error, 'half')}, calls 1 to {n - 1}")


def begins(w):
    """Whether it serves; when it does not it has said why."""
    try:
        w.server.start()
        return True
    except AssertionError:
        if w.server.proc.poll() is None:
            w.bad.append("it neither serves nor ends")
            w.server.kill_all()
        elif w.server.proc.returncode < 0:
            w.bad.append(f"the parent died of signal {-w.server.proc.returncode}")
        return False


def clocks(w):
    """Wall time jumps by hours and years, boot time as after a suspend."""
    day = 86400
    for wall, boot in ((3600, 0), (-3600, 0), (-400 * day, 0), (2 * day, 0), (0, 0), (0, 3600),
                       (30 * 365 * day, 3600), (0, 3600)):
        w.fault.jump(wall, boot)
        w.round(body=False)
        try:
            socket.create_connection(("127.0.0.1", w.server.port), 5).close()
        except OSError as e:
            w.bad.append(f"after a jump of {wall} s nobody answers: {e}")
        w.settle(f"clocks at {wall:+} s, boot time {boot:+} s")
    w.fault.jump(5 * day, 3600)
    w.server.stop()
    w.fault.jump(-5 * day, 3600)
    w.server.start()
    w.round(body=False)
    w.settle("started ten days before it ended")
    w.fault.jump(0, 3600)


PARTS = {"calls": calls, "errors": errors, "start": start, "clocks": clocks}


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--step", type=int, default=1)
    ap.add_argument("--most", type=int, default=400)
    ap.add_argument("--ill", type=float, default=1)
    ap.add_argument("--seed", type=int, default=int(time.time()))
    ap.add_argument("names", nargs="*", metavar="NAME")
    a = ap.parse_args()
    a.rng = random.Random(a.seed)
    print(f"seed {a.seed}")
    w = World(a)
    w.open()
    with w.hop, w.server, w.fault:
        for name in a.names or PARTS:
            PARTS[name](w)
        if not all(w.results):
            os.environ["WB_KEEP"] = "1"
    count = collections.Counter(w.results)
    print(f"{count[True]} passed, {count[False]} failed")
    return 1 if count[False] or not count[True] else 0


if __name__ == "__main__":
    sys.exit(main())
