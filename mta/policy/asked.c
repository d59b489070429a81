/*
 * asked.c - what an evaluation asks of another process: one thing at a time,
 * answered by yes, no, or that it cannot be said.
 */
#include "mta/policy/policy_int.h"

void
asked_begin(struct asking *a, void (*cancel)(void *, uint64_t), void *ctx)
{
	a->asked = (struct asked){ .is = ASKED_WAITS, .in_ask = true,
	    .cancel = cancel, .ctx = ctx };
}

void
asked_ticket(struct asking *a, uint64_t ticket)
{
	a->asked.ticket = ticket;
	a->asked.in_ask = false;
}

void
asked_told(struct asking *a, enum rs_answer answer, bool yes)
{
	a->asked.is = ASKED_ANSWERED;
	a->asked.answer = answer;
	a->asked.yes = yes;
	if (!a->asked.in_ask)
		a->resume(a->arg);
}

enum rs_answer
asked_take(struct asking *a, struct rs_value *out)
{
	if (a->asked.is != ASKED_ANSWERED)
		return RS_WAIT;
	a->asked.is = ASKED_NOTHING;
	*out = rs_bool(a->asked.yes);
	return a->asked.answer;
}

void
asked_stop(struct asking *a)
{
	if (a->asked.is == ASKED_WAITS && a->asked.cancel != NULL)
		a->asked.cancel(a->asked.ctx, a->asked.ticket);
	a->asked.is = ASKED_NOTHING;
}
