"""A next hop for tests: takes mail by SMTP on a free port, keeps it in memory.

    with Sink() as hop:
        ... relay to 127.0.0.1:hop.port ...
        hop.messages      # [{"from":, "to": [...], "data": bytes}, ...]

Sink(script=f): f(verb, argument, session) may return a reply (bytes), None for the usual
one, or False to close the connection; verbs are upper case, "" is the greeting, "." the final dot.
"""
import socket
import socketserver
import threading


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
            line = self.rfile.readline(1 << 20)
            if not line:
                return None
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)

    def handle(self):
        hop = self.server.hop
        with hop.lock:
            hop.sessions += 1
        self.sender, self.rcpts = None, []
        try:
            if self.answer("", "", b"220 sink.example ESMTP\r\n") is None:
                return
            while self.command():
                pass
        except OSError:
            pass

    def command(self):
        line = self.rfile.readline(65536)
        if not line.endswith(b"\n"):
            return False
        verb, _, argument = line.strip().decode("utf-8", "replace").partition(" ")
        verb = verb.upper()
        if verb == "EHLO":
            return self.answer(verb, argument, self.server.hop.ehlo) is not None
        if verb == "DATA":
            return self.data(argument)
        usual = b"221 2.0.0 bye\r\n" if verb == "QUIT" else b"250 2.0.0 ok\r\n"
        ok = self.answer(verb, argument, usual)
        if ok is None or verb == "QUIT":
            return False
        if ok == b"2":
            if verb == "MAIL":
                self.sender, self.rcpts = argument, []
            elif verb == "RCPT":
                self.rcpts.append(argument.split("<")[-1].split(">")[0])
            elif verb == "RSET":
                self.sender, self.rcpts = None, []
        return True

    def data(self, argument):
        usual = b"354 go on\r\n" if self.rcpts else b"503 5.5.1 no recipients\r\n"
        ok = self.answer("DATA", argument, usual)
        if ok != b"3":
            return ok is not None
        content = self.content()
        if content is None:
            return False
        hop = self.server.hop
        message = {"from": self.sender, "to": self.rcpts, "data": content}
        self.sender, rcpts, self.rcpts = None, self.rcpts, []
        reply = hop.script(".", content, self) if hop.script else None
        if reply is False:
            return False
        reply = b"250 2.0.0 taken\r\n" if reply is None else reply
        if reply[:1] == b"2" and rcpts:
            with hop.lock:
                hop.messages.append(message)
        self.say(reply)
        return True


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512


class Sink:
    def __init__(self, script=None, port=0, host="127.0.0.1",
                 extensions=("PIPELINING", "SIZE 100000000", "8BITMIME", "ENHANCEDSTATUSCODES")):
        self.script = script
        self.messages = []
        self.sessions = 0
        self.lock = threading.Lock()
        names = ["sink.example", *extensions]
        self.ehlo = b"".join(
            f"250{' ' if n == names[-1] else '-'}{n}\r\n".encode() for n in names)
        _Server.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.server = _Server((host, port), _Session)
        self.server.hop = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.server.shutdown()
        self.server.server_close()
