"""A server of Postfix's socketmap protocol for a test: a thread, a dictionary.

    with Socketmap({"users": {"ann": "x"}}) as sm:
        sm.where                        # "inet:127.0.0.1:PORT"
        sm.asked                        # ["users ann", ...], in the order asked
        sm.slow = 3                     # seconds before each answer
        sm.answer = b"..."              # octets in the place of each answer
        sm.stop(); sm.start()           # the same port again
"""
import socket
import threading
import time


class Socketmap:
    def __init__(self, tables):
        self.tables = tables
        self.slow = 0
        self.answer = None
        self.slow_keys = {}
        self.asked = []
        self.port = 0
        self.listener = None
        self.open = []
        self.start()

    @property
    def where(self):
        return f"inet:127.0.0.1:{self.port}"

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(64)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """As a server that is killed: nothing listens, what was open is reset."""
        listener, self.listener = self.listener, None
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for c in self.open:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.listener is not None:
            self.stop()

    def accept(self, listener):
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            self.open.append(c)
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def say(self, table, key):
        if self.answer is not None:
            return self.answer
        value = self.tables.get(table, {}).get(key)
        text = b"NOTFOUND " if value is None else b"OK " + value.encode()
        return b"%d:%s," % (len(text), text)

    def serve(self, c):
        data = b""
        try:
            while True:
                while b":" not in data or len(data) < int(data.split(b":")[0]) + \
                        len(data.split(b":")[0]) + 2:
                    more = c.recv(65536)
                    if not more:
                        return
                    data += more
                head, rest = data.split(b":", 1)
                n = int(head)
                query, data = rest[:n].decode(), rest[n + 1:]
                self.asked.append(query)
                table, key = query.split(" ", 1)
                time.sleep(self.slow_keys.get(key, self.slow))
                c.sendall(self.say(table, key))
        except OSError:
            pass
        finally:
            c.close()
