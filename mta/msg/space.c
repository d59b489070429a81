/*
 * space.c - SPACE as octets.
 */
#include "mta/msg/space.h"

void
space_put(struct chan *c, const struct space *s)
{
	chan_begin(c, MSG_SPACE);
	chan_u8(c, s->strangers);
	chan_u8(c, s->users);
	chan_u32(c, s->delay_ms);
	chan_end(c);
}

bool
space_get(struct msg *m, struct space *s)
{
	s->strangers = msg_u8(m);
	s->users = msg_u8(m);
	s->delay_ms = msg_u32(m);
	return msg_end(m) && s->strangers < SPACE_NSTATES &&
	    s->users < SPACE_NSTATES && s->delay_ms <= SPACE_DELAY_MAX_MS;
}

bool
space_eq(const struct space *a, const struct space *b)
{
	return a->strangers == b->strangers && a->users == b->users &&
	    a->delay_ms == b->delay_ms;
}
