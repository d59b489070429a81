"""TLS to a next hop that is Postfix: STARTTLS, TLS first, a certificate of ours, sessions."""
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from certs import Certs
from server import PATIENCE, Server, free_port, wait_for

MASTER = "/usr/lib/postfix/sbin/master"
MAIN = """compatibility_level = 3.6
queue_directory = @DIR@/spool
data_directory = @DIR@/data
maillog_file = @DIR@/log
maillog_file_prefixes = /var
myhostname = mx.postfix.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = discard
relay_transport = discard
relay_domains = starttls.example, first.example, asks.example
smtpd_relay_restrictions = permit_auth_destination, reject
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
local_recipient_maps =
alias_maps =
alias_database =
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = @DIR@/certs/mx.pem
smtpd_tls_key_file = @DIR@/certs/mx.key
smtpd_tls_CAfile = @DIR@/certs/ca.pem
smtpd_tls_loglevel = 1
"""
SERVICES = """127.0.0.1:@STARTTLS@ inet n - n - - smtpd
127.0.0.1:@FIRST@ inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
127.0.0.1:@ASKS@ inet n - n - - smtpd
  -o smtpd_tls_req_ccert=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
discard unix - - n - - discard
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
POLICY = """edition 1
hostname "mx.queue.example"
authorities file "@CERTS@/ca.pem"
net here = { 127.0.0.0/8 }
listen smtp on "127.0.0.1:@PORT@"
queue { retry 1h; per connection 1 messages }
relay starttls { host "127.0.0.1" port @STARTTLS@; tls verified }
relay first { host "127.0.0.1" port @FIRST@ tls first; tls verified }
relay asks {
    host "127.0.0.1" port @ASKS@
    tls verified
    certificate "@CERTS@/we.pem" key "@CERTS@/we.key"
}
on rcpt { client.ip in here => accept }
route {
    rcpt.domain == "first.example" => relay first
    rcpt.domain == "asks.example"  => relay asks
    otherwise                      => relay starttls
}
"""
NAMES = ("starttls", "first", "asks")


@unittest.skipUnless(os.path.exists(MASTER) and os.geteuid() == 0, "needs Postfix, and root")
class Postfix(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="waybill-test-", dir="/var/tmp")
        os.chmod(self.dir, 0o755)
        self.certs = Certs(f"{self.dir}/certs")
        self.certs.make("ca", ca=True)
        self.certs.make("mx", by="ca", names="IP:127.0.0.1,DNS:mx.postfix.example")
        self.certs.make("we", by="ca", names="DNS:mx.queue.example")
        self.ports = {n: free_port() for n in NAMES}
        for name in ("spool", "data", "conf"):
            os.mkdir(f"{self.dir}/{name}")
        os.chown(f"{self.dir}/data", pwd.getpwnam("postfix").pw_uid, -1)
        self.write("main.cf", MAIN)
        self.write("master.cf", SERVICES)
        subprocess.run(["postfix", "-c", f"{self.dir}/conf", "check"], check=True, capture_output=True)
        self.master = subprocess.Popen([MASTER, "-c", f"{self.dir}/conf", "-d"],
                                       start_new_session=True, stderr=subprocess.DEVNULL)
        wait_for(self.greets)

    def tearDown(self):
        self.master.terminate()     # and it its own
        self.master.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def fill(self, text):
        for name in NAMES:
            text = text.replace(f"@{name.upper()}@", str(self.ports[name]))
        return text.replace("@CERTS@", f"{self.dir}/certs")

    def write(self, name, text):
        with open(f"{self.dir}/conf/{name}", "w", encoding="ascii") as f:
            f.write(self.fill(text).replace("@DIR@", self.dir))

    def greets(self):
        try:
            with socket.create_connection(("127.0.0.1", self.ports["starttls"]), PATIENCE) as c:
                return c.recv(100).startswith(b"220")
        except OSError:
            return False

    def log(self):
        with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def test_mail_goes_there_by_tls(self):
        with Server(self.fill(POLICY)) as s:
            for i in range(1, 3):
                with s.smtp() as client:
                    client.sendmail("ann@queue.example", [f"x@{n}.example" for n in NAMES],
                                    "Subject: hello\r\n\r\nhello\r\n")
                wait_for(lambda n=i: len(re.findall(" sent id=", s.log())) == 3 * n)
            for name in NAMES:
                lines = re.findall(rf" sent id=\S+ to=x@{name}\.example .*", s.log())
                self.assertEqual([("tls-reached=verified" in x, "tls-version=TLSv1.3" in x)
                                  for x in lines], [(True, True)] * 2)
                self.assertEqual(["tls-resumed=yes" in x for x in lines], [False, True])
        wait_for(lambda: len(re.findall("status=sent", self.log())) == 6)
        self.assertEqual(len(re.findall("Trusted TLS connection (established|reused)", self.log())), 2)


if __name__ == "__main__":
    unittest.main()
