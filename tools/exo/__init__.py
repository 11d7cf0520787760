# SPDX-License-Identifier: ISC
"""The parts of the `exo` command.

    main      which command, help, how errors are shown
    options   the table of options: parsing and help text
    build     is everything built, and newer than its sources?
    guest     what the guest finds: added files, boot/run
    machine   the QEMU process and its console ports
    session   one run: moves bytes between ports and the caller until the end
    control   messages of the control port
    terminal  raw mode, window size, the escape key
    fetch     --get: files that come back
    trace     --trace: what is wanted; the kernel's records as text
    debug     gdb at the guest

Start-up time matters more than convenience here: modules that are slow to
load (argparse, subprocess) are not used, rare parts are imported on use.
"""

import sys


class ExoError(Exception):
    """Ends the command with one line and a status."""

    def __init__(self, text, status=125):
        super().__init__(text)
        self.status = status


def say(text):
    sys.stderr.write(f"exo: {text}\n")
    sys.stderr.flush()
