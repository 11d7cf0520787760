# SPDX-License-Identifier: ISC
# The distribution's own test-suites, on the host and in a guest; fetches sources (apt-get source) into build/suites.
# Not in `make test`: it needs the network, and minutes.
#
#   make suites [SUITES='busybox bash/array zsh']

suites: runnable
	$(Q)python3 tests/suites/run.py $(SUITES)

.PHONY: suites
