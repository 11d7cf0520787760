# SPDX-License-Identifier: ISC
# `make run` and `make test` install first what is missing; after that this is one stat.

SETUP := $(BUILD)/setup.stamp

$(SETUP): tools/setup.sh
	$(Q)tools/setup.sh
	$(Q)mkdir -p $(@D) && touch $@

setup: $(SETUP)
	@:

.PHONY: setup
