"""One exact reply for each command, in any order, however the octets are cut (RFC 5321, 4.1.4; 2920, 3.1).

Random commands are said one after the other; then all of them at once, and in pieces of
any size: the replies are the same, and as many.
"""
import random
import re
import socket
import unittest

from server import Server

POLICY = """edition 1
hostname "mx.example"
listen smtp on "127.0.0.1:@PORT@" { xforward 127.0.0.1; auth offered; auth in clear; accounts users }
listen lmtp on "127.0.0.1:@PORT2@"
set ours = { "here.example" }
map users = text "@DIR@/users" as accounts
mailbox box { accounts users; path "@DIR@/mail/{user}" }
limits { message 3K; recipients 3; errors 10000 }
on helo {
    client.helo == "evil.example" => reject 550 5.7.1 "not {client.helo}"
    client.helo == "plain.example" => hide chunking
}
on vrfy { rcpt.user != "quiet" => accept }
on mail {
    sender.domain == "bad.example" => reject 553 5.1.8 "no {sender}"
    sender.domain == "void.example" => discard
}
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1 "no relaying"
    rcpt.user == "gone" => discard
    rcpt unknown => reject 550 5.1.1 "there is no {rcpt}"
    otherwise => accept
}
on data { rcpts.count > 2 => defer 451 4.7.1 "one by one" }
on content {
    header["Subject"] == "bad" => reject 554 5.7.1 "bad"
    header["Subject"] == "lost" => discard
}
route { otherwise => deliver box }
"""
TABLES = {"users": "ann:{PLAIN}pencil\nbob:{PLAIN}pencil\n"}
SEED = 2920
SEQUENCES = 60
HELLO = [b"c.example", b"plain.example", b"evil.example", b"[IPv6:::1]", b"", b"b\xc3\xbccher.example"]
SENDERS = [b"a@b.example", b"", b"x@bad.example", b"x@void.example", b"@a,@b:x@y.example", b"@",
           b"j\xc3\xbc@x.example"]
MAIL = [b"", b"", b" SIZE=10", b" SIZE=99999", b" BODY=BINARYMIME", b" SIZE=1 SIZE=2", b" SMTPUTF8",
        b" ENVID=+0A", b" BY=10;R", b" REQUIRETLS", b"SIZE=1", b" XX=1"]
RCPTS = [b"ann@here.example", b"bob@here.example", b"gone@here.example", b"nobody@here.example",
         b"x@far.example", b"", b"postmaster", b'"ann"@here.example']
RCPT = [b"", b"", b" NOTIFY=NEVER", b" NOTIFY=NEVER,SUCCESS", b" ORCPT=rfc822;+00"]
CHUNKS = [b"", b"Subject: x\r\n\r\nhello\r\n", b"Subject: bad\r\n\r\nx\r\n", b"Subject: lost\r\n\r\nx",
          b"a\nb\r\n", b"\0\r\n", b"QUIT\r\n", b"MAIL FROM:<evil@here.example>\r\n", b"x\r\n.\r\nQUIT\r\n",
          b"\r", b"y" * 4000, b"z\r\n" * 1200, b"\xff\xfe\r\n"]
BDAT = [b"BDAT %d LAST", b"BDAT %d LAST", b"BDAT %d", b"BDAT %d", b"bdat\t%d last", b"BDAT 00%d",
        b"BDAT %d LAST LAST", b"BDAT %d  LAST", b"BDATX %d LAST"]
OTHERS = [b"NOOP", b"NOOP \x01", b"RSET", b"RSET", b"HELP", b"VRFY ann", b"VRFY", b"EXPN ann",
          b"VRFY quiet@here.example", b"STARTTLS", b"x" * 600, b"y" * 1500, b"a\rb", b"a\nb", b"", b" ",
          b"XFORWARD NAME=a.example", b"AUTH PLAIN !", b"AUTH PLAIN AGFubgB3cm9uZw==", b"ETRN a.example"]
CONTENT = b"Subject: d\r\n\r\n..hello\r\n.\r\n"


def command(dice, hello):
    kind = dice.randrange(10)
    if kind == 0:
        return dice.choice(hello) + b" " + dice.choice(HELLO) + b"\r\n"
    if kind < 3:
        return b"MAIL FROM:<%s>%s\r\n" % (dice.choice(SENDERS), dice.choice(MAIL))
    if kind < 6:
        return b"RCPT TO:<%s>%s\r\n" % (dice.choice(RCPTS), dice.choice(RCPT))
    if kind < 8:
        chunk = dice.choice(CHUNKS)
        return dice.choice(BDAT) % len(chunk) + b"\r\n" + chunk
    return (b"DATA" if dice.random() < 0.3 else dice.choice(OTHERS)) + b"\r\n"


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.replies = self.socket.makefile("rb")
        self.reply()

    def reply(self):
        """Its lines, or nothing at the end."""
        lines = []
        while not lines or lines[-1][3:4] == b"-":
            lines.append(self.replies.readline())
            if not lines[-1]:
                return b""
            assert len(lines[-1]) <= 512, lines
            assert re.fullmatch(rb"[2-5]\d\d[ -][\t -~]*\r\n", lines[-1]), lines
        return re.sub(rb"queued as \w+", b"queued", b"".join(lines))

    def until(self, ends):
        replies = []
        while not replies or replies[-1] and not ends(replies[-1]):
            replies.append(self.reply())
        return replies

    def close(self):
        self.replies.close()
        self.socket.close()


def send(sock, octets, dice=None):
    """In pieces, when there are dice for them."""
    try:
        while dice is not None and octets:
            n = dice.choice([1, 2, 3, 17, 100, 1000])
            sock.sendall(octets[:n])
            octets = octets[n:]
        sock.sendall(octets)
    except OSError:
        pass        # closed, and so it was when they came one by one


def one_by_one(port, commands):
    """[(octets, replies), ...]: TURN, which is never served, tells where replies end."""
    client, said = Client(port), []
    for octets in commands:
        if octets == b"DATA\r\n":
            client.socket.sendall(octets)
            said.append((octets, [client.reply()]))
            octets = CONTENT if said[-1][1][0].startswith(b"354") else b""
        send(client.socket, octets + b"TURN\r\n")
        replies = client.until(lambda reply: b"TURN" in reply)
        said.append((octets, [r for r in replies if b"TURN" not in r]))
        if not replies[-1]:
            break
    client.close()
    return said


def at_once(port, said, dice):
    """The replies to all of it; a client waits for the answer to DATA."""
    client, replies, group, wanted = Client(port), [], b"", 0
    for octets, its in said:
        group += octets
        wanted += len(its)
        if octets == b"DATA\r\n":
            send(client.socket, group, dice)
            replies += [client.reply() for _ in range(wanted - len(replies))]
            group = b""
    send(client.socket, group + b"QUIT\r\n", dice)
    replies += client.until(lambda reply: reply.startswith(b"221"))
    client.close()
    return [r for r in replies if not r.startswith(b"221")]


class Replies(unittest.TestCase):
    def compare(self, port, hello, seed):
        dice = random.Random(seed)
        commands = [hello[0] + b" c.example\r\n"]
        commands += [command(dice, hello) for _ in range(dice.randrange(3, 25))]
        said = one_by_one(port, commands)
        wanted = [r for _, replies in said for r in replies]
        for pieces in (None, dice):
            self.assertEqual(at_once(port, said, pieces), wanted, (seed, said))

    def test_any_order_of_smtp(self):
        with Server(POLICY, TABLES) as s:
            for i in range(SEQUENCES):
                self.compare(s.port, [b"EHLO", b"HELO"], SEED + i)

    def test_any_order_of_lmtp(self):
        with Server(POLICY, TABLES) as s:
            for i in range(SEQUENCES):
                self.compare(s.ports[1], [b"LHLO", b"LHLO", b"EHLO"], SEED - i)


if __name__ == "__main__":
    unittest.main()
