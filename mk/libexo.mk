# SPDX-License-Identifier: ISC
# libexo.a: for native programs and the library OS.  General registers only, so that
# it never touches vector state that may be another program's.

LIBEXO := $(BUILD)/libexo.a
LIBEXO_SRC := $(wildcard libexo/*.c libexo/arch/x86_64/*.[cS])
LIBEXO_OBJ := $(patsubst %,$(BUILD)/%.o,$(LIBEXO_SRC))
LIBEXO_INC := -Iinclude -I$(GEN) -Ilibexo/include

USER_WARN := -std=c11 -Wall -Wextra -Wshadow -Wvla -Werror
USER_CFLAGS := $(USER_WARN) -ffreestanding -fPIE -fno-stack-protector -mgeneral-regs-only \
	-fcf-protection=none -fno-asynchronous-unwind-tables -O2 -g -MMD -MP $(LIBEXO_INC)

$(LIBEXO): $(LIBEXO_OBJ)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/libexo/%.c.o: libexo/%.c | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -fvisibility=hidden -c -o $@ $<

$(BUILD)/libexo/%.S.o: libexo/%.S | $(ABI_FILES)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -c -o $@ $<

libexo: $(LIBEXO)
all: $(LIBEXO)

-include $(LIBEXO_OBJ:.o=.d)

.PHONY: libexo
