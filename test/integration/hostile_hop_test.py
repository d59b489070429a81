"""Next hops that are down, slow, silent, rude or mad, at each stage: what the relay process makes
of it, of whom it says so, and that nobody has the mail twice.  doc/smtp-client.md has the table."""
import re
import unittest

from hop_script import CLOSE, HANG, RESET, USUAL, Hop, bytewise, endless, in_turn, wait
from relay_test import CONTENT, EIGHTBIT, Relay, host
from server import free_port, wait_for

STAGES = ["", "EHLO", "MAIL", "RCPT", "DATA", "."]
WORDS = {"": "the greeting", "EHLO": "the answer to EHLO", "MAIL": "the answer to MAIL or RCPT",
         "RCPT": "the answer to MAIL or RCPT", "DATA": "the answer to DATA",
         ".": "the answer to the final dot"}


class Stages(unittest.TestCase):
    """The same at each stage, to hops that wait side by side."""

    def at_each_stage(self, action, extensions=("PIPELINING",), env=None, stages=STAGES, **kw):
        """{stage: (connected, result)}"""
        hops = [Hop({stage: action}, extensions=extensions) for stage in stages]
        try:
            with Relay(env=env) as r:
                jobs = {r.send(host(hop.port), **kw): stage for stage, hop in zip(stages, hops)}
                got = {}
                for _ in stages:
                    job, _, connected, results = r.answer()
                    got[jobs[job]] = (connected, results[0])
                return got
        finally:
            for hop in hops:
                hop.stop()

    def test_silence(self):
        got = self.at_each_stage(HANG, env={"WAYBILL_SMTP_SECONDS": "1"})
        for stage, (connected, result) in got.items():
            self.assertEqual((connected, result), (0, (
                451, "4.4.2", f"timed out while waiting for {WORDS[stage]}")), stage)

    def test_a_reset(self):
        got = self.at_each_stage(RESET)
        # One at once may come before connect() is known to have succeeded.
        self.assertIn(got.pop("")[1][1], ("4.4.1", "4.4.2"))
        for stage, (connected, result) in got.items():
            self.assertEqual((connected, result), (0, (
                451, "4.4.2", f"connection lost while waiting for {WORDS[stage]}: "
                "Connection reset by peer")), stage)

    def test_an_end(self):
        for extensions in (["PIPELINING"], []):
            got = self.at_each_stage(CLOSE, extensions)
            for stage, (connected, result) in got.items():
                self.assertEqual((connected, result[:2]), (0, (451, "4.4.2")), stage)
                # What was sent meanwhile may make a reset of it.
                self.assertIn(f"connection lost while waiting for {WORDS[stage]}", result[2])

    def test_nonsense(self):
        for words in (b"what?\r\n", b"\0\xff\xfe\r\n", b"2500 ok\r\n", b"299x\r\n", b"999 ok\r\n",
                      b"250-a\r\n251 b\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"):
            got = self.at_each_stage(words)
            for stage, (connected, result) in got.items():
                self.assertEqual((connected, result), (0, (
                    451, "4.5.0", f"not understood instead of {WORDS[stage]}")), (stage, words))

    def test_a_line_of_a_megabyte(self):
        got = self.at_each_stage(b"250-" + b"x" * (1 << 20) + b"\r\n250 ok\r\n")
        for stage, (connected, result) in got.items():
            self.assertEqual((connected, result[:2]), (0, (451, "4.5.0")), (stage, result))

    def test_a_reply_of_a_megabyte(self):
        got = self.at_each_stage((b"250-" + b"x" * 500 + b"\r\n") * 2000 + b"250 ok\r\n")
        for stage, (connected, result) in got.items():
            self.assertEqual((connected, result[:2]), (0, (451, "4.5.0")), (stage, result))

    def test_lines_without_end(self):
        for line in (b"250-more\r\n" * 50, b"x" * 5000):
            got = self.at_each_stage(endless(line))
            for stage, (connected, result) in got.items():
                self.assertEqual((connected, result[:2]), (0, (451, "4.5.0")), (stage, result))

    def test_421(self):
        got = self.at_each_stage([b"421 4.3.2 going down\r\n", CLOSE])
        for stage, (_, result) in got.items():
            self.assertEqual(result, (421, "4.3.2", "going down"), stage)

    def test_one_octet_at_a_time(self):
        """Of a whole session: slow, and nothing is wrong with it."""
        def slowly(verb, _argument, session):
            if verb in ("MAIL", "RCPT", ".", ""):
                return bytewise({"": b"220-x\r\n220 y\r\n", ".": b"250 2.6.0 yours\r\n"}.get(
                    verb, b"250-2.1.0 o\r\n250 2.1.0 k\r\n"))
            return None
        with Hop(slowly) as hop, Relay() as r:
            self.assertEqual(r.relay(host(hop.port))[2], [(250, "2.6.0", "yours")])

    def test_a_reply_that_drips_is_too_late(self):
        got = self.at_each_stage(bytewise(b"250-" + b"x" * 200, 0.05),
                                 env={"WAYBILL_SMTP_SECONDS": "1"}, stages=["", "RCPT", "."])
        for stage, (connected, result) in got.items():
            self.assertEqual((connected, result[:2]), (0, (451, "4.4.2")), stage)


class Replies(unittest.TestCase):
    def result(self, script, rcpts=("b@y.test",), **kw):
        with Hop(script, **kw) as hop, Relay() as r:
            _, connected, results = r.relay(host(hop.port), rcpts=rcpts)
            return connected, results, hop

    def test_more_replies_than_commands(self):
        for extensions in ([], ["PIPELINING"]):
            for stage, words in (("", b"220 x\r\n220 hi\r\n"), ("EHLO", b"250 x\r\n250 y\r\n"),
                                 ("DATA", b"354 go\r\n250 2.0.0 taken\r\n")):
                connected, results, hop = self.result({stage: words}, extensions=extensions)
                self.assertEqual((connected, results[0][:2]), (0, (451, "4.5.0")), stage)
                self.assertEqual(hop.messages, [])

    def test_answers_ahead_of_their_commands(self):
        """Without PIPELINING a reply to what was not said is no reply."""
        script = {"MAIL": b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n250 2.0.0 taken\r\n"}
        connected, results, hop = self.result(script, extensions=[])
        self.assertEqual((connected, results[0][:2]), (0, (451, "4.5.0")))
        self.assertNotIn(b"Subject", hop.wire[0])

    def test_250_to_data_is_no_354(self):
        connected, results, _ = self.result({"DATA": b"250 2.0.0 yes\r\n"})
        self.assertEqual((connected, results[0][:2]), (0, (451, "4.5.0")))

    def test_354_to_rcpt(self):
        connected, results, _ = self.result({"RCPT": b"354 go\r\n"})
        self.assertEqual((connected, results[0][:2]), (0, (451, "4.5.0")))

    def test_354_to_the_dot(self):
        connected, results, _ = self.result({".": b"354 more\r\n"})
        self.assertEqual((connected, results[0][:2]), (0, (451, "4.5.0")))

    def test_a_reply_before_the_dot(self):
        """A refusal in mid-content is taken; anything else is out of step."""
        with Relay() as r:
            for words, result in ((b"554 5.7.1 enough\r\n", (554, "5.7.1")),
                                  (b"452 4.3.1 full\r\n", (452, "4.3.1")),
                                  (b"250 2.0.0 early\r\n", (451, "4.5.0"))):
                script = {"DATA": [b"354 go\r\n", wait(0.3), words, HANG]}
                with Hop(script, rcvbuf=4096) as hop:
                    content = CONTENT + (b"x" * 70 + b"\r\n") * (1 << 17)
                    self.assertEqual(r.relay(host(hop.port), content=content, own_fd=True)[2][0][:2],
                                     result)

    def test_a_hop_that_never_reads(self):
        with Hop({"DATA": [b"354 go\r\n", HANG]}, rcvbuf=4096) as hop, \
                Relay(env={"WAYBILL_SMTP_SECONDS": "1"}) as r:
            content = CONTENT + b"x\r\n" * (4 << 20)
            _, connected, results = r.relay(host(hop.port), content=content, own_fd=True)
            self.assertEqual((connected, results[0]), (
                0, (451, "4.4.2", "timed out while waiting for the hop to take the content")))

    def test_it_reads_slowly_and_gets_all(self):
        def slow(session):
            for _ in range(20):
                session.send(b"")
                session.receive()
        with Hop({"DATA": [b"354 go\r\n", slow]}, rcvbuf=4096) as hop, Relay() as r:
            content = CONTENT + b"0123456789abcd\r\n" * (1 << 18)
            self.assertEqual(r.relay(host(hop.port), content=content, own_fd=True)[2][0][0], 250)
            self.assertEqual(hop.messages[0]["data"], content)

    def test_it_closes_after_the_dot_and_has_taken_it(self):
        """Nobody can know: it is sent again, and may be there twice."""
        with Hop({".": in_turn(CLOSE, None)}) as hop, Relay() as r:
            self.assertEqual(r.relay(host(hop.port))[2][0][:2], (451, "4.4.2"))
            self.assertEqual(r.relay(host(hop.port))[2][0][0], 250)
            self.assertEqual(len(hop.messages), 1)

    def test_it_closes_after_its_answer(self):
        """It is delivered; the next message has a connection of its own."""
        for end in (CLOSE, RESET):
            with Hop({".": [USUAL, end]}) as hop, Relay() as r:
                for n in (1, 2):
                    _, connected, results = r.relay(host(hop.port))
                    self.assertEqual((connected, results[0][0]), (1, 250))
                    self.assertEqual(len(hop.messages), n)

    def test_it_says_goodbye_while_idle(self):
        with Hop({".": [USUAL, b"421 4.4.2 idle for too long\r\n", CLOSE]}) as hop, Relay() as r:
            for _ in range(3):
                self.assertEqual(r.relay(host(hop.port))[2][0][0], 250)
            self.assertEqual(len(hop.messages), 3)

    def test_nobody_greets_an_address_but_the_next_does(self):
        def greet(_verb, _argument, session):
            return None if session.sock.getsockname()[0] == "127.0.0.1" else b"554 5.7.1 not you\r\n"
        with Hop({"": b"554 5.7.1 not you\r\n"}, host="127.0.0.2") as bad, \
                Hop(greet, port=bad.port) as good, Relay() as r:
            hops = f"host:[127.0.0.2]:{bad.port} host:[127.0.0.1]:{bad.port}"
            self.assertEqual(r.relay(hops)[2][0][0], 250)
            self.assertEqual((bad.sessions, len(good.messages)), (1, 1))

    def test_down(self):
        port = free_port()
        with Relay() as r:
            mta, connected, results = r.relay(host(port))
            self.assertEqual((mta, connected, results[0]), ("[127.0.0.1]", 0, (
                451, "4.4.1", f"cannot connect to [127.0.0.1]:{port}: Connection refused")))

    def test_words_that_would_hurt_a_log(self):
        words = b"550 5.1.1 \x1b[2J\0\xc3\xbc\" code=250\ttab\r\n"
        _, results, _ = self.result({"RCPT": words})
        self.assertEqual(results[0], (550, "5.1.1", '?[2J???" code=250 tab'))
        _, results, _ = self.result({"RCPT": b"550 5.1.1 " + b"x" * 4000 + b"\r\n"})
        self.assertEqual((results[0][:2], len(results[0][2])), ((550, "5.1.1"), 512))

    def test_ehlo_full_of_nonsense(self):
        offers = ["SIZE 99999999999999999999", "PIPELINING\tx", "\x01", "AUTH", "LIMITS RCPTMAX=-1",
                  "x" * 3000, *(f"X{i}" for i in range(80))]
        with Hop(extensions=offers) as hop, Relay() as r:
            self.assertEqual(r.relay(host(hop.port))[2][0][0], 250)


class Recipients(unittest.TestCase):
    """Each has the mail once, or its own answer."""

    def play(self, script, n=4, **kw):
        with Hop(script, **kw) as hop, Relay() as r:
            where = host(hop.port) if not kw.get("lmtp") else "lmtp:" + host(hop.port)[5:]
            _, connected, results = r.relay(where, rcpts=[f"r{i}@y.test" for i in range(n)])
            taken = [re.sub(r"@.*", "", t) for m in hop.messages for t in m["to"]]
            self.assertEqual(len(taken), len(set(taken)))
            return connected, [x[:2] for x in results], taken

    def test_mixed_answers(self):
        script = {"RCPT r1": b"550 5.1.1 who\r\n", "RCPT r2": b"450 4.2.1 busy\r\n",
                  "RCPT r3": b"452 4.2.2 full\r\n"}
        for extensions in ([], ["PIPELINING"]):
            self.assertEqual(self.play(script, extensions=extensions), (
                1, [(250, "2.0.0"), (550, "5.1.1"), (450, "4.2.1"), (452, "4.2.2")], ["r0"]))

    def test_421_in_mid(self):
        script = {"RCPT r0": b"550 5.1.1 who\r\n", "RCPT r2": [b"421 4.3.2 bye\r\n", CLOSE]}
        for extensions in ([], ["PIPELINING"]):
            self.assertEqual(self.play(script, extensions=extensions)[1:], (
                [(550, "5.1.1"), (421, "4.3.2"), (421, "4.3.2"), (421, "4.3.2")], []))

    def test_it_breaks_between_recipients(self):
        script = {"RCPT r0": b"550 5.1.1 who\r\n", "RCPT r2": RESET}
        self.assertEqual(self.play(script), (
            0, [(550, "5.1.1"), (451, "4.4.2"), (451, "4.4.2"), (451, "4.4.2")], []))

    def test_data_and_dot(self):
        for verb in ("DATA", "."):
            for words, result in ((b"451 4.3.0 not now\r\n", (451, "4.3.0")),
                                  (b"554 5.6.0 never\r\n", (554, "5.6.0"))):
                script = {"RCPT r1": b"550 5.1.1 who\r\n", verb: words}
                for extensions in ([], ["PIPELINING"]):
                    self.assertEqual(self.play(script, n=3, extensions=extensions), (
                        1, [result, (550, "5.1.1"), result], []))

    def test_lmtp_answers_each(self):
        script = {"RCPT r0": b"550 5.1.1 who\r\n",
                  ".": in_turn(None, b"452 4.2.2 full\r\n", [b"554 5.2.1 off\r\n", CLOSE])}
        self.assertEqual(self.play(script, lmtp=True, n=4), (
            1, [(550, "5.1.1"), (250, "2.0.0"), (452, "4.2.2"), (554, "5.2.1")], ["r1"]))

    def test_lmtp_ends_in_mid(self):
        script = {".": in_turn(None, [b"421 4.3.2 bye\r\n", CLOSE])}
        self.assertEqual(self.play(script, lmtp=True, n=3)[1:], (
            [(250, "2.0.0"), (421, "4.3.2"), (421, "4.3.2")], ["r0"]))

    def test_lmtp_has_too_many_answers(self):
        script = {".": [b"250 2.0.0 a\r\n", b"250 2.0.0 b\r\n", b"250 2.0.0 c\r\n"]}
        self.assertEqual(self.play(script, lmtp=True, n=1)[1], [(250, "2.0.0")])


class Octets(unittest.TestCase):
    def test_body_and_dot_leave_in_one_write(self):
        for extensions in ([], ["PIPELINING"]):
            with Hop(extensions=extensions) as hop, Relay() as r:
                for size in (0, 1000, 30000):
                    content = CONTENT + (b"x" * 62 + b"\r\n") * (size // 64)
                    r.relay(host(hop.port), content=content)
                    self.assertEqual(hop.messages[-1]["data"], content)
                    self.assertTrue(hop.talks[0].pieces[-1].startswith(b"Subject: dots"))
                    self.assertTrue(hop.talks[0].pieces[-1].endswith(b"\r\n.\r\n"))

    def test_envelopes_leave_in_one_write(self):
        with Hop() as hop, Relay() as r:
            r.relay(host(hop.port), rcpts=[f"r{i}@y.test" for i in range(100)])
            envelope = next(p for p in hop.talks[0].pieces if p.startswith(b"MAIL"))
            self.assertEqual((envelope.count(b"RCPT TO"), envelope[-6:]), (100, b"DATA\r\n"))

    def test_without_pipelining_one_command_at_a_time(self):
        with Hop(extensions=[]) as hop, Relay() as r:
            r.relay(host(hop.port), rcpts=["a@y.test", "b@y.test"])
            for piece in hop.talks[0].pieces:
                if not piece.startswith(b"Subject"):
                    self.assertEqual(piece.count(b"\r\n"), 1, piece)

    def test_a_chunk_leaves_with_its_command(self):
        with Hop(extensions=["CHUNKING", "BINARYMIME", "PIPELINING"]) as hop, Relay() as r:
            content = b"a\0b\n" * 100
            r.relay(host(hop.port), content=content, flags=8)
            self.assertEqual(hop.talks[0].pieces[-1], b"BDAT 400 LAST\r\n" + content)

    def test_text_goes_by_data_whatever_is_offered(self):
        with Hop(extensions=["CHUNKING", "BINARYMIME", "PIPELINING", "8BITMIME"]) as hop, \
                Relay() as r:
            r.relay(host(hop.port), flags=EIGHTBIT)
            self.assertIn(b"DATA", hop.talks[0].lines)

    def test_local_parts_that_are_quoted(self):
        rcpts = ['"a b"@y.test', '"a@b"@y.test', r'"a\"b\\"@y.test', '"<>"@y.test', '"."@y.test',
                 '""@y.test', '"b"@y.test']
        with Hop() as hop, Relay() as r:
            results = r.relay(host(hop.port), rcpts=rcpts, sender=r'"s \" s"@x.test')[2]
            self.assertEqual({x[0] for x in results}, {250})
            self.assertEqual(hop.messages[0]["to"], rcpts)
            self.assertTrue(hop.messages[0]["from"].startswith(r'FROM:<"s \" s"@x.test>'))


if __name__ == "__main__":
    unittest.main()
