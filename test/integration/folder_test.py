"""The server's own files in folders that only root may enter."""
import glob
import os
import shutil
import tempfile
import unittest
from unittest import mock

import server
from server import Server

POLICY = """edition 1
hostname "box.example"
set ours = { "box.example" }
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
mailbox boxes { accounts users; path "mail/{user}" }
on rcpt { rcpt.domain in ours => accept }
route {
    rcpt.domain in ours => deliver boxes
    otherwise           => reject
}
"""
TABLES = {"users": "ann:{PLAIN}ann\n"}


def programs():
    """Of the build, without the folders and files beside them."""
    return [p for p in (f"{server.BUILD}/waybill", *glob.glob(f"{server.BUILD}/waybill-*"))
            if os.path.isfile(p) and os.access(p, os.X_OK)]


@unittest.skipUnless(os.geteuid() == 0, "only root becomes others")
class ClosedFolders(unittest.TestCase):
    def test_programs_below_a_folder_of_root(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            os.chmod(folder, 0o700)
            for path in programs():
                shutil.copy(path, folder)
            with mock.patch.object(server, "BUILD", folder), Server(POLICY, TABLES) as s:
                with s.smtp() as c:
                    c.sendmail("a@x.example", ["ann@box.example"], "Subject: in\n\nx\n")
                self.assertIn(b"Subject: in", s.wait_mail("ann")[0])
                self.assertIn("runs", s.waybill("reload").stdout)

    def test_a_policy_that_the_compiler_may_not_read(self):
        s = Server(POLICY, TABLES, start=False)
        try:
            os.chmod(s.dir, 0o700)
            r = s.run("run", s.policy, check=False)
            self.assertEqual(r.returncode, 2)
            self.assertIn("cannot be read: Permission denied", r.stderr)
            self.assertIn("read as the user 'waybill-compile'", r.stderr)
        finally:
            shutil.rmtree(s.dir)


if __name__ == "__main__":
    unittest.main()
