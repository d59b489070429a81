"""A next hop for tests that does what its script says: SMTP or LMTP, in the clear or by TLS, with AUTH.

    with Hop(script={"RCPT b@y.test": b"550 5.1.1 who\\r\\n", ".": in_turn(CLOSE, None)}) as hop:
        ... relay to 127.0.0.1:hop.port ...
        hop.messages        # [{"from":, "to": [...], "data": bytes}, ...]: what was answered with 2yz
        hop.rcpts           # for each of these: the whole arguments of RCPT
        hop.talks[0]        # a Session: octets, pieces, raw, lines, peer, tls
        hop.wire            # for each session: the octets that came (those of a TLS session decrypted)

Several may run at once, each on a free port of its own.

A script is a dict, or a function f(verb, argument, session).  Verbs are upper case; "" is the
greeting, "." the content (the argument), "=" a client's response in AUTH.  A dict's keys are "VERB" or "VERB TEXT",
which counts where TEXT stands in the argument.  Either gives an action:

    None            what a good hop says
    bytes           these octets instead
    CLOSE, RESET    the connection ends, in order or with RST; False is CLOSE too
    HANG            nothing more is said or read
    wait(seconds)   later
    bytewise(b)     octet by octet, each in a segment of its own
    endless(b)      again and again, until the client has gone
    USUAL           what a good hop says, in a list
    f(session)      whatever; may return another action
    [a, b, ...]     one after the other
    in_turn(a, b)   the first time a, then b, and b for ever

extensions: what EHLO offers beside STARTTLS and AUTH, which come by themselves:

    Hop(cert=("mx.pem", "mx.key"))              STARTTLS; implicit=True: TLS from the first octet on
    Hop(cert=..., client_ca="ca.pem")           a client's certificate is asked for: session.tls["peer"]
    Hop(logins={"ann": "secret"}, mechanisms=["PLAIN", ...])    AUTH (hop_auth.py): hop.tried
    Hop(needs_tls=True), Hop(needs_auth=True)   530 before

rcvbuf=N makes the socket's buffer small, so that a client's writes block soon.
"""
import re
import socket
import ssl
import struct
import threading
import time

import hop_auth

EXTENSIONS = ("PIPELINING", "SIZE 100000000", "8BITMIME", "ENHANCEDSTATUSCODES")
PIECE = 1 << 20
PATH = re.compile(r'<((?:"(?:\\.|[^"\\])*")?[^>"]*)>')     # a quoted local part may hold brackets
CLOSE, RESET, HANG, USUAL = "CLOSE", "RESET", "HANG", "USUAL"


class Ended(Exception):
    """The session is over."""


def wait(seconds):
    return lambda session: CLOSE if session.hop.over.wait(seconds) else None


def bytewise(octets, pause=0.0):
    def say(session):
        for i in range(len(octets)):
            session.send(octets[i:i + 1])
            time.sleep(pause)
    say.octets = octets
    return say


def endless(octets):
    def say(session):
        while not session.hop.over.is_set():
            session.send(octets)
    return say


class in_turn:
    """Each time the next action; the last one stays."""

    def __init__(self, *actions):
        self.left, self.lock = list(actions), threading.Lock()

    def next(self):
        with self.lock:
            return self.left.pop(0) if len(self.left) > 1 else self.left[0]


def takes(action):
    """What it says first is a 2yz, as far as can be seen."""
    action = getattr(action, "octets", action)
    if isinstance(action, (list, tuple)):
        said = [a for a in action if not callable(a) or hasattr(a, "octets")]
        return bool(said) and takes(said[0])
    return action is None or action is USUAL or isinstance(action, bytes) and action[:1] == b"2"


def by_dict(table, verb, argument):
    """The longest key that fits has the word."""
    text = argument if isinstance(argument, str) else ""
    keys = [k for k in table if k.partition(" ")[0] == verb and k.partition(" ")[2] in text]
    return table[max(keys, key=len)] if keys else None


class Session:
    """One connection: what came over it, and the answers."""

    def __init__(self, hop, sock, peer):
        self.hop, self.sock, self.peer = hop, sock, peer
        self.octets = bytearray()   # in the clear
        self.pieces = []            # the same, as the socket gave them
        self.raw = bytearray()      # as they came
        self.lines = []             # commands, without their ends
        self.tls = None             # {"version", "cipher", "sni", "reused", "peer", "alpn"}
        self.tls_error = None
        self.user = None            # logged in
        self.ended = self.reset_sent = False
        self.buffer = bytearray()
        self.object = self.into = self.out = None
        self.rcpt = None            # LMTP: whose reply is asked for
        self.reset()

    # --- octets
    def send(self, octets):
        view = memoryview(octets)
        if self.object is None:
            self.sock.sendall(view)
            return
        while view:
            view = view[self.pump(self.object.write, view):]

    def send_clear(self, octets):
        """Beneath TLS."""
        self.sock.sendall(octets)

    def receive(self):
        """More octets in the buffer."""
        if self.object is None:
            got = self.sock.recv(PIECE)
            self.raw += got
        else:
            got = self.pump(self.object.read, PIECE)
        if not got:
            raise Ended
        self.octets += got
        self.pieces.append(bytes(got))
        self.buffer += got

    def pump(self, call, *args):
        """A call of the TLS object, with octets brought and sent for as long as it wants them."""
        while True:
            try:
                value = call(*args)
                self.flush()
                return value
            except ssl.SSLWantReadError:
                self.flush()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError) as e:
                raise Ended from e
            except ssl.SSLError:
                self.flush()            # its alert
                raise
            piece = self.sock.recv(PIECE)
            self.raw += piece
            if piece:
                self.into.write(piece)
            else:
                self.into.write_eof()

    def flush(self):
        if self.out.pending:
            self.sock.sendall(self.out.read())

    def start_tls(self):
        """Shakes hands; what came behind STARTTLS is taken for the client's TLS."""
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.into.write(bytes(self.buffer))
        self.buffer.clear()
        self.object = self.hop.context.wrap_bio(self.into, self.out, server_side=True)
        try:
            self.pump(self.object.do_handshake)
        except (ssl.SSLError, OSError, Ended) as e:
            self.tls_error = str(e.__cause__ or e)
            raise Ended from e
        self.tls = {"version": self.object.version(), "cipher": self.object.cipher()[0],
                    "sni": getattr(self.object, "sni", None), "reused": self.object.session_reused,
                    "peer": self.object.getpeercert(), "alpn": self.object.selected_alpn_protocol()}

    def line(self):
        """With its end; nothing when the client has gone."""
        while b"\n" not in self.buffer:
            if len(self.buffer) > PIECE:
                raise Ended
            self.receive()
        n = self.buffer.index(b"\n") + 1
        line = bytes(self.buffer[:n])
        del self.buffer[:n]
        return line

    def read(self, n):
        while len(self.buffer) < n:
            self.receive()
        octets = bytes(self.buffer[:n])
        del self.buffer[:n]
        return octets

    def content(self):
        """To the final dot, unstuffed."""
        whole, at = bytearray(b"\n"), 0
        whole += self.buffer
        self.buffer.clear()
        while (end := whole.find(b"\n.\r\n", at)) < 0:
            at = max(0, len(whole) - 3)
            self.receive()
            whole += self.buffer
            self.buffer.clear()
        self.buffer += whole[end + 4:]
        return bytes(whole[:end + 1]).replace(b"\n.", b"\n")[1:]

    # --- answers
    def perform(self, action, usual):
        """Does it; the first octet that was said."""
        if action is None or action is USUAL:
            action = usual
        if action is False or action is CLOSE:
            raise Ended
        if action is RESET:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.reset_sent = True
            raise Ended
        if action is HANG:
            self.hop.over.wait()
            raise Ended
        if isinstance(action, (list, tuple)):
            said = [self.perform(one, usual) for one in action]
            return next((s for s in said if s), b"")
        if callable(action):
            more = action(self)
            return getattr(action, "octets", b"")[:1] if more is None else self.perform(more, usual)
        self.send(action)
        return action[:1]

    def decide(self, verb, argument):
        """The script's action."""
        script = self.hop.script
        if script is None:
            return None
        action = by_dict(script, verb, argument) if isinstance(script, dict) else \
            script(verb, argument, self)
        while isinstance(action, in_turn):
            action = action.next()
        return action

    def answer(self, verb, argument, usual):
        return self.perform(self.decide(verb, argument), usual)

    # --- the session
    def reset(self):
        self.sender, self.rcpts, self.arguments, self.chunks = None, [], [], b""

    def run(self):
        try:
            if self.hop.implicit:
                self.start_tls()
            self.answer("", "", b"220 sink.example ESMTP\r\n")
            while self.command():
                pass
        except (Ended, OSError):
            pass
        finally:
            self.ended = True
            self.close()

    def close(self):
        """With close_notify, if the session had TLS and the client is still there."""
        try:
            if self.tls and not self.reset_sent:
                self.object.unwrap()
        except (ssl.SSLError, OSError):
            pass
        try:
            if self.tls and not self.reset_sent:
                self.flush()
        except OSError:
            pass
        self.sock.close()

    def command(self):
        line = self.line()
        self.lines.append(line.rstrip(b"\r\n"))
        verb, _, argument = line.strip().decode("utf-8", "replace").partition(" ")
        verb = verb.upper()
        named = {"DATA": self.data, "BDAT": self.bdat, "STARTTLS": self.starttls,
                 "AUTH": self.auth, "LHLO" if self.hop.lmtp else "EHLO": self.ehlo}
        if verb == "BDAT" and "CHUNKING" not in self.hop.extensions:
            named.pop(verb)
        if verb in named:
            named[verb](argument)
            return True
        usual = b"221 2.0.0 bye\r\n" if verb == "QUIT" else b"250 2.0.0 ok\r\n"
        if verb == "MAIL":
            usual = self.needs() or usual
        if self.answer(verb, argument, usual) == b"2":
            self.take_command(verb, argument)
        return verb != "QUIT"

    def take_command(self, verb, argument):
        if verb == "MAIL":
            self.reset()
            self.sender = argument
        elif verb == "RCPT":
            self.rcpts.append(PATH.search(argument).group(1))
            self.arguments.append(argument)
        elif verb == "RSET":
            self.reset()

    def needs(self):
        if self.hop.needs_tls and self.tls is None:
            return b"530 5.7.0 say STARTTLS first\r\n"
        if self.hop.needs_auth and self.user is None:
            return b"530 5.7.0 log in first\r\n"
        return None

    def ehlo(self, argument):
        offers = list(self.hop.extensions)
        if self.hop.context and self.tls is None:
            offers.append("STARTTLS")
        if self.hop.logins and self.user is None:
            offers.append("AUTH " + " ".join(self.hop.mechanisms))
        names = ["sink.example", *offers]
        usual = "".join(f"250{'-' if i < len(offers) else ' '}{n}\r\n"
                        for i, n in enumerate(names)).encode()
        self.answer("LHLO" if self.hop.lmtp else "EHLO", argument, usual)

    def starttls(self, argument):
        usual = b"220 2.0.0 go on\r\n" if self.hop.context and self.tls is None \
            else b"502 5.5.1 no TLS\r\n"
        if self.answer("STARTTLS", argument, usual) == b"2":
            self.reset()
            self.user = None
            self.start_tls()

    def auth(self, argument):
        """By the script's own reply, or by the mechanism."""
        def usual(session):
            if not session.hop.logins:
                return b"502 5.5.1 no AUTH\r\n"
            if argument.split(" ")[0].upper() not in session.hop.mechanisms:
                return b"504 5.5.4 not that one\r\n"
            return hop_auth.login(session, argument)
        self.answer("AUTH", argument, usual)

    def ask(self, challenge):
        """334 and what the client says to it (base64 as it is), or None: the script has answered."""
        self.send(b"334 " + challenge + b"\r\n")
        line = self.line().rstrip(b"\r\n")
        self.lines.append(line)
        return None if self.answer("=", line.decode("latin-1"), b"") else line

    def data(self, argument):
        usual = b"354 go on\r\n" if self.rcpts else b"503 5.5.1 no recipients\r\n"
        if self.answer("DATA", argument, usual) == b"3":
            self.take(self.content())

    def bdat(self, argument):
        size, _, last = argument.partition(" ")
        self.chunks += self.read(int(size))
        if last.upper() == "LAST":
            self.take(self.chunks)
        else:
            self.answer("BDAT", argument, b"250 2.0.0 chunk\r\n")

    def take(self, content):
        """A whole content: says what the script says of it, or takes it."""
        hop = self.hop
        message = {"from": self.sender, "to": self.rcpts, "data": content}
        rcpts, arguments = self.rcpts, self.arguments
        self.reset()
        for some in [[r] for r in rcpts] if hop.lmtp else [rcpts]:
            self.rcpt = some[-1] if some else None
            action = self.decide(".", content)
            # It is there before the reply leaves, for who waits for the client's end.
            if some and takes(action):
                wanted = [a for a, r in zip(arguments, rcpts) if r in some]
                with hop.lock:
                    hop.messages.append(dict(message, to=some))
                    hop.rcpts.append(wanted)
            self.perform(action, b"250 2.0.0 taken\r\n")


class Hop:
    def __init__(self, script=None, port=0, host="127.0.0.1", lmtp=False, path=None,
                 extensions=EXTENSIONS, cert=None, implicit=False, client_ca=None, versions=None,
                 logins=None, mechanisms=("PLAIN", "LOGIN"), needs_tls=False, needs_auth=False,
                 rcvbuf=0):
        self.script, self.lmtp, self.extensions = script, lmtp, list(extensions)
        self.implicit, self.needs_tls, self.needs_auth = implicit, needs_tls, needs_auth
        self.logins, self.mechanisms = logins or {}, list(mechanisms)
        self.context = self.tls_context(cert, client_ca, versions) if cert else None
        self.messages, self.rcpts, self.wire, self.talks = [], [], [], []
        self.tried = []         # [(mechanism, user, whether it was right), ...]
        self.sessions = 0
        self.lock = threading.Lock()
        self.over = threading.Event()
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
        else:
            self.listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if rcvbuf:
                self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            self.listener.bind((host, port))
        self.listener.listen(512)
        self.port = None if path else self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    @staticmethod
    def tls_context(cert, client_ca, versions):
        """versions: (least, most), as ssl.TLSVersion names them."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*cert)
        if versions:
            context.minimum_version, context.maximum_version = versions
        context.sni_callback = lambda tls, name, _context: setattr(tls, "sni", name)
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def accept(self):
        while True:
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(self, sock, peer)
            with self.lock:
                self.sessions += 1
                self.talks.append(session)
                self.wire.append(session.octets)
            threading.Thread(target=session.run, daemon=True).start()

    def stop(self):
        self.over.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join()
        for session in self.talks:
            try:
                session.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.stop()
