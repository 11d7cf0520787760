# SPDX-License-Identifier: ISC
# What follows from abi/*.toml.  Depend on $(ABI) (order-only is enough with -MMD).

GEN := $(BUILD)/gen
ABI := $(GEN)/abi.stamp
ABI_FILES := $(addprefix $(GEN)/,exo/error.h exo/callnr.h exo/calls.h kernel/calls.inc \
	kernel/syscalls.h calls.json)

$(ABI): abi/calls.toml abi/errors.toml tools/gen_abi.py
	$(Q)python3 tools/gen_abi.py $(GEN)
	$(Q)touch $@

# The generator leaves a file alone that would not change; so no recipe that touches it.
$(ABI_FILES): $(ABI) ;

docs: $(ABI)
	$(Q)python3 tools/gen_abi.py --docs docs/abi

.PHONY: docs
