/*
 * prove_failing.c - promise 5: no 5xx because a table or server cannot be asked.
 *
 * 'Not there' and 'cannot say now' are different answers: who is refused for
 * good because a table was down has lost mail.  The one way to write it is a
 * `failing` with a refusal behind it.
 */
#include "cf/prove_int.h"

static void
check_action(struct cf *cf, const struct cf_action *a)
{
	if (a->kind != CF_A_REJECT && a->kind != CF_A_MOVED &&
	    a->kind != CF_A_DISCARD)
		return;
	cf_error(cf, a->loc, a->kind == CF_A_DISCARD ?
	    "mail would be thrown away because something cannot be asked "
	    "just now" :
	    "a refusal for good (5xx) because something cannot be asked just "
	    "now");
	cf_help(cf, "write: failing => defer 451 4.3.0; who sent it tries "
	    "again");
}

void
prove_failing(struct cf *cf)
{
	const struct cf_decl	*d;
	const struct cf_rule	*r;
	const struct cf_action	*a;

	for (d = cf->decls; d != NULL; d = d->next) {
		if (d->kind != CF_D_HOOK && d->kind != CF_D_ROUTE &&
		    d->kind != CF_D_RULESET)
			continue;
		for (r = d->rules; r != NULL; r = r->next) {
			for (a = r->failing; a != NULL; a = a->next)
				check_action(cf, a);
		}
	}
}
