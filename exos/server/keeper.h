/* SPDX-License-Identifier: ISC */
/* What the keeper and the server know of each other (keeper.c). */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>
#include <exo/lib.h>

#define SERVER_STACK 65536u
/* The top-level entry where the library's image lies (image.c) */
#define EXOS_SPACE 0x00007f0000000000ull

extern char server_stack[], server_upcall_stacks[];	/* on CPU 0 */
/* Of each CPU: the last request. */
struct serving {
	exo_envid env;			/* 0: none, or it is on record (redo.c) */
	uint64_t number;		/* that it gave it */
	uint32_t op;			/* 0: it has come to its end */
	bool answered;			/* so it has if nothing is noted (undo.h) */
	struct exo_msg answer;
};
extern struct serving server_serves[];
extern volatile uint64_t server_served;	/* requests and rounds of the loop that came to their end */
extern volatile uint64_t server_works_on;	/* the CPU where it does something, + 1; 0: it waits */
extern bool server_faulted;		/* the request under way is one that it cannot do */
extern volatile bool server_booted;	/* the server can be begun again */
/* The first time, and whenever its environment is another */
__attribute__((noreturn)) void server_begin(void);

/* What is stored before this is there if what is stored behind it is, for who looks after an end. */
static inline void
stored(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void
redo_begin(struct serving *s, exo_envid caller, const struct exo_msg *m)
{
	s->answered = false;
	stored();
	s->env = caller;
	s->number = m->r12;
	stored();
	s->op = (uint32_t)m->rsi;
	stored();
}

/* Its answer is complete: it counts when nothing is noted any more. */
static inline void
redo_end(struct serving *s, const struct exo_msg *m)
{
	s->answer = *m;
	stored();
	s->answered = true;
	stored();
}

/* ---- redo.c */
void redo_answer(exo_envid env, struct exo_msg *m);
void redo_slot(exo_slot slot);
void redo_begin_back(void);		/* no slots of the one before */
void redo_keep(struct serving *s, bool busy);

#endif
