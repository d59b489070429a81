/*
 * resolve_known.c - in which hooks a fact is known.
 *
 * Along the hooks of a session what is known in one is known in all after it;
 * the others each have their own rule.
 */
#include "cf/names.h"

/* `on bounce` is about a message, whose recipients have gone their ways. */
static bool
known_in_bounce(unsigned fact)
{
	return fact != RS_FACT_RCPT && fact != RS_FACT_RCPTS_COUNT &&
	    rs_facts[fact].known <= RS_HOOK_BOUNCE;
}

/* Along the session, up to its end. */
static bool
known_in_session(unsigned fact, enum rs_hook hook)
{
	/* These decide for all recipients: there is not one. */
	if (fact == RS_FACT_RCPT &&
	    (hook == RS_HOOK_DATA || hook == RS_HOOK_CONTENT))
		return false;
	return rs_facts[fact].known <= hook;
}

bool
cf_known_in(unsigned fact, enum rs_hook hook)
{
	unsigned	 known = rs_facts[fact].known;

	switch (hook) {
	case RS_HOOK_ROUTE:
		return known <= RS_HOOK_RCPT;
	case RS_HOOK_MAILBOX:
		return known <= RS_HOOK_RCPT || known == RS_HOOK_MAILBOX;
	case RS_HOOK_RELAY_BLOCK:
		return fact == RS_FACT_SENDER || fact == RS_FACT_RCPT;
	case RS_HOOK_DELIVER:
		return known <= RS_HOOK_CONTENT || known == RS_HOOK_DELIVER;
	case RS_HOOK_BOUNCE:
		return known_in_bounce(fact);
	case RS_HOOK_RELAY:
		return known <= RS_HOOK_RCPT || known == RS_HOOK_DELIVER ||
		    known == RS_HOOK_RELAY;
	case RS_HOOK_VRFY: case RS_HOOK_EXPN:
		return known <= RS_HOOK_HELO || fact == RS_FACT_RCPT;
	case RS_HOOK_REWRITE_IN_SENDER:
		return known < RS_HOOK_MAIL;
	case RS_HOOK_REWRITE_IN_RCPT: case RS_HOOK_REWRITE_IN_HEADER:
	case RS_HOOK_REWRITE_OUT_SENDER: case RS_HOOK_REWRITE_OUT_RCPT:
	case RS_HOOK_REWRITE_OUT_HEADER:
		return known <= RS_HOOK_MAIL;
	default:
		return known_in_session(fact, hook);
	}
}

static void
error_not_known(struct cf *cf, const struct cf_expr *e, const char *what,
    unsigned known, enum rs_hook hook)
{
	const char	*here = rs_hook_names[hook];

	if (hook == RS_HOOK_RELAY_BLOCK) {
		cf_error(cf, e->loc, "%s is not known in a relay block, which "
		    "knows sender, rcpt and tags", what);
		cf_help(cf, "let a tag remember it: tag NAME = ... in an "
		    "earlier hook");
	} else if (known == RS_HOOK_MAILBOX)
		cf_error(cf, e->loc, "%s is known only inside a mailbox block",
		    what);
	else if (known == RS_HOOK_DELIVER)
		cf_error(cf, e->loc, "%s is not known in '%s'; it is in 'on "
		    "deliver', 'on bounce' and 'on relay'", what, here);
	else if (hook > known && (hook == RS_HOOK_DATA ||
	    hook == RS_HOOK_CONTENT))
		cf_error(cf, e->loc, "%s is not known in '%s', which decides "
		    "for all recipients", what, here);
	else if (hook > RS_HOOK_CONTENT && e->kind > CF_E_UNKNOWN) {
		cf_error(cf, e->loc, "%s cannot stand in '%s': it is asked "
		    "while the client is there", what, here);
		cf_help(cf, "ask it in an earlier hook, and let a tag "
		    "remember the answer");
	}
	else if (hook > known || known == RS_HOOK_RELAY ||
	    known == RS_HOOK_BOUNCE)
		cf_error(cf, e->loc, "%s is not known in '%s'; it is in '%s'",
		    what, here, rs_hook_names[known]);
	else
		cf_error(cf, e->loc, "%s is not known in '%s'; it is from "
		    "'%s' on", what, here, rs_hook_names[known]);
}

void
cf_need_known(struct cf *cf, struct cf_scope *s, struct cf_expr *e,
    const char *what, unsigned known, uint32_t hooks)
{
	unsigned	 h;

	if (s->quiet) {
		cf_error(cf, e->loc, "only constants can stand here");
		return;
	}
	if (s->ruleset == NULL) {
		if ((hooks >> s->hook & 1) == 0)
			error_not_known(cf, e, what, known, s->hook);
		return;
	}
	for (h = 0; h < RS_NHOOKS; h++) {
		if ((hooks >> h & 1) == 0 && s->ruleset->bounds[h] == NULL)
			s->ruleset->bounds[h] = e;
	}
	s->ruleset->hooks &= hooks;
	if (s->ruleset->hooks == 0)
		cf_error(cf, e->loc, "there is no hook in which all that '%.*s'"
		    " names is known", SPAN_ARG(s->ruleset->name));
}

uint32_t
cf_fact_hooks(unsigned fact)
{
	uint32_t	 bits = 0;
	unsigned	 h;

	for (h = 0; h < RS_NHOOKS; h++)
		bits |= (uint32_t)cf_known_in(fact, (enum rs_hook)h) << h;
	return bits;
}
