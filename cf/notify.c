/*
 * notify.c - the block `notify`: classes, languages, and templates, whose
 * texts are read and checked here, so that the image has them.
 */
#include "cf/listen.h"
#include "cf/literal.h"
#include "mail/dsn_text.h"

#include <errno.h>

static const char *const classes[] = {
	"none", "double", "failed", "delayed", "resource", "software",
	"policy", "protocol"
};

static void
check_class(struct cf *cf, const struct cf_expr *e, size_t n)
{
	struct cf_near	near;
	size_t		i;

	cf_near_begin(&near, e->value.s);
	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		cf_near_try(&near, span_of(classes[i]));
		if (!span_eq(e->value.s, span_of(classes[i])))
			continue;
		if (i == 0 && n > 1)
			cf_error(cf, e->loc, "'none' stands alone");
		return;
	}
	if (near.best.n > 0)
		cf_error(cf, e->loc, "no class '%.*s'; did you mean '%.*s'?",
		    SPAN_ARG(e->value.s), SPAN_ARG(near.best));
	else
		cf_error(cf, e->loc, "no class '%.*s'; there are double, "
		    "failed, delayed, resource, software, policy, protocol",
		    SPAN_ARG(e->value.s));
}

static void
check_classes(struct cf *cf, const struct cf_set_opt *set)
{
	size_t	i, k;

	for (i = 0; set != NULL && i < set->nplaces; i++) {
		check_class(cf, set->places[i], set->nplaces);
		for (k = 0; k < i; k++)
			if (span_eq(set->places[k]->value.s,
			    set->places[i]->value.s))
				cf_error(cf, set->places[i]->loc,
				    "'%.*s' stands twice",
				    SPAN_ARG(set->places[i]->value.s));
	}
}

/* RFC 5646, 2.1, as far as a name of a text needs it. */
static bool
is_language(struct span s)
{
	size_t	i;

	if (s.n < 2 || s.n > DSN_LANGUAGE_MAX)
		return false;
	for (i = 0; i < s.n; i++) {
		char	c = ascii_lower(s.p[i]);

		if ((c < 'a' || c > 'z') && (i < 2 || ((c < '0' || c > '9') &&
		    (c != '-' || i + 1 == s.n))))
			return false;
	}
	return true;
}

/* What a template holds, and where it is wrong. */
static void
read_text(struct cf *cf, struct cf_expr *e)
{
	struct cf_source	*s = cf_source_read(cf, e->value.s, 1);
	struct dsn_mistake	 m;

	e->name = SPAN_NONE;
	if (s == NULL) {
		cf_error(cf, e->loc, "'%.*s' cannot be read: %s",
		    SPAN_ARG(e->value.s), strerror(errno));
		return;
	}
	e->name = s->text;
	e->value.s = span_of(s->full);
	if (!dsn_text_check(s->text, &m))
		cf_error_at(cf, s, m.line, m.column, m.column, "%s", m.what);
}

static void
check_text(struct cf *cf, const struct cf_object *o,
    const struct cf_set_opt *set)
{
	const struct cf_set_opt	*other;
	struct cf_expr		**at = set->places;

	if (dsn_text_kind(at[0]->value.s) == DSN_NTEXTS)
		cf_error(cf, at[0]->loc, "no text '%.*s'; there are failed, "
		    "delayed, arrived and postmaster",
		    SPAN_ARG(at[0]->value.s));
	if (!is_language(at[1]->value.s))
		cf_error(cf, at[1]->loc, "'%.*s' is no language, as de is, or "
		    "fr", SPAN_ARG(at[1]->value.s));
	for (other = o->opts; other != set; other = other->next)
		if (other->option == set->option && other->nplaces == 3 &&
		    span_eq(other->places[0]->value.s, at[0]->value.s) &&
		    span_ieq(other->places[1]->value.s, at[1]->value.s))
			cf_error(cf, set->loc, "this text stands twice; the "
			    "first is in %s", cf_where(cf, other->loc,
			    set->loc));
	read_text(cf, at[2]);
}

/* Of a language without any text the default would say nothing. */
static void
check_language(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = cf_option(o, RS_OPT_NOTIFY_language);
	const struct cf_set_opt	*text;
	struct span		 wanted;

	if (set == NULL || set->nplaces == 0)
		return;
	wanted = set->places[0]->value.s;
	if (dsn_text_builtin(DSN_TEXT_FAILED, wanted).n > 0)
		return;
	for (text = o->opts; text != NULL; text = text->next)
		if (text->option == RS_OPT_NOTIFY_text && text->nplaces == 3 &&
		    dsn_language_fits(text->places[1]->value.s, wanted))
			return;
	cf_error(cf, set->places[0]->loc, "there is no text in '%.*s'",
	    SPAN_ARG(wanted));
	cf_help(cf, "write: text failed %.*s \"FILE\"; in en and de there "
	    "are texts already", SPAN_ARG(wanted));
}

/* <postmaster> without a domain is he of this server. */
static void
check_postmaster(struct cf *cf, const struct cf_set_opt *set)
{
	struct rs_value	 address;
	const char	*why;

	if (set == NULL || set->nplaces == 0 ||
	    span_ieq(set->places[0]->value.s, SPAN("postmaster")))
		return;
	if (!cf_lit_address(cf, set->places[0]->value.s, &address, &why))
		cf_error(cf, set->places[0]->loc, "'%.*s' is no address: %s",
		    SPAN_ARG(set->places[0]->value.s), why);
}

void
cf_notify_check(struct cf *cf, struct cf_object *o)
{
	const struct cf_set_opt	*set;

	check_classes(cf, cf_option(o, RS_OPT_NOTIFY_tell));
	check_postmaster(cf, cf_option(o, RS_OPT_NOTIFY_postmaster));
	for (set = o->opts; set != NULL; set = set->next)
		if (set->option == RS_OPT_NOTIFY_text && set->nplaces == 3)
			check_text(cf, o, set);
	check_language(cf, o);
}

#define WARNS_MAX	16	/* as the queue has it */

void
cf_warn_check(struct cf *cf, const struct cf_set_opt *set)
{
	size_t	i;

	if (set != NULL && set->nplaces > WARNS_MAX)
		cf_error(cf, set->loc, "'warn' takes %d times", WARNS_MAX);
	for (i = 0; set != NULL && i < set->nplaces; i++) {
		const struct cf_expr	*e = set->places[i];

		if (e->kind != CF_E_CONST)
			continue;
		if (e->value.i < 0 && set->nplaces > 1)
			cf_error(cf, e->loc, "'never' stands alone");
		else if (i > 0 && e->value.i <= set->places[i - 1]->value.i)
			cf_error(cf, e->loc, "each time of 'warn' is longer "
			    "than the one before");
	}
}
