"""Real servers for tests of tables, in folders of their own, on free ports of loopback.

    with Postgres() as pg: pg.sql("create table ..."); pg.port; pg.dir
    with Slapd() as ldap:  ldap.port, ldap.tls_port, ldap.ldapi
    with Redis() as redis: redis.call("SET", "k", "v"); redis.port, redis.path
    with SocketMap({"ann": "ann@x"}) as m: m.port

Each can be stopped (hang), continued, killed and started again.  What they start
they end, by pid.
"""
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

from server import free_port, wait_for


def find(name, pattern=None):
    path = shutil.which(name)
    return path or next(iter(sorted(glob.glob(pattern or f"/usr/sbin/{name}"))), None)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
        return True
    except OSError:
        return False


class Backend:
    """A process with a folder."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="waybill-db-", dir="/var/tmp")
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        self.proc = None
        self.user = None
        self.stopped = []
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise

    def prepare(self):
        pass

    def command(self):
        raise NotImplementedError

    def ready(self):
        return answers(self.port)

    def start(self):
        with open(f"{self.dir}/log", "ab") as log:
            self.proc = subprocess.Popen(
                self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                user=self.user, cwd=self.dir, env={**os.environ, "LC_ALL": "C"})
        wait_for(lambda: self.alive() and self.ready())

    def alive(self):
        if self.proc.poll() is not None:
            with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as f:
                raise AssertionError(f"{self.command()[0]} ended:\n{f.read()[-3000:]}")
        return True

    def children(self):
        try:
            with open(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children",
                      encoding="ascii") as f:
                return [int(pid) for pid in f.read().split()]
        except OSError:
            return []

    def stop(self):
        """As if it hung: it keeps its sockets and says nothing."""
        self.stopped = [self.proc.pid] + self.children()
        for pid in self.stopped:
            os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: all(self.stands(pid) for pid in self.stopped), step=0.005)

    @staticmethod
    def stands(pid):
        """All its threads have stopped, or it has gone."""
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/stat", encoding="ascii") as f:
                    if f.read().rsplit(")", 1)[1].split()[0] != "T":
                        return False
        except OSError:
            pass
        return True

    def go_on(self):
        for pid in self.stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.stopped = []

    def kill(self, how=signal.SIGKILL):
        self.go_on()
        if self.proc is not None and self.proc.poll() is None:
            self.proc.send_signal(how)
            self.proc.wait(30)

    def close(self):
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Postgres(Backend):
    # Debian's folder before what may lie in PATH: all programs of one version.
    BIN = os.path.dirname(next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))),
                               shutil.which("initdb") or ""))

    def prepare(self):
        if os.geteuid() == 0:
            self.user = pwd.getpwnam("postgres").pw_uid
            os.chown(self.dir, self.user, -1)
        subprocess.run(
            [f"{self.BIN}/initdb", "-D", f"{self.dir}/data", "-U", "boss", "-E", "UTF8",
             "--locale=C", "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256"],
            check=True, stdout=subprocess.DEVNULL, user=self.user, cwd=self.dir)

    def command(self):
        return [f"{self.BIN}/postgres", "-D", f"{self.dir}/data", "-p", str(self.port),
                "-k", self.dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
                "-c", "max_connections=20"]

    def ready(self):
        r = subprocess.run([f"{self.BIN}/pg_isready", "-h", self.dir, "-p", str(self.port)],
                           stdout=subprocess.DEVNULL, check=False)
        return r.returncode == 0

    def sql(self, text):
        return subprocess.run(
            [f"{self.BIN}/psql", "-h", self.dir, "-p", str(self.port), "-U", "boss", "-qAt",
             "-v", "ON_ERROR_STOP=1", "-d", "postgres"], input=text, text=True, check=True,
            stdout=subprocess.PIPE).stdout.strip()

    def kill(self, how=signal.SIGKILL):
        # A backend that outlives its postmaster keeps the new one from starting.
        self.go_on()
        left = self.children() if self.proc is not None else []
        super().kill(signal.SIGQUIT if how == signal.SIGKILL else how)
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in left))


class Redis(Backend):
    BIN = find("redis-server", "/usr/bin/redis-server")

    def prepare(self):
        self.path = f"{self.dir}/redis.sock"

    def command(self):
        return [self.BIN, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket",
                self.path, "--save", "", "--appendonly", "no", "--dir", self.dir,
                "--enable-debug-command", "yes"]

    def ready(self):
        try:
            return self.call("PING") == b"+PONG\r\n"
        except OSError:
            return False

    def call(self, *words):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(self.path)
            words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
            s.sendall(b"*%d\r\n" % len(words) +
                      b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
            return s.recv(65536)


class Slapd(Backend):
    BIN = find("slapd")
    SUFFIX = "dc=test"

    def prepare(self):
        self.tls_port = free_port()
        self.ldapi = f"{self.dir}/ldapi"
        os.mkdir(f"{self.dir}/db")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-keyout", f"{self.dir}/key.pem", "-out", f"{self.dir}/cert.pem",
             "-subj", "/CN=ldap.test", "-addext", "subjectAltName=DNS:ldap.test"],
            check=True, stderr=subprocess.DEVNULL)
        schema = "\n".join(f"include /etc/ldap/schema/{s}.schema"
                           for s in ("core", "cosine", "inetorgperson"))
        with open(f"{self.dir}/slapd.conf", "w", encoding="utf-8") as f:
            f.write(f"""{schema}
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {self.dir}/cert.pem
TLSCertificateKeyFile {self.dir}/key.pem
pidfile {self.dir}/pid
sizelimit 20
database mdb
maxsize 16777216
suffix "{self.SUFFIX}"
rootdn "cn=boss,{self.SUFFIX}"
rootpw hidden
directory {self.dir}/db
index objectClass eq
index uid eq
index mail eq
access to attrs=telephoneNumber by dn.exact="cn=boss,{self.SUFFIX}" read by * none
access to * by * read
""")
        self.add(f"dn: {self.SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\n"
                 "dc: test\no: test\n")

    def add(self, ldif):
        """Only while it is not running, or before."""
        subprocess.run([find("slapadd"), "-q", "-f", f"{self.dir}/slapd.conf"], input=ldif,
                       text=True, check=True)

    def person(self, uid, dn=None, **attributes):
        lines = [f"dn: {dn or f'uid={uid},{self.SUFFIX}'}", "objectClass: inetOrgPerson",
                 f"uid: {uid}", "cn: x", "sn: x"]
        for name, values in attributes.items():
            lines += [f"{name}: {v}" for v in ([values] if isinstance(values, str) else values)]
        return "\n".join(lines) + "\n\n"

    def command(self):
        path = self.ldapi.replace("/", "%2F")
        return [self.BIN, "-d", "0", "-f", f"{self.dir}/slapd.conf", "-h",
                f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port} ldapi://{path}"]


class SocketMap:
    """A server of Postfix's socketmap protocol; values may be octets or a whole reply."""

    def __init__(self, values, path=None):
        self.values = values
        self.path = path
        self.asked = []
        self.most = self.now = 0
        self.connections = []
        self.lock = threading.Lock()
        if path:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.bind(path)
            self.port = None
        else:
            self.sock = socket.socket()
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sock.bind(("127.0.0.1", 0))
            self.port = self.sock.getsockname()[1]
        self.sock.listen(100)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            with self.lock:
                self.connections.append(c)
            threading.Thread(target=self.talk, args=(c,), daemon=True).start()

    @staticmethod
    def request(f):
        n = b""
        while not n.endswith(b":"):
            c = f.read(1)
            if not c:
                return None
            n += c
        body = f.read(int(n[:-1]))
        return body if f.read(1) == b"," else None

    def talk(self, c):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            f = c.makefile("rb")
            while (body := self.request(f)) is not None:
                name, _, key = body.partition(b" ")
                self.asked.append((name, key))
                reply = self.values.get(key, b"NOTFOUND ")
                if callable(reply):
                    reply = reply(c)
                if reply is None:
                    continue
                if not isinstance(reply, bytes):
                    reply = b"OK " + reply.encode()
                c.sendall(reply if reply[:1].isdigit() else b"%d:%s," % (len(reply), reply))
        except OSError:
            pass
        finally:
            with self.lock:
                self.now -= 1
            c.close()

    def drop(self):
        """Closes the connections that there are."""
        with self.lock:
            gone, self.connections = self.connections, []
        for c in gone:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        if self.sock.fileno() != -1:
            self.sock.shutdown(socket.SHUT_RDWR)    # accept() ends too
            self.sock.close()
        self.drop()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
