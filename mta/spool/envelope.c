/*
 * envelope.c - the octets of an envelope; doc/spool.md, "Envelope".
 */
#include "mta/spool/envelope.h"

#include "mta/spool/octets.h"

#include <assert.h>

#define ENVELOPE_VERSION	1
#define RCPT_LEAST		2	/* octets of the shortest recipient */
#define FACT_LEAST		5	/* and of the shortest fact */

/* How a value's payload is written. */
enum payload { P_NOTHING, P_INT, P_TEXT, P_ADDRESS, P_IP, P_NONSENSE };

static enum payload
payload_of(unsigned type)
{
	switch (type) {
	case RS_T_NONE:
		return P_NOTHING;
	case RS_T_UNKNOWN:
	case RS_T_BOOL:
	case RS_T_INT:
	case RS_T_SIZE:
	case RS_T_TIME:
		return P_INT;
	case RS_T_TEXT:
	case RS_T_DOMAIN:
	case RS_T_STATUS:
		return P_TEXT;
	case RS_T_ADDRESS:
		return P_ADDRESS;
	case RS_T_IP:
	case RS_T_NET:
		return P_IP;
	default:
		return P_NONSENSE;
	}
}

static size_t
ip_octets(unsigned family)
{
	return family == 4 ? 4 : family == 6 ? 16 : 0;
}

static void
put_ip(struct buf *out, const struct ip *ip)
{
	octets_put(out, ip->family, 1);
	buf_add(out, ip->a, ip_octets(ip->family));
}

static void
put_fact(struct buf *out, const struct envelope_fact *f)
{
	const struct rs_value	*v = &f->value;
	enum payload		 payload = payload_of(v->type);

	assert(payload != P_NONSENSE);
	octets_put(out, f->fact, 2);
	octets_put(out, v->type, 1);
	octets_put(out, v->tainted, 1);
	octets_put(out, v->bits, 1);
	switch (payload) {
	case P_INT:
		octets_put(out, (uint64_t)v->i, 8);
		break;
	case P_ADDRESS:
		octets_put(out, v->at, 4);
		/* FALLTHROUGH */
	case P_TEXT:
		octets_put(out, v->s.n, 4);
		buf_add_span(out, v->s);
		break;
	case P_IP:
		put_ip(out, &v->ip);
		break;
	default:
		break;
	}
}

void
envelope_format(const struct envelope *e, struct buf *out)
{
	size_t	i;

	octets_put(out, ENVELOPE_VERSION, 2);
	octets_put(out, e->flags, 4);
	octets_put(out, e->qid, 8);
	octets_put(out, (uint64_t)e->arrival_ms, 8);
	octets_put(out, e->size, 8);
	octets_put_short(out, e->sender);
	octets_put_short(out, e->policy);
	octets_put(out, e->nrcpts, 4);
	for (i = 0; i < e->nrcpts; i++)
		octets_put_short(out, e->rcpts[i]);
	octets_put(out, e->nfacts, 4);
	for (i = 0; i < e->nfacts; i++)
		put_fact(out, &e->facts[i]);
}

static void
get_ip(struct octets *o, struct ip *ip)
{
	struct span	s;

	memset(ip, 0, sizeof(*ip));
	ip->family = (uint8_t)octets_get(o, 1);
	if (ip->family != 0 && ip_octets(ip->family) == 0)
		o->bad = true;
	s = octets_get_span(o, ip_octets(ip->family));
	if (s.n > 0)
		memcpy(ip->a, s.p, s.n);
}

static void
get_fact(struct octets *o, struct envelope_fact *f)
{
	struct rs_value	*v = &f->value;

	f->fact = (uint16_t)octets_get(o, 2);
	v->type = (uint8_t)octets_get(o, 1);
	v->tainted = octets_get(o, 1) != 0;
	v->bits = (uint8_t)octets_get(o, 1);
	switch (payload_of(v->type)) {
	case P_NOTHING:
		break;
	case P_INT:
		v->i = (int64_t)octets_get(o, 8);
		break;
	case P_ADDRESS:
		v->at = (uint32_t)octets_get(o, 4);
		v->s = octets_get_span(o, (size_t)octets_get(o, 4));
		if (v->at > v->s.n)
			o->bad = true;
		break;
	case P_TEXT:
		v->s = octets_get_span(o, (size_t)octets_get(o, 4));
		break;
	case P_IP:
		get_ip(o, &v->ip);
		if (v->bits > 8 * ip_octets(v->ip.family))
			o->bad = true;
		break;
	case P_NONSENSE:
		o->bad = true;
		break;
	}
}

/* A count that what is left can hold, so that a lie costs no memory. */
static size_t
get_count(struct octets *o, size_t least)
{
	uint64_t	n = octets_get(o, 4);

	if (n > o->left.n / least) {
		o->bad = true;
		return 0;
	}
	return (size_t)n;
}

int
envelope_parse(struct span in, struct arena *a, struct envelope *e)
{
	struct octets	 o = { .left = in };
	size_t		 i;

	memset(e, 0, sizeof(*e));
	if (in.n > ENVELOPE_MAX || octets_get(&o, 2) != ENVELOPE_VERSION)
		return -1;
	e->flags = (uint32_t)octets_get(&o, 4);
	e->qid = octets_get(&o, 8);
	e->arrival_ms = (int64_t)octets_get(&o, 8);
	e->size = octets_get(&o, 8);
	e->sender = octets_get_short(&o);
	e->policy = octets_get_short(&o);
	e->nrcpts = get_count(&o, RCPT_LEAST);
	e->rcpts = arena_alloc(a, (e->nrcpts + 1) * sizeof(*e->rcpts));
	for (i = 0; i < e->nrcpts; i++)
		e->rcpts[i] = octets_get_short(&o);
	e->nfacts = get_count(&o, FACT_LEAST);
	e->facts = arena_alloc(a, (e->nfacts + 1) * sizeof(*e->facts));
	for (i = 0; i < e->nfacts && !o.bad; i++)
		get_fact(&o, &e->facts[i]);
	return o.bad || o.left.n != 0 ? -1 : 0;
}
