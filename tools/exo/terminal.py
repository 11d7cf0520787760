# SPDX-License-Identifier: ISC
"""The caller's terminal: raw while the guest does the line editing, always restored."""

import os
import termios

ESCAPE, END_KEY = 0x01, ord("x")	# Ctrl-A x


def is_terminal(fd):
    try:
        return os.isatty(fd)
    except OSError:
        return False


def size():
    """(rows, columns)"""
    try:
        columns, rows = os.get_terminal_size(1)
        return rows or 24, columns or 80
    except OSError:
        return 24, 80


class Raw:
    """with Raw(): every byte both ways as it is."""

    def __init__(self, wanted):
        self.saved = None
        self.wanted = wanted

    def __enter__(self):
        if self.wanted:
            self.saved = termios.tcgetattr(0)
            mode = termios.tcgetattr(0)
            mode[0] &= ~(termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP |
                         termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON)
            mode[1] &= ~termios.OPOST
            mode[2] = mode[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
            mode[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
            mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
            termios.tcsetattr(0, termios.TCSADRAIN, mode)
        return self

    def __exit__(self, *_):
        if self.saved is not None:
            try:
                termios.tcsetattr(0, termios.TCSADRAIN, self.saved)
            except termios.error:
                pass			# the terminal is gone


class Keys:
    """Finds the escape key in what is typed."""

    def __init__(self):
        self.escaped = False

    def filter(self, data):
        """(bytes for the guest, did the user end it?)"""
        if not self.escaped and ESCAPE not in data:
            return data, False
        out = bytearray()
        for byte in data:
            if self.escaped:
                self.escaped = False
                if byte == END_KEY:
                    return bytes(out), True
                if byte != ESCAPE:
                    out.append(ESCAPE)
                out.append(byte)
            elif byte == ESCAPE:
                self.escaped = True
            else:
                out.append(byte)
        return bytes(out), False
