/* SPDX-License-Identifier: ISC */
/*
 * Control transfer on one CPU: the rules of kernel/ipc/ipc.c, kernel/cpu/chain.c
 * and kernel/cpu/dispatch.c, over all interleavings of what programs may do.
 *
 * (a) waiting_on lies with the caller, at most one; the dispatcher follows it
 *     at most DEPTH steps from a slice's owner; if that is not the end, the
 *     owner's own wait ends (CYCLE).
 * (b) the gate: closed on entry, opened by the library or by return; closed or
 *     critical gives BUSY, and nothing has changed.
 * (c) donation: whoever is at the end of the chain runs on the owner's slice.
 * (d) return: at once if the caller is on the chain that runs, else FORCED.
 * (e) death of callee (the caller resumes with DEAD) and of caller (the callee
 *     keeps the rest of the slice, its return is refused).
 * (f) the deadline: past it the caller resumes with TIMEOUT, the return is void.
 *
 * Checked: one runs at most, and it is the CPU's, so a slice has one owner;
 * waiting_on never forms a cycle; a refusal changes nothing (it is the empty
 * branch); and at each dispatch, every slice of a living owner leads to somebody
 * who can run, or who waits by its own will: no caller is lost, and the CPU
 * idles only when everybody wants it to.
 */
/*
 * Three suffice for a joint (two callers of one); with a limit of one step
 * they also make a chain that grows too long behind its head.
 */
#ifndef N
#define N 3
#endif
#define NOBODY N
#ifndef DEPTH
#define DEPTH 1
#endif

#define PARKED 0
#define RUNNING 1
#define CALLING 2
#define FORCED 3

byte state[N];			/* of the activation */
byte waiting_on[N];
bool alive[N];
bool gate[N];
bool critical[N];
bool waits[N];			/* PARKED with a predicate that does not hold */
bool late[N];			/* the deadline of its call has passed */
bool slice[N];
byte cpu;			/* who runs */
byte head;			/* whose chain runs */
byte chain;			/* transfers between head and cpu */

hidden byte i, j, step, end, found;
hidden byte distance;

/* chain_follow: end = who would run, NOBODY if none; a CALLING end means that its wait is over. */
inline follow(first)
{
	end = first;
	step = 0;
	do
	:: state[end] == PARKED ->
		if
		:: waits[end] -> end = NOBODY
		:: else
		fi;
		break
	:: state[end] == FORCED || state[end] == RUNNING -> break
	:: state[end] == CALLING ->
		if
		:: !alive[waiting_on[end]] || late[end] -> break
		:: else ->
			if
			:: step == DEPTH -> end = first; step = 0; break
			:: else -> end = waiting_on[end]; step++
			fi
		fi
	od
}

/* distance from head to target along the chain; NOBODY: not on it */
inline distance_to(target)
{
	distance = NOBODY;
	end = head;
	step = 0;
	do
	:: end == target -> distance = step; break
	:: else ->
		if
		:: !alive[end] || state[end] != CALLING || step == DEPTH -> break
		:: else -> end = waiting_on[end]; step++
		fi
	od
}

inline enter(first)
{
	cpu = end;
	head = first;
	chain = step;
	if
	:: state[end] == CALLING -> waiting_on[end] = NOBODY; late[end] = false
	:: state[end] == PARKED -> critical[end] = true
	:: else
	fi;
	state[end] = RUNNING
}

/* The invariants that hold whenever a program runs. */
inline check()
{
	i = 0;
	do
	:: i < N ->
		assert(!(alive[i] && state[i] == RUNNING) || cpu == i);
		assert((state[i] == CALLING) == (waiting_on[i] != NOBODY));
		/* no cycle: from anybody, N steps lead to one who does not call */
		end = i;
		step = 0;
		do
		:: state[end] != CALLING -> break
		:: else -> assert(step < N); end = waiting_on[end]; step++
		od;
		/* no lost caller: alive, so its callee is one who may return, or is dead, or the deadline ends it */
		assert(!(alive[i] && state[i] == CALLING) || waiting_on[i] != i);
		i++
	:: else -> break
	od;
	assert(cpu == NOBODY || (alive[cpu] && state[cpu] == RUNNING));
	i = 0
}

/* Round robin is abstracted to "any slice": what is safe for all orders is safe for one. */
inline dispatch()
{
	cpu = NOBODY;
	found = 0;
	i = 0;
	do
	:: i < N ->
		if
		:: alive[i] && slice[i] ->
			follow(i);
			if
			:: end != NOBODY -> found = found | (1 << i)
			:: else ->
				/* nobody to run here: then the chain ends at one who waits by his own will */
				j = i;
				do
				:: state[j] == CALLING -> j = waiting_on[j]
				:: else -> break
				od;
				assert(state[j] == PARKED && waits[j])
			fi
		:: else
		fi;
		i++
	:: else -> break
	od;
	if
	:: (found & 1) != 0 -> follow(0); enter(0)
	:: (found & 2) != 0 -> follow(1); enter(1)
	:: (found & 4) != 0 -> follow(2); enter(2)
#if N > 3
	:: (found & 8) != 0 -> follow(3); enter(3)
#endif
	:: found == 0 -> head = NOBODY; chain = 0
	fi;
	check()
}

inline call(to)
{
	if
	:: alive[to] && state[to] == PARKED && gate[to] && !critical[to] && chain < DEPTH ->
		state[cpu] = CALLING;
		waiting_on[cpu] = to;
		late[cpu] = false;
		state[to] = RUNNING;
		gate[to] = false;
		critical[to] = true;
		cpu = to;
		chain++
	:: else			/* STALE, DEAD, BUSY, CYCLE: nothing was touched */
	fi;
	check()
}

inline return_to(to)
{
	if
	:: alive[to] && state[to] == CALLING && waiting_on[to] == cpu ->
		distance_to(to);
		state[cpu] = PARKED;
		gate[cpu] = true;
		critical[cpu] = false;
		waiting_on[to] = NOBODY;
		late[to] = false;
		if
		:: distance != NOBODY -> state[to] = RUNNING; cpu = to; chain = distance; check()
		:: else -> state[to] = FORCED; dispatch()
		fi
	:: else -> check()	/* STALE, DEAD, OWNER */
	fi
}

inline park(w)
{
	state[cpu] = PARKED;
	waits[cpu] = w;
	critical[cpu] = false;
	dispatch()
}

inline kill(who)
{
	alive[who] = false;
	state[who] = PARKED;	/* forget the rest: nobody looks at the dead */
	waiting_on[who] = NOBODY;
	gate[who] = false;
	critical[who] = false;
	waits[who] = false;
	late[who] = false;
	if
	:: who == cpu -> dispatch()
	:: else
	fi
}

active proctype machine()
{
	byte who;

	d_step {
		do
		:: i < N ->
			alive[i] = true;
			waiting_on[i] = NOBODY;
			gate[i] = true;
			i++
		:: else -> break
		od;
		i = 0;
		slice[0] = true;
		cpu = NOBODY;
		head = NOBODY
	}
	/* who else owns a slice */
	if
	:: slice[1] = true
	:: skip
	fi;
	if
	:: slice[2] = true
	:: skip
	fi;
	atomic { dispatch() }

	do
	:: atomic {
		select(who : 0 .. N - 1);
		if
		/* what the program that runs may do */
		:: cpu != NOBODY -> call(who)
		:: cpu != NOBODY -> return_to(who)
		:: cpu != NOBODY && who == 0 -> park(false)
		:: cpu != NOBODY && who == 0 -> park(true)
		:: cpu != NOBODY && who == 0 -> gate[cpu] = !gate[cpu]
		:: cpu != NOBODY && who == 0 -> critical[cpu] = !critical[cpu]
		/* the end of the slice, by force */
		:: cpu != NOBODY && who == 0 -> state[cpu] = FORCED; dispatch()
		/* what the world may do */
		:: alive[who] -> kill(who)
		:: alive[who] && state[who] == CALLING -> late[who] = true
		:: waits[who] && state[who] == PARKED ->
			waits[who] = false;
			if
			:: cpu == NOBODY -> dispatch()
			:: else
			fi
		:: cpu == NOBODY -> dispatch()
		fi;
		who = 0
	   }
	od
}
