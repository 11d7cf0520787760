# SPDX-License-Identifier: ISC
"""One run: from options to exit status.

A single loop moves bytes between the caller's descriptors and the console
ports.  Nothing is read that cannot be passed on at once, so that a slow side
slows the other one down instead of filling memory, and nothing is written that
could block, so that signals, the time-out and the end are always seen.

Ports are not ordered among each other: EXIT says how many bytes of output
there are, and the loop ends when it has seen them.
"""

import os
import select
import signal
import stat
import sys
import time

import qemu

from . import ExoError, build, control, fetch, guest, machine, say, terminal, trace

CHUNK = 65536
PIPE_CHUNK = 4096			# a pipe or terminal that polls writable takes this without blocking
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
INSIST = 3				# so many SIGINT or SIGTERM end the guest
PATIENCE_S = 2.0			# for a program to end after SIGHUP or a broken pipe
SILENCE_S = 10.0			# between EXIT and DONE
ENDED_BY_KEY = 129
TIMED_OUT = 124
CRASHES = {signal.SIGILL: "illegal instruction", signal.SIGTRAP: "trap", signal.SIGABRT: "aborted", signal.SIGBUS: "bus error",
           signal.SIGFPE: "arithmetic error", signal.SIGSEGV: "segmentation fault",
           signal.SIGKILL: "killed (exo run -v tells if memory ran out)"}


class Output:
    """From a port to a descriptor."""

    def __init__(self, source, to, broken=None):
        self.source, self.to, self.broken = source, to, broken
        self.count = 0
        self.pending = b""
        self.open = True
        try:
            self.whole = stat.S_ISREG(os.fstat(to).st_mode)
        except OSError:
            self.to, self.whole = None, True	# closed by the caller: nobody wants it

    def interest(self):
        if self.pending:
            return self.to, select.POLLOUT
        return (self.source.fileno(), select.POLLIN) if self.open else (None, 0)

    def ready(self):
        if not self.pending:
            self.read()
            if not self.pending or not self.whole and not writable(self.to):
                return
        self.write()

    def read(self):
        try:
            data = self.source.recv(CHUNK)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        self.open = bool(data)
        self.count += len(data)
        if self.to is not None:
            self.pending = data

    def write(self):
        try:
            done = os.write(self.to, self.pending if self.whole else self.pending[:PIPE_CHUNK])
            self.pending = self.pending[done:]
        except BlockingIOError:
            pass			# the caller made it so
        except OSError as problem:
            self.to, self.pending = None, b""
            if self.broken:
                self.broken(problem)


def open_trace(path):
    try:
        return open(path, "wb")
    except OSError as problem:
        raise ExoError(f"--trace-out {path}: {problem.strerror}") from None


def writable(fd):
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(0))


class Session:
    def __init__(self, options, the_guest, the_machine, own_input):
        self.options, self.guest, self.machine = options, the_guest, the_machine
        self.tty = bool(the_guest.tty)
        ports = the_machine.ports
        self.out = Output(ports[qemu.PORT_STDIO], 1, self.broken_pipe)
        self.err = Output(ports[qemu.PORT_STDERR], 2)
        self.outputs = (self.out, self.err)
        self.stdio = ports[qemu.PORT_STDIO]
        self.control = ports[qemu.PORT_CONTROL]
        self.logs = [ports[qemu.PORT_LOG], ports["uart"]]
        self.decoder = control.Decoder()
        self.keys = terminal.Keys()
        self.fetch = fetch.Fetch(options.get)
        self.ktrace = None		# the decoder of the kernel's trace
        self.trace_file = open_trace(options.trace_out) if options.trace_out else None
        self.exit = None
        self.done = False
        self.status = None		# decided: overrides what the guest says
        self.typed = b""		# for port 0
        self.sent = 0
        self.messages = b""		# for port 2
        self.input_open = own_input
        self.input_at = self.where_input_begins() if own_input else None
        self.complaints = b""		# of QEMU
        self.complaints_open = True
        self.insisted = 0
        self.deadlines = {}		# name -> (time, status)
        self.watched = {}		# further descriptors: events, what to do
        if not own_input:
            self.messages += control.eof(0)

    # ---- the loop ----

    def run(self, wake):
        begin = time.monotonic()
        if self.options.timeout:
            self.deadlines["timeout"] = (begin + self.options.timeout, TIMED_OUT)
        while not self.over():
            self.step(wake)
        self.leave_input()
        return self.result(time.monotonic() - begin)

    def over(self):
        if self.status is not None:
            return True
        drained = not any(o.pending for o in self.outputs)
        if self.machine.status is not None:
            return drained and not any(o.open for o in self.outputs) and not self.logs \
                and self.control is None and not self.complaints_open
        return self.done and drained and self.out.count >= self.exit.stdout and \
            self.err.count >= self.exit.stderr

    def handlers(self, wake):
        """descriptor -> (events, what to do); made anew for each turn, there are few."""
        table = {wake: (select.POLLIN, lambda: self.signals(wake)), **self.watched}
        if self.machine.status is None:
            table[self.machine.pidfd] = (select.POLLIN, self.machine.reap)
        for output in self.outputs:
            fd, events = output.interest()
            if fd is not None:
                table[fd] = (events, output.ready)
        for log in self.logs:
            table[log.fileno()] = (select.POLLIN, lambda log=log: self.read_log(log))
        if self.complaints_open:
            table[self.machine.errors] = (select.POLLIN, self.read_complaints)
        if self.control is not None:
            events = select.POLLIN | (select.POLLOUT if self.messages else 0)
            table[self.control.fileno()] = (events, self.talk)
        if self.typed and self.machine.status is None:
            fd = self.stdio.fileno()
            if fd in table:		# the same descriptor both ways
                output = table[fd][1]
                table[fd] = (select.POLLIN | select.POLLOUT, lambda: (self.send_typed(), output()))
            else:
                table[fd] = (select.POLLOUT, self.send_typed)
        elif self.input_open and self.machine.status is None:
            table[0] = (select.POLLIN, self.read_input)
        return table

    def step(self, wake):
        table = self.handlers(wake)
        poll = select.poll()
        for fd, (events, _) in table.items():
            poll.register(fd, events)
        wait_ms = None
        if self.deadlines:
            soonest, status = min(self.deadlines.values())
            wait_ms = max(0, int((soonest - time.monotonic()) * 1000 + 1))
            if soonest <= time.monotonic():
                self.status = status
                return
        for fd, _ in poll.poll(wait_ms):
            table[fd][1]()

    # ---- input ----

    @staticmethod
    def where_input_begins():
        try:
            if stat.S_ISREG(os.fstat(0).st_mode):
                return os.lseek(0, 0, os.SEEK_CUR)
        except OSError:
            pass
        return None

    def read_input(self):
        try:
            data = os.read(0, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""			# closed, or the terminal is gone
        if not data:
            self.input_open = False
            self.messages += control.eof(self.sent)
            return
        if self.tty:
            data, ended = self.keys.filter(data)
            if ended:
                self.status = ENDED_BY_KEY
        self.typed = data
        self.sent += len(data)

    def send_typed(self):
        try:
            self.typed = self.typed[self.stdio.send(self.typed):]
        except BlockingIOError:
            pass
        except OSError:
            self.typed, self.input_open = b"", False

    def leave_input(self):
        """A file is left where the program stopped reading: the caller's loop goes on from there."""
        if self.input_at is not None and self.exit is not None:
            os.lseek(0, self.input_at + min(self.exit.stdin, self.sent), os.SEEK_SET)

    # ---- signals and broken pipes ----

    def signals(self, wake):
        for number in os.read(wake, 64):
            if number == signal.SIGWINCH:
                if self.tty:
                    self.messages += control.winsize(*terminal.size())
                continue
            self.messages += control.signal(number)
            if number == signal.SIGHUP:
                self.give_up_after(PATIENCE_S, 128 + number)
            if number in (signal.SIGINT, signal.SIGTERM):
                self.insisted += 1
                if self.insisted >= INSIST:
                    self.status = 128 + number

    def end_with(self, status):
        self.status = status

    def give_up_after(self, delay_s, status):
        self.deadlines.setdefault("patience", (time.monotonic() + delay_s, status))

    def broken_pipe(self, problem):
        """What the program writes reaches nobody: it is told as on any Unix."""
        if isinstance(problem, BrokenPipeError):
            self.messages += control.signal(signal.SIGPIPE)
            self.give_up_after(PATIENCE_S, 128 + signal.SIGPIPE)
        else:
            say(f"standard output: {problem.strerror}")
            self.status = 125

    # ---- the control port and the logs ----

    def talk(self):
        try:
            if self.messages:
                self.messages = self.messages[self.control.send(self.messages):]
        except BlockingIOError:
            pass
        except OSError:
            self.messages = b""
        try:
            data = self.control.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.control = None
        for kind, body in self.decoder.feed(data):
            self.message(kind, body)

    def message(self, kind, body):
        if kind == control.EXIT and len(body) >= control.EXIT_BODY.size:
            self.exit = control.Exit(body)
            self.deadlines.pop("patience", None)
        elif kind == control.TRACE and self.options.trace is not None:
            self.show_trace(trace.chosen(body, self.options.trace))
        elif kind == control.KTRACE and self.ktrace:
            self.show_trace(self.ktrace.text(body))
        elif kind == control.STATS:
            self.show(body)
        elif kind in (control.FILE, control.DATA, control.NOFILE):
            self.fetch.message(kind, body)
        elif kind == control.DONE:
            self.done = self.exit is not None
        if self.exit is not None:
            self.deadlines["silence"] = (time.monotonic() + SILENCE_S, self.exit.status())

    def show_trace(self, text):
        if self.trace_file:
            self.trace_file.write(text)
        else:
            self.show(text)

    def show(self, text):
        """On standard error; a terminal in raw mode wants its carriage returns."""
        os.write(2, text.replace(b"\n", b"\r\n") if self.tty else text)

    def read_log(self, log):
        try:
            data = log.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.logs.remove(log)
            return
        data = self.machine.keep_log(data, log is self.machine.ports["uart"])
        if self.options.verbose and data:
            self.show(data)

    def read_complaints(self):
        data = os.read(self.machine.errors, CHUNK)
        self.complaints_open = bool(data)
        self.complaints += data
        if self.options.verbose and data:
            self.show(data)

    # ---- the end ----

    def result(self, seconds):
        self.machine.end()
        if self.ktrace:
            self.show_trace(self.ktrace.rest())
        if self.trace_file:
            self.trace_file.close()
        if self.options.stats:
            self.after_raw = f"{seconds * 1e3:.0f} ms from start to end of the guest"
        else:
            self.after_raw = ""
        if self.status is not None:
            if self.status == TIMED_OUT:
                self.after_raw = f"ended after {self.options.timeout:g} s (--timeout)"
            return self.status
        if self.exit is None:
            raise ExoError(self.machine.report(self.complaints, self.options.verbose))
        status = self.exit.status()
        if self.exit.kind == control.NOTFOUND and self.options.program:
            raise ExoError(self.guest.not_found(), status)
        if self.exit.text:
            raise ExoError(self.exit.text, status)
        if self.exit.kind in (control.NOEXEC, control.FAILED):
            raise ExoError(self.guest.not_run(self.exit.value), status)
        if self.exit.kind == control.KILLED and terminal.is_terminal(2):
            self.tell_crash()
        if not self.fetch.finish() and status == 0:
            return 125
        return status

    def tell_crash(self):
        """As a shell would; to a person only, because the program's standard error is the caller's."""
        what = CRASHES.get(self.exit.value)
        if what:
            name = self.options.program[0] if self.options.program else "/bin/sh"
            self.after_raw = f"{name}: {what}"


def which_terminal(options, gdb):
    if gdb or not (terminal.is_terminal(0) and terminal.is_terminal(1)):
        return ""
    return "012" if terminal.is_terminal(2) and not options.debug else "01"


def catch_signals():
    """A descriptor from which the numbers of signals can be read."""
    wake, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (*FORWARDED, signal.SIGWINCH):
        if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGWINCH:
            signal.signal(number, lambda *_: None)
    return wake


def run(root, options, gdb=False):
    if options.trace_out is not None and options.trace is None:
        options.trace = "all"
    wake = catch_signals()
    build.ensure(root, "image" if options.kernel else "runnable")
    if options.trace is not None:
        options.trace, options.ktrace = trace.split(options.trace, root)
    the_guest = guest.Guest(root, options, which_terminal(options, gdb))
    extra = []
    debugger = None
    if gdb or options.debug:
        from . import debug
        debugger = debug.Debugger(root, options, gdb)
        extra = debugger.qemu_arguments()
    the_machine = machine.Machine(root, options, the_guest.image(), extra)
    session = Session(options, the_guest, the_machine, own_input=not gdb)
    if options.ktrace is not None:
        session.ktrace = trace.Decoder(root, options.ktrace)
    try:
        with terminal.Raw(bool(the_guest.tty)):
            if debugger:
                debugger.start(session)
            status = session.run(wake)
    finally:
        the_machine.end()
        if debugger:
            debugger.finish()
    if session.after_raw:
        say(session.after_raw)
    sys.stderr.flush()
    return status
