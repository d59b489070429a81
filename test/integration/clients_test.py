"""Mail from programs that people use, by IPv4 and IPv6: what they send arrives as they sent it."""
import glob
import os
import re
import shutil
import socket
import subprocess
import unittest

import server as srv
from server import PATIENCE, Server, free_port, wait_for
from sink import Sink

SMTP_SOURCE = shutil.which("smtp-source") or "/usr/sbin/smtp-source"
SMTP_SINK = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"

POLICY = """
edition 1
hostname "mx.clients.example"
set ours = { "clients.example" }
net here = { 127.0.0.0/8, ::1 }
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
%s
mailbox boxes { accounts users; path "mail/{user}" }
relay hop { host "127.0.0.1" port %d }
on rcpt {
    rcpt.domain in ours and rcpt unknown => reject 550 5.1.1 "there is no {rcpt}"
    client.ip in here => accept
}
route { rcpt.domain in ours => deliver boxes; otherwise => relay hop }
"""
USERS = {"users": "ann:x\nbob:x\n"}
ANN = "ann@clients.example"


def ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def split(mail):
    """(what the server put before, with one line for each field; what the client sent)"""
    head, received, rest = re.match(
        rb"((?:(?!Received:)[^\n]*\n)*)(Received: [^\n]*\n(?:[ \t][^\n]*\n)*)(.*)\Z",
        mail, re.S).groups()
    return head + received, rest


class Clients(unittest.TestCase):
    def setUp(self):
        self.server = Server(POLICY % ("", 9), USERS)
        self.addCleanup(self.server.__exit__, None, None, None)

    def run_client(self, *args, text=None):
        return subprocess.run(args, input=text, capture_output=True, text=True, timeout=PATIENCE)

    def arrived(self, text):
        """One message for ann, whose content ends so."""
        mail = self.server.wait_mail("ann")
        self.assertEqual(len(mail), 1)
        before, rest = split(mail[0])
        self.assertTrue(rest.endswith(text.encode()), rest)
        self.assertTrue(before.startswith(
            b"Return-Path: <me@away.example>\nDelivered-To: ann@clients.example\nReceived: from "),
            before)

    @unittest.skipUnless(shutil.which("swaks"), "no swaks")
    def test_swaks(self):
        args = ("swaks", "--server", "127.0.0.1", "--port", str(self.server.port),
                "--from", "me@away.example")
        r = self.run_client(*args, "--to", ANN, "--body", "by swaks\n.\n..dots\n")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.arrived("\n\nby swaks\n.\n..dots\n\n\n")
        r = self.run_client(*args, "--to", "nobody@clients.example")
        self.assertEqual(r.returncode, 24, r.stdout)  # no recipient was taken
        self.assertIn("550 5.1.1 there is no nobody@clients.example", r.stdout)

    @unittest.skipUnless(shutil.which("swaks"), "no swaks")
    def test_swaks_pipelining(self):
        r = self.run_client("swaks", "--server", "127.0.0.1", "--port", str(self.server.port),
                            "--pipeline", "--from", "me@away.example",
                            "--to", ANN, "--data", "Subject: pipe\\n\\nlined\\n")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.arrived("Subject: pipe\n\nlined\n\n")

    @unittest.skipUnless(shutil.which("curl"), "no curl")
    def test_curl(self):
        path = self.server.write("mail.txt", "Subject: curl\r\n\r\n.\r\n.x\r\nend\r\n")
        args = ("curl", "-sS", f"smtp://127.0.0.1:{self.server.port}/client.example",
                "--mail-from", "me@away.example", "-T", path)
        r = self.run_client(*args, "--mail-rcpt", ANN)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.arrived("Subject: curl\n\n.\n.x\nend\n")
        r = self.run_client(*args, "--mail-rcpt", "nobody@clients.example")
        self.assertEqual(r.returncode, 55, r.stderr)
        self.assertIn("550", r.stderr)

    @unittest.skipUnless(shutil.which("msmtp"), "no msmtp")
    def test_msmtp(self):
        args = ("msmtp", "-C", "/dev/null", "--host=127.0.0.1", f"--port={self.server.port}",
                "--from=me@away.example", "--tls=off", "--auth=off")
        r = self.run_client(*args, ANN, text="Subject: msmtp\n\n.\n..\nend\n")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.arrived("Subject: msmtp\n\n.\n..\nend\n")
        r = self.run_client(*args, "nobody@clients.example", text="Subject: x\n\n")
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("5.1.1", r.stderr)

    def test_smtplib(self):
        with self.server.smtp(local_hostname="client.example") as c:
            refused = c.sendmail("me@away.example", [ANN, "nobody@clients.example"],
                                 "Subject: smtplib\r\n\r\n.\r\nend\r\n")
            self.assertEqual(list(refused), ["nobody@clients.example"])
            for name in ("pipelining", "size", "8bitmime", "enhancedstatuscodes"):
                self.assertTrue(c.has_extn(name), name)
            self.assertEqual(c.verify("ann")[0], 252)
            self.assertEqual(c.noop()[0], 250)
            self.assertEqual(c.rset()[0], 250)
        self.arrived("Subject: smtplib\n\n.\nend\n")


class Load(unittest.TestCase):
    """Postfix's smtp-source: many sessions at once, some with several messages."""

    def source(self, port, count, sessions, to):
        r = subprocess.run(
            [SMTP_SOURCE, "-s", str(sessions), "-m", str(count), "-l", "10240", "-d",
             "-f", "load@away.example", "-t", to, f"127.0.0.1:{port}"],
            capture_output=True, text=True, timeout=PATIENCE * 4)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)

    @unittest.skipUnless(os.path.exists(SMTP_SOURCE), "no smtp-source")
    def test_into_a_mailbox(self):
        n = 100 if srv.SANITIZED else 500
        with Server(POLICY % ("", 9), USERS) as s:
            self.source(s.port, n, 20, ANN)
            mail = s.wait_mail("ann", n)
            self.assertEqual(len(mail), n)
            self.assertGreaterEqual(min(map(len, mail)), 10240)
            wait_for(lambda: not s.queue())

    @unittest.skipUnless(os.path.exists(SMTP_SOURCE) and os.path.exists(SMTP_SINK),
                         "no smtp-source or smtp-sink")
    def test_to_a_next_hop(self):
        n = 100 if srv.SANITIZED else 500
        port = free_port()
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        hop = subprocess.Popen([SMTP_SINK, *user, "-c", f"127.0.0.1:{port}", "100"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            with Server(POLICY % ("", port), USERS) as s:
                self.source(s.port, n, 20, "far@far.example")
                wait_for(lambda: s.log().count(" sent ") >= n)
                wait_for(lambda: not s.queue())
        finally:
            hop.terminate()
            out = hop.communicate()[0]
        counts = [int(x) for x in re.findall(rb"(\d+)", out)]
        self.assertIn(n, counts, out)


def samples():
    """The messages that Python's own test suite ships, [(name, octets with LF)]."""
    try:
        from test import test_email
    except ImportError:
        return []
    out = []
    for path in sorted(glob.glob(os.path.dirname(test_email.__file__) + "/data/msg_*.txt")):
        with open(path, "rb") as f:
            text = f.read().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        out.append((os.path.basename(path), text if text.endswith(b"\n") else text + b"\n"))
    return out


class RealMail(unittest.TestCase):
    def send(self, c, to, text):
        c.ehlo_or_helo_if_needed()
        self.assertEqual(c.mail("me@away.example", ["BODY=8BITMIME"])[0], 250)
        self.assertEqual(c.rcpt(to)[0], 250)
        self.assertEqual(c.data(text.replace(b"\n", b"\r\n"))[0], 250)

    def setUp(self):
        self.samples = samples()
        if not self.samples:
            self.skipTest("Python's test suite is not installed")

    def test_into_a_mailbox_octet_by_octet(self):
        with Server(POLICY % ("", 9), USERS) as s, s.smtp() as c:
            for _, text in self.samples:
                self.send(c, ANN, text)
            got = sorted(split(m)[1] for m in s.wait_mail("ann", len(self.samples)))
            self.assertEqual(got, sorted(text for _, text in self.samples))

    def test_to_a_next_hop_octet_by_octet(self):
        with Sink() as hop, Server(POLICY % ("", hop.port), USERS) as s, s.smtp() as c:
            for name, text in self.samples:
                self.send(c, "far@far.example", text)
                wait_for(lambda: hop.messages)
                data = hop.messages.pop()["data"]
                before, rest = re.match(rb"(Received: .*?\r\n)(?![ \t])(.*)\Z", data,
                                        re.S).groups()
                self.assertEqual(rest, text.replace(b"\n", b"\r\n"), name)
                self.assertNotRegex(before, rb"[^\r]\n")


@unittest.skipUnless(ipv6(), "no IPv6 on this machine")
class IPv6(unittest.TestCase):
    def test_a_listener_and_its_client(self):
        port = free_port("::1")
        with Server(POLICY % (f'listen smtp on "[::1]:{port}"', 9), USERS) as s:
            s.port, v4 = port, s.port
            with srv.smtplib.SMTP("::1", port, timeout=PATIENCE) as c:
                c.sendmail("me@away.example", [ANN], "Subject: six\r\n\r\nsix\r\n")
            before, rest = split(s.wait_mail("ann")[0])
            self.assertEqual(rest, b"Subject: six\n\nsix\n")
            self.assertIn(b"[IPv6:::1]", before)  # RFC 5321, 4.1.3
            s.port = v4


if __name__ == "__main__":
    unittest.main()
