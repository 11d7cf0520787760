# SPDX-License-Identifier: ISC
"""How a QEMU is started: the one place that knows its options.

    pair = socket.socketpair()              # one for each console port wanted
    argv = qemu.command(kernel, archive, ports={0: pair[1].fileno()})
    subprocess.Popen(argv, pass_fds=[pair[1].fileno()])

The console is a virtio-serial device with up to five ports (PORT_*), each a
connected stream socket that QEMU inherits: bidirectional, with back pressure
in both directions, no path in a file system, no connection to wait for.
Port n has the virtio port number n + 1, because QEMU makes number 0 a
`virtconsole`, and those drop what the host does not read at once.

When the runner closes its end the guest sees the port close; what it sends
from then on is thrown away by QEMU.  shutdown(SHUT_WR) counts as closing:
"end of input" is a message on the control port, not a state of the stream.
"""

import os
import struct
import sys

QEMU = "qemu-system-x86_64"

PORT_STDIO = 0		# standard input and output
PORT_STDERR = 1
PORT_CONTROL = 2	# framed messages, see docs/console.md
PORT_LOG = 3		# kernel log
PORT_SPARE = 4
PORTS = 5

MACHINES = ("microvm", "q35")
ACCELS = ("auto", "tcg", "kvm")

# Debug exit: QEMU's status is value << 1 | 1.
DEBUG_EXIT = "isa-debug-exit,iobase=0xf4,iosize=4"

# TCG: what the emulator does badly is off.  erms makes C libraries copy by rep movsb (8 times
# slower here), wrpkru flushes the whole translation cache; la57 and pks are not used.
CPU_TCG = "max,-erms,-pku,-la57,-pks"
CPU_KVM = "host"


def exit_status(returncode):
    """The value that the guest wrote to the debug exit, or None: QEMU ended otherwise."""
    if returncode is None or returncode < 0 or returncode & 1 == 0:
        return None
    return returncode >> 1


def command(kernel, archive=None, machine="microvm", memory="256M", cpus=1, accel="auto",
            ports=None, uart=None, append="", extra=(), cpu=None, icount=False):
    """The argv that boots `kernel` with the boot archive `archive`.

    ports   {port: end}: a number is an inherited connected socket (pass_fds), a string a
            QEMU chardev without its id, such as "file,path=log" or "stdio"
    uart    where the early log and panics go, an `end` as above; None: no UART
    append  kernel command line
    extra   further QEMU arguments, such as ("-device", "edu"); q35 alone has PCI
    icount  count instructions: one CPU thread, deterministic time
    """
    if machine not in MACHINES:
        raise ValueError(f"no such machine: {machine}")
    accel = choose_accel(accel)
    ports = ports or {}
    micro = machine == "microvm"
    argv = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-M", _machine(micro, uart is not None),
            "-accel", _accel(accel, cpus, icount),
            "-cpu", cpu or (CPU_KVM if accel == "kvm" else CPU_TCG),
            "-smp", str(cpus), "-m", str(memory), "-kernel", kernel,
            "-device", DEBUG_EXIT]
    if not micro:
        argv += ["-bios", "qboot.rom"]
    if archive:
        argv += ["-initrd", archive]
    if append:
        argv += ["-append", append]
    if icount:
        argv += ["-icount", "shift=0,sleep=off"]
    if uart is not None:
        argv += ["-chardev", _chardev("uart", uart), "-serial", "chardev:uart"]
    if ports:
        argv += _console(micro, ports)
    return argv + list(extra)


def _machine(micro, uart):
    if not micro:
        return "q35,smm=off,vmport=off,hpet=off,sata=off,usb=off,graphics=off"
    # The PIT stays: the kernel calibrates its clocks by it.
    return ("microvm,x-option-roms=off,acpi=off,pic=off,rtc=off,isa-serial=" +
            ("on" if uart else "off"))


def _accel(accel, cpus, icount):
    if accel == "kvm":
        return "kvm"
    return "tcg,thread=" + ("single" if icount or cpus == 1 else "multi")


def _chardev(name, end):
    if isinstance(end, int):
        return f"socket,id={name},fd={end}"
    kind, _, rest = end.partition(",")
    return f"{kind},id={name}" + ("," + rest if rest else "")


def _console(micro, ports):
    """Modern virtio only: the kernel refuses the legacy layout.

    Without ioeventfd a doorbell is served where it rings, under emulation the cheaper way.
    """
    if micro:
        argv = ["-global", "virtio-mmio.force-legacy=false",
                "-device", "virtio-serial-device,max_ports=8"]
    else:
        argv = ["-device", "virtio-serial-pci-non-transitional,max_ports=8,vectors=0,ioeventfd=off"]
    for port, end in sorted(ports.items()):
        argv += ["-chardev", _chardev(f"port{port}", end),
                 "-device", f"virtserialport,chardev=port{port},nr={port + 1}"]
    return argv


def choose_accel(wanted):
    """auto becomes kvm where that works, else tcg; kvm that does not work is an error."""
    if wanted not in ACCELS:
        raise ValueError(f"no such accelerator: {wanted}")
    if wanted == "tcg":
        return "tcg"
    if kvm_works():
        return "kvm"
    if wanted == "kvm":
        raise RuntimeError("KVM does not work here (/dev/kvm absent, or it runs no 64-bit guest)")
    return "tcg"


# ---- does KVM work here?  Opening /dev/kvm proves nothing: a guest must have run. --------------

def kvm_works():
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    cache = _cache_file()
    try:
        with open(cache) as f:
            return f.read() == "yes"
    except OSError:
        pass
    answer = run_probe("kvm") == 1
    try:
        os.makedirs(os.path.dirname(cache), exist_ok=True)
        with open(f"{cache}.{os.getpid()}", "w") as f:
            f.write("yes" if answer else "no")
        os.replace(f.name, cache)
    except OSError:
        pass				# no cache: the next start asks again
    return answer


def _cache_file():
    """The answer holds for this boot of this host."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as f:
            boot = f.read().strip()
    except OSError:
        boot = "unknown"
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(home, "exo", f"kvm-{boot}-{os.uname().release}")


def run_probe(accel, timeout_s=3.0, machine="microvm"):
    """Boot a guest that enters 64-bit mode and exits: 1, or None when it did not get there."""
    import subprocess			# slow to load, seldom needed
    image = os.memfd_create("probe", 0)
    os.write(image, probe_image())
    path = f"/proc/self/fd/{image}"
    argv = command(path, accel="tcg", machine=machine, memory="64M")
    if accel == "kvm":
        argv[argv.index("-accel") + 1] = "kvm"
        argv[argv.index("-cpu") + 1] = CPU_KVM
    try:
        done = subprocess.run(argv, pass_fds=[image], timeout=timeout_s,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    except (subprocess.TimeoutExpired, OSError):
        return None
    finally:
        os.close(image)
    return exit_status(done.returncode)


def probe_image():
    """The smallest PVH kernel: 32 bit -> long mode -> debug exit with 1."""
    base, tables = 0x100000, 0x101000
    note_at, gdt_at, code_at = 0x200, 0x240, 0x280
    note = struct.pack("<III4sQ", 4, 8, 18, b"Xen\0", base + code_at)
    gdt = struct.pack("<QQHI", 0, 0x00af9a000000ffff, 15, base + gdt_at)
    code = bytes.fromhex(
        "0f20e0 83c820 0f22e0"			# cr4 |= PAE
        "b8" + tables.to_bytes(4, "little").hex() + "0f22d8"	# cr3 = tables
        "b9800000c0 0f32 0d00010000 0f30"	# EFER |= LME
        "0f20c0 0d00000080 0f22c0"		# cr0 |= PG
        "0f0115" + (base + gdt_at + 16).to_bytes(4, "little").hex() + "ea")
    code += struct.pack("<IH", base + code_at + len(code) + 6, 8)	# ljmp 8:next
    code += bytes.fromhex(
        "48b8f0debc9a78563412 48c1e83c"		# rax = 0x1234... >> 60: 1 in 64-bit mode alone
        "baf4000000 ef f4 ebfd")		# out to the debug exit
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, base + code_at,
                         64, 0, 0, 64, 56, 2, 0, 0, 0)
    size = 0x4000
    header += struct.pack("<IIQQQQQQ", 1, 7, 0, base, base, size, size, 0x1000)
    header += struct.pack("<IIQQQQQQ", 4, 4, note_at, base + note_at, base + note_at,
                          len(note), len(note), 4)
    image = bytearray(size)
    for at, part in ((0, header), (note_at, note), (gdt_at, gdt), (code_at, code),
                     (0x1000, struct.pack("<Q", tables + 0x1003)),
                     (0x2000, struct.pack("<Q", tables + 0x2003)),
                     (0x3000, struct.pack("<Q", 0x83))):
        image[at:at + len(part)] = part
    return bytes(image)


def main():
    """Say which accelerator works, and what starting a machine costs."""
    import time
    print("kvm", "works" if kvm_works() else "absent")
    for machine in MACHINES:
        times = []
        for _ in range(7):
            begin = time.monotonic()
            if run_probe("tcg", machine=machine) != 1:
                sys.exit(f"{machine}: the probe did not run")
            times.append(time.monotonic() - begin)
        print(f"{machine}: start to guest exit {sorted(times)[3] * 1e3:.0f} ms (median of 7)")


if __name__ == "__main__":
    main()
