/*
 * service.c - the channels of those who ask, and what they are offered.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/auth/asking.h"
#include "mta/auth/service.h"

const struct auth_settings	 auth_settings_default = {
	.cache_ms = 600000,
	.limits = { .failures = 10, .refuse = 100, .slowest_ms = 10000,
	    .window_ms = 3600000 }
};

void
auth_service_init(struct auth_service *s, unsigned threads)
{
	*s = (struct auth_service){ .settings = auth_settings_default };
	TAILQ_INIT(&s->peers);
	TAILQ_INIT(&s->held_back);
	s->failures = failures_new();
	s->cache = cache_new();
	turns_init(&s->hashing, threads, AUTH_WAITING_MAX, asking_hash,
	    asking_busy);
	turns_init(&s->pam, AUTH_PAM_MAX, AUTH_WAITING_MAX, asking_pam,
	    asking_busy);
}

void
auth_service_clear(struct auth_service *s)
{
	tokens_free(&s->tokens);
	auth_tables_clear(&s->tables);
	asking_drop_held(s);
	turns_clear(&s->hashing);
	turns_clear(&s->pam);
	failures_free(&s->failures);
	cache_free(&s->cache);
}

/* --- what they are offered */

static void
tell_offers(const struct auth_peer *k)
{
	const struct auth_service	*s = k->service;
	struct auth_offer		 o[AUTH_OFFERS_MAX];
	unsigned			 tokens = s->tokens != NULL ?
	    AUTH_TOKENS : 0;
	size_t				 n = 0;
	uint32_t			 i;

	for (i = 0; i < s->tables.n && n < AUTH_OFFERS_MAX; i++) {
		if (s->tables.v[i].name == NULL)
			continue;
		o[n].map = span_of(s->tables.v[i].name);
		o[n].offers = auth_tables_offers(&s->tables, i);
		o[n].offers.sane |= tokens;
		o[n++].offers.could |= tokens;
	}
	auth_offers_put(k->chan, o, n);
}

void
auth_service_changed(struct auth_service *s)
{
	struct auth_peer	*k;

	s->configured = true;
	TAILQ_FOREACH(k, &s->peers, entry)
		if (k->chan != NULL)
			tell_offers(k);
}

/* --- channels */

void
auth_peer_release(struct auth_peer *k)
{
	if (k->chan != NULL || k->questions > 0)
		return;
	TAILQ_REMOVE(&k->service->peers, k, entry);
	free(k);
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct auth_question	 q;
	uint64_t		 ticket;

	(void)c;
	if (!auth_question_read(m, &ticket, &q))
		return false;
	asking_begin(arg, ticket, &q);
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct auth_peer	*k = arg;

	(void)c;
	k->chan = NULL;
	auth_peer_release(k);
}

void
auth_service_peer(struct auth_service *s, int fd, const char *name)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	struct auth_peer		*k = xcalloc(1, sizeof(*k));

	k->service = s;
	k->chan = chan_new(fd, name, &ops, k);
	chan_secret(k->chan);
	TAILQ_INSERT_TAIL(&s->peers, k, entry);
	if (s->configured)
		tell_offers(k);
}
