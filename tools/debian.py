# SPDX-License-Identifier: ISC
"""The distribution's sources and packages, fetched into build/suites: for its test-suites, and its kernel.

They come by apt-get from the distribution that apt is set up for, with lists of
this run's own (build/suites/apt): the system's stay as they are.
"""

import glob
import os
import re
import subprocess

ROOT = os.path.realpath(f"{os.path.dirname(os.path.realpath(__file__))}/..")
BUILD = f"{ROOT}/build/suites"
PLACE = "/tmp/exos-suites"			# the same path on both


def apt_sources():
    """deb and deb-src lines for what apt fetches packages from."""
    parts = f"{BUILD}/apt/parts"
    os.makedirs(parts, exist_ok=True)
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*.sources"), *glob.glob("/etc/apt/sources.list.d/*.list")]:
        if os.path.isfile(path):
            with open(path) as f:
                text = re.sub(r"^Types:\s*deb(?=\s|$)", r"Types: deb deb-src", f.read(), flags=re.M)
            text += "\n" + re.sub(r"^\s*deb(?=\s)", "deb-src", text, flags=re.M) if path.endswith(".list") else ""
            with open(f"{parts}/{os.path.basename(path)}", "w") as f:
                f.write(text)


def apt_get(*arguments, cwd):
    """Raises CalledProcessError when it does not work."""
    for name in ("lists/partial", "cache/archives/partial"):
        os.makedirs(f"{BUILD}/apt/{name}", exist_ok=True)
    os.makedirs(cwd, exist_ok=True)
    apt = ["apt-get", "-qq", "-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={BUILD}/apt/parts",
           "-o", f"Dir::State::Lists={BUILD}/apt/lists", "-o", f"Dir::Cache={BUILD}/apt/cache", "-o", "APT::Sandbox::User=root"]
    if not glob.glob(f"{BUILD}/apt/lists/*Packages*"):
        apt_sources()
        subprocess.run([*apt, "update"], check=True)
    subprocess.run([*apt, *arguments], cwd=cwd, check=True)


def source(package):
    """Its source's directory."""
    place = f"{BUILD}/{package}"
    if not glob.glob(f"{place}/{package}-*/"):
        apt_get("source", "--download-only", package, cwd=place)
        subprocess.run(["tar", "xf", *glob.glob(f"{place}/*.orig.tar.[gxb]z"), *glob.glob(f"{place}/*.orig.tar.bz2")], cwd=place, check=True)
        for debian in glob.glob(f"{place}/*.debian.tar.*"):
            subprocess.run(["tar", "xf", debian, "-C", glob.glob(f"{place}/{package}-*/")[0]], check=True)
    return glob.glob(f"{place}/{package}-*/")[0].rstrip("/")


def unpacked(package):
    """A directory with what the package would install."""
    place = f"{BUILD}/packages/{package}"
    if not os.path.isdir(f"{place}/root"):
        apt_get("download", package, cwd=place)
        subprocess.run(["dpkg-deb", "-x", glob.glob(f"{place}/*.deb")[0], f"{place}/root"], check=True)
    return f"{place}/root"


def depends(package):
    """The first package that it needs: what a name for the newest version stands for."""
    deb = glob.glob(f"{os.path.dirname(unpacked(package))}/*.deb")[0]
    text = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return text.partition(",")[0].partition("(")[0].strip()


def libraries(*programs):
    """What dynamic programs and modules load: paths, the loader's among them."""
    text = subprocess.run(["ldd", *programs], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return sorted(set(re.findall(r"(?:=> |^\t)(/\S+) \(0x", text, flags=re.M)))
