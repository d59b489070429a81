"""Logins: the auth process over its channel, and under a whole server that is slowed, reloaded, killed."""
import base64
import hashlib
import hmac
import os
import re
import shutil
import smtplib
import subprocess
import tempfile
import time
import unittest

from channel import TYPES, Child, auth_answer, auth_ask, auth_verify, octets, u32, u64, u8
from server import BUILD, PATIENCE, SANITIZED, Server, wait_for
from socketmap import Socketmap
from user_test import PAM_MODULES, WITH_PAM

WAYBILL = f"{BUILD}/waybill"
POLICY = """edition 1
hostname "mx.shop.example"
set ours = { "shop.example" }
map users = text "users" as accounts
@AUTH@
listen smtp on "127.0.0.1:@PORT@" { auth offered; auth in clear; accounts users; @MECHANISMS@ }
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
    rcpt unknown => reject 550 5.1.1
    otherwise => accept
}
route {
    rcpt.domain in ours => deliver boxes
    otherwise => reject 550 5.1.2
}
"""
SHA1, SHA256 = 0, 1


def keys(password, salt, iterations, hash_name="sha256"):
    salted = hashlib.pbkdf2_hmac(hash_name, password, salt, iterations)
    client = hmac.digest(salted, b"Client Key", hash_name)
    return client, hashlib.new(hash_name, client).digest(), hmac.digest(salted, b"Server Key", hash_name)


def scram_secret(password, salt=b"0123456789abcdef", iterations=5000):
    _, stored, server = keys(password, salt, iterations)
    return "{SCRAM-SHA-256}%d,%s,%s,%s" % (iterations, *(
        base64.b64encode(x).decode() for x in (salt, stored, server)))


def policy(auth="", mechanisms=""):
    return POLICY.replace("@AUTH@", auth).replace("@MECHANISMS@", mechanisms)


class Process(unittest.TestCase):
    """waybill-auth alone."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="waybill-test-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.dir)
        os.chmod(self.dir, 0o777)
        self.generation = 0
        self.auths = []
        self.addCleanup(lambda: [a.__exit__(None, None, None) for a in self.auths])

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(path + ".new", path)
        return path

    def configure(self, auth, users, block=""):
        self.generation += 1
        self.file("p.conf", policy(block).replace("@PORT@", "2525").replace("@DIR@", self.dir))
        self.file("users", "somebody:x\n")
        subprocess.run([WAYBILL, "compile", "p.conf", "-o", "image"], check=True, cwd=self.dir,
                       capture_output=True, timeout=PATIENCE)
        self.file("users", users)
        n = u32(self.generation)
        with open(f"{self.dir}/image", "rb") as image, open(f"{self.dir}/users", "rb") as f:
            auth.parent.send("CONFIG_IMAGE", n, fd=image.fileno())
            auth.parent.send("CONFIG_FILE", n, u32(1), fd=f.fileno())
        auth.parent.send("CONFIG_DONE", n)
        self.assertEqual(auth.parent.receive()[0], "READY")

    def start(self, users, block="", args=()):
        auth = Child("auth", args=args)
        self.auths.append(auth)
        self.configure(auth, users, block)
        peer = auth.peer("smtp")
        self.addCleanup(peer.close)
        return auth, peer

    def offers(self, peer):
        kind, body = peer.receive()
        self.assertEqual(kind, "AUTH_OFFERS")
        found = {body.octets(): (body.take("<I"), body.take("<I")) for _ in range(body.take("<I"))}
        body.end()
        return found

    def scram(self, peer, user):
        auth_ask(peer, "AUTH_SCRAM_WANTED", user, u8(SHA256))
        v = auth_answer(peer)
        self.assertEqual(v.result, "right")
        return v.salt, v.iterations

    def prove(self, peer, user, password):
        salt, iterations = self.scram(peer, user)
        client, stored, server = keys(password, salt, iterations)
        message = b"n=ann,r=x,r=xy,s=1,i=1,c=biws,r=xy"
        signature = hmac.digest(stored, message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client, signature))
        auth_ask(peer, "AUTH_PROOF", user, u8(SHA256), octets(message), octets(proof))
        v = auth_answer(peer)
        if v.result == "right":
            self.assertEqual(v.signature, hmac.digest(server, message, "sha256"))
        return v.result

    def test_every_kind_of_question(self):
        _, peer = self.start(f"Ann:{{PLAIN}}one {scram_secret(b'one')}\n    app tea {{PLAIN}}two\nbob:x\n")
        for user, password, want, which in (
                (b"ann", b"one", "right", ""), (b"ANN", b"two", "right", "tea"),
                (b"ann", b"", "wrong", ""), (b"ann", b"o\0ne", "wrong", ""),
                (b"bob", b"x", "wrong", ""), (b"eve", b"one", "wrong", "")):
            v = auth_verify(peer, user, password)
            self.assertEqual((v.result, v.which, v.user), (want, which, "Ann" if want == "right" else ""))
        self.assertEqual(self.prove(peer, b"ann", b"one"), "right")
        self.assertEqual(self.prove(peer, b"ann", b"two"), "wrong")
        self.assertEqual(self.prove(peer, b"eve", b"one"), "wrong")
        challenge = b"<1@mx.shop.example>"
        for user, password, want in ((b"ann", b"two", "right"), (b"ann", b"no", "wrong"),
                                     (b"eve", b"one", "wrong")):
            auth_ask(peer, "AUTH_CRAM", user, octets(challenge),
                     octets(hmac.digest(password, challenge, "md5")))
            self.assertEqual(auth_answer(peer).result, want)
        for user, want in ((b"ann", "right"), (b"BOB", "right"), (b"eve", "wrong"), (b"", "wrong"),
                           (b"ann\n", "wrong")):
            auth_ask(peer, "AUTH_KNOWN", user)
            self.assertEqual(auth_answer(peer).result, want)
        auth_ask(peer, "AUTH_TOKEN", b"ann", octets(b"t"))
        self.assertEqual(auth_answer(peer).result, "cannot")

    def test_offers_follow_the_table(self):
        auth, peer = self.start(f"ann:{scram_secret(b'one')}\n")
        self.assertEqual(self.offers(peer), {b"users": (5, 5)})
        self.configure(auth, f"ann:{scram_secret(b'one')}\nbob:{{PLAIN}}two\n")
        self.assertEqual(self.offers(peer), {b"users": (1, 1 | 4 | 8)})

    def test_nobody_learns_who_is_there(self):
        users = f"ann:{scram_secret(b'one', b'12345678', 6000)}\n"
        args = ("--spool", f"{self.dir}/spool")
        if os.geteuid() == 0:
            os.mkdir(f"{self.dir}/spool")
            os.chmod(f"{self.dir}/spool", 0o777)
        _, peer = self.start(users, args=args)
        eve = self.scram(peer, b"eve")
        self.assertEqual((len(eve[0]), eve[1]), (8, 6000))
        self.assertEqual(self.scram(peer, b"EVE"), eve)
        self.assertNotEqual(self.scram(peer, b"mal"), eve)
        self.assertNotEqual(self.scram(peer, b"eve\n"), eve)
        _, peer = self.start(users, args=args)
        self.assertEqual(self.scram(peer, b"eve"), eve)
        self.assertEqual(self.scram(peer, b"ann"), (b"12345678", 6000))
        _, peer = self.start(users)  # another key
        self.assertNotEqual(self.scram(peer, b"eve"), eve)

    def stats(self, auth):
        auth.parent.send("STATS_WANTED", u64(1))
        kind, body = auth.parent.receive()
        self.assertEqual(kind, "STATS")
        text = body.data.rpartition(b"{")[2]
        return {k.decode(): int(v) for k, v in re.findall(rb'"(\w+)":(\d+)', text)}

    def test_the_cache_ends_with_the_secret(self):
        crypted = subprocess.run(["openssl", "passwd", "-6", "one"], check=True, text=True,
                                 capture_output=True, timeout=PATIENCE).stdout.strip()
        auth, peer = self.start(f"ann:{crypted}\n".replace(":", ":{CRYPT}", 1))
        for _ in range(3):
            self.assertEqual(auth_verify(peer, b"ann", b"one").result, "right")
        self.assertEqual(self.stats(auth)["cached"], 2)
        self.configure(auth, "ann:{PLAIN}two\n")
        self.assertEqual(auth_verify(peer, b"ann", b"one").result, "wrong")
        self.assertEqual(auth_verify(peer, b"ann", b"two").result, "right")
        self.configure(auth, "# nobody\n")
        self.assertEqual(auth_verify(peer, b"ann", b"two").result, "wrong")
        self.assertEqual(self.stats(auth)["cached"], 2)
        self.configure(auth, "ann:{PLAIN}two\n", "auth { cache never }")
        for _ in range(2):
            self.assertEqual(auth_verify(peer, b"ann", b"two").result, "right")
        self.assertEqual(self.stats(auth)["cached"], 2)

    def test_a_table_with_a_mistake_does_not_serve(self):
        auth, peer = self.start("ann:{PLAIN}one\n")
        for users in ("ann:{PLAIN}two\nbob\n", ""):
            self.configure(auth, users)
            self.assertEqual(auth_verify(peer, b"ann", b"one").result, "right")
            self.assertEqual(auth_verify(peer, b"ann", b"two").result, "wrong")

    def test_failures_slow_and_then_refuse(self):
        auth, peer = self.start("ann:{PLAIN}one\n",
                                "auth { failures 3; slowest 1s; refuse 6; window 1h }")
        def took(password, client):
            began = time.monotonic()
            result = auth_verify(peer, b"ann", password, client=client).result
            return result, time.monotonic() - began
        for _ in range(9):  # a telephone with an old password
            self.assertEqual(took(b"old", b"\x7f\0\0\1")[0], "wrong")
        self.assertLess(took(b"one", b"\x7f\0\0\1")[1], 0.2)
        for i in range(2):
            took(b"new%d" % i, b"\x7f\0\0\1")
        for i in range(3):
            result, seconds = took(b"other%d" % i, b"\x7f\0\0\1")
            self.assertEqual(result, "wrong")
            self.assertGreater(seconds, (0.25, 0.5, 1)[i])
        # He is known there, but it is the address that is refused.
        result, seconds = took(b"one", b"\x7f\0\0\1")
        self.assertEqual(result, "slow")
        self.assertLess(seconds, 0.2)
        result, seconds = took(b"one", b"\x7f\0\0\2")  # the user's failures
        self.assertEqual(result, "right")
        self.assertGreater(seconds, 1)
        self.assertLess(took(b"one", b"\x7f\0\0\2")[1], 0.2)  # he is known there now
        self.assertEqual(self.stats(auth)["slow"], 1)

    def test_a_broken_secret_beside_a_good_one(self):
        """It may have been the right one, says the answer; but who guesses is slowed."""
        auth, peer = self.start("ann:{ARGON2}abc {PLAIN}one\n",
                                "auth { failures 3; slowest 1s; refuse 6; window 1h }")
        self.assertEqual(auth_verify(peer, b"ann", b"one").result, "right")
        for i in range(6):
            v = auth_verify(peer, b"ann", b"guess%d" % i, client=b"\x7f\0\0\1")
            self.assertEqual(v.result, "cannot")
        v = auth_verify(peer, b"ann", b"guess", client=b"\x7f\0\0\1")
        self.assertEqual(v.result, "slow")
        stats = self.stats(auth)
        self.assertEqual((stats["cannot"], stats["wrong"], stats["slow"]), (6, 0, 1))

    def test_tokens(self):
        tokens = {"ann t1": "ann", "ann t2": "bob", " t3": "ANN", " t4": "eve", "ann t5": "ann\tx"}
        with Socketmap({"oauth": tokens}) as sm:
            block = f'auth {{ tokens "{sm.where}"; failures 100 }}'
            _, peer = self.start("ann:x\nbob:x\n", block, args=("--servers", "yes"))
            self.assertEqual(self.offers(peer), {b"users": (17, 17)})

            def ask(user, token):
                auth_ask(peer, "AUTH_TOKEN", user, octets(token), mechanism=b"OAUTHBEARER")
                v = auth_answer(peer)
                return v.result, v.user
            for user, token, want in (
                    (b"ann", b"t1", ("right", "ann")), (b"", b"t3", ("right", "ann")),
                    (b"ann", b"t2", ("wrong", "")), (b"", b"t4", ("wrong", "")),
                    (b"ann", b"t5", ("wrong", "")), (b"ann", b"t9", ("wrong", "")),
                    (b"ann", b"t1 x", ("wrong", "")), (b"a nn", b"t1", ("wrong", "")),
                    (b"", b"", ("wrong", ""))):
                self.assertEqual(ask(user, token), want, (user, token))
            self.assertNotIn("oauth ann t1 x", sm.asked)
            for answer in (b"9:TEMP down,", b"8:PERM bad,", b"nonsense", b"4:OK ann,", b"7:OK ann,,"):
                sm.answer = answer
                self.assertEqual(ask(b"ann", b"t1")[0], "cannot", answer)
            sm.answer = None
            wait_for(lambda: ask(b"ann", b"t1") == ("right", "ann"), step=0.3)
            sm.stop()
            self.assertEqual(ask(b"ann", b"t1")[0], "cannot")
            sm.start()
            wait_for(lambda: ask(b"ann", b"t1") == ("right", "ann"), step=0.3)

    def test_many_at_once(self):
        _, peer = self.start("".join(f"u{i}:{{PLAIN}}p{i}\n" for i in range(200)))
        for i in range(200):
            auth_ask(peer, "AUTH_VERIFY", b"u%d" % i, octets(b"p%d" % i), ticket=i,
                     client=bytes((10, 0, 0, i)))
        answers = [auth_answer(peer) for _ in range(200)]
        self.assertEqual({v.ticket: (v.result, v.user) for v in answers},
                         {i: ("right", f"u{i}") for i in range(200)})


class Whole(unittest.TestCase):
    """The server starts it, gives it what changes, and another when it dies."""

    def login(self, s, user, password):
        with smtplib.SMTP("127.0.0.1", s.port, timeout=PATIENCE) as c:
            c.ehlo()
            try:
                return c.auth("PLAIN", lambda _=None: f"\0{user}\0{password}")[0]
            except smtplib.SMTPAuthenticationError as e:
                return e.smtp_code

    def test_a_life(self):
        with Server(policy("auth { failures 50 }"), tables={"users": "ann:{PLAIN}one\nbob:x\n"}) as s:
            self.assertEqual(self.login(s, "ann", "one"), 235)
            self.assertEqual(self.login(s, "ann", "two"), 535)
            self.assertEqual(self.login(s, "eve", "one"), 535)
            self.assertRegex(s.log(), r"login result=wrong client=127\.0\.0\.1 user=eve "
                                      r"mechanism=PLAIN service=smtp map=users")
            self.assertNotIn("AGFubgBvbmU", s.log())
            s.write("users", "ann:{PLAIN}two\nbob:{PLAIN}three\n")
            wait_for(lambda: self.login(s, "bob", "three") == 235, step=0.3)
            self.assertEqual(self.login(s, "ann", "one"), 535)
            self.assertEqual(self.login(s, "ann", "two"), 235)
            self.assertIn("auth", s.waybill("status").stdout)

    def test_a_broken_secret_is_told_of(self):
        with Server(policy(), tables={"users": "bob:x\nann:{ARGON2}abc {PLAIN}one\n"}) as s:
            self.assertEqual(self.login(s, "ann", "one"), 235)
            self.assertEqual(self.login(s, "ann", "two"), 454)
            self.assertRegex(s.log(), r'login result=cannot client=127\.0\.0\.1 user=ann .*'
                                      r'why="no such scheme; there are CRYPT')
            self.assertRegex(s.log(), r"index\[\d+\] warn table map=users file=\S+/users line=2 "
                                      r'column=6 problem="no such scheme')
            self.assertNotIn("ARGON2", s.log())

    def test_who_is_killed_is_followed(self):
        with Server(policy(), tables={"users": "ann:{PLAIN}one\n"},
                    env={"WAYBILL_TEST_KILL": f"auth:{TYPES.index('AUTH_VERIFY')}"}) as s:
            self.assertEqual(self.login(s, "ann", "one"), 235)  # asked again
            self.assertRegex(s.log(), r"process=auth pid=\d+ event=died signal=9")
            self.assertEqual(self.login(s, "ann", "two"), 535)

    @unittest.skipUnless(os.path.exists(f"{PAM_MODULES}/pam_matrix.so") and WITH_PAM and not SANITIZED,
                         "needs PAM, pam_wrapper, and a program that can be preloaded")
    def test_users_of_the_system(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            os.chmod(folder, 0o755)
            module = f"required {PAM_MODULES}/pam_matrix.so passdb={folder}/passdb\n"
            for name, text in (("passdb", "daemon:sesame:waybill\n"),
                               ("waybill", f"auth {module}account {module}")):
                with open(f"{folder}/{name}", "w", encoding="ascii") as f:
                    f.write(text)
            env = {"LD_PRELOAD": "libpam_wrapper.so", "PAM_WRAPPER": "1",
                   "PAM_WRAPPER_SERVICE_DIR": folder}
            with Server(policy().replace('text "users" as accounts', "passwd"), env=env) as s:
                self.assertEqual(self.login(s, "daemon", "sesame"), 235)
                self.assertEqual(self.login(s, "daemon", "Sesame"), 535)
                self.assertEqual(self.login(s, "tester", "sesame"), 535)
                self.assertEqual(self.login(s, "daemon", "sesame"), 235)

    def test_without_logins_it_is_not_there(self):
        text = policy().replace("{ auth offered; auth in clear; accounts users;  }", "")
        with Server(text, tables={"users": "ann:{PLAIN}one\n"}) as s:
            self.assertNotIn("auth", s.processes())
            s.set_policy(policy())
            s.waybill("reload")
            wait_for(lambda: "auth" in s.processes())
            wait_for(lambda: self.login(s, "ann", "one") == 235, step=0.3)


if __name__ == "__main__":
    unittest.main()
