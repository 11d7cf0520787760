# SPDX-License-Identifier: ISC
"""Which command, help, and how errors are shown."""

import os
import sys

from . import ExoError, say

USAGE = """\
exo: run Linux programs on ExOS, in a guest of their own

  exo run [OPTION]... [--] [PROGRAM [ARG]...]    run a program, or an interactive shell
  exo trace PROGRAM [ARG]...                     the same, showing its Linux calls
  exo debug [OPTION]... PROGRAM [ARG]...         the same under gdb, with the kernel's symbols
  exo test                                       every test
  exo bench [--vs linux]                         what things cost, and beside Linux
  exo claims [ID]...                             what the papers claimed, asked again here
  exo help COMMAND                               more about one of these
"""

RUN = """\
exo run [OPTION]... [--] [PROGRAM [ARG]...]

Runs PROGRAM in a guest and ends with its exit status. Standard input, output and error are the
caller's; nothing else is printed. Without PROGRAM an interactive shell is started.

A PROGRAM that begins with ./ or ../ is a file of the host (a static Linux program or a script)
and is added to the guest first; any other is looked up in the guest.

{options}

Status: the program's own; 128+n when signal n killed it; 127 not found; 126 found but cannot be
run; 125 exo, QEMU or the kernel failed; 124 time-out; 129 ended by the key.

SIGINT, SIGTERM and other signals sent to exo reach the program; the third SIGINT or SIGTERM ends
the guest. In a terminal Ctrl-A x ends the guest, Ctrl-A Ctrl-A is one Ctrl-A.
"""

HELP = {
    "trace": "exo trace [OPTION]... PROGRAM [ARG]...\n\nLike `exo run --trace`. Options are those of `exo run`.\n",
    "debug": "exo debug [OPTION]... PROGRAM [ARG]...\n\nStarts gdb on the kernel, halted at its first instruction. The program's standard input is\n"
             "empty. `exo run --debug` waits instead for a gdb that you start. Options are those of `exo run`.\n\n"
             "In gdb `help exo` lists commands for environments, frames, accounts, guards, keys, slices,\nu-areas, page tables, the kernel's trace, and symbols of ExOS.\n",
    "test": "exo test\n\nRuns `make test`: lint, unit tests, models, tests in the guest.\n",
    "bench": "exo bench [--quick | --profile ROW]\n\nRuns `make bench`: what things cost. --profile says where the instructions of one row go, by function.\n\n"
             "exo bench --vs linux [OPTION]...\n\nThe same programs on Linux (Debian's linux-image-cloud-amd64, fetched if it is not installed) and\n"
             "here, in turns, in the same emulated machine. `exo bench --vs linux --help` shows the options.\n\n"
             "exo bench --unprotected [--update]\n\nWhat protection costs: the same programs on a kernel that checks no rights.\n",
    "claims": "exo claims [ID... | --update]\n\nThe claims of the papers on the original exokernels, and whether they held when docs/claims.md was made.\n"
              "With IDs: measures these now, beside Linux. --update measures all and rewrites docs/claims.md.\n",
    "help": "exo help COMMAND\n",
}


def help_for(command):
    if command == "run":
        from . import options
        return RUN.format(options=options.help_text())
    if command not in HELP:
        raise ExoError(f"no such command: {command} (see exo --help)")
    return HELP[command]


def make(root, *arguments):
    try:
        os.execvp("make", ["make", "-C", root, "--no-print-directory", *arguments])
    except OSError:
        raise ExoError("make is not installed (tools/setup.sh)") from None


def versus(root, script, arguments, target="vs-linux"):
    """Beside Linux: a script of bench/vs."""
    import subprocess
    if subprocess.run(["make", "-C", root, "-s", "--no-print-directory", target], check=False).returncode:
        raise ExoError("building failed")
    os.execv(sys.executable, [sys.executable, f"{root}/bench/vs/{script}.py", *arguments])


def dispatch(root, arguments):
    command = arguments[0] if arguments else "--help"
    rest = arguments[1:]
    if command in ("--help", "-h", "help"):
        sys.stdout.write(help_for(rest[0]) if rest else USAGE)
        return 0
    if rest[:1] in (["--help"], ["-h"]):
        sys.stdout.write(help_for(command))
        return 0
    if command in ("run", "trace", "debug"):
        from . import options, session
        chosen = options.parse(rest)
        if command == "trace" and chosen.trace is None:
            chosen.trace = "all"
        return session.run(root, chosen, gdb=command == "debug")
    if command == "bench":
        if rest[:2] == ["--vs", "linux"] or rest[:1] == ["--vs=linux"]:
            versus(root, "run", rest)
        if rest[:1] == ["--unprotected"]:
            versus(root, "protection", rest[1:], "unprotected")
        profile = len(rest) == 2 and rest[0] == "--profile"
        if not profile and set(rest) - {"--quick"}:
            raise ExoError("exo bench takes --quick, --profile ROW, --unprotected, or --vs linux and its options")
        make(root, command, f"BENCH={' '.join(rest)}")
    if command == "claims":
        versus(root, "verdict", rest)
    if command == "test":
        if rest:
            raise ExoError("exo test takes no arguments")
        make(root, command)
    if command.startswith("-"):
        raise ExoError(f"options follow a command, as in exo run {command} (see exo --help)")
    raise ExoError(f"no such command: {command} (see exo --help)")


def fill_descriptors():
    """A caller may have closed 0, 1 or 2: no pipe or socket of ours may take their place."""
    fd = os.open(os.devnull, os.O_RDWR)
    while fd <= 2:
        fd = os.dup(fd)
    os.close(fd)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)


def main(root, arguments):
    fill_descriptors()
    try:
        return dispatch(root, arguments)
    except ExoError as problem:
        say(problem)
        return problem.status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)	# nothing more at exit
        return 141
    except OSError as problem:
        what = f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
        say(what)
        return 125
    except KeyboardInterrupt:
        return 130
