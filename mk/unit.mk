# SPDX-License-Identifier: ISC
# Unit tests: parts of the kernel that touch no hardware, on the host, with sanitizers.
# Each tests/unit/NAME.c is a program; its line `// sources: PATTERN...` says what it tests
# (and tests/unit/lib/fake.c, a machine of one array, where it needs one).

UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(sort $(wildcard tests/unit/*.c)))
UNIT_FLAGS := -std=gnu11 -Wall -Wextra -Wshadow -Wvla -Werror -O1 -g -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all -DAEGIS_DEBUG -Iinclude -I$(GEN) -Ilibexo/include -Itests/unit/lib
UNIT_H := $(wildcard kernel/*/*.h kernel/arch/*/*.h include/exo/*.h tests/unit/lib/*.h)
unit_sources = $(wildcard $(shell sed -n 's|^// sources: ||p' $(1)))

.SECONDEXPANSION:

$(BUILD)/unit/%: tests/unit/%.c $$(call unit_sources,tests/unit/$$*.c) $(UNIT_H) $(ABI)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_FLAGS) $(filter %.c,$^) -o $@

unit: $(UNIT)
	$(Q)bad=; for t in $(UNIT); do $$t || bad=1; done; test -z "$$bad"

.PHONY: unit
