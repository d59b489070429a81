"""A Waybill server for a test: free ports, a folder of its own, ended by pid.

    with Server(POLICY, tables={"users": "ann:x\n"}) as s:
        c = s.smtp()                     # smtplib.SMTP, connected
        s.maildir("ann")                 # contents of messages in mail/ann/new
        s.waybill("queue", "list")       # a sub-command, on this server

In POLICY, @PORT@ is the SMTP port, @DIR@ the folder, @PORT2@ ... further free
ports (ports[1] ...).  A `spool` block is added when the policy has none.
"""
import glob
import json
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time

BUILD = os.environ.get("WB_BUILD", os.path.join(os.getcwd(), "build", "gcc"))
SRC = os.environ.get(
    "WB_SRC", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SANITIZED = False
with open(os.path.join(BUILD, "config.h"), encoding="ascii") as f:
    SANITIZED = "\n#define WAYBILL_SANITIZED" in f.read()
# Sanitizers and busy machines are slow: waits are generous, never asserted.
PATIENCE = 60 if SANITIZED else 30


def free_port(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def wait_for(what, seconds=None, step=0.05):
    """The first true value of what(); AssertionError when none comes."""
    end = time.monotonic() + (seconds or PATIENCE)
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(step)


class Server:
    def __init__(self, policy, tables=None, env=None, args=(), start=True):
        # Not /tmp's own mode 700 folder: other users must pass through it.
        self.dir = tempfile.mkdtemp(prefix="waybill-test-", dir="/var/tmp")
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        self.ports = [self.port]
        self.env = dict(os.environ, **(env or {}))
        self.args = list(args)
        self.proc = None
        for name, text in (tables or {}).items():
            self.write(name, text)
        self.set_policy(policy)
        if os.geteuid() == 0:
            self.run("setup", "--policy", self.policy)
        if start:
            self.start()

    # --- files
    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as f:
            f.write(text)
        return path

    def set_policy(self, text):
        text = text.replace("@PORT@", str(self.port)).replace("@DIR@", self.dir)
        n = 2
        while f"@PORT{n}@" in text:
            if len(self.ports) < n:
                self.ports.append(free_port())
            text = text.replace(f"@PORT{n}@", str(self.ports[n - 1]))
            n += 1
        if "\nspool" not in "\n" + text:
            text += '\nspool { directory "spool"; segment 1M; reserve 1M }\n'
        self.policy = self.write("policy.conf", text)

    @property
    def spool(self):
        return os.path.join(self.dir, "spool")

    def log(self):
        try:
            with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    # --- the process
    def start(self):
        self.proc = subprocess.Popen(
            [f"{BUILD}/waybill", "run", self.policy, "--log", f"{self.dir}/log", *self.args],
            env=self.env, stdin=subprocess.DEVNULL,
            stdout=open(f"{self.dir}/out", "ab"), stderr=subprocess.STDOUT)
        self.wait_up()

    def wait_up(self):
        def up():
            if self.proc.poll() is not None:
                raise AssertionError(f"the server ended with {self.proc.returncode}:\n"
                                     + self.output() + self.log())
            try:
                with socket.create_connection(("127.0.0.1", self.port), 2) as c:
                    c.settimeout(5)
                    return c.recv(512)[:1] in (b"2", b"4", b"5")
            except OSError:
                return False
        wait_for(up)

    def output(self):
        with open(f"{self.dir}/out", encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill_all()
        self.proc = None

    def processes(self):
        """{name: [pid, ...]} of the server's children: smtp, queue, ..."""
        todo, found = [self.proc.pid], {"parent": [self.proc.pid]}
        while todo:
            pid = todo.pop()
            try:
                with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
                    kids = [int(x) for x in f.read().split()]
            except OSError:
                continue
            for kid in kids:
                try:
                    with open(f"/proc/{kid}/cmdline", "rb") as f:
                        name = os.path.basename(f.read().split(b"\0")[0].decode())
                except OSError:
                    continue
                found.setdefault(name.replace("waybill-", ""), []).append(kid)
                todo.append(kid)
        return found

    def kill_all(self):
        """SIGKILL for all that this server started, and nothing else."""
        if self.proc is None:
            return
        for pids in self.processes().values():
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.proc.wait()
        self.proc = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        text = "" if kind is None else self.log()[-6000:]
        self.stop()
        if kind is None and not os.environ.get("WB_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)
        else:
            print(f"--- log of the server in {self.dir}\n{text}", flush=True)

    # --- asking it
    def run(self, *args, check=True):
        r = subprocess.run([f"{BUILD}/waybill", *args], capture_output=True, text=True,
                           timeout=120, env=self.env)
        if check and r.returncode:
            raise AssertionError(f"waybill {args}: status {r.returncode}\n{r.stdout}{r.stderr}")
        return r

    def waybill(self, *args, check=True):
        return self.run(*args, "-c", self.policy, check=check)

    def queue(self):
        """The messages of `queue list --json`."""
        return json.loads(self.waybill("queue", "list", "--json").stdout)["messages"]

    def smtp(self, **kw):
        return smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE, **kw)

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def maildir(self, user, box="mail"):
        texts = []
        for path in sorted(glob.glob(f"{self.dir}/{box}/{user}/new/*")):
            with open(path, "rb") as f:
                texts.append(f.read())
        return texts

    def wait_mail(self, user, n=1, box="mail"):
        wait_for(lambda: len(self.maildir(user, box)) >= n)
        return self.maildir(user, box)
