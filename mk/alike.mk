# SPDX-License-Identifier: ISC
# tests/alike: the same programs on the host's Linux and under ./exo run.
# Each tests/alike/NAME.c is built with both C libraries, statically.

TESTS += test-alike

ALIKE_C := $(sort $(wildcard tests/alike/*.c))
ALIKE_BIN := $(patsubst tests/alike/%.c,$(BUILD)/alike/bin/%.musl,$(ALIKE_C)) \
	$(patsubst tests/alike/%.c,$(BUILD)/alike/bin/%.glibc,$(ALIKE_C))
ALIKE_FLAGS := -std=gnu11 -O1 -Wall -Wextra -Wno-unused-result -Wno-clobbered -Werror -static -s

$(BUILD)/alike/bin/%.musl: tests/alike/%.c $(wildcard tests/alike/*.h) tests/alike/pty.h
	$(Q)mkdir -p $(@D)
	$(Q)musl-gcc $(ALIKE_FLAGS) -o $@ $< -lm

$(BUILD)/alike/bin/%.glibc: tests/alike/%.c $(wildcard tests/alike/*.h) tests/alike/pty.h
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(ALIKE_FLAGS) -o $@ $< -lm

# Programs around the distribution's libraries.  Linked statically they say that dlopen would need more.
ALIKE_TOOLS := $(BUILD)/alike/tools/lua $(BUILD)/alike/tools/sqlite

$(BUILD)/alike/tools/lua: ALIKE_LIBS := -llua5.4 -lm -ldl
$(BUILD)/alike/tools/sqlite: ALIKE_LIBS := -lsqlite3 -lm -lpthread -ldl

$(BUILD)/alike/tools/%: tests/programs/%.c
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(ALIKE_FLAGS) -Wl,--no-warnings -o $@ $< $(ALIKE_LIBS)

test-alike: runnable demos $(ALIKE_BIN) $(ALIKE_TOOLS)
	$(Q)python3 tests/alike/run.py

.PHONY: test-alike
