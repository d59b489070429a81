"""TLS to next hops in the whole server: each level kept, with hops of all kinds, and told in the log."""
import os
import re
import shutil
import ssl
import tempfile
import unittest

from certs import Certs
from hop_script import CLOSE, Hop
from server import Server, wait_for

HEAD = """edition 1
hostname "mx.queue.example"
authorities file "CA"
net here = { 127.0.0.0/8 }
listen smtp on "127.0.0.1:@PORT@"
queue { retry 1h; per connection 1 messages }
on rcpt { client.ip in here => accept }
"""
TEXT = "Subject: hello\r\n\r\nhello\r\n"
T = ssl.TLSVersion


def old(hop):
    """TLS 1.0 and 1.1 alone."""
    hop.context.set_ciphers("DEFAULT:@SECLEVEL=0")
    hop.context.minimum_version, hop.context.maximum_version = T.TLSv1, T.TLSv1_1


class Case:
    """One hop, the options of its block, and what the log says of its delivery."""

    def __init__(self, name, options="", event="sent", tls="", sessions=1, cert="good", implicit=False,
                 script=None, versions=None, prepare=None):
        self.name, self.options, self.event, self.tls = name, options, event, tls
        self.sessions, self.cert, self.script, self.versions = sessions, cert, script, versions
        self.implicit, self.prepare = implicit, prepare

    def hop(self, certs):
        pair = self.cert and (certs.path(f"{self.cert}.pem"), certs.path(f"{self.cert}.key"))
        hop = Hop(self.script, cert=pair, implicit=self.implicit, versions=self.versions)
        if self.prepare:
            self.prepare(hop)
        return hop

    def block(self, port):
        first = " tls first" if self.implicit else ""
        return f'relay {self.name} {{ host "127.0.0.1" port {port}{first}; {self.options} }}\n'


def failed(wanted, why):
    return f"^wanted={wanted} by=block reached=clear why=.*{why}"


def after_hello(session):
    """The client has begun with TLS."""
    session.receive()


REFUSES = {"STARTTLS": b"454 4.7.0 not now\r\n"}
BREAKS = {"STARTTLS": [b"220 2.0.0 go on\r\n", CLOSE]}
SMUGGLES = {"STARTTLS": b"220 2.0.0 go on\r\n250 sink.example\r\n"}
CASES = [
    # What is asked for is kept.
    Case("verified", "tls verified", tls="^wanted=verified by=block reached=verified version=TLSv1.3 "
         "cipher=[A-Z0-9_]+$"),
    Case("first", "tls verified", implicit=True, tls="reached=verified"),
    Case("required", "tls required", cert="alone", tls="^wanted=required by=block reached=encrypted "
         ".*why=self-signed certificate$"),
    Case("opportunistic", cert="alone", tls="^wanted=opportunistic by=block reached=encrypted"),
    Case("luck", tls="^wanted=opportunistic by=block reached=verified"),
    Case("clear", cert=None, tls="^wanted=opportunistic by=block reached=clear "
         "why=the hop does not offer STARTTLS$"),
    Case("none", "tls none", tls="^$"),
    # Our own certificate is not there: mail waits, also where TLS is not a must.
    Case("ours", 'certificate "none.pem" key "none.key"', "deferred", "^wanted=opportunistic by=block "
         "reached=clear why=the certificate that is to be shown cannot be used$"),
    Case("twelve", "tls verified", versions=(T.TLSv1_2, T.TLSv1_2), tls="version=TLSv1.2"),
    # Certificates that will not do.
    Case("expired", "tls verified", "deferred", failed("verified", "expired"), cert="old"),
    Case("alone", "tls verified", "deferred", failed("verified", "self-signed"), cert="alone"),
    Case("name", "tls verified", "deferred", failed("verified", "mismatch"), cert="other"),
    Case("authority", "tls verified", "deferred", failed("verified", "issuer"), cert="strange"),
    Case("own", 'tls verified; authorities file "OTHER"', tls="reached=verified", cert="strange"),
    Case("others", 'tls verified; authorities file "OTHER"', "deferred", failed("verified", "issuer")),
    # No STARTTLS, or none that works.
    Case("lacking", "tls required", "deferred", failed("required", "does not offer"), cert=None),
    Case("refusing", "tls required", "deferred", failed("required", "454"), script=REFUSES),
    Case("letting", "", "sent", failed("opportunistic", "454"), script=REFUSES),
    Case("breaking", "tls required", "deferred", failed("required", "closed in the handshake"),
         script=BREAKS),
    Case("falling", "", "sent", "^wanted=opportunistic by=block reached=clear why=a handshake has failed",
         sessions=2, script=BREAKS),
    # It wants the TLS that has failed there: no reason to give the mail back.
    Case("insisting", "", "deferred", "^wanted=opportunistic by=block reached=clear why=a handshake",
         sessions=2, script={**BREAKS, **dict.fromkeys(("MAIL", "RCPT", "DATA"),
                                                       b"530 5.7.0 Must issue a STARTTLS command first\r\n")}),
    Case("smuggling", "", "deferred", failed("opportunistic", "in the clear behind"), script=SMUGGLES),
    Case("old", "tls required", "deferred", failed("required", "protocol"), prepare=old),
    Case("oldfall", "", "sent", "reached=clear", sessions=2, prepare=old),
    Case("thirteen", 'tls required; minimum "1.3"', "deferred", failed("required", "protocol"),
         versions=(T.TLSv1_2, T.TLSv1_2)),
    Case("notls", "tls verified", "deferred", failed("verified", "wrong version"), cert=None,
         script={"EHLO": b"250-sink.example\r\n250 STARTTLS\r\n",
                 "STARTTLS": [b"220 go\r\n", after_hello, b"500 what\r\n", CLOSE]}),
]


def field(line, key):
    m = re.search(rf' {key}=("((?:\\.|[^"])*)"|\S+)', line)
    return "" if m is None else m[1].strip('"').replace('\\"', '"')


def tls(line):
    """What the line says of TLS, as RELAYED does."""
    keys = ("wanted", "by", "reached", "version", "cipher", "resumed", "why")
    said = [(k, field(line, f"tls-{k}")) for k in keys]
    return " ".join(f"{k}={v}" for k, v in said if v)


class Levels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="waybill-test-", dir="/var/tmp")
        c = cls.certs = Certs(cls.dir)
        c.make("ca", ca=True)
        c.make("stranger", ca=True)
        c.make("good", by="ca", names="IP:127.0.0.1,DNS:mx.hop.example")
        c.make("other", by="ca", names="IP:127.0.0.2,DNS:mx.other.example")
        c.expired("old", by="ca", names="IP:127.0.0.1")
        c.make("alone", names="IP:127.0.0.1")
        c.make("strange", by="stranger", names="IP:127.0.0.1")
        c.make("ann", by="stranger", usage="clientAuth")
        c.make("annrsa", by="stranger", kind="rsa")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def policy(self, cases, hops):
        text = HEAD + "".join(c.block(h.port) for c, h in zip(cases, hops))
        text += "route {\n" + "".join(
            f'    rcpt.domain == "{c.name}.example" => relay {c.name}\n' for c in cases) + \
            "    otherwise => reject\n}\n"
        return text.replace("CA", self.certs.path("ca.pem")) \
            .replace("OTHER", self.certs.path("stranger.pem"))

    def test_each_level_with_each_hop(self):
        hops = [c.hop(self.certs) for c in CASES]
        try:
            with Server(self.policy(CASES, hops)) as s:
                with s.smtp() as client:
                    client.sendmail("ann@queue.example", [f"x@{c.name}.example" for c in CASES], TEXT)
                for case, hop in zip(CASES, hops):
                    with self.subTest(case.name):
                        self.look(s, case, hop)
                self.counters(s)
        finally:
            for hop in hops:
                hop.stop()

    def look(self, s, case, hop):
        line = wait_for(lambda: next((x for x in s.log().splitlines() if re.search(
            rf" (sent|deferred|failed) id=\S+ to=x@{case.name}\.example ", x)), None))
        self.assertRegex(line, f" {case.event} id=")
        self.assertRegex(tls(line), case.tls)
        self.assertEqual(len(hop.messages), 1 if case.event == "sent" else 0)
        if case.event != "sent":
            self.assertEqual((field(line, "code"), field(line, "status")), ("451", "4.7.5"))
        if case.event != "sent" and case.sessions == 1:
            self.assertFalse([w for w in hop.wire if b"MAIL" in w])
        self.assertEqual(hop.sessions, case.sessions)

    def counters(self, s):
        text = s.waybill("status", "--json").stdout
        self.assertGreater(int(re.search(r'"tls_connected": ?(\d+)', text)[1]), 5)

    def test_our_certificate_is_shown(self):
        """To hops that will not do without; its key is in another process."""
        ann = 'tls required; certificate "PEM" key "KEY"'
        want = "handshake failure|certificate required"
        cases = [Case("shown", ann, tls="reached=verified"),
                 Case("shown12", ann, tls="version=TLSv1.2", versions=(T.TLSv1_2, T.TLSv1_2)),
                 Case("shownrsa", ann.replace("PEM", "RPEM").replace("KEY", "RKEY"), tls="reached=verified"),
                 Case("without", "tls required", "deferred", f"why=.*({want})"),
                 Case("without12", "tls required", "deferred", f"why=.*({want})",
                      versions=(T.TLSv1_2, T.TLSv1_2))]
        hops = [c.hop(self.certs) for c in cases]
        try:
            for hop in hops:
                hop.context.load_verify_locations(self.certs.path("stranger.pem"))
                hop.context.verify_mode = ssl.CERT_REQUIRED
            text = self.policy(cases, hops)
            for word, name in (("RPEM", "annrsa.pem"), ("RKEY", "annrsa.key"), ("PEM", "ann.pem"),
                               ("KEY", "ann.key")):
                text = text.replace(f'"{word}"', f'"{self.certs.path(name)}"')
            with Server(text) as s:
                with s.smtp() as client:
                    client.sendmail("ann@queue.example", [f"x@{c.name}.example" for c in cases], TEXT)
                for case, hop in zip(cases, hops):
                    with self.subTest(case.name):
                        self.look(s, case, hop)
                for hop in hops[:3]:
                    self.assertIn("ann", str(hop.talks[0].tls["peer"]["subject"]))
                self.assertRegex(s.waybill("status").stdout, r"(?m)^shown +good ")
        finally:
            for hop in hops:
                hop.stop()

    def test_authorities_that_change_are_read_again(self):
        file = self.certs.path("changing.pem")
        shutil.copy(self.certs.path("ca.pem"), file)
        case = Case("changing", f'tls verified; authorities file "{file}"', cert="strange")
        hop = case.hop(self.certs)
        try:
            with Server(self.policy([case], [hop])) as s:
                def send():
                    with s.smtp() as client:
                        client.sendmail("ann@queue.example", ["x@changing.example"], TEXT)
                send()
                wait_for(lambda: " deferred id=" in s.log())
                shutil.copy(self.certs.path("stranger.pem"), file + ".new")
                os.rename(file + ".new", file)
                wait_for(lambda: "event=certificate-changed" in s.log())
                wait_for(lambda: s.waybill("queue", "retry", "--all") and hop.messages)
        finally:
            hop.stop()

    def test_a_session_is_taken_up_again(self):
        case = Case("again", "tls verified")
        hop = case.hop(self.certs)
        try:
            with Server(self.policy([case], [hop])) as s:
                for i in range(3):
                    with s.smtp() as client:
                        client.sendmail("ann@queue.example", ["x@again.example"], TEXT)
                    wait_for(lambda n=i: len(hop.messages) > n)
                self.assertEqual([t.tls["reused"] for t in hop.talks], [False, True, True])
                wait_for(lambda: s.log().count("tls-resumed=yes") == 2)
        finally:
            hop.stop()


if __name__ == "__main__":
    unittest.main()
