# SPDX-License-Identifier: ISC
"""Call sequences by seed: generate(kind, seed) gives the lines of one.

The calls are drawn so that most of them mean something to what came before:
few names, few descriptors, few pages.  Absent on purpose is only what may
differ between two Linux file systems or what would wait; each with the reason.
No name leads out of the directory that the interpreter makes: it may be root's.
"""

import random

KINDS = ("files", "signals", "memory", "processes")
NAMES = ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/f", "l", "m", "d/l", "p"]
ODD = [".", "..", "d/.", "d/..", "a/", "d/", "l/", "l/a", "a/b", "nothing/a", "''", "0", "@255", "@256", "d/@255",
       "./a", "d//a", "d/../a", "d/e/../../b", "xxx/", "@4000/@200"]
TARGETS = ["a", "b", "d", "d/e", "l", "m", "nothing", "../a", "e", ".", "..", "d/../b", "p", "@200"]
MODES = ["0644", "0600", "0755", "0700", "0444", "0000", "0222", "0111", "07777", "01777", "0640", "02755"]
SIZES = [0, 1, 3, 10, 100, 511, 4095, 4096, 4097, 5000, 8192, 12345, 65536]
OFFSETS = [0, 0, 1, 2, 5, 100, 4095, 4096, 4097, 8191, 8192, 20000, 70000]


class Files:
    """Names, descriptors, contents."""

    def __init__(self, r):
        self.r = r
        self.table = self.weights()
        self.calls = [c for c, weight in self.table for _ in range(weight)]

    def weights(self):
        return [(self.open, 14), (self.close, 5), (self.read, 6), (self.write, 9), (self.seek, 5), (self.piped, 2),
                (self.pieces, 2), (self.positioned, 5), (self.truncated, 4), (self.looked, 5), (self.renamed, 6),
                (self.linked, 5), (self.unlinked, 5), (self.directory, 8), (self.modes, 4), (self.duplicated, 5),
                (self.flags, 4), (self.listed, 3), (self.moved_to, 3), (self.node, 2), (self.times, 2),
                (self.ranges, 3), (self.odd, 2), (self.owned, 1), (self.at, 4)]

    def lines(self):
        for _ in range(self.r.randint(6, 28)):
            yield self.r.choice(self.calls)()

    def name(self):
        return self.r.choice(ODD) if self.r.random() < 0.1 else self.r.choice(NAMES)

    def fd(self):
        return self.r.choice([3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8]) if self.r.random() < 0.97 else self.r.choice([-1, 20, 99])

    def dirfd(self):
        return "AT_FDCWD" if self.r.random() < 0.5 else self.fd()

    def size(self):
        return self.r.choice(SIZES)

    def offset(self):
        return self.r.choice(OFFSETS) if self.r.random() < 0.95 else self.r.choice([-1, 1 << 62])

    def mode(self):
        return self.r.choice(MODES)

    def open_flags(self):
        words = [self.r.choice(["O_RDONLY", "O_WRONLY", "O_RDWR", "O_RDWR"])]
        for flag, chance in (("O_CREAT", .6), ("O_EXCL", .12), ("O_TRUNC", .15), ("O_APPEND", .15),
                             ("O_NONBLOCK", .1), ("O_DIRECTORY", .1), ("O_NOFOLLOW", .1), ("O_CLOEXEC", .2),
                             ("O_PATH", .07)):
            if self.r.random() < chance:
                words.append(flag)
        if "O_CREAT" in words and "O_DIRECTORY" in words:	# Linux changed its mind about what that means (6.4)
            words.remove("O_DIRECTORY")
        return "|".join(words)

    def open(self):
        return f"open {self.name()} {self.open_flags()} {self.mode()}"

    def at(self):
        r, d, n = self.r, self.dirfd(), self.name()
        return r.choice([
            f"openat {d} {n} {self.open_flags()} {self.mode()}",
            f"mkdirat {d} {n} {self.mode()}",
            f"unlinkat {d} {n} {r.choice(['0', 'AT_REMOVEDIR', '0x40000'])}",
            f"fstatat {d} {n} {r.choice(['0', 'AT_SYMLINK_NOFOLLOW', 'AT_EMPTY_PATH', '0x80000'])}",
            f"linkat {d} {n} {self.dirfd()} {self.name()} {r.choice(['0', 'AT_SYMLINK_FOLLOW', '0x80000'])}",
            f"renameat2 {d} {n} {self.dirfd()} {self.name()} ".replace("@256", "@255").replace("@4000", "@40")
            + r.choice(["0", "RENAME_NOREPLACE", "RENAME_EXCHANGE", "RENAME_NOREPLACE|RENAME_EXCHANGE"]),
            f"faccessat2 {d} {n} {r.choice(['F_OK', 'R_OK', 'W_OK|R_OK', 'X_OK', '8'])} "
            + r.choice(["0", "AT_EACCESS", "AT_SYMLINK_NOFOLLOW"]),
            f"statx {d} {n} {r.choice(['0', 'AT_SYMLINK_NOFOLLOW', 'AT_EMPTY_PATH'])} STATX_BASIC_STATS"])

    def close(self):
        r = self.r
        return f"close {self.fd()}" if r.random() < .9 else f"close_range {r.randint(3, 6)} {r.randint(3, 9)} {r.choice([0, 4])}"

    def read(self):
        return f"read {self.fd()} {self.size()}"

    def write(self):
        return f"write {self.fd()} {self.size()} {self.r.randint(0, 9)}"

    def pieces(self):
        return self.r.choice([f"readv {self.fd()} {self.size()}", f"writev {self.fd()} {self.size()} {self.r.randint(0, 9)}"])

    def positioned(self):
        return self.r.choice([f"pread {self.fd()} {self.size()} {self.offset()}",
                              f"pwrite {self.fd()} {self.size()} {self.offset()} {self.r.randint(0, 9)}"])

    def seek(self):
        offset = self.offset() if self.r.random() < .8 else -self.r.choice([1, 10, 5000])
        return f"lseek {self.fd()} {offset} {self.r.choice(['SEEK_SET', 'SEEK_CUR', 'SEEK_END', '7'])}"

    def truncated(self):
        return self.r.choice([f"ftruncate {self.fd()} {self.offset()}", f"truncate {self.name()} {self.offset()}"])

    def looked(self):
        return self.r.choice([f"stat {self.name()}", f"fstat {self.fd()}",
                              f"access {self.name()} {self.r.choice(['F_OK', 'R_OK', 'W_OK', 'X_OK', 'R_OK|X_OK'])}",
                              f"readlink {self.name()} {self.r.choice([0, 1, 3, 100])}"])

    def renamed(self):
        # One that is too long and something else that is wrong: Linux has looked at both directories first.
        return f"rename {self.name()} {self.name()}".replace("@256", "@255").replace("@4000", "@40")

    def linked(self):
        return self.r.choice([f"link {self.name()} {self.name()}", f"symlink {self.r.choice(TARGETS)} {self.name()}"])

    def unlinked(self):
        return f"unlink {self.name()}"

    def directory(self):
        return self.r.choice([f"mkdir {self.name()} {self.mode()}", f"mkdir {self.r.choice(['d', 'd/e'])} 0755",
                              f"rmdir {self.name()}"])

    def modes(self):
        return self.r.choice([f"chmod {self.name()} {self.mode()}", f"fchmod {self.fd()} {self.mode()}",
                              f"umask {self.mode()}"])

    def owned(self):
        ids = self.r.choice(["-1 -1", "0 -1", "-1 0", "1 1", "1000 1000"])
        return self.r.choice([f"chown {self.name()} {ids}", f"fchown {self.fd()} {ids}",
                              f"fchownat {self.dirfd()} {self.name()} {ids} AT_SYMLINK_NOFOLLOW"])

    def duplicated(self):
        r = self.r
        return r.choice([f"dup {self.fd()}", f"dup2 {self.fd()} {r.randint(3, 9)}",
                         f"dup3 {self.fd()} {r.randint(3, 9)} {r.choice(['0', 'O_CLOEXEC', 'O_NONBLOCK'])}",
                         f"fcntl {self.fd()} {r.choice(['F_DUPFD', 'F_DUPFD_CLOEXEC'])} {r.choice([0, 3, 6, 12, -1])}"])

    def flags(self):
        r = self.r
        return r.choice([f"fcntl {self.fd()} F_GETFL 0", f"fcntl {self.fd()} F_GETFD 0",
                         f"fcntl {self.fd()} F_SETFD {r.choice([0, 1])}",
                         f"fcntl {self.fd()} F_SETFL {r.choice(['0', 'O_APPEND', 'O_NONBLOCK', 'O_APPEND|O_NONBLOCK'])}"])

    def listed(self):
        return f"getdents {self.fd()}"

    def moved_to(self):
        return self.r.choice([f"chdir {self.name()}", f"fchdir {self.fd()}", "getcwd 4096", "getcwd 2", "chdir .."])

    def node(self):
        return f"mknod {self.name()} {self.r.choice(['S_IFIFO', 'S_IFIFO', 'S_IFREG', '0', 'S_IFDIR'])}|{self.mode()}"

    def times(self):
        r = self.r
        nanos = r.choice(["0", "5", "999999999", "1000000000", "UTIME_OMIT"])
        return f"utimens AT_FDCWD {self.name()} {r.choice([0, 1, 1234567, 999999999])} {nanos} {r.choice(['0', 'AT_SYMLINK_NOFOLLOW'])}"

    def ranges(self):
        r = self.r
        return r.choice([f"copy_file_range {self.fd()} {r.choice([-1, 0, 10])} {self.fd()} {r.choice([-1, 0, 4096])} {self.size()}",
                         f"sendfile {self.fd()} {self.fd()} {r.choice([-1, 0, 10])} {self.size()}",
                         f"fallocate {self.fd()} 0 {self.offset()} {self.size()}", f"fsync {self.fd()}"])

    def piped(self):
        r = self.r
        return r.choice([f"pipe2 {r.choice(['0', 'O_NONBLOCK', 'O_CLOEXEC', 'O_NONBLOCK|O_CLOEXEC'])}",
                         f"poll {self.fd()} {r.choice(['POLLIN', 'POLLOUT', 'POLLIN|POLLOUT', '0'])}",
                         f"fionread {self.fd()}"])

    def odd(self):
        return self.r.choice([f"badread {self.fd()} {self.size()}", f"badwrite {self.fd()} {self.size()}",
                              f"creat {self.name()} {self.mode()}"])


SIGNALS = ["SIGUSR1", "SIGUSR2", "SIGHUP", "SIGTERM", "SIGCHLD", "SIGPIPE", "SIGCONT", "SIGURG", "34", "35", "64"]
DEADLY = ["SIGKILL", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGABRT", "SIGSEGV", "SIGFPE", "SIGILL", "SIGTRAP", "SIGBUS"]


class Signals:
    """One process and its signals."""

    def __init__(self, r):
        self.r = r

    def sig(self):
        return self.r.choice(SIGNALS) if self.r.random() < .93 else self.r.choice(DEADLY + ["0", "65", "-1"])

    def mask(self):
        return ",".join(self.r.sample(SIGNALS, self.r.randint(0, 4))) or "-"

    def action(self, sig=None):
        r = self.r
        flags = [f for f in ("SA_RESTART", "SA_NODEFER", "SA_RESETHAND", "SA_ONSTACK", "SA_NOCLDWAIT") if r.random() < .2]
        sig = sig or r.choice(SIGNALS + DEADLY[4:])
        return f"sigaction {sig} {r.choice(['h', 'h', 'i', 'i', 'i', 'i', 'n', 'c', 'ign', 'dfl'][:10 - r.randint(0, 3)])} {'|'.join(flags) or 0} {self.mask()}"

    def lines(self):
        r = self.r
        for sig in SIGNALS:		# else most of them would not live long
            if r.random() < .85:
                yield self.action(sig)
        for _ in range(r.randint(4, 20)):
            yield r.choice([
                self.action, lambda: f"kill {self.sig()}", lambda: f"kill {self.sig()}",
                lambda: f"tgkill {self.sig()}", lambda: f"sigqueue {self.sig()} {r.randint(1, 9)}",
                lambda: f"sigqueue {r.choice(['34', '35'])} {r.randint(1, 9)}",
                lambda: f"sigprocmask {r.choice(['SIG_BLOCK', 'SIG_BLOCK', 'SIG_UNBLOCK', 'SIG_SETMASK', '5'])} {self.mask()}",
                lambda: f"sigprocmask {r.choice(['SIG_BLOCK', 'SIG_SETMASK'])} {self.mask()}",
                lambda: "sigpending", lambda: f"sigsuspend {self.mask()}", lambda: f"sigtimedwait {self.mask()}",
                lambda: f"altstack {r.randint(0, 1)}", lambda: f"fault {r.randint(0, 3)}",
                lambda: "sigpipe", lambda: f"child {r.choice([0, 1, 77, 256])}"])()


class Memory(Files):
    """Mappings of a small range; files under some of them."""

    def weights(self):
        return [(self.map, 10), (self.map_file, 5), (self.mapany, 2), (self.unmap, 4), (self.protect, 5),
                (self.remap, 4), (self.advise, 4), (self.touch, 10), (self.child, 3), (self.brk, 3), (self.calls_into, 1),
                (self.transfer, 4), (self.sized, 3), (self.bytes, 3), (self.small, 2)]

    def lines(self):
        yield "open a O_RDWR|O_CREAT 0600"
        yield "write 3 12345 1"
        yield f"open {self.r.choice(['a', 'b'])} {self.r.choice(['O_RDWR', 'O_RDONLY'])}|O_CREAT 0600"
        yield from super().lines()

    def fd(self):
        return self.r.choice([3, 3, 4])

    def address(self):
        r = self.r
        where = r.choice([f"{r.randint(0, 20)}"] * 12 + [f"m{r.randint(0, 3)}", f"B{r.randint(0, 3)}"])
        return where

    def odd_address(self):
        r = self.r
        return self.address() + r.choice(["", "", "+1", "+100", "+4095", "+2048"])

    def pages(self):
        return self.r.choice([1, 1, 2, 3, 4, 8]) if self.r.random() < .95 else self.r.choice([0, "b1", "b4097", "b5000"])

    def prot(self):
        return self.r.choice(["PROT_READ|PROT_WRITE"] * 6 + ["PROT_READ"] * 3 + ["PROT_NONE", "PROT_NONE", "PROT_READ|PROT_EXEC",
                              "PROT_READ|PROT_WRITE|PROT_EXEC", "16"])

    def arena(self):
        return self.r.randint(0, 20)

    def map(self):
        share = self.r.choice(["MAP_PRIVATE"] * 4 + ["MAP_SHARED"] * 2 + ["0"])
        more = self.r.choice([""] * 6 + ["|MAP_POPULATE", "|MAP_NORESERVE", "|MAP_FIXED_NOREPLACE"])
        return f"map {self.arena()} {self.pages()} {self.prot()} {share}|MAP_ANONYMOUS{more} -1 0"

    def map_file(self):
        share = self.r.choice(["MAP_PRIVATE", "MAP_SHARED", "MAP_SHARED_VALIDATE"])
        offset = self.r.choice([0, 0, 4096, 8192, 16384, 100, -4096])
        return f"map {self.arena()} {self.pages()} {self.prot()} {share} {self.fd()} {offset}"

    def mapany(self):
        share = self.r.choice(["MAP_PRIVATE|MAP_ANONYMOUS -1 0", "MAP_SHARED|MAP_ANONYMOUS -1 0", f"MAP_SHARED {self.fd()} 0"])
        return f"mapany {self.pages()} {self.prot()} {share}"

    def unmap(self):
        return f"munmap {self.odd_address() if self.r.random() < .1 else self.arena()} {self.pages()}"

    def protect(self):
        return f"mprotect {self.odd_address() if self.r.random() < .1 else self.arena()} {self.pages()} {self.prot()}"

    def remap(self):
        flags = self.r.choice(["0", "MREMAP_MAYMOVE", "MREMAP_MAYMOVE", "MREMAP_MAYMOVE|MREMAP_FIXED", "MREMAP_FIXED",
                               "MREMAP_MAYMOVE|MREMAP_DONTUNMAP"])
        old, new = self.pages(), self.pages()
        if "FIXED" in flags and old == new:	# Linux since 6.17 moves several mappings then
            old = new = 1
        return f"mremap {self.arena()} {old} {new} {flags} {self.r.randint(24, 40)}"

    def advise(self):
        return self.r.choice([f"madvise {self.arena()} {self.pages()} " + self.r.choice(
            ["MADV_DONTNEED"] * 4 + ["MADV_NORMAL", "MADV_WILLNEED", "MADV_DONTFORK", "MADV_WIPEONFORK", "MADV_KEEPONFORK",
             "MADV_REMOVE", "MADV_POPULATE_READ", "MADV_POPULATE_WRITE", "MADV_COLD", "77"]),
            f"msync {self.arena()} {self.pages()} {self.r.choice(['MS_SYNC', 'MS_ASYNC', 'MS_SYNC|MS_ASYNC', '64'])}",
            f"mlock {self.arena()} {self.pages()}", f"munlock {self.arena()} {self.pages()}"])

    def touch(self):
        r = self.r
        return r.choice([f"peek {self.odd_address()}", f"poke {self.odd_address()} {r.randint(1, 120)}",
                         f"poke {self.odd_address()} {r.randint(1, 120)}", f"fill {self.address()} {r.choice([1, 2, 4])}"])

    def child(self):
        return f"child {self.odd_address()} {self.r.randint(1, 120)}"

    def brk(self):
        return f"brk {self.r.choice([0, 1, 4096, 8192, 12288, 20000, 65536, -4096])}"

    def calls_into(self):
        return f"call {self.address()}"

    def transfer(self):
        r = self.r
        bytes_ = r.choice([1, 10, 4096, 5000, 9000])
        return r.choice([f"readinto {self.fd()} {self.odd_address()} {bytes_} {r.choice([0, 100, 12000])}",
                         f"writefrom {self.fd()} {self.odd_address()} {bytes_} {r.choice([0, 4096, 100])}"])

    def sized(self):
        return f"ftruncate {self.fd()} {self.r.choice([0, 1, 100, 4096, 5000, 8192, 12345, 20000])}"

    def bytes(self):
        return f"bytes {self.fd()}"

    def small(self):
        return self.r.choice([f"close {self.fd()}", f"fstat {self.fd()}", f"write {self.fd()} {self.size()} 3", "unlink a",
                              "open a O_RDWR|O_CREAT 0600"])


class Processes:
    """Up to six of them."""

    def __init__(self, r):
        self.r = r

    def who(self):
        return f"p{self.r.choice([0, 0, 0, 1, 1, 2, 2, 3, 4])}"

    def target(self):
        r = self.r
        return r.choice([self.who()] * 8 + [f"-{self.who()}"] * 2 + ["self", "0"])

    def sig(self):
        r = self.r
        return r.choice(["SIGUSR1", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGKILL", "SIGSTOP", "SIGSTOP", "SIGCONT", "SIGCONT",
                         "SIGTSTP", "SIGTTIN", "SIGHUP", "SIGCHLD", "0", "SIGINT", "65"])

    def options(self):
        return self.r.choice(["0", "WUNTRACED", "WCONTINUED", "WUNTRACED|WCONTINUED", "WUNTRACED|WCONTINUED"])

    def call(self):
        r = self.r
        return r.choice([lambda: f"fork {r.randint(1, 4)}"] * 3 + [
            lambda: f"kill {self.target()} {self.sig()}"] * 5 + [
            lambda: f"wait {r.choice(['-1', '-1', '0', self.who(), '-' + self.who()])} {self.options()}"] * 3 + [
            lambda: f"waitid {r.choice(['P_ALL 0', 'P_PID ' + self.who(), 'P_PGID ' + self.who()])} "
                    + r.choice(["WEXITED", "WEXITED|WSTOPPED|WCONTINUED", "WSTOPPED", "WEXITED|WNOWAIT", "WCONTINUED"]),
            lambda: f"setpgid {r.choice(['0', self.who(), self.who()])} {r.choice(['0', '0', self.who()])}",
            lambda: f"setpgid {r.choice(['0', self.who(), self.who()])} {r.choice(['0', '0', self.who()])}",
            lambda: f"getpgid {r.choice(['0', self.who()])}", lambda: f"getsid {r.choice(['0', self.who()])}",
            lambda: "setsid", lambda: "getppid", lambda: "pending", lambda: f"exit {r.choice([0, 1, 3, 255])}",
            lambda: f"vfork {r.choice([0, 9])}", self.action, self.action, self.mask])()

    def action(self):
        sig = self.r.choice(["SIGUSR1", "SIGUSR2", "SIGTERM", "SIGCHLD", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGTSTP", "SIGTTIN", "SIGINT"])
        return f"sigaction {sig} {self.r.choice(['h', 'h', 'h', 'ign', 'dfl'])} {self.r.choice(['0', '0', 'SA_NOCLDSTOP', 'SA_NOCLDWAIT', 'SA_RESETHAND'])}"

    def mask(self):
        how = self.r.choice(["SIG_BLOCK", "SIG_UNBLOCK"])
        return f"mask {how} {self.r.choice(['SIGUSR1', 'SIGUSR2,SIGTERM', 'SIGCHLD', 'SIGTSTP', 'SIGCONT', 'SIGHUP,SIGINT'])}"

    def lines(self):
        yield "p0 fork 1"
        yield f"p{self.r.randint(0, 1)} fork 2"
        for _ in range(self.r.randint(6, 20)):
            yield f"{self.who()} {self.call()}"


def generate(kind, seed):
    r = random.Random(f"{kind} {seed}")
    return list({"files": Files, "signals": Signals, "memory": Memory, "processes": Processes}[kind](r).lines())
