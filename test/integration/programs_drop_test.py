#!/usr/bin/env python3
"""The drop folder: the server is down, killed, or not asked; and what is no mail."""
import os
import signal
import subprocess
import threading
import time
import unittest

from programs_in import NOBODY, ROOT, Case, call, command, drop, programs, server
from server import PATIENCE, wait_for


def subjects(s, user="ann"):
    return [line for m in s.maildir(user) for line in m.decode().split("\n")
            if line.startswith("Subject: ")]


class Down(Case):
    def test_what_waits_arrives_once(self):
        with server() as s:
            s.stop()
            for i in range(5):
                self.sends(s, "-f", "bob", "ann", text=f"Subject: down {i}\n\nx\n")
            self.assertEqual(len(drop(s)), 5)
            for name in drop(s):
                st = os.stat(f"{s.spool}/drop/{name}")
                self.assertEqual((st.st_mode & 0o7777, st.st_uid), (0o404, os.geteuid()))
            r = call(s, "-bs", text="QUIT\r\n")
            self.assertEqual(r.returncode, 75)
            self.assertTrue(r.stdout.startswith(b"421 4.3.2 "))
            r = call(s, "-v", "ann", text="Subject: told\n\nx\n")
            self.assertIn(b"it waits in the drop folder", r.stderr)
            os.rename(f"{s.spool}/drop", f"{s.spool}/gone")
            r = call(s, "ann", text="Subject: nowhere\n\nx\n")
            self.assertNotEqual(r.returncode, 0)
            self.assertIn(b"nor the drop folder: nothing is sent", r.stderr)
            os.rename(f"{s.spool}/gone", f"{s.spool}/drop")
            s.start()
            self.empty(s)
            s.wait_mail("ann", 6)
            self.assertEqual(sorted(subjects(s)), sorted(
                [f"Subject: down {i}" for i in range(5)] + ["Subject: told"]))

    def test_many_recipients_and_many_refused(self):
        with server() as s:
            s.stop()
            self.sends(s, "-f", "bob", "-t", text="To: ann,\n " + ",\n ".join(
                [f"never+{i}" for i in range(30)] + [f"bob+{i}" for i in range(1100)]) +
                "\nSubject: many\n\nx\n")
            s.start()
            self.empty(s)
            s.wait_mail("ann")
            told = wait_for(lambda: [m for m in s.maildir("bob")
                                     if m.startswith(b"Return-Path: <>") and b"never+29@" in m])
            self.assertEqual(len(told), 1)
            self.assertEqual(len(subjects(s)), 1)

    def test_without_new_privileges_it_is_tried_again(self):
        """As of a program that the server has run: it has the socket and no other way."""
        with server() as s:
            folder = programs(s)
            if ROOT:
                group = os.stat(f"{s.spool}/drop").st_gid
                os.chown(f"{folder}/waybill-drop", 0, group)
                os.chmod(f"{folder}/waybill-drop", 0o2755)
            else:
                os.chmod(f"{s.spool}/drop", 0)
            _, environ = command(s)

            def hand_in():
                how = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
                return subprocess.run(["setpriv", "--no-new-privs", *(how if ROOT else []),
                                       f"{folder}/sendmail", "-f", "bob", "ann"], env=environ,
                                      input=b"Subject: tried\n\nx\n", capture_output=True,
                                      timeout=PATIENCE, check=False)
            self.assertEqual(hand_in().returncode, 0)
            s.wait_mail("ann")
            s.stop()
            r = hand_in()
            self.assertEqual(r.returncode, 75, r)
            os.chmod(f"{s.spool}/drop", 0o1770)

    def test_refused_later_comes_back(self):
        with server() as s:
            s.stop()
            self.sends(s, "-f", "bob", "ann", "never", text="Subject: partly\n\nx\n")
            self.sends(s, "-f", "bob", "ann", text="Subject: refuse me\n\nx\n")
            self.sends(s, "-f", "<>", "never", text="Subject: of nobody\n\nx\n")
            s.start()
            wait_for(lambda: len(drop(s)) == 1)
            self.assertTrue(drop(s)[0].startswith("refused."))
            self.assertIn("event=drop-kept", s.log())
            s.wait_mail("bob", 2)
            self.assertEqual(subjects(s), ["Subject: partly"])
            told = b"".join(s.maildir("bob"))
            self.assertIn(b"550 5.1.1 there is no never@murphy.example", told)
            self.assertIn(b"554 5.6.0 as you wish", told)

    def test_a_user_has_so_much_room(self):
        with server("listen programs { drop files 3 }") as s:
            s.stop()
            for _ in range(3):
                self.sends(s, "ann")
            self.fails(s, 75, "3 messages of yours wait", "ann")
            self.assertEqual(len(drop(s)), 3)
            s.start()
            self.empty(s)
            self.sends(s, "ann")

    def test_killed_at_any_time(self):
        """What sendmail has said 0 of is there, whatever happens to the server."""
        with server() as s:
            taken, stop = [], threading.Event()

            def calls(me):
                i = 0
                while not stop.is_set():
                    text = f"Subject: kill {me}.{i}\n\nx\n"
                    if call(s, "-f", "bob", "ann", text=text).returncode == 0:
                        taken.append(text.split("\n")[0])
                    i += 1
            threads = [threading.Thread(target=calls, args=(n,)) for n in range(4)]
            for t in threads:
                t.start()
            for n in range(4):
                seen = len(taken)
                wait_for(lambda: len(taken) > seen + 10)    # pylint: disable=cell-var-from-loop
                if n % 2:
                    for pid in s.processes()["pickup"]:
                        os.kill(pid, signal.SIGKILL)
                else:
                    s.kill_all()
                    s.start()
            stop.set()
            for t in threads:
                t.join()
            wait_for(lambda: not drop(s))
            wait_for(lambda: set(taken) <= set(subjects(s)))
            self.assertGreater(len(taken), 40)


class Hostile(Case):
    def test_what_is_no_mail(self):
        with server() as s:
            s.stop()
            folder = f"{s.spool}/drop"
            secret = s.write("secret", "secret\n")
            self.sends(s, "ann", text="Subject: whole\n\nx\n")
            name = drop(s)[0]
            with open(f"{folder}/{name}", "rb") as f:
                whole = f.read()
            os.mkfifo(f"{folder}/fifo")
            os.symlink(secret, f"{folder}/link")
            os.link(secret, f"{folder}/hard")
            os.mkdir(f"{folder}/folder")
            for bad, octets in (("cut", whole[:-20]), ("garbage", b"\0" * 100), ("empty", b""),
                                ("more", whole + b"x"), ("crlf", whole.replace(b"rcpt ann", b"rcpt a\rRSET")),
                                ("lf", whole.replace(b"rcpt ann", b"rcpt x\ncontent 0"))):
                with open(f"{folder}/{bad}", "wb") as f:
                    f.write(octets)
                os.chmod(f.name, 0o404)
            with open(f"{folder}/old", "wb") as f:
                f.write(whole)
            os.chmod(f.name, 0o600)
            os.utime(f.name, (1, 1))
            with open(f"{folder}/part", "wb") as f:
                f.write(whole)
            os.chmod(f.name, 0o600)
            with open(f"{folder}/odd", "wb") as f:      # nor is this one whole
                f.write(whole)
            os.chmod(f.name, 0o644)
            with open(f"{folder}/huge", "wb") as f:
                f.truncate(1 << 40)
            os.chmod(f.name, 0o404)
            s.start()
            wait_for(lambda: sorted(drop(s)) == ["odd", "part"])
            # What is not whole is not remembered: it could fill the list of what waits.
            wait_for(lambda: '"waiting":0' in s.waybill("status", "--json").stdout.replace(" ", "")
                     .split('"pickup"')[1])
            s.wait_mail("ann")
            os.chmod(f"{folder}/part", 0o404)       # now it is whole
            s.wait_mail("ann", 2)
            self.assertEqual(subjects(s), ["Subject: whole"] * 2)
            self.assertTrue(os.path.exists(secret))
            for why in ("it is no plain file", "it has several names", "it is too large",
                        "it is not whole, or damaged", "nobody goes on writing it"):
                self.assertIn(why, s.log())

    @unittest.skipUnless(ROOT, "needs root")
    def test_the_owner_is_who_sends(self):
        with server() as s:
            s.stop()
            self.sends(s, "ann", text="Subject: given\n\nx\n")
            os.chown(f"{s.spool}/drop/{drop(s)[0]}", NOBODY, -1)
            s.start()
            m = s.wait_mail("ann")[0]
            self.assertIn(f"uid {NOBODY})".encode(), m)
            self.assertIn(b"Return-Path: <nobody@murphy.example>", m)


def own_mounts():
    """Whether a process here may have mounts of its own (in a bare chroot it may not)."""
    return ROOT and subprocess.run(["unshare", "-m", "true"], capture_output=True,
                                   check=False).returncode == 0


@unittest.skipUnless(own_mounts(), "needs root, and mounts of its own")
class SetGid(Case):
    """As it is installed: another user, the group's right, the default spool."""

    def as_nobody(self, s, script):
        return subprocess.run(
            ["unshare", "-m", "sh", "-c",
             "mount -t tmpfs none /var/spool && mkdir /var/spool/waybill && "
             f"mount --bind {s.spool} /var/spool/waybill && "
             f"exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups sh -c \"$0\"", script],
            capture_output=True, timeout=PATIENCE, input=b"Subject: set-gid\n\nx\n",
            env={"PATH": "/usr/bin:/bin", "WAYBILL_SPOOL": "/nonexistent"})

    def test_set_gid(self):
        with server() as s:
            folder = programs(s)
            subprocess.run(["chgrp", "waybill-drop", f"{folder}/waybill-drop"], check=True)
            os.chmod(f"{folder}/waybill-drop", 0o2755)
            s.stop()
            r = self.as_nobody(s, f"unset WAYBILL_SPOOL; {folder}/sendmail ann")
            self.assertEqual(r.returncode, 0, r)
            name, = drop(s)
            self.assertEqual(os.stat(f"{s.spool}/drop/{name}").st_uid, NOBODY)
            r = self.as_nobody(s, "ls /var/spool/waybill/drop || ls /var/spool/waybill || "
                               f"cat /var/spool/waybill/drop/{name} || "
                               f"rm -f /var/spool/waybill/drop/{name} || touch /var/spool/waybill/drop/x")
            self.assertNotEqual(r.returncode, 0)
            self.assertEqual(r.stdout, b"")
            # The environment chooses no spool for who has the group's right.
            r = self.as_nobody(s, f"{folder}/waybill-drop")
            self.assertEqual(r.returncode, 0, r)
            self.assertEqual(len(drop(s)), 2)
            s.start()
            self.empty(s)
            m = s.wait_mail("ann")[0]
            self.assertIn(f"uid {NOBODY})".encode(), m)


class Race(Case):
    def test_half_written_files_are_left_alone(self):
        """sendmail is killed while it hands over: nothing comes of it."""
        with server() as s:
            s.stop()
            argv, env = command(s, "ann")
            with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE) as p:
                p.stdin.write(b"Subject: never told\n\n")
                p.stdin.flush()
                time.sleep(0.05)
                p.kill()
            drop_program = argv[0].replace("sendmail", "waybill-drop") \
                if os.path.basename(argv[0]) != "sendmail" else \
                os.path.join(os.path.dirname(argv[0]), "waybill-drop")
            r = subprocess.run([drop_program], env=env, input=b"WBDROP1\nrcpt ann\ncontent 100\nabc")
            self.assertEqual(r.returncode, 0)
            self.sends(s, "ann", text="Subject: whole\n\nx\n")
            s.start()
            self.empty(s)
            s.wait_mail("ann")
            self.assertEqual(subjects(s), ["Subject: whole"])


if __name__ == "__main__":
    unittest.main()
