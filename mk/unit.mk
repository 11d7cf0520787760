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

# An archive to damage: one of each kind of entry.
$(BUILD)/unit/exos_archive: $(BUILD)/unit/exos_archive.seed
$(BUILD)/unit/exos_archive.seed: tools/mkarchive.py mk/unit.mk
	$(Q)mkdir -p $(@D)/seed/d && cd $(@D)/seed && seq 3000 >d/numbers && ln -f d/numbers d/again && ln -sf numbers d/soft && \
		rm -f d/fifo && mkfifo d/fifo && : >d/empty
	$(Q)python3 tools/mkarchive.py $@ $(@D)/seed:a 'dir:tmp:1777' 'dir:home/user:700:1000' 'text:bin/sh:one\ntwo' \
		'link:bin/ash:sh' 'link:a/link:d' 'text:etc/passwd:root' "link:long:$$(printf '%0200d' 0)" 'text:a/b/c/d/e/f:deep'

# More of them:  make fuzz ROUNDS=1000000 SEED=7
fuzz: $(BUILD)/unit/exos_archive $(BUILD)/unit/boot_file
	$(Q)for t in $^; do $$t $(or $(ROUNDS),200000) $(or $(SEED),$(shell date +%s)) || exit 1; done

unit: $(UNIT)
	$(Q)bad=; for t in $(UNIT); do $$t || bad=1; done; test -z "$$bad"

.PHONY: unit fuzz
