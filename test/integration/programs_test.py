#!/usr/bin/env python3
"""Programs, files and forward files: who gets what, as whom, and what not.

As root mailboxes belong to numbers that are nobody's (4001 and so on), programs of
`pipe` run as nobody; without root all is the caller's.
"""
import os
import pwd
import signal
import smtplib
import stat
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import SANITIZED, Server, wait_for  # noqa: E402

ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody")
USER = "nobody" if ROOT else pwd.getpwuid(os.geteuid()).pw_name

POLICY = r"""edition 1
hostname "mx.test.example"
map aliases = text "aliases" as aliases
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
limits { recipients 100 }
queue { retry 1s; lifetime 1h; warn never }
programs { user "@USER@"; folder "@DIR@/programs"; files "@DIR@/files"; timeout 2s }
mailbox box { accounts users; path "@DIR@/home/{user}/Maildir"; forward "@DIR@/home/{user}/.forward"; owner account }
on rcpt { client.ip in 127.0.0.0/8 => accept }
route {
    rcpt.user == "piped" => pipe "@DIR@/bin/show {rcpt.detail} '{sender} end' {rcpt.domain}" as @USER@
    rcpt.user == "exits" => pipe "@DIR@/bin/exits {rcpt.detail}" as @USER@
    rcpt.user == "filed" => file "@DIR@/files/filed"
    rcpt.user == "boxed" => file "@DIR@/files/boxed/"
    rcpt.domain == "test.example" => expand aliases, deliver box
    otherwise => discard
}
"""

SHOW = """#!/bin/sh
out=@DIR@/files/out.$$
{ id -un 2>/dev/null; echo "args $#"; for a in "$@"; do echo "arg <$a>"; done
echo "folder $(pwd)"; umask; env | sort; echo; cat; } > $out.tmp
mv $out.tmp $out
"""

EXITS = """#!/bin/sh
cat > /dev/null
case $1 in
slow) sleep 60 & echo $! > @DIR@/files/slow; wait;;
kill) kill -9 $$;;
quick) exit 0;;
own) exec python3 -c 'import os; os.setgid(os.getgid()); os.setuid(os.getuid())';;
root) exec python3 -c 'import os, sys; sys.exit(0 if os.setuid(0) is None else 1)' 2> /dev/null;;
said) echo "5.7.1 no spam, please"; exit 77;;
*) exit $1;;
esac
"""


def script(s, name, text):
    path = s.write(name, text.replace("@DIR@", s.dir))
    os.chmod(path, 0o755)
    return path


def own(path, uid, mode=None):
    if ROOT:
        os.lchown(path, uid, uid)
    if mode is not None:
        os.chmod(path, mode)


def make(aliases="", users=("ann", "bob")):
    """A server with homes for these users, not started yet."""
    s = Server(POLICY.replace("@USER@", USER), {"aliases": aliases, "users": ""}, start=False)
    s.write("aliases", aliases.replace("@DIR@", s.dir))
    text = ""
    for i, user in enumerate(users):
        uid = 4001 + i if ROOT else os.geteuid()
        gid = uid if ROOT else os.getegid()
        os.makedirs(f"{s.dir}/home", exist_ok=True)
        text += f"{user}:x\n    uid={uid}\n    gid={gid}\n"
        os.makedirs(f"{s.dir}/home/{user}")
        own(f"{s.dir}/home/{user}", uid, 0o755)
    s.write("users", text)
    os.makedirs(f"{s.dir}/files")
    own(f"{s.dir}/files", NOBODY.pw_uid, 0o755)
    # Users that are nobody's write their own.
    os.makedirs(f"{s.dir}/open")
    os.chmod(f"{s.dir}/open", 0o1777)
    os.makedirs(f"{s.dir}/programs", exist_ok=True)
    script(s, "bin/show", SHOW)
    script(s, "programs/show", SHOW.replace("/files/", "/open/"))
    script(s, "bin/exits", EXITS)
    script(s, "programs/exits", EXITS)
    return s


def forward(s, user, text, mode=0o644):
    path = s.write(f"home/{user}/.forward", text.replace("@DIR@", s.dir))
    own(path, 4001 + ["ann", "bob", "cyd"].index(user), mode)
    return path


def send(s, *to, sender="sue@elsewhere.example", text="Subject: one\r\n\r\nhello\r\n"):
    with s.smtp() as c:
        c.sendmail(sender, list(to), text)


def outputs(s, folder="files"):
    """What programs/show and bin/show have written."""
    names = sorted(n for n in os.listdir(f"{s.dir}/{folder}")
                   if n.startswith("out.") and not n.endswith(".tmp"))
    return [open(f"{s.dir}/{folder}/{n}", encoding="utf-8").read() for n in names]


def empty(s):
    return not s.queue()


def box(s, user):
    new = f"{s.dir}/home/{user}/Maildir/new"
    names = sorted(os.listdir(new)) if os.path.isdir(new) else []
    return [open(f"{new}/{n}", encoding="utf-8").read() for n in names]


def a_program_gets_arguments_a_clean_environment_and_the_message():
    with make() as s:
        s.env["SECRET"] = "not for programs"
        s.start()
        with s.smtp() as c:
            c.sendmail("o'neil@e.example", ["piped+`id`|$HOME&*@test.example"],
                       "Subject: one\r\n\r\nhello\r\n")
        out = wait_for(lambda: outputs(s))[0]
        lines = out.split("\n\n", 1)[0].splitlines()
        assert "args 3" in lines and "arg <`id`|$HOME&*>" in lines, out
        assert "arg <o'neil@e.example end>" in lines and "arg <test.example>" in lines, out
        assert "SENDER=o'neil@e.example" in lines and "EXTENSION=`id`|$HOME&*" in lines, out
        assert "RECIPIENT=piped+`id`|$HOME&*@test.example" in lines, out
        assert f"USER={USER}" in lines and f"LOGNAME={USER}" in lines and "0077" in lines, out
        assert f"HOME={pwd.getpwnam(USER).pw_dir}" in lines, out
        assert "SECRET" not in out, out
        if ROOT:
            assert lines[0] == "nobody", out
        body = out.split("\n\n", 1)[1]
        assert body.startswith("Return-Path: <o'neil@e.example>\nDelivered-To: piped+"), body
        assert "\r" not in body and body.endswith("\n\nhello\n"), body
        wait_for(lambda: empty(s))


def its_user_cannot_look_into_the_process_that_delivers():
    with make() as s:
        s.start()
        send(s, "ann@test.example")
        wait_for(lambda: box(s, "ann"))
        for pid in s.processes()["deliver"]:
            assert SANITIZED or os.stat(f"/proc/{pid}/mem").st_uid == 0, pid


def an_argument_is_no_option():
    with make() as s:
        s.start()
        send(s, "piped+-rf@test.example", sender="")
        wait_for(lambda: "5.1.3" in s.log())
        assert outputs(s) == []


def exit_codes_are_replies():
    with make() as s:
        s.start()
        send(s, "exits+quick@test.example")
        wait_for(lambda: empty(s))
        for code, status in (("67", "5.1.1"), ("77", "5.7.1"), ("said", "5.7.1"), ("1", "5.3.0")):
            send(s, f"exits+{code}@test.example", sender="")
            wait_for(lambda: f"status={status}" in s.log().split(f"exits+{code}@")[-1])
        assert "no spam, please" in s.log()
        send(s, "exits+75@test.example", "exits+kill@test.example")
        wait_for(lambda: s.log().count("status=4.3.0") >= 2)
        shown = s.waybill("queue", "show", s.queue()[0]["id"]).stdout
        assert f"to the program {s.dir}/bin/exits 75, tried" in shown, shown


def its_ids_may_be_set_to_what_they_are():
    with make() as s:
        s.start()
        send(s, "exits+own@test.example")
        wait_for(lambda: empty(s) and "delivered id=" in s.log())
        if ROOT:
            send(s, "exits+root@test.example", sender="")
            wait_for(lambda: "status=5.3.0" in s.log().split("exits+root@")[-1])


def why_a_file_waits_names_it_and_its_alias():
    with make("kept: @DIR@/files/filed\n") as s:
        os.rename(f"{s.dir}/files", f"{s.dir}/moved")
        s.start()
        send(s, "kept@test.example")
        wait_for(lambda: f"file={s.dir}/files/filed" in s.log())
        assert "deferred id=" in s.log() and "to=kept@test.example" in s.log(), s.log()
        assert s.queue()[0]["to"] == ["kept@test.example"], s.queue()
        why = s.waybill("queue", "why", s.queue()[0]["id"]).stdout
        assert f"into the file {s.dir}/files/filed, tried" in why, why
        os.rename(f"{s.dir}/moved", f"{s.dir}/files")
        wait_for(lambda: empty(s))


def what_takes_too_long_is_killed_with_all_its_group():
    with make() as s:
        s.start()
        send(s, "exits+slow@test.example")
        pid = int(wait_for(lambda: os.path.exists(f"{s.dir}/files/slow") and
                           open(f"{s.dir}/files/slow", encoding="ascii").read()))
        wait_for(lambda: "did not end within 2 seconds" in s.log())

        def gone():
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                    return f.read().split()[2] == "Z"
            except FileNotFoundError:
                return True
        wait_for(gone)
        assert not empty(s)


def killed_in_the_middle_it_is_run_again():
    with make() as s:
        s.start()
        send(s, "piped+one@test.example")
        wait_for(lambda: len(outputs(s)) == 1)
        send(s, "exits+slow@test.example")
        wait_for(lambda: os.path.exists(f"{s.dir}/files/slow"))
        os.unlink(f"{s.dir}/files/slow")
        for pid in s.processes()["deliver"]:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: os.path.exists(f"{s.dir}/files/slow"))


def files_are_appended_to():
    with make() as s:
        s.start()
        send(s, "filed@test.example", "boxed@test.example")
        send(s, "filed@test.example")
        wait_for(lambda: empty(s))
        text = open(f"{s.dir}/files/filed", encoding="utf-8").read()
        assert text.startswith("From sue@elsewhere.example "), text
        assert text.count("\nhello\n") == 2, text
        assert len(os.listdir(f"{s.dir}/files/boxed/new")) == 1
        assert stat.S_IMODE(os.stat(f"{s.dir}/files/filed").st_mode) == 0o600


def a_file_with_a_trick_is_not_written():
    with make() as s:
        os.symlink("/etc/passwd", f"{s.dir}/files/filed")
        s.start()
        send(s, "filed@test.example", sender="")
        wait_for(lambda: "filed" in s.log() and ("status=5" in s.log() or "status=4" in s.log()))
        assert os.path.islink(f"{s.dir}/files/filed")


ALIASES = """\
prog: "|/somewhere/else/show -x 'a b'"
both: ann, "|show", @DIR@/files/both
shell: "|show; id"
other: "|other"
outside: /tmp/no-such-folder/x
null: /dev/null
"""


def aliases_run_what_the_folder_has():
    with make(ALIASES) as s:
        s.start()
        if ROOT:
            own(f"{s.dir}/open", NOBODY.pw_uid)
        send(s, "prog@test.example")
        out = wait_for(lambda: outputs(s, "open"))[0]
        assert "arg <-x>\narg <a b>\n" in out and "RECIPIENT=prog@test.example" in out, out
        assert "Delivered-To: prog@test.example\n" in out, out
        send(s, "both@test.example", "null@test.example")
        wait_for(lambda: len(outputs(s, "open")) == 2 and len(box(s, "ann")) == 1)
        wait_for(lambda: os.path.exists(f"{s.dir}/files/both"))
        wait_for(lambda: empty(s))
        for rcpt, why in (("shell", "written for a shell"), ("outside", "none of the folders")):
            try:
                send(s, f"{rcpt}@test.example")
                raise AssertionError(f"{rcpt} was taken")
            except smtplib.SMTPRecipientsRefused as e:
                assert why in str(e), e
        r = s.waybill("map", "check", check=False)
        assert "written for a shell" in r.stdout + r.stderr, r.stdout + r.stderr
        assert "none of the folders" in r.stdout + r.stderr, r.stdout + r.stderr


def a_forward_file_is_read_as_its_user():
    with make(users=("ann", "bob", "cyd")) as s:
        forward(s, "ann", "bob@test.example, \\ann\n# a comment\n\"|show x\"\n")
        forward(s, "cyd", "bob\n")
        s.start()
        send(s, "ann@test.example", "cyd@test.example")
        wait_for(lambda: empty(s))
        assert len(box(s, "ann")) == 1 and len(box(s, "bob")) == 1 and box(s, "cyd") == []
        out = outputs(s, "open")
        assert len(out) == 1 and "RECIPIENT=ann@test.example" in out[0], out
        assert "Delivered-To: ann@test.example\n" in box(s, "ann")[0]
        if ROOT:
            st = os.stat(f"{s.dir}/home/ann/Maildir/new")
            assert st.st_uid == 4001 and st.st_gid == 4001
        # Asked once, then it is remembered for a while that bob has none.
        asked = s.log().count("event=forward")
        assert asked == 0, s.log()


def loops_and_useless_files_lose_nothing():
    with make("back: ann\n", users=("ann", "bob", "cyd")) as s:
        forward(s, "ann", "bob\n")
        forward(s, "bob", "back@test.example\n")
        forward(s, "cyd", "not an address at all <<\n\"|show; id\"\n")
        s.start()
        send(s, "ann@test.example")
        send(s, "cyd@test.example")
        wait_for(lambda: empty(s))
        assert len(box(s, "ann")) + len(box(s, "bob")) >= 1
        assert len(box(s, "cyd")) == 1 and "event=forward-entry" in s.log()


def what_is_unsafe_is_not_used():
    with make(users=("ann", "bob", "cyd")) as s:
        forward(s, "ann", "away@elsewhere.example\n", 0o666)
        os.mkfifo(f"{s.dir}/home/bob/.forward")
        own(f"{s.dir}/home/bob/.forward", 4002, 0o644)
        os.symlink(f"{s.dir}/home/ann/.forward", f"{s.dir}/home/cyd/.forward")
        s.start()
        send(s, "ann@test.example", "bob@test.example", "cyd@test.example")
        wait_for(lambda: empty(s))
        assert all(len(box(s, user)) == 1 for user in ("ann", "bob", "cyd"))
        assert s.log().count("event=forward-unsafe") == 3, s.log()


def the_command_shows_and_checks_them():
    with make(ALIASES) as s:
        out = s.run("explain", s.policy, "--client", "127.0.0.1", "--from", "a@b.example",
                    "--rcpt", "piped+x@test.example").stdout
        assert f'pipe "{s.dir}/bin/show x \'a@b.example end\' test.example" as {USER}' in out, out
        out = s.run("explain", s.policy, "--client", "127.0.0.1", "--from", "a@b.example",
                    "--rcpt", "prog@test.example").stdout
        assert f'pipe "{s.dir}/programs/show' in out, out


class Programs(unittest.TestCase):
    """Each function above that is no helper."""


HELPERS = {"script", "own", "make", "forward", "send", "outputs", "empty", "box", "free_port"}
for name, function in list(globals().items()):
    if getattr(function, "__module__", "") == __name__ and name not in HELPERS \
            and not isinstance(function, type):
        setattr(Programs, f"test_{name}", staticmethod(function))


if __name__ == "__main__":
    unittest.main()
