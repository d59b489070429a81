"""Zones signed on the spot (RFC 4034), as text that a name server loads.

    zones = [Zone(".", []), Zone("test.", ["mx MX 10 a"]),
             Zone("plain.test.", [...], signed=False)]
    texts = sign(zones)     # {"test.": text of the zone}, with DS records between them
    anchor(zones)           # the DS record of the root, as a trust anchor's file has it

A record is "NAME TYPE DATA"; names are relative to the zone, "@" is the zone
itself.  Types: A AAAA CNAME MX NS SRV TLSA TXT.  Faults, by (NAME, TYPE):

    broken={("mx", "TLSA")}     its signature is wrong
    expired={("mx", "A")}       its signature was good until yesterday

signed=False: nothing is signed, and the zone above proves that there is no DS.
missing=True: likewise, but the zone above has a DS (every answer is bogus).

One RSA key of this file signs all of it: Python can do that without a library.
"""
import base64
import hashlib
import ipaddress
import struct
import time

P = 0xf188b9274e5e5f6d19fa7be8b53b55cd3702a2c2bdb1f9ddce58e3e801a5b7003338fb8642afdff9f187789c53bcc9a13a80fc779125495a284a87783117e01f
Q = 0xcbe7b1a859f95530cd05f771679f45c7dd60fc087b45771c03705060d383779df28def6114d394281bc8799b1477975652aa15304d5110bdcc3d702d7054801b
E = 65537
N, D = P * Q, pow(E, -1, (P - 1) * (Q - 1))
OCTETS = (N.bit_length() + 7) // 8

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
         "DS": 43, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "TLSA": 52}
TTL = 300
RSASHA256 = 8
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
DAY = 86400

DNSKEY = struct.pack("!HBB", 257, 3, RSASHA256) + b"\3" + E.to_bytes(3, "big") + N.to_bytes(
    OCTETS, "big")


def rsa_sha256(octets):
    """RFC 8017, 8.2."""
    tail = SHA256_INFO + hashlib.sha256(octets).digest()
    padded = b"\0\1" + b"\xff" * (OCTETS - len(tail) - 3) + b"\0" + tail
    return pow(int.from_bytes(padded, "big"), D, N).to_bytes(OCTETS, "big")


def key_tag():
    """RFC 4034, B."""
    total = sum(b << 8 if i % 2 == 0 else b for i, b in enumerate(DNSKEY))
    return (total + (total >> 16)) & 0xffff


def labels(name):
    return [x for x in name.lower().rstrip(".").split(".") if x]


def wire(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in labels(name)) + b"\0"


def canonical(name):
    """RFC 4034, 6.1: names in order."""
    return [x.encode() for x in reversed(labels(name))]


def ds(zone):
    digest = hashlib.sha256(wire(zone) + DNSKEY).digest()
    return struct.pack("!HBB", key_tag(), RSASHA256, 2) + digest


def bitmap(types):
    """RFC 4034, 4.1.2; all of ours are below 256."""
    bits = bytearray(32)
    for t in types:
        bits[t // 8] |= 0x80 >> t % 8
    bits = bytes(bits).rstrip(b"\0")
    return bytes([0, len(bits)]) + bits


class Zone:
    def __init__(self, name, records, signed=True, missing=False, broken=(), expired=()):
        self.name = name
        self.signed, self.missing = signed and not missing, missing
        self.broken = {(self.full(n), TYPES[t]) for n, t in broken}
        self.expired = {(self.full(n), TYPES[t]) for n, t in expired}
        self.sets = {}          # (name, type) -> {rdata}
        self.cuts = set()       # names of the zones below
        self.add("@", "SOA", wire("ns." + name.lstrip(".")) + wire("hostmaster." + name.lstrip("."))
                 + struct.pack("!5I", 1, 3600, 600, DAY, TTL))
        self.add("@", "NS", wire("ns.test."))
        for record in records:
            owner, kind, data = record.split(None, 2)
            self.add(owner, kind, self.rdata(kind, data))

    def full(self, name):
        if name == "@":
            return self.name
        return name.lower() if name.endswith(".") else f"{name.lower()}.{self.name.lstrip('.')}"

    def add(self, owner, kind, rdata):
        self.sets.setdefault((self.full(owner), TYPES[kind]), set()).add(rdata)

    def rdata(self, kind, data):
        f = data.split()
        if kind in ("A", "AAAA"):
            return ipaddress.ip_address(data).packed
        if kind in ("CNAME", "NS"):
            return wire(self.full(f[0]))
        if kind == "MX":
            return struct.pack("!H", int(f[0])) + wire(self.full(f[1]))
        if kind == "SRV":
            return struct.pack("!3H", *map(int, f[:3])) + wire(self.full(f[3]))
        if kind == "TLSA":
            return bytes(map(int, f[:3])) + bytes.fromhex("".join(f[3:]))
        text = data.encode()    # TXT
        return b"".join(bytes([len(text[i:i + 255])]) + text[i:i + 255]
                        for i in range(0, len(text) or 1, 255))

    def delegate(self, below):
        self.cuts.add(below.name)
        self.add(below.name, "NS", wire("ns.test."))
        if below.signed or below.missing:
            self.add(below.name, "DS", ds(below.name))

    def rrsig(self, owner, kind, rdatas):
        """RFC 4034, 3.1."""
        now = int(time.time())
        until = now - DAY if (owner, kind) in self.expired else now + 9 * DAY
        head = struct.pack("!HBBIIIH", kind, RSASHA256, len(labels(owner)), TTL, until,
                           now - 9 * DAY, key_tag()) + wire(self.name)
        octets = head + b"".join(
            wire(owner) + struct.pack("!HHIH", kind, 1, TTL, len(r)) + r for r in sorted(rdatas))
        signature = rsa_sha256(octets)
        if (owner, kind) in self.broken:
            signature = bytes(OCTETS - 1) + b"\1"
        return head + signature

    def sign(self):
        self.add("@", "DNSKEY", DNSKEY)
        owners = sorted({n for n, _ in self.sets}, key=canonical)
        for owner, following in zip(owners, owners[1:] + owners[:1]):
            kinds = {t for n, t in self.sets if n == owner}
            self.sets[owner, TYPES["NSEC"]] = {
                wire(following) + bitmap(kinds | {TYPES["RRSIG"], TYPES["NSEC"]})}
        for (owner, kind), rdatas in list(self.sets.items()):
            if owner not in self.cuts or kind in (TYPES["DS"], TYPES["NSEC"]):
                self.sets.setdefault((owner, TYPES["RRSIG"]), set()).add(
                    self.rrsig(owner, kind, rdatas))

    def text(self):
        """As RFC 3597, 5 has it: no type needs a form of its own."""
        # The first record has to be the SOA.
        sets = sorted(self.sets.items(), key=lambda s: s[0][1] != TYPES["SOA"])
        return "".join(f"{owner} {TTL} IN TYPE{kind} \\# {len(r)} {r.hex()}\n"
                       for (owner, kind), rdatas in sets for r in sorted(rdatas))


def sign(zones):
    """Longest names first: a zone knows those below it when it is signed."""
    by_depth = sorted(zones, key=lambda z: -len(labels(z.name)))
    for i, zone in enumerate(by_depth):
        above = [z for z in by_depth[i + 1:] if zone.name != "." and (
            z.name == "." or zone.name.endswith("." + z.name))]
        if above:
            above[0].delegate(zone)
    for zone in by_depth:
        if zone.signed:
            zone.sign()
    return {z.name: z.text() for z in zones}


def anchor(zones):
    root = min(zones, key=lambda z: len(labels(z.name)))
    data = ds(root.name)
    return f"{root.name} {DAY} IN DS {key_tag()} {RSASHA256} 2 {data[4:].hex().upper()}\n"


def tlsa(pem, usage=3, selector=1, matching=1):
    """The data of a TLSA record for a certificate (a path)."""
    from certs import openssl
    body = openssl("x509", "-in", pem, "-outform", "PEM") if selector == 0 else openssl(
        "x509", "-in", pem, "-noout", "-pubkey")
    octets = base64.b64decode("".join(x for x in body.splitlines() if not x.startswith("-")))
    if matching:
        octets = {1: hashlib.sha256, 2: hashlib.sha512}[matching](octets).digest()
    return f"{usage} {selector} {matching} {octets.hex()}"
