/*
 * rewrite.c - blocks that rewrite addresses: which directions and targets there
 * are, and what may stand in them.
 *
 * A block becomes a function for each of its targets; of a direction and target
 * there is one block, read from the top, as with hooks.
 */
#include "cf/names.h"

/* The hook of `rewrite DIRECTION TARGET`; RS_NHOOKS: there is none. */
static enum rs_hook
hook_of(struct span direction, struct span target)
{
	struct span	 name;
	unsigned	 h;

	for (h = RS_HOOK_REWRITE_IN_SENDER; h < RS_NHOOKS; h++) {
		name = span_from(span_of(rs_hook_names[h]),
		    strlen("rewrite "));
		if (name.n == direction.n + 1 + target.n &&
		    span_prefix(name, direction) &&
		    span_eq(span_from(name, direction.n + 1), target))
			break;
	}
	return (enum rs_hook)h;
}

static void
error_no_target(struct cf *cf, const struct cf_target *t)
{
	static const char *const	 targets[] = {
		"sender", "rcpt", "header"
	};
	struct cf_near			 near;
	size_t				 i;

	cf_near_begin(&near, t->name);
	for (i = 0; i < 3; i++)
		cf_near_try(&near, span_of(targets[i]));
	if (near.best.n > 0)
		cf_error(cf, t->loc, "no '%.*s' to rewrite; did you mean "
		    "'%.*s'?", SPAN_ARG(t->name), SPAN_ARG(near.best));
	else
		cf_error(cf, t->loc, "no '%.*s' to rewrite; there are sender, "
		    "rcpt and header", SPAN_ARG(t->name));
}

void
cf_rewrite_declare(struct cf *cf, struct cf_decl *d)
{
	const struct cf_target	*t;
	struct cf_decl		**slot;
	enum rs_hook		 hook;

	for (t = d->targets; t != NULL; t = t->next) {
		hook = hook_of(d->name, t->name);
		if (hook == RS_NHOOKS) {
			error_no_target(cf, t);
			continue;
		}
		slot = &cf->rewrites[hook];
		if (*slot == NULL) {
			*slot = d;
			continue;
		}
		cf_error(cf, t->loc, "'%s' stands twice; the first is in %s",
		    rs_hook_names[hook], cf_where(cf, (*slot)->loc, t->loc));
		cf_help(cf, "a rewriting is one block, read from the top: the "
		    "first pattern that matches counts");
	}
}
