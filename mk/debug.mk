# SPDX-License-Identifier: ISC
# Seeing what happens: gdb at a guest, traces, panics.

TESTS += test-debug

test-debug: runnable $(BUILD)/tests/debug/guest.elf
	$(Q)python3 tests/debug/test_debug.py

.PHONY: test-debug
