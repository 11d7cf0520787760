# SPDX-License-Identifier: ISC
# Native guest programs: the tests of the kernel, which boot as init with the root key,
# and the demos, which run as init or are started by it.

GUEST_CFLAGS = $(USER_WARN) -ffreestanding -fno-pie -fno-stack-protector -mgeneral-regs-only \
	-fcf-protection=none -fno-asynchronous-unwind-tables -O2 -g -MMD -MP $(LIBEXO_INC) -Itests/lib
GUEST_LDFLAGS := -nostdlib -static -no-pie -e exo_start -Wl,-Ttext-segment=0x400000 \
	-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,-z,norelro -Wl,--build-id=none

TESTLIB_OBJ := $(patsubst %,$(BUILD)/%.o,$(wildcard tests/lib/*.c tests/lib/*.S))
GUEST_TESTS := $(patsubst %.c,$(BUILD)/%.elf,$(wildcard tests/abi/*.c tests/adversary/*.c))
DEMOS := $(patsubst %.c,$(BUILD)/%.elf,$(wildcard apps/demos/*.c))

$(BUILD)/tests/%.c.o: tests/%.c | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BUILD)/tests/%.S.o: tests/%.S | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BUILD)/apps/demos/%.c.o: apps/demos/%.c | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BUILD)/tests/%.elf: $(BUILD)/tests/%.c.o $(TESTLIB_OBJ) $(BUILD)/libexo.a
	$(Q)$(CC) $(GUEST_LDFLAGS) -o $@ $^

# ExOS's own, for a demo that does better.
$(BUILD)/apps/demos/squeeze.o: exos/vm/squeeze.c | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BUILD)/apps/demos.a: $(patsubst %,$(BUILD)/%.o,$(wildcard apps/demos/lib/*.c)) $(BUILD)/apps/demos/squeeze.o
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/apps/demos/%.elf: $(BUILD)/apps/demos/%.c.o $(BUILD)/apps/demos.a $(BUILD)/libexo.a
	$(Q)$(CC) $(GUEST_LDFLAGS) -o $@ $^

demos: $(DEMOS)
guest-tests: $(GUEST_TESTS)

# The guest tests on every machine, and on the kernel with invariant sweeps.
test-guest: guest-tests demos $(BUILD)/aegis.elf $(BUILD)/debug/aegis.elf
	$(Q)python3 tests/run.py

-include $(TESTLIB_OBJ:.o=.d) $(GUEST_TESTS:.elf=.c.d) $(DEMOS:.elf=.c.d)

.PRECIOUS: $(BUILD)/tests/%.c.o $(BUILD)/tests/%.S.o $(BUILD)/apps/demos/%.c.o
.PHONY: demos guest-tests test-guest
