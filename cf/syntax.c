/*
 * syntax.c - syntax errors in the words of the administrator.
 */
#include "cf/parser.h"
#include "cf/syntax.h"

#define LISTED_MAX	7	/* expectations that are told */

static bool
is_word(const struct cf_token *tok)
{
	return (tok->kind == T_WORD || tok->kind >= T_AND) &&
	    tok->value.type == RS_T_TEXT && tok->value.s.n > 0;
}

/* A word of the whole language is the cause: which; NULL when none is. */
static const struct cf_token *
later_word(const struct cf_parser *p)
{
	const struct cf_token	*at[3] = { &p->now, &p->before, &p->first };
	size_t			 i, n = p->braces_before == 0 ? 3 : 2;

	for (i = 0; i < n; i++) {
		if (is_word(at[i]) && cf_later(at[i]->value.s))
			return at[i];
	}
	return NULL;
}

static void
describe(const struct cf_token *tok, struct buf *out)
{
	switch (tok->kind) {
	case 0:
		buf_add_str(out, "the file ends here");
		return;
	case T_END:
		buf_add_str(out, "the statement ends here");
		return;
	case T_TEXT: case T_TEXT_HEAD:
		buf_add_str(out, "a text cannot stand here");
		return;
	case T_TEXT_MID: case T_TEXT_TAIL:
		buf_add_str(out, "the {expression} ends here");
		return;
	}
	if (is_word(tok))
		buf_addf(out, "'%.*s' cannot stand here",
		    SPAN_ARG(tok->value.s));
	else if (tok->kind > ' ' && tok->kind < 0x7f)
		buf_addf(out, "'%c' cannot stand here", tok->kind);
	else
		buf_add_str(out, "this cannot stand here");
}

static bool
is_quoted(const char *name)
{
	return name[0] == '\'';
}

/* ", expected a, b or c"; words only where no name of one's own can stand. */
static void
list_expected(const char *const *names, size_t n, struct buf *out)
{
	const char	*shown[LISTED_MAX];
	size_t		 i, m = 0;
	bool		 free_name = false;

	for (i = 0; i < n; i++)
		free_name |= strcmp(names[i], "a name") == 0;
	for (i = 0; i < n; i++) {
		if (free_name && is_quoted(names[i]) && names[i][1] >= 'a')
			continue;
		if (m == LISTED_MAX)
			return;
		shown[m++] = names[i];
	}
	for (i = 0; i < m; i++)
		buf_addf(out, "%s%s", i == 0 ? "; expected " :
		    i + 1 < m ? ", " : " or ", shown[i]);
}

/* The expected word that this one was meant to be. */
static struct span
meant(const struct cf_token *tok, const char *const *names, size_t n)
{
	struct cf_near	 near;
	size_t		 i;

	cf_near_begin(&near, is_word(tok) ? tok->value.s : SPAN_NONE);
	for (i = 0; is_word(tok) && i < n; i++) {
		if (is_quoted(names[i]))
			cf_near_try(&near, (struct span){ names[i] + 1,
			    strlen(names[i]) - 2 });
	}
	return near.best;
}

void
cf_syntax_error(struct cf_parser *p, const char *const *names, size_t n)
{
	const struct cf_token	*later = later_word(p);
	const struct cf_token	*wrong = &p->now;
	struct buf		 text = { 0 };
	struct span		 best;

	cf_recover(p);
	if (later != NULL) {
		cf_error_later(p->cf, later->loc, later->value.s);
		return;
	}
	best = meant(wrong, names, n);
	if (best.n == 0 && p->before.kind == T_WORD) {
		best = meant(&p->before, names, n);
	}
	describe(wrong, &text);
	if (best.n > 0)
		buf_addf(&text, "; did you mean '%.*s'?", SPAN_ARG(best));
	else
		list_expected(names, n, &text);
	cf_error(p->cf, wrong->loc, "%s", buf_cstr(&text));
	buf_clear(&text);
}
