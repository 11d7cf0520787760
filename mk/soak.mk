# SPDX-License-Identifier: ISC
# Mixed programs under constant revocation, some of them killed: tests/soak.
#
#   make soak [ROUNDS=50] [SEED=7] [CPUS=2]     on the release kernel and on the one with invariant sweeps

SOAK := $(BUILD)/soak/soak
SOAK_RUN = ./exo run --add $(SOAK):/root/soak

$(SOAK): tests/soak/soak.c tests/linux/check.h tests/linux/hog.h
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LINUX_FLAGS) -pthread -o $@ $<

soak: $(SOAK) runnable $(BUILD)/debug/aegis.elf
	$(Q)$(SOAK_RUN) $(if $(CPUS),--cpus $(CPUS) --scatter) -- /root/soak $(or $(ROUNDS),20) $(or $(SEED),1) </dev/null
	$(Q)$(SOAK_RUN) $(if $(CPUS),--cpus $(CPUS) --scatter) --kernel $(BUILD)/debug/aegis.elf -- \
		/root/soak 1 $(or $(SEED),1) </dev/null

# The same every time: instructions are the clock.
test-soak: $(SOAK) runnable
	$(Q)$(SOAK_RUN) --icount --timeout 120 -- /root/soak 2 1 </dev/null

TESTS += test-soak

.PHONY: soak test-soak
