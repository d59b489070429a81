/*
 * qid.c - queue ids: see qid.h.
 */
#include "mta/spool/qid.h"

#include "base/clock.h"

#include <assert.h>

#define COUNTER_BITS	6
#define COUNTER_MAX	((1u << COUNTER_BITS) - 1)
#define INSTANCE_MAX	63u

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";

static uint64_t
compose(uint64_t us, unsigned instance, unsigned counter)
{
	return us << QID_LOW_BITS |
	    (uint64_t)instance << COUNTER_BITS | counter;
}

/* Above last, as near to it as the instance's own numbers allow. */
static uint64_t
next_after(uint64_t last, unsigned instance)
{
	uint64_t	us = last >> QID_LOW_BITS;
	unsigned	counter = (unsigned)(last & COUNTER_MAX);

	if (counter < COUNTER_MAX && compose(us, instance, counter + 1) > last)
		return compose(us, instance, counter + 1);
	return compose(us + 1, instance, 0);
}

uint64_t
qid_next(struct qid_gen *g)
{
	uint64_t	q;

	assert(g->instance <= INSTANCE_MAX);
	q = compose((uint64_t)clock_wall_ms() * 1000, g->instance, 0);
	if (q <= g->last)
		q = next_after(g->last, g->instance);
	g->last = q;
	return q;
}

void
qid_floor(struct qid_gen *g, uint64_t floor)
{
	if (floor > g->last)
		g->last = floor;
}

const char *
qid_format(uint64_t q, char out[QID_TEXT])
{
	int	i;

	for (i = QID_TEXT - 2; i >= 0; i--) {
		out[i] = digits[q & 31];
		q >>= 5;
	}
	out[QID_TEXT - 1] = '\0';
	return out;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'V' ? c - 'A' + 10 : -1;
}

bool
qid_parse(struct span s, uint64_t *out)
{
	uint64_t	q = 0;
	size_t		i;
	int		d;

	if (s.n != QID_TEXT - 1 || digit(s.p[0]) > 15)
		return false;	/* 13 digits hold 65 bits */
	for (i = 0; i < s.n; i++) {
		if ((d = digit(s.p[i])) == -1)
			return false;
		q = q << 5 | (unsigned)d;
	}
	*out = q;
	return true;
}
