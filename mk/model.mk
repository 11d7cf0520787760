# SPDX-License-Identifier: ISC
# Models of protocols, checked exhaustively by spin.  Each with every set of constants listed for it; and, so
# that it is known to look where it matters, with every bug listed in WRONG_: each must be found.  DEEP=1: what
# takes minutes, too.

comma := ,
MODEL_transfer := N=3,DEPTH=1 N=3,DEPTH=2
MODEL_wake := WAKERS=2,CHANGES=1 WAKERS=1,CHANGES=3
WRONG_wake := BUG=1 BUG=2 BUG=3 BUG=4 BUG=5 BUG=6
MODEL_flush := CPUS=2,CALLS=2 $(if $(DEEP),CPUS=3$(comma)CALLS=1)
WRONG_flush := BUG=1 BUG=2 BUG=3 BUG=4 BUG=5 BUG=6
MODEL_leave := ENVS=2,STOPS=1 ENVS=3,STOPS=0 $(if $(DEEP),CPUS=3$(comma)STOPS=0)
WRONG_leave := BUG=1 ENVS=3,BUG=2 BUG=3 BUG=4 BUG=5 BUG=6 BUG=7 BUG=8 ENVS=3,BUG=9

MODEL_NAMES := $(basename $(notdir $(wildcard tests/model/*.pml)))
MODELS := $(foreach m,$(MODEL_NAMES),$(MODEL_$m:%=build/model/$m/%.ok) $(WRONG_$m:%=build/model/$m/%.found))

.PHONY: model
model: $(MODELS)

define model_run
	@mkdir -p build/model/$*
	@cd build/model/$* && spin -a $(addprefix -D,$(subst $(comma), ,$(*F))) $(CURDIR)/$< > spin.log && \
		gcc -O2 -w -DSAFETY -DCOLLAPSE -DNOREDUCE -o pan pan.c && ./pan -m2000000 -w22 > pan.log
endef

# A verifier's exit status says nothing about what it found: its report does.
.SECONDEXPANSION:
build/model/%.ok: tests/model/$$(*D).pml mk/model.mk
	$(model_run)
	@if grep -q 'errors: 0' build/model/$*/pan.log && ! grep -q 'too small' build/model/$*/pan.log; then \
		echo "ok model $* ($$(sed -n 's/ *\([0-9]*\) states, stored/\1 states/p' build/model/$*/pan.log))"; \
	else \
		echo "FAIL model $*: see build/model/$*/pan.log"; tail -n 20 build/model/$*/pan.log; exit 1; \
	fi
	@touch $@

build/model/%.found: tests/model/$$(*D).pml mk/model.mk
	$(model_run)
	@if grep -qE 'pan:1: (assertion violated|invalid end state)' build/model/$*/pan.log; then \
		echo "ok model $*: found"; \
	else \
		echo "FAIL model $*: does not find the bug, see build/model/$*/pan.log"; exit 1; \
	fi
	@touch $@
