/*
 * relay.c - the blocks `relay NAME` and `mx`.
 */
#include "cf/listen.h"
#include "cf/literal.h"
#include "cf/names.h"
#include "cf/relay.h"

#define WEIGHT_MAX	65535
#define HOSTS_MAX	10	/* of a block: mta/relay/hops.h */
#define SRV_MAX		4	/* mta/relay/hops_int.h */

/* The places of `host`. */
enum { HOST_NAME, HOST_PORT, HOST_TLS, HOST_WEIGHT };

/* `mx`: whose hosts are those of the recipient's domain. */
static bool
is_mx(const struct cf_object *o)
{
	return o->name.n == 0;
}

/* Somebody wrote it, and its values are of right form. */
static const struct cf_set_opt *
written(const struct cf_object *o, enum rs_option option)
{
	const struct cf_set_opt	*set = cf_option(o, option);

	return set == NULL || set->is_default || set->nplaces == 0 ? NULL : set;
}

static bool
says_word(const struct cf_object *o, enum rs_option option, const char *word)
{
	const struct cf_set_opt	*set = cf_option(o, option);
	size_t			 i;

	for (i = 0; set != NULL && i < set->nplaces; i++) {
		if (span_eq(set->places[i]->value.s, span_of(word)))
			return true;
	}
	return false;
}

bool
cf_relay_may_stand(struct cf *cf, const struct cf_object *o, struct cf_loc loc,
    enum rs_option option)
{
	if (!is_mx(o))
		return true;
	switch (option) {
	case RS_OPT_RELAY_host: case RS_OPT_RELAY_host_mx:
	case RS_OPT_RELAY_srv:
		cf_error(cf, loc, "'%s' cannot stand in 'mx': its hosts are "
		    "those of the recipient's domain", rs_options[option].word);
		cf_help(cf, "for other hosts write: relay NAME { ... }");
		return false;
	case RS_OPT_RELAY_verify_rcpt: case RS_OPT_RELAY_cut_through:
		cf_error(cf, loc, "'%s' cannot stand in 'mx'",
		    rs_options[option].word);
		cf_help(cf, "it is for a next hop of one's own: "
		    "relay NAME { ... }");
		return false;
	default:
		return true;
	}
}

const char *
cf_relay_default(const struct cf_object *o, enum rs_option option)
{
	if (option == RS_OPT_RELAY_tls &&
	    cf_option(o, RS_OPT_RELAY_auth) != NULL &&
	    cf_option(o, RS_OPT_RELAY_auth_clear) == NULL)
		return "verified";
	return rs_options[option].dflt;
}

static bool
is_computed(const struct cf_set_opt *set, size_t most)
{
	size_t	i;

	for (i = 0; i < set->nplaces && i < most; i++) {
		if (set->places[i] != NULL &&
		    set->places[i]->kind != CF_E_CONST)
			return true;
	}
	return false;
}

bool
cf_relay_needs_route(const struct cf_object *o)
{
	const struct cf_set_opt	*set;

	for (set = o->opts; set != NULL; set = set->next) {
		switch (set->option) {
		case RS_OPT_RELAY_host_mx:
			return true;
		case RS_OPT_RELAY_host: case RS_OPT_RELAY_srv:
		case RS_OPT_RELAY_auth: case RS_OPT_RELAY_helo:
			if (is_computed(set, 1))
				return true;
			break;
		case RS_OPT_RELAY_source:
			if (is_computed(set, 2))
				return true;
			break;
		default:
			break;
		}
	}
	return false;
}

/* --- hosts */

/* As DNS is asked for it: in lower case, with A-labels. */
static void
check_name(struct cf *cf, struct cf_expr *e)
{
	const char	*why;

	if (e->kind != CF_E_CONST)
		return;
	if (!cf_lit_domain(cf, e->value.s, &e->value, &why))
		cf_error(cf, e->loc, "'%.*s' is no host name: %s",
		    SPAN_ARG(e->value.s), why);
	e->value.type = RS_T_TEXT;
}

/* Addresses, and what looks like one with a port, are cf_host_check()'s. */
static bool
is_name(struct span host)
{
	struct ip	ip;

	return span_index(host, ':') < 0 && span_index(host, '[') < 0 &&
	    !ip_parse(host, &ip);
}

static void
check_port(struct cf *cf, const struct cf_expr *port)
{
	if (port == NULL)
		return;
	if (port->value.i == 0)
		cf_error(cf, port->loc, "a port cannot be 0");
	else if (port->value.i > 65535)
		cf_error(cf, port->loc, "a port is at most 65535");
}

static void
check_weight(struct cf *cf, const struct cf_expr *weight)
{
	if (weight == NULL)
		return;
	if (weight->value.i == 0) {
		cf_error(cf, weight->loc, "a weight cannot be 0");
		cf_help(cf, "a host that is to get no mail is left out; one "
		    "for when others fail stands on a line without a weight");
	} else if (weight->value.i > WEIGHT_MAX)
		cf_error(cf, weight->loc, "a weight is at most %d",
		    WEIGHT_MAX);
}

static void
check_host(struct cf *cf, const struct cf_object *o,
    const struct cf_set_opt *set)
{
	const struct cf_expr	*tls = set->places[HOST_TLS];

	cf_host_check(cf, set->places[HOST_NAME]);
	if (is_name(set->places[HOST_NAME]->value.s))
		check_name(cf, set->places[HOST_NAME]);
	check_port(cf, set->places[HOST_PORT]);
	check_weight(cf, set->places[HOST_WEIGHT]);
	if (tls == NULL)
		return;
	if (!span_eq(tls->value.s, SPAN("first"))) {
		cf_error(cf, tls->loc, "behind a host's 'tls' stands 'first'");
		cf_help(cf, "what is wanted of TLS stands on a line of its "
		    "own, as in: tls verified");
	} else if (says_word(o, RS_OPT_RELAY_tls, "none"))
		cf_error(cf, tls->loc, "'tls first' contradicts 'tls none'");
}

/* The same host, constant, and the same port. */
static bool
is_same_host(const struct cf_set_opt *a, const struct cf_set_opt *b)
{
	const struct cf_expr	*x = a->places[HOST_NAME],
				*y = b->places[HOST_NAME];
	int64_t			 p = 25, q = 25;

	if (a->places[HOST_PORT] != NULL)
		p = a->places[HOST_PORT]->value.i;
	if (b->places[HOST_PORT] != NULL)
		q = b->places[HOST_PORT]->value.i;
	return p == q && x->kind == CF_E_CONST && y->kind == CF_E_CONST &&
	    span_ieq(x->value.s, y->value.s);
}

static void
warn_of_twins(struct cf *cf, const struct cf_object *o,
    const struct cf_set_opt *set)
{
	const struct cf_set_opt	*before;

	for (before = o->opts; before != set; before = before->next) {
		if (before->option != RS_OPT_RELAY_host ||
		    before->nplaces == 0 || !is_same_host(before, set))
			continue;
		cf_warn(cf, set->loc, "this host stands twice; the first is "
		    "in %s", cf_where(cf, before->loc, set->loc));
		return;
	}
}

/* Where it leads: hosts and domains in their order, or the recipient's MX. */
static void
check_hosts(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set, *mx = cf_option(o, RS_OPT_RELAY_host_mx);
	size_t			 n = mx != NULL, nsrv = 0;

	for (set = o->opts; set != NULL; set = set->next) {
		if (set->option != RS_OPT_RELAY_host &&
		    set->option != RS_OPT_RELAY_srv)
			continue;
		n++;
		nsrv += set->option == RS_OPT_RELAY_srv;
		if (n - nsrv > HOSTS_MAX || nsrv > SRV_MAX)
			cf_error(cf, set->loc, "a block has at most %d hosts "
			    "and %d domains of SRV", HOSTS_MAX, SRV_MAX);
		if (set->nplaces == 0)
			continue;
		if (mx != NULL)
			cf_error(cf, set->loc, "besides 'host mx' there can be "
			    "no other host; it is in %s",
			    cf_where(cf, mx->loc, set->loc));
		else if (set->option == RS_OPT_RELAY_host) {
			check_host(cf, o, set);
			warn_of_twins(cf, o, set);
		} else
			check_name(cf, set->places[0]);
	}
	if (mx != NULL && mx->nplaces > 1)
		check_port(cf, mx->places[1]);
	if (n > 0)
		return;
	cf_error(cf, o->loc, "%s lacks 'host'", cf_object_what(cf, o));
	cf_help(cf, "write: host \"smtp.example\" port 587, or srv \"example\", "
	    "or host mx");
}

/* --- TLS and logins */

static void
check_tls(struct cf *cf, const struct cf_object *o)
{
	static const enum rs_option	idle[] = {
		RS_OPT_RELAY_no_dane, RS_OPT_RELAY_no_sts,
		RS_OPT_RELAY_authorities, RS_OPT_RELAY_certificate,
		RS_OPT_RELAY_minimum
	};
	const struct cf_set_opt		*set;
	size_t				 i;

	for (i = 0; says_word(o, RS_OPT_RELAY_tls, "none") &&
	    i < sizeof(idle) / sizeof(idle[0]); i++) {
		if ((set = written(o, idle[i])) != NULL)
			cf_warn(cf, set->loc, "'%s' says nothing where there is "
			    "'tls none'", rs_options[idle[i]].word);
	}
	if (says_word(o, RS_OPT_RELAY_tls, "dane") &&
	    (set = written(o, RS_OPT_RELAY_no_dane)) != NULL)
		cf_error(cf, set->loc, "'no dane' contradicts 'tls dane'");
	if (says_word(o, RS_OPT_RELAY_tls, "sts") &&
	    (set = written(o, RS_OPT_RELAY_no_sts)) != NULL)
		cf_error(cf, set->loc, "'no sts' contradicts 'tls sts'");
	set = written(o, RS_OPT_RELAY_minimum);
	if (set != NULL && !span_eq(set->places[0]->value.s, SPAN("1.2")) &&
	    !span_eq(set->places[0]->value.s, SPAN("1.3")))
		cf_error(cf, set->places[0]->loc, "'minimum' is \"1.2\" or "
		    "\"1.3\"");
}

/* A policy of RFC 8461 is one of a mail domain, for its MX hosts. */
static void
check_sts(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = written(o, RS_OPT_RELAY_tls);

	if (set == NULL || !says_word(o, RS_OPT_RELAY_tls, "sts") ||
	    is_mx(o) || cf_option(o, RS_OPT_RELAY_host_mx) != NULL)
		return;
	cf_warn(cf, set->loc, "no mail leaves by %s: policies of MTA-STS are "
	    "those of a recipient's domain, for its MX hosts",
	    cf_object_what(cf, o));
	cf_help(cf, "write: tls verified; or host mx");
}

static void
check_auth(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*auth = written(o, RS_OPT_RELAY_auth), *set;
	bool			 clear = cf_option(o,
				    RS_OPT_RELAY_auth_clear) != NULL;

	if (auth != NULL && !clear && says_word(o, RS_OPT_RELAY_tls, "none")) {
		cf_error(cf, auth->loc, "the password would go over the "
		    "network in clear: there is 'tls none'");
		cf_help(cf, "leave 'tls' out, which is 'tls verified' then; or "
		    "write: auth in clear");
	}
	if (auth != NULL)
		return;
	if ((set = written(o, RS_OPT_RELAY_auth_clear)) != NULL ||
	    (set = written(o, RS_OPT_RELAY_mechanisms)) != NULL)
		cf_warn(cf, set->loc, "'%s' says nothing where there is no "
		    "'auth'", rs_options[set->option].word);
	if ((set = written(o, RS_OPT_RELAY_move_on)) != NULL &&
	    says_word(o, RS_OPT_RELAY_move_on, "login"))
		cf_warn(cf, set->loc, "there is no 'auth' that could be "
		    "refused");
}

/* --- the rest */

/* One address of each family, as far as that can be seen. */
static void
check_source(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = written(o, RS_OPT_RELAY_source);
	const struct cf_expr	*e;
	struct ip		 ip;
	unsigned		 seen = 0;
	size_t			 i;

	for (i = 0; set != NULL && i < set->nplaces; i++) {
		e = set->places[i];
		if (i > 1)
			cf_error(cf, e->loc, "'source' takes one address of "
			    "IPv4 and one of IPv6");
		if (i > 1 || e->kind != CF_E_CONST)
			continue;
		if (!ip_parse(e->value.s, &ip))
			cf_error(cf, e->loc, "'%.*s' is no address of this "
			    "machine", SPAN_ARG(e->value.s));
		else if (seen & 1u << ip.family)
			cf_error(cf, e->loc, "'source' takes one address of "
			    "IPv4 and one of IPv6");
		else
			seen |= 1u << ip.family;
	}
}

/* RFC 5321, 4.1.1.1: a domain, or an address in brackets. */
static void
check_helo(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = written(o, RS_OPT_RELAY_helo);
	struct cf_expr		*e = set == NULL ? NULL : set->places[0];

	if (e == NULL || e->kind != CF_E_CONST ||
	    (e->value.s.n > 0 && e->value.s.p[0] == '['))
		return;
	check_name(cf, e);
}

/* What is cut through has no queue that could count it. */
static void
check_rate(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*rate = written(o, RS_OPT_RELAY_rate);

	if (rate == NULL || written(o, RS_OPT_RELAY_cut_through) == NULL)
		return;
	cf_error(cf, rate->loc, "'rate' is kept by the queue, which does not "
	    "see what is cut through");
}

void
cf_relay_check(struct cf *cf, const struct cf_object *o)
{
	if (!is_mx(o))
		check_hosts(cf, o);
	check_tls(cf, o);
	check_sts(cf, o);
	check_auth(cf, o);
	check_source(cf, o);
	check_helo(cf, o);
	check_rate(cf, o);
}
