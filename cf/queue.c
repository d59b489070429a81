/*
 * queue.c - the blocks `queue` and `queue for ...`: whom they are for, and what
 * their values must be.
 */
#include "cf/listen.h"
#include "cf/relay.h"
#include "cf/names.h"
#include "cf/places.h"

#define RECIPIENTS_MAX	1000	/* of one transaction: mta/queue/schedule.h */
#define WAITS_MAX	16	/* of one list: mta/queue/terms.h */

bool
cf_queue_is_of_hop(enum rs_option option)
{
	switch (option) {
	case RS_OPT_QUEUE_lifetime:
	case RS_OPT_QUEUE_lifetime_connect:
	case RS_OPT_QUEUE_lifetime_full:
	case RS_OPT_QUEUE_retry:
	case RS_OPT_QUEUE_retry_connect:
	case RS_OPT_QUEUE_retry_greylisted:
	case RS_OPT_QUEUE_retry_full:
	case RS_OPT_QUEUE_concurrency:
	case RS_OPT_QUEUE_start:
	case RS_OPT_QUEUE_recipients:
	case RS_OPT_QUEUE_per_connection:
	case RS_OPT_QUEUE_fallback:
	case RS_OPT_QUEUE_fallback_after:
		return true;
	default:
		return false;
	}
}

/* Whom it is for. */

void
cf_queue_whom(struct cf *cf, struct cf_expr *all, struct cf_exprs *domains,
    struct cf_exprs *relays)
{
	struct cf_expr	*e, *next;
	bool		 comma;

	for (e = all; e != NULL; e = next) {
		next = e->next;
		comma = e->comma;
		if (e != all && !comma)
			cf_error(cf, e->loc, "a comma belongs between the "
			    "destinations of 'queue for'");
		if (!cf_is_word(e, SPAN("relay")) || next == NULL ||
		    next->comma) {
			e->next = NULL;
			*domains = cf_comma(*domains, e);
			continue;
		}
		e = next;
		next = e->next;
		e->next = NULL;
		*relays = cf_comma(*relays, e);
	}
}

/* The same destination, as far as it can be seen. */
static bool
is_same(const struct cf_expr *a, const struct cf_expr *b)
{
	if (a->sym != NULL || b->sym != NULL)
		return a->sym == b->sym;
	return span_eq(a->value.s, b->value.s);
}

static const struct cf_expr *
find_same(const struct cf_object *o, enum rs_option option,
    const struct cf_expr *e)
{
	const struct cf_set_opt	*set = cf_option(o, option);
	size_t			 i;

	for (i = 0; set != NULL && i < set->nplaces; i++) {
		if (set->places[i] == e)
			break;
		if (is_same(set->places[i], e))
			return set->places[i];
	}
	return NULL;
}

/* What an earlier block, or this one, has named already. */
static void
check_twice(struct cf *cf, const struct cf_object *o, enum rs_option option)
{
	const struct cf_set_opt	*set = cf_option(o, option);
	const struct cf_expr	*e, *first = NULL;
	const struct cf_object	*other;
	size_t			 i;

	for (i = 0; set != NULL && i < set->nplaces; i++) {
		e = set->places[i];
		for (other = cf->objects; other != o->next && first == NULL;
		    other = other->next)
			if (other->kind == RS_O_QUEUE)
				first = find_same(other, option, e);
		if (first == NULL)
			continue;
		cf_error(cf, e->loc, "this has terms already, in %s: the first "
		    "block would count", cf_where(cf, first->loc, e->loc));
		first = NULL;
	}
}

/* Values. */

static void
check_most(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = cf_option(o, RS_OPT_QUEUE_recipients);

	if (set != NULL && set->nplaces > 0 &&
	    set->places[0]->value.i > RECIPIENTS_MAX)
		cf_error(cf, set->places[0]->loc, "one transaction has at most "
		    "%d recipients", RECIPIENTS_MAX);
	for (set = o->opts; set != NULL; set = set->next)
		if (rs_options[set->option].repeat == RS_OPT_LIST &&
		    rs_options[set->option].places[0] == 'd' &&
		    set->nplaces > WAITS_MAX)
			cf_error(cf, set->places[WAITS_MAX]->loc, "'%s' takes "
			    "at most %d times", rs_options[set->option].word,
			    WAITS_MAX);
}

static void
check_fallback(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*fall = cf_option(o, RS_OPT_QUEUE_fallback);
	const struct cf_set_opt	*relays = cf_option(o,
				    RS_OPT_QUEUE_for_relays);
	size_t			 i;

	if (fall == NULL || fall->nplaces == 0)
		return;
	if (fall->places[0]->sym->object != NULL &&
	    cf_relay_needs_route(fall->places[0]->sym->object)) {
		cf_error(cf, fall->places[0]->loc, "relay '%.*s' cannot be a "
		    "fallback: where it leads is computed for each message, by "
		    "route", SPAN_ARG(fall->places[0]->sym->name));
		cf_help(cf, "name a block whose hosts, login, source and helo "
		    "are constants");
	}
	for (i = 0; relays != NULL && i < relays->nplaces; i++)
		if (relays->places[i]->sym == fall->places[0]->sym)
			cf_error(cf, fall->places[0]->loc, "relay '%.*s' "
			    "cannot be its own fallback",
			    SPAN_ARG(fall->places[0]->sym->name));
}

void
cf_queue_check(struct cf *cf, const struct cf_object *o)
{
	check_twice(cf, o, RS_OPT_QUEUE_for_domains);
	check_twice(cf, o, RS_OPT_QUEUE_for_relays);
	check_most(cf, o);
	check_fallback(cf, o);
}
