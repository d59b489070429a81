"""An HTTPS server for tests: policies of MTA-STS, endpoints for tokens, reports that are sent.

    with HttpsServer() as web:                      # on 127.0.0.1, its own authority: web.ca
        web.sts("example.test", enforce(["mx.example.test"]))
        web.on("login.test", "/token", lambda r: json_answer({"access_token": "x"}))
        web.sink("reports.test", "/tls")            # POSTs are taken: 201
        ...
        web.requests                                # what has come: [Request, ...]

A host has a certificate for its name, made when it is first spoken of; host()
says another: one for another name, an expired one, one of an unknown authority.
An answer may be late, come in drops, be broken off, be endless, or be no HTTP.
Names are the test's business: NameServer with "NAME A 127.0.0.1"; policies are
fetched from web.port when the environment WAYBILL_STS_PORT says so.
"""
import dataclasses
import http.server
import json
import shutil
import ssl
import tempfile
import threading
import time
import urllib.parse

from certs import Certs, openssl

STS_PATH = "/.well-known/mta-sts.txt"


@dataclasses.dataclass
class Request:
    method: str
    host: str
    path: str
    headers: dict       # names in lower case
    body: bytes

    def form(self):
        """The fields of application/x-www-form-urlencoded."""
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclasses.dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    type: str = "text/plain"
    headers: dict = dataclasses.field(default_factory=dict)
    delay: float = 0            # seconds before the first octet
    drop: float = 0             # seconds after each octet
    length: int = None          # another Content-Length than the body's: broken off, or too much
    endless: bool = False       # the body again and again, without a length
    raw: bytes = None           # this and nothing else, then the end


def json_answer(value, status=200):
    return Answer(status, json.dumps(value).encode(), "application/json")


def policy(mode, mx=(), max_age=86400, end="\r\n", more=()):
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {m}" for m in mx),
             f"max_age: {max_age}", *more]
    return "".join(line + end for line in lines)


def enforce(mx, **kw):
    return policy("enforce", mx, **kw)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def serve(self):
        n = int(self.headers.get("Content-Length") or 0)
        r = Request(self.command, (self.headers.get("Host") or "").rsplit(":", 1)[0], self.path,
                    {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(n))
        self.close_connection = True
        try:
            self.say(self.server.web.answer(r))
        except OSError:
            pass    # who asked has heard enough

    do_GET = do_POST = serve

    def say(self, a):
        if self.server.web.ending.wait(a.delay):
            return
        if a.raw is not None:
            self.wfile.write(a.raw)
            return
        head = {"Content-Type": a.type, "Connection": "close", **a.headers}
        if not a.endless:
            head["Content-Length"] = len(a.body) if a.length is None else a.length
        self.send_response(a.status)
        for name, value in head.items():
            if value is not None:
                self.send_header(name, str(value))
        self.end_headers()
        self.say_body(a)

    def say_body(self, a):
        if not a.drop:
            self.wfile.write(a.body)
        for i in range(len(a.body) if a.drop else 0):
            self.wfile.write(a.body[i:i + 1])
            if self.server.web.ending.wait(a.drop):
                return
        while a.endless and not self.server.web.ending.is_set():
            self.wfile.write(a.body)


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, web, address):
        self.web = web
        super().__init__(address, Handler)

    def finish_request(self, request, client_address):
        """The handshake is the thread's, not the listener's."""
        request.settimeout(60)
        self.web.connections += 1
        with self.web.context.wrap_socket(request, server_side=True) as s:
            self.web.handshakes += 1
            super().finish_request(s, client_address)

    def handle_error(self, request, client_address):
        pass    # a client that does not trust us hangs up


class HttpsServer:
    def __init__(self, address="127.0.0.1"):
        self.dir = tempfile.mkdtemp(prefix="waybill-https-", dir="/var/tmp")
        self.certs = Certs(self.dir)
        self.ca = self.certs.make("authority", ca=True)
        self.certs.make("stranger", ca=True)
        self.requests, self.connections, self.handshakes = [], 0, 0
        self.ending = threading.Event()
        self.lock = threading.Lock()
        self.contexts, self.answers = {}, {}
        self.context = self.make_context("default", "DNS:default.invalid", "authority")
        self.context.sni_callback = self.chosen
        self.httpd = Listener(self, (address, 0))
        self.port = self.httpd.server_address[1]
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=(0.05,))
        self.thread.start()

    # --- certificates
    def make_context(self, name, names, by, expired=False):
        self.certs.make(name, names=names, by=by)
        if expired:
            self.expire(name, by, names)
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(self.certs.path(f"{name}.pem"), self.certs.path(f"{name}.key"))
        return c

    def expire(self, name, by, names):
        """NAME.pem again, for a day that is over."""
        path = self.certs.path
        with open(path("expired.cnf"), "w", encoding="ascii") as f:
            f.write(f"[ca]\ndatabase={path('index')}\nserial={path('serial')}\nnew_certs_dir="
                    f"{self.dir}\ndefault_md=sha256\npolicy=any\nrand_serial=yes\n"
                    f"[any]\ncommonName=supplied\n[ext]\nsubjectAltName={names}\n")
        for empty in "index", "index.attr":
            with open(path(empty), "w", encoding="ascii"):
                pass
        openssl("req", "-new", "-key", path(f"{name}.key"), "-subj", f"/CN={name}",
                "-out", path(f"{name}.csr"))
        openssl("ca", "-batch", "-config", path("expired.cnf"), "-name", "ca", "-extensions", "ext",
                "-cert", path(f"{by}.pem"), "-keyfile", path(f"{by}.key"), "-notext",
                "-startdate", "20200101000000Z", "-enddate", "20200102000000Z",
                "-in", path(f"{name}.csr"), "-out", path(f"{name}.pem"))

    def host(self, name, names=None, by="authority", expired=False):
        """The certificate that is shown for this name; names: as openssl writes it."""
        context = self.make_context(f"host.{len(self.contexts)}", names or f"DNS:{name}", by,
                                    expired)
        with self.lock:
            self.contexts[name] = context

    def chosen(self, sock, name, _context):
        with self.lock:
            if name in self.contexts:
                sock.context = self.contexts[name]

    # --- answers
    def on(self, host, path, answer):
        """answer: an Answer, or who makes one of a Request."""
        if host not in self.contexts:
            self.host(host)
        with self.lock:
            self.answers[host, path] = answer

    def sts(self, domain, text, **kw):
        """A policy, and where it is looked for (RFC 8461, 3.3)."""
        text = text.encode() if isinstance(text, str) else text
        self.on(f"mta-sts.{domain}", STS_PATH, Answer(body=text, **kw))

    def sink(self, host, path, status=201):
        self.on(host, path, Answer(status))

    def answer(self, request):
        with self.lock:
            self.requests.append(request)
            a = self.answers.get((request.host, request.path.split("?")[0]), Answer(404))
        return a(request) if callable(a) else a

    def asked(self, host=None):
        with self.lock:
            return [r for r in self.requests if host in (None, r.host)]

    def stop(self):
        self.ending.set()
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()


if __name__ == "__main__":
    # By hand: a policy for example.test until interrupted.
    with HttpsServer() as server:
        server.sts("example.test", enforce(["mx.example.test"]))
        print(f"port {server.port}, authority {server.ca}", flush=True)
        while True:
            time.sleep(3600)
