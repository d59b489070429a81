/*
 * programs.c - `listen programs`: mail from programs of this machine.
 *
 * It is there without being written, since every machine has programs that
 * send mail; `listen programs none` is how it is not.  It has no address: the
 * socket stands in the spool's folder, where the program `sendmail` finds it.
 */
#include "cf/listen.h"
#include "cf/literal.h"

static bool
is_own(enum rs_option option)
{
	return option == RS_OPT_LISTEN_domain ||
	    option == RS_OPT_LISTEN_drop_files ||
	    option == RS_OPT_LISTEN_drop_octets;
}

/* What goes with any kind of listener. */
static bool
is_common(enum rs_option option)
{
	return option == RS_OPT_LISTEN_kind ||
	    option == RS_OPT_LISTEN_hide || option == RS_OPT_LISTEN_milters;
}

static void
check_name(struct cf *cf, const struct cf_object *o)
{
	const struct cf_object	*other;

	if (!span_eq(o->name, SPAN("programs")) &&
	    !span_eq(o->name, SPAN("none"))) {
		cf_error(cf, o->loc, "'listen programs' has no name of its "
		    "own");
		cf_help(cf, "as in: listen programs, listen programs none");
	}
	for (other = cf->objects; other != o; other = other->next) {
		if (other->kind != RS_O_LISTEN ||
		    !cf_listener_is(other, "programs"))
			continue;
		cf_error(cf, o->loc, "'listen programs' stands already in %s",
		    cf_where(cf, other->loc, o->loc));
		return;
	}
}

static void
check_domain(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = cf_option(o, RS_OPT_LISTEN_domain);
	struct rs_value		 v;
	const char		*why;

	if (set == NULL || set->nplaces == 0 ||
	    cf_lit_domain(cf, set->places[0]->value.s, &v, &why))
		return;
	cf_error(cf, set->places[0]->loc, "'%.*s' is no domain: %s",
	    SPAN_ARG(set->places[0]->value.s), why);
}

void
cf_programs_check(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set;
	bool			 none = span_eq(o->name, SPAN("none"));

	check_name(cf, o);
	for (set = o->opts; set != NULL; set = set->next) {
		if (set->option == RS_OPT_LISTEN_kind || set->is_default)
			continue;
		if (none)
			cf_error(cf, set->loc, "'listen programs none' takes "
			    "nothing, so '%s' says nothing",
			    rs_options[set->option].word);
		else if (set->option == RS_OPT_LISTEN_on) {
			cf_error(cf, set->loc, "'listen programs' has no "
			    "address: its socket stands in the spool's "
			    "folder");
			cf_help(cf, "as in: listen programs { domain "
			    "\"example.org\" }");
		} else if (!is_own(set->option) && !is_common(set->option))
			cf_error(cf, set->loc, "'%s' has nothing to say where "
			    "programs of this machine send",
			    rs_options[set->option].word);
	}
	check_domain(cf, o);
}

void
cf_programs_check_others(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set;

	for (set = o->opts; set != NULL; set = set->next) {
		if (is_own(set->option))
			cf_error(cf, set->loc, "'%s' stands only in 'listen "
			    "programs'", rs_options[set->option].word);
	}
}
