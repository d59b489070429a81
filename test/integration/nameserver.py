"""A name server for tests: unbound with records of its own, on a high port of loopback.

    with NameServer(["example.test. MX 10 mx.example.test."],
                    refused=["failing.test."]) as dns:
        Server(..., env={"WAYBILL_RESOLVER": dns.address})

Names below .test that it does not know are NXDOMAIN; those below a `refused`
name are refused (SERVFAIL for who asks through a resolver); questions for those
below a `silent` name stay without an answer.
"""
import os
import shutil
import socket
import subprocess
import tempfile

from server import free_port, wait_for

UNBOUND = shutil.which("unbound") or "/usr/sbin/unbound"


class NameServer:
    def __init__(self, records, refused=(), silent=()):
        self.dir = tempfile.mkdtemp(prefix="waybill-dns-")
        self.port = free_port()
        self.address = f"127.0.0.1@{self.port}"
        conf = [
            "server:", f"  port: {self.port}", "  interface: 127.0.0.1",
            "  do-daemonize: no", '  username: ""', '  chroot: ""', '  pidfile: ""',
            f'  directory: "{self.dir}"', "  use-syslog: no", "  num-threads: 1",
            '  module-config: "iterator"', '  local-zone: "." refuse', '  local-zone: "test." static',
            "  do-not-query-localhost: no"]
        conf += [f'  local-zone: "{name}" refuse' for name in refused]
        conf += [f'  local-zone: "{name}" transparent' for name in silent]
        conf += [f"  local-data: '{record}'" for record in records]
        # A port that takes questions and never answers.
        self.silence = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.silence.bind(("127.0.0.1", 0))
        for name in silent:
            conf += ["forward-zone:", f'  name: "{name}"',
                     f"  forward-addr: 127.0.0.1@{self.silence.getsockname()[1]}"]
        with open(f"{self.dir}/unbound.conf", "w", encoding="ascii") as f:
            f.write("\n".join(conf) + "\n")
        with open(f"{self.dir}/log", "wb") as log:
            self.proc = subprocess.Popen(
                [UNBOUND, "-d", "-c", f"{self.dir}/unbound.conf"], stdout=log, stderr=log,
                env={**os.environ, "LC_ALL": "C"})
        wait_for(self.answers)

    def answers(self):
        if self.proc.poll() is not None:
            with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as f:
                raise AssertionError(f"unbound ended:\n{f.read()}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            try:    # "test. A"
                s.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\4test\0\0\1\0\1", ("127.0.0.1", self.port))
                return s.recv(512)[:2] == b"\0\1"
            except OSError:
                return False

    def stop(self):
        self.proc.terminate()
        self.proc.wait()
        self.silence.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
