/* SPDX-License-Identifier: ISC */
/*
 * Forgetting translations on other processors: cpus_flush and may_hold (kernel/
 * core/remote.c), make_current and arch_unload (arch/), cpu_serve, and the locks.
 *
 * There are two address spaces.  In space 0 one page is bound to a frame or not;
 * who unbinds it has everybody forget it and then lets the frame go, and it may
 * be another's before it is bound again.  Programs on all processors use the
 * page whenever they like; they call, are switched from one activation to
 * another without a lock (a control transfer), or by the dispatcher under
 * env_lock (here one with mem_lock), and may find nobody to run and go idle.
 * Stores to the entry and of `act` go through a store buffer of one place;
 * atomic steps, fences and the load of CR3 empty it.
 *
 * Checked: nobody reaches the frame by a translation after it was let go;
 * nothing waits for ever (an end state where not all sleep or run programs).
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

bool bound = true;		/* the entry, in memory */
bool taken;			/* the frame is another's */
byte lock;			/* 0 free; else 1 + who */

byte act[CPUS] = NOBODY;	/* in memory: the space of who runs */
byte cr3[CPUS] = NOBODY;
bool cached[CPUS];		/* the translation of the page, present */
bool idle[CPUS];
bool wanted[CPUS], done[CPUS];	/* counters, of which one bit is enough: one at a time asks */
bool irq[CPUS];

/* Store buffers. */
bool act_due[CPUS], entry_due[CPUS];
byte act_value[CPUS];
bool entry_value[CPUS];

byte calls_left = CALLS;

inline drain(me)
{
	if
	:: act_due[me] -> act[me] = act_value[me]; act_due[me] = false; act_value[me] = 0
	:: else
	fi;
	if
	:: entry_due[me] -> bound = entry_value[me]; entry_due[me] = false; entry_value[me] = false
	:: else
	fi
}

inline act_store(me, v) { d_step { drain(me); act_value[me] = v; act_due[me] = true } }

/* The load of CR3 forgets all translations. */
inline load(me, space) { d_step { drain(me); cr3[me] = space; cached[me] = false } }

inline serve(me)
{
	if
	:: atomic { wanted[me] != done[me] -> cached[me] = false };
		atomic { drain(me); done[me] = wanted[me] }
	:: else
	fi
}

inline acquire(me)
{
	do
	:: d_step { lock == 0 -> drain(me); lock = me + 1 }; break
#if BUG != 3
	:: lock != 0 && wanted[me] != done[me] -> serve(me)
#endif
	od
}

inline release(me) { d_step { drain(me); lock = 0 } }

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
#define MAY_HOLD(n) (!idle[n] && act[n] == 0)
#else
#define MAY_HOLD(n) (!idle[n] && act[n] != 1)
#endif

inline flush_others(me)
{
	asked = 0;
	n = 0;
	do
	:: n == CPUS -> break
	:: n < CPUS && n != me && MAY_HOLD(n) ->
		d_step { wanted[n] = !wanted[n]; irq[n] = true; asked = asked | (1 << n) };
		n++
	:: n < CPUS && (n == me || !MAY_HOLD(n)) -> n++
	od;
#if BUG != 2
	n = 0;
	do
	:: n == CPUS -> break
	:: n < CPUS && ((asked >> n & 1) == 0 || done[n] == wanted[n]) -> n++
	od;
#endif
	n = 0;
	asked = 0
}

/* The page of space 0 is bound, if it is not, or unbound, and the frame goes to somebody else. */
inline map_call(me)
{
	acquire(me);
	if
	:: !bound -> taken = false; d_step { drain(me); bound = true }
	:: bound ->
		d_step { entry_value[me] = false; entry_due[me] = true; cached[me] = false };
#if BUG != 1
		d_step { drain(me) };
#endif
		flush_others(me);
		d_step { drain(me); taken = true }
	fi;
	release(me)
}

proctype memory(byte me)
{
end:	do
	:: d_step { act_due[me] || entry_due[me] -> drain(me) }
	od
}

proctype cpu(byte me)
{
	byte n, asked;
	byte space;

dispatch:
	act_store(me, NOBODY);
	acquire(me);
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
		release(me)
	:: space == NOBODY && idle[me] -> release(me)
	:: else ->
		idle[me] = false;
		release(me);
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
	:: atomic { cr3[me] == 0 && cached[me] -> assert(!taken) }
	:: atomic { cr3[me] == 0 && !cached[me] && bound -> cached[me] = true }
	:: atomic { calls_left > 0 -> calls_left-- }; map_call(me)
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
