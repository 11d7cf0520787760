# SPDX-License-Identifier: ISC
"""A suite's units, and what the guest needs for them beside its tree.

Each function makes its suite's tree in PLACE and returns [(unit, command)] and
{path in the guest: path on the host}.
"""

import glob
import os
import re
import shutil
import subprocess

import debian
from debian import BUILD, PLACE


def busybox():
    source = debian.source("busybox")
    tree = f"{PLACE}/busybox"
    shutil.copytree(f"{source}/testsuite", f"{tree}/testsuite", symlinks=True)
    shutil.copy(f"{source}/debian/config/pkg/static", f"{tree}/.config")
    shutil.copy("/bin/busybox", f"{tree}/busybox")
    subprocess.run(["gcc", "-w", "-O1", "-static", f"{source}/scripts/echo.c", "-o", f"{tree}/testsuite/echo-ne"], check=True)
    with open(f"{tree}/testsuite/runtest", "r+") as f:		# the links once, not for each unit
        text = f.read().replace('rm -rf "$LINKSDIR" 2>/dev/null', "").replace('mkdir "$LINKSDIR" 2>/dev/null\nfor', 'mkdir "$LINKSDIR" 2>/dev/null && for')
        f.seek(0)
        f.truncate()
        f.write(text)
    names = {name.removesuffix(".tests") for name in os.listdir(f"{tree}/testsuite")
             if name.endswith(".tests") or os.path.isdir(f"{tree}/testsuite/{name}")}
    return [(name, f"cd {tree}/testsuite && ./runtest -v {name}") for name in sorted(names)], {}


def bash_units(shell):
    """Its tests, run by that shell: (unit, command)"""
    source, tree = debian.source("bash"), f"{PLACE}/bash"
    shutil.copytree(f"{source}/tests", tree, symlinks=True)
    os.makedirs(f"{PLACE}/tmp")
    os.makedirs(f"{BUILD}/bash.include", exist_ok=True)
    for name in ("config.h", "bashansi.h"):
        with open(f"{BUILD}/bash.include/{name}", "w") as f:
            f.write("#define HAVE_STRING_H 1\n#define HAVE_STDLIB_H 1\n#define HAVE_LOCALE_H 1\n#include <stdlib.h>\n#include <string.h>\n")
    for name in ("recho", "zecho", "printenv", "xcase"):
        subprocess.run(["gcc", "-w", "-O1", "-static", f"-I{BUILD}/bash.include", f"{source}/support/{name}.c", "-o", f"{tree}/{name}"], check=True)
    names = sorted(name.removeprefix("run-") for name in os.listdir(tree) if name.startswith("run-"))
    return [(name, f"cd {tree} && PATH={tree}:$PATH THIS_SH={shell} BASH_TSTOUT={PLACE}/bash.out TMPDIR={PLACE}/tmp sh ./run-{name}")
            for name in names]


def bash():
    return bash_units("/bin/bash-static"), {"/bin/bash-static": "/bin/bash-static"}


def bash_dynamic():
    """Where users and character sets are looked up by libraries, on which the static shell fails."""
    extra = glob.glob("/lib/*/libnss_files.so.2") + glob.glob("/usr/lib/*/gconv") + ["/etc/nsswitch.conf"]
    paths = ["/bin/bash", *debian.libraries("/bin/bash"), *extra]
    return ([unit for unit in bash_units("/bin/bash") if unit[0] in ("tilde", "glob-test")],
            {path: os.path.realpath(path) for path in paths})


def zsh_modules(tree, shell, linked):
    """config.modules, as a build of this shell would have left it: what can be loaded is linked so."""
    lines = []
    for path in [*glob.glob(f"{tree}/Src/*.mdd"), *sorted(glob.glob(f"{tree}/Src/*/*.mdd"))]:
        with open(path) as f:
            name = re.search(r"^name=(\S+)", f.read(), flags=re.M)[1]
        there = subprocess.run([shell, "-fc", f"module_path=({tree}/Test/Modules); zmodload {name}"],
                               stderr=subprocess.DEVNULL, check=False).returncode == 0
        lines.append(f"name={name} modfile={os.path.relpath(path, tree)} link={linked if there else 'no'} auto=yes load=no")
    with open(f"{tree}/config.modules", "w") as f:
        f.write("".join(line + "\n" for line in lines))


def zsh_tree(name, shell, linked, modules=None):
    """The suite as it lies beside a built shell."""
    source, tree = debian.source("zsh"), f"{PLACE}/{name}"
    for part in ("Test", "Functions", "Misc", "Completion", "Src", "Util"):
        shutil.copytree(f"{source}/{part}", f"{tree}/{part}", symlinks=True, ignore=shutil.ignore_patterns("*.[ch]", "*.zwc"))
    shutil.copy(shell, f"{tree}/Src/zsh")
    if modules:
        shutil.copytree(modules, f"{tree}/Test/Modules/zsh")
    with open(f"{tree}/config.h", "w") as f:			# what tests look for there
        f.write('#define HAVE_FIFOS 1\n#define HAVE_INITGROUPS 1\n#define HAVE_SETRESUID 1\n#define HAVE_SETREUID 1\n'
                '#define HAVE_SETRESGID 1\n#define HAVE_SETREGID 1\n#define PATH_DEV_FD "/dev/fd"\n')
    zsh_modules(tree, f"{tree}/Src/zsh", linked)
    names = sorted(path.removesuffix(".ztst") for path in os.listdir(f"{tree}/Test") if path.endswith(".ztst"))
    return [(unit, f"cd {tree}/Test && ZTST_testdir={tree}/Test ZTST_srcdir={tree}/Test ZTST_exe={tree}/Src/zsh "
                   f"{tree}/Src/zsh +Z -f ./ztst.zsh ./{unit}.ztst") for unit in names]


def zsh():
    return zsh_tree("zsh", "/bin/zsh-static", "static"), {}


def zsh_dynamic():
    """The shell that loads modules: most of what the static one has to skip."""
    package = debian.unpacked("zsh")
    modules = glob.glob(f"{package}/usr/lib/*/zsh/*/zsh")[0]
    needed = debian.libraries(f"{package}/bin/zsh", *glob.glob(f"{modules}/**/*.so", recursive=True))
    return zsh_tree("zsh-dynamic", f"{package}/bin/zsh", "dynamic", modules), {path: path for path in needed}


# What reaches the system: the rest of the library's tests is about the language.


PYTHON = """posix os subprocess signal select poll epoll selectors fcntl fork1 wait4 pty openpty ioctl mmap resource
    file fileio tempfile shutil glob pathlib time popen tarfile thread threading threadsignals""".split()


def python():
    """The distribution's python, with the tests of its library."""
    package, tree = debian.unpacked("libpython3.11-testsuite"), f"{PLACE}/python"
    program, library = "/usr/bin/python3.11", "/usr/lib/python3.11"
    for part in (library, f"{package}{library}"):		# the distribution keeps a part of it with the library
        shutil.copytree(f"{part}/test", f"{tree}/path/test", symlinks=True, dirs_exist_ok=True)
    os.makedirs(f"{tree}/work")
    needed = [program, library, "/bin/bash", *debian.libraries(program, "/bin/bash", *glob.glob(f"{library}/lib-dynload/*.so"))]
    names = [name for name in sorted(set(PYTHON)) if glob.glob(f"{tree}/path/test/test_{name}*")]
    return ([(name, f"cd {tree}/work && TMPDIR={tree}/work PYTHONPATH={tree}/path PYTHONDONTWRITEBYTECODE=1 "
                    f"{program} -m unittest -v test.test_{name}") for name in names],
            {path: os.path.realpath(path) for path in needed})


SUITES = {"busybox": busybox, "bash": bash, "bash-dynamic": bash_dynamic, "zsh": zsh, "zsh-dynamic": zsh_dynamic, "python": python}
# What is not run, and why.
LEFT_OUT = {
    "busybox": {
        "bc": "computes for a minute on the host, and for a quarter of an hour where its processor is emulated",
        "pidof": "is about all processes of the machine",
    },
    "bash": {
        "all": "is all the others, and minimal most of them", "minimal": "the same",
        "gprof": "is the others, for a profile",
        "glob-test": "is run by bash-dynamic: the static one finds no character sets",
        "tilde": "is run by bash-dynamic: the static one crashes on the host, where it asks a library for a user",
        "read": "gives a reader ten microseconds",
    },
    "bash-dynamic": {},
    "zsh": {},
    "zsh-dynamic": {},
    "python": {},
}
