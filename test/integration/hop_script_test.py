"""The scripted hop itself, with clients that are not ours: smtplib and ssl."""
import base64
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import unittest

from certs import Certs
from hop_script import CLOSE, HANG, RESET, USUAL, Hop, bytewise, endless, in_turn
from server import PATIENCE, wait_for

TEXT = "Subject: hi\r\n\r\n.dot\r\n"


def client(hop, **kw):
    return smtplib.SMTP("127.0.0.1", hop.port, timeout=PATIENCE, **kw)


def blind():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Script(unittest.TestCase):
    def test_it_takes_mail_and_keeps_what_it_saw(self):
        with Hop() as hop, client(hop) as c:
            c.sendmail("a@x.test", ["b@y.test", '"c>d"@y.test'], TEXT)
            c.quit()
            self.assertEqual([(m["to"], m["data"]) for m in hop.messages],
                             [(["b@y.test", '"c>d"@y.test'], TEXT.encode())])
            talk = hop.talks[0]
            self.assertEqual(b"".join(talk.pieces), talk.octets)
            self.assertEqual((talk.raw, talk.lines[-1]), (talk.octets, b"quit"))

    def test_actions(self):
        script = {"RCPT no@": b"550 5.1.1 no\r\n", "RCPT late@": in_turn(b"450 4.2.1 later\r\n", None),
                  "VRFY": bytewise(b"252 2.0.0 well\r\n"), "EXPN": [USUAL, b"250 and more\r\n"],
                  "NOOP": CLOSE, "HELP": RESET}
        with Hop(script) as hop:
            with client(hop) as c:
                c.ehlo()
                c.mail("a@x.test")
                self.assertEqual([c.rcpt(r)[0] for r in ("no@y", "late@y", "late@y")],
                                 [550, 450, 250])
                self.assertEqual(c.docmd("VRFY"), (252, b"2.0.0 well"))
                self.assertEqual([c.docmd("EXPN"), c.getreply()],
                                 [(250, b"2.0.0 ok"), (250, b"and more")])
                self.assertRaises(smtplib.SMTPServerDisconnected, c.docmd, "NOOP")
            c = client(hop)
            c.sock.sendall(b"HELP\r\n")
            self.assertRaises(ConnectionResetError, c.sock.recv, 1)
            c.close()

    def test_it_hangs_and_ends(self):
        with Hop({"": HANG}) as hop:
            s = socket.create_connection(("127.0.0.1", hop.port), PATIENCE)
            wait_for(lambda: hop.talks)
        self.assertEqual(s.recv(1), b"")
        s.close()

    def test_without_end(self):
        with Hop({"EHLO": endless(b"250-more\r\n" * 100)}) as hop:
            s = socket.create_connection(("127.0.0.1", hop.port), PATIENCE)
            s.sendall(b"EHLO x\r\n")
            with s.makefile("rb") as f:
                self.assertEqual(len(f.read(1 << 20)), 1 << 20)
            s.close()
            wait_for(lambda: hop.talks[0].ended)

    def test_a_chunk_is_counted(self):
        with Hop(extensions=["CHUNKING"]) as hop, client(hop) as c:
            c.ehlo()
            c.mail("a@x.test")
            c.rcpt("b@y.test")
            c.send(b"BDAT 4\r\n\n.\r\nBDAT 1 LAST\r\nx")
            self.assertEqual([c.getreply()[0], c.getreply()[0]], [250, 250])
            self.assertEqual(hop.messages[0]["data"], b"\n.\r\nx")


class Secure(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="waybill-test-")
        certs = Certs(cls.dir)
        certs.make("mx", names="DNS:mx.test")
        certs.make("ca", ca=True)
        certs.make("ann", by="ca", names="email:ann@here.example")
        cls.cert, cls.certs = (certs.path("mx.pem"), certs.path("mx.key")), certs

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def test_starttls(self):
        with Hop(cert=self.cert, needs_tls=True) as hop, client(hop) as c:
            self.assertRaises(smtplib.SMTPException, c.sendmail, "a@x", ["b@y"], TEXT)
            c.starttls(context=blind())
            self.assertNotIn("starttls", (c.ehlo(), c.esmtp_features)[1])
            c.sendmail("a@x", ["b@y"], TEXT)
            self.assertEqual(len(hop.messages), 1)
            tls = hop.talks[0].tls
            self.assertEqual((tls["version"], tls["sni"], tls["reused"]), ("TLSv1.3", None, False))
            self.assertIn(b"b@y", hop.talks[0].octets)
            self.assertNotIn(b"b@y", hop.talks[0].raw)

    def test_implicit_with_a_clients_certificate(self):
        context = blind()
        context.load_cert_chain(self.certs.path("ann.pem"), self.certs.path("ann.key"))
        with Hop(cert=self.cert, implicit=True, client_ca=self.certs.path("ca.pem")) as hop, \
                smtplib.SMTP_SSL("localhost", hop.port, timeout=PATIENCE, context=context) as c:
            c.noop()
            self.assertEqual(hop.talks[0].tls["sni"], "localhost")
            self.assertIn((("commonName", "ann"),), hop.talks[0].tls["peer"]["subject"])

    def test_a_handshake_that_fails_is_told(self):
        with Hop(cert=self.cert) as hop, client(hop) as c:
            context = ssl.create_default_context()
            self.assertRaises(ssl.SSLError, c.starttls, context=context)
            wait_for(lambda: hop.talks[0].tls_error)
            c.close()


class Login(unittest.TestCase):
    def test_mechanisms_of_smtplib(self):
        names = ["PLAIN", "LOGIN", "CRAM-MD5"]
        with Hop(logins={"ann": "secret"}, mechanisms=names, needs_auth=True) as hop:
            for name in names:
                for password, right in (("wrong", False), ("secret", True)):
                    with client(hop) as c:
                        c.ehlo()
                        c.user, c.password = "ann", password
                        method = getattr(c, "auth_" + name.lower().replace("-", "_"))
                        if right:
                            c.auth(name, method)
                            c.sendmail("a@x", ["b@y"], TEXT)
                        else:
                            self.assertRaises(smtplib.SMTPAuthenticationError, c.auth, name, method)
                            self.assertEqual(c.mail("a@x")[0], 530)
                        self.assertEqual(hop.tried[-1], (name, "ann", right))
            self.assertEqual(len(hop.messages), 3)

    @unittest.skipUnless(shutil.which("gsasl"), "no gsasl")
    def test_scram_of_gsasl(self):
        names = ["SCRAM-SHA-1", "SCRAM-SHA-256"]
        with Hop(logins={"ann": "secret"}, mechanisms=names) as hop:
            for name in names:
                for password, right in (("wrong", False), ("secret", True)):
                    r = subprocess.run(
                        ["gsasl", "--client", "--smtp", "--connect", f"127.0.0.1:{hop.port}",
                         "--no-starttls", "-a", "ann", "-z", "", "-p", password, "-m", name],
                        stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
                    self.assertEqual(r.returncode == 0, right, r)
                    self.assertEqual(hop.tried[-1], (name, "ann", right))

    def test_tokens(self):
        with Hop(logins={"ann": "tok"}, mechanisms=["XOAUTH2", "OAUTHBEARER"]) as hop:
            for text, code in (("XOAUTH2 user=ann\1auth=Bearer tok\1\1", 235),
                               ("OAUTHBEARER n,a=ann,\1auth=Bearer tok\1\1", 235),
                               ("XOAUTH2 user=ann\1auth=Bearer old\1\1", 334)):
                name, _, first = text.partition(" ")
                with client(hop) as c:
                    c.ehlo()
                    said = c.docmd("AUTH", f"{name} {base64.b64encode(first.encode()).decode()}")
                    self.assertEqual(said[0], code, text)
                    if code == 334:
                        self.assertEqual(c.docmd("AQ==")[0], 535)

    def test_steps_by_script(self):
        script = {"AUTH": lambda s: b"432 4.7.12 change it\r\n" if s.ask(b"Zm9v") == b"YmFy" else CLOSE}
        with Hop(script, logins={"a": "b"}) as hop, client(hop) as c:
            c.ehlo()
            self.assertEqual(c.docmd("AUTH PLAIN"), (334, b"Zm9v"))
            self.assertEqual(c.docmd("YmFy")[0], 432)


if __name__ == "__main__":
    unittest.main()
