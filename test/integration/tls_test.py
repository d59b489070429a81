"""TLS of the real server with other people's clients: openssl, swaks, curl, msmtp."""
import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest

from certs import Certs
from server import PATIENCE, Server, wait_for
from tls_client import Tunnel

POLICY = """edition 1
hostname "mx.example"
tls {
    certificate "@DIR@/certs/mx.pem"; key "@DIR@/certs/mx.key"; staple "@DIR@/certs/mx.ocsp"
    client certificates asked; client authorities "@DIR@/certs/ca.pem"
    for "mx.example" { certificate "@DIR@/certs/rsa.pem"; key "@DIR@/certs/rsa.key" }
    for "other.example" { certificate "@DIR@/certs/other.pem"; key "@DIR@/certs/other.key" }
}
listen smtp on "127.0.0.1:@PORT@"
listen submissions on "127.0.0.1:@PORT2@" { auth none }
limits { per client 1000 connections }
set ours = { "here.example" }
map users = text "@DIR@/users" as accounts
mailbox box { accounts users; path "@DIR@/mail/{user}" }
on rcpt {
    client.certificate == "ann@here.example" => accept
    rcpt.domain not in ours => reject 550 5.7.1 "no relaying"
    otherwise => accept
}
on content { otherwise => set header "X-Who: {client.certificate} {tls.version}" }
route { otherwise => deliver box }
"""
MAIL = "From: a@b.example\r\nDate: Fri, 1 Jan 2027 00:00:00 +0000\r\nSubject: x\r\n\r\nhello\r\n"


def run(*args, text="", ok=True):
    r = subprocess.run(args, input=text, capture_output=True, text=True, timeout=PATIENCE,
                       check=False, errors="replace")
    if ok and r.returncode != 0:
        raise AssertionError(f"{args}: {r.stdout}{r.stderr}")
    return r.stdout + r.stderr


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = Server(POLICY, tables={"users": "ann:x\nbob:x\n"}, start=False)
        cls.addClassCleanup(cls.s.__exit__, None, None, None)
        cls.c = Certs(f"{cls.s.dir}/certs")
        cls.c.make("ca", ca=True)
        cls.c.make("middle", ca=True, by="ca")
        cls.c.make("mx", names="DNS:mx.example,DNS:*.wild.example", by="middle")
        cls.c.make("rsa", names="DNS:mx.example", kind="rsa", by="ca")
        cls.c.make("other", names="DNS:other.example", kind="p384", by="ca")
        cls.c.make("ann", names="email:ann@here.example", by="ca")
        cls.c.staple("mx", "middle")
        cls.c.chain("mx", "middle")
        cls.s.start()

    # --- how hands are shaken
    def s_client(self, *args, text="QUIT\r\n", first=False, ok=True):
        where = ["-connect", f"127.0.0.1:{self.s.ports[1]}"] if first else \
            ["-connect", f"127.0.0.1:{self.s.port}", "-starttls", "smtp"]
        return run("openssl", "s_client", "-ign_eof", "-CAfile", self.c.path("ca.pem"), *where,
                   *args, text=text, ok=ok)

    def shown(self, *args, **how):
        """The fingerprint of the certificate that is shown."""
        out = self.s_client(*args, **how)
        pem = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", out, re.S)
        out = run("openssl", "x509", "-noout", "-fingerprint", "-sha256", text=pem.group(0))
        return out.strip().split("=")[1]

    def test_versions(self):
        for first in (False, True):
            for arg, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
                out = self.s_client(arg, first=first)
                self.assertIn(f"New, {name}", out)
                self.assertIn("Verify return code: 0 (ok)", out)
                self.assertIn("221 2.0.0", out)

    def test_versions_that_are_too_old(self):
        for arg in ("-tls1", "-tls1_1"):
            out = self.s_client(arg, "-cipher", "ALL:@SECLEVEL=0", ok=False)
            self.assertIn("alert protocol version", out)
            self.assertIn("Cipher is (NONE)", out)

    def test_which_certificate(self):
        prints = {n: self.c.fingerprint(n) for n in ("mx", "rsa", "other")}
        rsa = ("-tls1_2", "-cipher", "aRSA")
        for args, want in ((("-servername", "mx.example"), "mx"),
                           (("-servername", "mx.example", *rsa), "rsa"),
                           (("-noservername", *rsa), "rsa"),
                           (("-noservername",), "mx"),
                           (("-servername", "a.wild.example"), "mx"),
                           (("-servername", "nobody.example"), "mx"),
                           (("-servername", "other.example"), "other")):
            self.assertEqual(self.shown(*args), prints[want], args)
            self.assertEqual(self.shown(*args, first=True), prints[want], args)

    def test_staple(self):
        out = self.s_client("-status", "-servername", "mx.example")
        self.assertIn("OCSP Response Status: successful", out)
        self.assertIn("Cert Status: good", out)
        out = self.s_client("-status", "-servername", "other.example")
        self.assertIn("OCSP response: no response sent", out)

    def test_no_http_here(self):
        out = self.s_client("-alpn", "h2,http/1.1", first=True, ok=False)
        self.assertIn("alert no application protocol", out)

    def workers_of(self, log):
        return set(re.findall(r"smtp\[(\d+)\] info tls session=.* resumed=yes", log))

    def test_sessions_are_taken_up_by_all_workers(self):
        path = self.c.path("session")
        for arg in ("-tls1_2", "-tls1_3"):
            before = len(self.s.log())
            self.s_client(arg, "-sess_out", path)
            for _ in range(60):
                self.assertIn("Reused, TLSv1", self.s_client(arg, "-sess_in", path))
                if len(self.workers_of(self.s.log()[before:])) == 2:
                    break
            self.assertEqual(len(self.workers_of(self.s.log()[before:])), 2)

    def test_a_session_keeps_the_certificate_of_its_client(self):
        path = self.c.path("session-ann")
        cert = ("-cert", self.c.path("ann.pem"), "-key", self.c.path("ann.key"))
        talk = ("EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@third.example>\r\nQUIT\r\n")
        for arg in ("-tls1_2", "-tls1_3"):
            out = self.s_client(arg, *cert, "-sess_out", path, text=talk)
            self.assertIn("250 2.1.5", out)
            out = self.s_client(arg, "-sess_in", path, text=talk)
            self.assertIn("Reused", out)
            self.assertIn("250 2.1.5", out)
            self.assertIn("550 5.7.1", self.s_client(arg, text=talk))

    # --- clients
    def mails(self):
        return self.s.maildir("ann")

    def arrives(self, before, *wanted):
        wait_for(lambda: len(self.mails()) > before)
        text = b"".join(self.mails()).decode()
        for w in wanted:
            self.assertIn(w, text)

    def test_swaks(self):
        for args in (["--tls"], ["--tlsc", "-p", str(self.s.ports[1])]):
            before = len(self.mails())
            out = run("swaks", "--server", "127.0.0.1", "-p", str(self.s.port), "--helo",
                      "swaks.example", "--from", "a@b.example", "--to", "ann@here.example", *args)
            self.assertIn("TLS started", out)
            self.arrives(before, "with ESMTPS id", "from swaks.example")

    def test_curl(self):
        for url, more in ((f"smtp://127.0.0.1:{self.s.port}/curl.example", ["--ssl-reqd"]),
                          (f"smtps://127.0.0.1:{self.s.ports[1]}/curl.example", [])):
            before = len(self.mails())
            run("curl", "-sS", "-k", url, *more, "--cert", self.c.path("ann.pem"), "--key",
                self.c.path("ann.key"), "--mail-from", "a@b.example", "--mail-rcpt",
                "ann@here.example", "-T", "-", text=MAIL)
            self.arrives(before, "X-Who: ann@here.example TLSv1.3", "(TLSv1.3 with TLS_")

    def test_msmtp(self):
        for on, port in (("on", self.s.port), ("off", self.s.ports[1])):
            before = len(self.mails())
            run("msmtp", "--host=127.0.0.1", f"--port={port}", "--tls=on", f"--tls-starttls={on}",
                "--tls-certcheck=off", "--from=a@b.example", "--domain=msmtp.example",
                "ann@here.example", text=MAIL)
            self.arrives(before, "from msmtp.example", "with ESMTPS id")

    # --- who is no good
    def connect(self, first=True):
        return socket.create_connection(("127.0.0.1", self.s.ports[1 if first else 0]), PATIENCE)

    def test_no_tls_where_it_is_first(self):
        for octets in (b"EHLO a\r\n", b"GET / HTTP/1.0\r\n\r\n", os.urandom(3000), b"\0" * 700):
            with self.connect() as c:
                c.sendall(octets)
                got = b""
                try:
                    while piece := c.recv(4096):
                        got += piece
                except ConnectionResetError:
                    pass
                self.assertNotIn(b"220", got)
        wait_for(lambda: "why=\"wrong version number\"" in self.s.log())

    def test_half_open_ones_do_not_stop_others(self):
        idle = [self.connect() for _ in range(200)]
        for c in idle[:100]:
            c.sendall(b"\x16\x03\x01\x02\x00\x01")
        try:
            self.assertIn("221 2.0.0", self.s_client(first=True))
        finally:
            for c in idle:
                c.close()

    def counts(self, name):
        status = self.s.waybill("status", "--json").stdout
        return [int(n) for n in re.findall(rf'"{name}": ?(\d+)', status)]

    def test_who_ends_no_handshake_gives_way(self):
        """More of them than all workers have room for: a worker has 500."""
        n = 700 * len(self.s.processes()["smtp"])
        resource.setrlimit(resource.RLIMIT_NOFILE, (n + 500, n + 500))
        begun = []
        try:
            for i in range(n):
                at = (f"127.1.{i // 200}.{i % 200 + 1}", 0)
                c = socket.create_connection(("127.0.0.1", self.s.ports[1]), PATIENCE, at)
                begun.append(c)
                c.sendall(b"\x16\x03\x01\x02\x00\x01")
            wait_for(lambda: 500 in self.counts("tls_under_way"))
            self.assertIn("221 2.0.0", self.s_client(first=True))
            self.assertIn("221 2.0.0", self.s_client())
            wait_for(lambda: sum(self.counts("tls_gave_way")) > 100)
            self.assertIn('why="slow, and others waited"', self.s.log())
        finally:
            for c in begun:
                c.close()

    def test_a_slow_handshake(self):
        """A ClientHello octet by octet is as good as another."""
        with self.connect() as c:
            aside, ours = socket.socketpair()
            done = []

            def forward():
                while piece := aside.recv(65536):
                    for i in range(0, len(piece), 7):
                        c.sendall(piece[i:i + 7])
                        time.sleep(0.001)

            def back():
                while piece := c.recv(3):
                    aside.sendall(piece)
                done.append(True)
            for f in (forward, back):
                threading.Thread(target=f, daemon=True).start()
            t = Tunnel(ours)
            self.assertTrue(t.recv(4096).startswith(b"220 "))
            t.sendall(b"QUIT\r\n")
            self.assertTrue(t.recv(4096).startswith(b"221 "))
            self.assertEqual(t.recv(4096), b"")
            ours.close()
            aside.close()

    def test_300_at_once(self):
        results = []

        def one():
            with Tunnel(self.connect()) as t:
                results.append(t.recv(100)[:4])
                gate.wait(PATIENCE)
                t.sendall(b"QUIT\r\n")
                results.append(t.recv(100)[:4])
        gate = threading.Barrier(300)
        threads = [threading.Thread(target=one) for _ in range(300)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(PATIENCE)
        self.assertEqual(results.count(b"220 "), 300)
        self.assertEqual(results.count(b"221 "), 300)

    # --- last: what changes the server
    def test_z_a_renewed_certificate_needs_no_restart(self):
        pids = self.s.processes()["parent"]
        with Tunnel(self.connect()) as t:
            self.assertTrue(t.recv(100).startswith(b"220 "))
            old = self.c.fingerprint("other")
            self.assertEqual(self.shown("-servername", "other.example"), old)
            self.c.make("other", names="DNS:other.example", kind="rsa", by="ca")
            new = self.c.fingerprint("other")
            wait_for(lambda: self.shown("-servername", "other.example") == new)
            t.sendall(b"NOOP\r\n")
            self.assertTrue(t.recv(100).startswith(b"250 "))
        self.assertEqual(self.s.processes()["parent"], pids)

    def test_z_keys_may_die(self):
        with Tunnel(self.connect()) as t:
            t.recv(100)
            os.kill(self.s.processes()["keys"][0], signal.SIGKILL)
            self.assertIn("221 2.0.0", self.s_client())
            t.sendall(b"NOOP\r\n")
            self.assertTrue(t.recv(100).startswith(b"250 "))

    def test_z_what_is_told(self):
        log = self.s.log()
        self.assertRegex(log, r"tls session=S\w+ client=127.0.0.1 listener=smtp version=TLSv1.3 "
                         r"cipher=TLS_AES_256_GCM_SHA384 group=x25519 resumed=no sni=\S+ "
                         r"certificate=none why=- ms=\d+")
        self.assertIn("certificate=ann@here.example", log)
        self.assertRegex(log, r"tls-failed session=S\w+ .* why=")
        status = self.s.waybill("status", "--json").stdout
        done = sum(int(n) for n in re.findall(r'"tls_handshakes": ?(\d+)', status))
        self.assertGreater(done, 20)
        self.assertNotIn("event=died", log.replace("process=keys", "").replace(
            "event=died signal=9", ""))

    def test_z_ciphers_that_nobody_knows(self):
        """A mistyped list does not take TLS away."""
        text = POLICY.replace("client certificates asked", 'ciphers "BOGUS"; client certificates asked')
        self.s.set_policy(text)
        r = self.s.run("check", self.s.policy, check=False)
        self.assertIn('warning: ciphers "BOGUS": OpenSSL here knows none of them', r.stderr)
        self.s.waybill("reload")
        wait_for(lambda: "event=ciphers-not-used ciphers=BOGUS" in self.s.log())
        for arg in ("-tls1_2", "-tls1_3"):
            self.assertIn("221 2.0.0", self.s_client(arg))


if __name__ == "__main__":
    unittest.main()
