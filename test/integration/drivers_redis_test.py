"""Tables of redis, asked of Debian's redis-server."""
import socket
import threading
import time
import unittest

import asked_cases
from asked import Asked
from backends import Redis
from server import BUILD, wait_for

with open(f"{BUILD}/config.h", encoding="ascii") as f:
    BUILT = "\n#define WITH_REDIS 1" in f.read()


@unittest.skipUnless(BUILT and Redis.BIN, "redis is not there")
class RedisTable(asked_cases.Cases, unittest.TestCase):
    GONE = r"Connection refused|No such file"

    @classmethod
    def setUpClass(cls):
        cls.backend = Redis()
        cls.addClassCleanup(cls.backend.close)
        cls.fill(cls.backend)

    @staticmethod
    def fill(redis):
        for key, value in (("ann", "ann@x"), ("blank", ""), (asked_cases.LONG, "long@x"),
                           (asked_cases.UTF8, "grüße@x")):
            redis.call("SET", f"mail:{key}", value)
        redis.call("HSET", "user:ann", "quota", "2G", "home", "/home/ann", "note", "")
        redis.call("HSET", "user:odd", "note", "a\nb\rc")
        redis.call("SADD", "list:staff", "ann")
        redis.call("RPUSH", "list:all", "ann", "bob", "cid@x")

    def again(self):
        self.fill(self.backend)

    def table(self, where=None, **options):
        options.setdefault("query", "GET mail:{key}")
        return Asked("redis", where or f"127.0.0.1:{self.backend.port}", **options)

    def test_unix_socket_and_database(self):
        with self.table(where=f"unix:{self.backend.path}") as t:
            self.found(t, "ann", "ann@x")
        with self.table(where=f"127.0.0.1:{self.backend.port}/3") as t:
            self.assertEqual(t.ask("ann"), ("none", ""))
        self.fails("later", "out of range", where=f"127.0.0.1:{self.backend.port}/77")

    def test_names_are_resolved(self):
        port = self.backend.port
        with self.table(where=f"redis.test:{port}", records=["A:redis.test=127.0.0.1"]) as t:
            self.found(t, "ann", "ann@x")
        # The first address refuses, the second answers.
        with self.table(where=f"redis.test:{port}",
                        records=["AAAA:redis.test=::1", "A:redis.test=127.0.0.1"]) as t:
            self.found(t, "ann", "ann@x")
        self.fails("later", "has no address", where=f"nobody.test:{port}")
        self.fails("later", "cannot be asked for now", where=f"redis.test:{port}",
                   records=["A:redis.test=-"])

    def test_a_hash_is_a_record(self):
        with self.table(query="HGETALL user:{key}") as t:
            self.assertEqual(sorted(t.ask("ann")[1].split(b"\n")),
                             [b"home=/home/ann", b"note=", b"quota=2G"])
            self.assertEqual(t.ask("bob"), ("none", ""))
        with self.table(query="HMGET user:{key} quota nothing home") as t:
            self.found(t, "ann", "quota=2G\nhome=/home/ann")
            self.assertEqual(t.ask("bob"), ("none", ""))

    def test_lists_and_sets(self):
        with self.table(query="LRANGE list:{key} 0 -1", kind="aliases") as t:
            self.found(t, "all", "ann, bob, cid@x")
            self.assertEqual(t.ask("none"), ("none", ""))
        with self.table(query="smembers list:{key}", kind="aliases") as t:
            self.found(t, "staff", "ann")
        with self.table(query="SISMEMBER list:staff {key}") as t:
            self.found(t, "ann", "")
            self.assertEqual(t.ask("bob"), ("none", ""))

    def test_words_of_the_query(self):
        self.backend.call("SET", "two words:ann@x.example", "found")
        self.backend.call("SET", "{ann}", "braces")
        with self.table(query="GET 'two words:{user}@{domain}'") as t:
            self.found(t, "ann@x.example", "found")
        with self.table(query=r"GET \{{key}}") as t:
            self.found(t, "ann", "braces")
        with self.table(query="EVAL_RO \"return {'a', KEYS[1]}\" 1 {key}".replace(
                "{'a'", r"\{'a'"), kind="aliases") as t:
            self.found(t, "ann", "a, ann")

    def test_what_is_no_question_is_refused(self):
        self.refused("only reads", query="SET {key} x")
        self.refused("only reads", query="SUBSCRIBE {key}")
        self.refused("only reads", query="{key} x")
        self.refused("only reads", query="  ")
        self.refused("not closed", query="GET 'mail:{key}")
        self.refused("16 words", query="MGET" + " {key}" * 16)
        self.refused("port", where="127.0.0.1:0")
        self.refused("unix:", where="unix:relative")
        self.refused("number of a database", where="127.0.0.1:6379/x")

    def test_errors_of_the_server(self):
        self.fails("broken", "WRONGTYPE", key="all", query="GET list:{key}")
        self.fails("broken", "wrong number of arguments", query="HGET {key}")
        redis = self.backend
        redis.call("CONFIG", "SET", "requirepass", "s3 cret")
        try:
            self.fails("later", "NOAUTH")
            self.fails("later", "WRONGPASS", password="wrong")
            with self.table(password="s3 cret") as t:
                self.found(t, "ann", "ann@x")
            with self.table(login="default", password="s3 cret") as t:
                self.found(t, "ann", "ann@x")
        finally:
            redis_ok = self.auth_off()
        self.assertTrue(redis_ok)

    def auth_off(self):
        """CONFIG needs the login too: on one connection."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(self.backend.path)
            s.sendall(b'AUTH "s3 cret"\r\nCONFIG SET requirepass ""\r\n')
            got = b""
            while got.count(b"\r\n") < 2:
                got += s.recv(100)
        return got == b"+OK\r\n+OK\r\n"

    def test_too_much_is_said(self):
        redis = self.backend
        redis.call("EVAL", "redis.call('SET', KEYS[1], string.rep('x', 2000000))", 1, "mail:big")
        redis.call("EVAL", "redis.call('SET', KEYS[1], string.rep('x', 20000000))", 1,
                   "mail:huge")
        with self.table(connections=1) as t:
            for key in ("big", "huge"):
                result, why = t.ask(key)
                self.assertEqual(result, "broken", why)
                self.assertIn("1 MiB", why)
                self.found(t, "ann", "ann@x")

    def test_what_nobody_asked_for_ends_the_connection(self):
        """Two replies for a question; then one while nothing is asked."""
        ann, bob = b"$3\r\nann\r\n", b"$3\r\nbob\r\n"
        ended = []

        def serve(server):
            for reply, later in ((ann + bob, b""), (ann + bob, b""), (ann, bob), (ann, b"")):
                with server.accept()[0] as c:
                    c.recv(1000)
                    c.sendall(b"+PONG\r\n")
                    c.recv(1000)
                    c.sendall(reply)
                    time.sleep(0.3)
                    try:
                        c.sendall(later)
                        ended.append(c.recv(1000))
                    except ConnectionError:
                        ended.append(b"")

        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=serve, daemon=True, args=(server,)).start()
            with self.table(f"127.0.0.1:{server.getsockname()[1]}", connections=1) as t:
                result, why = t.ask("ann")
                self.assertEqual(result, "later", why)
                self.assertIn("more than it was asked", why)
                wait_for(lambda: t.ask("ann") == ("found", b"ann"), None, 0.2)
                wait_for(lambda: ended == [b""] * 3)
                wait_for(lambda: t.ask("ann") == ("found", b"ann"), None, 0.2)

    def test_it_waits_while_the_server_loads(self):
        redis = self.backend
        with self.table(timeout=800, connections=1) as t:
            self.soon(t)
            redis.call("CLIENT", "PAUSE", "2500", "ALL")
            self.assertEqual(t.ask("ann")[0], "later")
            wait_for(lambda: t.ask("ann") == ("found", b"ann@x"), None, 0.2)


if __name__ == "__main__":
    unittest.main()
