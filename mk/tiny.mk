# SPDX-License-Identifier: ISC
# Tiny, a second library OS: build/apps/tiny.elf, and programs for it, build/apps/tiny/NAME.

TINY_SRC := $(wildcard apps/tiny/*.c)
TINY_OBJ := $(patsubst %.c,$(BUILD)/%.c.o,$(TINY_SRC))
TINY_PROGRAMS := $(patsubst apps/tiny/programs/%.c,$(BUILD)/apps/tiny/%,$(wildcard apps/tiny/programs/*.c))

$(BUILD)/apps/tiny/%.c.o: apps/tiny/%.c | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

# Where programs are not: those lie below 512 MiB.
$(BUILD)/apps/tiny.elf: $(TINY_OBJ) $(BUILD)/libexo.a
	$(Q)$(CC) $(GUEST_LDFLAGS) -Wl,-Ttext-segment=0x30000000 -o $@ $^

$(BUILD)/apps/tiny/%: apps/tiny/programs/%.c apps/tiny/call.h
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(USER_WARN) -ffreestanding -fno-pie -fno-stack-protector -fcf-protection=none -O2 \
		-nostdlib -static -no-pie -o $@ $<

$(BUILD)/tests/tiny/hello: tests/tiny/hello.c
	$(Q)mkdir -p $(@D)
	$(Q)musl-gcc -static -no-pie -O1 -Wall -Werror -o $@ $<

tiny: $(BUILD)/tests/tiny/hello $(BUILD)/apps/tiny.elf $(TINY_PROGRAMS)

# As itself, and under ExOS's command: tasks, memory that comes when it is touched, a fault that ends one task alone.
test-tiny: tiny runnable
	$(Q)python3 tests/tiny/run.py

TESTS += test-tiny

-include $(TINY_OBJ:.o=.d)

.PHONY: tiny test-tiny
