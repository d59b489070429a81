"""What is forwarded leaves with a sender of ours, however long, and bounces find back."""
import os
import re
import unittest

from server import Server, wait_for
from sink import Sink

POLICY = """edition 1
hostname "mx.srs.example"
set ours = { "srs.example" }
map aliases = text "aliases" as aliases
listen smtp on "127.0.0.1:@PORT@"
queue { retry 1s }
srs { domain "srs.example"; secret file "secret" }
rewrite outbound sender {
    "{user}@{domain in ours}" => "{user}@{domain}"
    "{user}@{domain}" => srs
}
relay hop { host "127.0.0.1" port HOP }
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
    rcpt unknown => reject 550 5.1.1
    otherwise => accept
}
route {
    rcpt.domain in ours => expand srs, expand aliases, reject 550 5.1.1
    otherwise => relay hop
}
"""
TABLES = {"secret": "geheim\n", "aliases": "una: una@far.example\nnil: nobody@far.example\n"}
# Local parts of 64 octets are what a sender may have, and VERP makes them.
SENDERS = ["joe@sender.example", "b-" + "1234567890" * 6 + "@mail.of.a.long.sender.example",
           "SRS0=AbCd=JL=other.example=u." + "x" * 60 + "@forwarder.example"]


def refuse(verb, argument, _session):
    return b"550 5.1.1 nobody\r\n" if verb == "RCPT" and "nobody" in argument else None


class Srs(unittest.TestCase):
    def test_there_and_back(self):
        with Sink(script=refuse) as hop, Server(POLICY.replace("HOP", str(hop.port)), TABLES) as s:
            for sender in SENDERS:
                self.round_trip(s, hop, sender)
            with s.smtp() as c:
                c.ehlo()
                c.mail("")
                bad = self.ours.replace("=JL=other", "=JL=0ther")
                self.assertNotEqual(bad, self.ours)
                self.assertEqual(c.rcpt(bad)[0], 550)

    def test_what_the_manual_writes_fits_domains_with_dots(self):
        text = re.sub(r"rewrite outbound sender \{.*?\n\}",
                      'rewrite outbound sender { "{user}@{domain not in ours}" => srs }', POLICY,
                      flags=re.S)
        with Sink() as hop, Server(text.replace("HOP", str(hop.port)), TABLES) as s:
            self.round_trip_of(s, hop, "joe@a.sender.example")
            self.assertIn("<una@srs.example>",
                          self.send(s, hop, "una@srs.example", "una@srs.example")["from"])

    def test_secrets_are_changed_by_reload(self):
        """The first signs, all verify; what was signed by one that is gone is unknown."""
        with Sink() as hop, Server(POLICY.replace("HOP", str(hop.port)), TABLES) as s:
            self.round_trip_of(s, hop, "joe@sender.example")
            old = self.ours
            s.write("secret", "neu\ngeheim\n")
            s.waybill("reload")
            self.round_trip_of(s, hop, "joe@sender.example")
            self.assertNotEqual(self.ours, old)
            self.assertEqual(self.send(s, hop, "", old)["to"], ["joe@sender.example"])
            s.write("secret", "neu\n")
            s.waybill("reload")
            self.assertEqual(self.send(s, hop, "", self.ours)["to"], ["joe@sender.example"])
            with s.smtp() as c:
                c.ehlo()
                c.mail("")
                code, text = c.rcpt(old)
                self.assertEqual((code, text[:5]), (550, b"5.1.1"))

    def test_a_wrong_secret_is_not_taken(self):
        with Sink() as hop, Server(POLICY.replace("HOP", str(hop.port)), TABLES) as s:
            self.round_trip_of(s, hop, "joe@sender.example")
            for text, why in (("", "the file is empty"), (" \n\n", "the file is empty"),
                              ("x" * 5000, "more than 4096 octets"),
                              ("a\n" * 9, "at most 8 secrets"), (None, "No such file")):
                if text is None:
                    os.unlink(os.path.join(s.dir, "secret"))
                else:
                    s.write("secret", text)
                for command in (("check", s.policy), ("reload", "-c", s.policy)):
                    r = s.run(*command, check=False)
                    self.assertNotEqual(r.returncode, 0, (command, text))
                    self.assertRegex(r.stdout + r.stderr,
                                     r"policy\.conf:7:\d+: error: the secret in '[^']*' "
                                     r"cannot be used: .*" + why)
                self.round_trip_of(s, hop, "joe@sender.example")

    def round_trip_of(self, s, hop, sender):
        m = self.send(s, hop, sender, "una@srs.example")
        self.ours = m["from"].split("<")[1].split(">")[0]
        self.assertRegex(self.ours, r"^SRS0=.*@srs\.example$")
        self.assertEqual(self.send(s, hop, "", self.ours)["to"], [sender])

    def send(self, s, hop, sender, to):
        """The next message that the hop takes."""
        n = len(hop.messages)
        with s.smtp() as c:
            c.sendmail(sender, [to], "Subject: hello\r\n\r\nhello\r\n")
        wait_for(lambda: len(hop.messages) > n)
        return hop.messages[n]

    def round_trip(self, s, hop, sender):
        m = self.send(s, hop, sender, "una@srs.example")
        self.ours = m["from"].split("<")[1].split(">")[0]
        self.assertRegex(self.ours, r"^SRS[01]=.*@srs\.example$")
        self.assertEqual(self.send(s, hop, "", self.ours)["to"], [sender])
        # What the hop refuses is told to the same, by the queue's own notification.
        self.assertEqual(self.send(s, hop, sender, "nil@srs.example")["to"], [sender])


if __name__ == "__main__":
    unittest.main()
