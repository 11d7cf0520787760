# SPDX-License-Identifier: ISC
# The base image of every guest: busybox with a name for each applet, ExOS, and what
# other parts add by IMAGE += HOST:GUEST.

# Without symbols: the guest has no use for them, and the archive stays in memory.  The host's debugger reads build/*.elf.
IMAGE += $(BUILD)/image/init.elf:boot/init $(BUILD)/image/exos.elf:boot/exos

$(BUILD)/image/%.elf: $(BUILD)/%.elf
	$(Q)mkdir -p $(@D)
	$(Q)strip -o $@ $<

BASE_IMAGE := $(BUILD)/base.exoar
BUSYBOX := $(firstword $(wildcard /bin/busybox /usr/bin/busybox))
image_hosts = $(foreach spec,$(IMAGE),$(firstword $(subst :, ,$(spec))))

.SECONDEXPANSION:

$(BUILD)/applets.spec: $(BUSYBOX) mk/image.mk
	$(Q)test -n "$(BUSYBOX)" || { echo "busybox-static is missing: tools/setup.sh" >&2; exit 1; }
	$(Q)mkdir -p $(@D)
	$(Q)$(BUSYBOX) --list-full | grep -v '^bin/busybox$$' | sed 's|.*|link:&:/bin/busybox|' >$@

$(BASE_IMAGE): $(BUILD)/applets.spec tools/image/base.spec $(wildcard tools/image/etc/*) \
		tools/mkarchive.py mk/image.mk $$(image_hosts)
	$(Q)python3 tools/mkarchive.py $@ @tools/image/base.spec tools/image/etc:etc \
		$(BUSYBOX):bin/busybox @$(BUILD)/applets.spec $(IMAGE)

image: $(BASE_IMAGE)

# What `exo run` needs; it asks for this target only when a source is newer than the last build.
runnable: $(BUILD)/aegis.elf $(BASE_IMAGE)

# The shell's own status is no failure of make's; 125 is exo's.
run: setup
	$(Q)echo "A shell in the guest: exit or Ctrl-D leaves it, Ctrl-A x ends the guest."
	$(Q)./exo run || test $$? -ne 125

all: runnable

.PHONY: image runnable run
