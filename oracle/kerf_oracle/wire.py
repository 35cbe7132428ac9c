"""Frames of base/channel.h: a 4-byte little-endian length and that many bytes of JSON; descriptors ride on the first byte."""

import array
import json
import math
import os
import select
import socket
import struct
import threading

MAX_FRAME, MAX_FDS = 256 << 20, 16


def plain(value):
    """JSON has no infinity: {"float": "inf"}, as problem/value.h reads it."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


class Channel:
    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.socket.setblocking(True)

    def leave_with_peer(self):
        """Ends this process once the other end is gone, whatever it is at: a baseline may take minutes to compile, and a GPU is held
        meanwhile."""
        def watch():
            gone = select.poll()
            gone.register(self.socket, 0)  # no more than that both directions are closed
            gone.poll()
            os._exit(1)
        threading.Thread(target=watch, daemon=True).start()

    def receive(self):
        """(object, descriptors); None at the end of the stream."""
        fds = array.array("i")
        head, ancillary, _, _ = self.socket.recvmsg(4, socket.CMSG_SPACE(MAX_FDS * fds.itemsize), socket.MSG_CMSG_CLOEXEC)
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
        if not head:
            return None
        length = struct.unpack("<I", head + self._exactly(4 - len(head)))[0]
        if length > MAX_FRAME:
            raise ValueError(f"a frame of {length} bytes")
        return json.loads(self._exactly(length)), list(fds)

    def send(self, value):
        body = json.dumps(plain(value), allow_nan=False, separators=(",", ":")).encode()
        self.socket.sendall(struct.pack("<I", len(body)) + body)

    def _exactly(self, count):
        parts = bytearray(count)
        view, have = memoryview(parts), 0
        while have < count:
            got = self.socket.recv_into(view[have:])
            if got == 0:
                raise EOFError("the stream ended within a frame")
            have += got
        return bytes(parts)


def close_all(fds):
    for fd in fds:
        os.close(fd)
