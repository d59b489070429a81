"""Contents of any octets, in by DATA and BDAT and out by DATA: one message stays one (RFC 5321, 2.3.8)."""
import random
import re
import socket
import unittest

from server import Server, wait_for
from sink import Sink

POLICY = """edition 1
hostname "mx.example"
net here = { 127.0.0.0/8 }
listen smtp on "127.0.0.1:@PORT@"
limits { errors 10000 }
relay hop { host "127.0.0.1" port HOP }
on rcpt { client.ip in here => accept }
route { otherwise => relay hop }
"""
SEED = 5321
MESSAGES = 240
PIECES = [b"\r\n", b"\r\n", b"\r\n", b".", b".", b"x", b"y z", b"\r\n.\r\n", b"\r\n..\r\n", b"",
          b"MAIL FROM:<evil@else.example>\r\nRCPT TO:<far@else.example>\r\nDATA\r\n",
          b"BDAT 5 LAST\r\n", b"QUIT\r\n", b"RSET\r\n", b"\xc3\xbc", b"w" * 900]
SPOILED = [b"\r", b"\n", b"\0", b"\n.\n", b"\n.\r\n", b"\r\n.\r", b"\r.\r\n", b"\r\r\n.\r\n"]
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")


def content_of(dice, number):
    pieces = [dice.choice(PIECES) for _ in range(dice.randrange(12))]
    if dice.random() < 0.4:
        pieces.insert(dice.randrange(len(pieces) + 1), dice.choice(SPOILED))
    return b"X-Number: %d\r\n\r\n" % number + b"".join(pieces)


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.replies = self.socket.makefile("rb")
        self.code()
        self.socket.sendall(b"EHLO client.example\r\n")
        self.code()

    def code(self):
        while True:
            line = self.replies.readline()
            if line[3:4] == b" ":
                return line[:3]
            if not line:
                raise AssertionError("the server has closed")

    def codes(self, n):
        return [self.code() for _ in range(n)]

    def by_data(self, envelope, content):
        self.socket.sendall(envelope + b"DATA\r\n")
        assert self.codes(3) == [b"250", b"250", b"354"]
        if not content.endswith(b"\r\n"):
            content += b"\r\n"
        self.socket.sendall(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return self.code()

    def by_bdat(self, envelope, content, dice):
        """In chunks of any sizes, all of it in one packet; what is refused is begun anew."""
        cuts = sorted(dice.randrange(len(content) + 1) for _ in range(dice.randrange(4)))
        ends = list(zip([0] + cuts, cuts + [len(content)]))
        for i, (start, end) in enumerate(ends):
            last = b" LAST" if i == len(ends) - 1 else b""
            envelope += b"BDAT %d%s\r\n" % (end - start, last) + content[start:end]
        self.socket.sendall(envelope + b"RSET\r\n")
        codes = self.codes(3 + len(ends))
        assert codes[:2] == [b"250"] * 2 and codes[-1] == b"250", codes
        return codes[-2]

    def close(self):
        self.replies.close()
        self.socket.close()


class Smuggling(unittest.TestCase):
    def send_all(self, port):
        """Contents that have been accepted, by number."""
        dice, accepted, client = random.Random(SEED), {}, Client(port)
        for number in range(MESSAGES):
            content = content_of(dice, number)
            envelope = b"MAIL FROM:<>\r\nRCPT TO:<far@else.example>\r\n"
            code = client.by_data(envelope, content) if dice.random() < 0.5 else \
                client.by_bdat(envelope, content, dice)
            good = not BARE.search(content)
            self.assertEqual(code[:1] == b"2", good, (SEED, number, content, code))
            if good:
                accepted[number] = content
        client.close()
        return accepted

    def test_one_message_stays_one(self):
        with Sink(extensions=("PIPELINING", "8BITMIME")) as hop, \
                Server(POLICY.replace("HOP", str(hop.port))) as s:
            accepted = self.send_all(s.port)
            wait_for(lambda: len(hop.messages) >= len(accepted) and not s.queue())
            self.assertEqual(len(hop.messages), len(accepted))
            for message in hop.messages:
                got = message["data"]
                self.assertEqual(got.count(b"X-Number: "), 1)
                at = got.index(b"X-Number: ")
                wanted = accepted.pop(int(got[at:].split(b"\r\n")[0].split(b" ")[1]))
                wanted += b"" if wanted.endswith(b"\r\n") else b"\r\n"
                self.assertEqual(got[at:], wanted)
                self.assertEqual(message["from"], "FROM:<> BODY=8BITMIME" if b"\xc3" in wanted else
                                 "FROM:<>", message)
            self.assertNotIn("evil@", " ".join(str(m["to"]) + m["from"] for m in hop.messages))


if __name__ == "__main__":
    unittest.main()
