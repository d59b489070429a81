/*
 * octets.h - little-endian numbers in the spool's files.
 *
 * Writing adds to a buffer; reading eats at the front of a span and sets a
 * sticky flag when there is not enough, which the reader asks for once.
 */
#ifndef WB_MTA_SPOOL_OCTETS_H
#define WB_MTA_SPOOL_OCTETS_H

#include "base/buf.h"

static inline void
octets_store(uint8_t *p, uint64_t v, unsigned n)
{
	unsigned	i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint64_t
octets_load(const uint8_t *p, unsigned n)
{
	uint64_t	v = 0;
	unsigned	i;

	for (i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static inline void
octets_put(struct buf *b, uint64_t v, unsigned n)
{
	octets_store((uint8_t *)buf_reserve(b, n), v, n);
	buf_grown(b, n);
}

/* Length of 2 octets, then the octets; longer ones are the caller's bug. */
static inline void
octets_put_short(struct buf *b, struct span s)
{
	octets_put(b, s.n, 2);
	buf_add_span(b, s);
}

struct octets {
	struct span	left;
	bool		bad;
};

static inline uint64_t
octets_get(struct octets *o, unsigned n)
{
	uint64_t	v;

	if (o->left.n < n) {
		o->bad = true;
		o->left = SPAN_NONE;
		return 0;
	}
	v = octets_load((const uint8_t *)o->left.p, n);
	o->left = span_from(o->left, n);
	return v;
}

/* Borrowed from what is read. */
static inline struct span
octets_get_span(struct octets *o, size_t n)
{
	struct span	s;

	if (o->left.n < n) {
		o->bad = true;
		o->left = SPAN_NONE;
		return SPAN_NONE;
	}
	s = span_mem(o->left.p, n);
	o->left = span_from(o->left, n);
	return s;
}

static inline struct span
octets_get_short(struct octets *o)
{
	return octets_get_span(o, (size_t)octets_get(o, 2));
}

#endif
