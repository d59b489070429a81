"""What is forwarded leaves with a sender of ours, however long, and bounces find back."""
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
