/*
 * dns.c - asking the resolve process, and how an answer travels.
 */
#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/msg/asker.h"
#include "mta/msg/dns.h"
#include "mta/msg/msg.h"

#define RECORD_MAX	(DNS_TLSA_MAX + 3)	/* octets of a record; a TXT has fewer */

struct dns_question {
	struct question	 q;
	enum dns_type	 type;
	char		 name[DNS_NAME_MAX + 1];
	size_t		 name_octets;
	dns_cb		*cb;
	void		*arg;
};

struct dns_client {
	struct asker	 asker;
};

static void
send_question(struct chan *c, const struct question *q)
{
	const struct dns_question	*d = (const struct dns_question *)q;

	chan_begin(c, MSG_DNS_ASK);
	chan_u64(c, q->ticket);
	chan_u16(c, (uint16_t)d->type);
	chan_bytes(c, span_mem(d->name, d->name_octets));
	chan_end(c);
}

static void
give_up(struct question *q)
{
	static const struct dns_answer	 failing = { .result = DNS_FAILING };
	struct dns_question		*d = (struct dns_question *)q;

	d->cb(d->arg, &failing);
}

static bool	on_message(void *, struct msg *);

struct dns_client *
dns_client_new(void)
{
	static const struct asker_ops	 ops = {
		.send = send_question, .give_up = give_up,
		.message = on_message
	};
	struct dns_client		*d = xcalloc(1, sizeof(*d));

	asker_init(&d->asker, "resolve",
	    (int64_t)msg_timeout_s(MSG_DNS_ASK) * 1000, &ops, d);
	return d;
}

void
dns_client_free(struct dns_client **dp)
{
	struct dns_client	*d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	asker_clear(&d->asker);
	free(d);
}

void
dns_client_attach(struct dns_client *d, int fd)
{
	asker_attach(&d->asker, fd);
}

/* A name that is too long for DNS is never sent. */
uint64_t
dns_ask(struct dns_client *d, enum dns_type type, struct span name, dns_cb *cb,
    void *arg)
{
	struct dns_question	*q = xcalloc(1, sizeof(*q));

	q->type = type;
	q->cb = cb;
	q->arg = arg;
	q->q.unsent = name.n > DNS_NAME_MAX;
	if (!q->q.unsent && name.n > 0) {
		q->name_octets = name.n;
		memcpy(q->name, name.p, name.n);
	}
	return asker_ask(&d->asker, &q->q);
}

void
dns_cancel(struct dns_client *d, uint64_t ticket)
{
	asker_cancel(&d->asker, ticket);
}

/* --- answers */

static uint16_t
take_u16(struct span *octets)
{
	uint16_t	v;

	v = (uint16_t)((unsigned char)octets->p[0] << 8 |
	    (unsigned char)octets->p[1]);
	*octets = span_from(*octets, 2);
	return v;
}

static bool
decode_tlsa(struct span octets, struct dns_record *r)
{
	if (octets.n < 3)
		return false;
	r->usage = (uint8_t)octets.p[0];
	r->selector = (uint8_t)octets.p[1];
	r->matching = (uint8_t)octets.p[2];
	r->name = span_from(octets, 3);
	return true;
}

/* What MX and SRV have before the name. */
static bool
decode_numbers(struct span *octets, enum dns_type type, struct dns_record *r)
{
	if (octets->n < (type == DNS_SRV ? 6 : 2))
		return false;
	r->pref = take_u16(octets);
	if (type == DNS_SRV) {
		r->weight = take_u16(octets);
		r->port = take_u16(octets);
	}
	return true;
}

static bool
decode_record(struct span octets, enum dns_type type, struct dns_record *r)
{
	*r = (struct dns_record){ 0 };
	switch (type) {
	case DNS_A:
		r->ip = ip_from_octets(octets.p, octets.n);
		return octets.n == 4;
	case DNS_AAAA:
		r->ip = ip_from_octets(octets.p, octets.n);
		return octets.n == 16;
	case DNS_MX:
	case DNS_SRV:
		if (!decode_numbers(&octets, type, r))
			return false;
		r->name = octets;
		return r->name.n <= DNS_NAME_MAX;
	case DNS_PTR:
	case DNS_CNAME:
		r->name = octets;
		return r->name.n <= DNS_NAME_MAX;
	case DNS_TXT:
		r->name = octets;
		return true;
	case DNS_TLSA:
		return decode_tlsa(octets, r);
	}
	return false;
}

static bool
decode(struct msg *m, enum dns_type type, struct dns_answer *a)
{
	size_t	i;

	a->result = msg_u8(m);
	a->trust = msg_u8(m);
	a->ttl_s = msg_u32(m);
	a->canonical = msg_bytes(m, DNS_NAME_MAX);
	a->resolver = msg_bytes(m, DNS_RESOLVER_MAX);
	a->n = msg_u32(m);
	if (a->n > DNS_RECORDS_MAX || a->result > DNS_FAILING ||
	    a->trust > DNS_BOGUS ||
	    (a->n > 0) != (a->result == DNS_FOUND))
		return false;
	for (i = 0; i < a->n; i++)
		if (!decode_record(msg_bytes(m, RECORD_MAX), type,
		    &a->records[i]))
			return false;
	return msg_end(m);
}

static bool
on_message(void *client, struct msg *m)
{
	struct dns_client	*d = client;
	struct dns_record	 records[DNS_RECORDS_MAX];
	struct dns_answer	 a = { .records = records };
	struct dns_question	*q;
	uint64_t		 ticket;

	if (m->type != MSG_DNS_ANSWER)
		return false;
	ticket = msg_u64(m);
	if (m->bad)
		return false;
	q = (struct dns_question *)asker_find(&d->asker, ticket);
	if (q == NULL)
		return true;	/* cancelled, or too late */
	if (!decode(m, q->type, &a))
		return false;
	(void)asker_take(&d->asker, ticket);
	q->cb(q->arg, &a);
	free(q);
	return true;
}

/* --- the other side */

/* An address that was mapped (::ffff:a.b.c.d) travels as it came. */
static void
put_aaaa(struct chan *c, const struct ip *ip)
{
	uint8_t	octets[16] = { [10] = 0xff, [11] = 0xff };

	if (ip->family == 4)
		memcpy(octets + 12, ip->a, 4);
	else
		memcpy(octets, ip->a, 16);
	chan_bytes(c, span_mem(octets, 16));
}

/* The first octets of a record's data, then its name or text. */
static void
put_head(struct chan *c, const uint8_t *head, size_t n, struct span rest,
    size_t most)
{
	uint8_t	octets[RECORD_MAX];

	if (rest.n > most)
		rest.n = most;
	if (n > 0)
		memcpy(octets, head, n);
	if (rest.n > 0)
		memcpy(octets + n, rest.p, rest.n);
	chan_bytes(c, span_mem(octets, n + rest.n));
}

static void
put_record(struct chan *c, enum dns_type type, const struct dns_record *r)
{
	const uint8_t	numbers[6] = {
		(uint8_t)(r->pref >> 8), (uint8_t)r->pref,
		(uint8_t)(r->weight >> 8), (uint8_t)r->weight,
		(uint8_t)(r->port >> 8), (uint8_t)r->port
	};
	const uint8_t	tlsa[3] = { r->usage, r->selector, r->matching };

	switch (type) {
	case DNS_A:
		chan_bytes(c, span_mem(r->ip.a, 4));
		break;
	case DNS_AAAA:
		put_aaaa(c, &r->ip);
		break;
	case DNS_MX:
		put_head(c, numbers, 2, r->name, DNS_NAME_MAX);
		break;
	case DNS_SRV:
		put_head(c, numbers, 6, r->name, DNS_NAME_MAX);
		break;
	case DNS_PTR:
	case DNS_CNAME:
		put_head(c, NULL, 0, r->name, DNS_NAME_MAX);
		break;
	case DNS_TXT:
		put_head(c, NULL, 0, r->name, DNS_TXT_MAX);
		break;
	case DNS_TLSA:
		put_head(c, tlsa, 3, r->name, DNS_TLSA_MAX);
		break;
	}
}

void
dns_answer_put(struct chan *c, uint64_t ticket, enum dns_type type,
    const struct dns_answer *a)
{
	size_t	i, n = a->result == DNS_FOUND ? a->n : 0;

	if (n > DNS_RECORDS_MAX)
		n = DNS_RECORDS_MAX;
	chan_begin(c, MSG_DNS_ANSWER);
	chan_u64(c, ticket);
	chan_u8(c, (uint8_t)a->result);
	chan_u8(c, (uint8_t)a->trust);
	chan_u32(c, a->ttl_s);
	chan_bytes(c, span_mem(a->canonical.p, a->canonical.n > DNS_NAME_MAX ?
	    0 : a->canonical.n));
	chan_bytes(c, span_mem(a->resolver.p, a->resolver.n > DNS_RESOLVER_MAX ?
	    DNS_RESOLVER_MAX : a->resolver.n));
	chan_u32(c, (uint32_t)n);
	for (i = 0; i < n; i++)
		put_record(c, type, &a->records[i]);
	chan_end(c);
}
