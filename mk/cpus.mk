# SPDX-License-Identifier: ISC
# ExOS on two processors: a subset of what runs on one, with each new process on the next CPU
# (--scatter), and what is meant for several.  CPUS=N for test-linux, test-hostile: all of those on N.

CPUS_ALIKE := affinity c-forks c-signal c-family c-pipes c-threads c-sockets named_pipes
CPUS_RUN = ./exo run --cpus 2 --timeout 120

test-cpus: $(BUILD)/linux/spread $(BUILD)/hostile/cpus $(BUILD)/hostile/clients runnable
	$(Q)$(CPUS_RUN) --add $(BUILD)/hostile/cpus:/root/t -- /root/t </dev/null
	$(Q)$(CPUS_RUN) --scatter --add $(BUILD)/hostile/clients:/root/t -- /root/t </dev/null
	$(Q)$(CPUS_RUN) --scatter --add $(BUILD)/linux/spread:/root/t -- /root/t </dev/null
	$(Q)python3 tests/alike/run.py --with=--cpus --with=2 --with=--scatter $(CPUS_ALIKE)

TESTS += test-cpus

.PHONY: test-cpus
