#!/usr/bin/env python3
"""Acknowledged means delivered, whoever is killed.

Clients send to mailboxes and to a next hop while processes of the server,
drawn at random, are ended by SIGKILL: every child in turn, and the parent.
In the end each message that was answered with 250 must be there.  A Maildir
has it once; an mbox file or a next hop may have it twice.

    kill_test.py [--kills 200] [--minutes N] [--seed N] [--clients 8] [--cut]

--minutes: as many as there are in that time, in the place of --kills.
--cut: what goes to the next hop is sent there before it is acknowledged.
"""
import argparse
import collections
import os
import random
import re
import signal
import smtplib
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import server as srv  # noqa: E402
from sink import Sink  # noqa: E402

POLICY = """
edition 1
hostname "mx.crash.example"
set ours = { "crash.example" }
net self = { 127.0.0.0/8 }
map aliases = text "aliases" as aliases
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "mail/{user}"; OWNER }
mailbox files { accounts users; path "files/{user}"; format mbox; OWNER }
relay hop { host "127.0.0.1" port HOP }
queue { retry 1s, 2s }
on rcpt { client.ip in self => accept }
route {
    rcpt.domain in ours => expand aliases, deliver boxes
    rcpt.domain == "files.example" => deliver files
    otherwise => relay hop
}
"""
TABLES = {"users": "u1:x\nu2:x\n", "aliases": "pair: u1, u2\n"}
TARGETS = ["u1@crash.example", "u2@crash.example", "pair@crash.example", "u1@files.example",
           "x@elsewhere.example"]
ID = re.compile(rb"^X-Id: (\S+)\r?$", re.M)


def with_cut(policy):
    return policy.replace(" }\nqueue", "; cut through }\nqueue")


class Load:
    """Clients that send until told to end, and remember what was acknowledged."""

    def __init__(self, port, clients, seed):
        self.port, self.stop = port, threading.Event()
        self.acked, self.qids, self.tried, self.lock = {}, {}, 0, threading.Lock()
        self.threads = [threading.Thread(target=self.client, args=(i, seed), daemon=True)
                        for i in range(clients)]
        for t in self.threads:
            t.start()

    def client(self, i, seed):
        rng, n = random.Random(f"{seed}-{i}"), 0
        while not self.stop.is_set():
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as c:
                    for _ in range(rng.randrange(1, 20)):
                        if self.stop.is_set():
                            break
                        n += 1
                        self.one(c, f"{i}.{n}", rng)
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)

    def one(self, c, ident, rng):
        to = rng.choice(TARGETS)
        size = rng.choice([200, 3000, 20000, 1500000 if rng.random() < 0.05 else 500])
        text = f"X-Id: {ident}\r\nSubject: t\r\n\r\n" + "line of text\r\n" * (size // 14)
        with self.lock:
            self.tried += 1
        c.ehlo_or_helo_if_needed()
        c.mail("a@sender.example")
        if c.rcpt(to)[0] != 250:
            c.rset()
            return
        code, reply = c.data(text)
        if code == 250:
            with self.lock:
                self.acked[ident] = to
                self.qids[ident] = reply.decode().split()[-1]

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join(60)


def killer(server, enough, rng):
    """SIGKILLs by turns over the kinds of processes, until enough(how many); counts them."""
    done, kinds = collections.Counter(), []
    while not enough(sum(done.values())):
        time.sleep(rng.uniform(0.02, 0.25))
        procs = server.processes()
        if not kinds:
            kinds = sorted(k for k in procs if procs[k] and k != "parent")
            rng.shuffle(kinds)
            if sum(done.values()) % 40 == 39 or not kinds:
                kinds.append("parent")
            if not kinds:
                continue
        kind = kinds.pop()
        if kind == "parent":
            server.proc.kill()
            server.proc.wait()
            # Its children end when they see it gone; then all starts again.
            done[kind] += 1
            server.start()
            continue
        pids = procs.get(kind)
        if not pids:
            continue
        try:
            os.kill(rng.choice(pids), signal.SIGKILL)
            done[kind] += 1
        except ProcessLookupError:
            pass
    return done


def settle(server, seconds=120):
    """Waits until the queue is empty; what is left in it.  It may just be starting."""
    end = time.monotonic() + seconds
    left = ["the queue does not answer"]
    while left and time.monotonic() < end:
        server.waybill("queue", "retry", "all", check=False)
        time.sleep(0.5)
        try:
            left = server.queue()
        except AssertionError:
            pass
    return left


def gather(server, hop):
    local = collections.Counter()
    for user in ("u1", "u2"):
        for text in server.maildir(user):
            m = ID.search(text)
            local[(user, m.group(1).decode() if m else "?")] += 1
    far = collections.Counter(ID.search(m["data"]).group(1).decode() for m in hop.messages
                              if ID.search(m["data"]))  # else: to the postmaster
    try:
        with open(f"{server.dir}/files/u1", "rb") as f:
            far.update(i.decode() for i in ID.findall(f.read()))
    except FileNotFoundError:
        pass
    return local, far


def judge(acked, local, far):
    """Lost and duplicate messages: (lost, twice in a Maildir, twice elsewhere)."""
    lost = []
    for ident, to in acked.items():
        user = to.split("@")[0]
        if not to.endswith("@crash.example"):
            ok = far[ident] > 0
        elif user == "pair":
            ok = local[("u1", ident)] > 0 and local[("u2", ident)] > 0
        else:
            ok = local[(user, ident)] > 0
        if not ok:
            lost.append((ident, to))
    return lost, [k for k, n in local.items() if n > 1], [k for k, n in far.items() if n > 1]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--kills", type=int, default=200)
    ap.add_argument("--minutes", type=float, default=0)
    ap.add_argument("--clients", type=int, default=6)
    ap.add_argument("--seed", type=int, default=int(time.time()))
    ap.add_argument("--cut", action="store_true")
    a = ap.parse_args()
    rng = random.Random(a.seed)
    print(f"seed {a.seed}")
    owner = 'owner "waybill-mail"' if os.geteuid() == 0 else ""
    with Sink() as hop:
        policy = POLICY.replace("HOP", str(hop.port)).replace("OWNER", owner)
        if a.cut:
            policy = with_cut(policy)
        s = srv.Server(policy, tables=TABLES)
        with s:
            load = Load(s.port, a.clients, a.seed)
            end = time.monotonic() + 60 * a.minutes
            done = killer(s, lambda n: time.monotonic() > end if a.minutes else n >= a.kills, rng)
            load.end()
            print("killed:", ", ".join(f"{k} {n}" for k, n in sorted(done.items())))
            # The last one killed may have been the queue.
            srv.wait_for(lambda: s.waybill("status", check=False).returncode == 0)
            # What waits is tried again now; nothing else may hold it.
            left = settle(s)
            local, far = gather(s, hop)
            lost, twice, far_twice = judge(load.acked, local, far)
            if lost or twice or left:
                print("left in the queue:", left[:5])
                log = s.log().splitlines()
                for ident, to in lost[:20]:
                    print("lost:", ident, to, "id", load.qids[ident])
                    print("\n".join(x for x in log if load.qids[ident] in x))
                print("twice in a Maildir:", twice[:20])
            print(f"sent {load.tried}, acknowledged {len(load.acked)}, lost {len(lost)}, "
                  f"duplicates in Maildirs {len(twice)}, elsewhere {len(far_twice)}, "
                  f"left in the queue {len(left)}; seed {a.seed}")
            bad = [bool(lost), bool(twice), bool(left), not load.acked,
                   not a.minutes and sum(done.values()) < a.kills]
            print(f"{bad.count(False)} passed, {bad.count(True)} failed")
            if any(bad):
                raise AssertionError("mail was lost or doubled")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as e:
        print("FAILED:", e)
        sys.exit(1)
