# SPDX-License-Identifier: ISC
# Linux programs that test: static, built with the host's compiler and libc.  They (but refused.c) pass on
# Linux; `make test-linux` runs each in a guest of its own, on one processor and on several (CPUS="1 4": on so many).

LINUX_TESTS := $(patsubst tests/linux/%.c,$(BUILD)/linux/%,$(sort $(wildcard tests/linux/*.c)))
LINUX_FLAGS = -std=gnu11 -Wall -Wextra -Wshadow -Werror -O1 -g -static $(LIBEXO_INC)

$(BUILD)/linux/%: tests/linux/%.c tests/linux/check.h tests/linux/hog.h | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LINUX_FLAGS) $< -o $@

linux-tests: $(LINUX_TESTS)

test-linux: linux-tests runnable
	$(Q)python3 tests/guests.py $(CPUS:%=--cpus %) linux

TESTS += test-linux

.PHONY: linux-tests test-linux

# Damaged programs, more of them:  make mutants COUNT=10000 SEED=7
mutants: $(BUILD)/linux/mutants runnable
	$(Q)./exo run --add $<:/root/mutants -- /root/mutants $(or $(COUNT),5000) $(or $(SEED),2)

.PHONY: mutants
