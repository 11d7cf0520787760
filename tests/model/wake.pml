/* SPDX-License-Identifier: ISC */
/*
 * Sleep and wake-up between processors: cpu_dispatch and its sleep (kernel/cpu/
 * dispatch.c), entry_idle, and who wakes: cpus_wake_others (kernel/core/remote.c)
 * and exo_wake_others (libexo/wake.c) are the same steps.
 *
 * One processor has two waiters, each of whom waits for a word to be another
 * than the one it saw; WAKERS others change words and wake.  Stores go through a
 * store buffer of one place a processor (x86: a store may pass later loads, until
 * a fence or an atomic step).
 *
 * Checked: when all is quiet, nobody sleeps over a word that has changed.
 *
 * Each BUG leaves out one step that the protocol stands on, and must be found:
 *	1 who wakes does not fence between its store and its look at `idle`
 *	2 who sleeps does not fence between `idle` and its last look
 *	3 `idle` is set after the last look
 *	4 interrupts come in between the last look and the halt
 *	5 a window for interrupts in the middle of a look is not followed by another look
 *	6 a bit of who may wait (exo_changed's mask) is set after the wait has begun
 */
#ifndef WAKERS
#define WAKERS 2
#endif
#ifndef CHANGES
#define CHANGES 2		/* by each waker */
#endif
#ifndef BUG
#define BUG 0
#endif

#define WAITERS 2

byte word[WAITERS];		/* in memory */
bool idle;			/* in memory */
bool mask;			/* a waiter may be on that processor: by an atomic step, so in memory at once */
bool irq;			/* a poke is pending */
bool halted;
byte wakers_done;

/* The store buffers. */
bool idle_due, idle_value;
bool word_due[WAKERS];
byte word_at[WAKERS];


inline idle_drain() { if :: idle_due -> idle = idle_value; idle_due = false :: else fi }
inline idle_store(v) { atomic { idle_drain(); idle_value = v; idle_due = true } }

/* A store becomes visible when the processor likes. */
active proctype memory()
{
end:	do
	:: atomic { idle_due -> idle_drain() }
	:: atomic { word_due[0] -> word[word_at[0]]++; word_due[0] = false }
#if WAKERS > 1
	:: atomic { word_due[1] -> word[word_at[1]]++; word_due[1] = false }
#endif
	od
}

active proctype sleeper()
{
	byte seen[WAITERS];
	byte found, interrupts, before;
	bool says_idle;

user:	/* programs run here; each has seen its word and waits again, having said so */
	if
	:: irq -> irq = false
	:: true
	fi;
#if BUG != 6
	mask = true;
#endif

scan:	before = interrupts;
	found = WAITERS;
	/* look at one, a window for interrupts, look at the other */
	if
	:: word[0] != seen[0] -> found = 0; goto enter
	:: else
	fi;
	if
	:: atomic { irq -> irq = false; interrupts = (interrupts + 1) % 4 }
	:: true
	fi;
	if
	:: word[1] != seen[1] -> found = 1; goto enter
	:: else
	fi;
#if BUG != 5
	if
	:: interrupts != before -> goto scan
	:: else
	fi;
#endif
#if BUG == 3
	if
	:: !says_idle -> says_idle = true; atomic { idle_drain(); idle = true }
	:: else
	fi;
#else
	if
	:: !says_idle ->
		says_idle = true;
#if BUG == 2
		idle_store(true);
#else
		atomic { idle_drain(); idle = true };
#endif
		goto scan
	:: else
	fi;
#endif
#if BUG == 4
	if
	:: irq -> irq = false
	:: true
	fi;
#endif
#if BUG == 6
	mask = true;
#endif
	halted = true;
end:	atomic { irq -> irq = false; halted = false; interrupts = (interrupts + 1) % 4 };
	goto scan;

enter:	says_idle = false;
	idle_store(false);
	atomic {
		seen[found] = word[found];
		found = 0;
		interrupts = 0;
		before = 0
	}
	goto user
}

proctype waker(byte self)
{
	byte left = CHANGES;
	byte which;
	bool there;

	do
	:: left > 0 ->
		left--;
		if
		:: which = 0
		:: which = 1
		fi;
		atomic { !word_due[self] -> word_at[self] = which; word_due[self] = true };
#if BUG != 1
		atomic { if :: word_due[self] -> word[word_at[self]]++; word_due[self] = false :: else fi };
#endif
		there = mask;
		if
		:: there && idle -> irq = true
		:: else
		fi
	:: else -> break
	od;
	atomic { !word_due[self] -> wakers_done++ }
}

#if WAKERS > 1
#define QUIET (wakers_done == WAKERS && halted && !irq && !word_due[0] && !word_due[1])
#else
#define QUIET (wakers_done == WAKERS && halted && !irq && !word_due[0])
#endif

/* Nothing is on its way any more: then those who sleep have seen everything. */
active proctype check()
{
	atomic { QUIET -> assert(sleeper:seen[0] == word[0] && sleeper:seen[1] == word[1]) }
}

init
{
	atomic {
		run waker(0);
#if WAKERS > 1
		run waker(1)
#endif
	}
}
