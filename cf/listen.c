/*
 * listen.c - what option values must be beyond their form: host names, paths,
 * addresses with ports; and that no relay leads back to this server.
 */
#include "cf/listen.h"
#include "cf/literal.h"

/* "address:port", "[address]:port", "*:port". */
struct endpoint {
	bool		any;
	struct ip	ip;
	uint64_t	port;
};

static bool
endpoint_parse(struct span s, struct endpoint *out)
{
	size_t		 colon = s.n;
	struct span	 host;

	memset(out, 0, sizeof(*out));
	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	if (colon == 0 ||
	    !span_u64(span_from(s, colon), 65535, &out->port) ||
	    out->port == 0)
		return false;
	host = (struct span){ s.p, colon - 1 };
	out->any = span_eq(host, SPAN("*"));
	if (out->any)
		return true;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = (struct span){ host.p + 1, host.n - 2 };
		return ip_parse(host, &out->ip) && out->ip.family == 6;
	}
	return ip_parse(host, &out->ip) && out->ip.family == 4;
}

static bool
endpoints_meet(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port &&
	    (a->any || b->any || ip_eq(&a->ip, &b->ip));
}

static const char *const served_listeners[] = { "smtp", "submission" };

static void
check_listener(struct cf *cf, struct cf_object *o)
{
	const struct cf_set_opt	*on = cf_option(o, RS_OPT_LISTEN_on);
	struct endpoint		 end;
	struct cf_near		 near;
	size_t			 i;
	bool			 served = false;

	cf_near_begin(&near, o->name);
	for (i = 0; i < 2; i++) {
		served |= span_eq(o->name, span_of(served_listeners[i]));
		cf_near_try(&near, span_of(served_listeners[i]));
	}
	if (cf_later_kind(o->name))
		cf_error_later(cf, o->loc, arena_printf(&cf->arena,
		    "listen %.*s", SPAN_ARG(o->name)));
	else if (!served && near.best.n > 0)
		cf_error(cf, o->loc, "no listener '%.*s'; did you mean "
		    "'%.*s'?", SPAN_ARG(o->name), SPAN_ARG(near.best));
	else if (!served)
		cf_error(cf, o->loc, "no listener '%.*s'; there are smtp and "
		    "submission", SPAN_ARG(o->name));
	for (i = 0; on != NULL && i < on->nplaces; i++) {
		if (endpoint_parse(on->places[i]->value.s, &end))
			continue;
		cf_error(cf, on->places[i]->loc, "'%.*s' is no address with a "
		    "port", SPAN_ARG(on->places[i]->value.s));
		cf_help(cf, "as in \"*:25\", \"192.0.2.1:25\", "
		    "\"[2001:db8::1]:25\"");
	}
}

static void
check_word(struct cf *cf, const struct cf_object *o, enum rs_option option,
    const char *const *words, size_t n)
{
	const struct cf_set_opt	*set = cf_option(o, option);
	struct cf_near		 near;
	struct span		 word;
	size_t			 i;

	if (set == NULL || set->nplaces == 0)
		return;
	word = set->places[0]->value.s;
	cf_near_begin(&near, word);
	for (i = 0; i < n; i++) {
		if (span_eq(word, span_of(words[i])))
			return;
		cf_near_try(&near, span_of(words[i]));
	}
	if (option == RS_OPT_MAILBOX_format && span_eq(word, SPAN("mbox")))
		cf_error_later(cf, set->places[0]->loc, word);
	else if (near.best.n > 0)
		cf_error(cf, set->places[0]->loc, "no '%.*s' for '%s'; did "
		    "you mean '%.*s'?", SPAN_ARG(word),
		    rs_options[option].word, SPAN_ARG(near.best));
	else
		cf_error(cf, set->places[0]->loc, "no '%.*s' for '%s'",
		    SPAN_ARG(word), rs_options[option].word);
}

/* A relative path is in the policy's folder. */
static void
make_absolute(struct cf *cf, const struct cf_object *o, enum rs_option option)
{
	const struct cf_set_opt	*set = cf_option(o, option);
	struct cf_expr		*e, *part;
	struct span		 full;

	if (set == NULL || set->nplaces == 0)
		return;
	e = set->places[0];
	part = e->kind == CF_E_TEXT ? e->list : e;
	if (part->kind == CF_E_CONST && part->value.type == RS_T_TEXT) {
		if (part->value.s.n == 0 && e->kind == CF_E_CONST)
			cf_error(cf, e->loc, "a path cannot be empty");
		full = span_of(cf_full_path(cf, part->value.s));
		part->value = rs_text(RS_T_TEXT, full);
	} else if (e->kind == CF_E_TEXT) {
		part = cf_const(cf, e->loc, rs_text(RS_T_TEXT,
		    arena_printf(&cf->arena, "%s/", cf->folder)));
		part->next = e->list;
		e->list = part;
	}
}

static void
check_server(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = cf_option(o, RS_OPT_SERVER_hostname);
	const char		*why;

	if (set != NULL && set->nplaces > 0 &&
	    !cf_lit_domain(cf, set->places[0]->value.s,
	    &set->places[0]->value, &why))
		cf_error(cf, set->places[0]->loc, "'%.*s' is no host name: %s",
		    SPAN_ARG(set->places[0]->value.s), why);
	if (set != NULL && set->nplaces > 0)
		set->places[0]->value.type = RS_T_TEXT;
	set = cf_option(o, RS_OPT_SERVER_postmaster);
	if (set == NULL || set->nplaces == 0)
		return;
	if (!cf_lit_address(cf, set->places[0]->value.s,
	    &set->places[0]->value, &why))
		cf_error(cf, set->places[0]->loc, "'%.*s' is no address: %s",
		    SPAN_ARG(set->places[0]->value.s), why);
	set->places[0]->value.type = RS_T_TEXT;
}

/* Counts and ports below one say nothing; never is for some times only. */
static void
check_numbers(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set;
	const struct rs_value	*v;
	size_t			 i;

	for (set = o->opts; set != NULL; set = set->next) {
		for (i = 0; i < set->nplaces; i++) {
			if (set->places[i] == NULL ||
			    set->places[i]->kind != CF_E_CONST)
				continue;
			v = &set->places[i]->value;
			if (v->type == RS_T_TIME && v->i < 0 &&
			    set->option != RS_OPT_QUEUE_warn)
				cf_error(cf, set->places[i]->loc, "'%s' "
				    "cannot be never",
				    rs_options[set->option].word);
			else if ((v->type == RS_T_INT ||
			    v->type == RS_T_TIME) && v->i == 0)
				cf_error(cf, set->places[i]->loc, "'%s' "
				    "cannot be 0",
				    rs_options[set->option].word);
			else if (v->type == RS_T_INT && v->i > INT32_MAX)
				cf_error(cf, set->places[i]->loc, "this "
				    "number is too large");
		}
	}
}

static void
check_ports(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set;
	const struct cf_expr	*port;

	for (set = o->opts; set != NULL; set = set->next) {
		if (set->option != RS_OPT_RELAY_host || set->nplaces < 2 ||
		    (port = set->places[1]) == NULL)
			continue;
		if (port->value.i > 65535)
			cf_error(cf, port->loc, "a port is at most 65535");
	}
}

static void
check_mailbox(struct cf *cf, struct cf_object *o)
{
	static const char *const	 formats[] = { "maildir" };
	static const char *const	 details[] = { "none" };
	const struct cf_set_opt		*set;

	check_word(cf, o, RS_OPT_MAILBOX_format, formats, 1);
	check_word(cf, o, RS_OPT_MAILBOX_detail, details, 1);
	make_absolute(cf, o, RS_OPT_MAILBOX_path);
	make_absolute(cf, o, RS_OPT_MAILBOX_forward);
	set = cf_option(o, RS_OPT_MAILBOX_accounts);
	if (set == NULL || set->nplaces == 0 || set->places[0]->sym == NULL)
		return;
	if (!span_eq(set->places[0]->sym->map_kind, SPAN("accounts")))
		cf_error(cf, set->places[0]->loc, "'%.*s' is a map of kind "
		    "%.*s, and 'accounts' wants one of kind accounts",
		    SPAN_ARG(set->places[0]->sym->name),
		    SPAN_ARG(set->places[0]->sym->map_kind));
}

void
cf_object_check(struct cf *cf, struct cf_object *o)
{
	static const char *const	 levels[] = {
		"none", "opportunistic", "required", "verified"
	};

	check_numbers(cf, o);
	switch (o->kind) {
	case RS_O_SERVER:
		check_server(cf, o);
		break;
	case RS_O_LISTEN:
		check_listener(cf, o);
		break;
	case RS_O_SPOOL:
		make_absolute(cf, o, RS_OPT_SPOOL_directory);
		break;
	case RS_O_MAILBOX:
		check_mailbox(cf, o);
		break;
	case RS_O_RELAY:
		check_word(cf, o, RS_OPT_RELAY_tls, levels, 4);
		check_ports(cf, o);
		break;
	default:
		break;
	}
}

/* All listeners and relays together. */

/* Calls back for each listener's endpoint that is well formed. */
static const struct cf_object *
listener_at(const struct cf *cf, const struct endpoint *end,
    const struct cf_expr *but)
{
	const struct cf_object	*o;
	const struct cf_set_opt	*on;
	struct endpoint		 mine;
	size_t			 i;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind != RS_O_LISTEN ||
		    (on = cf_option(o, RS_OPT_LISTEN_on)) == NULL)
			continue;
		for (i = 0; i < on->nplaces; i++) {
			if (on->places[i] == but)
				return NULL;	/* the first is told of none */
			if (endpoint_parse(on->places[i]->value.s, &mine) &&
			    endpoints_meet(&mine, end))
				return o;
		}
	}
	return NULL;
}

static void
check_twice(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*on = cf_option(o, RS_OPT_LISTEN_on);
	const struct cf_object	*other;
	struct endpoint		 end;
	size_t			 i;

	for (i = 0; on != NULL && i < on->nplaces; i++) {
		if (!endpoint_parse(on->places[i]->value.s, &end))
			continue;
		other = listener_at(cf, &end, on->places[i]);
		if (other != NULL)
			cf_error(cf, on->places[i]->loc, "'%.*s' is taken by "
			    "the listener in line %u",
			    SPAN_ARG(on->places[i]->value.s),
			    cf_line(cf, other->loc));
	}
}

/* Whether a constant host is this machine: loopback, or a listener's address. */
static bool
own_host(const struct cf *cf, struct span host, struct endpoint *end)
{
	struct span	 name = cf_option_text(cf, RS_O_SERVER,
	    RS_OPT_SERVER_hostname);

	if (span_ieq(host, SPAN("localhost")) || span_ieq(host, name)) {
		end->any = true;
		return true;
	}
	if (host.n > 2 && host.p[0] == '[')
		host = (struct span){ host.p + 1, host.n - 2 };
	return ip_parse(host, &end->ip);
}

/* "*" hears every address of this machine; of those only loopback is known. */
static bool
hears(const struct cf_object *listener, const struct endpoint *end)
{
	const struct cf_set_opt	*on = cf_option(listener, RS_OPT_LISTEN_on);
	struct endpoint		 mine;
	size_t			 i;

	for (i = 0; on != NULL && i < on->nplaces; i++) {
		if (!endpoint_parse(on->places[i]->value.s, &mine) ||
		    mine.port != end->port)
			continue;
		if (end->any || (mine.any && ip_is_loopback(&end->ip)) ||
		    (!mine.any && ip_eq(&mine.ip, &end->ip)))
			return true;
	}
	return false;
}

static void
check_loop(struct cf *cf, const struct cf_object *relay,
    const struct cf_set_opt *host)
{
	const struct cf_object	*o;
	struct endpoint		 end = { .port = 25 };

	if (host->nplaces == 0 || host->places[0]->kind != CF_E_CONST)
		return;
	if (host->nplaces > 1 && host->places[1] != NULL)
		end.port = (uint64_t)host->places[1]->value.i;
	if (!own_host(cf, host->places[0]->value.s, &end))
		return;
	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind != RS_O_LISTEN || !hears(o, &end))
			continue;
		cf_error(cf, host->loc, "relay '%.*s' is this server's own "
		    "listener (line %u): a loop", SPAN_ARG(relay->name),
		    cf_line(cf, o->loc));
		return;
	}
}

void
cf_listen_check(struct cf *cf)
{
	const struct cf_object	*o;
	const struct cf_set_opt	*set;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind == RS_O_LISTEN)
			check_twice(cf, o);
		if (o->kind != RS_O_RELAY)
			continue;
		for (set = o->opts; set != NULL; set = set->next) {
			if (set->option == RS_OPT_RELAY_host)
				check_loop(cf, o, set);
		}
	}
}
