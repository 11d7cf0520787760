# SPDX-License-Identifier: ISC
"""What all runners of tests begin with."""

import signal


def signals_as_usual():
    """What started us may ignore some (nohup, a shell's background jobs); the programs tested would inherit that."""
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
