/*
 * mechanism.c - the mechanisms of AUTH by their words, for those who log in here
 * and for our own logins at next hops.
 */
#include "cf/listen.h"

static const struct cf_mechanism	mechanisms[] = {
	{ "plain",		CF_NEEDS_PASSWORD },
	{ "login",		CF_NEEDS_PASSWORD },
	{ "scram-sha-1",	CF_NEEDS_PASSWORD },
	{ "scram-sha-1-plus",	CF_NEEDS_BINDING },
	{ "scram-sha-256",	CF_NEEDS_PASSWORD },
	{ "scram-sha-256-plus",	CF_NEEDS_BINDING },
	{ "cram-md5",		CF_NEEDS_PASSWORD },
	{ "oauthbearer",	CF_NEEDS_TOKEN },
	{ "xoauth2",		CF_NEEDS_TOKEN },
	{ "external",		CF_NEEDS_CERTIFICATE },
};

#define NMECHANISMS	(sizeof(mechanisms) / sizeof(mechanisms[0]))

/* What we cannot say ourselves: a certificate is shown without it. */
static bool
is_out(const struct cf_mechanism *m, bool at_hop)
{
	return at_hop && m->needs == CF_NEEDS_CERTIFICATE;
}

const struct cf_mechanism *
cf_mechanism_named(struct span word, bool at_hop)
{
	size_t	i;

	for (i = 0; i < NMECHANISMS; i++)
		if (span_eq(word, span_of(mechanisms[i].word)) &&
		    !is_out(&mechanisms[i], at_hop))
			return &mechanisms[i];
	return NULL;
}

static void
error_unknown(struct cf *cf, const struct cf_expr *e, bool at_hop)
{
	struct cf_near	near;
	size_t		i;

	cf_near_begin(&near, e->value.s);
	for (i = 0; i < NMECHANISMS; i++)
		if (!is_out(&mechanisms[i], at_hop))
			cf_near_try(&near, span_of(mechanisms[i].word));
	if (near.best.n > 0)
		cf_error(cf, e->loc, "no mechanism '%.*s'; did you mean "
		    "'%.*s'?", SPAN_ARG(e->value.s), SPAN_ARG(near.best));
	else
		cf_error(cf, e->loc, "no mechanism '%.*s'",
		    SPAN_ARG(e->value.s));
	cf_help(cf, "there are plain, login, scram-sha-1, scram-sha-256 (both "
	    "also with -plus), cram-md5, oauthbearer, xoauth2%s",
	    at_hop ? "" : ", external");
}

const struct cf_mechanism *
cf_mechanism(struct cf *cf, const struct cf_expr *e, bool at_hop)
{
	const struct cf_mechanism	*m;

	if ((m = cf_mechanism_named(e->value.s, at_hop)) == NULL)
		error_unknown(cf, e, at_hop);
	return m;
}
