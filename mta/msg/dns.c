/*
 * dns.c - asking the resolve process, and how an answer travels.
 *
 * Questions wait in the order in which they were asked, all equally long, so
 * the first of the list is the first to run out of time.
 */
#include <sys/queue.h>

#include <stdlib.h>

#include "base/hash.h"
#include "base/loop.h"
#include "base/xalloc.h"

#include "mta/msg/dns.h"
#include "mta/msg/msg.h"

struct question {
	TAILQ_ENTRY(question)	 entry;
	uint64_t		 ticket;
	enum dns_type		 type;
	char			 name[DNS_NAME_MAX + 1];
	size_t			 name_octets;
	bool			 too_long;	/* never sent */
	int64_t			 until_ms;
	dns_cb			*cb;
	void			*arg;
};

TAILQ_HEAD(questions, question);

struct dns_client {
	struct chan		*chan;		/* NULL: resolve is not there */
	uint64_t		 last_ticket;
	struct questions	 open;
	struct htab		 by_ticket;
	struct timer		 timer;
};

static void on_time(void *);

static struct span
ticket_key(const uint64_t *ticket)
{
	return span_mem(ticket, sizeof(*ticket));
}

struct dns_client *
dns_client_new(void)
{
	struct dns_client	*d = xcalloc(1, sizeof(*d));

	TAILQ_INIT(&d->open);
	return d;
}

static void
forget(struct dns_client *d, struct question *q)
{
	TAILQ_REMOVE(&d->open, q, entry);
	(void)htab_del(&d->by_ticket, ticket_key(&q->ticket));
}

void
dns_client_free(struct dns_client **dp)
{
	struct dns_client	*d = *dp;
	struct question		*q;

	*dp = NULL;
	if (d == NULL)
		return;
	while ((q = TAILQ_FIRST(&d->open)) != NULL) {
		forget(d, q);
		free(q);
	}
	htab_clear(&d->by_ticket);
	timer_clear(&d->timer);
	chan_free(&d->chan);
	free(d);
}

static void
send_question(struct dns_client *d, const struct question *q)
{
	if (d->chan == NULL)
		return;
	chan_begin(d->chan, MSG_DNS_ASK);
	chan_u64(d->chan, q->ticket);
	chan_u16(d->chan, (uint16_t)q->type);
	chan_bytes(d->chan, span_mem(q->name, q->name_octets));
	chan_end(d->chan);
}

/* The timer stands for the first of the list. */
static void
set_timer(struct dns_client *d)
{
	struct question	*q = TAILQ_FIRST(&d->open);

	if (q == NULL)
		timer_stop(&d->timer);
	else if (!timer_pending(&d->timer))
		timer_set(&d->timer, q->until_ms - loop_now_ms(), on_time, d);
}

static void
answer(struct dns_client *d, struct question *q, const struct dns_answer *a)
{
	forget(d, q);
	q->cb(q->arg, a);
	free(q);
}

static void
on_time(void *arg)
{
	static const struct dns_answer	 failing = { .result = DNS_FAILING };
	struct dns_client		*d = arg;
	struct question			*q;

	while ((q = TAILQ_FIRST(&d->open)) != NULL &&
	    q->until_ms <= loop_now_ms())
		answer(d, q, &failing);
	set_timer(d);
}

/* A name that is too long for DNS is asked too late already. */
uint64_t
dns_ask(struct dns_client *d, enum dns_type type, struct span name, dns_cb *cb,
    void *arg)
{
	struct question	*q = xcalloc(1, sizeof(*q));

	q->ticket = ++d->last_ticket;
	q->type = type;
	q->cb = cb;
	q->arg = arg;
	q->until_ms = loop_now_ms();
	(void)htab_put(&d->by_ticket, ticket_key(&q->ticket), q);
	if (name.n > DNS_NAME_MAX) {
		q->too_long = true;
		TAILQ_INSERT_HEAD(&d->open, q, entry);
		timer_stop(&d->timer);
	} else {
		q->until_ms += (int64_t)msg_timeout_s(MSG_DNS_ASK) * 1000;
		q->name_octets = name.n;
		if (name.n > 0)
			memcpy(q->name, name.p, name.n);
		TAILQ_INSERT_TAIL(&d->open, q, entry);
		send_question(d, q);
	}
	set_timer(d);
	return q->ticket;
}

void
dns_cancel(struct dns_client *d, uint64_t ticket)
{
	struct question	*q = htab_get(&d->by_ticket, ticket_key(&ticket));

	if (q == NULL)
		return;
	forget(d, q);
	free(q);
	set_timer(d);
}

/* --- answers */

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
		if (octets.n < 2)
			return false;
		r->pref = (uint16_t)((unsigned char)octets.p[0] << 8 |
		    (unsigned char)octets.p[1]);
		r->name = span_from(octets, 2);
		return r->name.n <= DNS_NAME_MAX;
	case DNS_PTR:
		r->name = octets;
		return r->name.n <= DNS_NAME_MAX;
	case DNS_TXT:
		r->name = octets;
		return true;
	}
	return false;
}

static bool
decode(struct msg *m, enum dns_type type, struct dns_answer *a)
{
	size_t	i;

	a->result = msg_u8(m);
	a->secure = msg_u8(m) != 0;
	a->ttl_s = msg_u32(m);
	a->n = msg_u32(m);
	if (a->n > DNS_RECORDS_MAX || a->result > DNS_FAILING ||
	    (a->n > 0) != (a->result == DNS_FOUND))
		return false;
	for (i = 0; i < a->n; i++)
		if (!decode_record(msg_bytes(m, DNS_TXT_MAX), type,
		    &a->records[i]))
			return false;
	return msg_end(m);
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct dns_client	*d = arg;
	struct dns_record	 records[DNS_RECORDS_MAX];
	struct dns_answer	 a = { .records = records };
	struct question		*q;
	uint64_t		 ticket;

	(void)c;
	if (m->type != MSG_DNS_ANSWER)
		return false;
	ticket = msg_u64(m);
	if (m->bad)
		return false;
	if ((q = htab_get(&d->by_ticket, ticket_key(&ticket))) == NULL)
		return true;	/* cancelled, or too late */
	if (!decode(m, q->type, &a))
		return false;
	answer(d, q, &a);
	return true;
}

/* The questions stay open until there is a new channel, or no time. */
static void
on_closed(struct chan *c, void *arg)
{
	struct dns_client	*d = arg;

	(void)c;
	d->chan = NULL;
}

void
dns_client_attach(struct dns_client *d, int fd)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	struct question			*q;

	chan_free(&d->chan);
	d->chan = chan_new(fd, "resolve", &ops, d);
	TAILQ_FOREACH(q, &d->open, entry)
		if (!q->too_long)
			send_question(d, q);
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

static void
put_record(struct chan *c, enum dns_type type, const struct dns_record *r)
{
	char	mx[2 + DNS_NAME_MAX];
	size_t	n;

	switch (type) {
	case DNS_A:
		chan_bytes(c, span_mem(r->ip.a, 4));
		break;
	case DNS_AAAA:
		put_aaaa(c, &r->ip);
		break;
	case DNS_MX:
		n = r->name.n > DNS_NAME_MAX ? DNS_NAME_MAX : r->name.n;
		mx[0] = (char)(r->pref >> 8);
		mx[1] = (char)r->pref;
		if (n > 0)
			memcpy(mx + 2, r->name.p, n);
		chan_bytes(c, span_mem(mx, n + 2));
		break;
	case DNS_PTR:
	case DNS_TXT:
		n = type == DNS_TXT ? DNS_TXT_MAX : DNS_NAME_MAX;
		if (n > r->name.n)
			n = r->name.n;
		chan_bytes(c, span_mem(r->name.p, n));
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
	chan_u8(c, a->secure);
	chan_u32(c, a->ttl_s);
	chan_u32(c, (uint32_t)n);
	for (i = 0; i < n; i++)
		put_record(c, type, &a->records[i]);
	chan_end(c);
}
