"""Every conversation of test/integration/smtp, on the real server."""
import glob
import os
import unittest

import chat
from certs import Certs
from server import Server

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = """edition 1
hostname "mx.example"
listen smtp on "127.0.0.1:@PORT@"
set ours = { "here.example" }
map users = text "@DIR@/users" as accounts
mailbox box { accounts users; path "@DIR@/mail/{user}" }
"""
LOGIN = HEAD.replace('smtp on "127.0.0.1:@PORT@"', """submission on "127.0.0.1:@PORT@" {
    auth offered; auth in clear; accounts users
    mechanisms plain, login, cram-md5, scram-sha-1, scram-sha-256
}""").replace("mailbox", """map names = { "sales" = "ann", "both" = "ann, bob" } as aliases
mailbox""")
RCPT = """on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1 "no relaying"
    rcpt unknown => reject 550 5.1.1 "there is no {rcpt}"
    otherwise => accept
}
"""
ROUTE = """route {
    rcpt.domain in ours => deliver box
    otherwise => mx
}
"""
LOGIN_ROUTE = ROUTE.replace("deliver box", "expand names, deliver box")
POLICIES = {
    "plain": HEAD + RCPT + ROUTE,
    "small": HEAD + """limits {
    message 2K; recipients 2; errors 3; commands 12; hops 2; idle 2s; transaction 4s
}
""" + RCPT + ROUTE,
    "rules": HEAD + """tag marked : text
on helo {
    client.helo == "marked.example" => tag marked = "yes"
    client.helo == "plain.example" => hide 8bitmime, pipelining
    client.helo == "evil.example" => reject 550 5.7.1 "not {client.helo}"
    client.helo == "away.example" => defer 421 4.7.0 "go away"
}
on mail {
    sender.domain == "bad.example" => reject 553 5.1.8 "no {sender}"
    sender.domain == "void.example" => discard
}
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1 "no relaying"
    rcpt.user == "gone" => discard
    rcpt.user == "later" => defer 450 4.2.1 "later"
    marked == "yes" => reject 550 5.7.1 "marked"
    otherwise => accept
}
on data {
    rcpts.count > 1 => defer 451 4.7.1 "one by one"
}
on content {
    header["Subject"] == "bad" => reject 554 5.7.1 "bad subject"
    header["Subject"] == "lost" => discard
    message.lines > 100 => reject 554 5.7.1 "{message.lines} lines"
}
route {
    rcpt.user == "moved" => reject 551 5.1.6 "try elsewhere"
    otherwise => deliver box
}
""",
    "verify": HEAD + """map lists = text "@DIR@/lists" as aliases
on vrfy {
    rcpt.user == "secret" => reject 550 5.7.1 "not told"
    rcpt.user != "quiet" => accept
}
on expn {
    rcpt.user == "secret" => reject 550 5.7.1 "not told"
    rcpt.user != "quiet" => accept
}
""" + RCPT + """route {
    rcpt.user == "moved" => reject 551 5.1.6 "try elsewhere"
    rcpt.domain in ours and rcpt in lists => expand lists
    rcpt.domain in ours => deliver box
    rcpt.domain == "mx.example" => deliver box
    otherwise => mx
}
""",
    "utf8": HEAD.replace('"here.example"', '"bücher.example"') + RCPT + ROUTE,
    "hidden": HEAD.replace('@PORT@"', """@PORT@" {
    hide chunking, dsn, smtputf8, limits, help, vrfy
}""") + RCPT + ROUTE,
    "roomy": HEAD + """limits { message 2K }
""" + RCPT + ROUTE,
    "door": HEAD.replace('listen smtp on "127.0.0.1:@PORT@"', """
listen smtp on "127.0.0.1:@PORT@" { xclient 127.0.0.1; xforward 127.0.0.1; etrn 127.0.0.1 }
listen smtp behind on "127.0.0.1:@PORT2@" { proxy 127.0.0.1; xclient 127.0.0.1, 192.0.2.8 }
listen lmtp on "127.0.0.1:@PORT3@"
net home = { 127.0.0.0/8, 10.0.0.0/8 }""") + """limits { message 2K; recipients 5 }
on connect {
    client.ip == 192.0.2.66 => reject 554 5.7.1 "not you, {client.ip}"
}
on helo {
    client.helo == "evil.example" => reject 550 5.7.1 "not {client.helo}"
}
on mail {
    sender.user == "who" => reject 550 5.7.1 "{client.ip} {client.port} {client.helo} {client.user}."
}
on rcpt {
    rcpt.user == "gone" => discard
    rcpt.user == "later" => defer 450 4.2.1 "later"
    rcpt.domain in ours => accept
    client.authenticated => accept
    client.ip in home => accept
    otherwise => reject 550 5.7.1 "no relaying for {client.ip}"
}
on data {
    rcpts.count > 4 => defer 451 4.7.1 "not so many"
}
on content {
    header["Subject"] == "bad" => reject 554 5.7.1 "bad subject"
    header["Subject"] == "lost" => discard
    header["Subject"] == "later" => defer 451 4.7.1 "later"
}
""" + ROUTE,
    "login": LOGIN.replace("auth offered", "auth required") + """on mail {
    sender not of client.user => reject 553 5.7.1 "not yours"
}
on rcpt { client.authenticated => accept }
""" + LOGIN_ROUTE,
    "maylogin": LOGIN + """on helo {
    client.helo == "plain.example" => hide auth
}
on auth {
    client.user == "bob" => reject 535 5.7.8 "not {client.user}"
}
on rcpt { client.authenticated => accept }
""" + LOGIN_ROUTE,
    "refused": HEAD + """on connect {
    otherwise => reject 554 5.7.1 "nobody"
}
""" + RCPT + ROUTE,
}


# The folder of certificates is made for those that have a tls block.
TLS = """edition 1
hostname "mx.example"
tls {
    certificate "@DIR@/certs/mx.pem"; key "@DIR@/certs/mx.key"
    CLIENTS
    for "mx.example" { certificate "@DIR@/certs/rsa.pem"; key "@DIR@/certs/rsa.key" }
}
listen smtp on "127.0.0.1:@PORT@"
"""
BOX = HEAD[HEAD.index("set ours"):]
ASKED = 'client certificates asked; client authorities "@DIR@/certs/ca.pem"'
POLICIES.update({
    "tls": TLS.replace("CLIENTS", "") + """
listen smtp strict on "127.0.0.1:@PORT2@" { tls required }
listen submissions on "127.0.0.1:@PORT3@" { auth none }
listen smtp clear on "127.0.0.1:@PORT4@" { tls none }
listen submissions behind on "127.0.0.1:@PORT5@" { auth none; proxy 127.0.0.1 }
""" + BOX + RCPT + ROUTE,
    "tls_small": TLS.replace("CLIENTS", "") + """
listen submissions on "127.0.0.1:@PORT2@" { auth none }
limits { errors 3; idle 2s }
""" + BOX + RCPT + ROUTE,
    "tls_rules": TLS.replace("CLIENTS", ASKED) + """
listen submissions on "127.0.0.1:@PORT2@" { auth none }
on starttls {
    client.certificate == "away.example" => defer 421 4.7.0 "go away"
    tls.version == "TLSv1.2" => reject 550 5.7.4 "{tls.version}"
}
on rcpt {
    client.certificate == "ann@here.example" => accept
    otherwise => reject 550 5.7.1 "no relaying"
}
""" + BOX + ROUTE,
})
POLICIES["tls_login"] = TLS.replace("CLIENTS", "").replace('listen smtp on "127.0.0.1:@PORT@"', """
listen smtp on "127.0.0.1:@PORT@" { auth offered; accounts users }
listen submission on "127.0.0.1:@PORT2@" {
    auth required; auth in clear; accounts users; mechanisms plain, scram-sha-256, scram-sha-256-plus
}""") + BOX + """on rcpt {
    client.authenticated => accept
    rcpt.domain not in ours => reject 550 5.7.1 "no relaying"
    rcpt unknown => reject 550 5.1.1
    otherwise => accept
}
""" + ROUTE


def make_certificates(folder):
    certs = Certs(folder)
    certs.make("mx", names="DNS:mx.example")
    certs.make("rsa", names="DNS:mx.example", kind="rsa")
    certs.make("ca", ca=True)
    certs.make("ann", names="email:ann@here.example", by="ca")
    certs.make("away", names="DNS:away.example", by="ca")
    certs.make("served", names="email:ann@here.example", by="ca", usage="serverAuth")
    certs.make("other-ca", ca=True)
    certs.make("false", names="email:ann@here.example", by="other-ca")


# The password pencil, with the salts of RFC 5802, 5 and RFC 7677, 3.
SCRAM = ("{PLAIN}pencil "
         "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnk"
         "di4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU= "
         "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=")
TABLES = {
    "users": "ann:" + SCRAM + "\nbob:{PLAIN}pencil\njürgen:{PLAIN}pencil\n",
    "lists": "team: ann@here.example, all@here.example, x@else.example, bob\n"
             "included: :include:@DIR@/included\n"
             "mixed: ann, :include:@DIR@/included, |/bin/true, /tmp/x\n"
             "umlaut: jürgen\n"
             "many: " + ", ".join(f"m{i}@else.example" for i in range(1, 151)) + "\n",
    "included": "bob@here.example\n",
}


class Conversations(unittest.TestCase):
    def play_all(self, policy):
        paths = [p for p in sorted(glob.glob(f"{HERE}/smtp/*.chat"))
                 if chat.policy_of(p) == policy]
        self.assertTrue(paths)
        with Server(POLICIES[policy], tables=TABLES,
                    start=False) as s:
            if "\ntls {" in POLICIES[policy]:
                chat.Chat.certs = f"{s.dir}/certs"
                make_certificates(chat.Chat.certs)
            s.start()
            for path in paths:
                with self.subTest(os.path.basename(path)):
                    chat.play("127.0.0.1", s.ports[chat.port_of(path) - 1], path)
            alive = s.processes()
            self.assertNotIn("restarting", s.log())
            self.assertTrue(alive["smtp"])

    def test_every_file_has_a_known_policy(self):
        for path in glob.glob(f"{HERE}/smtp/*.chat"):
            self.assertIn(chat.policy_of(path), POLICIES, path)

    def test_every_file_says_where_it_is_written(self):
        for path in glob.glob(f"{HERE}/smtp/*.chat"):
            with open(path, encoding="utf-8") as f:
                self.assertRegex(
                    f.read(), r"(RFCs? \d+, [0-9A-Z]|XCLIENT_README|XFORWARD_README|proxy-protocol.txt, [0-9]|draft-[a-z-]+[,:])", path)

    def test_plain(self):
        self.play_all("plain")

    def test_small_limits(self):
        self.play_all("small")

    def test_vrfy_and_expn(self):
        self.play_all("verify")

    def test_hidden_extensions(self):
        self.play_all("hidden")

    def test_domains_outside_ascii(self):
        self.play_all("utf8")

    def test_small_messages(self):
        self.play_all("roomy")

    def test_rules(self):
        self.play_all("rules")

    def test_logins_and_tls(self):
        self.play_all("tls_login")

    def test_tls(self):
        self.play_all("tls")

    def test_tls_and_small_limits(self):
        self.play_all("tls_small")

    def test_tls_and_rules(self):
        self.play_all("tls_rules")

    def test_several_listeners(self):
        self.play_all("door")

    def test_logins(self):
        self.play_all("login")

    def test_logins_that_need_not_be(self):
        self.play_all("maylogin")

    def test_refused_greeting(self):
        self.play_all("refused")


if __name__ == "__main__":
    unittest.main()
