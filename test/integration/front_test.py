"""The front door with real programs: proxies, XCLIENT, LMTP, ETRN, sockets in the file system."""
import grp
import os
import re
import shutil
import smtplib
import socket
import stat
import subprocess
import tempfile
import time
import unittest

from server import PATIENCE, Server, free_port, wait_for
from sink import Sink

SMTP_SOURCE = shutil.which("smtp-source") or "/usr/sbin/smtp-source"
HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
USERS = {"users": "ann:x\nbob:x\n2ann:x\n"}

POLICY = """
edition 1
hostname "mx.front.example"
set ours = { "front.example" }
net here = { 127.0.0.0/8, ::1 }
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@", "[::1]:@PORT@" { xclient 127.0.0.1; etrn 127.0.0.1 }
listen smtp behind on "127.0.0.1:@PORT2@" { proxy 127.0.0.1 }
listen lmtp on "127.0.0.1:@PORT3@", "unix:@DIR@/lmtp"
listen submission on "127.0.0.1:@PORT4@"
EXTRA
mailbox boxes { accounts users; path "mail/{user}" }
relay hop { host "127.0.0.1" port HOP }
on rcpt {
    rcpt.domain in ours and rcpt unknown => reject 550 5.1.1 "there is no {rcpt}"
    rcpt.domain in ours => accept
    client.ip in here => accept
    otherwise => reject 550 5.7.1 "not for {client.ip}"
}
route { rcpt.domain in ours => deliver boxes; otherwise => relay hop }
"""
V4 = bytes([192, 0, 2, 7, 198, 51, 100, 2, 0x30, 0x39, 0, 25])
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def policy(hop=9, extra=""):
    return POLICY.replace("HOP", str(hop)).replace("EXTRA", extra)


def told(ip, port=4711):
    return f"PROXY TCP4 {ip} 198.51.100.2 {port} 25\r\n".encode()


class Reader:
    """Replies of one connection."""

    def __init__(self, sock):
        self.sock, self.file = sock, sock.makefile("rb")

    def reply(self):
        while True:
            line = self.file.readline()
            if line[3:4] != b"-":
                return line.decode()

    def say(self, text):
        self.sock.sendall(text.encode() + b"\r\n")
        return self.reply()


class Front(unittest.TestCase):
    def server(self, text=None, **kw):
        s = Server(text or policy(), USERS, **kw)
        self.addCleanup(s.__exit__, None, None, None)
        return s

    def connect(self, port, first=b"", source=None):
        c = socket.create_connection(("127.0.0.1", port), PATIENCE,
                                     (source, 0) if source else None)
        self.addCleanup(c.close)
        c.sendall(first)
        return Reader(c)

    def rest(self, c):
        """What comes before the end, which is a reset where octets were left unread."""
        try:
            return c.file.read()
        except ConnectionResetError:
            return b""

    def run_client(self, *args):
        return subprocess.run(args, capture_output=True, text=True, timeout=PATIENCE)

    def wait_log(self, server, pattern):
        wait_for(lambda: re.search(pattern, server.log()))


class Proxies(Front):
    def test_swaks_tells_by_both_versions(self):
        s = self.server()
        for version, source in (("1", "192.0.2.41"), ("2", "192.0.2.42")):
            r = self.run_client(
                "swaks", "--server", f"127.0.0.1:{s.ports[1]}", "--to", "ann@front.example",
                "--from", "a@b.example", "--proxy-version", version, "--proxy-family",
                "TCP4" if version == "1" else "AF_INET",
                *(() if version == "1" else ("--proxy-protocol", "STREAM")),
                "--proxy-source", source, "--proxy-source-port", "99",
                "--proxy-dest", "192.0.2.25", "--proxy-dest-port", "25")
            self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
            self.wait_log(s, rf"session .*client={source} via=127.0.0.1 listener=behind .*messages=1")
        mail = b"".join(s.wait_mail("ann", 2))
        self.assertIn(b"[192.0.2.41])", mail)
        self.assertIn(b"[192.0.2.42])", mail)

    def haproxy(self, to, options):
        port = free_port()
        folder = tempfile.mkdtemp(prefix="waybill-haproxy-")
        self.addCleanup(shutil.rmtree, folder)
        with open(f"{folder}/conf", "w", encoding="ascii") as f:
            f.write(f"""
defaults
    mode tcp
    timeout connect 10s
    timeout client 30s
    timeout server 30s
listen mail
    bind 127.0.0.1:{port}
    server mx 127.0.0.1:{to} {options}
""")
        proc = subprocess.Popen([HAPROXY, "-db", "-f", f"{folder}/conf"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(proc.wait)
        self.addCleanup(proc.terminate)

        def up():
            try:
                socket.create_connection(("127.0.0.1", port), 2).close()
                return True
            except OSError:
                return False
        wait_for(up)
        return port

    @unittest.skipUnless(os.path.exists(HAPROXY), "no haproxy")
    def test_haproxy_in_front(self):
        s = self.server()
        for i, options in enumerate(("send-proxy", "send-proxy-v2",
                                     "send-proxy-v2 proxy-v2-options crc32c,unique-id",
                                     "send-proxy-v2 check inter 200ms")):
            port = self.haproxy(s.ports[1], options)
            c = self.connect(port, source=f"127.0.0.{20 + i}")
            self.assertRegex(c.reply(), "^220 ")
            self.assertRegex(c.say("EHLO c.example"), "^250 ")
            self.assertRegex(c.say("MAIL FROM:<>"), "^250 ")
            self.assertRegex(c.say("QUIT"), "^221 ")
            self.wait_log(s, rf"session .*client=127.0.0.{20 + i} via=127.0.0.1 .*end=quit")
        # Its health checks are LOCAL, or connections without anything: no harm.
        c = self.connect(s.ports[1], told("192.0.2.9"))
        self.assertRegex(c.reply(), "^220 ")

    def test_limits_are_for_those_who_are_told(self):
        s = self.server(policy(extra="limits { per client 3 connections }"),
                        args=("--workers", "2"))
        mine = [self.connect(s.ports[1], told("192.0.2.7", 1000 + i)) for i in range(3)]
        for c in mine:
            self.assertRegex(c.reply(), "^220 ")
        def one_too_many():
            c = self.connect(s.ports[1], told("192.0.2.7", 2000))
            first = c.reply()
            # Who was greeted before all workers' counts were known hears it then.
            return first.startswith("421 4.7.0") or c.reply().startswith("421 4.7.0")
        self.assertTrue(one_too_many())
        for i in range(8):
            self.assertRegex(self.connect(s.ports[1], told(f"192.0.2.{20 + i}")).reply(), "^220 ")

    def test_half_and_slow_headers(self):
        s = self.server()
        half = [self.connect(s.ports[1], SIGNATURE + b"\x21\x11") for _ in range(200)]
        huge = self.connect(s.ports[1], SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 70000)
        slow = self.connect(s.ports[1], b"P")
        self.assertEqual(self.rest(huge), b"")
        # Others are served meanwhile.
        self.assertRegex(self.connect(s.ports[1], told("192.0.2.9")).reply(), "^220 ")
        with s.smtp() as c:
            c.noop()
        began = time.monotonic()
        closed = False
        for octet in b"ROXY TCP4 192.0.2.7 1":
            try:
                slow.sock.sendall(bytes([octet]))
            except OSError:
                closed = True
                break
            time.sleep(0.7)
        self.assertTrue(closed or self.rest(slow) == b"")
        self.assertLess(time.monotonic() - began, 25)
        for c in half:
            self.assertEqual(self.rest(c), b"")
        self.assertEqual(len(re.findall(r"refused stage=proxy .*in time", s.log())), 201)

    def test_a_reload_meanwhile(self):
        s = self.server()
        c = self.connect(s.ports[1], SIGNATURE)
        time.sleep(0.2)
        with open(s.policy, encoding="utf-8") as f:
            text = f.read()
        s.write("policy.conf", text.replace(" { proxy 127.0.0.1 }", ""))
        s.waybill("reload")
        wait_for(lambda: self.connect(s.ports[1]).sock.recv(4) == b"220 ")
        c.sock.sendall(b"\x21\x11\x00\x0c" + V4)
        self.assertRegex(c.reply(), "^220 ")
        c.say("QUIT")
        self.wait_log(s, "session .*client=192.0.2.7 via=127.0.0.1 listener=behind")


class Lmtp(Front):
    def test_smtplib(self):
        s = self.server()
        for n, where in enumerate((("127.0.0.1", s.ports[2]), (f"{s.dir}/lmtp",)), 1):
            with smtplib.LMTP(*where) as c:
                c.sendmail("a@b.example", ["ann@front.example"], "Subject: x\r\n\r\nhi\r\n")
            self.assertIn(b" with LMTP id ", s.wait_mail("ann", n)[-1])

    @unittest.skipUnless(os.path.exists(SMTP_SOURCE), "no smtp-source")
    def test_smtp_source_reads_a_reply_for_each(self):
        s = self.server()
        for where in (f"inet:127.0.0.1:{s.ports[2]}", f"unix:{s.dir}/lmtp"):
            r = self.run_client(SMTP_SOURCE, "-L", "-s", "4", "-m", "40", "-r", "2",
                                "-f", "a@b.example", "-t", "ann@front.example", where)
            self.assertEqual(r.returncode, 0, r.stderr)
        s.wait_mail("ann", 80)
        s.wait_mail("2ann", 80)

    def test_swaks(self):
        s = self.server()
        for where in (("--server", f"127.0.0.1:{s.ports[2]}"), ("--socket", f"{s.dir}/lmtp")):
            r = self.run_client("swaks", "--protocol", "LMTP", *where, "--from", "a@b.example",
                                "--to", "ann@front.example,bob@front.example")
            self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        s.wait_mail("ann", 2)
        s.wait_mail("bob", 2)


class Sockets(Front):
    def refused(self, s):
        with smtplib.LMTP(f"{s.dir}/lmtp") as c:
            c.ehlo_or_helo_if_needed()
            c.mail("a@b.example")
            return c.rcpt("x@elsewhere.example")[0] == 550

    def test_who_connects_may_not_relay_by_that(self):
        s = self.server()
        self.assertTrue(self.refused(s))
        self.wait_log(s, rf"refused .*client=127.0.0.1 uid={os.getuid()} .*by=gateway")
        text = policy(extra='trust gateway 127.0.0.1 because "programs of group mail"')
        self.assertFalse(self.refused(self.server(text)))

    def test_mode_and_group(self):
        group = grp.getgrall()[-1] if os.geteuid() == 0 else grp.getgrgid(os.getgid())
        text = policy().replace('@DIR@/lmtp"', f'@DIR@/lmtp" {{ group "{group.gr_name}" }}')
        s = self.server(text)
        st = os.stat(f"{s.dir}/lmtp")
        self.assertEqual((stat.S_IMODE(st.st_mode), st.st_gid), (0o660, group.gr_gid))

    def test_it_comes_and_goes_with_the_server(self):
        s = self.server()
        ino = os.stat(f"{s.dir}/lmtp").st_ino
        s.waybill("reload")
        self.assertEqual(os.stat(f"{s.dir}/lmtp").st_ino, ino)
        s.kill_all()
        self.assertTrue(os.path.exists(f"{s.dir}/lmtp"))
        s.start()               # what was left makes way
        self.assertTrue(self.refused(s))
        s.stop()
        self.assertFalse(os.path.exists(f"{s.dir}/lmtp"))

    def test_what_is_in_its_way_is_told(self):
        s = self.server(start=False)
        s.write("lmtp", "mine\n")
        with self.assertRaisesRegex(AssertionError, "is there, and no socket"):
            s.start()
        with open(f"{s.dir}/lmtp", encoding="ascii") as f:
            self.assertEqual(f.read(), "mine\n")


class Others(Front):
    def test_every_listener_of_each_family(self):
        s = self.server()
        for host, port, first in (("127.0.0.1", s.port, "220 mx.front.example ESMTP"),
                                  ("::1", s.port, "220 mx.front.example ESMTP"),
                                  ("127.0.0.1", s.ports[2], "220 mx.front.example LMTP"),
                                  ("127.0.0.1", s.ports[3], "220 mx.front.example ESMTP")):
            with socket.create_connection((host, port), PATIENCE) as c:
                self.assertTrue(Reader(c).reply().startswith(first))

    def test_swaks_says_xclient(self):
        s = self.server()
        r = self.run_client("swaks", "--server", f"127.0.0.1:{s.port}", "--from", "a@b.example",
                            "--to", "ann@front.example", "--xclient",
                            "ADDR=192.0.2.50 NAME=spike.example HELO=spike.example PROTO=ESMTP")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn(b"[192.0.2.50])", s.wait_mail("ann")[0])
        r = self.run_client("swaks", "--server", f"127.0.0.1:{s.port}", "--from", "a@b.example",
                            "--to", "x@elsewhere.example", "--xclient-addr", "192.0.2.50")
        self.assertIn("550 5.7.1 not for 192.0.2.50", r.stdout)

    def test_xclient_again_and_again(self):
        s = self.server()
        c = self.connect(s.port)
        c.reply()
        c.say("EHLO c.example")
        many = 3000
        c.sock.sendall(b"".join(f"XCLIENT ADDR=192.0.{i // 256}.{i % 256} NAME=n{i}.example "
                                f"LOGIN=u{i} HELO=h{i}.example PROTO=ESMTP\r\n".encode()
                                for i in range(many)))
        for _ in range(many):
            self.assertTrue(c.reply().startswith("220 "))
        self.assertRegex(c.say("MAIL FROM:<>"), "^250 ")
        self.assertRegex(c.say("QUIT"), "^221 ")
        self.assertRegex(self.connect(s.port).reply(), "^220 ")

    def test_etrn_brings_what_waits(self):
        port = free_port()
        s = self.server(policy(hop=port))
        with s.smtp() as c:
            for to in ("x@dialup.example", "y@sub.dialup.example", "z@else.example"):
                c.sendmail("a@b.example", [to], "Subject: x\r\n\r\nhi\r\n")
        wait_for(lambda: len(re.findall("deferred id=", s.log())) == 3)
        with Sink(port=port) as hop, s.smtp() as c:
            c.ehlo("dialup.example")
            self.assertTrue(c.has_extn("etrn"))
            code, text = c.docmd("ETRN", "@dialup.example")
            self.assertEqual((code, text[:9]), (253, b"2.0.0 ok,"))
            wait_for(lambda: len(hop.messages) == 2)
            self.assertEqual(c.docmd("ETRN", "nobody.example")[0] // 10, 25)
            self.assertEqual(len(s.queue()), 1)

    def test_etrn_floods(self):
        s = self.server()
        conns = [self.connect(s.port) for _ in range(4)]
        for i, c in enumerate(conns):
            c.reply()
            c.say("EHLO c.example")
            c.sock.sendall(b"".join(f"ETRN n{i}-{k}.example\r\n".encode() for k in range(500)))
        codes = [c.reply()[:3] for c in conns for _ in range(500)]
        self.assertLessEqual(set(codes), {"250", "251", "458"})
        self.assertIn("458", codes)
        walks = len(re.findall(" etrn name=", s.log()))
        self.assertLess(walks, 700)
        s.waybill("status")


if __name__ == "__main__":
    unittest.main()
