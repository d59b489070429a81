"""What every table of a server must do, whichever server it is (a mixin of tests)."""
import time

from asked import Refused
from server import wait_for

LONG = "k" * 1000
UTF8 = "jürgen.größe@bücher.example"
# Nobody has these; each would find or break something where it is not kept apart.
HOSTILE = [
    "' or 1=1 --", "'; drop table people; --", '" or ""="', "x' union select 'y", "\\", "\\'",
    "*", "ann*", "*)(uid=*", "ann)(|(uid=*", "(uid=ann)", "ann,dc=test", "#x", " ann", "ann ",
    "\r\nset x y", "ann\r\nget mail:ann", "*1\r\n$4\r\nping\r\n", "5:hello,", "ann ann",
    "$1", "?1", "{key}", "{user}@{domain}", "%s", "%", "_nn", "a\tb", "\x7f", "\x01",
    "ann\x00", "\x00", "a\x00b", b"\xff\xfe", b"ann\xc3", b"\xed\xa0\x80", "k" * 999,
    "k" * 1024, "@", "@@", "a@", "@b",
]


class Cases:
    """Wants: table(**options), backend, and the people ann, '', LONG and UTF8 in it."""

    def found(self, t, key, value):
        self.assertEqual(t.ask(key), ("found", value if isinstance(value, bytes)
                                      else value.encode()))

    def soon(self, t, key="ann", value=b"ann@x", seconds=None):
        """Back-off ends: the answer comes some time."""
        wait_for(lambda: t.ask(key) == ("found", value), seconds, 0.1)

    def refused(self, word, **options):
        with self.assertRaises(Refused) as e:
            self.table(**options)
        self.assertIn(word, str(e.exception))

    def fails(self, result, word, key="ann", **options):
        with self.table(**options) as t:
            got = t.ask(key)
        self.assertEqual(got[0], result, got)
        self.assertIn(word, got[1])

    def test_found_and_not_there(self):
        with self.table() as t:
            self.found(t, "ann", "ann@x")
            self.assertEqual(t.ask("bob"), ("none", ""))
            self.found(t, "ANN", "ann@x")
            self.found(t, LONG, "long@x")
            self.found(t, UTF8, "grüße@x")
            self.found(t, "blank", "")

    def test_keys_are_keys_whatever_is_in_them(self):
        with self.table() as t:
            asked = [(key, t.send(key)) for key in HOSTILE]
            for key, n in asked:
                self.assertEqual(t.answer(n), ("none", ""), key)
            self.found(t, "ann", "ann@x")
            self.assertEqual(t.log, [])

    def test_thousands_at_once_on_few_connections(self):
        with self.table(connections=3, timeout=60000) as t:
            asked = [t.send("ann" if i % 3 else "bob") for i in range(3000)]
            for i, n in enumerate(asked):
                self.assertEqual(t.answer(n), ("found", b"ann@x") if i % 3 else ("none", ""))
            stats = t.stats()
            self.assertLessEqual(stats["connections"], 3)
            self.assertGreaterEqual(stats["connections"], 1)

    def test_questions_that_are_given_up(self):
        with self.table(connections=1) as t:
            self.found(t, "ann", "ann@x")
            for _ in range(50):
                n, kept = t.send("ann"), t.send("bob")
                t.cancel(n)
                self.assertEqual(t.answer(kept), ("none", ""))
            self.found(t, "ann", "ann@x")

    def test_it_hangs_and_goes_on(self):
        with self.table(timeout=3000) as t:
            self.soon(t)
            self.backend.stop()
            try:
                result, why = t.ask("ann")
                self.assertEqual(result, "later", why)
                self.assertRegex(why, r"^no (answer|connection) within \d+ ms$")
                # The next need not wait for it.
                start = time.monotonic()
                self.assertEqual(t.ask("ann")[0], "later")
                self.assertLess(time.monotonic() - start, 3)
            finally:
                self.backend.go_on()
            self.soon(t)

    def test_it_is_closed_while_it_hangs(self):
        with self.table(timeout=3000) as t:
            self.soon(t)
            self.backend.stop()
            try:
                t.send("ann")
                t.close()
            finally:
                self.backend.go_on()

    def test_it_ends_and_comes_back(self):
        with self.table() as t:
            self.found(t, "ann", "ann@x")
            self.backend.kill()
            result, why = t.ask("ann")
            self.assertEqual(result, "later", why)
            self.assertRegex(why, self.GONE)
            self.backend.start()
            self.again()
            self.soon(t)
            self.found(t, "ann", "ann@x")

    def test_a_restart_between_two_questions_is_not_seen(self):
        with self.table() as t:
            self.found(t, "ann", "ann@x")
            self.backend.kill()
            self.backend.start()
            self.again()
            self.found(t, "ann", "ann@x")

    def test_nobody_listens(self):
        self.backend.kill()
        try:
            with self.table() as t:
                result, why = t.ask("ann")
                self.assertEqual(result, "later", why)
                self.assertRegex(why, self.GONE)
                self.assertEqual(t.ask("ann")[0], "later")
                # Said once, with the cause.
                said = wait_for(lambda: [line for line in t.log if "state=down" in line])
                self.assertEqual(len(said), 1)
                self.assertRegex(said[0], self.GONE)
        finally:
            self.backend.start()
            self.again()

    def again(self):
        """What a new server has forgotten."""
