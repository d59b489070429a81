#!/usr/bin/env python3
"""Each receiver dies between request and answer of each message, once.

For every line of mta/msg/messages.def the server is started with the hook
that makes the receiver end itself by SIGKILL when it has read the first
message of that type (configure --enable-test-hooks).  Then mail goes in: to a
mailbox, to two by an alias, to a next hop, and one large enough for a body
file; a reload and a status are asked for; PROVOKED has what else a message
needs to be sent.  All that was acknowledged must arrive, in Maildirs once, and
the server must have gone on by itself.
"""
import base64
import collections
import json
import os
import re
import signal
import smtplib
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
import server as srv  # noqa: E402
from nameserver import NameServer  # noqa: E402
from sink import Sink  # noqa: E402
from socketmap import Socketmap  # noqa: E402
import keys_test  # noqa: E402
import kill_test  # noqa: E402

LINE = re.compile(r'^MSG\((\w+),\s*(\w+),\s*(\w+),')
# Unit tests of their rooms have them.
NOT_HERE = {
    "SEGMENT_FAILED": "needs a disk that fails",
    "SEGMENT_RESUME": "sent after a queue's death: its receiver would have to die twice",
    "COUNT_HELD": "sent after a death of limits: its receiver would have to die twice",
    "SEGMENT_REVOKED": "needs a worker that was stopped for a minute",
    "AUTH_TOKEN": "needs a verifier of tokens: login_test.py",
    "AUTH_KNOWN": "needs EXTERNAL, or two tables: unit tests of smtp",
    "HTTP_ASK": "needs an endpoint for tokens: unit tests of fetch",
    "HTTP_ANSWER": "needs an endpoint for tokens: unit tests of fetch",
    "STS_ASK": "needs a domain with a policy: sts_test.py",
    "STS_POLICY": "needs a domain with a policy: sts_test.py",
    "LOGIN_BEGIN": "needs a smart host that wants a login: smart_host_login_test.py",
    "LOGIN_CHALLENGE": "needs a smart host that wants a login: smart_host_login_test.py",
    "LOGIN_RESULT": "needs a smart host that wants a login: smart_host_login_test.py",
    "LOGIN_DROP": "needs a smart host that wants a login: smart_host_login_test.py",
    "LOGIN_STEP": "needs a smart host that wants a login: smart_host_login_test.py",
    "LOGIN_END": "needs a smart host that wants a login: smart_host_login_test.py",
    "SECRETS_CHANGED": "needs a smart host that wants a login: smart_host_login_test.py",
    "TOKEN_RUN": "needs a token command: smart_host_login_test.py",
    "TOKEN_SAID": "needs a token command: smart_host_login_test.py",
    "PAM_WANTED": "its end is the server's",
    "PAM_DONE": "needs a PAM of the test's own: user_test.py",
}
RECEIVERS = {"ALL": ["SMTP", "QUEUE"], "POLICY": ["SMTP", "ROUTE"], "ANY": ["RELAY"]}


def messages():
    found = []
    with open(os.path.join(srv.SRC, "mta/msg/messages.def"), encoding="utf-8") as f:
        for line in f:
            m = LINE.match(line)
            if m:
                found.append(m.groups())
    return [(i + 1, *m) for i, m in enumerate(found)]


# What a client sent once more, since the answer to its final dot was missing: the
# worker may have died between the sync and the 250 (RFC 5321, 6.1).
sent_again = set()


def send(port, ident, to, size):
    """Until acknowledged: a worker may die under us."""
    end = time.monotonic() + srv.PATIENCE
    while time.monotonic() < end:
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=20) as c:
                c.sendmail("a@sender.example", [to],
                           f"X-Id: {ident}\r\n\r\n" + "line of text\r\n" * (size // 14))
                return
        except (OSError, smtplib.SMTPException):
            sent_again.add(ident)
            time.sleep(0.1)
    raise AssertionError(f"{to} was never taken")


def died(s):
    return "signal 9" in s.log() or "signal=9" in s.log()


# --- what has to happen before a message is sent; want: {X-Id: recipient}

def fill_segments(s, want):
    """A segment holds one of these; each worker begins several."""
    for i in range(8):
        ident = f"fill.{i}"
        want[ident] = "x@elsewhere.example"
        send(s.port, ident, want[ident], 600000)


def break_off(s, _want):
    """In a content that is so large that it has a body file already."""
    def bodies():
        return os.listdir(os.path.join(s.spool, "body"))
    srv.wait_for(lambda: not bodies())  # of what has gone in before
    with s.raw() as c, c.makefile("rb") as replies:
        replies.readline()
        for line in (b"HELO client.example", b"MAIL FROM:<a@b.example>",
                     b"RCPT TO:<u1@crash.example>", b"DATA"):
            c.sendall(line + b"\r\n")
            assert replies.readline()[:1] in (b"2", b"3")
        c.sendall(b"X-Id: broken off\r\n\r\n" + b"line of text\r\n" * 150000)
        srv.wait_for(bodies)
    srv.wait_for(lambda: died(s))


def spoil_mailbox(s, want):
    """A plain file stands in the Maildir's place until the receiver has died."""
    box = os.path.join(s.dir, "mail", "u1")
    srv.wait_for(lambda: os.path.isdir(box + "/new"))
    os.rename(box, box + ".aside")
    with open(box, "wb"):
        pass
    want["spoilt"] = "u1@crash.example"
    send(s.port, "spoilt", want["spoilt"], 2000)
    srv.wait_for(lambda: died(s))
    os.unlink(box)
    os.rename(box + ".aside", box)


def stop_and_start(s, _want):
    """The next one lives: it finds what the dead ones have left."""
    s.stop()
    del s.env["WAYBILL_TEST_KILL"]
    s.start()


def ask_for_mail(s, _want):
    """ETRN, until somebody has answered: a worker or the queue may die under it."""
    def answered():
        try:
            with smtplib.SMTP("127.0.0.1", s.port, timeout=30) as c:
                c.ehlo("client.example")
                return c.docmd("ETRN", f"n{time.monotonic_ns()}.example")[0] in (250, 251)
        except (OSError, smtplib.SMTPException):
            return False
    srv.wait_for(answered)
    srv.wait_for(lambda: died(s))


def shake_hands(s, _want):
    """STARTTLS, until it comes to its end: whoever is needed for it may die under us."""
    end = time.monotonic() + srv.PATIENCE
    while time.monotonic() < end:
        try:
            keys_test.handshake(s)
            return
        except (OSError, AssertionError):
            time.sleep(0.1)
    raise AssertionError("no handshake came to its end")


def spoil_certificate(s, _want):
    """What was refused is dropped at once; the old one still serves."""
    keys_test.rename(s, "tls/cert.pem", keys_test.pair()[0])
    srv.wait_for(lambda: died(s))
    shake_hands(s, _want)


def call_sendmail(s, want):
    """The worker dies before it has greeted: the mail waits in the drop folder."""
    want["program"] = "u1@crash.example"
    subprocess.run([f"{srv.BUILD}/sendmail", want["program"]], check=True, timeout=srv.PATIENCE,
                   env=dict(os.environ, WAYBILL_SPOOL=s.spool), input=b"X-Id: program\n\nx\n")
    srv.wait_for(lambda: died(s))


def stay(s, _want):
    """A session of which limits hears: one that stays, longer each time."""
    seconds = 0.2

    def there():
        nonlocal seconds
        try:
            with s.raw() as c:
                c.recv(512)
                time.sleep(seconds)
        except OSError:
            pass
        seconds *= 1.5
        return died(s)
    srv.wait_for(there)


SECRET = "{PLAIN}one {SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,%s,%s" % (("A" * 43 + "=",) * 2)


def with_logins(policy):
    return policy.replace('@PORT@"', '@PORT@" { auth offered; auth in clear; accounts users; '
                          'mechanisms plain, scram-sha-256, cram-md5 }')


def login(s, *lines):
    """What comes of a login; a worker that dies under it, or has heard of no offers yet, is asked again."""
    def said():
        try:
            with smtplib.SMTP("127.0.0.1", s.port, timeout=20) as c:
                c.ehlo()
                challenge = ""
                for line in lines:
                    code, challenge = c.docmd(line(challenge) if callable(line) else line)
                    if code != 334:
                        break
                return code if code in (235, 535) else None
        except (OSError, smtplib.SMTPException):
            return None
    return srv.wait_for(said)


def coded(text):
    return base64.b64encode(text.encode()).decode()


def a_proof(challenge):
    nonce = base64.b64decode(challenge).decode().split(",")[0]
    return coded(f"c=biws,{nonce},p=" + "A" * 43 + "=")


def log_in(s, _want):
    assert login(s, "AUTH PLAIN " + coded("\0u1\0one")) == 235
    assert login(s, "AUTH CRAM-MD5", coded("u1 " + "0" * 32)) == 535
    assert login(s, "AUTH SCRAM-SHA-256 " + coded("n,,n=u1,r=abc"),
                 a_proof) == 535


LOGINS = ("AUTH_VERIFY", "AUTH_SCRAM_WANTED", "AUTH_PROOF", "AUTH_CRAM", "AUTH_VERDICT",
          "AUTH_SCRAM", "AUTH_OFFERS")


def bounce(s, want):
    """What is refused is told to its sender, who has a mailbox here."""
    want["told"] = "u1@crash.example"
    sent_again.add("told")
    with smtplib.SMTP("127.0.0.1", s.port, timeout=20) as c:
        c.sendmail("u1@crash.example", ["u2+refused@crash.example"], "X-Id: told\r\n\r\nx\r\n")


def refuse(s, _want):
    """A session of which the postmaster is told."""
    with smtplib.SMTP("127.0.0.1", s.port, timeout=20) as c:
        c.docmd("NONSENSE")
    srv.wait_for(lambda: died(s))


def end_route(s, _want):
    """A process ends by itself: the parent says so."""
    os.kill(srv.wait_for(lambda: s.processes().get("route"))[0], signal.SIGSEGV)
    srv.wait_for(lambda: died(s))


def ask_for_reports(s, _want):
    """Who asks is told at once that there will be no answer."""
    began = time.monotonic()
    while not died(s):
        s.waybill("reports", check=False)
        assert time.monotonic() - began < 10, "who has asked was left waiting"


def probe(s, _want):
    """Likewise, of a next hop."""
    began = time.monotonic()
    while not died(s):
        s.waybill("route", "a@here.example", "b@far.example", "--probe", check=False)
        assert time.monotonic() - began < 10, "who has asked was left waiting"


def end_day(s, _want):
    """The server ends; the next one is a day and five hours ahead, and sends what was counted."""
    srv.wait_for(lambda: json.loads(s.waybill("reports", "--json").stdout)["sessions"])
    s.stop()
    s.env["WAYBILL_TEST_REPORT_AHEAD_S"] = str(29 * 3600)
    s.start()
    srv.wait_for(lambda: died(s))


REPORTS = ("TLS_RESULT", "REPORT_MAIL", "REPORT_MAILED", "REPORT_ASK", "REPORT_TEXT")

PROVOKED = {
    "REPORT_ASK": ask_for_reports, "REPORT_TEXT": ask_for_reports,
    "PROBE": probe, "PROBED": probe,
    "REPORT_MAIL": end_day, "REPORT_MAILED": end_day,
    "SESSION_TOLD": refuse, "PROCESS_ENDED": end_route,
    "BOUNCE_ASK": bounce, "BOUNCE_ANSWER": bounce,
    **dict.fromkeys(LOGINS, log_in),
    "SEGMENT_SEALED": fill_segments, "SEGMENT_GONE": fill_segments,
    "BODY_DROPPED": break_off, "DELIVER_FAILED": spoil_mailbox, "STOP": stop_and_start,
    "CERTIFY": shake_hands, "KEY_SIGN": shake_hands, "KEY_SIGNED": shake_hands,
    "KEY_TICKETS": shake_hands, "CONFIG_CERT": shake_hands, "TICKET_KEYS": shake_hands,
    "KEY_DROP": spoil_certificate,
    "COUNT_UP": stay, "COUNTED": stay, "COUNT_DOWN": stay,
    "PROGRAM": call_sendmail, "ETRN": ask_for_mail, "ETRN_STARTED": ask_for_mail,
}


def with_counters(policy):
    """Rules that ask limits, in smtp and in route; who is greylisted comes again."""
    return policy.replace("on rcpt {", """on mail {
    rate "m" by sender over 100000/1h => defer
    greylisted by sender for 1s => defer
}
on rcpt {""").replace("route {", """route {
    rate "r" by sender over 100000/1h => defer""")


def with_callouts(policy):
    """Whoever is not ours is asked for at the next hop before he is taken."""
    return policy.replace("on rcpt {", """on rcpt {
    rcpt.domain not in ours and rcpt not reachable => reject 550 5.1.1 "not there"
   """)


def with_bounces(policy):
    """What is refused behind the door, and a hook that is asked about its notification."""
    return policy + """
on deliver { rcpt.detail == "refused" => reject }
on bounce { sender.domain == "crash.example" => headers only }
"""


def with_reports(policy):
    """What goes elsewhere goes by DNS, and its sessions are reported of."""
    policy = policy.replace("otherwise", 'rcpt.domain == "elsewhere.example" => mx\n    otherwise')
    return policy + 'tls reports { contact "u1@crash.example" }\n'


ZONE = ["elsewhere.example. MX 10 mx.elsewhere.example.", "mx.elsewhere.example. A 127.0.0.1",
        '_smtp._tls.elsewhere.example. TXT "v=TLSRPTv1; rua=mailto:tls@elsewhere.example"']

TLS = {"CERTIFY", "KEY_DROP", "KEY_TICKETS", "CONFIG_CERT", "KEY_SIGN", "KEY_SIGNED",
       "TICKET_KEYS"}


def with_tls(policy):
    return policy.replace("listen ", """tls { certificate "tls/cert.pem"; key "tls/key.pem" }
listen """, 1)


SERVER_TABLES = {"users": {"u1": "x", "u2": "x"}, "aliases": {"pair": "u1, u2"}}


def with_servers(policy, sm):
    """A server has the accounts and aliases; and one that is not there, with a password."""
    for table in SERVER_TABLES:
        policy = policy.replace(f'{table} = text "{table}"', f'{table} = socket "{sm.where}"')
    policy = re.sub(r"(map (aliases|users) = socket .*)", r'\1 { map "\2"; timeout 5s }', policy)
    return policy.replace("listen ", """map secret = redis "127.0.0.1:1" { query "GET {key}"
    login "waybill" password file "secret" }
listen """, 1)


def scenario(number, name, receiver, hop):
    env = {"WAYBILL_TEST_KILL": f"{receiver.lower()}:{number}"}
    with Socketmap(SERVER_TABLES) as sm:
        if name not in REPORTS:
            return scenario_with(name, receiver, hop, sm, env)
        with NameServer(ZONE) as dns:
            env.update(WAYBILL_RESOLVER=dns.address, WAYBILL_MX_PORT=str(hop.port))
            return scenario_with(name, receiver, hop, sm, env)


def scenario_with(name, receiver, hop, sm, env):
    owner = 'owner "waybill-mail"' if os.geteuid() == 0 else ""
    policy = kill_test.POLICY.replace("HOP", str(hop.port)).replace("OWNER", owner)
    policy = policy.replace("relay hop\n", 'relay "localhost:%d"\n' % hop.port) \
        if "DNS" in name else policy
    if name in ("RATE_ASK", "GREY_ASK", "LIMITS_ANSWER"):
        policy = with_counters(policy)
    if name in ("CALLOUT", "CALLED"):
        policy = with_callouts(policy)
    if name in ("CUT", "CUT_DONE"):
        policy = kill_test.with_cut(policy)
    if name in ("LOOKUP", "LOOKED_UP", "CONFIG_SECRET"):
        policy = with_servers(policy, sm)
    if name.startswith("BOUNCE"):
        policy = with_bounces(policy)
    if name == "SESSION_TOLD":
        policy += "\nnotify { tell postmaster protocol }\n"
    if name.startswith("ETRN"):
        policy = policy.replace('@PORT@"', '@PORT@" { etrn 127.0.0.1 }')
    if name.startswith("FORWARD"):
        policy = policy.replace('path ', 'forward "@DIR@/mail/{user}.forward"; path ', 1)
    if name in TLS:
        policy = with_tls(policy)
    if name in REPORTS:
        policy = with_reports(policy)
    if name in LOGINS:
        policy = with_logins(policy)
    hop.messages.clear()
    tables = dict(kill_test.TABLES, secret="password\n")
    if name in LOGINS:
        tables["users"] = f"u1:{SECRET}\nu2:x\n"
    if name in TLS:
        tables.update(zip(("tls/cert.pem", "tls/key.pem"), keys_test.pair()))
    with srv.Server(policy, tables=tables, env=env, args=("--workers", "2")) as s:
        want = {f"{name}.{i}": to for i, to in enumerate(kill_test.TARGETS)}
        for ident, to in want.items():
            send(s.port, ident, to, 2000)
        want[f"{name}.big"] = "u1@crash.example"
        send(s.port, f"{name}.big", "u1@crash.example", 1500000)
        PROVOKED.get(name, lambda *_: None)(s, want)
        s.waybill("status", check=False)
        s.waybill("reload", check=False)

        def arrived():
            s.waybill("queue", "retry", "all", check=False)
            local, far = kill_test.gather(s, hop)
            return not kill_test.judge(want, local, far)[0]
        srv.wait_for(arrived, step=0.3)
        srv.wait_for(lambda: not s.queue())
        local, far = kill_test.gather(s, hop)
        lost, twice, far_twice = kill_test.judge(want, local, far)
        twice = [t for t in twice if t[1] not in sent_again]
        assert not lost and not twice, (lost, twice)
        assert died(s), f"nobody died: {name} was not read by {receiver}"
        return len(far_twice)


def main():
    passed = failed = 0
    doubles = collections.Counter()
    only = sys.argv[1:]
    with Sink() as hop:
        for number, name, _, to in messages():
            if only and name not in only:
                continue
            if name in NOT_HERE:
                print(f"{name}: not here: {NOT_HERE[name]}")
                continue
            for receiver in RECEIVERS.get(to, [to]):
                if receiver == "PARENT":
                    continue  # its end is the server's: kill_test.py
                try:
                    doubles[name] += scenario(number, name, receiver, hop)
                    passed += 1
                    print(f"{name} to {receiver}: ok", flush=True)
                except AssertionError as e:
                    failed += 1
                    print(f"FAILED: {name} to {receiver}: {e}", flush=True)
    print("twice at the next hop:", dict(+doubles))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
