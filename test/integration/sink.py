"""A next hop for tests: takes mail by SMTP on a free port, keeps it in memory.

    with Sink() as hop:
        ... relay to 127.0.0.1:hop.port ...
        hop.messages      # [{"from":, "to": [...], "data": bytes}, ...]
        hop.rcpts         # for each of these: the whole arguments of RCPT
        hop.wire          # for each session: the octets that came, as they came

It offers the `extensions` that it is given; content comes by DATA, or by BDAT
when CHUNKING is among them.

Sink(lmtp=True) speaks LMTP; Sink(path=P) listens on a local socket.

Sink(script=f): f(verb, argument, session) may return a reply (bytes), None for the usual
one, or False to close the connection; verbs are upper case, "" is the greeting, "." the final dot.
"""
import socket
import socketserver
import threading


class _Tee:
    """What is read is kept."""

    def __init__(self, file):
        self.file, self.octets = file, bytearray()

    def readline(self, limit):
        line = self.file.readline(limit)
        self.octets += line
        return line

    def read(self, n):
        octets = self.file.read(n)
        self.octets += octets
        return octets


class _Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text)
        self.wfile.flush()

    def answer(self, verb, argument, usual):
        """Says the script's reply or the usual one; its first digit, or None: closed."""
        hop = self.server.hop
        reply = hop.script(verb, argument, self) if hop.script else None
        if reply is False:
            return None
        reply = usual if reply is None else reply
        self.say(reply)
        return reply[:1]

    def content(self):
        lines = []
        while True:
            line = self.wire.readline(1 << 20)
            if not line:
                return None
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)

    def handle(self):
        hop = self.server.hop
        self.wire = _Tee(self.rfile)
        with hop.lock:
            hop.sessions += 1
            hop.wire.append(self.wire.octets)
        self.reset()
        try:
            if self.answer("", "", b"220 sink.example ESMTP\r\n") is None:
                return
            while self.command():
                pass
        except OSError:
            pass

    def reset(self):
        self.sender, self.rcpts, self.arguments, self.chunks = None, [], [], b""

    def command(self):
        line = self.wire.readline(65536)
        if not line.endswith(b"\n"):
            return False
        verb, _, argument = line.strip().decode("utf-8", "replace").partition(" ")
        verb = verb.upper()
        if verb == ("LHLO" if self.server.hop.lmtp else "EHLO"):
            return self.answer(verb, argument, self.server.hop.ehlo) is not None
        if verb == "DATA":
            return self.data(argument)
        if verb == "BDAT" and b"CHUNKING" in self.server.hop.ehlo:
            return self.bdat(argument)
        usual = b"221 2.0.0 bye\r\n" if verb == "QUIT" else b"250 2.0.0 ok\r\n"
        ok = self.answer(verb, argument, usual)
        if ok is None or verb == "QUIT":
            return False
        if ok == b"2":
            if verb == "MAIL":
                self.reset()
                self.sender = argument
            elif verb == "RCPT":
                self.rcpts.append(argument.split("<")[-1].split(">")[0])
                self.arguments.append(argument)
            elif verb == "RSET":
                self.reset()
        return True

    def bdat(self, argument):
        size, _, last = argument.partition(" ")
        self.chunks += self.wire.read(int(size))
        if last.upper() == "LAST":
            return self.take(self.chunks)
        return self.answer("BDAT", argument, b"250 2.0.0 chunk\r\n") is not None

    def data(self, argument):
        usual = b"354 go on\r\n" if self.rcpts else b"503 5.5.1 no recipients\r\n"
        ok = self.answer("DATA", argument, usual)
        if ok != b"3":
            return ok is not None
        content = self.content()
        if content is None:
            return False
        return self.take(content)

    def take(self, content):
        """A whole content: says what the script says of it, or takes it."""
        hop = self.server.hop
        message = {"from": self.sender, "to": self.rcpts, "data": content}
        rcpts, arguments = self.rcpts, self.arguments
        self.reset()
        for some in [[r] for r in rcpts] if hop.lmtp else [rcpts]:
            self.rcpt = some[-1] if some else None
            reply = hop.script(".", content, self) if hop.script else None
            if reply is False:
                return False
            reply = b"250 2.0.0 taken\r\n" if reply is None else reply
            if reply[:1] == b"2" and some:
                with hop.lock:
                    hop.messages.append(dict(message, to=some))
                    hop.rcpts.append([a for a, r in zip(arguments, rcpts) if r in some])
            self.say(reply)
        return True


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512


class _LocalServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 512


class Sink:
    def __init__(self, script=None, port=0, host="127.0.0.1", lmtp=False, path=None,
                 extensions=("PIPELINING", "SIZE 100000000", "8BITMIME", "ENHANCEDSTATUSCODES")):
        self.script, self.lmtp = script, lmtp
        self.messages, self.rcpts, self.wire = [], [], []
        self.sessions = 0
        self.lock = threading.Lock()
        names = ["sink.example", *extensions]
        self.ehlo = b"".join(
            f"250{' ' if n == names[-1] else '-'}{n}\r\n".encode() for n in names)
        _Server.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.server = _LocalServer(path, _Session) if path else _Server((host, port), _Session)
        self.server.hop = self
        self.port = None if path else self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.server.shutdown()
        self.server.server_close()
