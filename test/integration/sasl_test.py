"""Logins (RFC 4954): what clients of others do, and what nobody should do, on the real server."""
import base64
import hashlib
import hmac
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import unittest

from certs import Certs
from server import PATIENCE, Server, wait_for
from smtp_chat_test import SCRAM
from socketmap import Socketmap
from tls_client import Tunnel

POLICY = """edition 1
hostname "mx.example"
set ours = { "here.example" }
map users = text "users" as accounts
map names = { "sales" = "ann" } as aliases
mailbox box { accounts users; path "@DIR@/mail/{user}" }
tls {
    certificate "certs/mx.pem"; key "certs/mx.key"
    client certificates asked; client authorities "certs/ca.pem"
}
auth { tokens "@TOKENS@"; failures 1000; refuse 5000 }
listen smtp on "127.0.0.1:@PORT@"
listen submission on "127.0.0.1:@PORT2@" {
    auth required; tls required
    mechanisms plain, login, cram-md5, scram-sha-1, scram-sha-256, scram-sha-1-plus, scram-sha-256-plus, oauthbearer, xoauth2, external
}
listen submissions on "127.0.0.1:@PORT3@" { auth required }
listen submission inside on "127.0.0.1:@PORT4@" {
    auth required; auth in clear; tls none
    mechanisms plain, login, cram-md5, scram-sha-1, scram-sha-256
}
on mail { client.authenticated and sender not of client.user => reject 553 5.7.1 "not yours" }
on rcpt {
    client.authenticated => accept
    rcpt.domain in ours => accept
}
route { otherwise => expand names, deliver box }
"""
TOKENS = {"oauth": {"ann ya29.tok-en_x": "ann", " ya29.tok-en_x": "ann"}}
ENVELOPE = ("--from", "ann@here.example", "--to", "bob@here.example")


def b64(octets):
    return base64.b64encode(octets).decode()


def run(*args, text=None):
    return subprocess.run([str(a) for a in args], input=text, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)


class Scram:
    """A client of SCRAM-SHA-256 (RFC 5802), which may be told to say something else."""

    def __init__(self, password, gs2="n,,", binding=b"", user="ann"):
        self.password, self.gs2, self.binding = password, gs2, binding
        self.bare = f"n={user},r={b64(os.urandom(18))}"

    def first(self):
        return (self.gs2 + self.bare).encode()

    def final(self, server):
        got = dict(part.split("=", 1) for part in server.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(got["s"]),
                                     int(got["i"]))
        without = f"c={b64(self.gs2.encode() + self.binding)},r={got['r']}"
        text = f"{self.bare},{server},{without}".encode()
        key = hmac.digest(salted, b"Client Key", "sha256")
        sign = hmac.digest(hashlib.sha256(key).digest(), text, "sha256")
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self.wanted = "v=" + b64(hmac.digest(server_key, text, "sha256"))
        return f"{without},p={b64(bytes(a ^ b for a, b in zip(key, sign)))}".encode()


class Line:
    """A client that says exactly what it is told to, after STARTTLS."""

    def __init__(self, port, cert=None):
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.reply()
        self.say("EHLO me.example")
        self.say("STARTTLS")
        self.sock = Tunnel(self.sock, cert=cert)
        self.ehlo = self.say("EHLO me.example")

    def reply(self):
        text = b""
        while not text.endswith(b"\r\n") or text.split(b"\r\n")[-2][3:4] == b"-":
            piece = self.sock.recv(65536)
            if not piece:
                return text.decode()
            text += piece
        return text.decode()

    def say(self, line):
        self.sock.sendall(line.encode() + b"\r\n" if isinstance(line, str) else line)
        return self.reply()

    def scram(self, mech, client):
        """The last reply."""
        got = self.say(f"AUTH {mech} {b64(client.first())}")
        if not got.startswith("334 "):
            return got
        got = self.say(b64(client.final(base64.b64decode(got[4:]).decode())))
        if not got.startswith("334 "):
            return got
        assert base64.b64decode(got[4:]).decode() == client.wanted, "the server's signature"
        return self.say("")


class Logins(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tokens = Socketmap(TOKENS)
        cls.server = Server(POLICY.replace("@TOKENS@", cls.tokens.where),
                            tables={"users": f"ann:{SCRAM}\nbob:{{PLAIN}}secret\n"}, start=False)
        cls.ports = cls.server.ports[1:]
        certs = Certs(f"{cls.server.dir}/certs")
        certs.make("ca", ca=True)
        certs.make("mx", names="DNS:mx.example")
        certs.make("ann", by="ca", names="email:ann")
        certs.make("mallory", by="ca", names="email:mallory")
        cls.certs = certs
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.tokens.stop()
        shutil.rmtree(cls.server.dir, ignore_errors=True)

    def line(self, **how):
        return Line(self.ports[0], **how)

    def cert(self, name):
        return self.certs.path(f"{name}.pem"), self.certs.path(f"{name}.key")

    def received(self, n):
        return self.server.wait_mail("bob", n)[-1].decode()

    # --- clients of others
    def test_swaks(self):
        for mech in ("PLAIN", "LOGIN", "CRAM-MD5"):
            r = run("swaks", "--server", f"127.0.0.1:{self.ports[0]}", "-tls", "--auth", mech,
                    "--auth-user", "ann", "--auth-password", "pencil", *ENVELOPE)
            self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        r = run("swaks", "--server", f"127.0.0.1:{self.ports[0]}", "-tls", "--auth", "PLAIN",
                "--auth-user", "ann", "--auth-password", "pencils", *ENVELOPE)
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("535 5.7.8", r.stdout)

    def test_curl(self):
        for url, mech in ((f"smtp://127.0.0.1:{self.ports[0]}", "PLAIN"),
                          (f"smtp://127.0.0.1:{self.ports[0]}", "LOGIN"),
                          (f"smtp://127.0.0.1:{self.ports[0]}", "CRAM-MD5"),
                          (f"smtps://127.0.0.1:{self.ports[1]}", "PLAIN")):
            r = run("curl", "-sSk", "--ssl-reqd", url, "--login-options", f"AUTH={mech}", "--user",
                    "ann:pencil", "--mail-from", "ann@here.example", "--mail-rcpt",
                    "bob@here.example", "-T", "-", text="Subject: x\r\n\r\nx\r\n")
            self.assertEqual(r.returncode, 0, r.stderr)
        for mech in ("OAUTHBEARER", "XOAUTH2"):
            r = run("curl", "-sSk", "--ssl-reqd", f"smtp://127.0.0.1:{self.ports[0]}",
                    "--login-options", f"AUTH={mech}", "--user", "ann:", "--oauth2-bearer",
                    "ya29.tok-en_x", "--mail-from", "ann@here.example", "--mail-rcpt",
                    "bob@here.example", "-T", "-", text="Subject: x\r\n\r\nx\r\n")
            self.assertEqual(r.returncode, 0, f"{mech}: {r.stderr}")

    def test_msmtp(self):
        for mech in ("plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256", "xoauth2",
                     "oauthbearer"):
            word = "ya29.tok-en_x" if "oauth" in mech else "pencil"
            r = run("msmtp", "-C", "/dev/null", "--host=127.0.0.1", f"--port={self.ports[0]}",
                    "--tls=on", "--tls-certcheck=off", f"--auth={mech}", "--user=ann",
                    f"--passwordeval=echo {word}", "--from=ann@here.example", "bob@here.example",
                    text="Subject: x\n\nx\n")
            self.assertEqual(r.returncode, 0, f"{mech}: {r.stderr}")

    def test_gsasl(self):
        for mech in ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"):
            # It says STARTTLS before EHLO: without TLS, then.
            r = run("gsasl", "--client", "--smtp", "--connect", f"127.0.0.1:{self.ports[2]}",
                    "--no-starttls", "--mechanism", mech, "--authentication-id", "ann",
                    "--password", "pencil", text="")
            self.assertIn("235 2.7.0", r.stdout, f"{mech}: {r.stdout}{r.stderr}")

    def test_the_exporter_of_openssl(self):
        """RFC 9266: its command says what the channel is bound by (in 1.2 it leaves the context out)."""
        with subprocess.Popen(
                ["timeout", str(PATIENCE), "openssl", "s_client", "-connect",
                 f"127.0.0.1:{self.ports[0]}", "-starttls", "smtp", "-tls1_3", "-crlf", "-ign_eof",
                 "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True) as client:
            self.exported(client)

    def exported(self, client):
        def until(start):
            for line in client.stdout:
                if line.strip().startswith(start):
                    return line.strip()
            raise AssertionError(f"no {start}")

        def say(line, start):
            client.stdin.write(line + "\n")
            client.stdin.flush()
            return until(start)

        key = bytes.fromhex(until("Keying material: ").split(": ")[1])
        scram = Scram("pencil", "p=tls-exporter,,", key)
        say("EHLO me.example", "250 ")
        got = say(f"AUTH SCRAM-SHA-256-PLUS {b64(scram.first())}", "334 ")
        got = say(b64(scram.final(base64.b64decode(got[4:]).decode())), "334 ")
        self.assertEqual(base64.b64decode(got[4:]).decode(), scram.wanted)
        say("", "235 2.7.0")
        say("QUIT", "221 ")

    def test_smtplib_and_where_it_stands_in_received(self):
        ctx = ssl.create_default_context()
        ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
        before = len(self.server.maildir("ann"))
        for auth in ("auth_plain", "auth_login", "auth_cram_md5"):
            with smtplib.SMTP("127.0.0.1", self.ports[0], timeout=PATIENCE) as c:
                c.starttls(context=ctx)
                c.ehlo()
                c.user, c.password = "ANN", "pencil"
                name = auth[5:].upper().replace("_", "-")
                c.auth(name, getattr(c, auth))
                c.sendmail("ann@here.example", ["ann@here.example"], "Subject: x\r\n\r\nx\r\n")
        self.assertIn(" with ESMTPSA id ",
                      self.server.wait_mail("ann", before + 3)[-1].decode())
        wait_for(lambda: "login accepted user=ann mechanism=CRAM-MD5" in self.server.log())

    # --- SCRAM
    def test_scram_by_hand(self):
        self.assertIn("SCRAM-SHA-256-PLUS SCRAM-SHA-256 ", self.line().ehlo)
        for user in ("ann", "ANN"):
            self.assertRegex(self.line().scram("SCRAM-SHA-256", Scram("pencil", user=user)), "^235 ")
        for client in (Scram("pencils"), Scram("pencil", user="nobody"), Scram("pencil", user="bob"),
                       Scram("pencil", "n,a=bob,")):
            self.assertRegex(self.line().scram("SCRAM-SHA-256", client), "^535 5.7.8 auth.*invalid")
        self.assertRegex(self.line().scram("SCRAM-SHA-256", Scram("pencil", "n,a=ann,")), "^235 ")

    def test_scram_bound_to_the_channel(self):
        with open(self.certs.path("mx.pem"), encoding="ascii") as f:
            der = ssl.PEM_cert_to_DER_cert(f.read())
        gs2, right = "p=tls-server-end-point,,", hashlib.sha256(der).digest()
        plus = "SCRAM-SHA-256-PLUS"
        self.assertRegex(self.line().scram(plus, Scram("pencil", gs2, right)), "^235 ")
        for mech, client, why in (
                (plus, Scram("pencil", gs2, right[::-1]), "e=channel-bindings-dont-match"),
                (plus, Scram("pencil", gs2), "e=channel-bindings-dont-match"),
                (plus, Scram("pencil", "p=tls-unique,,", right), "e=unsupported-channel-binding-type"),
                (plus, Scram("pencil"), "e=other-error"),
                ("SCRAM-SHA-256", Scram("pencil", "y,,"), "e=server-does-support-channel-binding"),
                ("SCRAM-SHA-256", Scram("pencil", gs2, right), "e=channel-binding-not-supported")):
            self.assertIn(f"535 5.7.8 authentication failed: {why}", self.line().scram(mech, client))

    def test_what_was_said_once_is_worth_nothing_again(self):
        line, client = self.line(), Scram("pencil")
        got = line.say(f"AUTH SCRAM-SHA-256 {b64(client.first())}")
        final = b64(client.final(base64.b64decode(got[4:]).decode()))
        self.assertRegex(line.say(final), "^334 ")
        self.assertRegex(line.say("*"), "^501 5.7.0")       # nobody has logged in
        self.assertRegex(line.say("MAIL FROM:<ann@here.example>"), "^530 5.7.0")
        self.assertRegex(line.say(f"AUTH SCRAM-SHA-256 {b64(client.first())}"), "^334 ")
        self.assertRegex(line.say(final), "^535 5.7.8 authentication failed: e=other-error")

    # --- certificates, tokens
    def test_external(self):
        line = self.line(cert=self.cert("ann"))
        self.assertIn(" EXTERNAL", line.ehlo)
        self.assertRegex(line.say("AUTH EXTERNAL " + b64(b"bob")), "^535 5.7.8")
        self.assertRegex(line.say("AUTH EXTERNAL ="), "^235 ")
        line = self.line(cert=self.cert("mallory"))
        self.assertRegex(line.say("AUTH EXTERNAL ="), "^535 5.7.8")
        line = self.line()
        self.assertNotIn("EXTERNAL", line.ehlo)
        self.assertRegex(line.say("AUTH EXTERNAL ="), "^504 5.5.4")

    def test_tokens_that_are_wrong(self):
        line = self.line()
        bad = b64(b"n,a=ann,\1auth=Bearer no.such\1\1")
        refusal = b64(b'{"status":"invalid_token"}')
        self.assertEqual(line.say(f"AUTH OAUTHBEARER {bad}"), f"334 {refusal}\r\n")
        self.assertRegex(line.say("AQ=="), "^535 5.7.8")
        others = b64(b"n,a=bob,\1auth=Bearer ya29.tok-en_x\1\1")
        self.assertRegex(line.say(f"AUTH OAUTHBEARER {others}"), "^334 ")
        self.assertRegex(line.say("AQ=="), "^535 5.7.8")
        own = b64(b"n,,\1auth=Bearer ya29.tok-en_x\1\1")
        self.assertRegex(line.say(f"AUTH OAUTHBEARER {own}"), "^235 ")
        self.assertNotIn("ya29", self.server.log())

    # --- what nobody should do
    def test_never_in_the_clear(self):
        with socket.create_connection(("127.0.0.1", self.ports[0]), PATIENCE) as s:
            s.recv(4096)
            s.sendall(b"EHLO me.example\r\n")
            self.assertNotIn(b"AUTH", s.recv(4096))
            s.sendall(b"AUTH PLAIN AGFubgBwZW5jaWw=\r\n")
            self.assertRegex(s.recv(4096), rb"^53[08] 5.7.(0|11) ")

    def test_starttls_forgets_and_a_second_one_is_refused(self):
        line = self.line()
        self.assertRegex(line.say("AUTH PLAIN AGFubgBwZW5jaWw="), "^235 ")
        self.assertRegex(line.say("STARTTLS"), "^503 ")

    def test_a_line_of_a_megabyte(self):
        line = self.line()
        self.assertRegex(line.say("AUTH PLAIN " + "A" * 1000000), "^500 5.5.6")
        self.assertRegex(line.say("NOOP"), "^250 ")

    def test_a_sender_of_somebody_else(self):
        line = self.line()
        self.assertRegex(line.say("AUTH PLAIN AGFubgBwZW5jaWw="), "^235 ")
        self.assertRegex(line.say("MAIL FROM:<bob@here.example>"), "^553 5.7.1 not yours")
        self.assertRegex(line.say("MAIL FROM:<Sales@HERE.example>"), "^250 ")

    def test_auth_is_killed_between_question_and_answer(self):
        line = self.line()
        pid = self.server.processes()["auth"][0]
        os.kill(pid, signal.SIGSTOP)
        line.sock.sendall(b"AUTH PLAIN AGFubgBwZW5jaWw=\r\n")
        os.kill(pid, signal.SIGKILL)
        self.assertRegex(line.reply(), "^235 ")     # the next one was asked
        wait_for(lambda: self.server.processes().get("auth", [pid])[0] != pid)

    def test_a_client_that_leaves_between_question_and_answer(self):
        pid = self.server.processes()["auth"][0]
        os.kill(pid, signal.SIGSTOP)
        try:
            line = self.line()
            line.sock.sendall(b"AUTH PLAIN AGFubgBwZW5jaWw=\r\n")
            line.sock.sock.close()
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertRegex(self.line().say("AUTH PLAIN AGFubgBwZW5jaWw="), "^235 ")
        self.assertNotIn("restarting=smtp", self.server.log())

    def test_no_secret_is_in_the_log(self):
        self.line().say("AUTH PLAIN AGFubgBwZW5jaWxz")
        for secret in ("pencil", "AGFubgBwZW5jaWw"):
            self.assertNotIn(secret, self.server.log())


if __name__ == "__main__":
    unittest.main()
