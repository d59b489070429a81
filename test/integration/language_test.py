"""The tests that stand in a policy: each step and each expectation of the
language is met where it should be, and fails where it should not.
"""
import json
import os
import tempfile
import unittest

from cmd_test import waybill

HEAD = """edition 1
hostname "mx.small.example"
set ours = { "small.example" }
map users = { "ann" = "x", "bob" = "x" } as accounts
map tenants = pgsql "dbname=mail" {
    query "select host, owner from tenants where domain = {key}"
}
milter spam { socket "unix:/run/spam.sock"; failure defer }
milter ham { socket "unix:/run/ham.sock"; failure accept }
listen smtp on "127.0.0.1:2525" { milters spam, ham }
listen submission on "127.0.0.1:2587"
relay hub { host "hub.example" port 587 }
mailbox boxes { accounts users; path "/var/mail/{user}" }
"""

RULES = """
on helo     { client.helo == "bad.example" => reject 550 5.7.1 "not you" }
on starttls { tls.version != "TLSv1.3" => reject 550 5.7.1 "too old" }
on auth     { client.user == "mallory" => reject 535 5.7.8 }
on mail     { sender.domain == "far.example" and tenants[sender.domain].owner != "ann" => reject 553 5.7.1 }
on rcpt {
    client.certificate == "web7.small.example" => accept
    client.authenticated                       => accept
    rcpt.domain not in ours                    => reject 550 5.7.1
    rcpt unknown                               => reject 550 5.1.1
    otherwise                                  => accept
}
on data    { rcpts.count > 2 => defer 452 4.5.3 }
on deliver { queue.attempts > 3 => reject 550 5.2.0 "enough" }
on relay   { not tls.verified => defer 451 4.7.5 "{hop.name} at {hop.ip} has no TLS" }
route {
    rcpt.domain in ours => deliver boxes
    otherwise           => relay hub
}
"""

ELSEWHERE = """
on rcpt { rcpt.domain in ours => accept }
route {
    rcpt.user == "list" => lmtp "/run/lists.sock"
    rcpt.user == "prog" => pipe "/usr/bin/prog" as "nobody"
    rcpt.user == "arch" => file "/srv/archive"
    rcpt.domain in ours => deliver boxes
    otherwise           => relay hub
}
"""

EFFECTS = """
on connect { client.ip in { 203.0.113.0/24 } => delay 5s, log "slow {client.ip}" }
on mail    { sender.domain == "trusted.example" => skip milter spam }
on rcpt    { rcpt.user == "bob" => use milter late, bcc <archive@small.example>
             rcpt.domain in ours => accept }
on content { header["Subject"] == "odd" => quarantine "odd subject"
             header["Subject"] == "spam" => discard }
on bounce  { message.size > 10 => headers only }
route      { rcpt.domain in ours => deliver boxes; otherwise => relay hub }
"""

TO_ANN = "client 203.0.113.9; mail from <a@b.example>; rcpt to <ann@small.example>"


DOOR = """
net lan = { 10.0.0.0/8 }
listen smtp inside on "127.0.0.1:2526" { hide chunking, vrfy }
on connect { client.ip in lan => hide dsn, limits, log "near" }
on helo    { client.helo == "old" => hide 8bitmime, hide size }
on vrfy {
    client.ip in lan and rcpt.domain in ours => accept
    rcpt.user == "root"                      => reject 550 5.1.1 "no"
}
on expn { client.user == "ann" => accept }
on rcpt { rcpt.domain in ours => accept }
route   { otherwise => mx }
"""

class Language(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="waybill-language-")
        self.addCleanup(self.dir.cleanup)

    def run_tests(self, steps, *options, policy=HEAD + RULES):
        path = os.path.join(self.dir.name, "p.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(policy)
            f.write(steps)
        return waybill("test", *options, path)

    def passes(self, steps, policy=HEAD + RULES):
        r = self.run_tests('test "t" {\n' + steps + "\n}\n", policy=policy)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn("1 passed, 0 failed", r.stdout)

    def fails(self, steps, *texts, policy=HEAD + RULES):
        r = self.run_tests('test "t" {\n' + steps + "\n}\n", policy=policy)
        self.assertEqual(r.returncode, 1, r.stdout + r.stderr)
        self.assertIn("0 passed, 1 failed", r.stdout)
        for t in texts:
            self.assertIn(t, r.stdout)


class Session(Language):
    def test_each_hook_up_to_the_step_before(self):
        self.passes("""client 203.0.113.9
            expect accept
            helo "bad.example"
            expect reject 550 5.7.1 "not you"
            client 203.0.113.9; helo "good.example"; starttls "TLSv1.2"
            expect reject 550 5.7.1 "too old"
            client 203.0.113.9 as "mallory" on submission
            expect reject 535 5.7.8
            client 203.0.113.9; mail from <a@b.example>; rcpt to <x@far.example>
            expect reject 550 5.7.1
            rcpt to <ann@small.example>
            expect accept
            expect deliver boxes "ann" """)

    def test_a_certificate_and_a_login(self):
        self.passes("""client 203.0.113.9; starttls "TLSv1.3" as "web7.small.example"
            mail from <a@b.example>; rcpt to <x@far.example>
            expect relay hub
            client 203.0.113.9; starttls "TLSv1.3"
            mail from <a@b.example>; rcpt to <x@far.example>
            expect reject
            client 203.0.113.9 as "ann"
            mail from <a@b.example>; rcpt to <x@far.example>
            expect relay hub""")

    def test_where_others_deliver(self):
        self.passes("""client 203.0.113.9; mail from <a@b.example>
            rcpt to <list@small.example>; expect lmtp "/run/lists.sock"; expect lmtp; expect accept
            rcpt to <prog@small.example>; expect pipe "/usr/bin/prog"; expect not pipe "/bin/sh"
            rcpt to <arch@small.example>; expect file "/srv/archive"; expect not file "/srv/x"
            expect not mx; expect not lmtp""", policy=HEAD + ELSEWHERE)

    def test_not(self):
        self.passes(TO_ANN + "\nexpect not reject\nexpect not deliver boxes \"bob\"")
        self.fails(TO_ANN + "\nexpect not accept", "expected not accept", "got accept")

    def test_behind_the_queue(self):
        self.passes(TO_ANN + """
            deliver
            expect accept
            deliver after 2d attempts 4
            expect reject 550 5.2.0 "enough"
            hop "mx.far.example" 192.0.2.7
            expect defer 451 4.7.5 "mx.far.example at 192.0.2.7 has no TLS"
            hop "mx.far.example" 192.0.2.7 starttls "TLSv1.3" as "mx.far.example"
            expect accept""")

    def test_the_data_command_is_asked_too(self):
        self.passes("""client 203.0.113.9 as "ann"; mail from <a@b.example>
            rcpt to <ann@small.example>; rcpt to <bob@small.example>; rcpt to <x@far.example>
            expect accept
            body "x"
            expect defer 452 4.5.3""")


class Door(Language):
    """What a client is offered, and VRFY and EXPN."""
    NEAR = "client 10.0.0.3 on inside; "

    def test_extensions_that_are_hidden(self):
        self.passes(self.NEAR + """expect hide dsn, limits, chunking, vrfy
            expect not hide size
            helo "old"; expect hide 8bitmime, size
            client 192.0.2.1; expect not hide dsn; expect not hide chunking""", policy=HEAD + DOOR)
        self.fails(self.NEAR + "expect hide dsn, size", "expected hide size, dsn",
                   "hide dsn, limits", policy=HEAD + DOOR)
        self.fails(self.NEAR + "expect not hide chunking", "expected not hide chunking",
                   policy=HEAD + DOOR)

    def test_vrfy_and_expn(self):
        self.passes(self.NEAR + """vrfy <ann@small.example>; expect accept
            vrfy "root"; expect reject 550 5.1.1 "no"
            vrfy "ann"; expect not accept; expect not reject
            expn "list@small.example"; expect not accept
            mail from <>; rcpt to <root@small.example>; expect accept; expect mx
            client 192.0.2.1 as "ann"; expn <list@small.example>; expect accept""",
                    policy=HEAD + DOOR)
        self.fails(self.NEAR + 'vrfy "ann"; expect accept', "VRFY ann@mx.small.example",
                   "got no verdict", "252 2.0.0", policy=HEAD + DOOR)
        self.fails(self.NEAR + 'expn "ann"; expect accept', "EXPN ann@mx.small.example",
                   "502 5.5.1", policy=HEAD + DOOR)

    def test_explain_says_them(self):
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "p.conf")
            with open(path, "w", encoding="utf-8") as f:
                f.write(HEAD + DOOR)
            r = waybill("explain", path, "--client", "10.0.0.3", "--vrfy", "root", "--expn",
                        "x@small.example", "--auth", "ann")
            self.assertEqual(r.returncode, 0, r.stderr)
            for said in ("hide dsn, limits", "VRFY root@mx.small.example", "550 5.1.1 no",
                         "EXPN x@small.example", "accept  (line"):
                self.assertIn(said, r.stdout)
            r = waybill("explain", path, "--client", "10.0.0.3", "--vrfy", "a b@c")
            self.assertEqual(r.returncode, 2, r.stdout)
            self.assertIn("is no name and no address", r.stderr)


class Effects(Language):
    POLICY = HEAD + 'milter late { socket "unix:/run/late.sock" }\nnet slow = { 203.0.113.0/24 }\n' + \
        EFFECTS.replace("{ 203.0.113.0/24 }", "slow")

    def test_delay_and_log(self):
        self.passes("""client 203.0.113.9; expect delay 5s; expect not delay 6s
            expect log "slow 203.0.113.9"; expect not log "x"
            client 192.0.2.1; expect not delay 5s""", policy=self.POLICY)

    def test_a_copy(self):
        self.passes("""client 192.0.2.1; mail from <a@b.example>; rcpt to <ann@small.example>
            expect not bcc <archive@small.example>
            rcpt to <bob@small.example>
            expect bcc <archive@small.example>; expect not bcc <ann@small.example>""",
                    policy=self.POLICY)

    def test_milters_are_used_and_skipped(self):
        self.passes("""with milter spam reject on mail
            client 192.0.2.1; mail from <a@b.example>; expect reject
            client 192.0.2.1; mail from <a@trusted.example>; expect accept""", policy=self.POLICY)
        self.passes("""with milter spam reject on rcpt
            client 192.0.2.1; mail from <a@b.example>; rcpt to <ann@small.example>; expect reject
            client 192.0.2.1; mail from <a@trusted.example>; rcpt to <ann@small.example>
            expect accept""", policy=self.POLICY)
        self.passes("""with milter late reject
            client 192.0.2.1; mail from <a@b.example>; rcpt to <ann@small.example>
            body "x"; expect accept
            client 192.0.2.1; mail from <a@b.example>; rcpt to <bob@small.example>
            body "x"; expect reject""", policy=self.POLICY)

    def test_quarantine_and_discard(self):
        self.passes("""client 192.0.2.1; mail from <a@b.example>; rcpt to <ann@small.example>
            header "Subject: odd"; expect quarantine "odd subject"; expect accept
            expect not discard
            client 192.0.2.1; mail from <a@b.example>; rcpt to <ann@small.example>
            header "Subject: spam"; expect discard; expect not quarantine""", policy=self.POLICY)

    def test_a_bounce(self):
        self.passes("""client 192.0.2.1; mail from <a@b.example>; rcpt to <ann@small.example>
            bounce
            expect not headers only
            client 192.0.2.1; mail from <a@b.example>; rcpt to <ann@small.example>
            header "Subject: long enough"; bounce after 5d
            expect headers only""", policy=self.POLICY)


class Milters(Language):
    def test_one_that_says_nothing_lets_all_pass(self):
        self.passes(TO_ANN + '\nbody "x"\nexpect accept')

    def test_at_the_end_of_the_message(self):
        self.passes('with milter spam reject 554 5.7.1 "no"\n' + TO_ANN + """
            expect accept
            body "x"
            expect reject 554 5.7.1 "no" """)
        self.fails('with milter spam reject 554 5.7.1 "no"\n' + TO_ANN +
                   '\nbody "x"\nexpect accept', "milter spam")

    def test_at_another_stage(self):
        self.passes("with milter ham defer on rcpt\n" + TO_ANN + """
            expect defer
            expect not deliver boxes""")

    def test_what_a_listener_does_not_name_is_not_asked(self):
        self.passes("""with milter spam reject on mail
            client 203.0.113.9 as "ann" on submission; mail from <a@b.example>
            expect accept
            client 203.0.113.9; mail from <a@b.example>
            expect reject""")

    def test_one_that_cannot_be_asked(self):
        self.passes("with milter spam failing on mail\n" + TO_ANN + "\nexpect defer 451")
        self.passes("with milter ham failing on mail\n" + TO_ANN + "\nexpect accept")

    def test_discard_and_quarantine(self):
        self.passes("with milter spam discard\n" + TO_ANN + '\nbody "x"\nexpect discard\nexpect accept')
        self.passes('with milter spam quarantine "smells"\n' + TO_ANN + """
            expect not quarantine
            body "x"
            expect quarantine "smells"
            expect quarantine
            expect not quarantine "other"
            expect accept""")


class Tables(Language):
    MAIL = "client 203.0.113.9; mail from <a@far.example>"

    def test_a_server_is_not_asked(self):
        self.fails(self.MAIL + "\nexpect defer 451 4.3.0",
                   "'tenants' (pgsql)", 'with map tenants["far.example"] = "..."')

    def test_with_a_line_it_answers(self):
        self.passes('with map tenants["far.example"] = { host "h", owner "ann" }\n' +
                    self.MAIL + "\nexpect accept")
        self.passes('with map tenants["far.example"] = { host "h", owner "eve" }\n' +
                    self.MAIL + "\nexpect reject 553")

    def test_with_failing_it_cannot_say(self):
        self.passes("with map tenants failing\n" + self.MAIL + "\nexpect defer 451 4.3.0")

    def test_one_that_is_not_asked_needs_no_line(self):
        self.passes(TO_ANN + "\nexpect accept")

    def test_json(self):
        r = self.run_tests('test "t" {\n' + self.MAIL + "\nexpect defer\n}\n", "--json")
        f = json.loads(r.stdout)["tests"][0]["failures"]
        self.assertEqual([(x["table"], x["key"]) for x in f], [("tenants", "far.example")])


MADE = """edition 1
hostname "mx.small.example"; postmaster "ann@small.example"
set ours = { "small.example" }
map users   = { "ann" = "", "bob" = "" } as accounts
map people  = { "info" = "ann" } as aliases
map lists   = { "staff" = "ann, bob", "info" = "bob" } as aliases
map served  = socket "unix:/run/maps" as aliases { map "lists"; cache 5m, 30s }
map old     = { "office@small.example" = "info", "shop@small.example" = "nobody" }
map sizes   = { "ann" = "big" }
map grades  = { "big" = "2" }
map first   = first of people, lists
map union   = union of people, lists as aliases
map pipe    = pipe of old, people
map remote  = first of lists, served
map nested  = union of remote, first
map level   = pipe of sizes, grades
mailbox boxes { accounts users; path "/var/mail/{user}" }
on rcpt {
    rcpt.domain not in ours               => reject 550 5.7.1
    level[rcpt.user] == 2                 => tag grade = 2
    rcpt.user in level and grade != 2     => reject 550 5.7.9
    rcpt unknown                          => reject 550 5.1.1
    otherwise                             => accept
}
tag grade: int
route {
    sender.user == "first"  and rcpt.domain in ours => expand first, deliver boxes
    sender.user == "union"  and rcpt.domain in ours => expand union, deliver boxes
    sender.user == "pipe"   and rcpt.domain in ours => expand pipe, deliver boxes
    sender.user == "remote" and rcpt.domain in ours => expand remote, deliver boxes
    sender.user == "nested" and rcpt.domain in ours => expand nested, deliver boxes
    rcpt.domain in ours                             => deliver boxes
    otherwise                                       => mx
}
"""


class MadeOfOthers(Language):
    def mail(self, sender, rcpt, *expected):
        return "\n".join([f"client 203.0.113.9; mail from <{sender}@far.example>",
                          f"rcpt to <{rcpt}@small.example>", *expected])

    def test_the_first_that_has_the_key(self):
        self.passes(self.mail("first", "info", 'expect deliver boxes "ann"',
                              'expect not deliver boxes "bob"'), policy=MADE)
        self.passes(self.mail("first", "staff", 'expect deliver boxes "bob"'), policy=MADE)
        self.passes(self.mail("first", "none", "expect reject 550 5.1.1"), policy=MADE)

    def test_all_together(self):
        self.passes(self.mail("union", "info", 'expect deliver boxes "ann"',
                              'expect deliver boxes "bob"'), policy=MADE)

    def test_one_behind_the_other(self):
        self.passes(self.mail("pipe", "office", 'expect deliver boxes "ann"'), policy=MADE)
        self.passes(self.mail("pipe", "shop", "expect reject 550 5.1.1"), policy=MADE)
        self.passes(self.mail("pipe", "ann", "expect tag grade = 2"), policy=MADE)
        self.passes(self.mail("pipe", "bob", "expect tag grade = 0"), policy=MADE)

    def test_lines_are_those_of_members(self):
        self.passes('with map lists["late"] = "bob"\n' +
                    self.mail("first", "late", 'expect deliver boxes "bob"'), policy=MADE)
        self.passes('with map served["out"] = "ann"\n' +
                    self.mail("nested", "out", 'expect deliver boxes "ann"'), policy=MADE)

    def test_a_member_that_cannot_say(self):
        self.passes("with map lists failing\n" +
                    self.mail("union", "info", "expect defer 451 4.3.0"), policy=MADE)
        self.passes("with map people failing\n" +
                    self.mail("first", "staff", "expect defer 451 4.3.0"), policy=MADE)
        self.passes("with map grades failing\n" +
                    self.mail("pipe", "ann", "expect defer 451 4.3.0"), policy=MADE)

    def test_a_server_among_them_is_not_asked(self):
        self.fails(self.mail("remote", "out", "expect defer 451 4.3.0"),
                   "'served' (socket)", 'with map served["out@small.example"] = "..."', policy=MADE)

    def explain(self, policy, sender, rcpt, *args):
        path = os.path.join(self.dir.name, "p.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(policy)
        return waybill("explain", path, "--client", "203.0.113.9", "--from",
                       sender + "@far.example", "--rcpt", rcpt + "@small.example", *args).stdout

    def test_records_name_the_member_that_answers(self):
        people = os.path.join(self.dir.name, "people")
        with open(people, "w", encoding="utf-8") as f:
            f.write("# ours\ninfo: ann\nowner-info: bob\n")
        policy = MADE.replace('people  = { "info" = "ann" }', 'people = text "people"')
        said = self.explain(policy, "first", "info")
        self.assertIn('first[info@small.example] = "ann"\n'
                      f'           by people["info"] = "ann"  ({people}:2)\n', said)
        self.assertIn('first[owner-info@small.example] = "bob"\n'
                      f'           by people["owner-info"] = "bob"  ({people}:3)\n', said)
        self.assertIn('union[info@small.example] = "ann, bob"\n'
                      f'           by people["info"] = "ann"  ({people}:2)\n'
                      '           by lists["info"] = "bob"\n',
                      self.explain(policy, "union", "info"))
        self.assertIn('by old["office@small.example"] = "info"\n'
                      f'           by people["info"] = "ann"  ({people}:2)\n',
                      self.explain(policy, "pipe", "office"))
        self.assertIn('first[none@small.example] = cannot say\n'
                      '           by lists["none@small.example"] = cannot say\n',
                      self.explain(policy, "first", "none", "--map", "lists=failing"))
        doc = json.loads(self.explain(policy, "first", "info", "--json"))
        steps = doc["steps"][-1]["route_record"]["steps"]
        at = steps.index({"step": "answer", "name": "people", "table": people, "table_line": 2,
                          "key": "info", "value": "ann"})
        self.assertEqual(steps[at - 1], {"step": "map", "name": "first",
                                         "key": "info@small.example", "value": "ann"})

    def test_an_owner_that_cannot_be_asked_for_is_named(self):
        policy = MADE.replace('"info" = "ann"', '"info@small.example" = "ann"')
        self.assertIn('first[owner-info@small.example] = cannot say\n'
                      '           by lists["owner-info@small.example"] = cannot say\n',
                      self.explain(policy, "first", "info", "--map", "lists=failing"))
        self.fails(self.mail("remote", "info", 'expect deliver boxes "ann"'),
                   "'served' (socket)", 'with map served["owner-info@small.example"] = "..."',
                   policy=policy.replace("first of lists, served", "first of people, served"))

    def test_explain_gives_lines_to_members_only(self):
        path = os.path.join(self.dir.name, "p.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(MADE)
        args = ("explain", path, "--client", "203.0.113.9", "--from", "first@far.example",
                "--rcpt", "late@small.example", "--map")
        self.assertIn('deliver boxes "bob"', waybill(*args, "lists[late]=bob").stdout)
        for wrong in ("first[late]=bob", "first=failing"):
            r = waybill(*args, wrong)
            self.assertEqual(r.returncode, 2, r.stdout)
            self.assertIn("is made of others", r.stderr)


class Facts(Language):
    def test_the_clock(self):
        policy = HEAD + """
on connect {
    time.weekday > 5 => defer 421 4.3.2 "closed at the weekend"
    time.hour < 8 or time.hour == 8 and time.minute < 30 => defer 421 4.3.2 "too early"
    time.now > 2026-12-31T00:00:00Z => reject 554 5.3.2 "gone"
}
on rcpt { rcpt.domain in ours => accept }
route   { otherwise => deliver boxes }
"""
        self.passes("""client 192.0.2.1; expect defer 421 4.3.2 "too early"
            after 1m
            expect accept
            after 5d
            expect defer 421 4.3.2 "closed at the weekend"
            after 52w
            expect defer
            after 2d
            expect reject 554 5.3.2 "gone"
            with time 2026-01-05T08:29:30Z""", policy=policy)

    def test_the_content(self):
        policy = HEAD + """
set bad = { "evil.exe", "evil.com" }
on rcpt    { rcpt.domain in ours => accept }
on content {
    attachments in bad => reject 554 5.7.1 "bad name"
    attachments.type == "application/x-msdownload" => reject 554 5.7.1 "bad type"
    header["Subject"] matches /^caf.:? (?<what>\\w+)/ => add header "X-What: {what}"
    message.lines > 20 => discard
}
route { otherwise => deliver boxes }
"""
        mime = """
            header "Content-Type: multipart/mixed; boundary=x"
            body "--x\\nContent-Type: %s\\nContent-Disposition: attachment; filename=%s\\n\\nMZ\\n--x--" """
        to = "client 192.0.2.1; mail from <a@b.example>; rcpt to <ann@small.example>\n"
        self.passes(to + mime % ("text/plain", "evil.exe") + "\nexpect reject 554 5.7.1 \"bad name\"",
                    policy=policy)
        self.passes(to + mime % ("application/x-msdownload", "good.txt") +
                    "\nexpect reject 554 5.7.1 \"bad type\"", policy=policy)
        self.passes(to + mime % ("text/plain", "good.txt") + "\nexpect accept", policy=policy)
        self.passes(to + 'header "Subject: =?utf-8?q?caf=C3=A9:_closed?="\n'
                    'expect header "X-What: closed"', policy=policy)
        self.passes(to + 'body "' + "\\n" * 25 + '"\nexpect discard', policy=policy)


class Network(Language):
    POLICY = HEAD.replace('host "hub.example" port 587', 'host "hub.example"; verify recipients') + """
dnslist bad = "bad.example" codes 127.0.0.2
on mail {
    not sender.domain resolves   => defer 450 4.1.8 "no such domain"
    sender not reachable         => reject 550 5.1.8 "nobody there"
    spf fail                     => reject 550 5.7.23 "not from there"
    sender.domain listed by bad  => reject 554 5.7.1 "listed"
}
on rcpt { rcpt.domain in ours => accept; client.authenticated => accept
          rcpt.domain == "friend.example" and not rcpt unknown => reject 550 5.7.1 "known"
          rcpt.domain == "friend.example" => reject 550 5.1.1 "unknown" }
route   { rcpt.domain in ours => deliver boxes; otherwise => relay hub }
"""
    FINE = """with dns { "b.example" MX 10 "mx.b.example"; "mx.b.example" A 192.0.2.25
                       "b.example" TXT "v=spf1 mx -all"
                       "alias.example" CNAME "b.example" }
    """

    def test_spf_and_domains(self):
        self.passes(self.FINE + """with <a@b.example> reachable
            client 192.0.2.25; mail from <a@b.example>; expect accept
            client 203.0.113.9; mail from <a@b.example>; expect reject 550 5.7.23
            client 203.0.113.9; mail from <a@c.example>; expect defer 450 4.1.8""",
                    policy=self.POLICY)
        self.passes(self.FINE + """with <a@alias.example> reachable
            client 192.0.2.25; mail from <a@alias.example>; expect accept""", policy=self.POLICY)

    def test_a_list_of_domains(self):
        self.passes(self.FINE + """with <a@b.example> reachable
            with dns { "b.example.bad.example" A 127.0.0.2 }
            client 192.0.2.25; mail from <a@b.example>; expect reject 554""", policy=self.POLICY)
        self.passes(self.FINE + """with <a@b.example> reachable
            with dns { "b.example.bad.example" failing }
            client 192.0.2.25; mail from <a@b.example>; expect accept""", policy=self.POLICY)

    def test_callouts(self):
        mail = "client 192.0.2.25; mail from <a@b.example>\n"
        self.passes(self.FINE + "with <a@b.example> not reachable\n" + mail +
                    'expect reject 550 5.1.8 "nobody there"', policy=self.POLICY)
        self.fails(self.FINE + mail + "expect accept", "with <a@b.example> reachable",
                   policy=self.POLICY)
        self.passes(self.FINE + """with <x@friend.example> not reachable
            with <y@friend.example> reachable
            client 192.0.2.25; mail from <>; rcpt to <x@friend.example>
            expect reject 550 5.1.1 "unknown"
            rcpt to <y@friend.example>
            expect reject 550 5.7.1 "known" """, policy=self.POLICY)


class Rewriting(Language):
    POLICY = HEAD + """
map old    = { "old.example" = "small.example" } as domains
map people = { "ann@small.example" = "Ann.Smith@small.example" } as generics
net lan    = { 192.168.0.0/16 }
rewrite inbound sender { "{u}@{d in old}" => "{u}@{old[d]}" }
rewrite inbound rcpt   { "{u}@{d in old}" => "{u}@{old[d]}" }
rewrite inbound header { "{u}@{d in old}" => "{u}@{old[d]}" }
rewrite outbound sender, header {
    "{who in people}"       => people[who]
    "{u}@{h}.small.example" => "{u}@small.example"
}
rewrite outbound rcpt { "{u}@partner.example" => "{u}@mx.partner.example" }
on rcpt    { client.authenticated or client.ip in lan => accept; rcpt.domain in ours => accept }
on content { header["From"] == "a@small.example" => add header "X-From: a" }
route      { rcpt.domain in ours => deliver boxes; otherwise => relay hub }
"""

    def test_what_has_just_become_known(self):
        self.passes("""client 203.0.113.9; mail from <bob@old.example>; rcpt to <ann@old.example>
            expect sender <bob@small.example>; expect rcpt <ann@small.example>
            expect not rcpt <ann@old.example>
            expect deliver boxes "ann"
            header "From: a@old.example"; body "x"
            expect header "X-From: a"; expect header "From: a@small.example" """,
                    policy=self.POLICY)

    def test_what_leaves(self):
        self.passes("""client 192.168.1.1; mail from <ann@small.example>
            rcpt to <bob@small.example>; expect sender <ann@small.example>
            rcpt to <x@partner.example>
            expect sender <Ann.Smith@small.example>; expect rcpt <x@mx.partner.example>
            header "From: Ann <ann@small.example>"; header "To: x@partner.example"
            expect header "From: Ann <Ann.Smith@small.example>"
            expect header "To: x@partner.example"
            client 192.168.1.1; mail from <root@lab.small.example>; rcpt to <x@far.example>
            expect sender <root@small.example>; expect rcpt <x@far.example>
            client 192.168.1.1; mail from <>; rcpt to <x@far.example>; expect sender <>""",
                    policy=self.POLICY)

    def test_the_header_of_what_comes_from_outside_stays(self):
        self.passes("""client 203.0.113.9; mail from <ann@small.example>; rcpt to <bob@small.example>
            header "From: ann@small.example"
            expect header "From: ann@small.example"
            client 203.0.113.9 as "ann"; mail from <ann@small.example>; rcpt to <bob@small.example>
            header "From: ann@small.example"
            expect header "From: Ann.Smith@small.example" """, policy=self.POLICY)

    def test_a_table_that_fails_defers(self):
        policy = self.POLICY.replace('{ "old.example" = "small.example" } as domains',
                                     'socket "unix:/run/old" as domains { map "old" }')
        self.passes("""with map old failing
            client 203.0.113.9; mail from <bob@old.example>; expect defer 451 4.3.0
            client 203.0.113.9; mail from <>; rcpt to <ann@small.example>
            expect defer 451 4.3.0""", policy=policy)

    def test_the_rules_count_as_reached(self):
        r = self.run_tests("""test "t" { client 192.168.1.1; mail from <ann@small.example>
            rcpt to <x@far.example>; expect accept }""", policy=self.POLICY)
        self.assertNotIn('"{who in people}"', r.stdout)
        self.assertEqual(r.stdout.count('"{u}@{h}.small.example"'), 1, r.stdout)

    def test_explain(self):
        path = os.path.join(self.dir.name, "p.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(self.POLICY)
        out = waybill("explain", path, "--client", "192.168.1.1", "--from", "ann@small.example",
                      "--rcpt", "x@partner.example").stdout
        self.assertIn("rewrite inbound sender ann@small.example\n", out)
        self.assertIn("   -> stays as it is\n", out)
        self.assertIn("-> x@partner.example: send to relay:hub from <Ann.Smith@small.example> "
                      "for <x@mx.partner.example>\n", out)


class State(Language):
    POLICY = HEAD + """
on connect { rate "connects" by client.ip over 2/1m => defer 421 }
on mail    { message.size > 1M => reject 552 5.3.4 }
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
    greylisted by client.ip, sender, rcpt for 5m => defer 451 4.7.1
    rate "to" by rcpt over 1/1h => defer 452 4.7.1
    otherwise => accept
}
route { otherwise => deliver boxes }
"""

    def test_greylisting_and_the_clock(self):
        self.passes(TO_ANN + """
            expect defer 451 4.7.1
            after 4m
            expect defer 451 4.7.1
            after 2m
            expect accept
            after 1m
            expect defer 452 4.7.1""", policy=self.POLICY)

    def test_each_test_begins_anew(self):
        r = self.run_tests(f'test "a" {{ {TO_ANN}; expect defer; after 6m; expect accept }}\n' * 2,
                           policy=self.POLICY)
        self.assertIn("2 passed, 0 failed", r.stdout)

    def test_rates_are_counted_once_for_each_session(self):
        self.passes("""client 203.0.113.9; expect accept; expect accept; expect accept
            client 203.0.113.9; expect accept
            client 203.0.113.9; expect defer 421
            client 203.0.113.8; expect accept
            client 203.0.113.9; expect defer 421; after 1m; expect accept""", policy=self.POLICY)

    def test_rates_that_were_counted_before(self):
        self.passes("""with rate "connects" 1
            client 203.0.113.9; expect accept
            client 203.0.113.9; expect defer 421
            after 1m; expect accept""", policy=self.POLICY)
        self.passes("""with rate "connects" 2
            client 203.0.113.9; expect defer 421""", policy=self.POLICY)
        self.passes("""with rate "connects" failing
            client 203.0.113.9; expect defer 451 4.3.0""", policy=self.POLICY)

    def test_the_size_that_mail_announces(self):
        self.passes("""client 203.0.113.9; mail from <a@b.example> size 2M; expect reject 552
            client 203.0.113.9; mail from <a@b.example> size 1024; expect accept
            client 203.0.113.9; mail from <a@b.example>; expect defer 421""", policy=self.POLICY)


class Command(Language):
    TWO = f'test "to Ann" {{ {TO_ANN}; expect accept }}\ntest "wrong" {{ {TO_ANN}; expect reject }}\n'

    def test_by_name(self):
        r = self.run_tests(self.TWO, "--name", "ANN")
        self.assertEqual((r.returncode, r.stdout), (0, "1 passed, 0 failed\n"))
        r = self.run_tests(self.TWO, "--name", "nobody")
        self.assertEqual(r.returncode, 2)
        self.assertIn("no test has such a name", r.stderr)

    def test_rules_that_no_test_reaches(self):
        out = self.run_tests(f'test "t" {{ {TO_ANN}; expect accept }}\n').stdout
        self.assertIn('client.user == "mallory"', out)
        self.assertNotIn("rcpt.domain not in ours", out)

    def test_a_test_that_tests_nothing(self):
        r = self.run_tests(f'test "t" {{ {TO_ANN} }}\n')
        self.assertEqual(r.returncode, 0)
        self.assertIn("warning: this test tests nothing", r.stderr)


class Explain(Language):
    FAR = ("--client", "203.0.113.9", "--from", "a@far.example")

    def steps(self, *args):
        path = os.path.join(self.dir.name, "p.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(HEAD + RULES)
        r = waybill("explain", path, "--json", *args)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        return json.loads(r.stdout)["steps"]

    def test_a_line_of_a_table(self):
        for given, code in (("tenants[far.example]=host=h\nowner=ann", 250),
                            ("tenants[far.example]=host=h\nowner=eve", 553),
                            ("tenants=failing", 451)):
            self.assertEqual(self.steps(*self.FAR, "--map", given)[-1]["code"], code)

    def test_tls_and_login(self):
        s = self.steps("--client", "203.0.113.9", "--tls", "TLSv1.3", "--certificate",
                       "web7.small.example", "--auth", "ann", "--from", "a@b.example",
                       "--rcpt", "x@far.example")
        self.assertEqual([x["hook"] for x in s],
                         ["on connect", "on starttls", "on auth", "on mail", "on rcpt"])
        self.assertEqual(s[-1]["targets"][0]["hop"], "relay:hub")
        self.assertEqual(self.steps("--client", "203.0.113.9", "--tls", "TLSv1.2")[-1]["code"], 550)

    def test_to_the_mailbox(self):
        s = self.steps("--client", "203.0.113.9", "--from", "a@b.example", "--rcpt",
                       "ann@small.example", "--body", "x")
        self.assertEqual([x["hook"] for x in s[-3:]], ["on data", "on content", "on deliver"])

    def test_what_is_wrong(self):
        for args in (["--map", "x"], ["--map", "nothing[a]=b"], ["--map", "nothing=failing"],
                     ["--certificate", "x"], ["--time", "now"], ["--dns", "a=MX"],
                     ["--dns", "a=SRV 1"]):
            path = os.path.join(self.dir.name, "p.conf")
            with open(path, "w", encoding="utf-8") as f:
                f.write(HEAD + RULES)
            r = waybill("explain", path, "--client", "192.0.2.1", *args)
            self.assertEqual(r.returncode, 2, args)
            self.assertIn("usage:", r.stderr)


class RoutedAgain(Language):
    """A route that reads a tag is asked again when `on content` has set it."""
    POLICY = HEAD.replace("{ milters spam, ham }", "") + """
tag bad: bool
on rcpt { rcpt.domain in ours => accept }
on content { header["X-Bad"] == "yes" => tag bad = true }
route {
    bad and rcpt.user == "ann" => reject 550 5.7.1 "bad for ann"
    bad and rcpt == <bob@small.example> => redirect <bob@hub.example>
    rcpt.domain in ours        => deliver boxes
    otherwise                  => relay hub
}
"""

    def test_another_way(self):
        self.passes("""client 203.0.113.9; mail from <a@b.example>; rcpt to <bob@small.example>
            expect deliver boxes "bob"
            header "X-Bad: yes"
            expect relay hub
            expect not deliver boxes""", policy=self.POLICY)

    def test_refused_at_the_dot_when_nobody_is_left(self):
        self.passes(TO_ANN + """
            header "X-Bad: yes"
            expect reject 550 5.7.1 "bad for ann" """, policy=self.POLICY)

    def test_taken_when_one_goes(self):
        self.passes("""client 203.0.113.9; mail from <a@b.example>
            rcpt to <bob@small.example>; rcpt to <ann@small.example>
            header "X-Bad: yes"
            expect accept
            expect not deliver boxes""", policy=self.POLICY)

    def test_unchanged(self):
        self.passes(TO_ANN + """
            header "X-Bad: no"
            expect deliver boxes "ann" """, policy=self.POLICY)


if __name__ == "__main__":
    unittest.main()
