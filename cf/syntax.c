/*
 * syntax.c - syntax errors in the words of the administrator.
 */
#include "cf/parser.h"
#include "cf/syntax.h"
#include "cf/types.h"

#define LISTED_MAX	7	/* expectations that are told */

static bool
is_word(const struct cf_token *tok)
{
	return (tok->kind == T_WORD || tok->kind >= T_AND) &&
	    tok->value.type == RS_T_TEXT && tok->value.s.n > 0;
}

static void
describe(const struct cf_token *tok, const char *got, struct buf *out)
{
	switch (tok->kind) {
	case 0:
		buf_add_str(out, "the file ends here");
		return;
	case T_END:
		buf_add_str(out, "the statement ends here");
		return;
	case T_TEXT_MID: case T_TEXT_TAIL:
		buf_add_str(out, "the {expression} ends here");
		return;
	case T_TEXT_HEAD:
		got = "a text";
		break;
	}
	if (is_word(tok))
		buf_addf(out, "'%.*s' cannot stand here",
		    SPAN_ARG(tok->value.s));
	else
		buf_addf(out, "%s cannot stand here", got);
}

static bool
is_quoted(const char *name)
{
	return name[0] == '\'';
}

static bool
stands_in(const char *name, const char *const *names, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* Of many that could stand here the one that ends what stands before. */
static void
list_main(const char *const *names, size_t n, struct buf *out)
{
	static const char *const	 ends[] = {
		"'=>'", "the end of the line", "'}'", "']'", "')'"
	};
	size_t				 i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (stands_in(ends[i], names, n)) {
			buf_addf(out, "; expected %s", ends[i]);
			return;
		}
	}
}

/* "; expected a, b or c"; words only where no name of one's own can stand. */
static void
list_expected(const char *const *names, size_t n, struct buf *out)
{
	const char	*shown[LISTED_MAX];
	bool		 free_name = stands_in("a name", names, n);
	size_t		 i, m = 0;

	for (i = 0; i < n; i++) {
		if (strcmp(names[i], "the end of the file") == 0 || (free_name
		    && is_quoted(names[i]) && names[i][1] >= 'a'))
			continue;
		if (m == LISTED_MAX) {
			list_main(names, n, out);
			return;
		}
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

	if (tok->kind == '=' && stands_in("'=='", names, n))
		return SPAN("==");
	cf_near_begin(&near, is_word(tok) ? tok->value.s : SPAN_NONE);
	for (i = 0; is_word(tok) && i < n; i++) {
		if (is_quoted(names[i]))
			cf_near_try(&near, (struct span){ names[i] + 1,
			    strlen(names[i]) - 2 });
	}
	return near.best;
}

/* Statements of the top within a block: its end has been forgotten. */
static bool
begins_at_top(const struct cf_parser *p)
{
	if (p->braces_before == 0)
		return false;
	switch (p->first.kind) {
	case T_ON: case T_ROUTE: case T_RULESET: case T_TEST: case T_LISTEN:
	case T_MAILBOX:
		return true;
	}
	return false;
}

/* The statement's own word is wrong, which shows only behind it. */
static bool
wrong_statement(const struct cf_parser *p)
{
	return p->before.kind == T_WORD &&
	    p->before.loc.pos == p->first.loc.pos;
}

/* An action was wanted, and its first word is none. */
static bool
wrong_action(const struct cf_parser *p, const char *const *names, size_t n)
{
	return (p->prior == T_ARROW || p->prior == ',') &&
	    is_word(&p->before) && stands_in("'['", names, n) &&
	    !stands_in("'.'", names, n);
}

static void
action_error(struct cf_parser *p)
{
	struct cf_near	 near;
	struct span	 word = p->before.value.s;

	cf_near_begin(&near, word);
	cf_action_near(&near);
	if (near.best.n > 0)
		cf_error(p->cf, p->before.loc, "'%.*s' cannot stand here; did "
		    "you mean '%.*s'?", SPAN_ARG(word), SPAN_ARG(near.best));
	else
		cf_error(p->cf, p->before.loc, "'%.*s' is no action",
		    SPAN_ARG(word));
}

void
cf_syntax_error(struct cf_parser *p, const char *got,
    const char *const *names, size_t n)
{
	const struct cf_token	*wrong = &p->now;
	struct buf		 text = { 0 };
	struct span		 best;

	cf_recover(p);
	if (p->in->scan.told && p->in->scan.told_end == wrong->loc.end)
		return;		/* the scanner has told of this token */
	if (wrong_action(p, names, n)) {
		action_error(p);
		return;
	}
	best = meant(wrong, names, n);
	if (best.n == 0 && wrong_statement(p)) {
		best = meant(&p->before, names, n);
		if (best.n > 0)
			wrong = &p->before;
	}
	describe(wrong, got, &text);
	if (best.n > 0)
		buf_addf(&text, "; did you mean '%.*s'?", SPAN_ARG(best));
	else if (wrong->kind == 0 && stands_in("'}'", names, n))
		buf_add_str(&text, "; a '}' is missing");
	else
		list_expected(names, n, &text);
	cf_error(p->cf, wrong->loc, "%s", buf_cstr(&text));
	if (begins_at_top(p))
		cf_help(p->cf, "a '}' may be missing before this");
	buf_clear(&text);
}
