# SPDX-License-Identifier: ISC
# Models of protocols, checked exhaustively by spin.  Each with every set of constants listed for it.

MODEL_transfer := N=3,DEPTH=1 N=3,DEPTH=2
MODELS := $(foreach m,$(wildcard tests/model/*.pml),\
	$(foreach c,$(MODEL_$(basename $(notdir $m))),build/model/$(basename $(notdir $m))/$c.ok))

comma := ,

.PHONY: model
model: $(MODELS)

# A verifier's exit status says nothing about what it found: its report does.
.SECONDEXPANSION:
build/model/%.ok: tests/model/$$(*D).pml mk/model.mk
	@mkdir -p build/model/$*
	@cd build/model/$* && spin -a $(addprefix -D,$(subst $(comma), ,$(*F))) $(CURDIR)/$< > spin.log && \
		gcc -O2 -w -DSAFETY -DCOLLAPSE -DNOREDUCE -o pan pan.c && ./pan -m2000000 -w22 > pan.log
	@if grep -q 'errors: 0' build/model/$*/pan.log && ! grep -q 'too small' build/model/$*/pan.log; then \
		echo "ok model $* ($$(sed -n 's/ *\([0-9]*\) states, stored/\1 states/p' build/model/$*/pan.log))"; \
	else \
		echo "FAIL model $*: see build/model/$*/pan.log"; tail -n 20 build/model/$*/pan.log; exit 1; \
	fi
	@touch $@
