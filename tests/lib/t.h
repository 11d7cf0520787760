/* SPDX-License-Identifier: ISC */
/*
 * The frame of the in-guest kernel tests.
 *
 * A test program is boot/init: it holds the root key (slot 0) and the whole
 * machine.  Each TEST runs under a leak oracle: free frames, environments and
 * slices must be the same before and after, so a test undoes what it does.
 * Results go to the kernel log as `ok NAME` or `FAIL NAME: why`.
 *
 * Children have their own account, page tables and key ring, but the frames
 * of the program are mapped in all of them at the same addresses: one image,
 * several environments, so a test reads like one program.  Only the u-area
 * differs.
 */
#ifndef T_H
#define T_H

#include <exo/lib.h>
#include <exo/read.h>
#include <exo/archive.h>

struct t_case {
	const char *name;
	void (*run)(void);
};

#define TEST(id) \
	static void test_##id(void); \
	__attribute__((section("t_cases"), used)) \
	static const struct t_case case_##id = { #id, test_##id }; \
	static void test_##id(void)

/* Expect a call's result: an exact one, or an error by its name. */
#define IS(expression, want) t_is(__LINE__, #expression, (int64_t)(expression), (int64_t)(want))
#define OK(expression) IS(expression, 0)
#define ERR(expression, name) IS(expression, -(int64_t)EXO_E##name)
#define CHECK(condition) t_check(__LINE__, #condition, (condition))

bool t_is(int line, const char *what, int64_t got, int64_t want);
bool t_check(int line, const char *what, bool good);
void t_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool t_failed(void);			/* this case, so far */

/* ---- keys: made once, kept by every test ---- */
enum {
	K_ROOT,				/* everything */
	K_NOTHING,			/* a named key that opens no guard: "Z" with all rights */
	K_READ, K_WRITE, K_EXEC, K_POST, K_CONTROL, K_ALLOT,	/* root's name, one right each */
	K_FREE,				/* first slot for the test's own; emptied after each case */
	K_NONE = 120,			/* always empty */
	K_BEYOND = 5000,		/* outside the ring */
};

struct exo_key t_key(uint8_t rights, const char *name);		/* of a NUL terminated name */
int64_t t_narrow(exo_slot src, exo_slot dst, struct exo_key key);

/* ---- memory ---- */
#define T_VA 0x20000000ull		/* 2 MiB with a page table, nothing mapped: for the tests */
#define T_VA_END 0x20200000ull
#define T_SCRATCH (T_VA_END - 0x4000)	/* its last pages are the framework's */
#define T_NOTABLE 0x700000000000ull	/* no page table here */

#define ROOT_ACCOUNT (exo_info()->root_account)

exo_pfn t_claim(uint64_t count);	/* frames in a row for the root account */
void t_release(exo_pfn pfn, uint64_t count);
int64_t t_map(uint64_t va, exo_pfn pfn, uint32_t permissions);
int64_t t_unmap(uint64_t va);
int64_t
t_map_op(exo_envid env, uint64_t va, exo_pfn pfn, uint32_t op, exo_slot key, exo_slot k_env);

/* Touch memory: 0, or the vector of the exception and its error code << 8. */
int t_read(uint64_t va, uint64_t *value);
int t_write(uint64_t va, uint64_t value);
int t_exec(uint64_t va);		/* calls it: a `ret` should be there */
#define T_PF(error) (14 | (error) << 8)

/* ---- children ---- */
#define T_CHILDREN 6u
#define T_CPUS 8u

struct t_child {
	exo_envid id;
	exo_pfn account, base;		/* frames of the child: see child.c */
	unsigned index[T_CPUS];		/* of its stacks on each CPU, behind the last: none there */
	uint32_t slice;
};

/* Not 0: the guard of the accounts and frames of children made from now on. */
extern exo_guardref t_children_guard;

/* Not NULL: fills in the start information of children made from now on (which else have none). */
extern void (*t_children_start)(struct exo_start *start, const struct t_child *child);

/* A child that will run fn(arg); no keys, no slice yet.  Its account may claim `spare` frames more. */
bool t_child(struct t_child *child, void (*fn)(uint64_t arg), uint64_t arg, uint64_t spare);
bool t_start(struct t_child *child);	/* give it a slice */
/* On another CPU, too, where it will run fn(arg) and has a slice at once; two spare frames a CPU. */
bool t_start_on(struct t_child *child, uint32_t cpu, void (*fn)(uint64_t arg), uint64_t arg);
/* The same for a child that shall run nowhere else: t_child with a function that is never called. */
bool t_child_on(struct t_child *child, uint32_t cpu, void (*fn)(uint64_t arg), uint64_t arg);
bool t_give(struct t_child *child, exo_slot src, exo_slot dst);
uint64_t t_wait(struct t_child *child);	/* until it is dead: its reason */
void t_reap(struct t_child *child);	/* destroys it if need be; nothing is left, whatever it made */
uint64_t t_run(void (*fn)(uint64_t arg), uint64_t arg);	/* child, start, wait, reap */
__attribute__((noreturn)) void t_exit(uint64_t code);	/* in a child */
#define T_EXIT(code) (EXO_DEAD_EXIT | (uint64_t)(code) << 16)

enum {
	C_ENV,
	C_ROOT,
	C_ROOT_LINKS,
	C_RING = 4,
	C_UAREA,
	C_ACT,
	C_TABLES,
	C_FRAMES = C_TABLES + 15
};

/*
 * How long a test waits for what must come: past anything that a busy host makes of it.  With
 * several processors the machine's clock is the host's.
 */
#define T_PATIENCE_NS 60000000000ull

/* A word of an exposed table or of a frame reaches a value (or the test fails when patience ends). */
bool t_until(const volatile uint64_t *word, enum exo_cmp cmp, uint64_t value);

/*
 * Yield to an environment until the word has reached the value.  One turn is
 * enough but where the host stops the machine for the rest of a slice.
 */
bool t_turns(exo_envid to, const volatile uint64_t *word, uint64_t value);
/* Some turns, in which it gets to where it parks. */
void t_settle(exo_envid to);

/* The number behind `name=` in the archive's boot/args, or otherwise. */
uint64_t t_arg(const char *name, uint64_t otherwise);

void t_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
