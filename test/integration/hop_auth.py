"""The server's side of SASL for hop_script.py, with its own arithmetic: what a client says is
held against RFC 4616, 2195, 5802, 7677, 7628 and what others call LOGIN and XOAUTH2."""
import base64
import hashlib
import hmac
import json
import os

RIGHT, WRONG = b"235 2.7.0 welcome\r\n", b"535 5.7.8 not so\r\n"
HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}
ROUNDS = 4096


class Gone(Exception):
    """The client or the script has ended it."""


class Dialogue:
    def __init__(self, session, first):
        self.session, self.first = session, first

    def say(self, challenge):
        """Asks; the response, decoded."""
        line = self.session.ask(base64.b64encode(challenge))
        if line is None or line == b"*":
            raise Gone("*" if line else "script")
        return base64.b64decode(line)

    def initial(self):
        """What came with AUTH, or is asked for."""
        if self.first is None:
            return self.say(b"")
        return b"" if self.first == "=" else base64.b64decode(self.first)


def plain(d, logins):
    _, user, password = d.initial().split(b"\0")
    return user.decode(), logins.get(user.decode()) == password.decode()


def login_words(d, logins):
    user = (d.say(b"Username:") if d.first is None else d.initial()).decode()
    return user, logins.get(user) == d.say(b"Password:").decode()


def cram_md5(d, logins):
    challenge = b"<%s@sink.example>" % os.urandom(8).hex().encode()
    user, _, digest = d.say(challenge).decode().rpartition(" ")
    wanted = hmac.new(logins.get(user, "").encode(), challenge, "md5").hexdigest()
    return user, user in logins and hmac.compare_digest(wanted, digest)


def scram(d, logins, name):
    first = d.initial().decode()
    bare = first.split(",", 2)[2]
    fields = dict(f.split("=", 1) for f in bare.split(","))
    user = fields["n"].replace("=2C", ",").replace("=3D", "=")
    salt, nonce = os.urandom(12), fields["r"] + os.urandom(9).hex()
    server_first = f"r={nonce},s={base64.b64encode(salt).decode()},i={ROUNDS}"
    final = d.say(server_first.encode()).decode()
    without, _, proof = final.rpartition(",p=")
    said = dict(f.split("=", 1) for f in without.split(","))
    salted = hashlib.pbkdf2_hmac(name, logins.get(user, "").encode(), salt, ROUNDS)
    key = hmac.new(salted, b"Client Key", name).digest()
    message = f"{bare},{server_first},{without}".encode()
    signature = hmac.new(hashlib.new(name, key).digest(), message, name).digest()
    wanted = bytes(a ^ b for a, b in zip(key, signature))
    header = base64.b64decode(said["c"]).decode()
    right = user in logins and said["r"] == nonce and first.startswith(header) and \
        hmac.compare_digest(wanted, base64.b64decode(proof))
    if right:
        server = hmac.new(salted, b"Server Key", name).digest()
        d.say(b"v=" + base64.b64encode(hmac.new(server, message, name).digest()))
    return user, right


def token(d, logins, bearer):
    """RFC 7628, 3.2.3: a wrong one is told by JSON, to which the client says a dummy."""
    first = d.initial().decode()
    fields = dict(f.split("=", 1) for f in first.split("\1") if "=" in f)
    user = first.split(",a=", 1)[1].split(",", 1)[0] if bearer else fields["user"]
    right = fields.get("auth", "").removeprefix("Bearer ") == logins.get(user)
    if not right:
        d.say(json.dumps({"status": "invalid_token", "schemes": "bearer"}).encode())
    return user, right


MECHANISMS = {
    "PLAIN": plain, "LOGIN": login_words, "CRAM-MD5": cram_md5,
    **{m: (lambda d, logins, h=h: scram(d, logins, h)) for m, h in HASHES.items()},
    "XOAUTH2": lambda d, logins: token(d, logins, False),
    "OAUTHBEARER": lambda d, logins: token(d, logins, True),
}


def login(session, argument):
    """AUTH of a client, to its end; session.user is set, hop.tried has a line more."""
    mechanism, _, first = argument.partition(" ")
    dialogue = Dialogue(session, first or None)
    try:
        user, right = MECHANISMS[mechanism.upper()](dialogue, session.hop.logins)
    except Gone as e:
        if str(e) == "*":
            session.send(b"501 5.0.0 as you like\r\n")
        return
    except (ValueError, KeyError, IndexError):
        session.hop.tried.append((mechanism.upper(), None, False))
        session.send(b"501 5.5.2 not understood\r\n")
        return
    session.hop.tried.append((mechanism.upper(), user, right))
    if right:
        session.user = user
    session.send(RIGHT if right else WRONG)
