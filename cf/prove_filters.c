/*
 * prove_filters.c - content filters: who may give mail back, that none is this
 * server itself, and that the order in which mail goes through them is one.
 *
 * What comes back has been decided already, so it passes no hook: the listener
 * for it takes mail to anywhere, and may be open to nobody else.
 */
#include "cf/prove_int.h"

static void
check_net(struct cf *cf, const struct cf_object *filter,
    const struct ipnet *net, struct cf_loc loc)
{
	char	 text[IP_TEXT_MAX];

	if (!prove_net_is_wide(net))
		return;
	cf_error(cf, loc, net->bits == 0 ? "%s/%u is everybody; what comes "
	    "back from a filter is asked nothing" : "%s/%u is too wide; "
	    "what comes back from a filter is asked nothing",
	    ip_format(&net->ip, text), net->bits);
	cf_help(cf, "'from' of filter '%.*s' names the filter's own address",
	    SPAN_ARG(filter->name));
}

static void
check_from(struct cf *cf, const struct cf_object *filter)
{
	const struct cf_set_opt	*from = cf_option(filter, RS_OPT_FILTER_from);
	const struct cf_expr	*e;
	struct ipnet		 net;
	size_t			 i, k;

	for (i = 0; from != NULL && i < from->nplaces; i++) {
		e = from->places[i];
		for (k = 0; e->sym != NULL && k < e->sym->n; k++)
			check_net(cf, filter, &e->sym->nets[k], e->loc);
		if (e->sym != NULL || e->kind != CF_E_CONST)
			continue;
		net = (struct ipnet){ e->value.ip, e->value.bits };
		check_net(cf, filter, &net, e->loc);
	}
}

static bool
is_before(const struct cf *cf, const struct cf_object *a,
    const struct cf_object *b)
{
	const struct cf_object	*o;

	for (o = cf->objects; o != NULL && o != a; o = o->next) {
		if (o == b)
			return false;
	}
	return a != b;
}

/* One list of actions: each filter is declared behind the one before. */
static void
check_order(struct cf *cf, const struct cf_action *a)
{
	const struct cf_sym	*before = NULL;

	for (; a != NULL; a = a->next) {
		if (a->kind != CF_A_FILTER || a->sym == NULL)
			continue;
		if (before != NULL && a->sym == before)
			cf_error(cf, a->name_loc, "mail goes through '%.*s' "
			    "once", SPAN_ARG(a->name));
		else if (before != NULL && is_before(cf,
		    a->sym->object, before->object)) {
			cf_error(cf, a->name_loc, "'%.*s' is declared before "
			    "'%.*s', so what has come back from '%.*s' never "
			    "goes there", SPAN_ARG(a->sym->name),
			    SPAN_ARG(before->name), SPAN_ARG(before->name));
			cf_help(cf, "mail goes through filters in the order "
			    "in which they are declared");
		}
		before = a->sym;
	}
}

void
prove_filters(struct cf *cf)
{
	const struct cf_object	*o;
	const struct cf_decl	*d;
	const struct cf_rule	*r;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind == RS_O_FILTER)
			check_from(cf, o);
	}
	for (d = cf->decls; d != NULL; d = d->next) {
		if (d->kind != CF_D_ROUTE && d->kind != CF_D_RULESET)
			continue;
		for (r = d->rules; r != NULL; r = r->next) {
			check_order(cf, r->actions);
			check_order(cf, r->failing);
		}
	}
}
