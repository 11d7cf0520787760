# SPDX-License-Identifier: ISC
# Everything is built under build/.  Parts live in mk/*.mk; sources are globbed.
#
#   make run    boot to an interactive shell
#   make test   every test
#   make all bench lint format debug clean

BUILD := build
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
Q := @

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

all:

include $(sort $(wildcard mk/*.mk))

clean:
	rm -rf $(BUILD)

.PHONY: all clean
