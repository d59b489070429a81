/*
 * door.c - what a listener offers: logins, extensions, and to whom it listens
 * when it is told who a client is.
 *
 * The listener's options are complete with their defaults when this looks.
 * For the administrator: waybill.conf(5), LISTENERS.
 */
#include "cf/listen.h"
#include "cf/prove_int.h"

static bool
says(const struct cf_object *o, enum rs_option option, struct span word)
{
	const struct cf_set_opt	*set = cf_option(o, option);

	return set != NULL && set->nplaces > 0 &&
	    span_eq(set->places[0]->value.s, word);
}

/* It does without TLS; where TLS comes first another error has said so. */
static bool
is_clear(const struct cf_object *o)
{
	return says(o, RS_OPT_LISTEN_tls, SPAN("none")) &&
	    !cf_listener_begins_tls(o);
}

/* The value of a list that has stood before it. */
static bool
stood_before(const struct cf_set_opt *set, size_t at)
{
	const struct cf_expr	*e = set->places[at];
	size_t			 i;

	for (i = 0; i < at; i++) {
		if (e->sym != NULL ? set->places[i]->sym == e->sym :
		    set->places[i]->sym == NULL &&
		    rs_eq(&set->places[i]->value, &e->value).i != 0)
			return true;
	}
	return false;
}

static void
check_twice(struct cf *cf, const struct cf_object *o, enum rs_option option)
{
	const struct cf_set_opt	*set = cf_option(o, option);
	const struct cf_expr	*e;
	size_t			 i;

	for (i = 0; set != NULL && i < set->nplaces; i++) {
		e = set->places[i];
		if (stood_before(set, i))
			cf_error(cf, e->loc, "'%.*s' stands twice",
			    SPAN_ARG(cf_written(cf, e->loc)));
	}
}

/* Logins. */

static void
check_mechanism(struct cf *cf, const struct cf_object *o,
    const struct cf_expr *e)
{
	const struct cf_mechanism	*m = cf_mechanism(cf, e, false);
	const char			*word;

	if (m == NULL)
		return;
	word = m->word;
	switch (m->needs) {
	case CF_NEEDS_PASSWORD:
		break;
	case CF_NEEDS_BINDING:
		if (!is_clear(o))
			break;
		cf_error(cf, e->loc, "'%s' binds the login to TLS, which this "
		    "listener does without", word);
		cf_help(cf, "name it without -plus, or write: tls offered");
		break;
	case CF_NEEDS_TOKEN:
		if (cf_option_text(cf, RS_O_AUTH, RS_OPT_AUTH_tokens).n > 0)
			break;
		cf_error(cf, e->loc, "'%s' needs who verifies its tokens",
		    word);
		cf_help(cf, "auth { tokens \"unix:/run/verifier\" }");
		break;
	case CF_NEEDS_CERTIFICATE:
		if (cf_asks_certificates(cf) && !is_clear(o))
			break;
		cf_error(cf, e->loc, "'%s' needs the client's certificate, "
		    "which is not asked for", word);
		cf_help(cf, "tls { client certificates asked; client "
		    "authorities \"ca.pem\" }");
		break;
	}
}

/* One of those named asks the accounts; by default some do. */
static bool
asks_accounts(const struct cf_set_opt *named)
{
	const struct cf_mechanism	*m;
	size_t				 i;

	for (i = 0; named != NULL && i < named->nplaces; i++) {
		m = cf_mechanism_named(named->places[i]->value.s, false);
		if (m == NULL || m->needs <= CF_NEEDS_BINDING)
			return true;
	}
	return named == NULL || named->nplaces == 0;
}

/* An option that says nothing where nobody logs in. */
static void
check_idle(struct cf *cf, const struct cf_object *o, enum rs_option option)
{
	const struct cf_set_opt	*set = cf_option(o, option);

	if (set == NULL || set->is_default)
		return;
	cf_error(cf, set->loc, "'%s' has nothing to say: no login is offered "
	    "here", rs_options[option].word);
	cf_help(cf, "write: auth offered");
}

static void
check_offered(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*auth = cf_option(o, RS_OPT_LISTEN_auth);
	const struct cf_set_opt	*named = cf_option(o, RS_OPT_LISTEN_mechanisms);
	struct cf_loc		 loc;
	size_t			 i;

	loc = auth->is_default ? o->loc : auth->loc;
	if (asks_accounts(named) &&
	    cf_option(o, RS_OPT_LISTEN_accounts) == NULL) {
		cf_error(cf, loc, "logins are offered here, and no accounts "
		    "are declared that could verify them");
		cf_help(cf, "accounts NAME, the name of a map of kind "
		    "accounts; by default it is those of the mailboxes");
	}
	if (is_clear(o) &&
	    cf_option(o, RS_OPT_LISTEN_auth_clear) == NULL) {
		cf_error(cf, loc, "logins are offered under TLS only, and "
		    "this listener does without");
		cf_help(cf, "give it TLS (tls offered, and a certificate); "
		    "where nobody else can listen: auth in clear");
	}
	for (i = 0; named != NULL && i < named->nplaces; i++)
		check_mechanism(cf, o, named->places[i]);
}

/* People come to a submission listener, and cannot say who they are. */
static bool
warn_nobody(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*auth = cf_option(o, RS_OPT_LISTEN_auth);
	struct span		 name = o->name;

	if (!auth->is_default || !cf_listener_is(o, "submission"))
		return false;
	if (cf_option(o, RS_OPT_LISTEN_accounts) == NULL) {
		cf_warn(cf, o->loc, "nobody can log in on '%.*s': no accounts "
		    "are declared", SPAN_ARG(name));
		cf_help(cf, "accounts NAME; or write that it is meant: auth "
		    "none");
	} else {
		cf_warn(cf, o->loc, "nobody can log in on '%.*s': it has no "
		    "TLS, and logins are not taken in the clear",
		    SPAN_ARG(name));
		cf_help(cf, "tls { certificate \"chain.pem\"; key "
		    "\"key.pem\" }; or write that it is meant: auth none");
	}
	return true;
}

static void
check_logins(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*auth = cf_option(o, RS_OPT_LISTEN_auth);

	if (auth == NULL || auth->nplaces == 0)
		return;
	if (says(o, RS_OPT_LISTEN_auth, SPAN("offered")) ||
	    says(o, RS_OPT_LISTEN_auth, SPAN("required"))) {
		check_offered(cf, o);
		return;
	}
	if (!says(o, RS_OPT_LISTEN_auth, SPAN("none")) || warn_nobody(cf, o))
		return;
	check_idle(cf, o, RS_OPT_LISTEN_auth_clear);
	check_idle(cf, o, RS_OPT_LISTEN_mechanisms);
	check_idle(cf, o, RS_OPT_LISTEN_accounts);
}

/* Extensions. */

void
cf_near_extensions(struct cf_near *near)
{
	unsigned	 i;

	for (i = 0; i < RS_NEXTENSIONS; i++)
		cf_near_try(near, span_of(rs_extensions[i].word));
}

static void
error_extension(struct cf *cf, struct span word, struct cf_loc loc)
{
	struct cf_near	 near;

	cf_near_begin(&near, word);
	cf_near_extensions(&near);
	if (near.best.n > 0)
		cf_error(cf, loc, "no extension '%.*s'; did you mean '%.*s'?",
		    SPAN_ARG(word), SPAN_ARG(near.best));
	else
		cf_error(cf, loc, "no extension '%.*s'", SPAN_ARG(word));
}

uint32_t
cf_extensions(struct cf *cf, const struct cf_target *t)
{
	uint32_t	 set = 0;
	unsigned	 ext;

	for (; t != NULL; t = t->next) {
		ext = rs_extension_named(t->name);
		if (ext == RS_NEXTENSIONS) {
			error_extension(cf, t->name, t->loc);
			continue;
		}
		if (rs_extensions[ext].hide == RS_HIDE_NOWHERE) {
			cf_error(cf, t->loc, "'%.*s' cannot be hidden",
			    SPAN_ARG(t->name));
			cf_help(cf, "a listener does without TLS: tls none");
		} else if ((set & RS_EXT_BIT(ext)) != 0) {
			cf_error(cf, t->loc, "'%.*s' stands twice",
			    SPAN_ARG(t->name));
		}
		set |= RS_EXT_BIT(ext);
	}
	return set;
}

static void
check_hidden(struct cf *cf, const struct cf_expr *e)
{
	unsigned	 ext = rs_extension_named(e->value.s);

	if (ext == RS_NEXTENSIONS) {
		error_extension(cf, e->value.s, e->loc);
	} else if (rs_extensions[ext].hide != RS_HIDE_EVERYWHERE) {
		cf_error(cf, e->loc, "'%.*s' is not hidden, but not offered",
		    SPAN_ARG(e->value.s));
		cf_help(cf, "write: %s none", ext == RS_EXT_AUTH ? "auth" :
		    "tls");
	}
}

void
cf_door_check(struct cf *cf, const struct cf_object *o)
{
	static const enum rs_option	 lists[] = {
		RS_OPT_LISTEN_accounts, RS_OPT_LISTEN_mechanisms,
		RS_OPT_LISTEN_hide, RS_OPT_LISTEN_proxy,
		RS_OPT_LISTEN_xclient, RS_OPT_LISTEN_xforward,
		RS_OPT_LISTEN_etrn, RS_OPT_LISTEN_milters
	};
	const struct cf_set_opt		*hide;
	size_t				 i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		check_twice(cf, o, lists[i]);
	hide = cf_option(o, RS_OPT_LISTEN_hide);
	for (i = 0; hide != NULL && i < hide->nplaces; i++)
		check_hidden(cf, hide->places[i]);
	check_logins(cf, o);
}

/* Networks; their items are known when the policy is proved. */

static void
check_trusted_net(struct cf *cf, enum rs_option option,
    const struct ipnet *net, struct cf_loc loc)
{
	char	 text[IP_TEXT_MAX];

	if (!prove_net_is_wide(net))
		return;
	cf_error(cf, loc, "%s/%u is %s; who may say by '%s' which client he "
	    "speaks for may be any client", ip_format(&net->ip, text),
	    net->bits, net->bits == 0 ? "everybody" : "too wide",
	    rs_options[option].word);
	cf_help(cf, "name the hosts that stand before this server; no network "
	    "there is shorter than /8 (IPv4) or /16 (IPv6)");
}

static void
check_trusted(struct cf *cf, const struct cf_object *o, enum rs_option option)
{
	const struct cf_set_opt	*set = cf_option(o, option);
	const struct cf_expr	*e;
	struct ipnet		 net;
	size_t			 i, k;

	for (i = 0; set != NULL && i < set->nplaces; i++) {
		e = set->places[i];
		for (k = 0; e->sym != NULL && k < e->sym->n; k++)
			check_trusted_net(cf, option, &e->sym->nets[k],
			    e->loc);
		if (e->sym != NULL)
			continue;
		net = (struct ipnet){ e->value.ip, e->value.bits };
		check_trusted_net(cf, option, &net, e->loc);
	}
}

void
prove_trusted(struct cf *cf)
{
	const struct cf_object	*o;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind != RS_O_LISTEN || o->made)
			continue;	/* of a filter: prove_filters.c */
		check_trusted(cf, o, RS_OPT_LISTEN_proxy);
		check_trusted(cf, o, RS_OPT_LISTEN_xclient);
		check_trusted(cf, o, RS_OPT_LISTEN_xforward);
	}
}
