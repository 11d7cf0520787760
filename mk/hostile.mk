# SPDX-License-Identifier: ISC
# Linux programs that attack ExOS's server by kernel calls of their own.  They run as any
# program does; `make test-hostile` gives each a guest.

HOSTILE := $(patsubst tests/hostile/%.c,$(BUILD)/hostile/%,$(sort $(wildcard tests/hostile/*.c)))
HOSTILE_FLAGS = $(LINUX_FLAGS) $(LIBEXO_INC) -idirafter exos

$(BUILD)/hostile/%: tests/hostile/%.c tests/linux/check.h $(wildcard tests/hostile/*.h exos/server/*.h) $(BUILD)/libexo.a | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOSTILE_FLAGS) $< $(BUILD)/libexo.a -o $@

test-hostile: $(HOSTILE) runnable
	$(Q)bad=; for t in $(notdir $(HOSTILE)); do \
		./exo run $(if $(CPUS),--cpus $(CPUS)) --timeout 120 --add $(BUILD)/hostile/$$t:/root/$$t -- /root/$$t </dev/null || bad=1; \
	done; test -z "$$bad"

TESTS += test-hostile

.PHONY: test-hostile
