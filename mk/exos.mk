# SPDX-License-Identifier: ISC
# ExOS: build/exos.elf, the library image, and build/init.elf, the server.

EXOS_SRC := $(sort $(wildcard exos/arch/x86_64/*.c exos/arch/x86_64/*.S exos/core/*.c exos/thread/*.c exos/vm/*.c \
	exos/proc/*.c exos/fd/*.c exos/fs/*.c exos/linux/*.c)) exos/server/cred.c libexo/read.c libexo/wake.c libexo/print.c
EXOS_OBJ := $(addprefix $(BUILD)/exos/,$(addsuffix .o,$(basename $(EXOS_SRC))))
EXOS_FLAGS := -std=c11 -Wall -Wextra -Wshadow -Wvla -Werror -O2 -g -ffreestanding -fno-builtin-printf \
	-fpie -mgeneral-regs-only -fvisibility=hidden -fno-stack-protector -fno-asynchronous-unwind-tables \
	-ffunction-sections -fdata-sections -fno-strict-aliasing -fcf-protection=none \
	-Iinclude -I$(GEN) -Ilibexo/include -Iexos/core

all: $(BUILD)/exos.elf $(BUILD)/init.elf

$(BUILD)/exos/%.o: %.c | $(ABI)
	@mkdir -p $(@D)
	$(Q)$(CC) $(EXOS_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/exos/%.o: %.S | $(ABI)
	@mkdir -p $(@D)
	$(Q)$(CC) $(EXOS_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/exos.elf: $(EXOS_OBJ) exos/exos.ld $(wildcard exos/order/*.ld) tools/check_image.py
	$(Q)ld -pie --no-dynamic-linker --gc-sections -z norelro -z max-page-size=4096 -z noexecstack \
		-T exos/exos.ld $(EXOS_OBJ) -o $@
	$(Q)python3 tools/check_image.py $@

# ---- the server -------------------------------------------------------------------------------
INIT_SRC := $(sort $(wildcard exos/server/*.c)) exos/core/string.c exos/fs/dirblock.c exos/fs/meta.c exos/arch/x86_64/random.c exos/arch/x86_64/copy.S exos/arch/x86_64/step.c exos/arch/x86_64/undo.S
# Files that work without the server's lock, or on its notes: their stores are not noted (exos/server/undo.h).
INIT_PLAIN := $(addprefix exos/server/,main.c cpus.c crash.c fault.c keeper.c redo.c restart.c undo.c watch.c) exos/arch/x86_64/step.c exos/core/string.c
INIT_OBJ := $(addprefix $(BUILD)/init/,$(addsuffix .o,$(basename $(INIT_SRC))))
INIT_FLAGS := -std=c11 -Wall -Wextra -Wshadow -Wvla -Werror -O2 -g -ffreestanding -fno-pic -fno-pie \
	-mgeneral-regs-only -fno-stack-protector -fno-asynchronous-unwind-tables -fno-strict-aliasing \
	-ffunction-sections -fdata-sections -fcf-protection=none -Iinclude -I$(GEN) -Ilibexo/include -Iexos/server

# gcc leaves two registers to the notes; clang cannot, and they are saved around each: no red zone.
INIT_NOTED := -mno-red-zone $(if $(findstring clang,$(CC)),,-ffixed-r14 -ffixed-r15)
UNDO_FLAGS := $(if $(findstring clang,$(CC)),--push)

$(BUILD)/init/%.o: %.c tools/undo.py | $(ABI)
	@mkdir -p $(@D)
	$(Q)$(CC) $(INIT_FLAGS) $(INIT_NOTED) -MMD -MP -MT $@ -MF $(@:.o=.d) -S $< -o $(@:.o=.s)
	$(Q)python3 tools/undo.py $(UNDO_FLAGS) $(@:.o=.s) $(@:.o=.noted.s)
	$(Q)$(CC) -c $(@:.o=.noted.s) -o $@

# They call those whose stores are, and must not count on these registers either.
$(patsubst %.c,$(BUILD)/init/%.o,$(INIT_PLAIN)): $(BUILD)/init/%.o: %.c | $(ABI)
	@mkdir -p $(@D)
	$(Q)$(CC) $(INIT_FLAGS) $(INIT_NOTED) -MMD -MP -c $< -o $@

$(BUILD)/init/%.o: %.S | $(ABI)
	@mkdir -p $(@D)
	$(Q)$(CC) $(INIT_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/init.elf: $(INIT_OBJ) $(BUILD)/libexo.a exos/init.ld $(wildcard exos/order/*.ld)
	$(Q)ld -static -z max-page-size=4096 -z noexecstack -z norelro -T exos/init.ld \
		$(INIT_OBJ) $(BUILD)/libexo.a -o $@

# What was linked, to read: disassembly and symbols of every image (the kernel's: mk/kernel.mk).
$(BUILD)/exos.dis $(BUILD)/init.dis: %.dis: %.elf
	$(Q)objdump -d --no-show-raw-insn $< >$@

$(BUILD)/exos.sym $(BUILD)/init.sym: %.sym: %.elf
	$(Q)nm -n $< >$@

all: $(foreach image,exos init,$(BUILD)/$(image).dis $(BUILD)/$(image).sym)

-include $(EXOS_OBJ:.o=.d) $(INIT_OBJ:.o=.d)
