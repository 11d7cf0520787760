#!/bin/sh
# SPDX-License-Identifier: ISC
# Install what building, running and testing need.  Silent and quick when all is there.
#
#   tools/setup.sh           install what is missing (Debian 12)
#   tools/setup.sh --check   only say what is missing; status 1 if anything is

set -eu

# package | how one sees that it is there | why
needed() {
	cat <<'END'
gcc|gcc|compiles kernel, library and host tests
libc6-dev|/usr/include/x86_64-linux-gnu/sys/types.h|host tests are C programs
binutils|ld|links, and objdump for the limits that lint checks
make|make|drives the build
python3|python3|the exo command, generators, test harness (standard library only)
qemu-system-x86|qemu-system-x86_64|the machine
qemu-system-data|/usr/share/qemu/qboot.rom|the machine's firmware
busybox-static|/bin/busybox /usr/bin/busybox|the guest's programs
bash-static|/bin/bash-static /usr/bin/bash-static|a shell to test ExOS with
liblua5.4-dev|/usr/include/lua5.4/lua.h|an interpreter to test ExOS with
libsqlite3-dev|/usr/include/sqlite3.h|a database to test ExOS with
zsh-static|/bin/zsh-static /usr/bin/zsh-static|a shell whose line editor asks more of a terminal
musl-tools|musl-gcc|small static programs, native programs
clang|clang|second compiler; checks lock annotations
libclang-rt-14-dev|/usr/lib/llvm-14/lib/clang/14*/lib/linux/libclang_rt.fuzzer-x86_64.a|fuzzing on the host
clang-format|clang-format|make lint, make format
cppcheck|cppcheck|make lint
spin|spin|checks the model of control transfer
gdb|gdb|exo debug
util-linux|setpriv|ends a guest whose exo was killed
END
}

have() {	# have NAME...: is one of these commands or files there?
	for candidate in $1; do
		case $candidate in
		/*) [ -e "$candidate" ] && return 0 ;;
		*) command -v "$candidate" >/dev/null 2>&1 && return 0 ;;
		esac
	done
	return 1
}

missing() {
	needed | while IFS='|' read -r package where why; do
		have "$where" || echo "$package|$why"
	done
}

absent=$(missing)
if [ -z "$absent" ]; then
	exit 0
fi
packages=$(echo "$absent" | cut -d'|' -f1 | tr '\n' ' ')

echo "setup: missing:" >&2
echo "$absent" | while IFS='|' read -r package why; do
	printf '  %-20s %s\n' "$package" "$why" >&2
done
if [ "${1-}" = --check ]; then
	exit 1
fi

id='' version=''
if [ -r /etc/os-release ]; then
	id=$(. /etc/os-release; echo "${ID-}")
	version=$(. /etc/os-release; echo "${VERSION_ID-}")
fi
if [ "$id" != debian ] || [ "$version" != 12 ]; then
	echo "setup: this is not Debian 12: install these with your own package manager" >&2
	exit 1
fi

as_root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1 || [ ! -t 0 ]; then
		echo "setup: as root: apt-get install --no-install-recommends $packages" >&2
		exit 1
	fi
	printf 'setup: install them with sudo apt-get? [y/N] ' >&2
	read -r answer
	case $answer in
	y | Y | yes) as_root=sudo ;;
	*) exit 1 ;;
	esac
fi

echo "setup: installing $packages" >&2
export DEBIAN_FRONTEND=noninteractive
install() {
	$as_root apt-get -q -y -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 install --no-install-recommends $packages >&2
}
install || { $as_root apt-get -q update >&2 && install; }

absent=$(missing)
if [ -n "$absent" ]; then
	echo "setup: still missing: $(echo "$absent" | cut -d'|' -f1 | tr '\n' ' ')" >&2
	exit 1
fi
