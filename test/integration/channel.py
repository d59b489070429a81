"""One process of the server, driven by its channels: base/chan.h and messages.def in Python.

    with Child("resolve") as child:
        c = child.peer("smtp")              # a Channel to it
        c.send("DNS_ASK", u64(1), u16(15), octets(b"example.test"))
        name, body = c.receive()
"""
import array
import atexit
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile

from server import BUILD, PATIENCE, SRC

PROCS = ["parent", "spawner", "smtp", "route", "queue", "relay", "deliver", "resolve",
         "limits", "lookup", "index", "auth", "keys",
         "pickup", "fetch"]
PARENT_FD = 3
HAS_FD = 1


def _types():
    with open(f"{SRC}/mta/msg/messages.def", encoding="utf-8") as f:
        return ["NONE"] + re.findall(r"^MSG\((\w+),", f.read(), re.M)


TYPES = _types()


def u8(v):
    return struct.pack("<B", v)


def u16(v):
    return struct.pack("<H", v)


def u32(v):
    return struct.pack("<I", v)


def u64(v):
    return struct.pack("<Q", v)


def octets(v):
    return u32(len(v)) + v


class Body:
    """A message's fields, one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        v = struct.unpack_from(form, self.data, self.at)[0]
        self.at += struct.calcsize(form)
        return v

    def octets(self):
        n = self.take("<I")
        self.at += n
        return self.data[self.at - n:self.at]

    def end(self):
        assert self.at == len(self.data), "octets left over"


class Channel:
    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.buffer = b""

    def send(self, name, *fields, fd=None):
        body = b"".join(fields)
        data = u32(len(body)) + u16(TYPES.index(name)) + u16(HAS_FD if fd is not None else 0) + body
        if fd is None:
            self.sock.sendall(data)
            return
        rights = array.array("i", [fd])
        n = self.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        self.sock.sendall(data[n:])

    def need(self, n):
        while len(self.buffer) < n:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError("the channel has closed")
            self.buffer += more

    def receive(self):
        self.need(8)
        n, kind = struct.unpack_from("<IH", self.buffer)
        self.need(8 + n)
        body, self.buffer = self.buffer[8:8 + n], self.buffer[8 + n:]
        return TYPES[kind], Body(body)

    def close(self):
        self.sock.close()


RESULTS = ("right", "wrong", "cannot", "slow")


class Verdict:
    def __init__(self, kind, body):
        self.ticket, self.result = body.take("<Q"), RESULTS[body.take("<B")]
        if kind == "AUTH_SCRAM":
            self.salt, self.iterations = body.octets(), body.take("<I")
        else:
            self.which, self.user = body.octets().decode(), body.octets().decode()
            self.signature = body.octets()
        body.end()


def auth_ask(peer, name, user, *fields, ticket=7, accounts=b"users", client=b"\x7f\0\0\1",
             mechanism=b"PLAIN"):
    """Sends a question of a login; auth_answer() has what comes of it."""
    peer.send(name, u64(ticket), octets(accounts), octets(user), octets(client), octets(b"test"),
              octets(mechanism), *fields)


def auth_answer(peer):
    kind, body = peer.receive()
    while kind == "AUTH_OFFERS":
        kind, body = peer.receive()
    assert kind in ("AUTH_VERDICT", "AUTH_SCRAM"), kind
    return Verdict(kind, body)


def auth_verify(peer, user, password, **kw):
    auth_ask(peer, "AUTH_VERIFY", user, octets(password), **kw)
    return auth_answer(peer)


def reachable(program):
    """A copy that anyone may run: the build may stand below somebody's private folder."""
    folder = tempfile.mkdtemp(prefix="waybill-test-", dir="/var/tmp")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.chmod(folder, 0o755)
    return shutil.copy(program, folder)


class Child:
    """Not as root: then it would want the users that `waybill setup` makes."""

    def __init__(self, name, env=None, args=(), instance="0"):
        ours, theirs = socket.socketpair()
        other, program = {}, f"{BUILD}/waybill-{name}"
        if os.geteuid() == 0:
            other = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            program = reachable(program)
        self.proc = subprocess.Popen(
            [program, "--instance", instance, *args],
            env={**os.environ, **(env or {})}, pass_fds=(PARENT_FD,),
            preexec_fn=lambda: os.dup2(theirs.fileno(), PARENT_FD), **other)
        theirs.close()
        self.parent = Channel(ours)

    def peer(self, name, instance=0):
        ours, theirs = socket.socketpair()
        self.parent.send("PEER", u8(PROCS.index(name)), u32(instance), fd=theirs.fileno())
        theirs.close()
        return Channel(ours)

    def join(self, name, other, own):
        """A channel between this process, called `own`, and another Child, called `name`."""
        one, two = socket.socketpair()
        self.parent.send("PEER", u8(PROCS.index(name)), u32(0), fd=one.fileno())
        other.parent.send("PEER", u8(PROCS.index(own)), u32(0), fd=two.fileno())
        one.close()
        two.close()

    def stop(self):
        """Closes the parent's end: the child ends by itself. Its status."""
        self.parent.close()
        return self.proc.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        self.parent.close()
