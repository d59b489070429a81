/*
 * logins.c - how a relay block logs in at its next hop: where the secret comes
 * from, and which mechanisms go with it.
 *
 * For the administrator: waybill.conf(5), RELAYS; doc/smart-host-logins.md.
 */
#include "cf/listen.h"

/* What a mechanism is given. */
enum given { GIVEN_PASSWORD, GIVEN_TOKEN };

/* Options that say where the secret comes from, besides `password`. */
static const struct {
	enum rs_option	option;
	enum given	given;
} sources[] = {
	{ RS_OPT_RELAY_passwords,	GIVEN_PASSWORD },
	{ RS_OPT_RELAY_token_file,	GIVEN_TOKEN },
	{ RS_OPT_RELAY_token_command,	GIVEN_TOKEN },
	{ RS_OPT_RELAY_oauth,		GIVEN_TOKEN },
};
#define NSOURCES	(sizeof(sources) / sizeof(sources[0]))

/* Options that say nothing without `auth`. */
static const enum rs_option	of_auth[] = {
	RS_OPT_RELAY_passwords, RS_OPT_RELAY_token_file,
	RS_OPT_RELAY_token_command, RS_OPT_RELAY_oauth,
	RS_OPT_RELAY_auth_unverified
};

/* Options that say nothing without `oauth`. */
static const enum rs_option	of_oauth[] = {
	RS_OPT_RELAY_oauth_client, RS_OPT_RELAY_oauth_refresh,
	RS_OPT_RELAY_oauth_scope
};

/* The value in a place that may have been left out; NULL: it has. */
static const struct cf_expr *
place(const struct cf_set_opt *set, size_t n)
{
	return set == NULL || set->nplaces <= n ? NULL : set->places[n];
}

static void
check_alone(struct cf *cf, const struct cf_object *o,
    const enum rs_option *options, size_t n, enum rs_option wanted)
{
	const struct cf_set_opt	*set;
	size_t			 i;

	for (i = 0; i < n; i++) {
		if ((set = cf_option(o, options[i])) == NULL)
			continue;
		cf_error(cf, set->loc, "'%s' says nothing without '%s'",
		    rs_options[options[i]].word, rs_options[wanted].word);
		cf_help(cf, "%s: %s", rs_options[wanted].word,
		    rs_options[wanted].meaning);
	}
}

/* All processes have the policy. */
static void
check_secret(struct cf *cf, const struct cf_set_opt *set, const char *word)
{
	const struct cf_expr	*e = place(set, 1);

	if (e == NULL || e->is_file || e->kind != CF_E_CONST)
		return;
	cf_error(cf, e->loc, "all processes have the policy, so the %s "
	    "stands in a file, or in a table", word);
	cf_help(cf, "write: %s file \"path\"", word);
}

/* Just one of them says it. */
static void
check_sources(struct cf *cf, const struct cf_object *o,
    const struct cf_set_opt *auth, enum given *given)
{
	const struct cf_set_opt	*set, *first = NULL;
	size_t			 i;

	*given = GIVEN_PASSWORD;
	if (place(auth, 1) != NULL)
		first = auth;
	for (i = 0; i < NSOURCES; i++) {
		if ((set = cf_option(o, sources[i].option)) == NULL)
			continue;
		if (first != NULL) {
			cf_error(cf, set->loc, "the secret of this login is "
			    "said twice; the first is in %s",
			    cf_where(cf, first->loc, set->loc));
			continue;
		}
		first = set;
		*given = sources[i].given;
	}
	if (first != NULL)
		return;
	cf_error(cf, auth->loc, "nothing says the password of this login, or "
	    "where its token comes from");
	cf_help(cf, "password file \"path\", or one of 'passwords file', "
	    "'token file', 'token command', 'oauth'");
}

/* --- mechanisms */

static void
check_mechanisms(struct cf *cf, const struct cf_set_opt *set,
    enum given given)
{
	const struct cf_mechanism	*m;
	const struct cf_expr		*e;
	size_t				 i;

	for (i = 0; set != NULL && i < set->nplaces; i++) {
		e = set->places[i];
		if ((m = cf_mechanism(cf, e, true)) != NULL &&
		    (m->needs == CF_NEEDS_TOKEN) != (given == GIVEN_TOKEN))
			cf_error(cf, e->loc, "'%s' wants a %s, and this login "
			    "has a %s", m->word,
			    given == GIVEN_TOKEN ? "password" : "token",
			    given == GIVEN_TOKEN ? "token" : "password");
	}
}

/* --- OAuth */

static void
check_oauth(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = cf_option(o, RS_OPT_RELAY_oauth);
	const struct cf_set_opt	*client;
	const struct cf_expr	*url = place(set, 0);

	if (set == NULL) {
		check_alone(cf, o, of_oauth, sizeof(of_oauth) /
		    sizeof(of_oauth[0]), RS_OPT_RELAY_oauth);
		return;
	}
	if (url != NULL && !span_prefix(url->value.s, SPAN("https://")))
		cf_error(cf, url->loc, "tokens are asked for by https alone: "
		    "\"https://...\"");
	client = cf_option(o, RS_OPT_RELAY_oauth_client);
	if (client == NULL) {
		cf_error(cf, set->loc, "'oauth client' is missing: our name "
		    "at the endpoint");
		return;
	}
	check_secret(cf, client, "secret");
	if (place(client, 1) == NULL &&
	    cf_option(o, RS_OPT_RELAY_oauth_refresh) == NULL) {
		cf_error(cf, client->loc, "without a secret or a refresh token "
		    "nobody gives a token");
		cf_help(cf, "oauth client \"name\" secret file \"path\", or "
		    "oauth refresh file \"path\"");
	}
}

void
cf_relay_login_check(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*auth = cf_option(o, RS_OPT_RELAY_auth);
	enum given		 given;

	check_oauth(cf, o);
	if (auth == NULL) {
		check_alone(cf, o, of_auth, sizeof(of_auth) /
		    sizeof(of_auth[0]), RS_OPT_RELAY_auth);
		return;
	}
	if (auth->nplaces == 0)
		return;		/* it has been said why */
	check_secret(cf, auth, "password");
	check_sources(cf, o, auth, &given);
	check_mechanisms(cf, cf_option(o, RS_OPT_RELAY_mechanisms), given);
}
