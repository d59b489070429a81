/*
 * sts.c - asking the fetch process for policies, and how they travel.
 */
#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/msg/asker.h"
#include "mta/msg/msg.h"
#include "mta/msg/sts.h"

struct asked {
	struct question	 q;
	char		 domain[STS_DOMAIN_MAX];
	size_t		 domain_octets;
	sts_cb		*cb;
	void		*arg;
};

struct sts_client {
	struct asker	asker;
};

static const char *const	modes[STS_NMODES] = {
	[STS_MODE_NONE] = "none",
	[STS_MODE_TESTING] = "testing",
	[STS_MODE_ENFORCE] = "enforce",
};

static const char *const	troubles[STS_NTROUBLES] = {
	[STS_FINE] = "",
	[STS_FETCH_ERROR] = "sts-policy-fetch-error",
	[STS_INVALID] = "sts-policy-invalid",
	[STS_WEBPKI_INVALID] = "sts-webpki-invalid",
};

const char *
sts_mode_name(enum sts_mode m)
{
	return m < STS_NMODES ? modes[m] : "?";
}

const char *
sts_trouble_name(enum sts_trouble t)
{
	return t < STS_NTROUBLES ? troubles[t] : "?";
}

/* "*.example.net" has mail.example.net, neither example.net nor a.b.example.net. */
static bool
pattern_has(struct span pattern, struct span host)
{
	ptrdiff_t	dot;

	if (!span_prefix(pattern, SPAN("*.")))
		return span_ieq(pattern, host);
	dot = span_index(host, '.');
	return dot > 0 &&
	    span_ieq(span_from(pattern, 1), span_from(host, (size_t)dot));
}

bool
sts_matches(const struct sts_policy *p, struct span host)
{
	size_t	i;

	for (i = 0; i < p->n; i++)
		if (pattern_has(p->mx[i], host))
			return true;
	return false;
}

static struct span
moved(struct span s, char **to)
{
	char	*at = *to;

	if (s.n > 0)
		memcpy(at, s.p, s.n);
	*to += s.n;
	return span_mem(at, s.n);
}

struct sts_policy *
sts_policy_keep(const struct sts_policy *p)
{
	size_t			 i, octets = p->why.n + p->id.n + p->text.n;
	struct sts_policy	*k;
	struct span		*mx;
	char			*to;

	for (i = 0; i < p->n; i++)
		octets += p->mx[i].n;
	k = xmalloc(sizeof(*k) + p->n * sizeof(*mx) + octets + 1);
	mx = (struct span *)(k + 1);
	to = (char *)(mx + p->n);
	*k = *p;
	k->mx = mx;
	k->why = moved(p->why, &to);
	k->id = moved(p->id, &to);
	k->text = moved(p->text, &to);
	for (i = 0; i < p->n; i++)
		mx[i] = moved(p->mx[i], &to);
	return k;
}

/* --- the message */

void
sts_policy_put(struct chan *c, uint64_t ticket, const struct sts_policy *p)
{
	struct span	why = p->why;
	size_t		i;

	if (why.n > STS_WHY_MAX)
		why.n = STS_WHY_MAX;
	chan_begin(c, MSG_STS_POLICY);
	chan_u64(c, ticket);
	chan_u8(c, (uint8_t)p->result);
	chan_u8(c, (uint8_t)p->trouble);
	chan_bytes(c, why);
	chan_u8(c, (uint8_t)p->mode);
	chan_bytes(c, p->id);
	chan_u64(c, p->fetched_s);
	chan_u64(c, p->expires_s);
	chan_bytes(c, p->text);
	chan_u32(c, (uint32_t)p->n);
	for (i = 0; i < p->n; i++)
		chan_bytes(c, p->mx[i]);
	chan_end(c);
}

bool
sts_policy_read(struct msg *m, uint64_t *ticket, struct sts_policy *p,
    struct span mx[STS_MX_MAX])
{
	unsigned	result, trouble, mode;
	size_t		i;

	*ticket = msg_u64(m);
	result = msg_u8(m);
	trouble = msg_u8(m);
	p->why = msg_bytes(m, STS_WHY_MAX);
	mode = msg_u8(m);
	p->id = msg_bytes(m, STS_ID_MAX);
	p->fetched_s = msg_u64(m);
	p->expires_s = msg_u64(m);
	p->text = msg_bytes(m, STS_POLICY_MAX);
	p->n = msg_u32(m);
	if (m->bad || p->n > STS_MX_MAX || result >= STS_NRESULTS ||
	    trouble >= STS_NTROUBLES || mode >= STS_NMODES)
		return false;
	for (i = 0; i < p->n; i++)
		mx[i] = msg_bytes(m, STS_DOMAIN_MAX + 10);
	p->mx = mx;
	p->result = (enum sts_result)result;
	p->trouble = (enum sts_trouble)trouble;
	p->mode = (enum sts_mode)mode;
	return msg_end(m);
}

/* --- who asks */

static void
send_question(struct chan *c, const struct question *q)
{
	const struct asked	*a = (const struct asked *)q;

	chan_begin(c, MSG_STS_ASK);
	chan_u64(c, q->ticket);
	chan_bytes(c, span_mem(a->domain, a->domain_octets));
	chan_end(c);
}

static void
give_up(struct question *q)
{
	struct asked			*a = (struct asked *)q;
	const struct sts_policy		 none = { .result = STS_NONE };
	const struct sts_policy		 later = { .result = STS_LATER,
	    .why = SPAN("fetch does not answer") };

	a->cb(a->arg, q->unsent ? &none : &later);
}

static bool
on_message(void *client, struct msg *m)
{
	struct sts_client	*c = client;
	struct span		 mx[STS_MX_MAX];
	struct sts_policy	 p;
	struct question		*q;
	uint64_t		 ticket;

	if (m->type != MSG_STS_POLICY || !sts_policy_read(m, &ticket, &p, mx))
		return false;
	if ((q = asker_take(&c->asker, ticket)) == NULL)
		return true;	/* cancelled, or too late */
	((struct asked *)q)->cb(((struct asked *)q)->arg, &p);
	free(q);
	return true;
}

struct sts_client *
sts_client_new(void)
{
	static const struct asker_ops	 ops = {
		.send = send_question, .give_up = give_up,
		.message = on_message
	};
	struct sts_client		*c = xcalloc(1, sizeof(*c));

	asker_init(&c->asker, "fetch",
	    (int64_t)msg_timeout_s(MSG_STS_ASK) * 1000, &ops, c);
	return c;
}

void
sts_client_attach(struct sts_client *c, int fd)
{
	asker_attach(&c->asker, fd);
}

struct chan *
sts_client_chan(struct sts_client *c)
{
	return c->asker.chan;
}

void
sts_client_free(struct sts_client **cp)
{
	struct sts_client	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	asker_clear(&c->asker);
	free(c);
}

uint64_t
sts_client_ask(struct sts_client *c, struct span domain, sts_cb *cb, void *arg)
{
	struct asked	*a = xcalloc(1, sizeof(*a));

	a->cb = cb;
	a->arg = arg;
	a->q.unsent = domain.n == 0 || domain.n > STS_DOMAIN_MAX;
	if (!a->q.unsent) {
		a->domain_octets = domain.n;
		memcpy(a->domain, domain.p, domain.n);
	}
	return asker_ask(&c->asker, &a->q);
}

void
sts_client_cancel(struct sts_client *c, uint64_t ticket)
{
	asker_cancel(&c->asker, ticket);
}
