# SPDX-License-Identifier: ISC
"""gdb at the guest: started by `exo debug`, or by the user for `exo run --debug`."""

import os
import select
import signal
import subprocess

from . import ExoError, say


class Debugger:
    def __init__(self, root, options, start_it):
        self.kernel = options.kernel or f"{root}/build/aegis.elf"
        self.commands = f"{root}/tools/gdb/exo.py"
        self.path = f"{root}/build/gdb.{os.getpid()}"
        self.start_it = start_it
        self.process = None
        if start_it and not options.program:
            raise ExoError("exo debug needs a PROGRAM")

    def qemu_arguments(self):
        return ["-S", "-gdb", f"unix:{self.path},server=on,wait=off"]

    def command(self):
        return ["gdb", "-q", "-x", self.commands, "-ex", f"target remote {self.path}", self.kernel]

    def start(self, session):
        if not self.start_it:
            import shlex
            wait_for(self.path)
            say(f"halted; attach with: {shlex.join(self.command())}")
            return
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)	# the keys are gdb's
        wait_for(self.path)
        try:
            self.process = subprocess.Popen(self.command(), preexec_fn=restore_keys)
        except OSError:
            raise ExoError("gdb is not installed (tools/setup.sh)") from None
        ended = os.pidfd_open(self.process.pid)
        session.watched[ended] = (select.POLLIN, lambda: session.end_with(0))

    def finish(self):
        if self.process:
            self.process.wait()
        if os.path.exists(self.path):
            os.unlink(self.path)


def restore_keys():
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def wait_for(path):
    import time
    for _ in range(200):
        if os.path.exists(path):
            return
        time.sleep(0.01)
    raise ExoError("QEMU does not answer")
