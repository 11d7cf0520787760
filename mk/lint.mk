# SPDX-License-Identifier: ISC
# What a reviewer should not have to look for.  Each check is silent when all is well.
#
#   make lint        all of them
#   make format      lay C files out as .clang-format says

LINT_C := $(shell find kernel libexo exos apps tests -name '*.c' 2>/dev/null | sort)
LINT_KERNEL_C := $(filter kernel/%.c,$(LINT_C))
LINT_USER_C := $(filter libexo/%.c exos/%.c,$(LINT_C))
LINT_WARN := -std=c11 -Wall -Wextra -Wshadow -Wvla -Werror -ffreestanding
LINT_INC := -Iinclude -I$(GEN) -Ilibexo/include -Iexos
LINT_KERNEL := $(LINT_WARN) -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fno-pic -O2 \
	-Iinclude -I$(GEN)

# Other compiler: the build uses gcc; clang sees other things, and checks who holds which lock.
lint_clang = for f in $(LINT_KERNEL_C); do clang $(LINT_KERNEL) -Wthread-safety -fsyntax-only $$f \
	|| bad=1; done; for f in $(LINT_USER_C); do clang $(LINT_WARN) $(LINT_INC) -mgeneral-regs-only \
	-fsyntax-only $$f || bad=1; done; test -z "$$bad"
lint_cppcheck = cppcheck -q --std=c11 --platform=unix64 --enable=warning,portability --inline-suppr \
	--error-exitcode=1 -Iinclude -I$(GEN) -Ilibexo/include \
	--suppress=missingInclude --suppress=unknownMacro --suppress=comparePointers --suppress=returnDanglingLifetime \
	kernel libexo exos

LINT_CHECKS = \
	'format=python3 tools/lint/format.py $(LINT_C)' \
	'layout=python3 tools/lint/layout.py' \
	'arrows=python3 tools/lint/arrows.py' \
	'docs=python3 tools/gen_abi.py --check docs/abi' \
	'calls=python3 tools/linux_calls.py --check' \
	'clang=$(lint_clang)' \
	'cppcheck=$(lint_cppcheck)' \
	'stack=python3 tools/lint/stack.py $(BUILD)/aegis.elf'

lint: $(ABI) $(BUILD)/aegis.elf
	$(Q)python3 tools/lint/run.py $(LINT_CHECKS)

format:
	$(Q)python3 tools/lint/format.py --fix $(LINT_C)

.PHONY: lint format
