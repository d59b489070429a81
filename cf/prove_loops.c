/*
 * prove_loops.c - next hops that are this server's own listeners.
 *
 * Only constant hosts can be seen here: the server's own name, localhost, and
 * addresses.  "*" hears every address of this machine; of those only loopback
 * is known.
 */
#include "cf/listen.h"
#include "cf/prove_int.h"

/* Whether a constant host is this machine. */
static bool
own_host(const struct cf *cf, struct span host, struct cf_endpoint *end)
{
	struct span	 name = cf_option_text(cf, RS_O_SERVER,
	    RS_OPT_SERVER_hostname);

	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	if (span_ieq(host, SPAN("localhost")) || span_ieq(host, name)) {
		end->any = true;
		return true;
	}
	if (host.n > 2 && host.p[0] == '[')
		host = (struct span){ host.p + 1, host.n - 2 };
	return ip_parse(host, &end->ip);
}

static bool
hears(const struct cf_object *listener, const struct cf_endpoint *end)
{
	const struct cf_set_opt	*on = cf_option(listener, RS_OPT_LISTEN_on);
	struct cf_endpoint	 mine;
	size_t			 i;

	for (i = 0; on != NULL && i < on->nplaces; i++) {
		if (!cf_endpoint_parse(on->places[i]->value.s, &mine) ||
		    mine.port != end->port)
			continue;
		if (end->any || (mine.any && ip_is_loopback(&end->ip)) ||
		    (!mine.any && ip_eq(&mine.ip, &end->ip)))
			return true;
	}
	return false;
}

/* The listener that hears what is sent to host; NULL: none of ours. */
static const struct cf_object *
our_listener(const struct cf *cf, struct span host, uint64_t port)
{
	struct cf_endpoint	 end = { .port = port };
	const struct cf_object	*o;

	if (!own_host(cf, host, &end))
		return NULL;
	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind == RS_O_LISTEN && hears(o, &end))
			return o;
	}
	return NULL;
}

/* --- relay blocks */

static void
check_host(struct cf *cf, const struct cf_object *relay,
    const struct cf_set_opt *host)
{
	const struct cf_object	*o;
	uint64_t		 port = 25;

	if (host->nplaces == 0 || host->places[0]->kind != CF_E_CONST)
		return;
	if (host->nplaces > 1 && host->places[1] != NULL)
		port = (uint64_t)host->places[1]->value.i;
	o = our_listener(cf, host->places[0]->value.s, port);
	if (o != NULL)
		cf_error(cf, host->loc, "relay '%.*s' is this server's own "
		    "listener (line %u): a loop", SPAN_ARG(relay->name),
		    cf_line(cf, o->loc));
}

static void
check_relay(struct cf *cf, const struct cf_object *relay)
{
	const struct cf_set_opt	*set;

	for (set = relay->opts; set != NULL; set = set->next) {
		if (set->option == RS_OPT_RELAY_host)
			check_host(cf, relay, set);
	}
}

/* --- filter blocks */

static void
check_filter(struct cf *cf, const struct cf_object *filter)
{
	const struct cf_set_opt	*host = cf_option(filter, RS_OPT_FILTER_host);
	const struct cf_object	*o;
	uint64_t		 port = 25;

	if (host == NULL || host->nplaces == 0)
		return;
	if (host->nplaces > 1 && host->places[1] != NULL)
		port = (uint64_t)host->places[1]->value.i;
	o = our_listener(cf, host->places[0]->value.s, port);
	if (o != NULL)
		cf_error(cf, host->loc, "filter '%.*s' is this server's own "
		    "listener (line %u): a loop", SPAN_ARG(filter->name),
		    cf_line(cf, o->loc));
}

/* --- `relay "host:port"` */

/* "host", "host:port", "[address]:port" taken apart. */
static struct span
split_port(struct span s, uint64_t *port)
{
	size_t	 i = s.n;

	*port = 25;
	while (i > 0 && s.p[i - 1] != ':' && s.p[i - 1] != ']')
		i--;
	if (i == 0 || s.p[i - 1] == ']' ||
	    !span_u64(span_from(s, i), 65535, port))
		return s;
	return (struct span){ s.p, i - 1 };
}

static void
check_actions(struct cf *cf, const struct cf_action *a)
{
	const struct cf_object	*o;
	uint64_t		 port;
	struct span		 host;

	for (; a != NULL; a = a->next) {
		if (a->kind != CF_A_RELAY || a->sym != NULL ||
		    a->expr == NULL || a->expr->kind != CF_E_CONST)
			continue;
		host = split_port(a->expr->value.s, &port);
		if ((o = our_listener(cf, host, port)) != NULL)
			cf_error(cf, a->loc, "this is this server's own "
			    "listener (line %u): a loop", cf_line(cf, o->loc));
	}
}

void
prove_loops(struct cf *cf)
{
	const struct cf_object	*o;
	const struct cf_decl	*d;
	const struct cf_rule	*r;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind == RS_O_RELAY)
			check_relay(cf, o);
		if (o->kind == RS_O_FILTER)
			check_filter(cf, o);
	}
	for (d = cf->decls; d != NULL; d = d->next) {
		if (d->kind != CF_D_ROUTE && d->kind != CF_D_RULESET)
			continue;
		for (r = d->rules; r != NULL; r = r->next) {
			check_actions(cf, r->actions);
			check_actions(cf, r->failing);
		}
	}
}
