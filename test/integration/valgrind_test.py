#!/usr/bin/env python3
"""One whole session, every process under valgrind: no error, no leak.

The server's processes are started through a wrapper (WAYBILL_TEST_WRAP of the
parent, --enable-test-hooks) that runs valgrind; each writes a log of its own.
"""
import glob
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import server as srv  # noqa: E402
from sink import Sink  # noqa: E402

POLICY = """
edition 1
hostname "mx.valgrind.example"
set ours = { "valgrind.example" }
net self = { 127.0.0.0/8 }
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "mail/{user}" }
relay hop { host "127.0.0.1" port HOP }
on rcpt {
    rcpt.domain in ours and rcpt unknown => reject 550 5.1.1
    client.ip in self => accept
}
route { rcpt.domain in ours => deliver boxes; otherwise => relay hop }
"""


def main():
    srv.PATIENCE = 120
    with Sink() as hop:
        s = srv.Server(POLICY.replace("HOP", str(hop.port)), tables={"users": "ann:x\n"}, start=False)
        logs = os.path.join(s.dir, "valgrind")
        os.mkdir(logs)
        os.chmod(logs, 0o777)
        # Where the owner of a mailbox may read too: a clone may lie in a private folder.
        programs = os.path.join(s.dir, "programs")
        os.mkdir(programs)
        for path in glob.glob(f"{srv.BUILD}/waybill-*"):
            if os.path.isfile(path) and os.access(path, os.X_OK):
                shutil.copy(path, programs)
        shutil.copy(f"{HERE}/valgrind.supp", s.dir)
        s.args += ["--libexec", programs]
        s.env["WAYBILL_TEST_WRAP"] = (
            f"/usr/bin/valgrind -q --vgdb=no --num-callers=40 --suppressions={s.dir}/valgrind.supp "
            "--error-exitcode=99 --leak-check=full --show-leak-kinds=definite "
            f"--errors-for-leak-kinds=definite --child-silent-after-fork=yes --log-file={logs}/%p")
        s.start()
        with s:
            with s.smtp() as c:
                c.sendmail("a@x.example", ["ann@valgrind.example", "b@far.example"],
                           "Subject: t\r\n\r\nhello\r\n")
                code, _ = c.rcpt("nobody@valgrind.example")
                assert code >= 500, code
            s.wait_mail("ann")
            srv.wait_for(lambda: len(hop.messages) == 1)
            srv.wait_for(lambda: not s.queue())
            s.stop()
            files = glob.glob(f"{logs}/*")
            assert len(files) >= 7, f"only {len(files)} processes ran under valgrind"
            bad = []
            for path in files:
                with open(path, encoding="utf-8", errors="replace") as f:
                    text = f.read()
                if text.strip():
                    bad.append(text)
            print("\n".join(bad))
            print(f"{len(files) - len(bad)} passed, {len(bad)} failed")
            return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
