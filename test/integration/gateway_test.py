"""Trust by address, where strangers look like neighbours: NAT and bridges.

Network namespaces, made here and gone with the test:

    world 198.18.0.9 --- 198.18.0.1 host 10.99.0.1 (bridge) --- inside 10.99.0.2
                                                            --- neighbour 10.99.0.7

The host forwards its port to `inside` and writes its own address over that of
whoever comes: what home routers and container engines do.
"""
import contextlib
import ctypes
import os
import smtplib
import subprocess
import unittest

from server import Server, wait_for

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)

POLICY = """
edition 1; hostname "mx.here.example"
set ours = { "here.example" }
net lan = { 127.0.0.0/8, 10.99.0.0/24 }
%s
listen smtp on "*:@PORT@"
on rcpt {
    client.ip in lan    => accept
    rcpt.domain in ours => accept
}
route { otherwise => relay "127.0.0.1:1" }
"""
TRUST = 'trust gateway 10.99.0.1 because "only a test"'


class Net:
    """A network namespace, held by a process that sleeps in it."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "3600"])
        self.path = f"/proc/{self.holder.pid}/ns/net"
        ours = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.path.exists(self.path) and
                 os.readlink(self.path) != ours)
        self.do("ip link set lo up")

    @contextlib.contextmanager
    def here(self):
        """This process and whom it starts are in this network."""
        before = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        try:
            if LIBC.setns(there, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            yield self
        finally:
            LIBC.setns(before, CLONE_NEWNET)
            os.close(there)
            os.close(before)

    def do(self, *commands):
        with self.here():
            for c in commands:
                subprocess.run(c.split(), check=True)

    def end(self):
        self.holder.kill()
        self.holder.wait()


def join(a, name_a, b, name_b):
    a.do(f"ip link add {name_a} type veth peer name {name_b} netns "
         f"{b.holder.pid}", f"ip link set {name_a} up")
    b.do(f"ip link set {name_b} up")


@unittest.skipUnless(os.geteuid() == 0, "network namespaces are made by root")
class Gateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host, cls.inside, cls.near, cls.world = Net(), Net(), Net(), Net()
        cls.host.do("ip link add br0 type bridge", "ip link set br0 up",
                    "ip addr add 10.99.0.1/24 dev br0")
        for net, port, addr in ((cls.inside, "p1", "10.99.0.2"),
                                (cls.near, "p2", "10.99.0.7")):
            join(cls.host, port, net, "eth0")
            cls.host.do(f"ip link set {port} master br0")
            net.do(f"ip addr add {addr}/24 dev eth0",
                   "ip route add default via 10.99.0.1")
        join(cls.host, "w0", cls.world, "eth0")
        cls.host.do("ip addr add 198.18.0.1/24 dev w0")
        cls.world.do("ip addr add 198.18.0.9/24 dev eth0")
        with cls.host.here(), open("/proc/sys/net/ipv4/ip_forward", "w",
                                   encoding="ascii") as f:
            f.write("1")

    @classmethod
    def tearDownClass(cls):
        for net in (cls.host, cls.inside, cls.near, cls.world):
            net.end()

    def forward(self, port):
        """The host's own port leads inside, masqueraded."""
        self.host.do(
            "nft flush ruleset", "nft add table ip nat",
            "nft add chain ip nat pre { type nat hook prerouting priority -100 ; }",
            "nft add chain ip nat post { type nat hook postrouting priority 100 ; }",
            f"nft add rule ip nat pre iifname w0 tcp dport {port} dnat to 10.99.0.2",
            "nft add rule ip nat post ip saddr 198.18.0.0/24 oifname br0 masquerade")

    def rcpt(self, net, host, port, rcpt, source=None):
        with net.here():
            c = smtplib.SMTP(host, port, timeout=30, local_hostname="x.example",
                             source_address=source and (source, 0))
            c.helo()
            c.mail("a@elsewhere.example")
            code, text = c.rcpt(rcpt)
            c.quit()
        return code, text.decode()

    def test_a_stranger_behind_nat_is_no_neighbour(self):
        with self.inside.here(), Server(POLICY % "") as s:
            self.forward(s.port)
            code, text = self.rcpt(self.world, "198.18.0.1", s.port,
                                   "x@third.example")
            self.assertEqual(code, 550)
            self.assertIn("gateway", text)
            self.assertIn("by=gateway", s.log())
            self.assertIn("event=gateway-not-trusted net=lan "
                          "address=10.99.0.1", s.log())
            # What accepts strangers accepts him too.
            self.assertEqual(self.rcpt(self.world, "198.18.0.1", s.port,
                                       "x@here.example")[0], 250)
            # A real neighbour is one, and so is this machine.
            self.assertEqual(self.rcpt(self.near, "10.99.0.2", s.port,
                                       "x@third.example")[0], 250)
            self.assertEqual(self.rcpt(self.inside, "127.0.0.1", s.port,
                                       "x@third.example")[0], 250)

    def test_trust_gateway_takes_it_as_it_stands(self):
        with self.inside.here(), Server(POLICY % TRUST) as s:
            self.forward(s.port)
            self.assertEqual(self.rcpt(self.world, "198.18.0.1", s.port,
                                       "x@third.example")[0], 250)
            self.assertNotIn("gateway-not-trusted", s.log())

    def test_our_own_address_on_a_bridge_is_no_neighbour(self):
        with self.host.here(), Server(POLICY % "") as s:
            self.assertEqual(self.rcpt(self.host, "10.99.0.1", s.port,
                                       "x@third.example", "10.99.0.1")[0], 550)
            self.assertEqual(self.rcpt(self.near, "10.99.0.1", s.port,
                                       "x@third.example")[0], 250)

    def test_a_neighbour_that_becomes_a_router_is_one_no_more(self):
        with self.inside.here(), Server(POLICY % "") as s:
            def ask():
                return self.rcpt(self.near, "10.99.0.2", s.port,
                                 "x@third.example")[0]
            self.assertEqual(ask(), 250)
            self.inside.do("ip route add 198.51.100.0/24 via 10.99.0.7")
            wait_for(lambda: ask() == 550)
            self.inside.do("ip route del 198.51.100.0/24")
            wait_for(lambda: ask() == 250)


if __name__ == "__main__":
    unittest.main()
