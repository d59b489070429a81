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

/* Between what stands before the wrong word and that a line ends. */
static bool
ends_line(const struct cf_parser *p)
{
	struct cf_loc	 gap = { p->prior_end, p->before.loc.pos };

	return span_index(cf_source_written(p->cf, gap), '\n') >= 0;
}

static void
action_error(struct cf_parser *p)
{
	struct cf_near	 near;
	struct span	 word = p->before.value.s;
	const char	*help = cf_advice_action(word);

	cf_near_begin(&near, word);
	cf_action_near(&near);
	if (p->prior == ',' && p->prior_end == p->hidden_end)
		cf_near_extensions(&near);
	if (p->now.kind == '(') {
		cf_error(p->cf, p->before.loc, "'%.*s' is no action",
		    SPAN_ARG(word));
		cf_help(p->cf, "a ruleset '-> verdict' is applied: apply "
		    "%.*s(...)", SPAN_ARG(word));
	} else if (span_eq(near.best, word) && !span_eq(word, SPAN("allow"))) {
		cf_error(p->cf, p->before.loc, "'%.*s' wants something else "
		    "behind it", SPAN_ARG(word));
		if (help != NULL)
			cf_help(p->cf, "%s", help);
	} else if (ends_line(p)) {
		cf_error(p->cf, p->before.loc, "'%.*s' is no action; the line "
		    "before ends with %s, and goes on here", SPAN_ARG(word),
		    p->prior == ',' ? "a ','" : "'=>'");
	} else if (help != NULL) {
		cf_error(p->cf, p->before.loc, "'%.*s' is no action",
		    SPAN_ARG(word));
		cf_help(p->cf, "%s", help);
	} else if (near.best.n > 0)
		cf_error(p->cf, p->before.loc, "'%.*s' cannot stand here; did "
		    "you mean '%.*s'?", SPAN_ARG(word), SPAN_ARG(near.best));
	else
		cf_error(p->cf, p->before.loc, "'%.*s' is no action",
		    SPAN_ARG(word));
}

/* As it is written. */
static struct span
written(const struct cf_parser *p, const struct cf_token *tok)
{
	return cf_source_written(p->cf, tok->loc);
}

/* How to mend it; NULL: what was expected tells it. */
static const char *
advice(const struct cf_parser *p, const struct cf_token *wrong,
    const char *const *names, size_t n)
{
	bool	 rule = stands_in("'=>'", names, n);
	bool	 text = stands_in("a text", names, n);
	bool	 name = stands_in("a name", names, n);

	if (stands_in("'accept'", names, n) && p->before.kind == T_ARROW &&
	    !is_word(wrong))
		return "an action is wanted, as in: reject 550 5.7.1 \"why\"";
	if (wrong->kind == T_ARROW && wrong->loc.pos == p->first.loc.pos)
		return "a condition is wanted before it; for all cases "
		    "'otherwise'";
	if (rule && wrong->kind == ',')
		return "conditions are joined by 'and' and 'or'";
	if (rule && wrong->kind == '{')
		return "a rule is written: condition => action, ...";
	if (stands_in("a regular expression", names, n))
		return "write it between slashes: matches /.../";
	if (wrong->kind == T_TEXT && stands_in("a network", names, n))
		return "addresses and networks stand without quotes";
	if ((wrong->kind == T_IP || wrong->kind == T_NETWORK) && text &&
	    stands_in("a mail address", names, n))
		return "addresses and networks stand in: net NAME = { ... }";
	if (rule || wrong->loc.pos == p->first.loc.pos || wrong->kind == '/')
		return cf_advice(written(p, wrong));
	if ((n == 1 && stands_in("a rate", names, n)) ||
	    (!name && stands_in("'over'", names, n)) ||
	    (p->before.kind == T_RATES && rule))
		return "a rate is one word: rate \"name\" by client.ip over "
		    "100/1h";
	if ((n == 1 && stands_in("a time", names, n)) ||
	    p->before.kind == T_GREYLISTED)
		return "written: greylisted by client.ip/24, sender, rcpt for "
		    "5m";
	if (p->before.kind == T_EXPECT)
		return "there are expect accept, reject, defer, discard, "
		    "deliver NAME, relay NAME, mx, sender <a>, rcpt <a>, "
		    "header \"N: v\", tag t = v";
	if (p->before.kind == T_ARROW && (wrong->kind == T_ACCEPT ||
	    wrong->kind == T_REJECT || wrong->kind == T_DEFER))
		return "only a ruleset '-> verdict' acts; others give a value";
	if (!name && stands_in("'codes'", names, n))
		return "say which answers mean a listing: codes 127.0.0.2";
	if (stands_in("'{'", names, n) && wrong->kind == T_END)
		return "the '{' stands in the same line";
	if (p->before.kind == T_NOT && wrong->kind == T_WORD)
		return "write: x not in NAME, or: not (...)";
	if (is_word(wrong) && text && !stands_in("'accept'", names, n))
		return "texts and domains stand in \" quotes";
	return NULL;
}

/* The scanner has told of what makes this statement wrong. */
static bool
is_told(const struct cf_parser *p, const struct cf_token *wrong)
{
	const struct cf_scan	*sc = &p->in->scan;

	return sc->told && sc->told_end > p->first.loc.pos &&
	    sc->told_end <= wrong->loc.end;
}

void
cf_syntax_error(struct cf_parser *p, const char *got,
    const char *const *names, size_t n)
{
	const struct cf_token	*wrong = &p->now;
	struct buf		 text = { 0 };
	struct span		 best = SPAN_NONE;
	const char		*help;

	cf_recover(p);
	if (is_told(p, wrong))
		return;
	if (wrong_action(p, names, n)) {
		action_error(p);
		return;
	}
	help = advice(p, wrong, names, n);
	if (help == NULL && (!is_word(&p->before) ||
	    cf_advice(p->before.value.s) == NULL))
		best = meant(wrong, names, n);
	if (help == NULL && best.n == 0 && wrong_statement(p)) {
		help = cf_advice(p->before.value.s);
		if (help == NULL)
			best = meant(&p->before, names, n);
		if (help != NULL || best.n > 0)
			wrong = &p->before;
	}
	describe(wrong, got, &text);
	if (best.n > 0)
		buf_addf(&text, "; did you mean '%.*s'?", SPAN_ARG(best));
	else if (wrong->kind == 0 && stands_in("'}'", names, n))
		buf_add_str(&text, "; a '}' is missing");
	else if (wrong->loc.pos != p->first.loc.pos ||
	    !stands_in("'otherwise'", names, n))
		list_expected(names, n, &text);
	cf_error(p->cf, wrong->loc, "%s", buf_cstr(&text));
	if (begins_at_top(p))
		help = "a '}' may be missing before this";
	if (help != NULL)
		cf_help(p->cf, "%s", help);
	buf_clear(&text);
}
