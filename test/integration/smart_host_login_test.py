"""Logins at smart hosts: mechanisms, secrets, refusals, tokens; credentials has them alone."""
import os
import re
import time
import unittest

from hop_script import Hop
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


def status(s, process="credentials"):
    return next(p["counters"] for p in s.waybill_json("status") if p["name"] == process)


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


if __name__ == "__main__":
    unittest.main()
