# SPDX-License-Identifier: ISC
# Behind the others by its name: it asks for what they make.
# ExOS on several processors.  In `make test` the programs of tests/hostile and tests/linux (tests/guests.py) and the kernel's tests
# (tests/run.py) run on more than one anyway; here, on two, what is compared with Linux of processes, threads and what they
# share, each new process on the next one (--scatter), and some of the random call sequences.
#
#   make test-all-cpus [ON="2 4"]	everything on so many, scattered and not: most of an hour

ON ?= 2 4
CPUS_ALIKE := affinity c-forks c-signal c-family c-pipes c-thread c-sockets c-futex named_pipes
CPUS_WITH = --with=--cpus --with=$(1) $(2)

test-cpus: $(ALIKE_BIN) $(ALIKE_TOOLS) $(DIFFER) demos runnable
	$(Q)python3 tests/alike/run.py $(call CPUS_WITH,2,--with=--scatter) $(CPUS_ALIKE)
	$(Q)python3 tests/differ/run.py --seeds 100 $(call CPUS_WITH,2,--with=--scatter)

TESTS += test-cpus

cpus_all = python3 tests/guests.py --cpus $(1) hostile || bad=1; python3 tests/guests.py --cpus $(1) --gently hostile || bad=1; \
	python3 tests/guests.py --cpus $(1) linux || bad=1; python3 tests/guests.py --cpus $(1) --gently linux || bad=1; \
	python3 tests/alike/run.py $(call CPUS_WITH,$(1)) || bad=1; \
	python3 tests/alike/run.py $(call CPUS_WITH,$(1),--with=--scatter) || bad=1; \
	python3 tests/differ/run.py $(call CPUS_WITH,$(1),--with=--scatter) || bad=1; \
	python3 tests/run.py --cpus $(1) || bad=1;

test-all-cpus: guest-tests demos $(BUILD)/debug/aegis.elf $(HOSTILE) $(LINUX_TESTS) $(ALIKE_BIN) $(ALIKE_TOOLS) $(DIFFER) runnable
	$(Q)bad=; $(foreach n,$(ON),$(call cpus_all,$(n))) test -z "$$bad"

.PHONY: test-cpus test-all-cpus
