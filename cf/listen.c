/*
 * listen.c - listeners: their kinds, their addresses with ports; and that no
 * relay leads back to this server.
 */
#include "cf/listen.h"

bool
cf_endpoint_parse(struct span s, struct cf_endpoint *out)
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

/* "unix:/path": a socket in the file system. */
static bool
is_unix(struct span s)
{
	return span_prefix(s, SPAN("unix:/")) && s.n > 6;
}

static bool
endpoints_meet(const struct cf_endpoint *a, const struct cf_endpoint *b)
{
	return a->port == b->port &&
	    (a->any || b->any || ip_eq(&a->ip, &b->ip));
}

/* What can be listened for; the ports are those of the RFCs. */
static const struct listener {
	const char	*word;
	bool		 served;
	bool		 tls_first;	/* RFC 8314 */
	const char	*auth;		/* default */
} listeners[] = {
	{ "smtp",	 true,	false,	"none" },
	{ "submission",	 true,	false,	"offered" },
	{ "submissions", true,	true,	"offered" },
	{ "lmtp",	 true,	false,	"none" },
	{ "imap",	 false,	false,	"required" },
	{ "imaps",	 false,	true,	"required" },
	{ "pop3",	 false,	false,	"required" },
	{ "pop3s",	 false,	true,	"required" },
	{ "programs",	 true,	false,	"none" },
	{ "filter",	 true,	false,	"none" },	/* of a filter block */
};

#define ACCOUNTS_MAX	64	/* maps of accounts that a default names */
#define NLISTENERS	(sizeof(listeners) / sizeof(listeners[0]))

static const struct listener *
listener_named(struct span word)
{
	size_t	 i;

	for (i = 0; i < NLISTENERS; i++) {
		if (span_eq(word, span_of(listeners[i].word)))
			return &listeners[i];
	}
	return NULL;
}

/* What is spoken there. */
static const struct listener *
listener_of(const struct cf_object *o)
{
	return listener_named(cf_option(o, RS_OPT_LISTEN_kind)->
	    places[0]->value.s);
}

bool
cf_listener_is(const struct cf_object *o, const char *kind)
{
	const struct listener	*l = listener_of(o);

	return l != NULL && strcmp(l->word, kind) == 0;
}

bool
cf_listener_begins_tls(const struct cf_object *o)
{
	const struct listener	*l = listener_of(o);

	return l != NULL && l->tls_first;
}

static bool
has_certificate(const struct cf *cf)
{
	const struct cf_object	*o;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind == RS_O_TLS)
			return true;
	}
	return false;
}

/* "users, staff": the accounts of all mailboxes; "" where there are none. */
static const char *
mailbox_accounts(struct cf *cf)
{
	const struct cf_object	*o;
	const struct cf_set_opt	*set;
	struct buf		 names = { 0 };
	const char		*list;
	struct cf_sym		*seen[ACCOUNTS_MAX];
	size_t			 i, n = 0;

	for (o = cf->objects; o != NULL && n < ACCOUNTS_MAX; o = o->next) {
		if (o->kind != RS_O_MAILBOX ||
		    (set = cf_option(o, RS_OPT_MAILBOX_accounts)) == NULL ||
		    set->nplaces == 0)
			continue;
		seen[n] = set->places[0]->sym;
		for (i = 0; seen[i] != seen[n]; i++)
			continue;
		if (i < n)
			continue;
		buf_addf(&names, "%s%.*s", n++ > 0 ? ", " : "",
		    SPAN_ARG(seen[i]->name));
	}
	list = arena_printf(&cf->arena, "%s", buf_cstr(&names)).p;
	buf_clear(&names);
	return list;
}

/* `auth` says so, or what is spoken there. */
static bool
has_logins(const struct cf_object *o, const struct listener *l)
{
	const struct cf_set_opt	*auth = cf_option(o, RS_OPT_LISTEN_auth);

	if (auth == NULL || auth->nplaces == 0)
		return strcmp(l->auth, "none") != 0;
	return !span_eq(auth->places[0]->value.s, SPAN("none"));
}

/* There is who could log in, and not in the clear unless that is wanted. */
static bool
can_log_in(const struct cf_object *o, const struct listener *l)
{
	const struct cf_set_opt	*tls = cf_option(o, RS_OPT_LISTEN_tls);

	if (cf_option(o, RS_OPT_LISTEN_accounts) == NULL)
		return false;
	if (cf_option(o, RS_OPT_LISTEN_auth_clear) != NULL || l->tls_first)
		return true;
	return tls != NULL && tls->nplaces > 0 &&
	    !span_eq(tls->places[0]->value.s, SPAN("none"));
}

/* Their socket stands in the spool's folder: there is no `on`. */
static const char *
programs_default(const struct cf_object *o, enum rs_option option)
{
	if (span_eq(o->name, SPAN("none")))
		return "";
	switch (option) {
	case RS_OPT_LISTEN_drop_files:
		return "1000";
	case RS_OPT_LISTEN_drop_octets:
		return "256M";
	default:
		return "";
	}
}

const char *
cf_listen_default(struct cf *cf, const struct cf_object *o,
    enum rs_option option)
{
	const struct listener	*l = listener_of(o);

	if (l != NULL && strcmp(l->word, "programs") == 0)
		return programs_default(o, option);
	if (l != NULL && option == RS_OPT_LISTEN_accounts)
		return has_logins(o, l) ? mailbox_accounts(cf) : "";
	if (l != NULL && option == RS_OPT_LISTEN_auth)
		return can_log_in(o, l) ? l->auth : "none";
	if (l != NULL && option == RS_OPT_LISTEN_tls)
		return l->tls_first ? "required" :
		    !o->made && has_certificate(cf) ? "offered" : "none";
	return rs_options[option].dflt;
}

static void
error_no_listener(struct cf *cf, const struct cf_object *o)
{
	struct span	 word;
	struct cf_near	 near;
	size_t		 i;

	word = cf_option(o, RS_OPT_LISTEN_kind)->places[0]->value.s;
	cf_near_begin(&near, word);
	for (i = 0; i < NLISTENERS; i++) {
		if (strcmp(listeners[i].word, "filter") != 0)
			cf_near_try(&near, span_of(listeners[i].word));
	}
	if (near.best.n > 0)
		cf_error(cf, o->loc, "no listener '%.*s'; did you mean "
		    "'%.*s'?", SPAN_ARG(word), SPAN_ARG(near.best));
	else
		cf_error(cf, o->loc, "no listener '%.*s'; there are smtp, "
		    "submission, submissions, lmtp, programs, imap, imaps, "
		    "pop3 and pop3s", SPAN_ARG(word));
}

/* TLS that comes first cannot be left out, and needs a certificate. */
static void
check_listener_tls(struct cf *cf, const struct cf_object *o,
    const struct listener *l)
{
	const struct cf_set_opt	*tls = cf_option(o, RS_OPT_LISTEN_tls);
	struct span		 word;

	if (tls == NULL || tls->nplaces == 0)
		return;
	word = tls->places[0]->value.s;
	if (l->tls_first && !span_eq(word, SPAN("required")))
		cf_error(cf, tls->places[0]->loc, "'%s' begins with TLS, so "
		    "it is required", l->word);
	else if (!span_eq(word, SPAN("none")) && !has_certificate(cf)) {
		cf_error(cf, o->loc, "listen %s needs a certificate, and "
		    "there is no 'tls' block", l->word);
		cf_help(cf, "tls { certificate \"fullchain.pem\"; key "
		    "\"key.pem\" }");
	}
}

static void
check_endpoints(struct cf *cf, const struct cf_set_opt *on)
{
	struct cf_endpoint	 end;
	size_t		 i;

	for (i = 0; on != NULL && i < on->nplaces; i++) {
		if (cf_endpoint_parse(on->places[i]->value.s, &end) ||
		    is_unix(on->places[i]->value.s))
			continue;
		cf_error(cf, on->places[i]->loc, "'%.*s' is no address with a "
		    "port", SPAN_ARG(on->places[i]->value.s));
		cf_help(cf, "as in \"*:25\", \"192.0.2.1:25\", "
		    "\"[2001:db8::1]:25\", \"unix:/run/waybill/lmtp\"");
	}
}

void
cf_accounts_check(struct cf *cf, const struct cf_set_opt *set)
{
	const struct cf_sym	*map;
	size_t			 i;

	for (i = 0; set != NULL && i < set->nplaces; i++) {
		map = set->places[i]->sym;
		if (span_eq(map->map_kind, SPAN("accounts")))
			continue;
		cf_error(cf, set->places[i]->loc, "'%.*s' is a map of kind "
		    "%.*s, and 'accounts' wants one of kind accounts",
		    SPAN_ARG(map->name), SPAN_ARG(map->map_kind));
	}
}

/* A name of its own is none of what is spoken elsewhere, and stands once. */
static void
check_name(struct cf *cf, const struct cf_object *o, const struct listener *l)
{
	const struct cf_object	*other;

	if (span_eq(o->name, span_of(l->word)))
		return;
	if (listener_named(o->name) != NULL)
		cf_error(cf, o->loc, "'%.*s' is what is spoken on another "
		    "listener, and no name for this one", SPAN_ARG(o->name));
	for (other = cf->objects; other != o; other = other->next) {
		if (other->kind != RS_O_LISTEN ||
		    !span_eq(other->name, o->name))
			continue;
		cf_error(cf, o->loc, "a listener '%.*s' stands already in %s",
		    SPAN_ARG(o->name), cf_where(cf, other->loc, o->loc));
		return;
	}
}

static void
check_group(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*on = cf_option(o, RS_OPT_LISTEN_on);
	const struct cf_set_opt	*group = cf_option(o, RS_OPT_LISTEN_group);
	size_t			 i;

	for (i = 0; on != NULL && i < on->nplaces; i++) {
		if (is_unix(on->places[i]->value.s))
			return;
	}
	if (group == NULL)
		return;
	cf_error(cf, group->loc, "'group' has nothing to say: this listener "
	    "has no socket in the file system");
	cf_help(cf, "as in on \"unix:/run/waybill/lmtp\"");
}

/* RFC 2033, 5: LMTP is not spoken where others would speak SMTP. */
static void
check_lmtp_port(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*on = cf_option(o, RS_OPT_LISTEN_on);
	struct cf_endpoint	 end;
	size_t			 i;

	for (i = 0; on != NULL && i < on->nplaces; i++) {
		if (cf_endpoint_parse(on->places[i]->value.s, &end) &&
		    end.port == 25)
			cf_error(cf, on->places[i]->loc, "LMTP is not spoken "
			    "on port 25 (RFC 2033, 5)");
	}
}

void
cf_listener_check(struct cf *cf, struct cf_object *o)
{
	const struct listener	*l = listener_of(o);

	check_endpoints(cf, cf_option(o, RS_OPT_LISTEN_on));
	cf_accounts_check(cf, cf_option(o, RS_OPT_LISTEN_accounts));
	if (l == NULL || (cf_listener_is(o, "filter") && !o->made)) {
		error_no_listener(cf, o);
		return;
	}
	if (cf_listener_is(o, "programs")) {
		cf_programs_check(cf, o);
		return;
	}
	cf_programs_check_others(cf, o);
	check_name(cf, o, l);
	check_listener_tls(cf, o, l);
	cf_door_check(cf, o);
	check_group(cf, o);
	if (cf_listener_is(o, "lmtp"))
		check_lmtp_port(cf, o);
	if (!l->served)
		cf_error_unserved(cf, o->loc, "'listen %s' is not served by "
		    "this version", l->word);
}

/* All listeners and relays together. */

/* Whether two values of `on` are one socket. */
static bool
are_same(struct span a, struct span b)
{
	struct cf_endpoint	 x, y;

	if (is_unix(a) || is_unix(b))
		return span_eq(a, b);
	return cf_endpoint_parse(a, &x) && cf_endpoint_parse(b, &y) &&
	    endpoints_meet(&x, &y);
}

/* The listener before `mine` that listens there, or NULL. */
static const struct cf_object *
listener_at(const struct cf *cf, const struct cf_expr *mine)
{
	const struct cf_object	*o;
	const struct cf_set_opt	*on;
	size_t			 i;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind != RS_O_LISTEN ||
		    (on = cf_option(o, RS_OPT_LISTEN_on)) == NULL)
			continue;
		for (i = 0; i < on->nplaces; i++) {
			if (on->places[i] == mine)
				return NULL;	/* the first is told of none */
			if (are_same(on->places[i]->value.s, mine->value.s))
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
	size_t			 i;

	for (i = 0; on != NULL && i < on->nplaces; i++) {
		other = listener_at(cf, on->places[i]);
		if (other != NULL)
			cf_error(cf, on->places[i]->loc, "'%.*s' is taken by "
			    "the listener in %s",
			    SPAN_ARG(on->places[i]->value.s),
			    cf_where(cf, other->loc, on->loc));
	}
}

void
cf_listen_check(struct cf *cf)
{
	const struct cf_object	*o;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind == RS_O_LISTEN)
			check_twice(cf, o);
	}
}
