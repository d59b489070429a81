"""A name server with signed zones, and a forwarder before it that may strip signatures.

    with SignedDns([Zone("test.", [...]), ...], refused=["_25._tcp.mx.test."]) as dns:
        Server(..., env=dns.env)
        dns.mode = STRIP        # from now on without signatures, as old forwarders have it

A root zone is added when there is none.  Questions go to the forwarder (UDP),
which passes them on to unbound, which has the zones (test/integration/dnssec.py) and
validates nothing; whoever asks does.

    PASS     as it comes
    STRIP    the question's DO bit is taken off (RFC 3225)
    SILENT   no answer
    REFUSE   SERVFAIL to everything
"""
import os
import shutil
import socket
import subprocess
import tempfile
import threading

from dnssec import Zone, anchor, sign
from nameserver import UNBOUND
from server import free_port, wait_for

PASS, STRIP, SILENT, REFUSE = "PASS", "STRIP", "SILENT", "REFUSE"
OPT = b"\0\0\x29"       # the root's name and type 41 (RFC 6891, 6.1.2)
QUESTION = b"\0\1\1\0\0\1\0\0\0\0\0\0\4test\0\0\6\0\1"     # "test. SOA"


def without_do(question):
    at = question.rfind(OPT)
    if at < 12 or at + 11 > len(question):
        return question
    return question[:at + 7] + bytes([question[at + 7] & 0x7f]) + question[at + 8:]


class SignedDns:
    def __init__(self, zones, refused=(), mode=PASS):
        if not any(z.name == "." for z in zones):
            zones = [Zone(".", []), *zones]
        self.mode, self.questions = mode, []
        self.dir = tempfile.mkdtemp(prefix="waybill-dnssec-", dir="/var/tmp")
        os.chmod(self.dir, 0o755)
        self.behind = free_port()
        self.write(zones, refused)
        with open(f"{self.dir}/log", "wb") as log:
            self.proc = subprocess.Popen(
                [UNBOUND, "-d", "-c", f"{self.dir}/unbound.conf"], stdout=log, stderr=log,
                env={**os.environ, "LC_ALL": "C"})
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.port = self.front.getsockname()[1]
        self.address = f"127.0.0.1@{self.port}"
        self.env = {"WAYBILL_RESOLVER": self.address, "WAYBILL_TRUST_ANCHOR": f"{self.dir}/anchor"}
        wait_for(self.answers)
        threading.Thread(target=self.forward, daemon=True).start()

    def write(self, zones, refused):
        conf = [
            "server:", f"  port: {self.behind}", "  interface: 127.0.0.1",
            "  do-daemonize: no", '  username: ""', '  chroot: ""', '  pidfile: ""',
            f'  directory: "{self.dir}"', "  use-syslog: no", "  num-threads: 1",
            '  module-config: "iterator"', "  do-not-query-localhost: no",
            "  unblock-lan-zones: yes", '  local-zone: "test." nodefault']
        conf += [f'  local-zone: "{name}" refuse' for name in refused]
        for i, (name, text) in enumerate(sign(zones).items()):
            with open(f"{self.dir}/zone{i}", "w", encoding="ascii") as f:
                f.write(text)
            conf += ["auth-zone:", f'  name: "{name}"', f'  zonefile: "{self.dir}/zone{i}"',
                     "  for-upstream: yes", "  for-downstream: no", "  fallback-enabled: no"]
        with open(f"{self.dir}/unbound.conf", "w", encoding="ascii") as f:
            f.write("\n".join(conf) + "\n")
        with open(f"{self.dir}/anchor", "w", encoding="ascii") as f:
            f.write(anchor(zones))

    def ask(self, question):
        """One question to unbound; None: no answer."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(2)
            try:
                s.connect(("127.0.0.1", self.behind))
                s.send(question)
                return s.recv(65535)
            except OSError:
                return None

    def answers(self):
        if self.proc.poll() is not None:
            with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as f:
                raise AssertionError(f"unbound ended:\n{f.read()}")
        return self.ask(QUESTION) is not None

    def forward(self):
        while True:
            try:
                question, peer = self.front.recvfrom(65535)
            except OSError:
                return
            threading.Thread(target=self.serve, args=(question, peer), daemon=True).start()

    def serve(self, question, peer):
        mode = self.mode
        self.questions.append(question)
        answer = None
        if mode == REFUSE:
            answer = question[:2] + b"\x81\x82" + question[4:6] + bytes(6) + question[12:]
            answer = answer[:answer.rfind(OPT)] if OPT in answer else answer
        elif mode != SILENT:
            answer = self.ask(without_do(question) if mode == STRIP else question)
        if answer is not None:
            try:
                self.front.sendto(answer, peer)
            except OSError:
                pass    # it is over

    def stop(self):
        self.proc.terminate()
        self.proc.wait()
        try:
            self.front.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.front.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
