# SPDX-License-Identifier: ISC
# The kernel: build/aegis.elf (and .dis, .sym) and, with invariant sweeps, build/debug/aegis.elf.
# Each is linked twice: the symbol table for panics comes from the first link.

KERNEL_C := $(filter-out kernel/arch/x86_64/asmdefs.c,$(sort $(wildcard kernel/*/*.c kernel/arch/x86_64/*.c)))
KERNEL_S := $(sort $(wildcard kernel/arch/x86_64/*.S))
KERNEL_S := $(filter-out %.ld.S,$(KERNEL_S))
KERNEL_O := $(KERNEL_C:=.o) $(KERNEL_S:=.o)

# No vector registers, so a stack aligned to 8 is enough and entries need no adjustment.
ifneq ($(findstring clang,$(CC)),)
KERNEL_CC := -Wthread-safety -Wno-gnu-designator -mstack-alignment=8
else
KERNEL_CC := -mpreferred-stack-boundary=3
endif
KERNEL_FLAGS := -std=c11 -Wall -Wextra -Wshadow -Wvla -Werror -ffreestanding -mno-red-zone \
	-mgeneral-regs-only -mcmodel=kernel -fno-pic -fno-pie -O2 -g -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -fcf-protection=none -fdata-sections \
	-ffile-prefix-map=$(CURDIR)/= -Iinclude -I$(GEN) $(KERNEL_CC)

all: kernel
kernel: $(BUILD)/aegis.elf $(BUILD)/debug/aegis.elf $(BUILD)/aegis.dis $(BUILD)/aegis.sym

# $(1): directory of the objects, $(2): extra flags, $(3): the image
define KERNEL_VARIANT
$(1)/asmdefs.h: kernel/arch/x86_64/asmdefs.c | $(ABI)
	@mkdir -p $$(@D)
	$(Q)$(CC) $(KERNEL_FLAGS) $(2) -MMD -MT $$@ -MF $(1)/asmdefs.d -S $$< -o $(1)/asmdefs.s
	$(Q)sed -n 's/.*"->\([A-Z0-9_]*\) \([-0-9]*\)".*/#define \1 \2/p' $(1)/asmdefs.s > $$@

$(1)/%.c.o: %.c | $(ABI)
	@mkdir -p $$(@D)
	$(Q)$(CC) $(KERNEL_FLAGS) $(2) -MMD -MP -c $$< -o $$@

$(1)/%.S.o: %.S $(1)/asmdefs.h | $(ABI)
	@mkdir -p $$(@D)
	$(Q)$(CC) $(KERNEL_FLAGS) $(2) -I$(1) -MMD -MP -c $$< -o $$@

$(1)/kernel.ld: kernel/arch/x86_64/kernel.ld.S kernel/arch/x86_64/layout.h
	@mkdir -p $$(@D)
	$(Q)$(CC) -E -P -x assembler-with-cpp $$< -o $$@

$(1)/first.elf: $(addprefix $(1)/,$(KERNEL_O)) $(1)/kernel.ld
	$(Q)ld -nostdlib -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments -T $(1)/kernel.ld \
		$(addprefix $(1)/,$(KERNEL_O)) -o $$@

$(1)/ksyms.S: $(1)/first.elf tools/mksyms.py
	$(Q)nm -n $$< | python3 tools/mksyms.py > $$@

$(3): $(1)/ksyms.S
	@mkdir -p $$(@D)
	$(Q)$(CC) $(KERNEL_FLAGS) -c $$< -o $(1)/ksyms.o
	$(Q)ld -nostdlib -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments -T $(1)/kernel.ld \
		$(addprefix $(1)/,$(KERNEL_O)) $(1)/ksyms.o -o $$@

-include $(addprefix $(1)/,$(KERNEL_C:=.d) $(KERNEL_S:=.d)) $(1)/asmdefs.d
endef

$(eval $(call KERNEL_VARIANT,$(BUILD)/kobj,,$(BUILD)/aegis.elf))
$(eval $(call KERNEL_VARIANT,$(BUILD)/kobj-debug,-DAEGIS_DEBUG,$(BUILD)/debug/aegis.elf))

$(BUILD)/aegis.dis: $(BUILD)/aegis.elf
	$(Q)objdump -d --no-show-raw-insn $< > $@

$(BUILD)/aegis.sym: $(BUILD)/aegis.elf
	$(Q)nm -n $< > $@

.PHONY: kernel
