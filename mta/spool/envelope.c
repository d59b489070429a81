/*
 * envelope.c - the octets of an envelope; doc/spool.md, "Envelope".
 */
#include "mta/spool/envelope.h"

#include "mta/spool/attributes.h"
#include "mta/spool/octets.h"

#include <assert.h>

#define ENVELOPE_PLAIN		1	/* version: nothing of ESMTP but what OLD_FLAGS say */
#define ENVELOPE_PARAMS		2	/* version: parameters behind the facts */
#define ENVELOPE_ATTRS		3	/* version: attributes behind those */
#define OLD_FLAGS		(ENV_8BIT | ENV_UTF8 | ENV_DSN)
#define RCPT_LEAST		2	/* octets of the shortest recipient */
#define FACT_LEAST		5	/* and of the shortest fact */
#define PARAM_LEAST		9	/* and of the shortest parameters of one */

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

static bool
has_params(const struct envelope_param *p)
{
	return p->notify != 0 || p->orcpt_type.n > 0;
}

static size_t
count_params(const struct envelope *e)
{
	size_t	i, n = 0;

	for (i = 0; e->params != NULL && i < e->nrcpts; i++)
		n += has_params(&e->params[i]);
	return n;
}

static void
put_params(const struct envelope *e, size_t n, struct buf *out)
{
	const struct envelope_param	*p;
	size_t				 i;

	assert(e->envid.n <= ENVELOPE_ENVID_MAX);
	octets_put_short(out, e->envid);
	octets_put(out, (uint64_t)e->by_ms, 8);
	octets_put(out, n, 4);
	for (i = 0; n > 0 && i < e->nrcpts; i++) {
		p = &e->params[i];
		if (!has_params(p))
			continue;
		assert(p->orcpt_type.n <= ENVELOPE_ORCPT_TYPE_MAX &&
		    p->orcpt.n <= ENVELOPE_ORCPT_MAX);
		octets_put(out, i, 4);
		octets_put(out, p->notify, 1);
		octets_put_short(out, p->orcpt_type);
		octets_put_short(out, p->orcpt);
	}
}

/* The least that has a place for all of it: older programs read that. */
static unsigned
version_of(const struct envelope *e, size_t nparams)
{
	if (e->nattrs > 0)
		return ENVELOPE_ATTRS;
	if ((e->flags & ~(uint32_t)OLD_FLAGS) != 0 || e->envid.n > 0 ||
	    nparams > 0)
		return ENVELOPE_PARAMS;
	return ENVELOPE_PLAIN;
}

void
envelope_format(const struct envelope *e, struct buf *out)
{
	size_t		i, nparams = count_params(e);
	unsigned	version = version_of(e, nparams);

	octets_put(out, version, 2);
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
	if (version >= ENVELOPE_PARAMS)
		put_params(e, nparams, out);
	if (version >= ENVELOPE_ATTRS)
		attrs_format(e, out);
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

/* Those of one recipient, behind that of `after`; its number, or -1. */
static int64_t
get_param(struct octets *o, const struct envelope *e, int64_t after)
{
	uint64_t		 i = octets_get(o, 4);
	struct envelope_param	 p = { .notify = (uint8_t)octets_get(o, 1) };

	p.orcpt_type = octets_get_short(o);
	p.orcpt = octets_get_short(o);
	if (o->bad || i >= e->nrcpts || (int64_t)i <= after ||
	    (p.notify & ~NOTIFY_ALL) != 0 || !has_params(&p) ||
	    p.orcpt_type.n > ENVELOPE_ORCPT_TYPE_MAX ||
	    p.orcpt.n > ENVELOPE_ORCPT_MAX ||
	    (p.orcpt_type.n == 0 && p.orcpt.n > 0)) {
		o->bad = true;
		return -1;
	}
	e->params[i] = p;
	return (int64_t)i;
}

static void
get_params(struct octets *o, struct arena *a, struct envelope *e)
{
	int64_t	last = -1;
	size_t	i, n;

	e->envid = octets_get_short(o);
	e->by_ms = (int64_t)octets_get(o, 8);
	n = get_count(o, PARAM_LEAST);
	if (e->envid.n > ENVELOPE_ENVID_MAX || n > e->nrcpts)
		o->bad = true;
	if (n == 0 || o->bad)
		return;
	e->params = arena_alloc(a, e->nrcpts * sizeof(*e->params));
	for (i = 0; i < n && !o->bad; i++)
		last = get_param(o, e, last);
}

int
envelope_parse(struct span in, struct arena *a, struct envelope *e)
{
	struct octets	 o = { .left = in };
	uint64_t	 version = octets_get(&o, 2);
	size_t		 i;

	memset(e, 0, sizeof(*e));
	if (in.n > ENVELOPE_MAX || version < ENVELOPE_PLAIN ||
	    version > ENVELOPE_ATTRS)
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
	if (version >= ENVELOPE_PARAMS)
		get_params(&o, a, e);
	if (version >= ENVELOPE_ATTRS)
		attrs_parse(&o, a, e);
	if (version == ENVELOPE_PLAIN &&
	    (e->flags & ~(uint32_t)OLD_FLAGS) != 0)
		o.bad = true;
	if ((e->flags & ~(uint32_t)ENV_FLAGS) != 0)
		o.bad = true;
	return o.bad || o.left.n != 0 ? -1 : 0;
}
