"""A client of the jankins protocol with nothing but the standard library, written from PROTOCOL.md alone."""

import base64
import hashlib
import hmac
import os
import queue
import socket
import struct
import threading
import unicodedata

FRAME_BYTES_MAX = 1 << 20  # the daemon sends no larger frame, section 2
ANSWER_SECONDS = 90


def pack(value):
    """MessagePack, the types of section 3."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        return b"\xdb" + struct.pack(">I", len(text)) + text
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
    pairs = b"".join(pack(key) + pack(item) for key, item in value.items())
    return b"\xdf" + struct.pack(">I", len(value)) + pairs


FIXED = {  # header byte: format of the number behind it
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}
COUNTED = {  # header byte: kind, format of the count
    0xC4: ("bin", ">B"), 0xC5: ("bin", ">H"), 0xC6: ("bin", ">I"),
    0xD9: ("str", ">B"), 0xDA: ("str", ">H"), 0xDB: ("str", ">I"),
    0xDC: ("array", ">H"), 0xDD: ("array", ">I"), 0xDE: ("map", ">H"), 0xDF: ("map", ">I"),
}


class Unpacker:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        if self.at > len(self.data):
            raise ValueError("truncated")
        return self.data[self.at - count : self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def value(self):
        head = self.take(1)[0]
        if head < 0x80:
            return head
        if head >= 0xE0:
            return head - 0x100
        if head < 0x90:
            return self.items("map", head & 0x0F)
        if head < 0xA0:
            return self.items("array", head & 0x0F)
        if head < 0xC0:
            return self.items("str", head & 0x1F)
        if head in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[head]
        if head in FIXED:
            return self.number(FIXED[head])
        kind, form = COUNTED[head]
        return self.items(kind, self.number(form))

    def items(self, kind, count):
        if kind == "bin":
            return self.take(count)
        if kind == "str":
            return self.take(count).decode()
        if kind == "array":
            return [self.value() for _ in range(count)]
        return {self.value(): self.value() for _ in range(count)}


class Refused(Exception):
    """An error reply, section 4."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']} {error['detail']}")
        self.code, self.detail = error["code"], error["detail"]


class Connection:
    """One authenticated connection. Any thread may call; replies are matched by their id."""

    def __init__(self, host, port, user, password):
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lock = threading.Lock()
        self.waiting, self.last_id = {}, 0
        threading.Thread(target=self.read, daemon=True).start()
        self.session = self.authenticate(user, password)

    def call(self, method, **params):
        answer = queue.Queue()
        with self.lock:
            self.last_id += 1
            self.waiting[self.last_id] = answer
            body = pack([0, self.last_id, method, params])
            self.socket.sendall(struct.pack(">I", len(body)) + body)
        error, result = answer.get(timeout=ANSWER_SECONDS)
        if error is not None:
            raise Refused(error)
        return result

    def close(self):
        self.socket.close()

    def read(self):
        ended = {"code": "ENDED", "message": "the connection ended", "detail": {}}
        try:
            while True:
                (length,) = struct.unpack(">I", self.exactly(4))
                if length > FRAME_BYTES_MAX:
                    raise ValueError("a frame over 1 MiB")
                kind, request, error, result = Unpacker(self.exactly(length)).value()
                if kind == 1 and request in self.waiting:
                    self.waiting.pop(request).put((error, result))
                elif error is not None:
                    ended = error
        except (OSError, EOFError):
            for answer in list(self.waiting.values()):
                answer.put((ended, None))

    def exactly(self, count):
        data = b""
        while len(data) < count:
            chunk = self.socket.recv(count - len(data))
            if chunk == b"":
                raise EOFError
            data += chunk
        return data

    def authenticate(self, user, password):
        """SCRAM-SHA-256, the steps of section 5."""
        nonce = base64.b64encode(os.urandom(18)).decode()
        bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={nonce}"
        start = self.call(
            "auth.start", protocol=1, client="python 1", mechanism="SCRAM-SHA-256", data=f"n,,{bare}".encode()
        )
        first = start["data"].decode()
        fields = dict(part.split("=", 1) for part in first.split(","))
        whole, iterations = fields["r"], int(fields["i"])
        if not whole.startswith(nonce) or len(whole) == len(nonce) or not 4_096 <= iterations <= 10_000_000:
            raise ValueError("not the reply of an honest daemon")
        text = unicodedata.normalize("NFKC", password).encode()
        salted = hashlib.pbkdf2_hmac("sha256", text, base64.b64decode(fields["s"]), iterations, 32)
        client_key, server_key = keyed(salted, b"Client Key"), keyed(salted, b"Server Key")
        message = f"{bare},{first},c=biws,r={whole}".encode()
        signature = keyed(hashlib.sha256(client_key).digest(), message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        final = f"c=biws,r={whole},p={base64.b64encode(proof).decode()}"
        session = self.call("auth.finish", data=final.encode())
        expected = b"v=" + base64.b64encode(keyed(server_key, message))
        if not hmac.compare_digest(session["data"], expected):
            raise ValueError("another daemon")
        return session


def keyed(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()
