# SPDX-License-Identifier: ISC
"""What can only be asked of the guest: streams, statuses, signals, files, limits.

Each test is a function without arguments; its first line of documentation is
its name, it fails by an assertion.
"""

import concurrent.futures
import os
import re
import signal
import subprocess
import tempfile
import time

ROOT = os.path.realpath(os.path.dirname(os.path.realpath(__file__)) + "/../..")
EXO = f"{ROOT}/exo"
OPTIONS = []				# of every run
PATIENCE_S = 240			# past what a busy host makes of it
BUILDING = b"exo: building ...\n"	# somebody changed a source meanwhile


def run(*arguments, stdin=b"", cwd=None, **how):
    """(status, output, errors)"""
    if isinstance(stdin, bytes):
        how["input"] = stdin
    else:
        how["stdin"] = stdin
    done = subprocess.run([EXO, "run", *OPTIONS, *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=PATIENCE_S, **how)
    return done.returncode, done.stdout, done.stderr.removeprefix(BUILDING)


def same(got, *expected):
    assert got == expected, f"{got!r:.600}, not {expected!r:.600}"


def started(*arguments, **how):
    """A run that has said `ready`."""
    child = subprocess.Popen([EXO, "run", *OPTIONS, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, **how)
    line = child.stdout.readline()
    assert line == b"ready\n", f"{line!r} {child.stderr.read()!r}"
    return child


def ended(child):
    out, err = child.communicate(timeout=PATIENCE_S)
    return child.returncode, out, err


def built(name, place="build/alike/bin/{}.musl"):
    """A program of tests/alike, as musl links it, or another's."""
    program = place.format(name)
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}		# its jobs are not ours
    subprocess.run(["make", "-s", "-C", ROOT, program], env=environment, check=True)
    return f"{ROOT}/{program}"


def natives():
    """programs without ExOS, and where a shell sends what they say"""
    demo = f"{ROOT}/build/apps/demos/hello_raw.elf"
    script = """
/root/n | sed -n 's/hello/piped/p'
/root/n a >/tmp/out; echo $?; sed -n 's/hello/filed/p; /argument 1/p' /tmp/out
(/root/n; echo after) | grep -c -e hello -e after
/root/n >&-; echo $?
i=0; while [ $i -lt 40 ]; do set -- "$@" a b c d; i=$((i+1)); done
/root/n "$@" | wc -l
/root/n "$@" | head -n 1
"""
    same(run("--add", f"{demo}:/root/n", "sh", "-c", script), 0,
         b"piped, world\n0\nfiled, world\nargument 1: a\n2\n0\n164\nhello, world\n", b"")
    assert run("--add", f"{demo}:/root/n", "/root/n")[1].startswith(b"hello, world\n")


def slow_host():
    """a host that reads the trace late gets all of it"""
    child = subprocess.Popen([EXO, "run", *OPTIONS, "--trace", "sh", "-c", "for i in 1 2 3 4 5; do ls / >/dev/null; done"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(0.7)				# by then it has filled what there is on the way
    trace = child.stderr.read().removeprefix(BUILDING)
    assert child.wait() == 0
    assert trace.count(b"exit_group(0) = ?") == 6 and trace.endswith(b"exit_group(0) = ?\n"), trace[-300:]


def statuses():
    """exit statuses"""
    same(run("true"), 0, b"", b"")
    same(run("sh", "-c", "exit 7"), 7, b"", b"")
    same(run("sh", "-c", "kill -9 $$"), 137, b"", b"")
    same(run("sh", "-c", "kill -SEGV $$"), 139, b"", b"")
    same(run("/etc"), 126, b"", b"exo: /etc: is a directory\n")
    same(run("/etc/passwd"), 126, b"", b"exo: /etc/passwd: Permission denied\n")
    same(run("nosuch"), 127, b"", b"exo: nosuch: not found in the guest's PATH\n")
    same(run("/bin/nosuch"), 127, b"", b"exo: /bin/nosuch: not found in the guest\n")
    assert run("--frobnicate")[0] == 125
    same(run("sh", "-c", "nosuch"), 127, b"", b"sh: nosuch: not found\n")


def streams():
    """two outputs, one input"""
    same(run("sh", "-c", "echo out; echo err >&2; exit 3"), 3, b"out\n", b"err\n")
    same(run("cat"), 0, b"", b"")
    same(run("sh", "-c", "read x; echo $?; read y; echo $y", stdin=b"no newline"), 0, b"1\n\n", b"")
    same(run("wc", "-c", stdin=b"x" * 70000), 0, b"70000\n", b"")
    same(run(stdin=b"echo from a script\nexit 4\n"), 4, b"from a script\n", b"")


def binary():
    """binary clean, both ways"""
    data = os.urandom(1000000)
    status, out, err = run("cat", stdin=data)
    assert (status, err) == (0, b"") and out == data, f"{status} {len(out)} {err!r}"
    status, out, err = run("sh", "-c", "gzip | gunzip", stdin=data[:300000])
    assert (status, err) == (0, b"") and out == data[:300000], f"{status} {len(out)} {err!r}"


def large_output():
    """more output than any buffer holds"""
    status, out, err = run("sh", "-c", "dd if=/dev/zero bs=1M count=20 2>/dev/null; echo end >&2")
    assert (status, len(out), out.count(0), err) == (0, 20 << 20, 20 << 20, b"end\n"), f"{status} {len(out)}"


def rest_of_a_file():
    """what is not read of a file is left to the caller"""
    with tempfile.TemporaryFile() as f:
        f.write(b"one\ntwo\nthree\n")
        f.flush()
        f.seek(0)
        same(run("sh", "-c", "read x; echo $x", stdin=f), 0, b"one\n", b"")
        same(run("sh", "-c", "read x; echo $x", stdin=f), 0, b"two\n", b"")
        same(run("cat", stdin=f), 0, b"three\n", b"")


def broken_pipe():
    """nobody reads the output"""
    done = subprocess.run(["bash", "-c", '"$0" run yes | head -n 2; echo ${PIPESTATUS[0]}', EXO],
                          stdout=subprocess.PIPE, timeout=PATIENCE_S)
    assert done.stdout == b"y\ny\n141\n", done.stdout


def surroundings():
    """--env, --workdir, arguments as they are"""
    same(run("--env", "A=1 2", "--env", "B=", "--workdir", "/tmp", "sh", "-c", 'echo "$A|$B|$PWD|$#|$1|$2"', "x", "a  b", ""),
         0, b"1 2||/tmp|2|a  b|\n", b"")
    same(run("--workdir", "/made/here", "pwd"), 0, b"/made/here\n", b"")
    same(run("--env", "FROM_CALLER", "sh", "-c", "echo $FROM_CALLER", env={**os.environ, "FROM_CALLER": "yes"}), 0, b"yes\n", b"")


def files():
    """--add and --get"""
    with tempfile.TemporaryDirectory() as place:
        os.makedirs(f"{place}/tree/sub")
        with open(f"{place}/tree/sub/f", "wb") as f:
            f.write(os.urandom(100000))
        os.chmod(f"{place}/tree/sub/f", 0o741)
        os.symlink("sub/f", f"{place}/tree/l")
        same(run("--add", "tree:/data", "sh", "-c", "ls -R /data; stat -c %a /data/sub/f; wc -c </data/l", cwd=place),
             0, b"/data:\nl\nsub\n\n/data/sub:\nf\n741\n100000\n", b"")
        same(run("--add", "tree", "--get", "out", "--get", "/tmp/one:two", "sh", "-c",
                 "cp -a tree out; echo 1 >/tmp/one; mkdir out/empty; exit 6", cwd=place), 6, b"", b"")
        with open(f"{place}/tree/sub/f", "rb") as a, open(f"{place}/out/l", "rb") as b:
            assert a.read() == b.read()
        assert os.stat(f"{place}/out/sub/f").st_mode & 0o777 == 0o741 and os.path.isdir(f"{place}/out/empty")
        with open(f"{place}/two") as f:
            assert f.read() == "1\n"
        status, _, err = run("--get", "/nosuch", "true", cwd=place)
        assert status == 125 and b"No such file" in err and err.count(b"\n") == 1, err


def host_programs():
    """./PROGRAM is the host's"""
    with tempfile.TemporaryDirectory() as place:
        with open(f"{place}/script", "w") as f:
            f.write('#!/bin/sh\necho "$0 $1 $PWD"\nexit 9\n')
        os.chmod(f"{place}/script", 0o755)
        same(run("./script", "x", cwd=place), 9, b"./script x /root\n", b"")
        with open(f"{place}/bad", "w") as f:
            f.write("#!/nosuch\n")
        os.chmod(f"{place}/bad", 0o755)
        same(run("./bad", cwd=place), 126, b"", b"exo: ./bad: the interpreter that it names is not in the guest (--add it)\n")
        same(run("./nosuch", cwd=place), 127, b"", b"exo: ./nosuch: no such file\n")


def time_out():
    """--timeout"""
    begin = time.monotonic()
    same(run("--timeout", "1.5", "sh", "-c", "echo before; sleep 100"), 124, b"before\n", b"exo: ended after 1.5 s (--timeout)\n")
    assert time.monotonic() - begin < 10


def interrupts():
    """signals to exo reach the program"""
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        child = started("sh", "-c", "echo ready; exec sleep 100")
        child.send_signal(number)
        same(ended(child), status, b"", b"")
    child = started("sh", "-c", "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done")
    child.send_signal(signal.SIGINT)
    same(ended(child), 5, b"caught\n", b"")
    child = started("sh", "-c", "trap '' INT TERM; echo ready; while :; do sleep 1; done")
    for _ in range(3):
        child.send_signal(signal.SIGTERM)
        time.sleep(0.1)
    same(ended(child), 143, b"", b"")


def several():
    """several at once"""
    def one(n):
        return run("sh", "-c", f"i=0; while [ $i -lt 30 ]; do (echo {n}.$i); i=$((i + 1)); done; exit {n}")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for n, result in enumerate(pool.map(one, range(4))):
            same(result, n, "".join(f"{n}.{i}\n" for i in range(30)).encode(), b"")


def machines():
    """another machine, more memory"""
    same(run("--machine", "q35", "--memory", "128M", "echo", "q35"), 0, b"q35\n", b"")
    same(run("--memory", "1G", "sh", "-c", "dd if=/dev/zero of=big bs=1M count=300 2>/dev/null; ls -l big | awk '{print $5}'"),
         0, b"314572800\n", b"")


FREE = "free() { awk '/MemFree/ {print $2}' /proc/meminfo; }\n"


LEEWAY_KB = 128				# tables of the server's, which grow with the most there ever was at a time


def freed(script, memory="128M"):
    """Run a script twice in one guest: the second time must leave as much memory free as the first.

    What the system itself keeps for so many processes or files it has after the first.
    What the dead had comes back soon, or on a busy host later: it has a minute.
    """
    status, out, err = run("--memory", memory, "sh", "-c",
                           f"{FREE}once() {{\n{script}\n}}\nonce >/dev/null 2>&1; sleep 0.2; before=$(free); echo $before; once\n"
                           f"n=0; while [ $(free) -lt $((before - {LEEWAY_KB})) ] && [ $n -lt 300 ]; do sleep 0.2; n=$((n + 1)); done; free")
    lines = out.decode().split("\n")
    assert status == 0 and len(lines) >= 3, f"{status} {out!r:.300} {err!r:.300}"
    before, after = int(lines[0]), int(lines[-2])
    assert after >= before - LEEWAY_KB, f"{before} kB were free before, {after} afterwards; {out!r:.300} {err!r:.300}"
    return "\n".join(lines[1:-2]),


def large_archive():
    """a file of 160 MiB that the guest begins with"""
    with tempfile.NamedTemporaryFile() as f:
        f.seek((160 << 20) - 4)
        f.write(b"end\n")
        f.flush()
        same(run("--memory", "512M", "--add", f"{f.name}:/big", "sh", "-c", "ls -l /big | grep -c 167772160; tail -c 4 /big"),
             0, b"1\nend\n", b"")


def call_sites():
    """--stats says how calls were made, --no-rewrite leaves them to the kernel"""
    script = "i=0; while [ $i -lt 1000 ]; do echo $i; i=$((i+1)); done >/dev/null"
    for flags, rewritten in ((), True), (("--no-rewrite",), False):
        status, out, err = run("--stats", *flags, "sh", "-c", script)
        lines = [line for line in err.decode().split("\n") if line.startswith("sh: Linux calls ")]
        assert status == 0 and out == b"" and len(lines) == 1, f"{status} {err!r:.600}"
        words = lines[0].replace(",", "").split()
        reflected, direct, sites = int(words[3]), int(words[5]), int(words[9])
        assert reflected + direct > 1000 and (direct > 500) == rewritten and (sites > 0) == rewritten, lines[0]


def frames_by_tag():
    """--stats says what frames are for: contents of files are not programs' own pages"""
    status, _, err = run("--stats", "sh", "-c", "head -c 8388608 /dev/zero >/tmp/f")
    frames = dict(re.findall(r"frames, ([a-z ]+?) (\d+)\n", err.decode()))
    assert status == 0 and int(frames["files"]) > 2048 > int(frames["anonymous"]) and int(frames["page tables"]) > 0, f"{err!r:.600}"


def fork_bomb():
    """a fork bomb is stopped by limits and can be killed"""
    # the clock starts before the bomb: afterwards a fork may fail, also the shell's
    same(freed("sleep 1 & clock=$!; (b() { b | b & b; }; b) >/dev/null 2>&1 & wait $clock; kill -9 -1; wait; (echo forks again)",
               "256M"), "forks again")


def too_many():
    """more processes than there is room for"""
    same(freed("(while sleep 100 & do :; done) 2>/dev/null; echo full; kill -9 -1; wait; (echo forks again)", "256M"),
         "full\nforks again")


def memory_hog():
    """a memory hog ends, the others do not"""
    same(freed("awk 'BEGIN {x = \"xxxxxxxx\"; while (1) x = x x}' 2>/dev/null || echo over; (echo still here)"),
         "over\nstill here")


def file_hog():
    """a file that fills memory"""
    same(freed("dd if=/dev/zero of=big bs=1M 2>/dev/null || echo full; rm big\n"
               "dd if=/dev/zero of=big bs=1M count=30 2>/dev/null && echo again; rm big"), "full\nagain")


def killed_in_the_middle():
    """nothing is left of processes killed at any time"""
    same(freed("i=0; while [ $i -lt 12 ]; do (seq 1 20000 | sort -n | wc -l) >/dev/null 2>&1 & p=$!\n"
               "usleep $((i * 2000)); kill -9 $p; i=$((i + 1)); done; kill -9 -1; wait; echo done"), "done")


KILLED = """cd /tmp; ls / | wc -l; echo a >b; cat b | tee c | wc -l; sleep 0.01 & wait
mv c d; ln d e; rm d; (exit 7); echo $?; sh -c 'kill -9 $$'; echo $?; (sleep 9 & kill $!; wait $!; echo $?) 2>/dev/null
mkdir -p x/y; echo text >x/y/z; chmod 600 x/y/z; cat x/y/z | (read w; echo $w); rm -r x; ls
"""


# At each instruction of OP_OBJECT_NEW (16), and when it is asked for again.
PIPES = "i=0; while [ $i -lt 600 ]; do i=$((i+1)); read x <<E\n$i\nE\n[ $x = $i ] || echo $i: $x; done; echo $i"


def server_ends():
    """the server ends in the middle of requests, and all else goes on"""
    expected = run("sh", "-c", KILLED)
    assert expected[0] == 0 and expected[1].count(b"\n") == 8, expected
    for how, cpus in (("20,37", "1"), ("13,61", "1"), ("9,111", "1"), ("11,59", "2"), ("9,61", "3")):
        same(run("--kill-server", how, "--cpus", cpus, "sh", "-c", KILLED), *expected)
    same(run("--kill-server", "1,4,16", "sh", "-c", PIPES), 0, b"600\n", b"")
    typed = "".join(f"echo {n}; true | cat\n" for n in range(20))
    same(run("--kill-server", "9,37", "sh", stdin=typed.encode()), 0, "".join(f"{n}\n" for n in range(20)).encode(), b"")


def server_ends_in_calls_for_processors():
    """processors come and go by requests in which the server ends (31, 33)"""
    program = built("threadrests")
    for how in ("1,5,31", "1,7,33", "3,7,33"):
        same(run("--kill-server", how, "--cpus", "2", "--add", f"{program}:/bin/rests", "/bin/rests"), 0, b"4\n", b"")


def server_ends_while_it_begins():
    """the server that begins anew ends again, and again, further on each time"""
    expected = run("sh", "-c", KILLED)
    for how, cpus in (("5,37,0,0,37", "1"), ("5,61,0,0,1009", "2")):
        same(run("--kill-server", how, "--cpus", cpus, "sh", "-c", KILLED), *expected)


def server_ends_and_others_are_first():
    """who gives the keeper the end of its slice and calls the new server before it gains nothing"""
    program = built("keeper", "build/hostile/{}")
    status, out, err = run("--kill-server", "5,1", "--add", f"{program}:/bin/keeper", "/bin/keeper", "20")
    assert status == 0 and b"ended 20 times" in out, (status, out, err)


def stats_of_liars():
    """what programs say that they did gets as much room as there is"""
    program = built("counts", "build/hostile/{}")
    status, out, err = run("--stats", "--add", f"{program}:/bin/counts", "/bin/counts")
    lines = [line for line in err.splitlines() if b"Linux calls" in line]
    assert status == 0 and len(lines) > 10 and sum(len(line) + 1 for line in lines) < 4080, (status, out, err)


def server_ends_under_attack():
    """programs that ask the server behind their library's back, while it ends"""
    def under(name):
        program = built(name, "build/hostile/{}")
        return run("--cpus", "2", "--scatter", "--kill-server", "11,59", "--add", f"{program}:/bin/{name}", f"/bin/{name}")

    for name in "cpus", "setid":
        status, out, err = under(name)
        assert status == 0 and b" passed, 0 failed\n" in out, (status, out, err)


def server_faults():
    """a request that the server cannot do is an error, and not its end"""
    status, out, err = run("--kill-server", "1000,300,67,1", "sh", "-c", "cd /tmp; >a; rm a; rm a; ls; (echo forks again)")
    same((status, out), 0, b"forks again\n")
    assert err.count(b"can't remove") == 1, err


def server_hangs():
    """a request that does not end is an error after a while; so is one on the other processor"""
    def on(cpus):
        return run("--cpus", cpus, "--scatter", "--kill-server", "1000,300,67,2", "sh", "-c",
                   "cd /tmp; >a; rm a; rm a; ls; (echo forks again)")

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for status, out, err in pool.map(on, "12"):
            same((status, out), 0, b"forks again\n")
            assert err.count(b"can't remove") == 1, err


TESTS = [natives, slow_host, statuses, streams, binary, large_output, rest_of_a_file, broken_pipe, surroundings, files, host_programs,
         time_out, interrupts, several, machines, call_sites, frames_by_tag, large_archive, fork_bomb, too_many, memory_hog, file_hog, killed_in_the_middle, server_ends,
         server_ends_in_calls_for_processors, server_ends_while_it_begins, server_ends_and_others_are_first, server_ends_under_attack,
         server_faults, server_hangs,
         stats_of_liars]
