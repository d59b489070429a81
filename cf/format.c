/*
 * format.c - `waybill fmt`: the one way to lay out a policy.
 *
 * It works on tokens, so that a text need not be a whole policy.  Lines stay
 * as they are divided, for a line's end has a meaning; what changes are blanks:
 * four for each open brace, four more where a line goes on, one between
 * tokens; of lines that follow each other the arrows of rules, and the values
 * of options, stand below each other.  Comments and single blank lines are
 * kept.
 */
#include "base/xalloc.h"
#include "cf/format.h"
#include "cf/include.h"
#include "cf/parser.h"

#include <stdlib.h>

#define INDENT		4
#define DEPTH_MAX	64	/* braces whose kind is remembered */
#define OPTION_WORDS	3	/* of one option, as in `auth in clear` */
#define ALIGN_MAX	40	/* octets before what is aligned; longer stays */

/* What an open brace holds. */
enum holds { RULES, OPTIONS, ITEMS, STEPS };

struct line {
	struct buf	 text;		/* without indentation and comment */
	struct span	 comment;	/* from its '#' on; empty: none */
	unsigned	 indent;	/* in steps */
	size_t		 mark;		/* offset of what is aligned; or NO_MARK */
	unsigned	 ntokens;
};

#define NO_MARK	SIZE_MAX

struct format {
	struct cf	*cf;
	struct cf_input	*in;
	struct span	 source;
	size_t		 end;		/* of the token before */
	struct cf_token	 tok;
	struct span	 written;	/* the token */

	struct line	*lines;
	size_t		 nlines, cap;
	unsigned	 braces, brackets;
	enum holds	 holds[DEPTH_MAX];
	int		 statement;	/* kind of its first token, at the top */
	int		 last;		/* kind of the token before; 0: none */
	int		 ended;		/* kind that ended the line before */
	unsigned	 from;		/* braces at the front of the line */
};

static struct line *
line_now(struct format *f)
{
	return &f->lines[f->nlines - 1];
}

static void
line_begin(struct format *f)
{
	if (f->nlines == f->cap) {
		f->cap = f->cap * 2 + 64;
		f->lines = xreallocarray(f->lines, f->cap, sizeof(*f->lines));
	}
	memset(&f->lines[f->nlines++], 0, sizeof(*f->lines));
	line_now(f)->mark = NO_MARK;
	line_now(f)->indent = f->braces;
	f->last = 0;
}

/* Blanks and a comment before the next token; a line's end is a token. */
static void
skip_gap(struct format *f)
{
	struct span	 rest;
	ptrdiff_t	 eol;

	for (; f->end < f->source.n; f->end++) {
		rest = span_from(f->source, f->end);
		if (rest.p[0] == '#') {
			eol = span_index(rest, '\n');
			rest.n = eol < 0 ? rest.n : (size_t)eol;
			f->end += rest.n;
			line_now(f)->comment = span_trim(rest);
			return;
		}
		if (rest.p[0] != ' ' && rest.p[0] != '\t' &&
		    (f->last != T_MATCHES || (rest.p[0] != '\n' &&
		    rest.p[0] != '\r')))
			return;
	}
}

/* The next token; a text with expressions is one.  False: the end. */
static bool
next(struct format *f)
{
	size_t	 from;

	skip_gap(f);
	from = f->end;
	memset(&f->tok, 0, sizeof(f->tok));
	do {
		f->tok.kind = cf_scan_token(&f->tok, &f->in->scan,
		    f->in->scanner);
	} while (f->in->scan.nesting > 0 && f->tok.kind != 0);
	f->end = f->in->scan.pos;
	f->written = (struct span){ f->source.p + from, f->end - from };
	return f->tok.kind != 0;
}

/* Words that can be names; those that never are come between. */
static bool
is_name(int kind)
{
	return kind == T_WORD || kind >= T_ADD;
}

static bool
wants_blank(const struct format *f)
{
	int	 kind = f->tok.kind;

	switch (f->last) {
	case 0: case '(': case '[': case '.': case '/':
		return false;
	}
	switch (kind) {
	case ')': case ']': case ',': case ';': case ':': case '.': case '[':
		return false;
	case '/':	/* an address and its bits would be a network */
		return f->last == T_IP;
	case '(':
		return !is_name(f->last);
	}
	return true;
}

/* What the innermost open brace holds; at the top: rules, which have arrows. */
static enum holds
holds(const struct format *f)
{
	if (f->braces == 0 || f->braces > DEPTH_MAX)
		return RULES;
	return f->holds[f->braces - 1];
}

/* Whether the line goes on with what the one before has begun. */
static bool
is_continued(const struct format *f)
{
	if (f->brackets > 0)
		return true;
	if (f->ended == 0 || f->ended == '{' || f->tok.kind == '}')
		return false;
	if (f->ended == ',' && holds(f) == ITEMS)
		return false;
	return cf_goes_on_after(f->ended) || cf_goes_on_before(f->tok.kind);
}

static void
open_brace(struct format *f)
{
	enum holds	 what = OPTIONS;

	switch (f->statement) {
	case T_ON: case T_ROUTE: case T_RULESET: case T_REWRITE:
		what = RULES;
		break;
	case T_TEST:
		what = STEPS;
		break;
	}
	if (f->last == '=')
		what = ITEMS;
	if (f->braces < DEPTH_MAX)
		f->holds[f->braces] = what;
	f->braces++;
}

static void
count(struct format *f)
{
	switch (f->tok.kind) {
	case '{':
		open_brace(f);
		break;
	case '}':
		f->braces -= f->braces > 0;
		f->brackets = 0;
		break;
	case '(': case '[':
		f->brackets++;
		break;
	case ')': case ']':
		f->brackets -= f->brackets > 0;
		break;
	}
}

/* These are the words of an option, or with `more` the first of them. */
static bool
is_option_words(struct span words, bool more)
{
	struct span	 word;
	unsigned	 i;

	for (i = 0; i < RS_NOPTIONS; i++) {
		word = span_of(rs_options[i].word);
		if (span_eq(word, words) || (more && word.n > words.n &&
		    span_prefix(word, words) && word.p[words.n] == ' '))
			return true;
	}
	return false;
}

/* Behind the option's word, or words: `client certificates asked`. */
static bool
is_value(const struct format *f, const struct line *l)
{
	struct span	 before = span_trim(buf_span(&l->text));
	struct buf	 words = { 0 };
	bool		 goes_on;

	if (l->ntokens == 0 || l->ntokens > OPTION_WORDS ||
	    !is_name(f->last) || f->last == T_FOR || f->tok.kind == '}' ||
	    (l->ntokens > 1 && !is_option_words(before, false)))
		return false;
	buf_addf(&words, "%.*s %.*s", SPAN_ARG(before), SPAN_ARG(f->written));
	goes_on = is_option_words(buf_span(&words), true);
	buf_clear(&words);
	return !goes_on;
}

/* A rule's arrow; an option's value: not in a block within the line. */
static bool
is_mark(const struct format *f, const struct line *l)
{
	if (f->braces != f->from || l->mark != NO_MARK)
		return false;
	return f->tok.kind == T_ARROW ||
	    (holds(f) == OPTIONS && is_value(f, l));
}

static void
add_token(struct format *f)
{
	struct line	*l = line_now(f);

	if (l->text.n == 0) {
		l->indent = f->braces + is_continued(f) -
		    (f->tok.kind == '}' && f->braces > 0);
		f->from = f->braces;
		if (f->braces == 0)
			f->statement = f->tok.kind;
	}
	if (wants_blank(f))
		buf_add_char(&l->text, ' ');
	if (is_mark(f, l))
		l->mark = l->text.n;
	l->ntokens++;
	buf_add_span(&l->text, f->written);
	count(f);
	f->last = f->tok.kind;
	f->ended = f->tok.kind;
}

/* Writing the lines. */

static bool
is_blank(const struct line *l)
{
	return l->text.n == 0 && l->comment.n == 0;
}

/* The lines from `from` on that belong together; their column in *column. */
static size_t
run_of(const struct format *f, size_t from, size_t *column)
{
	const struct line	*l;
	size_t			 i;

	*column = 0;
	for (i = from; i < f->nlines; i++) {
		l = &f->lines[i];
		if (l->mark == NO_MARK || l->indent != f->lines[from].indent)
			break;
		if (l->mark <= ALIGN_MAX && l->mark > *column)
			*column = l->mark;
	}
	return i - from;
}

static void
write_line(const struct line *l, size_t column, struct buf *out)
{
	struct span	 text = buf_span(&l->text);
	size_t		 mark = l->mark == NO_MARK ? 0 : l->mark, i;

	for (i = 0; i < (size_t)l->indent * INDENT && !is_blank(l); i++)
		buf_add_char(out, ' ');
	buf_add(out, text.p, mark);
	for (i = mark; mark > 0 && i < column; i++)
		buf_add_char(out, ' ');
	buf_add_span(out, span_from(text, mark));
	if (l->comment.n > 0)
		buf_addf(out, "%s%.*s", text.n > 0 ? "  " : "",
		    SPAN_ARG(l->comment));
	buf_add_char(out, '\n');
}

/* A blank line is kept where it divides: not after '{', before '}', twice. */
static bool
is_left_out(const struct format *f, size_t i)
{
	struct span	 before, after;

	if (!is_blank(&f->lines[i]))
		return false;
	if (i + 1 >= f->nlines || is_blank(&f->lines[i + 1]))
		return true;
	before = i > 0 ? buf_span(&f->lines[i - 1].text) : SPAN_NONE;
	after = buf_span(&f->lines[i + 1].text);
	return (before.n > 0 && before.p[before.n - 1] == '{') ||
	    (after.n > 0 && after.p[0] == '}');
}

static void
write_lines(const struct format *f, struct buf *out)
{
	size_t	 i, run = 0, column = 0;

	for (i = 0; i < f->nlines; i++) {
		if (is_left_out(f, i) || (out->n == 0 &&
		    is_blank(&f->lines[i])))
			continue;
		if (run == 0)
			run = run_of(f, i, &column);
		write_line(&f->lines[i], column, out);
		run -= run > 0;
	}
}

static void
read_lines(struct format *f)
{
	line_begin(f);
	while (next(f)) {
		if (f->tok.kind == T_NEWLINE)
			line_begin(f);
		else
			add_token(f);
	}
}

static void
check_braces(const struct format *f)
{
	uint32_t	 end = (uint32_t)f->source.n;

	if (f->braces > 0)
		cf_error(f->cf, (struct cf_loc){ end, end },
		    "the file ends here; a '}' is missing");
}

void
cf_format(struct cf *cf, struct buf *out)
{
	struct format	 f = { .cf = cf, .source = cf->sources->text };
	size_t		 i;

	if ((f.in = cf_input_open(cf, f.source, 0, NULL)) == NULL)
		return;
	read_lines(&f);
	check_braces(&f);
	if (cf->nerrors == 0)
		write_lines(&f, out);
	for (i = 0; i < f.nlines; i++)
		buf_clear(&f.lines[i].text);
	free(f.lines);
	(void)cf_input_close(f.in);
}
