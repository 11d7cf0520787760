# SPDX-License-Identifier: ISC
# `make test`: every suite, and one sum as the last line.  A part adds its own by TESTS += target.

TESTS += lint unit test-model test-exo test-guest

test-exo: $(ABI)
	$(Q)python3 tests/exo/test_archive.py
	$(Q)python3 tests/exo/test_exo.py

test-model:
	$(Q)$(MAKE) --no-print-directory model && echo "$(words $(MODELS)) passed, 0 failed"

# Set-up first and alone: without it nothing else can be trusted to start.
test:
	$(Q)$(MAKE) --no-print-directory setup
	$(Q)python3 tests/all.py $(TESTS)

.PHONY: test test-exo test-model
