# SPDX-License-Identifier: ISC
"""The QEMU process, the ends of its console ports, and what it says when it fails."""

import os
import signal
import socket

import qemu

from . import ExoError, say

LOG_KEPT = 64 << 10			# of the kernel's log, for a report when it dies
PANIC_STATUS = 0x7f			# what the kernel's panic writes to the debug exit
UNPROTECTED = b"AEGIS-WITHOUT-PROTECTION"	# bench/unprotected.c
SETPRIV = "/usr/bin/setpriv"


class Machine:
    def __init__(self, root, options, archive, extra=()):
        ends = {}
        self.ports = {}
        self.log = bytearray()
        self.early = bytearray()	# what the UART said before the console: the console repeats it
        for port in (qemu.PORT_STDIO, qemu.PORT_STDERR, qemu.PORT_CONTROL, qemu.PORT_LOG, "uart"):
            mine, its = socket.socketpair()
            mine.setblocking(False)
            its.set_inheritable(True)
            self.ports[port], ends[port] = mine, its
        kernel = self.kernel(root, options)
        try:
            argv = qemu.command(kernel, f"/proc/self/fd/{archive}", machine=options.machine,
                                memory=f"{options.memory >> 20}M", cpus=options.cpus,
                                accel=options.accel, icount=options.icount,
                                append="" if options.ktrace is None else "trace",
                                ports={port: end.fileno() for port, end in ends.items() if port != "uart"},
                                uart=ends["uart"].fileno(), extra=[*extra, *options.qemu])
        except (RuntimeError, ValueError) as problem:
            raise ExoError(str(problem)) from None
        self.errors, errors = os.pipe()
        self.pid = self.spawn(argv, errors)
        self.pidfd = os.pidfd_open(self.pid)
        self.status = None		# of the QEMU process, once it has ended
        os.close(errors)
        os.close(archive)
        for end in ends.values():
            end.close()

    @staticmethod
    def kernel(root, options):
        """The kernel's path.  One that protects nobody runs only for who asked for it, and is told so."""
        if options.unprotected:
            say("no protection: this kernel checks no rights")
        path = options.kernel or f"{root}/build/{'unprotected/' if options.unprotected else ''}aegis.elf"
        if not os.access(path, os.R_OK):
            raise ExoError(f"{path}: cannot be read" + (" (make unprotected)" if options.unprotected else ""))
        if options.kernel and not options.unprotected:
            with open(path, "rb") as f:
                if UNPROTECTED in f.read():
                    raise ExoError(f"{path}: this kernel checks no rights; --unprotected if that is meant")
        return path

    @staticmethod
    def spawn(argv, errors):
        """In a session of its own: keys and hang-ups are exo's; it dies with exo even if that is killed."""
        if os.access(SETPRIV, os.X_OK):
            argv = [SETPRIV, "--pdeathsig", "KILL", *argv]
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            return os.posix_spawnp(argv[0], argv, os.environ, setsid=True, setsigmask=[],
                                   setsigdef=[signal.SIGPIPE],
                                   file_actions=[(os.POSIX_SPAWN_DUP2, null, 0),
                                                 (os.POSIX_SPAWN_DUP2, errors, 1),
                                                 (os.POSIX_SPAWN_DUP2, errors, 2)])
        except FileNotFoundError:
            raise ExoError(f"{argv[0]} is not installed (tools/setup.sh)") from None
        finally:
            os.close(null)

    def keep_log(self, data, uart):
        """Returns what of it is new."""
        data = data.replace(b"\r", b"")
        if uart:
            self.early += data
        elif self.early:
            same = os.path.commonprefix([bytes(self.early), data])
            data = data[len(same):]
            del self.early[:len(same)]
            if data:
                self.early.clear()
        self.log += data
        del self.log[:-LOG_KEPT]
        return data

    def end(self):
        """Nothing of the guest is left afterwards."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.reap()

    def reap(self):
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)

    def report(self, complaints, shown):
        """Why it ended without the program having ended: lines for the user."""
        value = qemu.exit_status(self.status)
        log = "" if shown else ":\n" + self.log.decode(errors="replace").rstrip("\n")
        if value == PANIC_STATUS:
            return f"the kernel panicked{log}"
        if value == 0 and complaints:	# QEMU's own failures look like debug exit 0
            value = None
        if value is not None:
            return f"the guest switched itself off (status {value}) before the program ended{log}"
        if complaints:
            return complaints.decode(errors="replace").strip().splitlines()[-1]
        return f"QEMU ended with status {self.status}{log}"
