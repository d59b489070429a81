/*
 * spf_explain.c - why a domain says that a client fails (RFC 7208, 6.2).
 *
 * Whatever goes wrong here leaves the result as it is, without a text.
 */
#include "mta/policy/spf_int.h"

static void
explanation_answered(void *arg, const struct dns_answer *a)
{
	struct spf	*s = arg;

	s->phase = SPF_OVER;
	if (a->result == DNS_FOUND && a->n == 1) {
		s->explanation = arena_span(&s->arena, a->records[0].name);
		s->phase = SPF_EXPLAINED;
	}
	spf_answered(s);
}

void
spf_ask_explanation(struct spf *s)
{
	struct span	name;

	if (spf_target(s, s->frames[0].record.exp, &name))
		spf_ask(s, DNS_TXT, name, explanation_answered);
	else if (s->phase == SPF_EXPLAIN)
		s->phase = SPF_OVER;
}

void
spf_take_explanation(struct spf *s)
{
	struct span	text = s->explanation;

	if (spf_wants_validated(text) && !spf_names_known(s))
		return;
	s->macros.domain = s->frames[0].domain;
	s->macros.validated = spf_validated(s, s->macros.domain);
	s->explanation = spf_expand_text(text, &s->macros, &s->room) ?
	    arena_span(&s->arena, buf_span(&s->room)) : SPAN_NONE;
	s->phase = SPF_OVER;
}
