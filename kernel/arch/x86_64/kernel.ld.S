/* SPDX-License-Identifier: ISC */
/* The image: text, rodata, data, bss, each from a page of its own; loaded at 1 MiB. */
#include "layout.h"

OUTPUT_FORMAT("elf64-x86-64")
ENTRY(pvh_entry)

PHDRS {
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
	note PT_NOTE FLAGS(4);
}

SECTIONS {
	. = KERNEL_BASE + KERNEL_LOAD;
	kernel_start = .;
	.text : AT(ADDR(.text) - KERNEL_BASE) {
		*(.text.boot)
		/* what most entries pass: one page to be found again after a change of address space */
		. = ALIGN(4096);
		*entry.S.o(.text)
		*transfer.S.o(.text)
		*usercopy.S.o(.text)
		*trap.S.o(.text)
		*(.text.stubs)
		/* what a server asks about its callers, between two changes */
		*key_sys.c.o(.text)
		*guard.c.o(.text)
		*key.c.o(.text)
		*env.c.o(.text)
		*(.text .text.*)
		. = ALIGN(4096);
	} :text
	text_end = .;
	.note.pvh : AT(ADDR(.note.pvh) - KERNEL_BASE) { KEEP(*(.note.pvh)) } :rodata :note
	.rodata : AT(ADDR(.rodata) - KERNEL_BASE) {
		*(.rodata .rodata.*)
		. = ALIGN(8);
		extable_start = .;
		KEEP(*(.extable))
		extable_end = .;
	} :rodata
	.ksyms : AT(ADDR(.ksyms) - KERNEL_BASE) {
		KEEP(*(.ksyms))
		. = ALIGN(4096);
	} :rodata
	rodata_end = .;
	.data : AT(ADDR(.data) - KERNEL_BASE) {
		*(.data .data.*)
		/* zeroes, too, that most entries look at: in one page with the rest */
		*(.bss.features .bss.cpus_pub .bss.cpus_count .bss.slices .bss.envs .bss.envs_count)
		*(.bss.generations .bss.frames .bss.frames_count .bss.frames_priv .bss.freemap)
		*(.bss.guards_tested)
		. = ALIGN(16);
	} :data
	.bss : AT(ADDR(.bss) - KERNEL_BASE) {
		. = ALIGN(4096);
		bss_start = .;
		*(.bss.early)
		*(.bss .bss.* COMMON)
		. = ALIGN(4096);
	} :data
	kernel_end = .;
	/DISCARD/ : { *(.comment) *(.eh_frame*) *(.note.gnu.*) *(.note.GNU-stack) }
}
