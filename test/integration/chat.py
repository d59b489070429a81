#!/usr/bin/env python3
"""Plays one side of conversations and compares the other:  chat.py HOST:PORT FILE...

A file is one connection.  Its lines:

    # RFC 5321, 4.1.4     a comment; "# policy: NAME" says which server it wants
    C: text               sent with CRLF
    C-raw: a\\r\\nb         sent exactly; Python's escapes
    C-times: 5000 x       the escapes after the number, so many times
    S: 250 2.1.0          the next reply; its last line begins so
    S-has: 250-SIZE       a line of the reply before begins so
    S-not: 250-AUTH       no line of the reply before begins so
    S: closed             the server has closed
    S: nothing            the server says nothing for a moment
"""
import re
import socket
import sys

PATIENCE = 30
MOMENT = 0.3


class Failed(AssertionError):
    pass


class Chat:
    def __init__(self, host, port, name):
        self.sock = socket.create_connection((host, port), PATIENCE)
        self.name, self.number, self.buf, self.reply = name, 0, b"", []

    def fail(self, text):
        raise Failed(f"{self.name}:{self.number}: {text}")

    def send(self, octets):
        try:
            self.sock.sendall(octets)
        except OSError as e:
            self.fail(f"cannot send: {e}")

    def line(self):
        """One line without CRLF, or None when the server has closed."""
        while b"\r\n" not in self.buf:
            try:
                piece = self.sock.recv(65536)
            except TimeoutError:
                self.fail(f"no reply; so far {self.buf!r}")
            except ConnectionResetError:
                piece = b""
            if not piece:
                if self.buf:
                    self.fail(f"half a line before the end: {self.buf!r}")
                return None
            self.buf += piece
        line, self.buf = self.buf.split(b"\r\n", 1)
        if len(line) > 510:
            self.fail(f"a reply line of {len(line) + 2} octets")
        return line.decode("ascii")

    def next_reply(self):
        self.reply = []
        while True:
            line = self.line()
            if line is None:
                return None
            if not re.match(r"[2-5]\d\d[ -]", line):
                self.fail(f"not a reply: {line!r}")
            self.reply.append(line)
            if line[3] == " ":
                return line

    def nothing(self):
        self.sock.settimeout(MOMENT)
        try:
            self.buf += self.sock.recv(65536)
        except TimeoutError:
            pass
        self.sock.settimeout(PATIENCE)
        if self.buf:
            self.fail(f"wanted nothing, got {self.buf!r}")

    def expect(self, want):
        if want == "nothing":
            self.nothing()
            return
        got = self.next_reply()
        if want == "closed":
            if got is not None:
                self.fail(f"wanted the end, got {got!r}")
        elif got is None:
            self.fail(f"wanted {want!r}, the server has closed")
        elif not got.startswith(want):
            self.fail(f"wanted {want!r}, got {got!r}")

    def step(self, line):
        kind, _, text = line.partition(":")
        text = text[1:] if text.startswith(" ") else text
        if kind == "C":
            self.send(text.encode() + b"\r\n")
        elif kind == "C-raw":
            self.send(unescape(text))
        elif kind == "C-times":
            n, _, what = text.partition(" ")
            self.send(unescape(what) * int(n))
        elif kind == "S":
            self.expect(text)
        elif kind == "S-has":
            if not any(r.startswith(text) for r in self.reply):
                self.fail(f"no line {text!r} in {self.reply}")
        elif kind == "S-not":
            if any(r.startswith(text) for r in self.reply):
                self.fail(f"there is a line {text!r} in {self.reply}")
        else:
            self.fail(f"what is {line!r}?")

    def play(self, lines):
        with self.sock:
            for self.number, line in enumerate(lines, 1):
                line = line.rstrip("\n")
                if line and not line.startswith("#"):
                    self.step(line)


def unescape(text):
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def policy_of(path):
    with open(path, encoding="utf-8") as f:
        found = re.search(r"^# policy: (\w+)$", f.read(), re.M)
    return found.group(1) if found else "plain"


def play(host, port, path):
    """Plays one file; Failed says where it went another way."""
    with open(path, encoding="utf-8") as f:
        Chat(host, port, path).play(f.readlines())


def main():
    host, _, port = sys.argv[1].rpartition(":")
    failed = 0
    for path in sys.argv[2:]:
        try:
            play(host.strip("[]"), int(port), path)
        except Failed as e:
            failed += 1
            print(e)
    print(f"{len(sys.argv) - 2 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
