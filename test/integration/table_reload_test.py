"""Tables under a running server: replaced, edited, broken, mended, under load; who reads them."""
import glob
import json
import os
import re
import signal
import threading
import time
import unittest

import server as srv
from server import Server, wait_for

POLICY = """edition 1
hostname "mail.shop.example"
set ours = { "shop.example" }
map users     = text "users" as accounts
map aliases   = text "tables/aliases" as aliases
map virtusers = %s "tables/virtusers" as virtusers
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "@DIR@/mail/{user}" }
on rcpt {
    rcpt.domain not in ours => reject 550 5.7.1
    rcpt unknown            => reject 550 5.1.1
    otherwise               => accept
}
route { otherwise => expand virtusers, expand aliases, deliver boxes }
"""
# crypt(5)'s own example.
HASH = "{CRYPT}$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"
TABLES = {"users": f"ann:{HASH}\n", "tables/aliases": "bob: ann\n",
          "tables/virtusers": "gone@shop.example error:5.1.6:551 version 0\n"}


def start(driver="text", tables=None, **kw):
    return Server(POLICY % driver, tables=dict(TABLES, **(tables or {})), **kw)


def rcpt(s, local):
    """What a new session is told."""
    with s.smtp() as c:
        c.helo("client.example")
        c.mail("a@far.example")
        code, text = c.rcpt(f"{local}@shop.example")
        return code, text.decode()


def both(s, local, code):
    """Until each of ten sessions in a row is told so: there are several workers."""
    wait_for(lambda: all(rcpt(s, local)[0] == code for _ in range(10)))


def rename(s, name, text):
    new = s.write(name + ".new", text)
    time.sleep(0.02)
    os.rename(new, os.path.join(s.dir, name))


def tables(s):
    """{name: what status says of it}; without the policy, whose tables may be broken."""
    doc = json.loads(s.run("status", "--json", "--spool", s.spool).stdout)
    parent = [p for p in doc["processes"] if p["name"] == "parent"][0]
    return {t["name"]: t for t in parent["counters"]["tables"]}


def lines(s, *words):
    return [x for x in s.log().splitlines() if all(w in x for w in words)]


class Changes(unittest.TestCase):
    def test_renamed_into_place(self):
        with start() as s:
            both(s, "cy", 550)
            began = time.monotonic()
            rename(s, "tables/aliases", "bob: ann\ncy: ann\n")
            wait_for(lambda: rcpt(s, "cy")[0] == 250, step=0.02)
            if not srv.SANITIZED:
                self.assertLess(time.monotonic() - began, 5)
            both(s, "cy", 250)
            # What did not change was not read again, and nothing was compiled.
            self.assertEqual(len(lines(s, "event=table-read", "map=users")), 1)
            self.assertEqual(len(lines(s, "event=table-read", "map=aliases")), 2)
            self.assertEqual(tables(s)["aliases"]["entries"], 2)

    def test_edited_in_place(self):
        with start() as s:
            s.write("tables/aliases", "dan: ann\n")
            both(s, "dan", 250)
            both(s, "bob", 550)

    def test_an_account_that_goes_and_comes(self):
        with start() as s:
            both(s, "ann", 250)
            rename(s, "users", f"eve:{HASH}\n")
            both(s, "ann", 550)
            both(s, "eve", 250)

    def test_a_mistake_keeps_what_serves(self):
        with start() as s:
            rename(s, "tables/aliases", "cy: ann\nno colon here\nbob: dan\n")
            wait_for(lambda: lines(s, "event=table-kept", "map=aliases"))
            self.assertIn("tables/aliases:2:1: ", lines(s, "event=table-kept")[0])
            both(s, "bob", 250)
            both(s, "cy", 550)
            t = wait_for(lambda: [t for t in tables(s).values() if t["state"] == "old"])[0]
            self.assertEqual((t["name"], t["entries"]), ("aliases", 1))
            self.assertIn("aliases:2:1: ", t["why"])
            shown = s.run("status", "--spool", s.spool).stdout
            self.assertRegex(shown, r"(?m)^aliases +text +old +1 ")
            # What finds the server by its policy does not stumble over the table.
            self.assertIn("aliases:2:1: ", s.waybill("status").stdout)
            self.assertEqual(s.queue(), [])
            time.sleep(3)
            self.assertEqual(len(lines(s, "event=table-kept")), 1)
            # Another table goes on changing meanwhile.
            rename(s, "tables/virtusers", "new@shop.example ann\n")
            both(s, "new", 250)
            wait_for(lambda: tables(s)["aliases"]["state"] == "old")
            rename(s, "tables/aliases", "cy: ann\n")
            both(s, "cy", 250)
            self.assertEqual(tables(s)["aliases"]["state"], "good")
            self.assertNotIn("why", tables(s)["aliases"])

    def test_it_starts_with_mistakes_in_tables(self):
        with start(tables={"tables/aliases": "cy: ann\nlist: ann, b@@d\nbad: a@@b\n"}) as s:
            both(s, "cy", 250)
            both(s, "list", 250)        # the others of the list get it
            both(s, "bad", 451)
            self.assertTrue(lines(s, "event=table-partly", "aliases:3:6"))
            rename(s, "tables/aliases", "bad: ann, b@@d\n")
            both(s, "bad", 250)         # a member that is passed over keeps no table back
            both(s, "cy", 550)

    def test_it_starts_without_a_table(self):
        with start() as s:
            os.rename(os.path.join(s.dir, "tables/aliases"), os.path.join(s.dir, "gone"))
            s.stop()
            s.start()
            both(s, "cy", 451)
            both(s, "ann", 451)
            os.rename(os.path.join(s.dir, "gone"), os.path.join(s.dir, "tables/aliases"))
            both(s, "cy", 550)
            both(s, "ann", 250)

    def test_emptied(self):
        with start() as s:
            path = os.path.join(s.dir, "tables/aliases")
            both(s, "bob", 250)
            os.truncate(path, 0)
            wait_for(lambda: lines(s, "event=table-kept", "map=aliases", "empty"))
            both(s, "bob", 250)
            self.assertEqual(tables(s)["aliases"]["state"], "old")
            rename(s, "tables/aliases", "# nobody\n")
            both(s, "bob", 550)
            self.assertEqual(tables(s)["aliases"]["entries"], 0)
            rename(s, "tables/aliases", "")     # it has been empty
            rename(s, "tables/aliases", "bob: ann\n")
            both(s, "bob", 250)

    def test_many_mistakes_are_counted(self):
        with start() as s:
            rename(s, "tables/aliases", "".join(f"no{i} colon\n" for i in range(50)))
            wait_for(lambda: lines(s, "event=table-kept"))
            self.assertEqual(len(lines(s, "index[", "line=")), 20)
            wait_for(lambda: lines(s, "map=aliases more-problems=30"))

    def test_removed_unreadable_and_put_back(self):
        with start() as s:
            path = os.path.join(s.dir, "tables/aliases")
            os.rename(path, path + ".away")
            wait_for(lambda: lines(s, "event=table-kept", "No such file"))
            both(s, "bob", 250)
            os.mkdir(path)
            wait_for(lambda: lines(s, "event=table-kept", "not a plain file"))
            both(s, "bob", 250)
            os.rmdir(path)
            os.rename(path + ".away", path)
            wait_for(lambda: tables(s)["aliases"]["state"] == "good")
            both(s, "bob", 250)

    def test_a_database_that_is_cut(self):
        with start("gdbm") as s:
            path = os.path.join(s.dir, "tables/virtusers")
            self.assertEqual(rcpt(s, "gone"), (551, "5.1.6 version 0"))
            s.run("map", "build", path, "--as", "virtusers")
            s.waybill("reload")
            wait_for(lambda: tables(s)["virtusers"]["file"].endswith(".gdbm"))
            with open(path + ".gdbm", "rb") as f:
                whole = f.read()
            with open(path + ".gdbm", "r+b") as f:
                f.truncate(len(whole) // 2)
            wait_for(lambda: lines(s, "event=table-kept", "map=virtusers"))
            both(s, "gone", 551)
            with open(path, "a", encoding="ascii") as f:
                f.write("new@shop.example ann\n")
            s.run("map", "build", path, "--as", "virtusers")
            both(s, "new", 250)

    def test_included_files(self):
        with start(tables={"tables/aliases": "team: :include:list\n",
                           "tables/list": "ann\n"}) as s:
            both(s, "team", 250)
            # Only the included file changes.
            rename(s, "tables/list", "an\0n\n")
            wait_for(lambda: lines(s, "list:1:1: "))
            rename(s, "tables/list", "fay@shop.example\n")
            both(s, "team", 550)
            # One that the policy's image does not name yet.
            s.write("tables/more", "ann\n")
            rename(s, "tables/aliases", "team: :include:list\nall: :include:more\n")
            both(s, "all", 250)
            rename(s, "tables/more", "fay@shop.example\n")
            both(s, "all", 550)

    @unittest.skipIf(os.geteuid() != 0, "all files belong to who runs the server")
    def test_an_included_name_opens_what_the_compiler_may_read(self):
        """Who keeps the list puts a link in its place, to what he cannot read."""
        with start(tables={"tables/aliases": "team: :include:list\n",
                           "tables/list": "ann\n", "tables/private": "fay@shop.example\n"}) as s:
            both(s, "team", 250)
            os.chmod(os.path.join(s.dir, "tables/private"), 0o600)
            link = os.path.join(s.dir, "tables/link")
            os.symlink("private", link)
            os.rename(link, os.path.join(s.dir, "tables/list"))
            wait_for(lambda: lines(s, "event=table-kept", "included file is not there"))
            both(s, "team", 250)
            os.chmod(os.path.join(s.dir, "tables/private"), 0o644)
            both(s, "team", 550)

    def test_the_text_of_the_policy_is_not_taken_with_a_table(self):
        with start() as s:
            with open(s.policy, "a", encoding="utf-8") as f:
                f.write("this is no policy\n")
            rename(s, "tables/aliases", "cy: ann\n")
            both(s, "cy", 250)
            wait_for(lambda: lines(s, "event=table-changed text-changed=yes"))


class Load(unittest.TestCase):
    def test_replaced_fifty_times_under_load(self):
        def content(n):
            return (f"gone@shop.example error:5.1.6:551 version {n}\n"
                    + "".join(f"user{i}@shop.example ann\n" for i in range(500))
                    + f"last@shop.example error:5.1.6:551 version {n}\n")
        with start(tables={"tables/virtusers": content(0)}) as s:
            state = {"served": 0, "written": 0, "stop": False, "asked": 0}
            wrong = []

            def ask():
                while not state["stop"]:
                    low = state["served"]
                    with s.smtp() as c:
                        c.helo("client.example")
                        c.mail("a@far.example")
                        texts = {c.rcpt(f"{x}@shop.example")[1].decode()
                                 for x in ("gone", "last", "gone")}
                        texts |= {c.rcpt("user7@shop.example")[1].decode().split()[0]}
                    state["asked"] += 1
                    versions = [int(t.split()[-1]) for t in texts if "version" in t]
                    if (len(texts) != 2 or len(versions) != 1 or
                            not low <= versions[0] <= state["written"]):
                        wrong.append((low, state["written"], texts))
            threads = [threading.Thread(target=ask) for _ in range(3)]
            for t in threads:
                t.start()
            for n in range(1, 51):
                state["written"] = n
                rename(s, "tables/virtusers", content(n))
                wait_for(lambda: len(lines(s, "event=reloaded")) >= n)
                state["served"] = n
            state["stop"] = True
            for t in threads:
                t.join()
            self.assertEqual(wrong, [])
            self.assertGreater(state["asked"], 100)


class Processes(unittest.TestCase):
    def big(self, n):
        return "".join(f"user{i}: ann\n" for i in range(n))

    def test_who_reads_is_killed(self):
        with start() as s:
            new = s.write("tables/new", self.big(400000) + "cy: ann\n")
            os.rename(new, os.path.join(s.dir, "tables/aliases"))
            pid = wait_for(lambda: s.processes().get("index"), step=0.005)[0]
            os.kill(pid, signal.SIGKILL)
            self.assertEqual(rcpt(s, "bob")[0], 250)
            wait_for(lambda: lines(s, "process=index[0]", "signal=9"))
            both(s, "cy", 250)
            both(s, "bob", 550)

    def test_no_file_of_a_table_is_open_elsewhere(self):
        with start() as s:
            both(s, "bob", 250)
            seen = 0
            for name, pids in s.processes().items():
                for path in [p for pid in pids for p in glob.glob(f"/proc/{pid}/fd/*")]:
                    try:
                        to = os.readlink(path)
                    except OSError:
                        continue
                    seen += name == "smtp"
                    if name not in ("parent", "waybill"):
                        self.assertNotRegex(to, r"/(users|aliases|virtusers)$", name)
            self.assertGreater(seen, 3)
            # A hash of a password is in no index.
            for pid in s.processes()["parent"]:
                for path in glob.glob(f"/proc/{pid}/fd/*"):
                    if "memfd:waybill-table" in os.readlink(path):
                        with open(path, "rb") as f:
                            self.assertNotIn(b"$y$", f.read())

    @unittest.skipIf(srv.SANITIZED, "shadow memory is private")
    def test_a_worker_does_not_grow_with_a_table(self):
        def private(pid):
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                return int(re.search(r"Private_Dirty: +(\d+)", f.read())[1])
        with start() as s:
            pids = s.processes()
            before = {p: private(p) for n in ("smtp", "route") for p in pids[n]}
            text = self.big(300000)
            rename(s, "tables/aliases", text + "cy: ann\n")
            both(s, "cy", 250)
            for pid, kib in before.items():
                self.assertLess(private(pid) - kib, len(text) // 1024 // 4)


if __name__ == "__main__":
    unittest.main()
