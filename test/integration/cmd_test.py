"""The `waybill` command without a server: check, compile, explain, test, show,
disasm, help, and what each says and returns when it cannot.

The policies in cf/policies/bad begin with `# expect: LINE: what` and must fail
so; WB_POLICIES may name another folder that has such a bad/ in it.
"""
import glob
import json
import os
import shutil
import stat
import subprocess
import tempfile
import unittest

from server import BUILD, SRC

HOME = os.path.join(SRC, "cf", "policies", "home.conf")
POLICIES = sorted(glob.glob(os.path.join(SRC, "cf", "policies", "*.conf")))

SMALL = """edition 1
hostname "mx.small.example"
set ours = { "small.example" }
map users = text "users" as accounts
map aliases = text "aliases" as aliases
tag seen: text
listen smtp on "127.0.0.1:2525"
relay hub { host "hub.example" port 587 }
mailbox boxes { accounts users; path "/var/mail/{user}" }
on connect {
    client.verified_name == "bad.example" => reject 554 5.7.1 "not you"
}
on mail {
    sender.domain == "later.example" => defer 450 4.7.1 "later"
}
on rcpt {
    rcpt.domain in ours and rcpt unknown => reject 550 5.1.1
    rcpt.domain in ours                  => tag seen = "yes", accept
    otherwise                            => reject 550 5.7.1 "no relaying"
}
on content {
    header["Subject"] == "spam" => discard
    header["Subject"] == "bad"  => reject 554 5.7.1 "bad subject"
    otherwise                   => add header "X-Seen: yes", accept
}
route {
    rcpt.user == "gone"  => reject 550 5.1.6 "gone"
    rcpt.domain in ours  => expand aliases, deliver boxes
    otherwise            => relay hub
}
"""

USERS = "ann:x\nbob:x\n"
ALIASES = "team: ann, bob, out@far.example\nloop: pool\npool: loop\n"


def waybill(*args, cwd=None):
    return subprocess.run([f"{BUILD}/waybill", *args], capture_output=True, text=True,
                          timeout=120, cwd=cwd, stdin=subprocess.DEVNULL)


class Base(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="waybill-cmd-")
        self.addCleanup(self.dir.cleanup)
        self.file(USERS, "users")
        self.file(ALIASES, "aliases")

    def file(self, text, name="p.conf"):
        path = os.path.join(self.dir.name, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def run_ok(self, *args, **kw):
        r = waybill(*args, **kw)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        return r.stdout


class Usage(Base):
    def test_help_names_every_sub_command(self):
        out = self.run_ok("help")
        for name in ("check", "compile", "run", "explain", "test", "show", "disasm", "queue",
                     "status", "reload", "setup", "help", "version"):
            self.assertIn(f"  {name} ", out)
            self.assertIn(f"usage: waybill {name}", self.run_ok("help", name))
            self.assertIn(f"usage: waybill {name}", self.run_ok(name, "--help"))
        for words in (("user", "app", "add"), ("queue", "list"), ("map", "query")):
            self.assertIn(f"usage: waybill {words[0]}", self.run_ok(*words, "--help"))

    def test_version(self):
        self.assertRegex(self.run_ok("--version"), r"^waybill \d+\.\d+\.\d+\n$")
        self.assertEqual(self.run_ok("version"), self.run_ok("--version"))

    def test_wrong_usage_is_2(self):
        for args in ([], ["chekc", "x"], ["check"], ["check", "a", "b"], ["check", "--nonsense"],
                     ["compile", HOME], ["explain", HOME], ["explain", HOME, "--client", "x"],
                     ["explain", HOME, "--client", "192.0.2.1", "--rcpt", "a@b.example"],
                     ["explain", HOME, "--client", "192.0.2.1", "--from", "a b"],
                     ["queue"], ["queue", "show"], ["queue", "eat"], ["queue", "show", "a\nb"],
                     ["run", HOME, "--workers", "0"], ["run", HOME, "--log-level", "loud"],
                     ["status", "x"],
                     ["check", "/nonexistent/p.conf"], ["test", "/nonexistent/p.conf"],
                     ["run", "/nonexistent/p.conf"], ["disasm", "/nonexistent/i"],
                     ["status", "--spool", "/nonexistent"]):
            r = waybill(*args)
            self.assertEqual(r.returncode, 2, f"{args}: {r.stdout}{r.stderr}")
            self.assertTrue(r.stderr or r.stdout, args)

    def test_a_note_is_not_said_without_its_warning(self):
        with tempfile.TemporaryDirectory() as d:
            os.chmod(d, 0o755)  # as root another user compiles
            with open(os.path.join(d, "a.conf"), "w", encoding="utf-8") as f:
                f.write(SMALL.replace("rcpt.domain in ours and rcpt unknown =>",
                                      'rcpt.user == "x" =>'))
            for name in ("users", "aliases"):
                with open(os.path.join(d, name), "w", encoding="utf-8") as f:
                    f.write("")
            r = waybill("check", "a.conf", cwd=d)
            self.assertIn("warning:", r.stderr)
            self.assertIn("note: it would be", r.stderr)
            r = waybill("status", "-c", "a.conf", cwd=d)
            self.assertNotIn("note:", r.stderr)
            self.assertIn("Does the server run?", r.stderr)

    def test_did_you_mean(self):
        self.assertIn("did you mean 'check'?", waybill("chekc", "x").stderr)


class Check(Base):
    def test_our_own_policies(self):
        self.assertGreater(len(POLICIES), 2)
        # In a repository anybody may read the secrets of its samples.
        folder = shutil.copytree(os.path.dirname(POLICIES[0]), f"{self.dir.name}/policies")
        for path in glob.glob(f"{folder}/tables/*users"):
            os.chmod(path, 0o640)
        for path in sorted(glob.glob(f"{folder}/*.conf")):
            r = waybill("check", path)
            self.assertEqual((r.returncode, r.stderr), (0, ""), path)

    def test_errors_are_all_told(self):
        path = self.file('edition 1\nhostname "a.example"\nlisten smtp on "*:25"\n'
                         "on rcpt {\n    rcpt.domain in our => accept\n"
                         "    client.ip in hoem => accept\n}\nroute { otherwise => mx }\n")
        r = waybill("check", path)
        self.assertEqual(r.returncode, 1)
        self.assertIn(f"{path}:5:", r.stderr)
        self.assertIn(f"{path}:6:", r.stderr)
        self.assertIn("^", r.stderr)
        doc = json.loads(waybill("check", "--json", path).stdout)
        self.assertGreaterEqual(doc["errors"], 2)
        self.assertEqual([f["line"] for f in doc["findings"] if f["level"] == "error"][:2], [5, 6])

    def test_check_looks_at_the_secrets_of_relay_blocks(self):
        with tempfile.TemporaryDirectory() as d:
            for name, text, mode in (("open", "pw\n", 0o644), ("empty", "", 0o600)):
                with open(os.path.join(d, name), "w", encoding="ascii") as f:
                    f.write(text)
                os.chmod(f.name, mode)
            path = os.path.join(d, "p.conf")
            with open(path, "w", encoding="ascii") as f:
                f.write('edition 1\nhostname "a.example"\nlisten smtp on "127.0.0.1:25"\n'
                        'relay hub { host "hub.example"; auth "ann" password file "open"\n'
                        "}\n"
                        'relay two { host "two.example"; auth "ann"; token file "empty" }\n'
                        'relay three { host "three.example"; auth "ann"; passwords file "none" }\n'
                        "on rcpt { client.ip in 127.0.0.0/8 => accept }\n"
                        "route { sender == <> => relay two; sender.domain == 'a.example' => "
                        "relay three; otherwise => relay hub }\n".replace("'", '"'))
            r = waybill("check", path)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertIn(f"{d}/open: warning: everybody on this machine can read", r.stderr)
            self.assertIn(f"{d}/empty: warning: the file is empty", r.stderr)
            self.assertIn(f"{d}/none: note: No such file", r.stdout)

    def test_bad_policies_fail_as_their_first_line_says(self):
        folder = os.environ.get("WB_POLICIES", os.path.join(SRC, "cf", "policies"))
        bad = sorted(glob.glob(os.path.join(folder, "bad", "*.conf")))
        self.assertTrue(bad)
        for path in bad:
            with open(path, encoding="utf-8") as f:
                _, line, what = f.readline().strip().split(": ", 2)
            image = os.path.join(self.dir.name, "img")
            for args in (("check", path), ("compile", path, "-o", image)):
                r = waybill(*args)
                self.assertEqual(r.returncode, 1, path + r.stderr)
                self.assertIn(f"{path}:{line}:", r.stderr)
                self.assertIn(what, r.stderr)
            self.assertFalse(os.path.exists(image), path)

    def test_cost_bounds_each_hook(self):
        p = self.file(SMALL)
        doc = json.loads(self.run_ok("check", "--cost", "--json", p))
        cost = {c["hook"]: c for c in doc["cost"]}
        self.assertEqual(cost["on connect"]["dns"], 6)     # the verified name
        self.assertEqual(cost["on rcpt"]["routes"], 1)     # rcpt unknown
        self.assertEqual(cost["route"]["lookups"], 1)      # expand aliases
        self.assertEqual(cost["route, 32 deep"]["lookups"], 33)
        self.assertEqual(cost["on content"]["each"], 2)    # two header conditions
        self.assertNotIn("on helo", cost)
        lines = self.run_ok("check", "--cost", p).splitlines()
        self.assertTrue(lines[0].split()[-10:] == ["steps", "lookups", "servers", "dns", "counters",
                        "callouts", "matches", "each", "routes", "milters"], lines[0])
        row = next(ln for ln in lines if ln.startswith("on rcpt"))
        self.assertEqual(row.split()[2:], [str(cost["on rcpt"][k]) for k in lines[0].split()[-10:]])

    def test_a_postmaster_whom_nobody_reads_is_noted(self):
        lost = SMALL.replace("=> relay hub", "=> mx").replace("relay hub {", "relay hub2 {")
        p = self.file(lost)
        self.assertIn("<postmaster> reaches nobody", self.run_ok("check", p))
        self.assertIs(json.loads(self.run_ok("check", "--json", p))["postmaster_refused"], True)
        p = self.file(lost.replace("set ours", 'postmaster "ann@small.example"\nset ours'))
        self.assertNotIn("postmaster", self.run_ok("check", p))
        self.assertIs(json.loads(self.run_ok("check", "--json", p))["postmaster_refused"], False)

    def test_a_policy_without_on_rcpt_is_checked(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            f.write('edition 1; hostname "a.example"\nroute { otherwise => mx }\n')
            f.flush()
            r = waybill("check", f.name)
        self.assertEqual(r.returncode, 0)
        self.assertIn("without 'on rcpt' every recipient is refused", r.stderr)

    def test_what_is_no_file_is_said_and_not_waited_for(self):
        with tempfile.TemporaryDirectory() as folder:
            fifo = os.path.join(folder, "fifo")
            os.mkfifo(fifo)
            for path, why in ((folder, "Is a directory"), (fifo, "Invalid argument")):
                r = waybill("check", path)
                self.assertEqual(r.returncode, 2)
                self.assertIn(why, r.stderr)


class Compile(Base):
    def test_image_is_whole_or_not_there(self):
        image = os.path.join(self.dir.name, "img")
        self.run_ok("compile", HOME, "-o", image)
        with open(image, "rb") as f:
            first = f.read()
        self.assertEqual(first[:8], b"WBIMAGE2")
        bad = self.file("edition 1\nnonsense\n")
        r = waybill("compile", bad, "-o", image)
        self.assertEqual(r.returncode, 1)
        with open(image, "rb") as f:
            self.assertEqual(f.read(), first)
        self.assertEqual(sorted(os.listdir(self.dir.name)), ["aliases", "img", "p.conf", "users"])

    def test_to_standard_output(self):
        r = subprocess.run([f"{BUILD}/waybill", "compile", HOME, "-o", "-"], capture_output=True,
                           timeout=60)
        self.assertEqual((r.returncode, r.stdout[:8]), (0, b"WBIMAGE2"))

    def test_what_is_no_file_stays_what_it_is(self):
        pipe = os.path.join(self.dir.name, "pipe")
        os.mkfifo(pipe)
        with subprocess.Popen([f"{BUILD}/waybill", "compile", HOME, "-o", pipe]) as p, \
                open(pipe, "rb") as f:
            self.assertEqual(f.read(8), b"WBIMAGE2")
            f.read()
        self.assertEqual(p.returncode, 0)
        self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))

    def test_same_text_same_image(self):
        a, b = (os.path.join(self.dir.name, x) for x in "ab")
        self.run_ok("compile", HOME, "-o", a)
        self.run_ok("compile", HOME, "-o", b)
        with open(a, "rb") as f, open(b, "rb") as g:
            self.assertEqual(f.read(), g.read())

    def test_what_is_not_served_is_refused_only_for_run(self):
        path = self.file(SMALL + 'listen imap on "*:143" { tls none }\n')
        self.run_ok("check", path)
        r = waybill("compile", "--for-run", path, "-o", os.path.join(self.dir.name, "img"))
        self.assertEqual(r.returncode, 1)
        self.assertIn(f"{path}:{SMALL.count(chr(10)) + 1}:", r.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.dir.name, "img")))

    def test_disasm_of_image_and_of_policy(self):
        image = os.path.join(self.dir.name, "img")
        self.run_ok("compile", HOME, "-o", image)
        out = self.run_ok("disasm", image)
        self.assertEqual(out, self.run_ok("disasm", HOME))
        for word in ("RULE", "EXPAND", "DELIVER", "RELAY", "rcpt unknown"):
            self.assertIn(word, out)

    def test_a_torn_image(self):
        image = os.path.join(self.dir.name, "img")
        self.run_ok("compile", HOME, "-o", image)
        with open(image, "r+b") as f:
            f.seek(200)
            f.write(b"\xff\xff")
        r = waybill("disasm", image)
        self.assertEqual(r.returncode, 1)
        self.assertIn("img", r.stderr)


class Show(Base):
    def test_defaults_are_written_out(self):
        out = self.run_ok("show", HOME)
        for word in ("hostname", "mail.murphy.example", "lifetime", "recipients", "default"):
            self.assertIn(word, out)

    def test_json(self):
        self.assertTrue(json.loads(self.run_ok("show", "--json", HOME)))


class Explain(Base):
    def setUp(self):
        super().setUp()
        self.policy = self.file(SMALL)

    def explain(self, *args):
        return json.loads(self.run_ok("explain", self.policy, "--json", *args))["steps"]

    def last(self, *args):
        return self.explain(*args)[-1]

    def test_outsider_to_relay(self):
        out = self.run_ok("explain", HOME, "--client", "203.0.113.9", "--from", "a@far.example",
                          "--rcpt", "b@third.example")
        self.assertIn("550 5.7.1 we do not relay for 203.0.113.9", out)
        self.assertIn("third.example in ours: no", out)
        self.assertIn("home.conf:", out)

    def test_list_goes_to_each(self):
        step = self.last("--client", "203.0.113.9", "--from", "", "--rcpt", "team@small.example")
        self.assertEqual((step["verdict"], step["code"]), ("accept", 250))
        self.assertEqual(
            [(t["kind"], t["address"], t.get("hop"), t.get("path")) for t in step["targets"]],
            [("deliver", "ann@small.example", None, "/var/mail/ann"),
             ("deliver", "bob@small.example", None, "/var/mail/bob"),
             ("hop", "out@far.example", "relay:hub", None)])

    def test_route_refuses(self):
        step = self.last("--client", "203.0.113.9", "--from", "a@b.example",
                         "--rcpt", "gone@small.example")
        self.assertEqual((step["verdict"], step["code"], step["status"], step["text"],
                          step["by_route"]), ("reject", 550, "5.1.6", "gone", True))

    def test_loop(self):
        step = self.last("--client", "203.0.113.9", "--from", "a@b.example",
                         "--rcpt", "loop@small.example")
        self.assertEqual((step["code"], step["status"]), (554, "5.4.6"))

    def test_refusal_ends_the_session(self):
        steps = self.explain("--client", "203.0.113.9", "--dns", "bad.example=203.0.113.9",
                             "--from", "a@b.example", "--rcpt", "ann@small.example")
        self.assertEqual([s["hook"] for s in steps], ["on connect"])
        self.assertEqual(steps[0]["code"], 554)
        steps = self.explain("--client", "203.0.113.9", "--from", "a@later.example",
                             "--rcpt", "ann@small.example")
        self.assertEqual([s["hook"] for s in steps], ["on connect", "on mail"])
        self.assertEqual((steps[1]["verdict"], steps[1]["code"]), ("defer", 450))

    def test_dns_that_fails_defers(self):
        step = self.last("--client", "203.0.113.9",
                         "--dns", "9.113.0.203.in-addr.arpa=failing")
        self.assertEqual((step["verdict"], step["code"]), ("defer", 451))
        step = self.last("--client", "203.0.113.9", "--dns", "203.0.113.9=failing")
        self.assertEqual((step["verdict"], step["code"]), ("defer", 451))

    def test_content(self):
        args = ("--client", "203.0.113.9", "--from", "a@b.example", "--rcpt", "ann@small.example")
        step = self.last(*args, "--header", "Subject: bad")
        self.assertEqual((step["hook"], step["code"], step["text"]),
                         ("on content", 554, "bad subject"))
        step = self.last(*args, "--header", "Subject: spam", "--body", "x")
        self.assertEqual(step["verdict"], "discard")

    def test_several_recipients(self):
        steps = self.explain("--client", "2001:db8::1", "--from", "a@b.example",
                             "--rcpt", "ann@small.example", "--rcpt", "zoe@small.example",
                             "--rcpt", "bob+x@small.example")
        self.assertEqual([s["code"] for s in steps if s["hook"] == "on rcpt"], [250, 550, 250])
        self.assertEqual(steps[-1]["targets"][0]["account"], "bob")


PASSING = SMALL + """
test "all of it" {
    with time 2026-01-05T08:30:00Z
    client 203.0.113.9
    helo "h.example"
    mail from <a@b.example>
    rcpt to <team@small.example>
    expect accept
    expect deliver boxes "ann"
    expect deliver boxes
    expect relay hub
    expect sender <a@b.example>
    expect rcpt <team@small.example>
    expect tag seen = "yes"
    header "Subject: hello"
    body "text"
    expect accept
    expect header "X-Seen: yes"
}
test "unknown" {
    client 203.0.113.9; mail from <>; rcpt to <nobody@small.example>
    expect unknown
    expect reject
    expect reject 550
    expect reject 550 5.1.1
}
test "a table that has no answer" {
    with map users failing
    client 203.0.113.9; mail from <>; rcpt to <ann@small.example>
    expect defer 451 4.3.0
}
test "a line of a table" {
    with map users["zoe"] = "x"
    client 203.0.113.9; mail from <>; rcpt to <zoe@small.example>
    expect deliver boxes "zoe"
    after 6m
    expect deliver boxes "zoe"
}
test "names" {
    client 203.0.113.9
    expect reject 554 5.7.1 "not you"
    with dns {
        "9.113.0.203.in-addr.arpa" PTR "bad.example"
        "bad.example" A 203.0.113.9
    }
}
test "names of an address that is written as one" {
    client 203.0.113.9
    expect reject 554 5.7.1 "not you"
    with dns {
        "203.0.113.9" PTR "bad.example"
        "bad.example" A 203.0.113.9
    }
}
test "names of an address of IPv6" {
    client 2001:db8::9
    expect reject 554 5.7.1 "not you"
    with dns {
        "2001:db8:0::9" PTR "bad.example"
        "bad.example" AAAA 2001:db8::9
    }
}
test "discarded and refused" {
    client 203.0.113.9; mail from <>; rcpt to <ann@small.example>
    header "Subject: spam"
    expect discard
    client 203.0.113.9; mail from <>; rcpt to <gone@small.example>
    expect reject 550 5.1.6 "gone"
}
"""

FAILING = SMALL + """
test "right" { client 203.0.113.9; mail from <>; rcpt to <ann@small.example>; expect accept }
test "wrong" {
    client 203.0.113.9; mail from <>; rcpt to <ann@small.example>
    expect reject 550 5.7.1
    expect deliver boxes "bob"
}
"""


class Test(Base):
    def test_our_own_policies(self):
        for path in POLICIES:
            out = self.run_ok("test", path)
            self.assertRegex(out, r"\n?[1-9]\d* passed, 0 failed\n$", path)

    def test_every_expectation(self):
        out = self.run_ok("test", "--verbose", self.file(PASSING))
        self.assertIn("ok      all of it\n", out)
        self.assertTrue(out.endswith("8 passed, 0 failed\n"), out)
        self.assertIn("Rules that no test has reached:", self.run_ok("test", self.file(
            SMALL + '\ntest "t" { client 203.0.113.9; expect accept }\n')))

    def test_a_failure_is_explained(self):
        path = self.file(FAILING)
        r = waybill("test", path)
        self.assertEqual(r.returncode, 1)
        self.assertIn("FAILED  wrong", r.stdout)
        self.assertIn("expected reject 550 5.7.1", r.stdout)
        self.assertIn('expected deliver boxes "bob"', r.stdout)
        self.assertIn("got accept", r.stdout)
        self.assertIn("rcpt.domain in ours", r.stdout)
        self.assertTrue(r.stdout.endswith("1 passed, 1 failed\n"), r.stdout)

    def test_json(self):
        r = waybill("test", "--json", self.file(FAILING))
        doc = json.loads(r.stdout)
        self.assertEqual((r.returncode, doc["passed"], doc["failed"]), (1, 1, 1))
        self.assertEqual([t["passed"] for t in doc["tests"]], [True, False])
        self.assertEqual(len(doc["tests"][1]["failures"]), 2)
        self.assertTrue(doc["unreached"])

    def test_errors_come_first(self):
        r = waybill("test", self.file(SMALL + "nonsense\n"))
        self.assertEqual(r.returncode, 1)
        self.assertIn("error:", r.stderr)


if __name__ == "__main__":
    unittest.main()
