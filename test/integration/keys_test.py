"""Certificates and keys under a running server: kept apart, renewed, mismatched, broken, mended."""
import atexit
import datetime
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import server as srv
from channel import reachable
from server import BUILD, Server, wait_for

POLICY = """edition 1
hostname "mail.shop.example"
set ours = { "shop.example" }
map users = text "users" as accounts
tls {
    certificate "tls/cert.pem"
    key         "tls/key.pem"
    %s
}
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
    rcpt unknown            => reject 550 5.1.1
    otherwise               => accept
}
route { otherwise => deliver boxes }
"""
OTHER = 'for "other.example" { certificate "tls/other.pem"; key "tls/other.key" }'


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout


def pair(names="mail.shop.example", days=90, kind="ec", extra=()):
    """(certificate, key) in PEM; it signs itself."""
    new = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
           "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"],
           "rsa": ["rsa:2048"], "weak": ["rsa:1024"]}[kind]
    first = names.split()[0]
    with tempfile.TemporaryDirectory() as d:
        openssl("req", "-new", "-x509", "-newkey", *new, "-nodes", "-keyout", f"{d}/k",
                "-out", f"{d}/c", "-days", str(days), "-subj", f"/CN={first}", "-addext",
                "subjectAltName=" + ",".join("DNS:" + n for n in names.split()), *extra)
        with open(f"{d}/k", encoding="ascii") as k, open(f"{d}/c", encoding="ascii") as c:
            return c.read(), k.read()


def files(cert, key, **more):
    return {"users": "ann:x\n", "tls/cert.pem": cert, "tls/key.pem": key, **more}


def shut(s):
    """As an administrator leaves them."""
    for name in os.listdir(f"{s.dir}/tls"):
        if "key" in name:
            os.chmod(f"{s.dir}/tls/{name}", 0o600)


def start(cert, key, options="", more=None, **kw):
    s = Server(POLICY % options, tables=files(cert, key, **(more or {})), start=False, **kw)
    shut(s)
    try:
        s.start()
    except BaseException:
        s.kill_all()
        raise
    return s


def handshake(s, name="mail.shop.example", version=None, session=None, context=None):
    """STARTTLS; (certificate in DER, version, was the session resumed, the session)."""
    if context is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if version:
            context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", s.port), srv.PATIENCE) as c:
        f = c.makefile("rb")
        for line in (None, b"EHLO client.example\r\n", b"STARTTLS\r\n"):
            if line:
                c.sendall(line)
            while f.readline()[3:4] == b"-":
                pass
        with context.wrap_socket(c, server_hostname=name, session=session) as t:
            t.sendall(b"EHLO client.example\r\n")
            assert t.recv(512)[:3] == b"250"
            return t.getpeercert(True), t.version(), t.session_reused, t.session


def der(cert):
    return ssl.PEM_cert_to_DER_cert(cert[cert.rindex("-----BEGIN CERT"):]
                                    if cert.count("BEGIN CERT") == 1 else cert)


def rename(s, name, text):
    new = s.write(name + ".new", text)
    os.chmod(new, 0o600)
    time.sleep(0.02)
    os.rename(new, os.path.join(s.dir, name))


def status(s):
    doc = json.loads(s.waybill("status", "--json").stdout)
    parent = [p for p in doc["processes"] if p["name"] == "parent"][0]
    return parent["counters"]["certificates"]


def lines(s, *words):
    return [x for x in s.log().splitlines() if all(w in x for w in words)]


def shows(s, cert, **kw):
    """Until each of ten handshakes in a row shows it: there are several workers."""
    wait_for(lambda: all(handshake(s, **kw)[0] == der(cert) for _ in range(10)))


class Serving(unittest.TestCase):
    def test_each_algorithm_and_version(self):
        for kind in ("ec", "p384", "rsa"):
            cert, key = pair(kind=kind)
            with start(cert, key) as s:
                for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                    shown, name, *_ = handshake(s, version=version)
                    self.assertEqual(shown, der(cert))
                    self.assertEqual(name, version.name.replace("_", "."))

    def test_status(self):
        cert, key = pair("mail.shop.example www.shop.example", days=10)
        with start(cert, key) as s:
            c, = status(s)
            self.assertEqual((c["state"], c["names"], c["algorithm"], c["ends_soon"]),
                             ("good", "mail.shop.example www.shop.example", "P-256", True))
            text = s.waybill("status").stdout
            day = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=10)
            self.assertIn(day.strftime("%Y-%m-%d"), text)
            self.assertIn("ends in", text)
            wait_for(lambda: lines(s, "event=certificate-ends", "cert.pem"))

    def test_no_worker_has_the_key(self):
        """Neither opened, nor anywhere in its memory; only keys has it there."""
        if os.geteuid() != 0 or srv.SANITIZED:
            self.skipTest("reads memory as root")
        cert, key = pair(kind="ec")
        text = openssl_stdin(["ec", "-noout", "-text"], key)
        start_of = text.index("priv:") + 5
        octets = bytes.fromhex("".join(text[start_of:text.index("pub:")].split()).replace(":", ""))
        private = octets[-32:]
        with start(cert, key) as s:
            handshake(s)
            for name, pids in s.processes().items():
                for pid in pids:
                    has = in_memory(pid, private) or in_memory(pid, private[::-1])
                    if name == "keys":
                        self.assertTrue(has, "the search finds nothing at all")
                    else:
                        self.assertFalse(has, name)


def openssl_stdin(args, text):
    return subprocess.run(["openssl", *args], input=text, check=True, capture_output=True,
                          text=True).stdout


def in_memory(pid, octets):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, mode, *_ = line.split()
            if not mode.startswith("rw"):
                continue
            begin, end = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(begin)
                if octets in mem.read(end - begin):
                    return True
            except (OSError, ValueError, OverflowError):
                continue
    return False


class Renewing(unittest.TestCase):
    def test_both_renamed(self):
        one, two = pair(), pair()
        with start(*one) as s:
            shows(s, one[0])
            began = time.monotonic()
            rename(s, "tls/cert.pem", two[0])
            rename(s, "tls/key.pem", two[1])
            wait_for(lambda: handshake(s)[0] == der(two[0]))
            if not srv.SANITIZED:
                self.assertLess(time.monotonic() - began, 5)
            shows(s, two[0])
            self.assertEqual(len(lines(s, "event=certificate-read", "for=- ")), 2)

    def test_key_comes_later(self):
        """The old pair serves until both fit, and nothing is said of a moment."""
        one, two = pair(), pair(kind="rsa")
        with start(*one) as s:
            rename(s, "tls/cert.pem", two[0])
            wait_for(lambda: status(s)[0]["state"] == "old")
            self.assertEqual(status(s)[0]["why"],
                             f"{s.dir}/tls/key.pem: the key does not belong to the certificate")
            shows(s, one[0])
            self.assertFalse(lines(s, "event=certificate-kept"))
            rename(s, "tls/key.pem", two[1])
            shows(s, two[0])
            self.assertEqual(status(s)[0]["state"], "good")
            self.assertFalse(lines(s, "event=certificate-kept"))

    def test_key_never_comes(self):
        one, two = pair(), pair()
        with start(*one) as s:
            rename(s, "tls/cert.pem", two[0])
            wait_for(lambda: lines(s, "event=certificate-kept", "does not belong"))
            time.sleep(6)
            self.assertEqual(len(lines(s, "event=certificate-kept")), 1)
            shows(s, one[0])

    def test_written_in_place(self):
        one = pair()
        two = pair()
        with start(*one) as s:
            s.write("tls/key.pem", two[1])
            s.write("tls/cert.pem", two[0])
            shows(s, two[0])

    def test_mistake_and_mended(self):
        one = pair()
        with start(*one) as s:
            rename(s, "tls/cert.pem", "nothing\n")
            line, = wait_for(lambda: lines(s, "event=certificate-kept"))
            self.assertIn(f"{s.dir}/tls/cert.pem: no certificate in PEM", line)
            shows(s, one[0])
            r = s.waybill("status")
            self.assertIn("no certificate in PEM", r.stdout)
            rename(s, "tls/cert.pem", one[0])
            wait_for(lambda: status(s)[0]["state"] == "good")

    def test_reload_of_another_file(self):
        one, two = pair(), pair()
        with start(*one, more={"tls/two.pem": two[0], "tls/two.key": two[1]}) as s:
            text = s.policy
            with open(text, encoding="utf-8") as f:
                policy = f.read()
            s.set_policy(policy.replace("cert.pem", "two.pem"))
            r = s.waybill("reload", check=False)
            self.assertNotEqual(r.returncode, 0)
            self.assertIn("the key does not belong to the certificate", r.stdout + r.stderr)
            shows(s, one[0])
            s.set_policy(policy.replace("cert.pem", "two.pem").replace("key.pem", "two.key"))
            s.waybill("reload")
            shows(s, two[0])


def authority():
    """A folder: ca and ca.key, cert and key of the server, and what ocsp() needs."""
    d = tempfile.mkdtemp(prefix="waybill-test-")
    atexit.register(shutil.rmtree, d, ignore_errors=True)
    with open(f"{d}/ext", "w", encoding="ascii") as f:
        f.write("subjectAltName=DNS:mail.shop.example\n")
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-new", "-x509", *new, "-keyout", f"{d}/ca.key", "-out", f"{d}/ca",
            "-subj", "/CN=Authority", "-days", "9")
    openssl("req", "-new", *new, "-keyout", f"{d}/key", "-out", f"{d}/csr", "-subj", "/CN=mail")
    openssl("x509", "-req", "-in", f"{d}/csr", "-CA", f"{d}/ca", "-CAkey", f"{d}/ca.key",
            "-set_serial", "0x1234", "-days", "9", "-extfile", f"{d}/ext", "-out", f"{d}/cert")
    with open(f"{d}/index", "w", encoding="ascii") as f:
        f.write("V\t491231235959Z\t\t1234\tunknown\t/CN=mail\n")
    return d


def ocsp(d, minutes):
    openssl("ocsp", "-index", f"{d}/index", "-rsigner", f"{d}/ca", "-rkey", f"{d}/ca.key",
            "-CA", f"{d}/ca", "-issuer", f"{d}/ca", "-cert", f"{d}/cert", "-nmin", str(minutes),
            "-respout", f"{d}/ocsp", "-noverify")
    with open(f"{d}/ocsp", "rb") as f:
        return f.read()


def text_of(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def stapled(s):
    """Whether a client that asks for it is sent an OCSP answer."""
    r = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{s.port}", "-starttls",
                        "smtp", "-status", "-servername", "mail.shop.example"],
                       input="QUIT\r\n", capture_output=True, text=True, timeout=srv.PATIENCE)
    return "OCSP Response Status: successful" in r.stdout


class Reloading(unittest.TestCase):
    def test_tls_comes_and_goes(self):
        """keys is there from the first certificate on."""
        cert, key = pair()
        with_tls = POLICY % ""
        at = with_tls.index("tls {")
        without = with_tls[:at] + with_tls[with_tls.index("listen"):]
        s = Server(without, tables=files(cert, key), start=False)
        shut(s)
        with s:
            s.start()
            self.assertNotIn("keys", s.processes())
            s.set_policy(with_tls)
            s.waybill("reload")
            shows(s, cert)
            self.assertEqual(len(s.processes()["keys"]), 1)
            s.set_policy(without)
            s.waybill("reload")
            self.assertEqual(status(s), [])

            def offered():
                with s.smtp() as c:
                    c.ehlo("client.example")
                    return c.has_extn("starttls")
            wait_for(lambda: not any(offered() for _ in range(10)))


class Stapling(unittest.TestCase):
    def put(self, s, octets):
        with open(f"{s.dir}/tls/new", "wb") as f:
            f.write(octets)
        time.sleep(0.02)
        os.rename(f"{s.dir}/tls/new", f"{s.dir}/tls/ocsp.der")

    def test_comes_and_ends(self):
        """It is missing at first, then there, and not sent any longer than it may be."""
        d = authority()
        chain = text_of(f"{d}/cert") + text_of(f"{d}/ca")
        with start(chain, text_of(f"{d}/key"), options='staple "tls/ocsp.der"') as s:
            self.assertTrue(lines(s, "event=staple-missing"))
            self.assertFalse(stapled(s))
            self.put(s, ocsp(d, 1))
            wait_for(lambda: stapled(s))
            wait_for(lambda: not stapled(s), seconds=100, step=2)
            wait_for(lambda: lines(s, "event=certificate-warning", "it has expired"))
            self.put(s, ocsp(d, 60))
            wait_for(lambda: stapled(s))
            self.assertEqual(status(s)[0]["state"], "good")


class Dying(unittest.TestCase):
    def test_keys_dies(self):
        """With the pair that was certified, whatever stands in the files now."""
        one = pair()
        with start(*one) as s:
            rename(s, "tls/key.pem", "nothing\n")
            wait_for(lambda: status(s)[0]["state"] == "old")
            for _ in range(2):
                before = s.processes()["keys"]
                os.kill(before[0], signal.SIGKILL)
                shown, *_ = handshake(s)        # waits for the next one
                self.assertEqual(shown, der(one[0]))
                self.assertNotEqual(s.processes()["keys"], before)

    def test_keys_hangs(self):
        """Its handshakes fail in time, sessions without TLS go on."""
        one = pair()
        with start(*one) as s:
            pid = s.processes()["keys"][0]
            os.kill(pid, signal.SIGSTOP)
            try:
                with self.assertRaises((ssl.SSLError, OSError)):
                    handshake(s)
                with s.smtp() as c:
                    self.assertEqual(c.helo("client.example")[0], 250)
            finally:
                os.kill(pid, signal.SIGCONT)
            shows(s, one[0])


class Tickets(unittest.TestCase):
    def resumed(self, s, version):
        """How many of ten handshakes take up the first one's session."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        session = handshake(s, context=context)[3]
        return [handshake(s, context=context, session=session)[2] for _ in range(10)]

    def test_any_worker_takes_them_up(self):
        cert, key = pair()
        with start(cert, key, args=("--workers", "3")) as s:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                self.assertEqual(self.resumed(s, version), [True] * 10)

    def test_also_a_worker_that_is_new(self):
        cert, key = pair()
        with start(cert, key, args=("--workers", "1")) as s:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            session = handshake(s, context=context)[3]
            os.kill(s.processes()["smtp"][0], signal.SIGKILL)
            wait_for(lambda: "smtp" in s.processes())
            self.assertTrue(handshake(s, context=context, session=session)[2])

    def test_never(self):
        cert, key = pair()
        with start(cert, key, options="tickets never") as s:
            self.assertEqual(self.resumed(s, ssl.TLSVersion.TLSv1_2), [False] * 10)


class Checking(unittest.TestCase):
    def check(self, tables, mode=0o600, key="tls/key.pem", policy=POLICY % ""):
        s = Server(policy, tables=tables, start=False)
        try:
            if key in tables:
                os.chmod(f"{s.dir}/{key}", mode)
            r = s.run("check", s.policy)
            doc = json.loads(s.run("check", "--json", s.policy).stdout)
            for c in doc["certificates"]:
                self.assertIn(f"{c['file']}: {c['level']}: {c['text']}", r.stdout + r.stderr)
            return [(os.path.basename(c["file"]), c["level"], c["text"])
                    for c in doc["certificates"]]
        finally:
            s.stop()

    def test_what_is_found(self):
        one, two = pair(), pair()
        self.assertEqual(self.check(files(*one)), [])
        self.assertEqual(self.check(files(one[0], two[1])), [
            ("key.pem", "warning", "the key does not belong to the certificate")])
        self.assertEqual(self.check(files(*one), 0o644), [
            ("key.pem", "warning", "others than its owner and group may open the key")])
        self.assertEqual(self.check({"users": "ann:x\n"}), [
            ("cert.pem", "note", "No such file or directory")])

    def test_without_the_key(self):
        """What the certificate alone tells is told."""
        one = pair(extra=("-addext", "extendedKeyUsage=clientAuth"))
        s = Server(POLICY % "", tables=files(*one), start=False)
        other = {"user": "nobody", "group": "nogroup", "extra_groups": []} \
            if os.geteuid() == 0 else {}
        try:
            os.chmod(f"{s.dir}/tls/key.pem", 0)
            r = subprocess.run([reachable(f"{BUILD}/waybill"), "check", s.policy],
                               capture_output=True, text=True, check=True, **other)
            self.assertIn("key.pem: note: may not be read by you", r.stdout)
            self.assertIn("cert.pem: warning: it is not for servers", r.stderr)
        finally:
            s.stop()

    RELAY = """edition 1
hostname "mail.shop.example"
relay hop {
    host "hop.example"; tls verified; authorities file "tls/ca.pem"
    certificate "tls/ann.pem" key "tls/ann.key"
}
on rcpt { otherwise => reject 550 5.7.1 }
route { otherwise => relay hop }
"""

    def test_what_relay_blocks_show_and_trust(self):
        one, two = pair(), pair()
        useless = "no server would be verified by it, and mail that wants that would wait: "

        def found(ca, cert, key):
            return self.check({"tls/ca.pem": ca, "tls/ann.pem": cert, "tls/ann.key": key},
                              key="tls/ann.key", policy=self.RELAY)
        self.assertEqual(found(one[0], *one), [])
        self.assertEqual(found("garbage", one[0], two[1]), [
            ("ann.key", "warning", "the key does not belong to the certificate"),
            ("ca.pem", "warning", useless + "there is no certificate in it")])
        self.assertEqual(self.check({}, policy=self.RELAY), [
            ("ann.pem", "note", "No such file or directory"),
            ("ca.pem", "note", "No such file or directory")])
        server = self.RELAY.replace("relay hop {", 'authorities file "tls/all.pem"\nrelay hop {')
        self.assertIn(("all.pem", "warning", useless + "there is no certificate in it"),
                      self.check({"tls/all.pem": ""}, policy=server))


class Starting(unittest.TestCase):
    def refused(self, cert, key, *words, mode=0o600):
        s = Server(POLICY % "", tables=files(cert, key), start=False)
        try:
            os.chmod(f"{s.dir}/tls/key.pem", mode)
            with self.assertRaises(AssertionError) as e:
                s.start()
            for w in words:
                self.assertIn(w, str(e.exception))
            self.assertIn("event=no-certificate", str(e.exception))
        finally:
            s.stop()

    def test_mistakes(self):
        one, two, weak = pair(), pair(), pair(kind="weak")
        self.refused(one[0], two[1], "key.pem: the key does not belong to the certificate")
        self.refused("", one[1], "cert.pem: empty")
        self.refused(*weak, "key.pem: an RSA key of 1024 bits is too short")
        locked = openssl_stdin(["ec", "-aes128", "-passout", "pass:secret"], one[1])
        self.refused(one[0], locked, "key.pem: the key is locked by a pass phrase")

    def test_file_that_is_not_there(self):
        s = Server(POLICY % "", tables={"users": "ann:x\n"}, start=False)
        try:
            with self.assertRaises(AssertionError) as e:
                s.start()
            self.assertIn("cert.pem: No such file", str(e.exception))
        finally:
            s.stop()

    def test_another_name_comes_later(self):
        """The server starts without it, says so, and takes it when it is there."""
        one, two = pair(), pair("other.example")
        with start(*one, options=OTHER) as s:
            self.assertTrue(lines(s, "event=certificate-missing", "for=other.example"))
            self.assertEqual([c["state"] for c in status(s)], ["good", "none"])
            self.assertEqual(handshake(s, name="other.example")[0], der(one[0]))
            rename(s, "tls/other.key", two[1])
            rename(s, "tls/other.pem", two[0])
            shows(s, two[0], name="other.example")
            self.assertEqual(handshake(s)[0], der(one[0]))

    def test_warnings(self):
        one = pair()
        with start(*one) as s:
            self.assertFalse(lines(s, "event=key-exposed"))
        s = Server(POLICY % "", tables=files(*one), start=False)
        os.chmod(f"{s.dir}/tls/key.pem", 0o644)
        with s:
            s.start()
            self.assertEqual(len(lines(s, "event=key-exposed", "mode=0644")), 1)


if __name__ == "__main__":
    unittest.main()
