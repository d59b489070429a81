"""Messages for hops that lack something, converted, and read by Python's email parser: what it decodes
is the same before and after, and nothing is left that the hop cannot take."""
import email
import email.header
import email.policy
import email.utils
import os
import random
import re
import subprocess
import unittest

from server import BUILD

QUERY = f"{BUILD}/test/integration/downgrade_query"
UMLAUTS = "grüße\r\nan alle\r\n"
SIGNED = (b"Content-Type: multipart/signed; boundary=s; protocol=\"application/pgp-signature\"\r\n"
          b"%s\r\n--s\r\nContent-Type: text/plain; charset=utf-8\r\n"
          b"Content-Transfer-Encoding: 8bit\r\n\r\n%s\r\n--s\r\n"
          b"Content-Type: application/pgp-signature\r\n\r\nAAAA\r\n--s--\r\n")


def ask(message, lacks, piece=65536):
    """(first word, rest of what is said, the converted message)"""
    r = subprocess.run([QUERY, lacks, str(piece)], input=message, capture_output=True, check=True, timeout=60)
    said = r.stderr.decode().strip()
    word, _, rest = said.partition(" ")
    return ("as is", "", message) if word == "as" else (word, rest, r.stdout)


def leaves(message):
    """What a reader sees: type, file name and decoded octets of each part."""
    out = []
    for part in email.message_from_bytes(message).walk():
        if part.is_multipart():
            continue
        out.append((part.get_content_type(), file_name(part), part.get_payload(decode=True)))
    return out


def file_name(part):
    """As email.policy.SMTPUTF8 reads it, so that UTF-8 as it is and RFC 2231 are one."""
    for name in ("Content-Disposition", "Content-Type"):
        text = part.get(name)
        if text is None:
            continue
        raw = str(text).encode("ascii", "surrogateescape").decode("utf-8", "replace")
        one = email.message_from_string(f"{name}: {raw}\n\n", policy=email.policy.SMTPUTF8)
        found = one[name].params
        for key in ("filename", "name"):
            if key in found:
                return found[key]
    return None


def text_of(raw):
    """A field's text: unfolded, encoded words decoded."""
    raw = raw.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    raw = re.sub(r"\r?\n(?=[ \t])", "", raw)
    parts = email.header.decode_header(raw)
    text = "".join(p if isinstance(p, str) else p.decode(c or "raw-unicode-escape") for p, c in parts)
    return re.sub(r"[ \t]+", " ", text).strip()


def fields(message):
    """Of the first header: what was there before, without labels, which may change."""
    m = email.message_from_bytes(message)
    return [(k.lower(), v) for k, v in m.raw_items()
            if k.lower() not in ("mime-version", "content-transfer-encoding", "content-type")]


class Same(unittest.TestCase):
    maxDiff = None

    def clean(self, out, lacks):
        if "e" in lacks:
            self.assertTrue(out.isascii(), out)
        if "u" in lacks:
            self.assertTrue(out.partition(b"\r\n\r\n")[0].isascii(), out)
        if "b" in lacks:
            self.assertNotIn(b"\0", out)
            self.assertIsNone(re.search(rb"\r(?!\n)|(?<!\r)\n", out), out)
            body = out.partition(b"\r\n\r\n")[2]
            self.assertLessEqual(max(map(len, body.split(b"\r\n"))), 998)

    def converts(self, message, lacks="eb"):
        word, what, out = ask(message, lacks)
        self.assertEqual(word, "converted", what)
        self.clean(out, lacks)
        self.assertEqual(leaves(out), leaves(message), out)
        for piece in (1, 7):
            if len(message) < 20000:
                self.assertEqual(ask(message, lacks, piece), (word, what, out))
        again, _, _ = ask(out, lacks)
        self.assertEqual(again, "as is")
        return out

    def refuses(self, message, status, lacks="eb"):
        for piece in (65536, 1):
            word, what, out = ask(message, lacks, piece)
            self.assertEqual((word, what.split(" ")[0], out), ("refused", status, b""), what)
        return what


class Bodies(Same):
    def test_text_stays_readable(self):
        out = self.converts(b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                            b"Content-Transfer-Encoding: 8bit\r\n\r\n" + UMLAUTS.encode())
        self.assertIn(b"Content-Transfer-Encoding: quoted-printable\r\n\r\ngr=C3=BC=C3=9Fe\r\nan alle\r\n", out)
        self.assertEqual(out.count(b"Transfer-Encoding"), 1)

    def test_other_scripts_are_shorter_in_base64(self):
        out = self.converts(b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
                            + "привет\r\n".encode() * 20)
        self.assertIn(b"Content-Transfer-Encoding: base64\r\n", out)

    def test_what_has_no_label_gets_one(self):
        out = self.converts(b"Subject: x\r\n\r\ngr\xfc\xdfe\r\n")
        self.assertEqual(out, b"Subject: x\r\nMIME-Version: 1.0\r\n"
                         b"Content-Type: text/plain; charset=unknown-8bit\r\n"
                         b"Content-Transfer-Encoding: quoted-printable\r\n\r\ngr=FC=DFe\r\n")

    def test_ascii_goes_as_it_is(self):
        for body in (b"plain\r\n", b""):
            m = (b"Subject: x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body)
            self.assertEqual(ask(m, "ebu")[0], "as is")

    def test_only_parts_that_need_it_change(self):
        m = (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"a b\"\r\n"
             b"Content-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n--a b\r\n\r\nplain\r\n--a b  \r\n"
             b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit (so)\r\n\r\n"
             b"<p>gr\xc3\xbcn</p>\r\n--a b\r\nContent-Transfer-Encoding: base64\r\n"
             b"Content-Type: image/png\r\n\r\niVBORw0KGgo=\r\n--a b\r\nContent-Type: text/plain\r\n"
             b"Content-Transfer-Encoding: 8BIT\r\n\r\nascii\r\n--a b--\r\nepilogue\r\n")
        out = self.converts(m)
        self.assertIn(b"boundary=\"a b\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\npreamble\r\n--a b\r\n", out)
        self.assertIn(b"<p>gr=C3=BCn</p>\r\n--a b\r\n", out)
        self.assertIn(b"Content-Transfer-Encoding: 7bit\r\n\r\nascii\r\n--a b--\r\nepilogue\r\n", out)
        self.assertIn(b"\r\n\r\niVBORw0KGgo=\r\n", out)

    def test_messages_in_messages(self):
        inner = (b"From: a@b.example\r\nSubject: =?utf-8?q?=C3=BC?= gr\xc3\xbcn\r\n\r\n" + UMLAUTS.encode())
        m = (b"MIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n" + inner +
             b"--d\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + inner +
             b"\r\n--d--\r\n")
        out = self.converts(m)
        self.assertEqual(out.count(b"charset=unknown-8bit"), 2)
        self.assertEqual(out.count(b"MIME-Version"), 3)
        subjects = [text_of(p["Subject"]) for p in email.message_from_bytes(out).walk() if p["Subject"]]
        self.assertEqual(subjects, ["ü grün"] * 2)

    def test_blanks_at_the_end_of_lines_survive(self):
        self.converts(b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
                      + "ü \r\n\t\r\n x\t \r\n".encode() + b"=" * 200 + b"\r\n.\r\nFrom here\r\n")

    def test_binary(self):
        octets = bytes(range(256)) * 9
        for label in (b"binary", b"8bit"):
            m = (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
                 b"Content-Transfer-Encoding: " + label + b"\r\n\r\n--b\r\nContent-Type: image/x\r\n"
                 b"Content-Transfer-Encoding: " + label + b"\r\n\r\n" + octets + b"\r\n--b--\r\n")
            out = self.converts(m)
            self.assertIn(b"Transfer-Encoding: base64", out)
            out = self.converts(m, "b")
            self.assertEqual(b"Content-Transfer-Encoding: 8bit" in out, True)

    def test_long_lines(self):
        m = (b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 999 + b"\r\n")
        self.converts(m)
        self.assertEqual(ask(m.replace(b"x" * 999, b"x" * 998), "eb")[0], "as is")
        out = self.converts(b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                            + b"YWJj" * 400 + b"\r\n")
        self.assertEqual(max(map(len, out.split(b"\r\n"))), 76)
        self.converts(b"Content-Type: text/plain; charset=utf-8\r\n"
                      b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=C3=BC \xc3\xbc" * 300 + b"\r\n")

    def test_a_last_line_without_its_end(self):
        for end in (b"", b"\r\n", b"\r", b"\n"):
            m = b"Content-Type: image/x\r\n\r\n" + os.urandom(100) + b"\0\xff" + end
            self.converts(m)
            self.converts(b"Content-Type: text/plain\r\n\r\n" + b"gr\xfc" * 9 + end)

    def test_any_octets_in_any_parts(self):
        rnd = random.Random(7)
        for _ in range(40):
            self.converts(message(rnd, rnd.choice((b"\xc3\xbc a", b"\xff\0\r", bytes(range(256))))))

    def test_text_outside_of_parts_is_left_out_where_it_cannot_go(self):
        out = self.converts(b"Content-Type: multipart/mixed; boundary=b\r\n\r\ngr\xc3\xbcn\r\n--b\r\n\r\nx\r\n"
                            b"--b--\r\ngr\xc3\xbcn\r\n")
        self.assertEqual(out.partition(b"\r\n\r\n")[2].strip(), b"--b\r\n\r\nx\r\n--b--")

    def test_messages_of_other_kinds_are_encoded(self):
        for kind in (b"message/global", b"message/delivery-status"):
            m = (b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: " + kind +
                 b"\r\n\r\nSubject: gr\xc3\xbcn\r\n\r\nx\r\n--b--\r\n")
            out = ask(m, "eb")[2]
            self.assertIn(b"Transfer-Encoding: quoted-printable\r\n\r\nSubject: gr=C3=BCn\r\n\r\nx", out)


class Refused(Same):
    def test_what_is_signed_as_a_part(self):
        self.refuses(SIGNED % (b"", b"gr\xc3\xbcn"), "5.6.3")
        self.refuses(SIGNED.replace(b"signed", b"encrypted") % (b"", b"gr\xc3\xbcn"), "5.6.3")
        self.assertEqual(ask(SIGNED % (b"", b"ascii"), "ebu")[0], "as is")

    def test_around_it_may_be_changed(self):
        signed = SIGNED % (b"Content-Transfer-Encoding: 8bit\r\n", b"ascii")
        out = self.converts(b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n" + signed +
                            b"--m\r\n\r\ngr\xc3\xbcn\r\n--m--\r\n")
        self.assertIn(signed.replace(b"Encoding: 8bit\r\n\r\n--s", b"Encoding: 7bit\r\n\r\n--s")
                      .partition(b"\r\n\r\n")[2], out)

    def test_what_readers_may_see_in_two_ways(self):
        for m in (b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\ngr\xfcn\r\n--b--\r\n",
                  b"Content-Type: multipart/mixed; boundary=b\r\n\r\ngr\xfcn\r\n",
                  b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\ngr\xfcn\r\n",
                  b"Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: base64\r\n\r\ngr\xfcn\r\n",
                  b"Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\ngr\xfcn\r\n",
                  b"Content-Transfer-Encoding: x-uuencode\r\n\r\ngr\xfcn\r\n",
                  b"Content-Type: message/partial; id=1\r\n\r\nSubject: gr\xfcn\r\n"):
            self.refuses(m, "5.6.3")

    def test_fields(self):
        for field in (b"Subject: gr\xfcn", b"From: J\xf6rg <j@x.example>", b"gr\xc3\xbcn: x",
                      b"Content-Type: text/plain; name=gr\xfcn", b"Content-Type: a/b; boundary=gr\xc3\xbcn"):
            self.refuses(field + b"\r\n\r\nx\r\n", "5.6.3")
        for field in ("From: Jörg <jörg@x.example>", "To: a@b.example, <ü@x.example>", "Message-ID: <ü@x.example>",
                      "Received: with ü"):
            self.refuses(field.encode() + b"\r\n\r\nx\r\n", "5.6.7", "u")

    def test_too_deep(self):
        m = b"Content-Type: message/rfc822\r\n\r\n" * 40 + b"\r\n%s\r\n"
        self.refuses(m % b"gr\xc3\xbcn", "5.6.3")
        self.assertEqual(ask(m % b"ascii", "ebu")[0], "as is")

    def test_a_field_without_end(self):
        self.refuses(b"Subject: " + b"\r\n x" * 80000 + b"\r\n\r\n\xc3\xbc\r\n", "5.6.3")


class Headers(Same):
    def one(self, field, lacks="u"):
        """The field in ASCII."""
        m = field.encode() + b"\r\nX-End: x\r\n\r\nx\r\n"
        word, what, out = ask(m, lacks)
        self.assertEqual(word, "converted", what)
        for piece in (1, 5):
            self.assertEqual(ask(m, lacks, piece)[2], out)
        self.assertTrue(out.isascii())
        head = out.partition(b"\r\nX-End")[0].decode()
        for line in head.split("\r\n"):
            self.assertLessEqual(len(line), 76 if "=?" in line else 998, line)
            self.assertRegex(line, r"\S")
        return head

    def same_text(self, field):
        head = self.one(field)
        self.assertEqual(text_of(head.partition(":")[2]), text_of(field.partition(":")[2]), head)

    def test_text(self):
        self.assertEqual(self.one("Subject: Grüße an alle"), "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle")
        self.assertEqual(self.one("Subject:ü"), "Subject:=?utf-8?q?=C3=BC?=")
        for text in ("ü ü", "a ü  ü b", "=?utf-8?q?a?= ü", "ü =?utf-8?q?a?=", "ü\r\n ü\r\n b", "ü" * 300,
                     "wörter " * 60, "ascii " * 30 + "ü", "привет мир " * 20, "a=?b ü_ü?=", "\"ü\" (ü) <ü>",
                     "x" * 100 + "ü", "🙂" * 40, "ü " + "y" * 200 + " ü"):
            self.same_text("Subject: " + text)
            self.same_text("X-Anything: " + text)

    def test_addresses(self):
        for field, names in (
                ("From: Jörg Müller <j@x.example>", [("Jörg Müller", "j@x.example")]),
                ("To: \"Müller, Jörg\" <j@x.example>, a@b.example (größer), <c@d.example>",
                 [("Müller, Jörg", "j@x.example"), ("größer", "a@b.example"), ("", "c@d.example")]),
                ("Cc: =?utf-8?q?J=C3=B6rg?= Müller <j@x.example>", [("Jörg Müller", "j@x.example")]),
                ("Reply-To: Büro<j@bücher.example>", [("Büro", "j@xn--bcher-kva.example")]),
                ("To: Gruppe: Jörg <j@x.example>, b@c.example;", None),
                ("To: Größe: Jörg <j@x.example>;", None),
                ("From: ä@b.example <a@b.example>", [("ä@b.example", "a@b.example")])):
            head = self.one(field)
            if names is None:
                self.assertIn("j@x.example", head)
                continue
            text = re.sub(r"\r\n", "", head.partition(":")[2])
            read = [(text_of(n), a) for n, a in email.utils.getaddresses([text])]
            self.assertEqual(read, names, head)

    def test_parameters(self):
        for kind in ("Content-Disposition: attachment; filename=", "Content-Type: application/x; x=1; name="):
            for name in ("grün.pdf", "grün und \\\"blau\\\".pdf", "ü" * 100 + ".pdf"):
                m = f"{kind}\"{name}\"; size=3\r\n\r\nx\r\n".encode()
                word, what, out = ask(m, "u")
                self.assertEqual(word, "converted", what)
                self.assertTrue(out.isascii())
                self.assertEqual(email.message_from_bytes(out).get_filename(), name.replace("\\", ""))
                self.assertIn(b"size=3", out)

    def test_received(self):
        head = self.one("Received: from ü (bücher.example [192.0.2.1]) by bücher.example (größer)\r\n"
                        "\twith UTF8SMTP id X\r\n\tfor <jörg@x.example>; Fri, 1 Jan 2027 00:00:00 +0000")
        self.assertRegex(head, r"\bby\s+xn--bcher-kva.example \(")
        self.assertNotIn("for ", head)
        self.assertEqual(text_of(re.search(r"id X\s+\((.*?)\);", head, re.S)[1]), "<jörg@x.example>")

    def test_parts_have_headers_too(self):
        m = ("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
             "Content-Disposition: attachment; filename=\"grün.pdf\"\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "\r\ngrün\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: grün\r\nFrom: ü@x.example\r\n\r\nx\r\n"
             "--b--\r\n").encode()
        word, _, out = ask(m, "u")
        self.assertEqual(word, "converted")
        self.assertIn(b"filename*=utf-8''gr%C3%BCn.pdf\r\n", out)
        self.assertIn("\r\n\r\ngrün\r\n--b\r\n".encode(), out)      # bodies may be 8-bit there,
        self.assertIn("Subject: grün\r\nFrom: ü@x".encode(), out)  # and messages in them

    def test_signatures_are_told(self):
        m = b"DKIM-Signature: v=1; a=x\r\nSubject: x\r\n\r\ngr\xc3\xbcn\r\n"
        self.assertEqual(ask(m, "eb")[:2], ("converted", "body signed"))

    def test_long_lines_are_folded(self):
        m = b"References: " + b"<abcdefgh@x.example> " * 100 + b"\r\nX-Token: " + b"x" * 1200 + b"\r\n\r\nx\r\n"
        word, _, out = ask(m, "eb")
        self.assertEqual(word, "converted")
        self.assertLessEqual(len(out.partition(b"\r\nX-Token")[0].split(b"\r\n")[0]), 998)
        self.assertEqual(out.replace(b"\r\n <", b" <"), m)


def message(rnd, octets, depth=0):
    """A random tree of parts."""
    head = b"MIME-Version: 1.0\r\n" if depth == 0 else b""
    label = rnd.choice((b"", b"Content-Transfer-Encoding: 8bit\r\n", b"Content-Transfer-Encoding: binary\r\n"))
    kind = rnd.choice(("leaf", "text", "multi", "multi", "message")) if depth < 4 else "leaf"
    if kind == "multi":
        bound = b"b%d" % rnd.randrange(10 ** 9)
        parts = b"".join(b"\r\n--" + bound + b"\r\n" + message(rnd, octets, depth + 1)
                         for _ in range(rnd.randrange(1, 4)))
        return (head + b"Content-Type: multipart/mixed; boundary=" + bound + b"\r\n" + label + b"\r\n" + parts +
                b"\r\n--" + bound + b"--\r\n")
    if kind == "message":
        return head + b"Content-Type: message/rfc822\r\n" + label + b"\r\n" + message(rnd, octets, 0)
    body = b"".join(rnd.choice((octets, b"text ", b"=20 ", b"\r\n", b"--", b"x" * 90))
                    for _ in range(rnd.randrange(30))) + octets
    # Python's reader takes bare CR and LF for line ends, and "\r" or "\n" beside the boundary for its own.
    if kind == "text":
        return head + b"Content-Type: text/plain; charset=utf-8\r\n" + label + b"\r\n" + b"gr\xc3\xbcn\r\n" + body + b"."
    return head + b"Content-Type: application/x\r\n" + label + b"\r\n" + body + b"."


if __name__ == "__main__":
    unittest.main()
