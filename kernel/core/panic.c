/* SPDX-License-Identifier: ISC */
/*
 * The end of a kernel that found itself wrong: what it knows, then off.  The
 * report goes wherever the log goes and to the UART; QEMU's status tells a
 * panic from everything a guest can ask for by machine_off.
 *
 * The backtrace is what the stack holds that points behind a call in the
 * kernel's text: it may name a stale frame, it never misses one.
 */
#include <stdarg.h>
#include "../arch/x86_64/arch.h"
#include "../cpu/cpu.h"
#include "boot.h"

#define STATUS_PANIC 0x7fu
#define TRACE_SHOWN 32u
#define BACKTRACE_MAX 24u

void klog_v(const char *format, va_list args);
void klog_break_lock(void);
void serial_write(const char *text, size_t bytes);

static bool panicking;
static const struct cpu *first;		/* whose panic is shown */

static void
show_address(const char *what, u64 address)
{
	const char *name;
	u64 offset;

	if (symbol_at(address, &name, &offset))
		klog("  %s %016lx %s+%#lx\n", what, address, name, offset);
	else
		klog("  %s %016lx\n", what, address);
}

static void
show_stack(const u64 *from)
{
	u64 top = this_cpu()->kstack_top;
	const char *name;
	u64 offset;
	u32 shown = 0;

	if ((u64)from > top || top - (u64)from > 65536)
		return;
	for (const u64 *at = from; (u64)at < top && shown < BACKTRACE_MAX; at++)
		if (symbol_at(*at, &name, &offset) && offset != 0) {
			klog("  called from %016lx %s+%#lx\n", *at, name, offset);
			shown++;
		}
}

static void
show_regs(const struct regs *r, u64 addr)
{
	klog("  vector %lu error %#lx address %#lx flags %#lx cs %lx\n", r->vector, r->error, addr,
		r->rflags, r->cs);
	show_address("at", r->rip);
	klog("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
	klog("  rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", r->rsi, r->rdi, r->rbp, r->rsp);
	klog("  r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", r->r8, r->r9, r->r10, r->r11);
	klog("  r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", r->r12, r->r13, r->r14, r->r15);
}

/*
 * A second panic on the way says only that.  Others than the first CPU have
 * been stopped by it, or come too late: they are silent.
 */
static void
begin(void)
{
	if (!__atomic_exchange_n(&panicking, true, __ATOMIC_SEQ_CST)) {
		first = this_cpu();
		arch_stop_others();
		klog_break_lock();
		return;
	}
	if (first == this_cpu()) {
		serial_write("panic in panic\n", 15);
		arch_off(STATUS_PANIC);
	}
	for (;;)
		arch_halt();
}

noreturn_ static void
finish(const u64 *stack)
{
	struct act *act = this_cpu()->act;

	if (act != NULL)
		klog("  environment %lx, state %u\n", act->id, act->state);
	show_stack(stack);
	trace_dump(TRACE_SHOWN);
	arch_off(STATUS_PANIC);
}

void
panic_trap(const struct regs *regs, u64 addr)
{
	begin();
	klog("panic: %s\n", regs->vector == 2 ? "NMI" : regs->vector == 8 ? "double fault"
		: regs->vector == 18 ? "machine check" : "exception in the kernel");
	show_regs(regs, addr);
	finish((const u64 *)regs->rsp);
}

void
panic(const char *format, ...)
{
	va_list args;

	begin();
	va_start(args, format);
	klog("panic: ");
	klog_v(format, args);
	klog("\n");
	va_end(args);
	finish(__builtin_frame_address(0));
}
