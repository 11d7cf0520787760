# SPDX-License-Identifier: ISC
"""Messages of the control port: docs/console.md, include/exo/control.h."""

from struct import Struct

EOF, WINSIZE, SIGNAL = 1, 2, 3
EXIT, TRACE, STATS, FILE, DATA, NOFILE, DONE, KTRACE = range(0x81, 0x89)

STATUS, KILLED, NOTFOUND, NOEXEC, FAILED = range(5)	# kinds of EXIT

HEADER = Struct("<BBH")
EXIT_BODY = Struct("<IIQQQ")
FILE_BODY = Struct("<IIQQ")
NOFILE_BODY = Struct("<II")
MAX = 4080


def eof(sent):
    return HEADER.pack(EOF, 0, 8) + sent.to_bytes(8, "little")


def winsize(rows, columns):
    return HEADER.pack(WINSIZE, 0, 4) + rows.to_bytes(2, "little") + columns.to_bytes(2, "little")


def signal(number):
    return HEADER.pack(SIGNAL, 0, 4) + number.to_bytes(4, "little")


class Exit:
    def __init__(self, body):
        self.kind, self.value, self.stdout, self.stderr, self.stdin = EXIT_BODY.unpack_from(body)
        self.text = body[EXIT_BODY.size:].rstrip(b"\0\n").decode(errors="replace")

    def status(self):
        if self.kind == STATUS:
            return self.value & 0xff
        if self.kind == KILLED:
            return 128 + (self.value & 0x7f)
        return {NOTFOUND: 127, NOEXEC: 126}.get(self.kind, 125)


class Decoder:
    """Cuts a byte stream into messages."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        self.buffer += data
        place = 0
        while len(self.buffer) - place >= HEADER.size:
            kind, _, size = HEADER.unpack_from(self.buffer, place)
            end = place + HEADER.size + size
            if len(self.buffer) < end:
                break
            yield kind, bytes(self.buffer[place + HEADER.size:end])
            place = end
        del self.buffer[:place]
