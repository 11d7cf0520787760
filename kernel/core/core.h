/* SPDX-License-Identifier: ISC */
/*
 * What every kernel file may use: integer types, the assertion ladder, lock
 * annotations, and the few services of core/.  Nothing here touches hardware;
 * files that include only this and their resource's headers also compile on
 * the host, where the unit tests run them.
 */
#ifndef KERNEL_CORE_H
#define KERNEL_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <exo/types.h>
#include <exo/uarea.h>
#include <exo/tables.h>
#include <exo/trace.h>
#include <exo/error.h>			/* generated: enum exo_error, EXO_E... */

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
typedef int64_t i64;
typedef int32_t i32;

#define noreturn_ __attribute__((noreturn))
#define likely(e) __builtin_expect((e), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define __user				/* marks addresses that only copy_from_user may touch */

/* Thread-safety annotations (clang -Wthread-safety). */
#if defined(__clang__)
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif
#define LOCKABLE      TSA(capability("lock"))
#define GUARDED_BY(l) TSA(guarded_by(l))
#define REQUIRES(...) TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) TSA(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...)  TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...)  TSA(release_capability(__VA_ARGS__))
#define NO_TSA        TSA(no_thread_safety_analysis)

/* Ranks: a lock may be taken only while those held have lower ranks. */
enum lock_rank { RANK_NONE, RANK_ENV, RANK_CPU, RANK_MEM, RANK_FLUSH, RANK_DEV, RANK_LOG };

struct LOCKABLE lock {
	u32 word;			/* 0 free, 1 held */
	u16 rank;
	u16 which;			/* enum exo_lock: where its contention is counted */
	const char *name;
};
#define LOCK_INIT(n, r, w) { .word = 0, .rank = (r), .which = (w), .name = (n) }
void lock_spin(u32 *word, u32 which);	/* until it is free, and then take it */

/* The debug kernel keeps which ranks are held, too (lock.c); the unit tests have locks of their own. */
#if defined(AEGIS_DEBUG)
void lock_acquire(struct lock *l) ACQUIRE(l);
void lock_release(struct lock *l) RELEASE(l);
#else
static inline void lock_acquire(struct lock *l) ACQUIRE(l);
static inline void lock_release(struct lock *l) RELEASE(l);

static inline void NO_TSA
lock_acquire(struct lock *l)
{
	if (__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE) != 0)
		lock_spin(&l->word, l->which);
}

static inline void NO_TSA
lock_release(struct lock *l)
{
	__atomic_store_n(&l->word, 0, __ATOMIC_RELEASE);
}
#endif

/* The three big locks; see docs/design.md, "Locks". */
extern struct lock env_lock;		/* environment table, activations' relations, key rings */
extern struct lock mem_lock;		/* frame table, accounts, guards, page tables */
extern struct lock dev_lock;		/* devices, interrupt bindings */

/*
 * mem_lock has a part for each CPU.  Who changes what only one account has takes
 * the part of its CPU and the account's own lock (mem/local.c); all else takes
 * mem_lock with all parts, and finds nobody at anything.
 */
void mem_acquire_all(void) ACQUIRE(mem_lock);
void mem_release_all(void) RELEASE(mem_lock);
void mem_part_acquire(void);
void mem_part_release(void);

/* Alone, with interrupts off, a CPU needs no locks; but who looks for mistakes does. */
extern u32 cpus_count;			/* [I] */
#if defined(AEGIS_DEBUG) || __STDC_HOSTED__
#define LOCKS_NEEDED true
#else
#define LOCKS_NEEDED unlikely(cpus_count > 1)
#endif

static inline void mem_acquire(void) ACQUIRE(mem_lock);
static inline void mem_release(void) RELEASE(mem_lock);

static inline void NO_TSA
mem_acquire(void)
{
	if (LOCKS_NEEDED)
		mem_acquire_all();
}

static inline void NO_TSA
mem_release(void)
{
	if (LOCKS_NEEDED)
		mem_release_all();
}

/* The assertion ladder.  Never on what a user controls: that is an error code. */
noreturn_ void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define must(e) ((e) ? (void)0 : panic("%s:%d: must(%s)", __FILE_NAME__, __LINE__, #e))
#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif
#if defined(AEGIS_DEBUG)
#define debug_must(e) must(e)
#else
#define debug_must(e) ((void)0)
#endif

/*
 * printf into the kernel log (UART until the console is up): d u x s c p with
 * l, width and 0, and %#x.
 */
void klog(const char *format, ...) __attribute__((format(printf, 1, 2)));
void klog_write(const char *text, size_t bytes);
/* A driver that can take the log sets this (dev/); NULL: the UART.  Called under the log's lock. */
extern void (*klog_sink)(const char *text, size_t bytes);
/* ... and this, if its host takes time to take it: what is done at the machine's end.  Bounded; under the log's lock. */
extern void (*klog_drain)(void);
void klog_finish(void);

/* A counter that several CPUs may move. */
static inline void
count_up(u64 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* Boot memory: zeroed, page aligned, for ever the kernel's.  Only until boot is over; panics when out. */
void *boot_alloc(u64 bytes);

/* The exposed info table; main.c fills in what describes the machine, mem/ the frames, cpu/ the slices. */
extern struct exo_info *info;

/*
 * The one checked copy from user memory.  0, or -EXO_EFAULT with nothing
 * done.  bytes <= 4096.  No lock may be held.
 */
#if defined(AEGIS_DEBUG)
int copy_from_user(void *dst, u64 __user src, size_t bytes);
#else
int user_copy(void *dst, const void *src, size_t bytes);	/* arch; 0, or it faulted */

static inline int
copy_from_user(void *dst, u64 __user src, size_t bytes)
{
	if (src >= EXO_USER_TOP || bytes > EXO_USER_TOP - src)
		return -EXO_EFAULT;
	return user_copy(dst, (const void *)src, bytes) == 0 ? 0 : -EXO_EFAULT;
}
#endif

/* Memory by frame: the kernel's own alias of a frame. */
extern u8 *direct_map;			/* [I] where frame 0 is seen */
static inline void *
frame_ptr(exo_pfn pfn)
{
	return direct_map + (pfn << EXO_PAGE_SHIFT);
}

void *memset(void *dst, int value, size_t bytes);
void *memcpy(void *dst, const void *src, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
/* Freestanding, the compiler does not take the names for what it knows how to do in place. */
#if !__STDC_HOSTED__
#define memset(dst, value, bytes) __builtin_memset(dst, value, bytes)
#define memcpy(dst, src, bytes) __builtin_memcpy(dst, src, bytes)
#endif

/*
 * A record in the trace ring of this CPU: what is an enum exo_trace_event, or
 * one with the code and extra that go with it.
 */
#define TRACE_WHAT(event, code, extra) ((u32)(event) | (u32)(code) << 8 | (u32)(extra) << 16)
void trace(u32 what, u64 a, u64 b);
void trace_at(u64 ns, u32 what, u64 a, u64 b);	/* the time is known */
void trace_call(u64 nr, const u64 arg[6]);
void trace_result(u64 nr, u64 result);

/* Nanoseconds since boot. */
u64 now_ns(void);

#endif
