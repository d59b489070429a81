/*
 * secure.c - the block tls: certificates, their names, versions, and the
 * certificates of clients; and the block auth.
 *
 * Files are not opened here: a key is read by the server's parent alone.
 */
#include "cf/listen.h"
#include "cf/literal.h"

#define SLOWEST_MAX_MS	30000	/* mta/auth: who asks does not wait for ever */

bool
cf_asks_certificates(const struct cf *cf)
{
	struct span	 word = cf_option_text(cf, RS_O_TLS,
			    RS_OPT_TLS_client_certificates);

	return span_eq(word, SPAN("asked")) || span_eq(word, SPAN("required"));
}

/* "1.2", "1.3". */
static void
check_minimum(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = cf_option(o, RS_OPT_TLS_minimum);
	const struct cf_set_opt	*list = cf_option(o, RS_OPT_TLS_ciphers);
	struct span		 s;

	if (set == NULL || set->nplaces == 0)
		return;
	s = set->places[0]->value.s;
	if (span_eq(s, SPAN("1.3")) && list != NULL) {
		cf_error(cf, list->loc, "'ciphers' is for TLS 1.2, which is "
		    "below the minimum");
	} else if (!span_eq(s, SPAN("1.2")) && !span_eq(s, SPAN("1.3"))) {
		cf_error(cf, set->places[0]->loc, "there are TLS \"1.2\" and "
		    "\"1.3\" here, and no '%.*s'", SPAN_ARG(s));
		if (span_prefix(s, SPAN("1.")) || span_prefix(s, SPAN("SSL")))
			cf_help(cf, "older versions are not safe, and no "
			    "server needs them (RFC 8996)");
	}
}

static void
check_clients(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set, *by;

	set = cf_option(o, RS_OPT_TLS_client_certificates);
	by = cf_option(o, RS_OPT_TLS_client_authorities);
	if (cf_asks_certificates(cf) && by == NULL) {
		cf_error(cf, set->loc, "nothing says which authorities sign "
		    "the certificates of clients");
		cf_help(cf, "client authorities \"ca.pem\"");
	} else if (!cf_asks_certificates(cf) && by != NULL) {
		cf_error(cf, by->loc, "'client authorities' has nothing to "
		    "say: no client is asked for a certificate");
		cf_help(cf, "write: client certificates asked");
	}
}

/* A name, or all names of one label below it: "*.shop.example". */
static void
check_host(struct cf *cf, const struct cf_object *o)
{
	struct span	 s = o->name;
	struct rs_value	 v;
	const char	*why;

	if (span_prefix(s, SPAN("*.")))
		s = span_from(s, 2);
	if (!cf_lit_domain(cf, s, &v, &why))
		cf_error(cf, o->loc, "'%.*s' is no host name: %s",
		    SPAN_ARG(o->name), why);
}

static void
check_same(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*mine = cf_option(o, RS_OPT_TLS_certificate);
	const struct cf_set_opt	*its;
	const struct cf_object	*other;

	if (mine == NULL || mine->nplaces == 0)
		return;
	for (other = cf->objects; other != o; other = other->next) {
		its = other->kind == RS_O_TLS ? cf_option(other,
		    RS_OPT_TLS_certificate) : NULL;
		if (its == NULL || its->nplaces == 0 ||
		    !span_eq(its->places[0]->value.s,
		    mine->places[0]->value.s))
			continue;
		cf_error(cf, mine->places[0]->loc, "this certificate stands "
		    "in %s already", cf_where(cf, its->loc, mine->loc));
		cf_help(cf, "the names in a certificate count too: one that "
		    "has several stands once");
		return;
	}
}

static void
check_empty(struct cf *cf, const struct cf_object *o, enum rs_option option)
{
	const struct cf_set_opt	*set = cf_option(o, option);

	if (set != NULL && set->nplaces > 0 &&
	    span_trim(set->places[0]->value.s).n == 0)
		cf_error(cf, set->places[0]->loc, "'%s' cannot be empty",
		    rs_options[option].word);
}

void
cf_tls_check(struct cf *cf, struct cf_object *o)
{
	check_same(cf, o);
	if (o->name.n > 0) {
		check_host(cf, o);
		return;
	}
	check_minimum(cf, o);
	check_clients(cf, o);
	check_empty(cf, o, RS_OPT_TLS_ciphers);
}

/* The block auth. */

static int64_t
number_of(const struct cf_object *o, enum rs_option option)
{
	const struct cf_set_opt	*set = cf_option(o, option);

	return set != NULL && set->nplaces > 0 ? set->places[0]->value.i : 0;
}

void
cf_auth_check(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*refuse = cf_option(o, RS_OPT_AUTH_refuse);
	const struct cf_set_opt	*slowest = cf_option(o, RS_OPT_AUTH_slowest);

	if (number_of(o, RS_OPT_AUTH_slowest) > SLOWEST_MAX_MS)
		cf_error(cf, slowest->loc, "an answer to a login waits 30s at "
		    "most; this is longer");
	if (refuse != NULL && refuse->nplaces > 0 &&
	    number_of(o, RS_OPT_AUTH_refuse) <
	    number_of(o, RS_OPT_AUTH_failures)) {
		cf_error(cf, refuse->loc, "an address would be refused before "
		    "its answers wait: 'refuse' is below 'failures'");
		cf_help(cf, "refuse: %s",
		    rs_options[RS_OPT_AUTH_refuse].meaning);
	}
}
