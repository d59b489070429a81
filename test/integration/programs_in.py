"""What the tests of mail from programs share: a server, and its sendmail."""
import os
import shutil
import subprocess
import unittest

from server import BUILD, PATIENCE, Server, wait_for

POLICY = """
edition 1
hostname "mail.murphy.example"
set ours = { "murphy.example" }
net home = { 127.0.0.0/8, ::1, 192.168.1.0/24 }
map aliases = text "aliases" as aliases
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
%s
mailbox family { accounts users; path "@DIR@/mail/{user}" }
relay nobody { host "127.0.0.1" port 1 }
on mail {
    client.authenticated and sender not of client.user => reject 553 5.7.1 "{sender} is not yours"
    sender.user == "forged" and client.user != "root" => reject 553 5.7.1 "{client.user} is not {sender}"
}
on rcpt {
    rcpt.user == "later" => defer 451 4.7.1 "not now"
    rcpt.user == "never" => reject 550 5.1.1 "there is no {rcpt}"
    rcpt.user == "gone" => reject 550 5.1.2 "no such host"
    client.authenticated or client.ip in home => accept
    rcpt.domain not in ours => reject 550 5.7.1 "we do not relay for {client.ip}"
    otherwise => accept
}
on content {
    header["Subject"] == "refuse me" => reject 554 5.6.0 "as you wish"
    listener == "programs" => add header "X-User: {client.user}"
}
route {
    rcpt.domain == "slow.example" => relay nobody
    rcpt.domain in ours => expand aliases, deliver family
    otherwise => reject 550 5.7.1
}
"""
TABLES = {"users": "ann:x\nbob:x\n", "aliases": "root: ann\npostmaster: ann\nnobody: bob\n"}
NOBODY = 65534
ROOT = os.geteuid() == 0


def server(listener="", **kw):
    return Server(POLICY % listener, tables=TABLES, **kw)


def programs(s):
    """A folder with sendmail and what it needs, which every user reaches."""
    folder = os.path.join(s.dir, "bin")
    os.makedirs(folder, exist_ok=True)
    for name in ("sendmail", "waybill-drop"):
        shutil.copy(f"{BUILD}/{name}", folder)
    return folder


def command(s, *args, **env):
    return ([f"{BUILD}/sendmail", *args],
            dict(os.environ, WAYBILL_SPOOL=s.spool, **env))


def call(s, *args, text="Subject: x\n\nhello\n", user=None, **env):
    argv, environ = command(s, *args, **env)
    more = {}
    if user is not None:
        argv[0] = os.path.join(programs(s), "sendmail")
        more = {"user": user, "group": user, "extra_groups": []}
    return subprocess.run(argv, env=environ, capture_output=True, timeout=PATIENCE,
                          input=text.encode() if isinstance(text, str) else text, **more)


def drop(s):
    return [n for n in os.listdir(f"{s.spool}/drop")]


class Case(unittest.TestCase):
    maxDiff = None

    def sends(self, s, *args, **kw):
        r = call(s, *args, **kw)
        self.assertEqual(r.returncode, 0, r)
        self.assertEqual(r.stderr, b"")

    def fails(self, s, status, why, *args, **kw):
        r = call(s, *args, **kw)
        self.assertEqual(r.returncode, status, r)
        self.assertIn(why, r.stderr.decode())

    def empty(self, s):
        wait_for(lambda: not drop(s))
