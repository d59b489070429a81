"""Certificates for tests, made on the spot by openssl(1), in a folder.

    c = Certs(folder)
    c.make("mx", names="DNS:mx.example")             # mx.pem, mx.key
    c.make("ca", ca=True); c.make("ann", by="ca", names="email:ann@here.example")
"""
import os
import subprocess


def openssl(*args, text=None):
    r = subprocess.run(["openssl", *args], input=text, capture_output=True, text=True, check=False)
    if r.returncode != 0:
        raise AssertionError(f"openssl {' '.join(args)}: {r.stderr}")
    return r.stdout


class Certs:
    def __init__(self, folder):
        self.dir = folder
        os.makedirs(folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def make(self, name, names=None, kind="ec", by=None, ca=False, usage=None, days=9):
        """NAME.pem and NAME.key; by: the name of its issuer, by default itself."""
        new = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "p384":
               ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], "rsa": ["rsa:2048"]}[kind]
        more = []
        if by:
            more += ["-CA", self.path(f"{by}.pem"), "-CAkey", self.path(f"{by}.key")]
        if names:
            more += ["-addext", f"subjectAltName={names}"]
        if usage:
            more += ["-addext", f"extendedKeyUsage={usage}"]
        more += ["-addext", f"basicConstraints=critical,CA:{'TRUE' if ca else 'FALSE'}"]
        # Written beside and renamed: who reads them sees a pair or none.
        out = self.path(f"{name}.new")
        openssl("req", "-x509", "-nodes", "-sha256", "-days", str(days), "-subj", f"/CN={name}",
                "-newkey", *new, "-keyout", f"{out}.key", "-out", f"{out}.pem", *more)
        os.rename(f"{out}.key", self.path(f"{name}.key"))
        os.rename(f"{out}.pem", self.path(f"{name}.pem"))
        return self.path(f"{name}.pem")

    def expired(self, name, by, names):
        """As make(), of an earlier year."""
        index, config = self.path(f"{name}.index"), self.path(f"{name}.cnf")
        with open(index, "w", encoding="ascii"):
            pass
        with open(config, "w", encoding="ascii") as f:
            f.write(f"[ca]\ndefault_ca = c\n[c]\ndatabase = {index}\nnew_certs_dir = {self.dir}\n"
                    "rand_serial = yes\ndefault_md = sha256\npolicy = p\nx509_extensions = x\n"
                    f"[p]\ncommonName = supplied\n[x]\nsubjectAltName = {names}\n")
        openssl("req", "-new", "-nodes", "-subj", f"/CN={name}", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-keyout", self.path(f"{name}.key"),
                "-out", self.path(f"{name}.csr"))
        openssl("ca", "-batch", "-notext", "-config", config, "-in", self.path(f"{name}.csr"),
                "-cert", self.path(f"{by}.pem"), "-keyfile", self.path(f"{by}.key"),
                "-startdate", "20200101000000Z", "-enddate", "20210101000000Z",
                "-out", self.path(f"{name}.pem"))
        return self.path(f"{name}.pem")

    def staple(self, name, by, days=5):
        """NAME.ocsp: that NAME is good, says by, who has issued it."""
        serial = openssl("x509", "-in", self.path(f"{name}.pem"), "-noout", "-serial")
        serial = serial.strip().split("=")[1]
        index = self.path(f"{name}.index")
        with open(index, "w", encoding="ascii") as f:
            f.write(f"V\t350101000000Z\t\t{serial}\tunknown\t/CN={name}\n")
        openssl("ocsp", "-index", index, "-CA", self.path(f"{by}.pem"),
                "-rsigner", self.path(f"{by}.pem"), "-rkey", self.path(f"{by}.key"),
                "-issuer", self.path(f"{by}.pem"), "-cert", self.path(f"{name}.pem"),
                "-ndays", str(days), "-respout", self.path(f"{name}.ocsp"))
        return self.path(f"{name}.ocsp")

    def chain(self, name, by):
        """NAME.pem gets its issuer's certificate behind its own."""
        with open(self.path(f"{by}.pem"), encoding="ascii") as f:
            text = f.read()
        with open(self.path(f"{name}.pem"), "a", encoding="ascii") as f:
            f.write(text)

    def fingerprint(self, name):
        return openssl("x509", "-in", self.path(f"{name}.pem"), "-noout", "-fingerprint",
                       "-sha256").strip().split("=")[1]
