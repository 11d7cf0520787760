# SPDX-License-Identifier: ISC
# Random call sequences on the host's Linux and in a guest.
#
#   make test-differ                    a fixed number
#   make differ SEEDS=5000 FIRST=10000 [KINDS="files memory"]

TESTS += test-differ

DIFFER := $(BUILD)/differ/differ
DIFFER_FLAGS := -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Wno-unused-result -Wno-clobbered -Werror -static -s

$(DIFFER): $(wildcard tests/differ/*.c tests/differ/*.h)
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(DIFFER_FLAGS) -o $@ $(filter %.c,$^)

test-differ: runnable $(DIFFER)
	$(Q)python3 tests/differ/run.py

differ: runnable $(DIFFER)
	$(Q)python3 tests/differ/run.py -v $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FIRST),--first $(FIRST)) $(KINDS)

.PHONY: differ test-differ
