"""Each kind of table through a policy: what `waybill test` sees, and what the server does."""
import os
import unittest

from map_test import Folder
from server import Server, wait_for
from sink import Sink

TABLES = {
    "users": "ann:x\nbob:x\ncolin:x\nann+vip:x\n",
    "tables/aliases": """# sendmail's
postmaster: root
root:       ann
Office:     ann, Bob <bob@here.example> (the second), "c o"@far.example,
            :include:lists/kids
owner-office: colin
eve:        ann
eve@shop.example: bob
bob+lists:  colin
vac:        \\ann, "|/usr/bin/vacation -t 7 ann"
prog:       |/usr/bin/filter
file:       "/var/log/in box"
nowhere:    /dev/null
colin:      colin, ann
far:        \\who@far.example
""",
    "tables/lists/kids": "# a member a line, or several\ncolin\nx@far.example, y@far.example\n",
    "virtusers": """info@shop.example\tann
u+*@shop.example\t%1-%2-%3@far.example
w++@shop.example\tplus-%2@far.example
w@shop.example\tplain@far.example
exact+d@shop.example\t%1@far.example
zero@shop.example\t%0.far@far.example
many@shop.example\tann, bob@here.example
gone@shop.example\terror:5.1.6:551 she has left
none@shop.example\terror:nouser no such person
code@shop.example\terror:450 later
full@shop.example\t"error:5.2.2:552 mailbox full"
@shop.example\t%1@catch.example
+*@plus.example\td-%1-%2@far.example
++@plus.example\tn-%1-%2@far.example
@plus.example\tc-%1@far.example
ann@none.example\tann
""",
    "mailertable": """far.example\tsmtp:[far.example]
catch.example\tsmtp:[far.example]
host.example\tsmtp:mx.far.example
port.example\tsmtp:[hub.example]:2525
addr.example\tesmtp:[192.0.2.1]
six.example\tsmtp:[IPv6:2001:db8::1]:26
alone.example\t[hub.example]
relay.example\trelay:hub.example:2525
smtp8.example\tsmtp8:[hub.example]
.sub.example\tesmtp:[%1.inside.example]
deep.sub.example\tsmtp:[deep.example]
err.example\terror:5.1.2:550 no way there
errn.example\terror:nohost unknown host
disc.example\tdiscard:
local.example\tlocal:
luser.example\tlocal:ann@here.example
.\terror:5.1.2:550 not by us
""",
    "access": """Connect:192.0.2.1\tREJECT
Connect:192.0.2\t450 4.7.1 try later
Connect:10.1.16.0/20\tREJECT Not you
Connect:IPv6:2001:db8:0:0:0:0:0:1\tREJECT
Connect:2001:db8:5::\tERROR:4.7.1:450 slow
Connect:2001:db8:0007::9\t550 5.7.1 nine
Connect:bad.example\tREJECT
Connect:friend.example\tRELAY
From:spam.example\tERROR:5.7.1:550 not from there
From:good.spam.example\tOK
From:bulk@\tREJECT
From:ann+bad@x.example\t550 5.7.1 exact
From:ann+*@x.example\t550 5.7.1 any detail
From:<>\tREJECT
From:skip@spam.example\tSKIP
From:disc@x.example\tDISCARD
From:quar@x.example\tQUARANTINE:looks odd
From:err@x.example\tERROR:"550 in quotes"
both.example\tREJECT
To:closed@here.example\t550 5.2.1 closed
To:tim+*@here.example\t550 5.2.1 no details
""",
    "domaintable": "old.example\there.example\nB\u00fccher.example\there.example\n",
    "generics": """ann\tann.m@here.example
bob@inside.example\tbob@here.example
u+*@inside.example\tu-%1@here.example
u+x@inside.example\tux@here.example
""",
    "relocated": """gone@here.example\tgone@new.example
left\tnow at left@new.example, or call him
@closed.example\tnew.example
""",
    "hops": "# name and way\nrec.example: host=hub.rec.example port=2526 note=\"a \\\"b\\\"\"\n",
}

POLICY = """edition 1
hostname "mx.here.example"
detail "+-"
set ours = { "here.example", "shop.example", "plus.example", "none.example", "closed.example" }
map users     = text "users" as accounts
map aliases   = text "tables/aliases" as aliases
map virtusers = text "virtusers" as virtusers
map routes    = text "mailertable" as routes
map access    = text "access" as access
map renamed   = text "domaintable" as domains
map generics  = text "generics" as generics
map relocated = text "relocated" as moved
map hops      = text "hops" as records
map served    = socket "unix:/nonexistent/socket" as aliases { map "x" }
listen smtp on "127.0.0.1:@PORT@"
programs { folder "/usr/bin"; files "/var/log" }
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
rewrite inbound rcpt { "{user}@{host in renamed}" => "{user}@{renamed[host]}" }
rewrite outbound sender {
    "{who in generics}" => generics[who]
}
on connect { client in access => access[client] }
on mail { sender in access => access[sender] }
on rcpt {
    rcpt in access => access[rcpt]
    rcpt.domain not in ours and rcpt.domain not in routes => reject 550 5.7.1
    rcpt unknown => reject 550 5.1.1
    otherwise => accept
}
route {
    rcpt in relocated => moved relocated[rcpt]
    rcpt.domain == "served.example" => expand served, discard
    rcpt == <redir@here.example> => redirect <ann@here.example>
    rcpt.domain in ours => expand virtusers, expand aliases, deliver boxes
    rcpt.domain in hops => relay "{hops[rcpt.domain].host}:{hops[rcpt.domain].port}"
    rcpt.domain in routes => routes[rcpt.domain]
    otherwise => reject 550 5.1.2
}
"""

# recipient: what is expected of it, one after the other
RCPTS = {
    # aliases
    "office@here.example": ['deliver boxes "ann"', 'deliver boxes "bob"', 'rcpt <"c o"@far.example>',
                            'rcpt <x@far.example>', 'rcpt <y@far.example>', "sender <colin@here.example>"],
    "OFFICE-x@here.example": ['deliver boxes "ann"'],
    "eve@shop.example": ['deliver boxes "bob"', 'not deliver boxes "ann"'],
    "bob+lists@here.example": ['deliver boxes "colin"', 'not deliver boxes "bob"'],
    "bob-lists@here.example": ['deliver boxes "bob"'],
    "vac@here.example": ['deliver boxes "ann"', 'pipe "/usr/bin/vacation -t 7 ann"'],
    "prog@here.example": ['pipe "/usr/bin/filter"'],
    "file@here.example": ['file "/var/log/in box"'],
    "nowhere@here.example": ["discard"],
    "colin@here.example": ['deliver boxes "colin"', 'deliver boxes "ann"'],
    "far@here.example": ["rcpt <who@far.example>"],
    "ann+vip@here.example": ['deliver boxes "ann+vip"'],
    "ann-vip@here.example": ['deliver boxes "ann"'],
    "redir@here.example": ['deliver boxes "ann"'],
    "who@here.example": ["unknown"],
    # virtusers: the exact before the general, whatever the order
    "info@shop.example": ['deliver boxes "ann"'],
    "info+x@shop.example": ['deliver boxes "ann"'],
    "u+a@shop.example": ["rcpt <u-a-+a@far.example>"],
    "u+@shop.example": ["rcpt <u--+@far.example>"],
    "u@shop.example": ["rcpt <u@catch.example>"],
    "w+a@shop.example": ["rcpt <plus-a@far.example>"],
    "w+@shop.example": ["rcpt <plain@far.example>"],
    "exact+d@shop.example": ["rcpt <exact+d@far.example>"],
    "many@shop.example": ['deliver boxes "ann"', 'deliver boxes "bob"'],
    "gone@shop.example": ['reject 551 5.1.6 "she has left"'],
    "none@shop.example": ['reject 550 5.1.1 "no such person"'],
    "code@shop.example": ['defer 450 4.7.1 "later"'],
    "full@shop.example": ['reject 552 5.2.2 "mailbox full"'],
    "who@shop.example": ["rcpt <who@catch.example>"],
    # no catch-all takes the mail of one who has an alias or a mailbox
    "root@shop.example": ['deliver boxes "ann"'],
    "colin@shop.example": ['deliver boxes "colin"'],
    "u+d@plus.example": ["rcpt <n-u-d@far.example>"],
    "u+@plus.example": ["rcpt <d-u-@far.example>"],
    "u@plus.example": ["rcpt <c-u@far.example>"],
    # a virtual domain that says nothing of its other users
    "who@none.example": ["unknown"],
    # routes
    "x@host.example": ["mx"],
    "x@port.example": ['relay "hub.example:2525"'],
    "x@addr.example": ['relay "[192.0.2.1]"'],
    "x@six.example": ['relay "[2001:db8::1]:26"'],
    "x@alone.example": ['relay "hub.example"'],
    "x@relay.example": ["mx"],
    "x@smtp8.example": ['relay "hub.example"'],
    "x@a.b.sub.example": ['relay "a.b.inside.example"'],
    "x@deep.sub.example": ['relay "deep.example"'],
    "x@err.example": ['reject 550 5.1.2 "no way there"'],
    "x@errn.example": ['reject 550 5.1.2 "unknown host"'],
    "x@disc.example": ["discard"],
    "ann@local.example": ['deliver boxes "ann"'],
    "x@luser.example": ['deliver boxes "ann"'],
    "x@any.where.example": ['reject 550 5.1.2 "not by us"'],
    # domains, records, moved
    "ann@old.example": ['deliver boxes "ann"'],
    "ann@xn--bcher-kva.example": ['deliver boxes "ann"'],
    "x@rec.example": ['relay "hub.rec.example:2526"'],
    "gone@here.example": ['reject 551 5.1.6 "gone@new.example"'],
    "gone-x@here.example": ["reject 551 5.1.6"],
    "left+a@shop.example": ['reject 551 5.1.6 "now at left@new.example, or call him"'],
    "any@closed.example": ['reject 551 5.1.6 "new.example"'],
    # access
    "closed@here.example": ['reject 550 5.2.1 "closed"'],
    "tim+x@here.example": ['reject 550 5.2.1 "no details"'],
}

CLIENTS = {
    "192.0.2.1": "reject 550 5.7.1", "192.0.2.9": 'defer 450 4.7.1 "try later"',
    "10.1.31.255": 'reject 550 5.7.1 "Not you"', "10.1.32.1": "accept",
    "2001:db8::1": "reject 550 5.7.1", "2001:db8:5:1::7": 'defer 450 4.7.1 "slow"',
    "2001:db8:7::9": 'reject 550 5.7.1 "nine"', "2001:db8:7::8": "accept",
    "198.51.100.3": "reject 550 5.7.1",   # a.bad.example, verified
    "198.51.100.4": "accept",             # says so, and is not
    "203.0.113.9": "accept",
}
DNS = """    with dns { "3.100.51.198.in-addr.arpa" PTR "a.bad.example"; "a.bad.example" A 198.51.100.3
               "4.100.51.198.in-addr.arpa" PTR "a.bad.example" }
"""

SENDERS = {
    "x@spam.example": 'reject 550 5.7.1 "not from there"', "x@a.spam.example": "reject 550 5.7.1",
    "x@good.spam.example": "accept", "x@a.good.spam.example": "accept",
    "bulk@any.example": "reject 550 5.7.1", "bulk+x@any.example": "reject 550 5.7.1",
    "ann+bad@x.example": 'reject 550 5.7.1 "exact"', "ann+y@x.example": 'reject 550 5.7.1 "any detail"',
    "ann@x.example": "accept", "": "reject 550 5.7.1", "skip@spam.example": "accept",
    "disc@x.example": "discard", "quar@x.example": 'quarantine "looks odd"',
    "err@x.example": 'reject 550 5.7.1 "in quotes"', "x@both.example": "reject 550 5.7.1",
}


def blocks():
    for n, (rcpt, wants) in enumerate(RCPTS.items()):
        lines = "".join(f"    expect {w}\n" for w in wants)
        yield (f'test "rcpt {n}" {{\n    client 203.0.113.9\n    mail from <s@sender.example>\n'
               f'    rcpt to <{rcpt}>\n{lines}}}\n')
    for n, (client, wants) in enumerate(CLIENTS.items()):
        yield f'test "client {n}" {{\n{DNS}    client {client}\n    expect {wants}\n}}\n'
    for n, (sender, wants) in enumerate(SENDERS.items()):
        yield (f'test "sender {n}" {{\n    client 203.0.113.9\n    mail from <{sender}>\n'
               f'    expect {wants}\n}}\n')


class Kinds(Folder):
    def setUp(self):
        super().setUp()

        os.makedirs(f"{self.dir}/tables/lists")
        for name, text in TABLES.items():
            self.file(name, text)

    def policy(self, more):
        self.file("p.conf", POLICY.replace("@PORT@", "2525").replace("@DIR@", "/var") + more)

    def test_each_key_and_each_value(self):
        self.policy("".join(blocks()))
        p = self.run_is(0, "test", "p.conf")
        self.assertIn(f"{len(RCPTS) + len(CLIENTS) + len(SENDERS)} passed, 0 failed", p.stdout)

    def test_a_friend_relays_by_name(self):
        self.file("p.conf", POLICY.replace("@PORT@", "2525").replace("@DIR@", "/var").replace(
            "on rcpt {", "on rcpt {\n    client in access => access[client]", 1) + """
test "the client's name has a key with RELAY" {
    with dns { "7.113.0.203.in-addr.arpa" PTR "a.friend.example"; "a.friend.example" A 203.0.113.7 }
    client 203.0.113.7
    mail from <x@y.example>
    rcpt to <nobody@here.example>
    expect accept
}
test "nobody else is so known" {
    with dns { "7.113.0.203.in-addr.arpa" PTR "a.friend.example" }
    client 203.0.113.7
    mail from <x@y.example>
    rcpt to <nobody@here.example>
    expect reject 550 5.1.1
}
""")
        self.run_is(0, "test", "p.conf")

    def test_what_leaves_has_its_public_name(self):
        tests = ""
        for sender, wanted in (("ann@mx.here.example", "ann.m@here.example"),
                               ("ann@other.example", "ann@other.example"),
                               ("bob@inside.example", "bob@here.example"),
                               ("u+x@inside.example", "ux@here.example"),
                               ("u+y@inside.example", "u-y@here.example")):
            tests += (f'test "{sender}" {{\n    client 203.0.113.9\n    mail from <{sender}>\n'
                      f'    rcpt to <x@host.example>\n    expect sender <{wanted}>\n}}\n')
        self.policy(tests)
        self.run_is(0, "test", "p.conf")

    def test_a_server_names_no_commands_and_files(self):
        tests = ""
        for value, wanted in (("|/bin/sh", "defer 451 4.3.5"), ("/etc/passwd", "defer 451 4.3.5"),
                              (":include:/etc/passwd", "defer 451 4.3.5"),
                              ("|/bin/sh, ann@here.example", 'deliver boxes "ann"')):
            tests += (f'test "{value}" {{\n    with map served["x"] = "{value}"\n'
                      f'    client 203.0.113.9\n    mail from <s@far.example>\n'
                      f'    rcpt to <x@served.example>\n    expect {wanted}\n'
                      f'    expect not pipe "/bin/sh"\n}}\n')
        self.policy(tests)
        self.run_is(0, "test", "p.conf")


class InTheServer(unittest.TestCase):
    """The same tables, and what becomes of mail."""

    @classmethod
    def setUpClass(cls):
        cls.hop = Sink()
        tables = dict(TABLES)
        tables["mailertable"] += f"hop.example\tsmtp:[127.0.0.1]:{cls.hop.port}\n"
        tables["hops"] += f"hops.example: host=127.0.0.1 port={cls.hop.port}\n"
        tables["virtusers"] += "out@shop.example\tfirst@hop.example\n"
        policy = POLICY.replace('map served    = socket "unix:/nonexistent/socket" as aliases { map "x" }\n', "")
        cls.server = Server(policy.replace(
            '    rcpt.domain == "served.example" => expand served, discard\n', ""), tables)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)
        cls.hop.__exit__()

    def answer(self, rcpt, sender="s@sender.example"):
        with self.server.smtp() as c:
            c.ehlo("client.example")
            c.mail(sender)
            code, text = c.rcpt(f"<{rcpt}>")
            return code, text.decode()

    def test_refusals(self):
        for rcpt, code, text in (("gone@shop.example", 551, "5.1.6 she has left"),
                                 ("none@shop.example", 550, "5.1.1 no such person"),
                                 ("code@shop.example", 450, "4.7.1 later"),
                                 ("x@err.example", 550, "5.1.2 no way there"),
                                 ("x@any.where.example", 550, "5.1.2 not by us"),
                                 ("left@here.example", 551,
                                  "5.1.6 now at left@new.example, or call him"),
                                 ("who@none.example", 550, "5.1.1"),
                                 ("closed@here.example", 550, "5.2.1 closed")):
            with self.subTest(rcpt):
                self.assertEqual(self.answer(rcpt)[0], code)
                self.assertIn(text, self.answer(rcpt)[1])
        with self.server.smtp() as c:
            c.ehlo("client.example")
            self.assertEqual(c.mail("x@a.spam.example")[0], 550)
            self.assertEqual(c.mail("bulk@any.example")[0], 550)
            self.assertEqual(c.mail("x@good.spam.example")[0], 250)

    def test_ways(self):
        for rcpt, to in (("x@hop.example", "x@hop.example"), ("y@hops.example", "y@hops.example"),
                         ("out@shop.example", "first@hop.example")):
            with self.subTest(rcpt):
                self.hop.messages.clear()
                with self.server.smtp() as c:
                    c.sendmail("bob@inside.example", [rcpt], b"Subject: way\r\n\r\nx\r\n")
                wait_for(lambda: self.hop.messages)
                self.assertEqual(self.hop.messages[0]["to"], [to])
                self.assertTrue(self.hop.messages[0]["from"].startswith("FROM:<bob@here.example>"))

    def test_mailboxes(self):
        for n, (rcpt, user) in enumerate((("info@shop.example", "ann"), ("eve@shop.example", "bob"),
                                          ("root@shop.example", "ann"), ("ann@local.example", "ann"),
                                          ("colin-x@plus.example", "colin"),
                                          ("redir@here.example", "ann"), ("bob@old.example", "bob"))):
            with self.subTest(rcpt):
                with self.server.smtp() as c:
                    c.sendmail("s@sender.example", [rcpt], f"Subject: m{n}\r\n\r\nx\r\n".encode())
                wait_for(lambda: [m for m in self.server.maildir(user)
                                  if f"Subject: m{n}\r\n".encode() in m.replace(b"\n", b"\r\n")
                                  or f"Subject: m{n}\n".encode() in m])

    def test_discarded(self):
        with self.server.smtp() as c:
            c.sendmail("s@sender.example", ["x@disc.example"], b"Subject: gone\r\n\r\nx\r\n")
        wait_for(lambda: "discarded id=" in self.server.log())


if __name__ == "__main__":
    unittest.main()
