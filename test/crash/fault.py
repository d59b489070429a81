"""What fault.c shares with a test: which call fails next, and where the clocks stand.

    with Fault(folder) as fault:
        Server(policy, env=fault.env)
        fault.arm("sync", errno.EIO, 3)      # the third from now
        fault.hits()
"""
import mmap
import os
import struct

KINDS = ("none", "write", "sync", "rename", "create", "grow", "short")
HEAD = struct.Struct("=IIqIIQqq")       # struct fault of fault.c, up to `seen`
SEEN = struct.Struct(f"={len(KINDS)}Q")


class Fault:
    def __init__(self, folder, build):
        self.path = os.path.join(folder, "fault")
        with open(self.path, "wb") as f:
            f.write(b"\0" * mmap.PAGESIZE)
        os.chmod(self.path, 0o666)
        self.device = os.stat(folder).st_dev
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), mmap.PAGESIZE)
        self.env = {"LD_PRELOAD": os.path.join(build, "test/crash/fault.so"),
                    "WAYBILL_FAULT": self.path}
        self.wall_s = self.boot_s = 0
        self.arm("none", 0, 0)

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.map.close()
        os.unlink(self.path)

    def arm(self, kind, error, countdown, forever=False):
        """The countdown-th call of that kind from now on fails with that errno; with
        forever all after it too."""
        # The kind last: a process reads it first.
        HEAD.pack_into(self.map, 0, 0, error, countdown, forever, 0, self.device,
                       self.wall_s * 10**9, self.boot_s * 10**9)
        struct.pack_into("=I", self.map, 0, KINDS.index(kind))

    def disarm(self):
        struct.pack_into("=I", self.map, 0, 0)

    def hits(self):
        return HEAD.unpack_from(self.map)[4]

    def seen(self, kind):
        """Calls of that kind so far."""
        return SEEN.unpack_from(self.map, HEAD.size)[KINDS.index(kind)]

    def jump(self, wall_s=0, boot_s=0):
        """Clocks of the server's processes, beside the machine's."""
        self.wall_s, self.boot_s = wall_s, boot_s
        struct.pack_into("=qq", self.map, 32, wall_s * 10**9, boot_s * 10**9)
