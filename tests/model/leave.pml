/* SPDX-License-Identifier: ISC */
/*
 * Ends across processors: cpus_ask_leave, cpus_wait_left, cpu_at_rest and the
 * debug kernel's cpus_stop (kernel/core/remote.c), cpu_leave, env_kill and
 * account_reap's wait, with the dispatcher's window and its going idle.
 *
 * Every environment has an activation on every processor.  Programs move from
 * one to another without a lock (a control transfer: found, then entered) or by
 * the dispatcher; whoever runs may destroy anybody, itself included, on several
 * processors at once, and whoever holds env_lock may take the dead apart when they
 * were left.  In a call, one may have all others stop.
 *
 * Checked: what was taken apart is not used any more, as an activation that was
 * found or runs, or as the address space that is loaded; while all are stopped
 * nobody else moves; nothing waits for ever.
 *
 * Each BUG leaves out one step that the protocol stands on, and must be found:
 *	1 who waits goes on waiting when it is dead itself
 *	2 who waits does not say that it has left all others
 *	3 who is asked says so whoever runs
 *	4 ... looks who runs before it reads what it was asked
 *	5 ... before it has let go
 *	6 the dispatcher's window leaves the last one's address space loaded
 *	7 who goes idle leaves it loaded, too
 *	8 the dead are taken apart at once
 *	9 who waits for others to leave does not stop for who looks at everything (3 processors)
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef ENVS
#define ENVS 2
#endif
#ifndef STOPS
#define STOPS 1
#endif
#ifndef BUG
#define BUG 0
#endif

#define NOBODY ENVS

bool dead[ENVS], gone[ENVS];
byte lock;			/* 0 free; else 1 + who */

byte runs[CPUS] = NOBODY;	/* cpu->act */
byte loaded[CPUS] = NOBODY;	/* the address space */
byte found[CPUS] = NOBODY;	/* an activation about to be entered */
bool idle[CPUS];
bool irq[CPUS];
byte wanted[CPUS], done[CPUS];

/* struct leaving of each environment: a bit for each processor asked, and what it was asked. */
byte asked[ENVS];
byte until[ENVS * CPUS];

byte stops_left = STOPS;
bool stopping;			/* one at a time */
bool stop;			/* is in force */
bool stopped[CPUS];

#define LEFT_BY(e, n) ((asked[e] >> n & 1) == 0 || done[n] >= until[(e) * CPUS + n])
#if CPUS > 2
#define LEFT(e) (LEFT_BY(e, 0) && LEFT_BY(e, 1) && LEFT_BY(e, 2))
#else
#define LEFT(e) (LEFT_BY(e, 0) && LEFT_BY(e, 1))
#endif

#define GONE(e) (e != NOBODY && gone[e])

/* Whatever a processor does with what it has. */
inline use(me)
{
	assert(!GONE(runs[me]) && !GONE(loaded[me]) && !GONE(found[me]));
	assert(!stopped[me])
}

inline acquire(me) { d_step { lock == 0 -> lock = me + 1 } }
inline release(me) { lock = 0 }

inline ask_leave(me, e)
{
	d_step {
		n = 0;
		do
		:: n == CPUS -> break
		:: n < CPUS && n != me && !idle[n] ->
			wanted[n]++;
			until[e * CPUS + n] = wanted[n];
			asked[e] = asked[e] | (1 << n);
			irq[n] = true;
			n++
		:: n < CPUS && (n == me || idle[n]) -> n++
		od;
		n = 0
	}
}

/* leave_others: `left` if there was nobody to leave. */
inline leave_others(me, left)
{
#if BUG == 4
	left = runs[me] == NOBODY || !dead[runs[me]];
	heard = wanted[me];
#else
	heard = wanted[me];
#if BUG == 3
	left = true;
#else
	left = runs[me] == NOBODY || !dead[runs[me]];
#endif
#endif
	if
	:: left -> done[me] = heard
	:: else
	fi
}

inline stop_asked(me)
{
	if
	:: stop -> atomic { use(me); stopped[me] = true }; atomic { !stop -> stopped[me] = false }
	:: else
	fi
}

inline unload(me) { d_step { loaded[me] = NOBODY } }

#if CPUS > 2
#define OTHERS_STOPPED(me) ((me == 0 || stopped[0]) && (me == 1 || stopped[1]) && (me == 2 || stopped[2]))
#else
#define OTHERS_STOPPED(me) ((me == 0 || stopped[0]) && (me == 1 || stopped[1]))
#endif

proctype cpu(byte me)
{
	byte e, n, heard;
	bool left;

dispatch:
	runs[me] = NOBODY;
	acquire(me);
look:	use(me);
	if
	:: true ->			/* the window */
#if BUG != 6
		unload(me);
#endif
		release(me);
		if
		:: irq[me] ->
			irq[me] = false;
			stop_asked(me);
			leave_others(me, left)
		:: true
		fi;
		acquire(me);
		goto look
	:: !dead[0] -> found[me] = 0
	:: !dead[1] -> found[me] = 1
#if ENVS > 2
	:: !dead[2] -> found[me] = 2
#endif
	:: true ->
#if BUG != 7
		unload(me);
#endif
		idle[me] = true;
		release(me);
end0:		if			/* poked, or for another reason */
		:: irq[me] ->
			irq[me] = false;
			stop_asked(me);
			leave_others(me, left)
		:: true
		fi;
		goto dispatch
	fi;
	idle[me] = false;
	release(me);

enter:	atomic { use(me); runs[me] = found[me] };
	atomic { use(me); loaded[me] = runs[me]; found[me] = NOBODY };

user:
end1:	atomic { use(me); left = false; heard = 0; e = 0 };
	if
	:: irq[me] ->
		irq[me] = false;
		stop_asked(me);
		leave_others(me, left);
		if
		:: left -> goto user
		:: else
		fi;
leave:		/* cpu_leave */
#if BUG == 5
		done[me] = heard;
#endif
		acquire(me);
		atomic { use(me); runs[me] = NOBODY };
		unload(me);
		release(me);
		done[me] = heard;
		goto dispatch
	/* a control transfer: who is dead is not found */
	:: atomic { !dead[0] -> found[me] = 0 }; goto enter
	:: atomic { !dead[1] -> found[me] = 1 }; goto enter
#if ENVS > 2
	:: atomic { !dead[2] -> found[me] = 2 }; goto enter
#endif
	:: goto dispatch
	/* destroy somebody */
	:: !dead[0] -> e = 0; goto destroy
	:: !dead[1] -> e = 1; goto destroy
#if ENVS > 2
	:: !dead[2] -> e = 2; goto destroy
#endif
	/* take the dead apart */
	:: dead[0] && !gone[0] -> e = 0; goto reap
	:: dead[1] && !gone[1] -> e = 1; goto reap
	:: atomic { stops_left > 0 -> stops_left-- }; goto stop_others
	fi;

destroy:
	acquire(me);
	atomic { use(me) };
	if
	:: dead[e] -> release(me); goto user
	:: else -> dead[e] = true
	fi;
	ask_leave(me, e);
	if
	:: e == runs[me] ->
		atomic { use(me); runs[me] = NOBODY };
		unload(me);
		release(me);
		goto dispatch
	:: else
	fi;
	release(me);
	do				/* cpus_wait_left */
	:: LEFT(e) -> break
	:: !LEFT(e) ->
#if BUG == 2
		if
		:: dead[runs[me]] -> break
		:: else
		fi;
#else
		leave_others(me, left);
#if BUG != 1
		if
		:: !left -> break
		:: else
		fi;
#endif
#endif
#if BUG != 9
		stop_asked(me);
#endif
		/* again when something has changed */
		LEFT(e) || (stop && BUG != 9) || (BUG != 1 && dead[runs[me]]) || (BUG != 2 && done[me] != wanted[me] && !dead[runs[me]])
	od;
	goto user;

reap:
	acquire(me);
	atomic { use(me) };
	if
#if BUG == 8
	:: true -> gone[e] = true
#else
	:: LEFT(e) -> gone[e] = true
	:: else
#endif
	fi;
	release(me);
	goto user;

stop_others:
	if
	:: atomic { stopping -> goto user }
	:: atomic { !stopping -> stopping = true }
	fi;
	atomic {
		stop = true;
		n = 0;
		do
		:: n == CPUS -> break
		:: n < CPUS -> irq[n] = irq[n] || n != me; n++
		od;
		n = 0
	};
	do
	:: OTHERS_STOPPED(me) -> atomic { use(me) }; break
	:: dead[runs[me]] -> break
	od;
	stop = false;
	stopping = false;
	goto user
}

init
{
	atomic {
		run cpu(0);
		run cpu(1);
#if CPUS > 2
		run cpu(2)
#endif
	}
}
