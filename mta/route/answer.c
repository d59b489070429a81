/*
 * answer.c - pieces of ROUTED; answer.h.
 */
#include "mta/route/answer.h"

#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/msg/msg.h"

#define PIECE		1000		/* targets of one ROUTED */
#define PIECE_OCTETS	(128u << 10)	/* and what the last is more */

static void
let_go(struct answer *a)
{
	size_t	i;

	a->n = a->octets = 0;
	for (i = 0; i < a->nheld; i++)
		routing_free(&a->held[i]);
	a->nheld = 0;
}

void
answer_send(struct answer *a, struct chan *c, bool last)
{
	size_t	i;

	chan_begin(c, MSG_ROUTED);
	chan_u64(c, a->ticket);
	chan_u32(c, a->generation);
	chan_u8(c, last);
	chan_u32(c, (uint32_t)a->n);
	for (i = 0; i < a->n; i++)
		target_put(c, &a->piece[i]);
	chan_end(c);
	let_go(a);
}

static size_t
octets_of(const struct target *t)
{
	return t->address.n + t->hop.n + t->mail_from.n + t->rcpt_to.n +
	    t->mailbox.n + t->account.n + t->path.n + t->text.n;
}

void
answer_add(struct answer *a, struct chan *c, const struct target *t)
{
	if (a->n == PIECE || a->octets >= PIECE_OCTETS)
		answer_send(a, c, false);
	if (a->n == a->cap) {
		a->cap = a->cap == 0 ? 4 : a->cap * 2;
		a->piece = xreallocarray(a->piece, a->cap,
		    sizeof(*a->piece));
	}
	a->piece[a->n++] = *t;
	a->octets += octets_of(t);
}

void
answer_hold(struct answer *a, struct routing *r)
{
	if (a->nheld == a->held_cap) {
		a->held_cap = a->held_cap == 0 ? 4 : a->held_cap * 2;
		a->held = xreallocarray(a->held, a->held_cap,
		    sizeof(struct routing *));
	}
	a->held[a->nheld++] = r;
}

void
answer_clear(struct answer *a)
{
	let_go(a);
	free(a->piece);
	free(a->held);
	*a = (struct answer){ 0 };
}
