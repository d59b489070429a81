#!/usr/bin/env python3
"""Logins a second of the auth process, asked over its channel.

WB_BUILD=BUILD test/bench/logins.py: PLAIN against a hash that
`waybill user` makes (yescrypt), each password right and asked for the first
time; the same passwords again, out of the cache; the first half of SCRAM-SHA-256.
"""
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from channel import Child, auth_answer, auth_ask, octets, u8, u32  # noqa: E402
from server import BUILD  # noqa: E402

USERS = 400
OPEN = 32  # questions under way
POLICY = """edition 1
hostname "mx.bench.example"
map users = text "users" as accounts
listen smtp on "127.0.0.1:2525"
mailbox boxes { accounts users; path "/srv/mail/{user}" }
on rcpt { otherwise => reject 550 5.7.1 }
route { otherwise => deliver boxes }
"""


def start(folder):
    with open(f"{folder}/p.conf", "w", encoding="ascii") as f:
        f.write(POLICY)
    subprocess.run([f"{BUILD}/waybill", "user", "add", "one", "--file", f"{folder}/users"],
                   input="password\n", text=True, check=True, capture_output=True)
    with open(f"{folder}/users", encoding="ascii") as f:
        secret = f.read().strip().partition(":")[2]
    with open(f"{folder}/users", "w", encoding="ascii") as f:
        f.write("".join(f"u{i}:{secret}\n" for i in range(USERS)))
    subprocess.run([f"{BUILD}/waybill", "compile", "p.conf", "-o", "image"], check=True,
                   cwd=folder, capture_output=True)
    auth = Child("auth")
    with open(f"{folder}/image", "rb") as image, open(f"{folder}/users", "rb") as users:
        auth.parent.send("CONFIG_IMAGE", u32(1), fd=image.fileno())
        auth.parent.send("CONFIG_FILE", u32(1), u32(1), fd=users.fileno())
    auth.parent.send("CONFIG_DONE", u32(1))
    assert auth.parent.receive()[0] == "READY"
    return auth


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rate(auth, peer, ask, count):
    """Questions a second, some of them under way at a time; all are right."""
    sent = done = 0
    began, cpu = time.monotonic(), cpu_s(auth.proc.pid)
    while done < count:
        while sent < count and sent - done < OPEN:
            ask(peer, sent)
            sent += 1
        assert auth_answer(peer).result == "right"
        done += 1
    return (f"{count / (time.monotonic() - began):.0f}/s, "
            f"{1e6 * (cpu_s(auth.proc.pid) - cpu) / count:.0f} us of processor each")


def password(peer, i):
    auth_ask(peer, "AUTH_VERIFY", b"u%d" % (i % USERS), octets(b"password"), ticket=i)


def scram(peer, i):
    auth_ask(peer, "AUTH_SCRAM_WANTED", b"u%d" % (i % USERS), u8(1), ticket=i)


def main():
    folder = tempfile.mkdtemp(prefix="waybill-bench-", dir="/var/tmp")
    os.chmod(folder, 0o755)
    auth = start(folder)
    with auth:
        peer = auth.peer("smtp")
        print(f"not cached: {rate(auth, peer, password, USERS)}")
        print(f"cached: {rate(auth, peer, password, 20000)}")
        print(f"SCRAM, salt and iterations: {rate(auth, peer, scram, 20000)}")
        peer.close()
    subprocess.run(["rm", "-rf", folder], check=True)


if __name__ == "__main__":
    main()
