# SPDX-License-Identifier: ISC
# Linux programs that attack ExOS's server by kernel calls of their own.  They run as any
# program does; `make test-hostile` gives each a guest, on one processor and on several (CPUS="1 4": on so many).

HOSTILE := $(patsubst tests/hostile/%.c,$(BUILD)/hostile/%,$(sort $(wildcard tests/hostile/*.c)))
HOSTILE_FLAGS = $(LINUX_FLAGS) $(LIBEXO_INC) -idirafter exos

$(BUILD)/hostile/%: tests/hostile/%.c tests/linux/check.h $(wildcard tests/hostile/*.h exos/server/*.h) $(BUILD)/libexo.a | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOSTILE_FLAGS) $< $(BUILD)/libexo.a -o $@

test-hostile: $(HOSTILE) runnable
	$(Q)python3 tests/guests.py $(CPUS:%=--cpus %) hostile

TESTS += test-hostile

.PHONY: test-hostile
