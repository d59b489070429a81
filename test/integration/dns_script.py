"""A name server for tests that misbehaves by script, over UDP and TCP, on one port of loopback.

    with Dns({"slow.test": late(1, MX(10, "a.slow.test")), "a.slow.test": A("127.0.0.1")}) as dns:
        Server(..., env={"WAYBILL_RESOLVER": dns.address})
        dns.asked           # [("udp", "slow.test", 15), ...]

A name's answer is what is said to any question about it: records (those of another type are left
out; a list is several), or
    SERVFAIL, REFUSED, SILENT           the code, or nothing at all
    truncated(answer)                   by UDP only that there is more, the answer by TCP
    truncated(answer, tcp=False)        and TCP ends at once
    late(seconds, answer)
    GARBAGE                             octets that are no answer
Names that are not there are NXDOMAIN.
"""
import socket
import struct
import threading
import time

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "MX": 15, "AAAA": 28}
NXDOMAIN, SERVFAIL, REFUSED, SILENT, GARBAGE = 3, 2, 5, "SILENT", "GARBAGE"
TC = 0x0200
UDP_MOST = 1232     # octets; more is truncated, as servers do


def name_octets(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".") if p) + b"\0"


def A(*addresses):
    return [(TYPES["A"], socket.inet_aton(a)) for a in addresses]


def CNAME(name):
    return [(TYPES["CNAME"], name_octets(name))]


def MX(*pairs):
    """MX(10, "a.test", 20, "b.test")"""
    return [(TYPES["MX"], struct.pack(">H", p) + name_octets(n))
            for p, n in zip(pairs[::2], pairs[1::2])]


def truncated(answer, tcp=True):
    return ("truncated", answer, tcp)


def late(seconds, answer):
    return ("late", seconds, answer)


class Dns:
    def __init__(self, zone):
        self.zone = {name.lower(): answer for name, answer in zone.items()}
        self.asked = []
        self.over = threading.Event()
        while True:     # one port for both
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", 0))
            self.tcp = socket.socket()
            try:
                self.tcp.bind(self.udp.getsockname())
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
        self.tcp.listen(64)
        self.address = "127.0.0.1@%d" % self.udp.getsockname()[1]
        self.udp.settimeout(0.1)
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    # --- messages
    @staticmethod
    def question(octets):
        """(name, type, its octets)"""
        at, labels = 12, []
        while octets[at]:
            labels.append(octets[at + 1:at + 1 + octets[at]].decode("latin-1"))
            at += octets[at] + 1
        kind, _ = struct.unpack_from(">HH", octets, at + 1)
        return ".".join(labels).lower(), kind, octets[12:at + 5]

    @staticmethod
    def message(octets, question, code=0, records=(), flags=0):
        body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
                        for kind, data in records)
        return octets[:2] + struct.pack(">HHHHH", 0x8580 | flags | code, 1, len(records), 0, 0) + \
            question + body

    def answer(self, octets, over_tcp):
        """A reply; None: there is none."""
        name, kind, question = self.question(octets)
        self.asked.append(("tcp" if over_tcp else "udp", name, kind))
        what = self.zone.get(name, NXDOMAIN)
        if isinstance(what, tuple) and what[0] == "late":
            time.sleep(what[1])
            what = what[2]
        if isinstance(what, tuple):
            _, inner, works = what
            if not over_tcp:
                return self.message(octets, question, flags=TC)
            what = inner if works else SILENT
        if what is SILENT:
            return None
        if what is GARBAGE:
            return octets[:2] + b"\xff" * 40
        if isinstance(what, int):
            return self.message(octets, question, code=what)
        fit = [r for r in what if r[0] in (kind, TYPES["CNAME"])]
        reply = self.message(octets, question, records=fit)
        if not over_tcp and len(reply) > UDP_MOST:
            return self.message(octets, question, flags=TC)
        return reply

    # --- transports
    def serve_udp(self):
        def one(octets, peer):
            reply = self.answer(octets, False)
            if reply and not self.over.is_set():
                self.udp.sendto(reply, peer)
        while not self.over.is_set():
            try:
                octets, peer = self.udp.recvfrom(4096)
            except socket.timeout:
                continue
            except OSError:
                return
            threading.Thread(target=one, args=(octets, peer), daemon=True).start()

    def serve_tcp(self):
        def one(sock):
            with sock, sock.makefile("rb") as f:
                while len(head := f.read(2)) == 2:
                    reply = self.answer(f.read(struct.unpack(">H", head)[0]), True)
                    if reply is None:
                        return
                    sock.sendall(struct.pack(">H", len(reply)) + reply)
        while True:
            try:
                sock, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(sock,), daemon=True).start()

    def stop(self):
        self.over.set()
        try:
            self.tcp.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.tcp.close()
        self.udp.close()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.stop()
