"""Tables of SQLite files, of socketmap servers, and of what asks the name servers."""
import os
import shutil
import signal
import socket
import sqlite3
import tempfile
import threading
import time
import unittest

import asked_cases
from asked import Asked
from backends import SocketMap
from server import wait_for


class Folder(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="waybill-test-")
        self.addCleanup(shutil.rmtree, self.dir)


# --- socketmap

class FakeDaemon(SocketMap):
    """Can be ended and started again on the same port; hangs when it is told to."""
    hangs = False

    def stop(self):
        self.hangs = True

    def go_on(self):
        self.hangs = False

    def kill(self):
        self.close()

    def start(self):
        port = self.port
        self.hangs = False
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("127.0.0.1", port))
        self.sock.listen(100)
        threading.Thread(target=self.serve, daemon=True).start()


PEOPLE = {b"ann": "ann@x", b"blank": "", asked_cases.LONG.encode(): "long@x",
          asked_cases.UTF8.encode(): "grüße@x"}


class SocketTable(asked_cases.Cases, unittest.TestCase):
    GONE = r"Connection refused|Connection reset|closed the connection"

    def setUp(self):
        self.backend = FakeDaemon({})
        self.backend.values = self
        self.addCleanup(self.backend.sock.close)

    def get(self, key, default):
        while self.backend.hangs:
            time.sleep(0.02)
        return PEOPLE.get(key, default)

    def table(self, where=None, **options):
        options.setdefault("map", "people")
        return Asked("socket", where or f"inet:127.0.0.1:{self.backend.port}", **options)

    def test_keys_go_as_they_are(self):
        with self.table(map="people") as t:
            for key in ("\r\nx", "a b", "5:hello,", asked_cases.UTF8):
                t.ask(key)
        self.assertEqual(self.backend.asked, [
            (b"people", k.encode()) for k in ("\r\nx", "a b", "5:hello,", asked_cases.UTF8)])


class SocketReplies(Folder):
    def is_answer(self, reply, result, text):
        with SocketMap({b"k": reply}) as m, \
                Asked("socket", f"127.0.0.1:{m.port}", map="m", connections=1) as t:
            got = t.ask("k")
        self.assertEqual(got[0], result, got)
        self.assertIn(text, got[1].decode() if isinstance(got[1], bytes) else got[1])

    def test_words(self):
        self.is_answer(b"OK  a value ", "found", " a value ")
        self.is_answer(b"OK ", "found", "")
        self.is_answer(b"OK", "found", "")
        self.is_answer(b"OK a\x00b", "broken", "octet 0")
        self.is_answer(b"NOTFOUND ", "none", "")
        self.is_answer(b"NOTFOUND", "none", "")
        self.is_answer(b"TEMP the disk is full", "later", "the disk is full")
        self.is_answer(b"TIMEOUT no server", "later", "no server")
        self.is_answer(b"PERM no such map", "broken", "no such map")

    def test_what_is_no_reply(self):
        for reply, why in ((b"ok x", "none of OK"), (b"", "none of OK"),
                           (b"5x:abcde,", "no netstring"), (b"05:OK ab,", "no netstring"),
                           (b"99999999:", "no netstring"), (b"2000000:OK", "more than 1 MiB"),
                           (b"4:OK ab,", "without ','"), (b"3:OK ,3:OK ,", "more than one")):
            raw = reply if reply[:1].isdigit() else b"%d:%s," % (len(reply), reply)
            self.is_answer(raw, "later", why)

    def test_sizes(self):
        self.is_answer(b"OK " + b"v" * 1_000_000, "found", "v" * 1_000_000)
        self.is_answer(b"OK " + b"v" * 1_100_000, "later", "more than 1 MiB")

    def test_a_reply_in_pieces_and_one_that_ends(self):
        def pieces(c):
            for octet in b"8:OK ann@x,":
                c.sendall(bytes([octet]))
                time.sleep(0.002)

        def half(c):
            c.sendall(b"9:OK an")
            c.shutdown(socket.SHUT_RDWR)
        self.is_answer(pieces, "found", "ann@x")
        self.is_answer(half, "later", "closed the connection")

    def test_it_speaks_without_being_asked(self):
        def twice(c):
            c.sendall(b"4:OK a,")
            time.sleep(0.2)
            c.sendall(b"4:OK b,")
        with SocketMap({b"a": twice, b"c": "c"}) as m, \
                Asked("socket", f"127.0.0.1:{m.port}", map="m", connections=1) as t:
            self.assertEqual(t.ask("a"), ("found", b"a"))
            time.sleep(0.4)
            self.assertEqual(t.ask("c"), ("found", b"c"))

    def test_a_late_reply_is_not_that_of_the_next_question(self):
        """Both are there when the process wakes up."""
        stopped, sent = threading.Event(), threading.Event()

        def late(c):
            c.sendall(b"4:OK a,")
            stopped.wait(30)
            c.sendall(b"4:OK b,")
            sent.set()
        with SocketMap({b"a": late, b"c": "c"}) as m, \
                Asked("socket", f"127.0.0.1:{m.port}", map="m", connections=1) as t:
            self.assertEqual(t.ask("a"), ("found", b"a"))
            os.kill(t.proc.pid, signal.SIGSTOP)
            n = t.send("c")
            stopped.set()
            self.assertTrue(sent.wait(30))
            os.kill(t.proc.pid, signal.SIGCONT)
            self.assertEqual(t.answer(n), ("found", b"c"))

    def test_unix_sockets_and_names(self):
        with SocketMap({b"k": "v"}, path=f"{self.dir}/s") as m, \
                Asked("socket", f"unix:{m.path}", map="m") as t:
            self.assertEqual(t.ask("k"), ("found", b"v"))
        with SocketMap({b"k": "v"}) as m:
            with Asked("socket", f"inet:map.test:{m.port}", map="m",
                       records=["AAAA:map.test=::1", "A:map.test=127.0.0.1"]) as t:
                self.assertEqual(t.ask("k"), ("found", b"v"))
        with Asked("socket", f"unix:{self.dir}/none", map="m") as t:
            self.assertIn("No such file", t.ask("k")[1])


# --- SQLite

class SqliteFile:
    """What the cases of servers do, done to a file."""

    def __init__(self, path):
        self.path = path

    def fill(self, path):
        db = sqlite3.connect(path)
        db.executescript("""
            create table people (name text primary key, target, quota, n int, picture blob);
            create table lists (name, member);
            insert into lists values ('all', 'ann'), ('all', null), ('all', 'bob');
            create view views as select * from people;""")
        rows = [("ann", "ann@x", "2G", 7, b"\x01"), ("blank", "", None, None, None),
                (asked_cases.LONG, "long@x", None, None, None),
                (asked_cases.UTF8, "grüße@x", None, None, None),
                ("null", None, None, None, None), ("ann@x.example", "split", None, None, None)]
        db.executemany("insert into people values (?, ?, ?, ?, ?)", rows)
        db.commit()
        db.close()

    def start(self):
        self.fill(self.path + ".new")
        os.rename(self.path + ".new", self.path)

    def kill(self):
        os.unlink(self.path)

    def stop(self):
        self.writer = sqlite3.connect(self.path, isolation_level=None)
        self.writer.execute("begin exclusive")

    def go_on(self):
        self.writer.close()


class SqliteTable(asked_cases.Cases, Folder):
    GONE = "No such file"

    def setUp(self):
        super().setUp()
        self.backend = SqliteFile(f"{self.dir}/people.db")
        self.backend.start()

    def table(self, where=None, **options):
        options.setdefault("query", "select target from people where name = {key}")
        return Asked("sqlite", where or self.backend.path, **options)

    # A file is no server: what it cannot say it says at once, and clearly.
    def test_nobody_listens(self):
        self.backend.kill()
        self.fails("broken", "No such file")

    def test_it_ends_and_comes_back(self):
        with self.table() as t:
            self.found(t, "ann", "ann@x")
            self.backend.kill()
            self.assertIn("No such file", t.ask("ann")[1])
            self.backend.start()
            self.found(t, "ann", "ann@x")

    def test_it_hangs_and_goes_on(self):
        with self.table(timeout=800) as t:
            self.found(t, "ann", "ann@x")
            self.backend.stop()
            result, why = t.ask("ann")
            self.assertEqual(result, "later", why)
            self.backend.go_on()
            self.soon(t)

    def test_what_is_no_database(self):
        path = f"{self.dir}/x"
        for text, result, word in ((b"no database, but a text of some length" * 40, "broken",
                                    "not a database"),
                                   (b"", "broken", "no such table")):
            with open(path, "wb") as f:
                f.write(text)
            self.fails(result, word, where=path)
        self.fails("broken", "not a file", where=self.dir)
        with open(self.backend.path, "r+b") as f:
            f.seek(4096)
            f.write(b"\xee" * 8192)
        self.fails("broken", "malformed")
        if os.geteuid() != 0:
            os.chmod(self.backend.path, 0)
            self.fails("broken", "Permission denied")

    def test_a_file_that_took_its_place_is_opened(self):
        with self.table(connections=1) as t:
            self.found(t, "ann", "ann@x")
            other = sqlite3.connect(f"{self.dir}/new")
            other.execute("create table people (name, target)")
            other.execute("insert into people values ('ann', 'new@x')")
            other.commit()
            other.close()
            os.rename(f"{self.dir}/new", self.backend.path)
            self.found(t, "ann", "new@x")
            # A change of the file itself is seen too.
            db = sqlite3.connect(self.backend.path)
            db.execute("update people set target = 'newer@x'")
            db.commit()
            db.close()
            self.found(t, "ann", "newer@x")

    def test_columns_and_rows(self):
        with self.table(query="select quota, n, target from people where name = {key}") as t:
            self.found(t, "ann", "quota=2G\nn=7\ntarget=ann@x")
            self.found(t, "blank", "target=")
        with self.table(query="select member from lists where name = {key};  -- all of them",
                        kind="aliases") as t:
            self.found(t, "all", "ann, bob")
        with self.table(query="select target from views where name = {user} || '@' || "
                        "{domain}") as t:
            self.found(t, "ann@x.example", "split")
            self.assertEqual(t.ask("ann"), ("none", ""))
        with self.table() as t:
            self.assertEqual(t.ask("null"), ("none", ""))

    def test_only_one_select(self):
        for query, word in (
                ("update people set target = 'evil' where name = {key}", "not authorized"),
                ("delete from people where name = {key}", "not authorized"),
                ("attach {key} as x", "not authorized"),
                ("pragma user_version", "not authorized"),
                ("select * from pragma_table_info({key})", "not authorized"),
                ("select load_extension({key})", "not authorized"),
                ("select target from people where name = {key}; select 1", "not one SELECT"),
                ("explain select target from people where name = {key}", "not one SELECT"),
                ("select target from people where name = {key} or name = ?", "of its own"),
                ("select target from persons where name = {key}", "no such table"),
                ("selekt {key}", "syntax error")):
            self.fails("broken", word, query=query)
        with self.table() as t:
            self.found(t, "ann", "ann@x")
        self.refused("without quotes", query="select target from people where name = '{key}'")
        self.refused("no query", query="")

    def test_too_long_and_too_much(self):
        endless = ("with recursive c(x) as (select 1 union all select x + 1 from c) "
                   "select count(*) from c where x < 0 or {key} = ''")
        with self.table(query=endless, timeout=500, connections=1) as t:
            start = time.monotonic()
            self.assertEqual(t.ask("ann")[0], "later")
            self.assertLess(time.monotonic() - start, 5)
        self.fails("broken", "1 MiB", kind="aliases", query="with recursive c(x) as (select "
                   "{key} union all select x from c limit 200000) select x from c")
        self.fails("broken", "1 MiB", query="select hex(zeroblob(1000000)) || {key}")

    def test_a_locked_file_waits_for_the_lock(self):
        with self.table(timeout=5000) as t:
            self.backend.stop()
            n = t.send("ann")
            time.sleep(0.3)
            self.backend.go_on()
            self.assertEqual(t.answer(n), ("found", b"ann@x"))

    def test_wal(self):
        db = sqlite3.connect(self.backend.path)
        db.execute("pragma journal_mode = wal")
        with self.table() as t:
            self.found(t, "ann", "ann@x")
            db.execute("update people set target = 'wal@x' where name = 'ann'")
            db.commit()
            self.found(t, "ann", "wal@x")
        db.close()


# --- DNS

class DnsTable(unittest.TestCase):
    RECORDS = ["A:host.test=192.0.2.1", "A:host.test=192.0.2.2", "MX:host.test=10 mx.test",
               "TXT:host.test=v=spf1 -all", "A:2.2.0.192.list.test=127.0.0.2",
               "PTR:1.2.0.192.in-addr.arpa=host.test", "A:fails.test=-",
               "A:bad.domains.test=127.0.0.3", "A:ann.at.x.test=127.0.0.4",
               "A:xn--bcher-kva.test=192.0.2.7"]

    def is_answer(self, key, wanted, where="", **options):
        with Asked("dns", where, records=self.RECORDS, **options) as t:
            got = t.ask(key)
        if isinstance(wanted, str):
            self.assertEqual(got, ("found", wanted.encode()))
        else:
            self.assertEqual(got[0], wanted[0], got)

    def test_types(self):
        self.is_answer("host.test", "192.0.2.1, 192.0.2.2", type="A")
        self.is_answer("HOST.test", "10 mx.test", type="mx")
        self.is_answer("host.test", "v=spf1 -all", type="TXT")
        self.is_answer("host.test", ("none",), type="AAAA")
        self.is_answer("no.test", ("none",), type="A")
        self.is_answer("fails.test", ("later",), type="A")
        self.is_answer("192.0.2.1", "host.test", type="PTR")
        self.is_answer("bücher.test", "192.0.2.7", type="A")

    def test_what_stands_behind_it(self):
        self.is_answer("192.0.2.2", "127.0.0.2", "list.test", type="A")
        self.is_answer("bad", "127.0.0.3", ".domains.test", type="A")
        self.is_answer("bad", "127.0.0.3", "{key}.domains.test", type="A")
        self.is_answer("ann@x", "127.0.0.4", "{user}.at.{domain}.test", type="A")

    def test_what_can_be_no_name(self):
        for key in ("", ".", "a..b", ".a", "x" * 64 + ".test", "a." * 130, "a b", "a\nb",
                    "a\x00b", "a\\b", "a."):
            self.is_answer(key, ("none",), "list.test" if key else "", type="A")


if __name__ == "__main__":
    unittest.main()
