/*
 * lmtp.c - a reply for each recipient.
 */
#include "config.h"

#include <assert.h>

#include "mta/smtp/lmtp.h"

size_t
lmtp_mark(const struct session *s)
{
	return s->out.n;
}

void
lmtp_repeat(struct session *s, size_t mark)
{
	struct buf	one = { 0 };

	if (s->door->kind != DOOR_LMTP)
		return;
	assert(s->out.n >= mark);	/* nothing is sent within a step */
	buf_add_span(&one, span_from(buf_span(&s->out), mark));
	for (unsigned i = 1; i < s->facts.rcpts_count; i++)
		buf_add_span(&s->out, buf_span(&one));
	buf_clear(&one);
}
