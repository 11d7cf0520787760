#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Stands in for QEMU and guest: plays the guest's side of docs/console.md for the tests of `exo`.

The program's name says what to play.  Nothing of the system under the command is needed, so
that these tests say one thing: the command keeps its side of the protocol.
"""

import os
import re
import select
import socket
import struct
import sys
import time

sys.path.insert(0, os.environ["EXO_TOOLS"])

import mkarchive					# noqa: E402
from exo import control					# noqa: E402

argv = sys.argv
ports = {}
for word in argv:
    found = re.fullmatch(r"socket,id=(?:port(\d)|(uart)),fd=(\d+)", word)
    if found:
        ports[found[2] or int(found[1])] = socket.socket(fileno=int(found[3]))
files = {name: (mode, target, data) for name, mode, target, data
         in mkarchive.read(argv[argv.index("-initrd") + 1])}
records = [r.partition("=")[::2] for r in files["boot/run"][2].decode().split("\0")[:-1]]
args = [v for k, v in records if k == "arg"]
sent = [0, 0]
decoder = control.Decoder()
inbox = []
read = 0


def send(kind, body=b""):
    ports[2].sendall(control.HEADER.pack(kind, 0, len(body)) + body)


def put(port, data):
    sent[port] += len(data)
    ports[port].sendall(data)


def next_message():
    while not inbox:
        inbox.extend(decoder.feed(ports[2].recv(4096)))
    return inbox.pop(0)


def finish(kind, value, text=b""):
    send(control.EXIT, control.EXIT_BODY.pack(kind, value, *sent, read) + text)


def everything():
    """Standard input to its end, as the EOF message counts it."""
    global read
    data, total = bytearray(), None
    while total is None or len(data) < total:
        for ready in select.select([ports[0], ports[2]], [], [])[0]:
            if ready is ports[0]:
                data += ports[0].recv(65536)
            else:
                kind, body = next_message()
                assert kind == control.EOF, kind
                total = int.from_bytes(body, "little")
    read = len(data)
    return bytes(data)


def send_file(index, name, mode, data=b"", target=b""):
    send(control.FILE, control.FILE_BODY.pack(index, mode, len(data), 10 ** 18) + name + b"\0" + target + b"\0")
    for at in range(0, len(data), control.MAX):
        send(control.DATA, data[at:at + control.MAX])


# ---- what can be played: one function for each program -----------------------------------------

def records_():
    put(0, "".join(f"{k}={v}\n" for k, v in records).encode())
    finish(control.STATUS, 0)


def status():
    finish(control.STATUS, int(args[1]))


def killed():
    finish(control.KILLED, int(args[1]))


def both():
    put(0, b"out\n")
    put(1, b"err\n")
    finish(control.STATUS, 3)


def joined():
    put(0, b"joined\n" if ("joined", "1") in records else b"apart\n")
    finish(control.STATUS, 0)


def reverse():
    put(0, everything()[::-1])
    finish(control.STATUS, 0)


def head():
    """One line of the input; what was not looked at counts as unread."""
    global read
    byte = b""
    while byte != b"\n":
        byte = ports[0].recv(1)
        read += 1
        put(0, byte)
    finish(control.STATUS, 0)


def late():
    """The control port overtakes the output."""
    send(control.EXIT, control.EXIT_BODY.pack(control.STATUS, 0, 1 << 20, 0, 0))
    send(control.DONE)
    time.sleep(0.1)
    put(0, b"x" * (1 << 20))


def signal():
    put(0, b"ready\n")
    while True:
        kind, body = next_message()
        if kind == control.SIGNAL:
            break
    finish(control.KILLED, int.from_bytes(body, "little"))


def flood():
    """Endless output until SIGPIPE."""
    ports[0].setblocking(False)
    while True:
        try:
            ports[0].send(b"y\n" * 1000)
        except BlockingIOError:
            pass
        try:
            data = ports[2].recv(4096, socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
        if any(kind == control.SIGNAL and body[0] == 13 for kind, body in decoder.feed(data)):
            break
    finish(control.KILLED, 13)


def panic():
    ports["uart"].sendall(b"panic: mem/frame.c:12: must(0)\n")
    sys.exit(0x7f << 1 | 1)


def crash():
    print("qemu: could not do it", file=sys.stderr)
    sys.exit(1)


def hang():
    time.sleep(60)


def trace():
    send(control.TRACE, b"open(\"/x = -9\") = -2\n")
    finish(control.STATUS, 0)


def ktrace():
    """A call with three arguments, an error, an exception, and a gap."""
    assert argv[argv.index("-append") + 1] == "trace"
    rows = [(1, 26, 0, 3, 7 << 16 | 3, 0x5000), (2, 0, 0, 3, 2, 4), (3, 26, 0, 3, 2 ** 64 - 6, 0),
            (4, 14, 6, 3, 0x401000, 0x7000)]
    body = b"".join(struct.pack("<QBBHIQQ", 5, *row) for row in rows)
    send(control.KTRACE, bytes(8) + body[:32])
    send(control.KTRACE, bytes(8) + body[32:])
    send(control.KTRACE, b"\5" + bytes(7))
    finish(control.STATUS, 0)


def noexec():
    finish(control.NOEXEC, 8)


def list_():
    for path, (mode, target, data) in files.items():
        if path.startswith(args[1]):
            put(0, f"{path} {mode:o} {target} {len(data)}\n".encode())
    finish(control.STATUS, 0)


def files_():
    finish(control.STATUS, 0)
    send_file(0, b"", 0o40755)
    send_file(0, b"a", 0o104750, b"A" * 10000)
    send_file(0, b"empty", 0o100644)
    send_file(0, b"sub", 0o40755)
    send_file(0, b"sub/l", 0o120777, b"", b"../a")


def escape():
    finish(control.STATUS, 0)
    send_file(0, b"", 0o40755)
    send_file(0, b"l", 0o120777, b"", b"/tmp")
    for bad in (b"../evil", b"/tmp/evil", b"l/evil", b"./evil"):
        send_file(0, bad, 0o100644, b"evil")
    send(control.NOFILE, control.NOFILE_BODY.pack(99, 2))


def mute():
    finish(control.STATUS, 0)


def unknown():
    finish(control.NOTFOUND, 2)


PROGRAMS = {f.__name__.rstrip("_"): f for f in (
    records_, status, killed, both, joined, reverse, head, late, signal, flood, panic, crash, hang, trace,
    ktrace, noexec, list_, files_, escape, mute)}


def play(name):
    PROGRAMS.get(name, unknown)()
    send(control.DONE)


if args[0] == "sh":					# no program: a shell that reads its commands
    play(everything().decode().strip())
else:
    play(os.path.basename(args[0]))
time.sleep(5)						# exo ends the machine
