/*
 * tls_want.c - what TLS a message gets at an address.
 */
#include "mta/relay/tls_want.h"

#include "mta/msg/relayed.h"

static const struct relay_terms *
terms_of(const struct hop_addr *a)
{
	return a->way == NULL ? NULL : a->way->terms;
}

/* What is known of the host; where nothing was asked, what its block says. */
static struct hop_tls *
facts_of(const struct hop_addr *a)
{
	const struct relay_terms	*t = terms_of(a);

	if (a->tls != NULL)
		return hop_tls_ref(a->tls);
	return t == NULL ? NULL : hop_tls_new(t->tls, a->name);
}

/* LMTP and filters are on this machine, or beside it (RFC 2033). */
static bool
has_tls(const struct hop_addr *a)
{
	return !hop_is_local(a) && !a->lmtp && !a->filter;
}

bool
tls_want(const struct hop_addr *a, uint32_t flags, bool clear,
    struct client_tls_want *w, struct outcome *why)
{
	const struct relay_terms	*t = terms_of(a);

	*w = (struct client_tls_want){ .clear = clear };
	if (!has_tls(a))
		return true;
	w->facts = facts_of(a);
	level_of(w->facts, flags, &w->level);
	if (w->level.verdict != LEVEL_USE) {
		outcome_set(why, w->level.verdict == LEVEL_WAIT ? 451 : 550,
		    w->level.status, "%s", w->level.why);
		why->trouble = RELAY_TROUBLE_TLS;
		return false;
	}
	if (t != NULL) {
		w->connector = t->connector;
		w->why_not = t->no_tls;
		/* What keeps us from TLS is no reason to do without it. */
		w->no_clear = (t->auth && !t->auth_clear) ||
		    (w->connector == NULL && w->why_not != NULL &&
		    w->level.level != TLS_LEVEL_NONE);
	}
	w->first = a->tls_first;
	return true;
}

void
tls_want_clear(struct client_tls_want *w)
{
	struct hop_tls	*facts = (struct hop_tls *)(uintptr_t)w->facts;

	hop_tls_unref(&facts);
	w->facts = NULL;
}

bool
tls_want_served(const struct client *c, const struct hop_addr *a,
    uint32_t flags)
{
	struct client_tls_want	w;
	struct outcome		why;
	bool			served;

	served = tls_want(a, flags, false, &w, &why) &&
	    client_tls_serves(c, &w.level);
	tls_want_clear(&w);
	return served;
}
