# SPDX-License-Identifier: ISC
# Linux programs that test: static, built with the host's compiler and libc.  They (but refused.c) pass on
# Linux; `make test-linux` runs each in a guest of its own.

LINUX_TESTS := $(patsubst tests/linux/%.c,$(BUILD)/linux/%,$(sort $(wildcard tests/linux/*.c)))
LINUX_FLAGS = -std=gnu11 -Wall -Wextra -Wshadow -Werror -O1 -g -static $(LIBEXO_INC)

$(BUILD)/linux/%: tests/linux/%.c tests/linux/check.h | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LINUX_FLAGS) $< -o $@

linux-tests: $(LINUX_TESTS)

test-linux: linux-tests runnable
	$(Q)bad=; for t in $(notdir $(LINUX_TESTS)); do \
		./exo run $(if $(CPUS),--cpus $(CPUS)) --timeout 120 --add $(BUILD)/linux/$$t:/root/$$t -- /root/$$t </dev/null || bad=1; \
	done; test -z "$$bad"

TESTS += test-linux

.PHONY: linux-tests test-linux

# Damaged programs, more of them:  make mutants COUNT=10000 SEED=7
mutants: $(BUILD)/linux/mutants runnable
	$(Q)./exo run --add $<:/root/mutants -- /root/mutants $(or $(COUNT),5000) $(or $(SEED),2)

.PHONY: mutants
