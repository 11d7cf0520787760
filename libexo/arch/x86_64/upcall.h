/* SPDX-License-Identifier: ISC */
/* Assembly seen from C and C seen from assembly; nothing here is public. */
#ifndef LIBEXO_UPCALL_H
#define LIBEXO_UPCALL_H

#include <exo/lib.h>

#pragma GCC visibility push(hidden)

extern const char exo_window_begin[], exo_window_end[];
extern const char exo_upcall_exception[], exo_upcall_epilogue[], exo_upcall_event[];
extern const char exo_upcall_revoke[];
extern const char exo_upcall_syscall[], exo_upcall_prologue[];
extern const char exo_upcall_call[], exo_upcall_acall[];

/* Called by upcall.S, transfer.S and start.S. */
void exo_serve_pending(struct exo_save *context);
void exo_serve_syscall(struct exo_sysframe *frame);
void exo_serve_call(exo_envid caller, struct exo_msg *message);
void exo_serve_acall(exo_envid caller, struct exo_msg *message);
__attribute__((noreturn)) void exo_start_main(void *stacks);

/* transfer.S: as exo_wait_for, exo_yield and exo_acall, before `pending` is looked at. */
int64_t exo_park_until(const struct exo_term *terms, uint64_t count, uint64_t deadline_ns,
			exo_envid to);
int64_t exo_park_to(exo_envid to);
int64_t exo_acall_park(exo_envid env, const struct exo_msg *message);

#pragma GCC visibility pop

#endif
