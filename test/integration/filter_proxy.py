"""A content filter for tests: takes mail by SMTP (or LMTP), and gives it back by SMTP.

    with FilterProxy(back=("127.0.0.1", port)) as f: ...
        f.seen         # a dict for each message: xforward, from, rcpts (whole arguments), data

`mark` is put before the content as a field X-Filter.  script(message) may return a reply
(bytes) in the place of giving it back.  Where `xforward` is true, attributes are taken and
told again.  It answers only when the message has been given back.
"""
import re
import smtplib
import socketserver
import threading

from sink import Sink

WORDS = "NAME ADDR PORT PROTO HELO IDENT SOURCE"


class FilterProxy(Sink):
    def __init__(self, back, mark="seen", script=None, xforward=True, lmtp=False, path=None,
                 extensions=("PIPELINING", "SIZE 100000000", "8BITMIME", "SMTPUTF8", "DSN")):
        self.back, self.mark, self.decide, self.seen = back, mark, script, []
        self.told = {}
        names = [*extensions, *(["XFORWARD " + WORDS] if xforward else [])]
        super().__init__(script=self.play, lmtp=lmtp, path=path, extensions=names)

    def play(self, verb, argument, session):
        if verb == "XFORWARD":
            told = self.told.setdefault(session, {})
            told.update(word.split("=", 1) for word in argument.split())
        if verb == "MAIL":
            session.mail = argument
        if verb == "RCPT":
            session.rcpt_arguments = [*getattr(session, "rcpt_arguments", []), argument]
        if verb == ".":
            return self.take(argument, session)
        return None

    def take(self, content, session):
        message = {"xforward": self.told.pop(session, {}), "from": session.mail,
                   "rcpts": session.rcpt_arguments, "data": content}
        session.rcpt_arguments = []
        with self.lock:
            self.seen.append(message)
        reply = self.decide(message) if self.decide else None
        return reply if reply is not None else self.give_back(message)

    def give_back(self, message):
        with smtplib.SMTP(*self.back, timeout=20) as c:
            c.ehlo("filter.test")
            c.command_encoding = "utf-8"
            if message["xforward"]:
                c.docmd("XFORWARD", " ".join(f"{k}={v}" for k, v in message["xforward"].items()))
            code, text = c.docmd("MAIL", re.sub(r" SIZE=\d+", "", message["from"]))
            if code // 100 == 2:
                for rcpt in message["rcpts"]:
                    code, text = c.docmd("RCPT", rcpt)
            if code // 100 == 2:
                code, text = c.data(b"X-Filter: " + self.mark.encode() + b"\r\n" + message["data"])
        return f"{code} ".encode() + text.splitlines()[0] + b"\r\n"
