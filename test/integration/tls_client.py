"""A client's TLS over a socket that stays at hand: octets of the clear can be sent
beneath it, and an end without close_notify is told from one with it.

    t = Tunnel(sock, version="1.2", sni="mx.example", cert=("ann.pem", "ann.key"))
    t.sendall(b"EHLO a\\r\\n"); t.recv(4096); t.sendall_clear(b"junk")
"""
import ssl
import warnings

VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1,
            "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class NotClosed(OSError):
    """The connection has ended without close_notify."""


def context(version=None, cert=None, alpn=None, ciphers=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    if version in ("1.0", "1.1"):
        ctx.set_ciphers("ALL:@SECLEVEL=0")
    if ciphers:
        ctx.set_ciphers(ciphers)
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)     # of 1.0 and 1.1
            ctx.minimum_version = ctx.maximum_version = VERSIONS[version]
    if cert:
        ctx.load_cert_chain(*cert)
    if alpn:
        ctx.set_alpn_protocols([alpn])
    return ctx


class Tunnel:
    """Like a socket; ssl.SSLError when hands cannot be shaken."""

    def __init__(self, sock, sni=None, **how):
        self.sock = sock
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context(**how).wrap_bio(self.into, self.out, server_hostname=sni)
        self.run(self.tls.do_handshake)

    def flush(self):
        if self.out.pending:
            self.sock.sendall(self.out.read())

    def run(self, call, *args):
        """The call, with octets brought and sent for as long as it wants them."""
        while True:
            try:
                value = call(*args)
                self.flush()
                return value
            except ssl.SSLWantReadError:
                self.flush()
            except ssl.SSLError:
                self.flush()        # its alert
                raise
            piece = self.sock.recv(65536)
            if piece:
                self.into.write(piece)
            else:
                self.into.write_eof()

    def sendall(self, octets):
        view = memoryview(octets)
        while view:
            view = view[self.run(self.tls.write, view):]

    def sendall_clear(self, octets):
        self.sock.sendall(octets)

    def recv(self, most):
        try:
            return self.run(self.tls.read, most)
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLEOFError as e:
            raise NotClosed("no close_notify") from e

    def settimeout(self, seconds):
        self.sock.settimeout(seconds)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
