/* SPDX-License-Identifier: ISC */
/* Places in the u-area as assembly knows them; upcall.c asserts that they are right. */
#ifndef LIBEXO_OFFSETS_H
#define LIBEXO_OFFSETS_H

#define UA_SELF 0
#define UA_DEPTH 20
#define UA_CRITICAL 24
#define UA_PENDING 28
#define UA_SYS_RIP 40
#define UA_GATE 48
#define UA_SAVE 256
#define UA_LIB 1792
#define UA_STACKS (UA_LIB + 0)
#define UA_RESUME_RIP (UA_LIB + 8)
#define UA_PARKED (UA_LIB + 16)
/* Handlers.  Plain numbers, as they stand in a macro's argument. */
#define UA_ON_EXCEPTION 1816
#define UA_ON_EPILOGUE 1824
#define UA_ON_EVENT 1832
#define UA_ON_REVOKE 1864

#define SAVE_BYTES 192
#define SAVE_RIP 0
#define SAVE_RSP 8
#define SAVE_RFLAGS 16
#define SAVE_RAX 24
#define SAVE_RCX 32
#define SAVE_R11 40
#define SAVE_FLAGS 62
#define SAVE_RBX 64
#define SAVE_RDX 72
#define SAVE_RSI 80
#define SAVE_RDI 88
#define SAVE_RBP 96
#define SAVE_R8 104
#define SAVE_R9 112
#define SAVE_R10 120
#define SAVE_R12 128
#define SAVE_R13 136
#define SAVE_R14 144
#define SAVE_R15 152

#define FLAG_FULL 1
#define FLAG_CRITICAL 2

/* Upcall stacks: one for each depth, then reflected system calls, then transfers. */
#define STACK_SHIFT 13
#define STACK_SYSCALL_TOP (9 << STACK_SHIFT)
#define STACK_CALL_TOP (10 << STACK_SHIFT)

#endif
