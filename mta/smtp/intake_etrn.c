/*
 * intake_etrn.c - what is asked of the queue by ETRN.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/msg/msg.h"
#include "mta/smtp/intake_int.h"

struct etrn_question {
	struct etrn_question	*next;
	uint64_t		 ticket;
	int64_t			 since_ms;
	intake_etrn_cb		*cb;
	void			*arg;
};

uint64_t
intake_etrn(struct intake *in, enum etrn_how how, struct span name,
    intake_etrn_cb *cb, void *arg)
{
	struct etrn_question	*q = xcalloc(1, sizeof(*q));

	q->ticket = ++in->etrn_ticket;
	q->since_ms = in->chan == NULL ? INT64_MIN : loop_now_ms();
	q->cb = cb;
	q->arg = arg;
	if (in->etrns == NULL)
		in->etrns_tail = &in->etrns;
	*in->etrns_tail = q;
	in->etrns_tail = &q->next;
	if (in->chan != NULL) {
		chan_begin(in->chan, MSG_ETRN);
		chan_u64(in->chan, q->ticket);
		chan_u8(in->chan, (uint8_t)how);
		chan_bytes(in->chan, name);
		chan_end(in->chan);
	}
	return q->ticket;
}

/* Out of the list; NULL: it is not there. */
static struct etrn_question *
take(struct intake *in, uint64_t ticket)
{
	struct etrn_question	**at, *q;

	for (at = &in->etrns; (q = *at) != NULL; at = &q->next) {
		if (q->ticket != ticket)
			continue;
		*at = q->next;
		if (q->next == NULL)
			in->etrns_tail = at;
		return q;
	}
	return NULL;
}

void
intake_etrn_cancel(struct intake *in, uint64_t ticket)
{
	free(take(in, ticket));
}

static void
answer(struct intake *in, uint64_t ticket, enum etrn_result r,
    uint32_t messages)
{
	struct etrn_question	*q = take(in, ticket);

	if (q != NULL)
		q->cb(q->arg, r, messages);
	free(q);
}

/* A callback may end other sessions, whose questions go then. */
static bool
overdue(const struct intake *in, int64_t before, uint64_t *ticket)
{
	const struct etrn_question	*q;

	for (q = in->etrns; q != NULL; q = q->next) {
		if (q->since_ms > before)
			continue;
		*ticket = q->ticket;
		return true;
	}
	return false;
}

void
etrns_fail(struct intake *in, int64_t before)
{
	uint64_t	ticket;

	while (overdue(in, before, &ticket))
		answer(in, ticket, ETRN_UNABLE, 0);
}

bool
etrn_answered(struct intake *in, struct msg *m)
{
	uint64_t	ticket = msg_u64(m);
	uint8_t		result = msg_u8(m);
	uint32_t	messages = msg_u32(m);

	if (!msg_end(m) || result >= ETRN_NRESULTS)
		return false;
	answer(in, ticket, (enum etrn_result)result, messages);
	return true;
}
