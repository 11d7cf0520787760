/* SPDX-License-Identifier: ISC */
/*
 * Forgetting translations on other processors: cpus_flush and may_hold (kernel/
 * core/remote.c), make_current and arch_unload (arch/), cpu_serve, and the locks
 * of memory (mem/local.c).
 *
 * There are two address spaces of two accounts.  In each one page is bound to a
 * frame or not; who unbinds it has everybody forget it and then lets the frame
 * go, and it may be another's before it is bound again.  Programs on all
 * processors use the page whenever they like; they call, for their own space
 * under its lock or for any under all of them, are switched from one activation
 * to another without a lock (a control transfer), or by the dispatcher under
 * env_lock, and may find nobody to run and go idle.  Stores to the entry and of
 * `act` go through a store buffer of one place; atomic steps, fences and the load
 * of CR3 empty it.
 *
 * Checked: nobody reaches a frame by a translation after it was let go; nothing
 * waits for ever (an end state where not all sleep or run programs).
 *
 * Each BUG leaves out one step that the protocol stands on, and must be found:
 *	1 no fence between the entry and the look at who runs
 *	2 nobody is waited for
 *	3 who waits for a lock does not serve
 *	4 `act` is stored after CR3 is loaded
 *	5 who goes idle keeps its translations
 *	6 between two activations a processor is taken to hold nothing
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef CALLS
#define CALLS 2			/* of map and unmap, by all */
#endif
#ifndef BUG
#define BUG 0
#endif

#define NOBODY 2		/* act: none; cr3: the kernel's own space */

bool bound[2] = true;		/* the entries, in memory */
bool taken[2];			/* the frame is another's */
bool env_lock, mem_lock, flush_lock;
bool account[2];		/* locks; mem_lock with both is all of memory's */

byte act[CPUS] = NOBODY;	/* in memory: the space of who runs */
byte cr3[CPUS] = NOBODY;
bool cached[CPUS];		/* the translation of the page of the space that is loaded */
bool idle[CPUS];
byte wanted[CPUS], done[CPUS];
bool irq[CPUS];

/* Store buffers. */
bool act_due[CPUS], entry_due[CPUS];
byte act_value[CPUS];
byte entry_of[CPUS];

byte calls_left = CALLS;

inline drain(me)
{
	if
	:: act_due[me] -> act[me] = act_value[me]; act_due[me] = false; act_value[me] = 0
	:: else
	fi;
	if
	:: entry_due[me] -> bound[entry_of[me]] = false; entry_due[me] = false; entry_of[me] = 0
	:: else
	fi
}

inline act_store(me, v) { d_step { drain(me); act_value[me] = v; act_due[me] = true } }

/* The load of CR3 forgets all translations. */
inline load(me, space) { d_step { drain(me); cr3[me] = space; cached[me] = false } }

inline serve(me)
{
	atomic {
		if
		:: wanted[me] != done[me] -> cached[me] = false; heard = wanted[me]
		:: else -> heard = done[me]
		fi
	};
	d_step { drain(me); done[me] = heard; heard = 0 }
}

inline acquire(me, lock)
{
	do
	:: d_step { !lock -> drain(me); lock = true }; break
#if BUG != 3
	:: lock && wanted[me] != done[me] -> serve(me)
#endif
	od
}

inline release(me, lock) { d_step { drain(me); lock = false } }

/* make_current: the same address space is not loaded again. */
inline become(me, space)
{
#if BUG == 4
	if
	:: cr3[me] != space -> load(me, space)
	:: else
	fi;
	act_store(me, space)
#else
	act_store(me, space);
	if
	:: cr3[me] != space -> load(me, space)
	:: else
	fi
#endif
}

#if BUG == 6
#define MAY_HOLD(n, space) (!idle[n] && act[n] == space)
#else
#define MAY_HOLD(n, space) (!idle[n] && act[n] != 1 - space)
#endif

inline ask_others(me, space)
{
	acquire(me, flush_lock);
	n = 0;
	do
	:: n == CPUS -> break
	:: n < CPUS && n != me && MAY_HOLD(n, space) ->
		d_step { wanted[n] = 1 - wanted[n]; irq[n] = true; asked = asked | (1 << n) };
		n++
	:: n < CPUS && (n == me || !MAY_HOLD(n, space)) -> n++
	od;
#if BUG != 2
	n = 0;
	do
	:: n == CPUS -> break
	:: n < CPUS && ((asked >> n & 1) == 0 || done[n] == wanted[n]) -> n++
	:: n < CPUS && (asked >> n & 1) != 0 && done[n] != wanted[n] && wanted[me] != done[me] -> serve(me)
	od;
#endif
	n = 0;
	asked = 0;
	release(me, flush_lock)
}

/* Mostly nobody need be asked, and then no lock is taken. */
inline flush_others(me, space)
{
	n = 0;
	do
	:: n == CPUS || (n != me && MAY_HOLD(n, space)) -> break
	:: n < CPUS && (n == me || !MAY_HOLD(n, space)) -> n++
	od;
	if
	:: n < CPUS -> ask_others(me, space)
	:: n == CPUS -> n = 0
	fi
}

/* The page is bound, if it is not, or unbound, and the frame goes to somebody else. */
inline change(me, space)
{
	if
	:: !bound[space] -> taken[space] = false; d_step { drain(me); bound[space] = true }
	:: bound[space] ->
		d_step {
			entry_of[me] = space;
			entry_due[me] = true;
			cached[me] = cached[me] && cr3[me] != space
		};
#if BUG != 1
		d_step { drain(me) };
#endif
		flush_others(me, space);
		d_step { drain(me); taken[space] = true }
	fi
}

proctype memory(byte me)
{
end:	do
	:: d_step { act_due[me] || entry_due[me] -> drain(me) }
	od
}

proctype cpu(byte me)
{
	byte n, asked, heard;
	byte space, other;

dispatch:
	act_store(me, NOBODY);
	acquire(me, env_lock);
	if
	:: space = 0
	:: space = 1
	:: space = NOBODY
	fi;
	if
	:: space == NOBODY && !idle[me] ->
		/* others are told before the last look */
#if BUG != 5
		load(me, NOBODY);
#endif
		d_step { drain(me); idle[me] = true };
		release(me, env_lock)
	:: space == NOBODY && idle[me] -> release(me, env_lock)
	:: else ->
		idle[me] = false;
		release(me, env_lock);
		become(me, space);
		goto user
	fi;
halt:
end0:	if			/* poked, or for another reason */
	:: irq[me] -> irq[me] = false
	:: true
	fi;
	serve(me);
	goto dispatch;

user:
end1:	do
	/* an interrupt takes its time to come */
	:: irq[me] -> irq[me] = false; serve(me)
	/* the page is used: by the translation that is there, or by a walk */
	:: atomic { cached[me] -> assert(!taken[cr3[me]]) }
	:: atomic { !cached[me] && bound[cr3[me]] -> cached[me] = true }
	:: atomic { calls_left > 0 -> calls_left-- };
		if
		:: acquire(me, account[space]);
			change(me, space);
			release(me, account[space])
		:: acquire(me, mem_lock);
			acquire(me, account[0]);
			acquire(me, account[1]);
			if
			:: other = 0
			:: other = 1
			fi;
			change(me, other);
			release(me, account[1]);
			release(me, account[0]);
			release(me, mem_lock);
			other = 0
		fi
	:: space = 1 - space; become(me, space)
	:: goto dispatch
	od
}

init
{
	atomic {
		run cpu(0);
		run memory(0);
		run cpu(1);
		run memory(1);
#if CPUS > 2
		run cpu(2);
		run memory(2)
#endif
	}
}
