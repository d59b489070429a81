#!/usr/bin/env python3
"""Plays one side of conversations and compares the other:  chat.py [--certs DIR] HOST:PORT FILE...

A file is one connection.  Its lines:

    # RFC 5321, 4.1.4     a comment; "# policy: NAME" says which server it wants,
                          "# port: 2" which of its ports, "# from: ADDRESS" from
                          where
    C: text               sent with CRLF
    C-raw: a\\r\\nb         sent exactly; Python's escapes
    C-b64: a\\0b          the octets in base64, sent with CRLF; Python's escapes
    C-auth: PLAIN a\\0b   AUTH with the rest in base64 as initial response
    C-times: 5000 x       the escapes after the number, so many times
    C-wait: 0.1           so many seconds: what follows comes in a packet of its own
    S: 250 2.1.0          the next reply; its last line begins so
    S-has: 250-SIZE       a line of the reply before begins so
    S-not: 250-AUTH       no line of the reply before begins so
    S: closed             the server has closed
    S: nothing            the server says nothing for a moment
    TLS: starttls         hands are shaken here; "TLS: first" where TLS comes first.
                          Behind it: version=1.2 sni=NAME alpn=NAME ciphers=LIST
                          cert=NAME (NAME.pem and NAME.key of the folder --certs)
    TLS-not: ...          the same, and the server must not do it
    C-clear: a\\r\\n       sent in the clear beneath TLS
    S: broken             TLS has ended by an alert, or without close_notify, which
                          "S: closed" wants
"""
import base64
import os
import re
import socket
import ssl
import sys
import time

import tls_client

PATIENCE = 30
MOMENT = 0.3


class Failed(AssertionError):
    pass


class Chat:
    certs = None        # the folder of certificates for clients

    def __init__(self, host, port, name, source=None):
        self.sock = socket.create_connection((host, port), PATIENCE,
                                             (source, 0) if source else None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name, self.number, self.buf, self.reply = name, 0, b"", []
        self.utf8 = False       # SMTPUTF8 was said: replies may have it

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
            except (tls_client.NotClosed, ssl.SSLError) as e:
                self.fail(f"TLS has ended: {e}")
            if not piece:
                if self.buf:
                    self.fail(f"half a line before the end: {self.buf!r}")
                return None
            self.buf += piece
        line, self.buf = self.buf.split(b"\r\n", 1)
        if len(line) > 510:
            self.fail(f"a reply line of {len(line) + 2} octets")
        return line.decode("utf-8" if self.utf8 else "ascii")

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

    def broken(self):
        try:
            got = self.sock.recv(1)
        except (ssl.SSLError, ConnectionResetError, tls_client.NotClosed):
            return
        self.fail(f"wanted an alert, got {got!r}")

    def expect(self, want):
        if want == "nothing":
            self.nothing()
            return
        if want == "broken":
            self.broken()
            return
        got = self.next_reply()
        if want == "closed":
            if got is not None:
                self.fail(f"wanted the end, got {got!r}")
        elif got is None:
            self.fail(f"wanted {want!r}, the server has closed")
        elif not got.startswith(want):
            self.fail(f"wanted {want!r}, got {got!r}")

    def tls(self, text):
        """Hands are shaken as the words say; the octets of the clear end here."""
        words = dict(w.split("=", 1) for w in text.split()[1:])
        if self.buf:
            self.fail(f"in the clear before TLS: {self.buf!r}")
        if "cert" in words:
            path = os.path.join(self.certs, words["cert"])
            words["cert"] = (path + ".pem", path + ".key")
        self.sock = tls_client.Tunnel(self.sock, **words)

    def tls_not(self, text):
        try:
            self.tls(text)
            self.sock.recv(1)       # in 1.3 the server's no comes behind
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError, tls_client.NotClosed):
            return
        self.fail("the server did it")

    def step(self, line):
        kind, _, text = line.partition(":")
        text = text[1:] if text.startswith(" ") else text
        self.utf8 |= kind == "C" and "SMTPUTF8" in text
        if kind == "C":
            self.send(text.encode() + b"\r\n")
        elif kind == "C-raw":
            self.send(unescape(text))
        elif kind == "C-b64":
            self.send(base64.b64encode(unescape(text)) + b"\r\n")
        elif kind == "C-auth":
            mechanism, _, said = text.partition(" ")
            self.send(b"AUTH %s %s\r\n" % (mechanism.encode(), base64.b64encode(unescape(said))))
        elif kind == "C-times":
            n, _, what = text.partition(" ")
            self.send(unescape(what) * int(n))
        elif kind == "C-clear":
            self.sock.sendall_clear(unescape(text))
        elif kind == "TLS":
            try:
                self.tls(text)
            except (ssl.SSLError, OSError) as e:
                self.fail(f"no TLS: {e}")
        elif kind == "TLS-not":
            self.tls_not(text)
        elif kind == "C-wait":
            time.sleep(float(text))
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
        try:
            for self.number, line in enumerate(lines, 1):
                line = line.rstrip("\n")
                if line and not line.startswith("#"):
                    self.step(line)
        finally:
            self.sock.close()


def unescape(text):
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def said(path, word, default=None):
    """What a comment of the file says: "# policy: NAME"."""
    with open(path, encoding="utf-8") as f:
        found = re.search(rf"^# {word}: (\S+)$", f.read(), re.M)
    return found.group(1) if found else default


def policy_of(path):
    return said(path, "policy", "plain")


def port_of(path):
    """Which of the server's ports: 1, ..."""
    return int(said(path, "port", "1"))


def play(host, port, path):
    """Plays one file; Failed says where it went another way."""
    with open(path, encoding="utf-8") as f:
        Chat(host, port, path, said(path, "from")).play(f.readlines())


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--certs":
        Chat.certs = sys.argv[2]
        del sys.argv[1:3]
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
