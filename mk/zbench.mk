# SPDX-License-Identifier: ISC
# What things cost: make bench, or ./exo bench.

BENCH_GUEST := $(BUILD)/bench/kernel.elf $(BUILD)/bench/longest.elf $(BUILD)/bench/smp.elf $(BUILD)/bench/events.elf $(BUILD)/bench/many.elf $(BUILD)/bench/off.elf

$(BUILD)/bench/%.c.o: bench/%.c | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BUILD)/bench/kernel.elf $(BUILD)/bench/longest.elf $(BUILD)/bench/smp.elf $(BUILD)/bench/events.elf $(BUILD)/bench/many.elf: %.elf: %.c.o $(TESTLIB_OBJ) $(BUILD)/libexo.a
	$(Q)$(CC) $(GUEST_LDFLAGS) -o $@ $^

$(BUILD)/bench/off.elf: $(BUILD)/bench/off.c.o $(BUILD)/libexo.a
	$(Q)$(CC) $(GUEST_LDFLAGS) -o $@ $^

$(BUILD)/bench/calls: bench/calls.c bench/cost.h bench/rewritten.h
	$(Q)mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -Wall -Wextra -Werror -O1 -static -pthread -o $@ $<

$(BUILD)/bench/private $(BUILD)/bench/memory: $(BUILD)/bench/%: bench/%.c bench/cost.h $(LIBEXO) | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -Wall -Wextra -Werror -O1 -static $(LIBEXO_INC) -o $@ $< $(LIBEXO)

$(BUILD)/bench/scale: bench/scale.c
	$(Q)mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -Wall -Wextra -Werror -O1 -static -pthread -o $@ $<

# Linux programs that run on Linux, too: tools of ./exo bench --vs linux.
OPS_SRC := $(filter-out bench/linux/init.c,$(sort $(wildcard bench/linux/*.c)))

$(BUILD)/bench/ops: $(OPS_SRC) bench/linux/ops.h
	$(Q)mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -Wall -Wextra -Werror -O1 -static -s -pthread -o $@ $(OPS_SRC)

$(BUILD)/bench/init: bench/linux/init.c
	$(Q)mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -Wall -Wextra -Werror -O1 -static -s -o $@ $<

vs-linux: setup runnable demos $(ALIKE_TOOLS) $(BENCH_GUEST) $(BUILD)/bench/ops $(BUILD)/bench/init

# The kernel without its questions about rights, for what they cost: ./exo bench --unprotected.  The same objects otherwise.
UNPROTECTED := boot_init guard_test guard_allows name_allows env_allows account_test account_ask frame_guard_opens

$(BUILD)/unprotected/aegis.elf: bench/unprotected.c $(BUILD)/kobj/first.elf
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_FLAGS) -c $< -o $(@D)/unprotected.o
	$(Q)ld -nostdlib -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments -T $(BUILD)/kobj/kernel.ld \
		$(addprefix --wrap=,$(UNPROTECTED)) $(addprefix $(BUILD)/kobj/,$(KERNEL_O)) $(@D)/unprotected.o -o $@

unprotected: vs-linux $(BUILD)/unprotected/aegis.elf

# The bench as a test: it runs, its output parses, and no primitive became dearer unnoticed.
test-bench: unprotected $(BUILD)/bench/record.so $(BUILD)/bench/calls
	$(Q)python3 tests/bench/run.py

TESTS += test-bench

# How much more two processors get done, on a host that has as many to spare.
# What processors cost each other, by the clock: on a machine that does nothing else.
bench-smp: $(BUILD)/aegis.elf $(BUILD)/bench/smp.elf
	$(Q)python3 tests/run.py -v --machine microvm --kernel release --cpus $(or $(CPUS),3) bench/smp

bench-scale: runnable $(BUILD)/bench/scale
	$(Q)./exo run --cpus $(or $(CPUS),2) --add $(BUILD)/bench/scale:/root/scale -- /root/scale $(MS)

# For the emulator, not for the guest: ./exo bench --profile ROW.
$(BUILD)/bench/record.so: bench/profile/record.c bench/profile/plugin.h
	$(Q)mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -Wall -Wextra -Wshadow -Werror -O2 -shared -fPIC -o $@ $<

bench: setup runnable $(BENCH_GUEST) $(BUILD)/bench/calls $(BUILD)/bench/private $(BUILD)/bench/memory $(BUILD)/bench/record.so
	$(Q)python3 bench/run.py $(BENCH)

-include $(wildcard $(BUILD)/bench/*.d)

.PHONY: bench-smp bench bench-scale vs-linux test-bench unprotected
