"""Callouts: `sender reachable`, `rcpt reachable`, and `verify recipients` of a relay."""
import unittest

from nameserver import NameServer
from server import Server, wait_for
from sink import Sink

ZONE = ["elsewhere.test. MX 10 mx.elsewhere.test.", "mx.elsewhere.test. A 127.0.0.1",
        "null.test. MX 0 ."]

POLICY = """
edition 1; hostname "mx.here.test"
set ours = { "here.test", "guarded.test" }
set asked = { "elsewhere.test", "null.test" }
listen smtp on "127.0.0.1:@PORT@"
relay inside { host "127.0.0.1" port %d; verify recipients }
relay plain  { host "127.0.0.1" port %d }
on mail {
    sender.domain in asked and sender not reachable => reject 550 5.1.8 "no way back to {sender}"
}
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
    rcpt.domain == "guarded.test" and rcpt not reachable => reject 550 5.1.1 "not there"
    rcpt unknown => reject 550 5.1.1 "unknown inside"
    otherwise => accept
}
route {
    rcpt.domain == "guarded.test" => relay plain
    otherwise                     => relay inside
}
"""


class Callouts(unittest.TestCase):
    def setUp(self):
        self.seen = []
        self.hop = Sink(script=self.script)
        self.dns = NameServer(ZONE)
        self.server = Server(
            POLICY % (self.hop.port, self.hop.port),
            env={"WAYBILL_RESOLVER": self.dns.address, "WAYBILL_MX_PORT": str(self.hop.port)})

    def tearDown(self):
        self.server.__exit__(None, None, None)
        self.dns.__exit__(None, None, None)
        self.hop.__exit__(None, None, None)

    def script(self, verb, argument, _session):
        if verb in ("MAIL", "DATA"):
            self.seen.append(f"{verb} {argument}")
        if verb != "RCPT":
            return None
        self.seen.append(f"{verb} {argument}")
        if "nobody" in argument:
            return b"550 5.1.1 no such user\r\n"
        if "later" in argument:
            return b"450 4.2.0 greylisted\r\n"
        return None

    def ask(self, sender, *rcpts):
        """The code of MAIL, then that of each RCPT."""
        c = self.server.smtp(local_hostname="x.test")
        c.ehlo()
        codes = [c.mail(sender)[0]]
        if codes[0] == 250:
            codes += [c.rcpt(r)[0] for r in rcpts]
        c.quit()
        return codes

    def test_a_sender_who_takes_no_bounce_is_refused(self):
        self.assertEqual(self.ask("ann@elsewhere.test"), [250])
        self.assertEqual(self.ask("nobody@elsewhere.test"), [550])
        self.assertEqual(self.ask("later@elsewhere.test"), [451])
        self.assertEqual(self.ask("x@null.test"), [550])
        self.assertEqual(self.ask(""), [250])
        self.assertEqual(self.seen[:2], ["MAIL FROM:<>", "RCPT TO:<ann@elsewhere.test>"])
        self.assertFalse([x for x in self.seen if x.startswith("DATA")])

    def test_the_answer_is_kept(self):
        for _ in range(3):
            self.assertEqual(self.ask("nobody@elsewhere.test"), [550])
        self.assertEqual(self.seen.count("RCPT TO:<nobody@elsewhere.test>"), 1)

    def test_recipients_are_asked_for_inside(self):
        self.assertEqual(self.ask("a@b.test", "bob@here.test", "nobody@here.test",
                                  "later@here.test"), [250, 250, 550, 451])
        self.assertEqual(self.ask("a@b.test", "bob@guarded.test", "nobody@guarded.test"),
                         [250, 250, 550])

    def test_mail_goes_after_the_callout(self):
        with self.server.smtp(local_hostname="x.test") as c:
            c.sendmail("a@b.test", ["bob@here.test"], "Subject: x\n\nhello\n")
        wait_for(lambda: self.hop.messages)
        self.assertEqual(len(self.hop.messages), 1)
        self.assertEqual(self.hop.messages[0]["to"], ["bob@here.test"])


if __name__ == "__main__":
    unittest.main()
