"""Logins at smart hosts: mechanisms, secrets, refusals, tokens; credentials has them alone."""
import base64
import json
import os
import re
import tempfile
import unittest

from certs import Certs
from hop_script import USUAL, Hop, in_turn, wait
from https_server import Answer, HttpsServer, json_answer
from login_test import scram_secret
from nameserver import NameServer
from server import SRC, Server, wait_for

POLICY = """edition 1
hostname "mx.out.example"
net here = { 127.0.0.0/8 }
listen smtp on "127.0.0.1:@PORT@"
queue { retry 1h }
DECLARED
relay hop { host "127.0.0.1" port HOP; LOGIN }
on rcpt { client.ip in here => accept }
route { otherwise => relay hop }
"""
MESSAGE = "Subject: hello\r\n\r\nhello\r\n"
SECRET = "correct horse battery"
CLEAR = 'auth "ann" password file "secret"; auth in clear; '


def policy(hop, login, declared=""):
    return POLICY.replace("HOP", str(hop.port)).replace("LOGIN", login).replace(
        "DECLARED", declared)


def server(hop, login=CLEAR, files=None, declared="", **kw):
    return Server(policy(hop, login, declared), files or {"secret": SECRET + "\n"}, **kw)


def send(s, to="x@else.example", sender="ann@out.example"):
    with s.smtp() as c:
        c.sendmail(sender, [to] if isinstance(to, str) else to, MESSAGE)


def number(message):
    """Of a type, as WAYBILL_TEST_KILL wants it."""
    with open(os.path.join(SRC, "mta/msg/messages.def"), encoding="utf-8") as f:
        return re.findall(r"^MSG\((\w+),", f.read(), re.M).index(message) + 1


class Mechanisms(unittest.TestCase):
    def one(self, mechanisms, wanted, login=CLEAR):
        with Hop(logins={"ann": SECRET}, mechanisms=mechanisms, needs_auth=True) as hop, \
                server(hop, login) as s:
            send(s)
            wait_for(lambda: hop.messages or "login-" in s.log())
            self.assertEqual(hop.tried, [(wanted, "ann", True)], s.log())
            self.assertEqual(len(hop.messages), 1)
            wait_for(lambda: not s.queue())
            self.assertIn(f'login="{wanted} as ann"', s.log())

    def test_the_best_that_both_have(self):
        self.one(["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"], "SCRAM-SHA-256")

    def test_each_alone(self):
        for m in ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1"):
            with self.subTest(m):
                self.one([m], m)

    def test_as_the_policy_names_them(self):
        self.one(["PLAIN", "SCRAM-SHA-256", "LOGIN"], "LOGIN",
                 CLEAR + "mechanisms login, plain; ")


class Secrets(unittest.TestCase):
    def test_each_sender_by_his_own_login(self):
        logins = {"ann@out.example": "a-1", "bob@out.example": "b 2: x"}
        files = {"all": "# ours\nann@out.example: a-1\n\nbob@out.example: b 2: x\n"}
        with Hop(logins=logins, mechanisms=["PLAIN"], needs_auth=True) as hop, \
                server(hop, 'auth sender; passwords file "all"; auth in clear; ', files) as s:
            send(s, sender="ann@out.example")
            send(s, sender="bob@out.example")
            send(s, sender="eve@out.example")
            wait_for(lambda: len(hop.messages) == 2 and "login-unfit" in s.log())
            self.assertEqual({u for _, u, right in hop.tried if right}, set(logins))
            for t in hop.talks:
                senders = {line.decode().split("<")[1].split(">")[0]
                           for line in t.lines if line.startswith(b"MAIL")}
                self.assertEqual(senders, {t.user} - {None})
            self.assertIn("there is no password for this login", s.log())

    def test_out_of_a_table(self):
        declared = ('map tenants = { "out.example" = { login "tina", secret "t-3" } }\n'
                    'tag tenant: domain\n'
                    'on mail { otherwise => tag tenant = sender.domain }')
        login = ('auth tenants[tenant].login password tenants[tenant].secret; auth in clear; ')
        with Hop(logins={"tina": "t-3"}, mechanisms=["PLAIN"], needs_auth=True) as hop, \
                server(hop, login, declared=declared) as s:
            send(s)
            wait_for(lambda: hop.messages or "login-" in s.log())
            self.assertEqual(hop.tried, [("PLAIN", "tina", True)], s.log())

    def test_no_secret_is_told(self):
        with Hop(logins={"ann": SECRET}, mechanisms=["PLAIN"], needs_auth=True) as hop, \
                server(hop, args=["--log-level", "debug"]) as s:
            send(s)
            wait_for(lambda: hop.messages)
            wait_for(lambda: not s.queue())
            for text in s.log(), s.output(), s.run("show", s.policy).stdout:
                self.assertNotIn(SECRET, text)
                self.assertNotIn("AGFubgBj", text)
            for pids in s.processes().values():
                for pid in pids:
                    with open(f"/proc/{pid}/cmdline", "rb") as f:
                        self.assertNotIn(SECRET.encode(), f.read())


class Absent(unittest.TestCase):
    def test_a_file_that_is_not_there_is_named(self):
        with Hop(logins={"ann": SECRET}, mechanisms=["PLAIN"], needs_auth=True) as hop, \
                server(hop, files={"other": "x"}) as s:
            send(s)
            wait_for(lambda: " deferred id=" in s.log())
            self.assertIn(f"event=secret-not-read file={s.dir}/secret "
                          'why="No such file or directory"', s.log())
            self.assertIn("ann: the file of its password is empty, or cannot be read", s.log())
            self.assertEqual(len(s.log().split("event=login-unfit")), 2)
            queued = s.waybill("queue", "list").stdout.split()[0]
            self.assertIn("retry-login: ", s.waybill("queue", "why", queued).stdout)


class Refused(unittest.TestCase):
    def why(self, s):
        return json.loads(s.waybill("queue", "why", s.queue()[0]["id"],
                                    "--json").stdout)["recipients"][0]["why"]

    def test_a_wrong_password_is_one_attempt_and_a_held_queue(self):
        with Hop(logins={"ann": SECRET}, mechanisms=["PLAIN"], needs_auth=True) as hop, \
                server(hop, files={"secret": "wrong\n"}) as s:
            for i in range(20):
                send(s, f"x{i}@else.example")
            wait_for(lambda: "event=hop-held" in s.log())
            self.assertRegex(s.waybill("status").stdout, "held, .*last error: login")
            wait_for(lambda: len({self.why(s)}) == 1 and self.why(s) == "hop-login")
            self.assertEqual(len(s.log().split("event=login-refused")), 1 + len(hop.tried))
            self.assertEqual(hop.tried, [("PLAIN", "ann", False)])
            self.assertRegex(s.log(), r'event=login-refused relay=hop host=\S+ login="ann: PLAIN: '
                             r'535 5.7.8 not so; offered PLAIN; tried PLAIN"')
            self.assertIn("held", s.waybill("status").stdout)
            s.write("secret", SECRET + "\n")
            wait_for(lambda: len(hop.messages) == 20)
            wait_for(lambda: not s.queue())
            self.assertIn("event=secrets-changed", s.log())
            self.assertIn("event=hop-alive", s.log())
            self.assertEqual([r for _, _, r in hop.tried][:2], [False, True])

    def test_a_wrong_token_is_one_attempt_too(self):
        login = 'auth "ann"; token file "token"; auth in clear; '
        script = {"AUTH": [wait(0.5), USUAL]}       # others come meanwhile
        with Hop(script, logins={"ann": SECRET}, mechanisms=["XOAUTH2"], needs_auth=True) as hop, \
                server(hop, login, {"token": "wrong\n"}) as s:
            for i in range(20):
                send(s, f"x{i}@else.example")
            wait_for(lambda: len(hop.talks) > 1 and
                     s.log().count(" deferred ") >= len(hop.talks))
            self.assertEqual(hop.tried, [("XOAUTH2", "ann", False)])
            self.assertEqual(s.log().count("event=login-refused"), 1, s.log())
            wait_for(lambda: {self.why(s)} == {"hop-login"})
            s.write("token", SECRET + "\n")
            wait_for(lambda: len(hop.messages) == 20)

    def test_challenges_for_ever_end_with_the_session(self):
        challenges = []

        def script(verb, argument, session):
            if verb in ("AUTH", "*"):
                challenges.append(verb)
                return b"334 $$$\r\n"
            return None
        with Hop(script, logins={"ann": SECRET}, mechanisms=["PLAIN"], needs_auth=True) as hop, \
                server(hop) as s:
            send(s)
            wait_for(lambda: "deferred" in s.log())
            self.assertEqual(challenges, ["AUTH", "*"])
            self.assertIn("status=4.5.0", s.log())

    def test_454_is_tried_again(self):
        script = {"AUTH": in_turn(b"454 4.7.0 not now\r\n", USUAL)}
        with Hop(script, logins={"ann": SECRET}, mechanisms=["PLAIN"], needs_auth=True) as hop, \
                Server(policy(hop, CLEAR).replace("retry 1h", "retry 1s"),
                       {"secret": SECRET}) as s:
            send(s)
            wait_for(lambda: hop.messages)
            self.assertIn("event=login-later", s.log())
            self.assertNotIn("event=hop-held", s.log())

    def test_a_mechanism_that_is_refused_is_followed_by_the_next(self):
        script = {"AUTH SCRAM": b"504 5.5.4 no such thing\r\n"}
        with Hop(script, logins={"ann": SECRET}, mechanisms=["PLAIN", "SCRAM-SHA-256"],
                 needs_auth=True) as hop, server(hop) as s:
            send(s)
            wait_for(lambda: hop.messages)
            self.assertEqual(hop.tried, [("PLAIN", "ann", True)])

    def test_nothing_is_said_without_tls(self):
        with Hop(logins={"ann": SECRET}, mechanisms=["PLAIN", "SCRAM-SHA-256"]) as hop, \
                server(hop, 'tls opportunistic; auth "ann" password file "secret"; ') as s:
            send(s)
            wait_for(lambda: " deferred id=" in s.log())
            self.assertEqual(hop.tried, [])
            self.assertEqual(hop.messages, [])

    def test_challenges_that_are_none_and_without_an_end(self):
        for said in (b"334 !!!\r\n", b"334 QUFBQQ==\r\n", b"334\r\n", b"334 =\r\n"):
            script = {"AUTH": said, "=": said}
            with self.subTest(said), Hop(script, logins={"ann": SECRET},
                                         mechanisms=["SCRAM-SHA-256"]) as hop, server(hop) as s:
                send(s)
                wait_for(lambda: " deferred id=" in s.log())
                self.assertNotIn("event=died", s.log())
                self.assertEqual(hop.messages, [])

    def test_callouts_log_in_too(self):
        asks = "on rcpt { rcpt unknown => reject 550 5.1.1; client.ip in here => accept }"
        with Hop({"RCPT no@": b"550 5.1.1 who\r\n"}, logins={"ann": SECRET},
                 mechanisms=["SCRAM-SHA-256"], needs_auth=True) as hop, \
                Server(policy(hop, CLEAR + "verify recipients; ").replace(
                    "on rcpt { client.ip in here => accept }", asks), {"secret": SECRET}) as s, \
                s.smtp() as c:
            c.ehlo()
            c.mail("ann@out.example")
            self.assertEqual(c.rcpt("no@else.example")[0], 550)
            self.assertEqual(c.rcpt("yes@else.example")[0], 250)

    def test_a_process_dies_between_request_and_answer(self):
        with Hop(logins={"ann": SECRET}, mechanisms=["SCRAM-SHA-256"], needs_auth=True) as hop:
            for who, what in (("credentials", "LOGIN_BEGIN"), ("credentials", "LOGIN_CHALLENGE"),
                              ("credentials", "LOGIN_RESULT"), ("relay", "LOGIN_STEP"),
                              ("relay", "LOGIN_END")):
                del hop.messages[:]
                with self.subTest(what), \
                        Server(policy(hop, CLEAR).replace("retry 1h", "retry 1s"),
                               {"secret": SECRET},
                               env={"WAYBILL_TEST_KILL": f"{who}:{number(what)}"}) as s:
                    send(s)
                    wait_for(lambda: hop.messages)
                    wait_for(lambda: not s.queue())
                    self.assertIn(f"process={who}", s.log())
                    self.assertEqual([m["to"] for m in hop.messages if "x@" in m["to"][0]],
                                     [["x@else.example"]])


PEER = """edition 1
hostname "peer.example"
map users = text "users" as accounts
tls { certificate "peer.pem"; key "peer.key" }
listen submission on "127.0.0.1:@PORT@" { auth required; accounts users; tls required
    mechanisms MECHANISMS }
mailbox boxes { accounts users; account "{user}@{domain}"; path "@DIR@/mail/{user}" }
on rcpt { client.authenticated => accept; otherwise => reject 550 5.7.1 }
route { otherwise => deliver boxes }
"""


class OurOwn(unittest.TestCase):
    """Our server as smart host, by TLS: each mechanism that it has."""

    def test_each_mechanism(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            certs = Certs(folder)
            os.chmod(folder, 0o755)
            certs.make("ca", ca=True)
            certs.make("peer", by="ca", names="IP:127.0.0.1")
            for m in ("scram-sha-256-plus", "scram-sha-256", "plain", "login"):
                with self.subTest(m):
                    self.one(certs, m)

    def one(self, certs, mechanism):
        files = {"users": f"ann@peer.example:{scram_secret(SECRET.encode())}\n"}
        for name in "peer.pem", "peer.key":
            with open(certs.path(name), encoding="ascii") as f:
                files[name] = f.read()
        login = 'auth "ann@peer.example" password file "secret"; '
        with Server(PEER.replace("MECHANISMS", mechanism), files) as peer:
            text = POLICY.replace("HOP", str(peer.port)).replace("LOGIN", login).replace(
                "DECLARED", f'authorities file "{certs.path("ca.pem")}"')
            with Server(text, {"secret": SECRET}) as s:
                send(s, "ann@peer.example")
                wait_for(lambda: " sent id=" in s.log() or "event=login-" in s.log())
                self.assertIn(f'login="{mechanism.upper()} as ann@peer.example"', s.log())
                self.assertIn("tls-reached=verified", s.log())


class Tokens(unittest.TestCase):
    """OAuth 2 at an endpoint that the test plays."""

    @classmethod
    def setUpClass(cls):
        cls.web = HttpsServer()
        cls.dns = NameServer(["token.web.test. A 127.0.0.1"])

    @classmethod
    def tearDownClass(cls):
        cls.web.stop()
        cls.dns.stop()

    def server(self, hop, answer, grant='oauth refresh file "refresh"; ', **kw):
        self.web.on("token.web.test", "/token", answer)
        del self.web.requests[:]
        login = (f'auth "ann"; oauth "https://token.web.test:{self.web.port}/token"; '
                 f'oauth client "me" secret file "client"; {grant}auth in clear; ')
        text = policy(hop, login).replace("retry 1h", "retry 1s")
        return Server(text + f'authorities file "{self.web.ca}"\n',
                      {"client": "s&cret\n", "refresh": "first\n"},
                      env={"WAYBILL_RESOLVER": self.dns.address}, **kw)

    def test_both_mechanisms_and_expiry_in_mid_queue(self):
        for m in ("XOAUTH2", "OAUTHBEARER"):
            given = iter(range(100))
            logins = {"ann": "token-0"}
            with self.subTest(m), Hop(logins=logins, mechanisms=[m], needs_auth=True) as hop, \
                    self.server(hop, lambda r: json_answer({
                        "access_token": f"token-{next(given)}", "token_type": "Bearer",
                        "expires_in": 3600})) as s:
                send(s)
                wait_for(lambda: len(hop.messages) == 1)
                self.assertEqual(self.web.asked()[0].form(), {
                    "grant_type": "refresh_token", "refresh_token": "first"})
                self.assertEqual(base64.b64decode(self.web.asked()[0].headers[
                    "authorization"].split()[1]), b"me:s%26cret")
                # It has expired at the hop, whatever was promised; sessions end, and begin anew.
                logins["ann"] = "token-1"
                s.waybill("reload")
                send(s, "y@else.example")
                wait_for(lambda: len(hop.messages) == 2)
                wait_for(lambda: not s.queue())
                self.assertEqual(hop.tried, [(m, "ann", True), (m, "ann", False),
                                             (m, "ann", True)])
                self.assertEqual(len(self.web.asked()), 2)
                self.assertNotIn("deferred", s.log())
                self.assertNotIn("token-", s.log())

    def test_client_credentials(self):
        with Hop(logins={"ann": "t"}, mechanisms=["XOAUTH2"], needs_auth=True) as hop, \
                self.server(hop, json_answer({"access_token": "t"}),
                            'oauth scope "smtp mail"; ') as s:
            send(s)
            wait_for(lambda: hop.messages)
            self.assertEqual(self.web.asked()[0].form(), {
                "grant_type": "client_credentials", "scope": "smtp mail"})
            self.assertIn('login="XOAUTH2 as ann"', s.log())

    def test_a_refresh_token_that_was_changed_outlives_us(self):
        given = {"first": "second", "second": "third"}

        def answer(r):
            used = r.form()["refresh_token"]
            return json_answer({"access_token": f"by-{used}", "refresh_token": given[used]})
        logins = {"ann": "by-first"}
        with Hop(logins=logins, mechanisms=["XOAUTH2"], needs_auth=True) as hop, \
                self.server(hop, answer) as s:
            send(s)
            wait_for(lambda: hop.messages)
            wait_for(lambda: not s.queue())
            logins["ann"] = "by-second"
            s.stop()
            s.start()
            send(s, "y@else.example")
            wait_for(lambda: len(hop.messages) == 2)
            self.assertEqual([r.form()["refresh_token"] for r in self.web.asked()],
                             ["first", "second"])
            mode = os.stat(os.path.join(s.spool, "credentials")).st_mode & 0o777
            self.assertEqual(mode, 0o700)

    def test_a_refused_refresh_holds_the_queue(self):
        refused = json_answer({"error": "invalid_grant", "error_description": "revoked"}, 400)
        with Hop(logins={"ann": "t"}, mechanisms=["XOAUTH2"], needs_auth=True) as hop, \
                self.server(hop, refused) as s:
            send(s)
            wait_for(lambda: "event=hop-held" in s.log())
            self.assertIn("the token endpoint answers 400: invalid_grant (revoked)", s.log())
            self.assertEqual(hop.tried, [])
            self.assertEqual(len(self.web.asked()), 1)
            self.web.on("token.web.test", "/token", json_answer({"access_token": "t"}))
            s.write("refresh", "another\n")
            wait_for(lambda: hop.messages)
            self.assertEqual(self.web.asked()[-1].form()["refresh_token"], "another")

    def test_an_endpoint_that_is_down_is_asked_later(self):
        with Hop(logins={"ann": "t"}, mechanisms=["XOAUTH2"], needs_auth=True) as hop, \
                self.server(hop, Answer(503)) as s:
            send(s)
            wait_for(lambda: " deferred id=" in s.log())
            self.assertIn("event=login-later", s.log())
            self.assertNotIn("event=hop-held", s.log())
            self.assertEqual(len(self.web.asked()), 1)  # the others wait for the back-off

    def test_a_command(self):
        with Hop(logins={"ann": "tok-ann"}, mechanisms=["XOAUTH2"], needs_auth=True) as hop, \
                server(hop, 'auth "ann"; token command "/bin/sh -c \'echo careful >&2; '
                       'echo tok-$LOGIN\'" as nobody; '
                       'auth in clear; ') as s:
            send(s)
            wait_for(lambda: hop.messages or "event=login-" in s.log())
            self.assertEqual(hop.tried, [("XOAUTH2", "ann", True)], s.log())

    def test_a_command_that_fails(self):
        with Hop(logins={"ann": "t"}, mechanisms=["XOAUTH2"]) as hop, \
                server(hop, 'auth "ann"; token command "/bin/false" as nobody; '
                       'auth in clear; ') as s:
            send(s)
            wait_for(lambda: " deferred id=" in s.log())
            self.assertIn("the token command: it has ended with status 1", s.log())

    def test_a_command_that_is_not_there(self):
        with Hop(logins={"ann": "t"}, mechanisms=["XOAUTH2"]) as hop, \
                server(hop, 'auth "ann"; token command "/nonexistent/helper" as nobody; '
                       'auth in clear; ') as s:
            send(s)
            wait_for(lambda: " deferred id=" in s.log())
            self.assertIn("it cannot be run: No such file or directory", s.log())

    def test_a_file_is_read_when_it_changes(self):
        logins = {"ann": "t-2"}
        with Hop(logins=logins, mechanisms=["XOAUTH2"], needs_auth=True) as hop, \
                server(hop, 'auth "ann"; token file "token"; auth in clear; ',
                       {"token": "t-1\n"}) as s:
            send(s)
            wait_for(lambda: "event=hop-held" in s.log())
            self.assertEqual(len(hop.tried), 1)
            s.write("token", "t-2\n")
            wait_for(lambda: hop.messages)


if __name__ == "__main__":
    unittest.main()
