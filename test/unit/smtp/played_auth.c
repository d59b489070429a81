/*
 * played_auth.c - answers to typed questions.
 */
#include "config.h"

#include <assert.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/loop.h"

#include "test/unit/sasl/store.h"
#include "test/unit/smtp/played.h"
#include "test/unit/smtp/played_auth.h"

static void
keep(struct played_auth *p, const struct auth_question *q)
{
	if (p->n == PLAYED_ASKED_MAX)
		return;
	p->asked[p->n].ask = q->ask;
	p->asked[p->n].client = q->client;
	snprintf(p->asked[p->n].map, 32, "%.*s", SPAN_ARG(q->map));
	snprintf(p->asked[p->n].user, 32, "%.*s", SPAN_ARG(q->user));
	snprintf(p->asked[p->n].mechanism, 32, "%.*s", SPAN_ARG(q->mechanism));
	p->n++;
}

static bool
right(const struct auth_question *q, struct sasl_told *t,
    uint8_t signature[32])
{
	static const enum sasl_want	wants[] = {
		[AUTH_ASK_PASSWORD] = SASL_PASSWORD,
		[AUTH_ASK_SCRAM] = SASL_SALT,
		[AUTH_ASK_PROOF] = SASL_PROOF,
		[AUTH_ASK_CRAM] = SASL_DIGEST,
		[AUTH_ASK_TOKEN] = SASL_TOKEN,
		[AUTH_ASK_KNOWN] = SASL_KNOWN,
	};
	char			hex[2 * AUTH_CRAM_OCTETS + 1];
	struct sasl_question	s = {
		.want = wants[q->ask], .user = q->user, .text = q->message,
		.hash = q->hash == AUTH_SHA_1 ? SASL_SHA_1 : SASL_SHA_256,
		.secret = q->secret
	};

	if (q->ask == AUTH_ASK_CRAM) {
		assert(q->secret.n == AUTH_CRAM_OCTETS);
		digest_hex((const uint8_t *)q->secret.p, q->secret.n, hex);
		s.secret = span_of(hex);
	}
	return !span_eq(q->map, SPAN("others")) && store_right(&s, t, signature);
}

static void
fill(struct auth_verdict *v, const struct sasl_told *t)
{
	memcpy(v->user, t->user.p, t->user.n);
	v->user[t->user.n] = '\0';
	if (t->signature.n > 0)
		memcpy(v->signature, t->signature.p, t->signature.n);
	v->nsignature = t->signature.n;
	if (t->salt.n > 0)
		memcpy(v->salt, t->salt.p, t->salt.n);
	v->nsalt = t->salt.n;
	v->iterations = t->iterations;
}

static bool
on_question(struct chan *c, struct msg *m, void *arg)
{
	struct played_auth	*p = arg;
	struct auth_question	 q;
	struct auth_verdict	 v = { .result = AUTH_WRONG };
	struct sasl_told	 t = { .user = SPAN_NONE };
	uint8_t			 signature[32];
	uint64_t		 ticket;

	assert(auth_question_read(m, &ticket, &q));
	keep(p, &q);
	if (p->silent)
		return true;
	if (p->instead != AUTH_RIGHT)
		v.result = p->instead;
	else if (right(&q, &t, signature)) {
		v.result = AUTH_RIGHT;
		p->nright += q.ask != AUTH_ASK_SCRAM;
		fill(&v, &t);
		if (p->which != NULL)
			snprintf(v.which, sizeof(v.which), "%s", p->which);
	}
	auth_verdict_put(c, ticket, q.ask, &v);
	return true;
}

static void
gone(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	assert(!"the worker has cut auth off");
}

static const struct chan_ops ops = { on_question, gone };

void
played_auth(struct played_auth *p, struct auth_client *client, unsigned sane,
    unsigned could)
{
	const struct auth_offer	o = { SPAN("users"), { sane, could } };
	int			ends[2];

	if (p->chan != NULL)
		played_auth_dies(p);
	memset(p, 0, sizeof(*p));
	chan_pair(ends);
	p->chan = chan_new(ends[0], "worker", &ops, p);
	auth_client_attach(client, ends[1]);
	auth_offers_put(p->chan, &o, 1);
	played_turns(20);
}

void
played_auth_dies(struct played_auth *p)
{
	chan_free(&p->chan);
	played_turns(20);
}
