/*
 * interp_match.c - regular expressions and patterns of addresses, what they
 * capture, and conditions on one of several header fields or items.
 *
 * A match that was given up at a limit is unknown, softly: the rule is not
 * taken.  After a few of them an evaluation tries no more, so that a message
 * made for the purpose cannot cost the limit once for each rule.
 */
#include "base/regex.h"
#include "ruleset/interp_int.h"
#include "ruleset/pattern.h"

#define GIVEN_UP_MAX	3	/* matches of one evaluation */

/* A match had to be given up; the first one is told. */
static struct rs_value
give_up(struct rs_eval *ev, const char *what, struct span text)
{
	if (ev->given_up++ == 0)
		do_alarm(ev, arena_printf(&ev->arena, "%s %.*s takes too much",
		    what, SPAN_ARG(text)));
	return rs_unknown(RS_WHY_SOFT);
}

static void
keep_captures(struct rs_eval *ev, struct frame *f, const struct regex *regex,
    uint32_t pattern, const struct span *groups, unsigned n, bool tainted)
{
	struct captures	*c = arena_alloc(&ev->arena, sizeof(*c) +
	    n * sizeof(c->groups[0]));

	c->regex = regex;
	c->pattern = pattern;
	c->tainted = tainted;
	c->n = n;
	memcpy(c->groups, groups, n * sizeof(c->groups[0]));
	f->captures = c;
}

/*
 * Regular expressions.
 */

/* Nothing, and an empty domain or address of a host, match nothing. */
static bool
is_subject(const struct rs_value *v)
{
	return v->type == RS_T_ADDRESS || !rs_is_void(v);
}

static struct rs_value
match(struct rs_eval *ev, struct frame *f, uint32_t number,
    const struct rs_value *v)
{
	const struct regex	*re = ev->im->regexes[number];
	struct span		 groups[REGEX_GROUPS_MAX];
	unsigned		 n;

	if (v->type == RS_T_UNKNOWN)
		return *v;
	if (!is_subject(v))
		return rs_bool(false);
	if (ev->given_up >= GIVEN_UP_MAX)
		return rs_unknown(RS_WHY_SOFT);
	if (!has_room(ev, 0))
		return rs_unknown(RS_WHY_TABLE);
	switch (regex_match(re, rs_format(v, &ev->arena), groups, &n)) {
	case REGEX_NO:
		return rs_bool(false);
	case REGEX_TOO_MUCH:
		return give_up(ev, "the expression", rs_string(ev->im,
		    rs_regex(ev->im, number)->text));
	default:
		keep_captures(ev, f, re, 0, groups, n, v->tainted);
		return rs_bool(true);
	}
}

enum next
do_match(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	const struct rs_value	*v = &f->r[in->b];
	struct rs_value		 result = match(ev, f, in->c, v);

	note(ev, RS_STEP_MATCH, in->c, here(ev, f), v, &result);
	f->r[in->a] = result;
	return NEXT;
}

/*
 * Patterns.
 */

static enum rs_answer
table_has(void *ctx, uint32_t map, const struct rs_value *key)
{
	struct rs_eval	*ev = ctx;
	struct rs_value	 v = rs_empty(RS_T_NONE);
	uint32_t	 line;
	enum rs_answer	 answer = get_map(ev, map, key, &v, &line);

	if (answer == RS_HAVE && v.type == RS_T_NONE)
		return RS_ABSENT;
	return answer == RS_HAVE && v.type == RS_T_UNKNOWN ? RS_CANNOT : answer;
}

/* The whole, then what the pattern's names have taken, in their order. */
static void
keep_names(struct rs_eval *ev, struct frame *f, uint32_t number,
    const struct rs_value *v, const struct span *taken)
{
	const struct rs_pattern	*p = rs_pattern(ev->im, number);
	struct span		 groups[RS_PATTERN_TOKENS + 1] = { v->s };
	unsigned		 n = 1;

	for (uint32_t i = 0; i < p->n; i++) {
		unsigned	kind = rs_token(ev->im, p->first + i)->kind;

		if (kind != RS_TOK_TEXT && kind != RS_TOK_AT)
			groups[n++] = taken[i];
	}
	keep_captures(ev, f, NULL, number, groups, n, v->tainted);
}

enum next
do_like(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	struct rs_like_tables	 tables = { table_has, ev };
	const struct rs_value	*v = &f->r[in->b];
	struct rs_value		 address = *v, result = rs_bool(false);
	struct span		 taken[RS_PATTERN_TOKENS];
	enum rs_like		 like = RS_LIKE_NO;

	if (v->type == RS_T_UNKNOWN)
		result = *v;
	else if (!has_room(ev, 0))
		result = rs_unknown(RS_WHY_TABLE);
	else if (v->type == RS_T_ADDRESS || (v->type == RS_T_TEXT &&
	    rs_convert(v, RS_T_ADDRESS, &ev->arena, &address)))
		like = rs_pattern_match(ev->im, in->c, &address, &tables,
		    taken);
	if (like == RS_LIKE_WAIT)
		return PARK;
	if (like == RS_LIKE_YES) {
		keep_names(ev, f, in->c, &address, taken);
		result = rs_bool(true);
	} else if (like == RS_LIKE_TOO_MUCH)
		result = give_up(ev, "the pattern", rs_string(ev->im,
		    rs_pattern(ev->im, in->c)->text));
	else if (like == RS_LIKE_CANNOT)
		result = rs_unknown(RS_WHY_TABLE);
	note(ev, RS_STEP_LIKE, in->c, here(ev, f), v, &result);
	f->r[in->a] = result;
	return NEXT;
}

/*
 * Captures.
 */

/* The number of the pattern's capture of that name; 0: there is none. */
static unsigned
pattern_group(const struct rs_image *im, uint32_t number, struct span name)
{
	const struct rs_pattern	*p = rs_pattern(im, number);
	unsigned		 group = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		const struct rs_token	*t = rs_token(im, p->first + i);

		if (t->kind == RS_TOK_TEXT || t->kind == RS_TOK_AT)
			continue;
		group++;
		if (span_eq(rs_string(im, t->string), name))
			return group;
	}
	return 0;
}

/* By name or number; the empty text where there is none. */
static struct rs_value
captured(const struct rs_image *im, const struct captures *c, struct span name)
{
	struct rs_value	out = rs_empty(RS_T_TEXT);
	uint64_t	group;

	if (c == NULL)
		return out;
	if (!span_u64(name, RS_PATTERN_TOKENS, &group)) {
		group = c->regex != NULL ? regex_group(c->regex, name) :
		    pattern_group(im, c->pattern, name);
		if (group == 0)
			return out;
	}
	out.tainted = c->tainted;
	if (group < c->n && c->groups[group].n > 0)
		out.s = c->groups[group];
	return out;
}

enum next
do_capture(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	f->r[in->a] = captured(ev->im, f->captures, rs_string(ev->im, in->c));
	return NEXT;
}

/*
 * One of several.
 */

static bool
is_of_list(unsigned op)
{
	return rs_ops[op].c == RS_LISTOF_;
}

/* The i-th header field or item. */
static enum rs_answer
get_ith(struct rs_eval *ev, const struct rs_insn *in, unsigned i,
    struct rs_value *out)
{
	const struct rs_world	*w = ev->world;

	if (is_of_list(in->op))
		return w->item == NULL ? RS_CANNOT :
		    w->item(ev->ctx, ev, in->c, i, out);
	return w->header == NULL ? RS_CANNOT :
	    w->header(ev->ctx, ev, rs_string(ev->im, in->c), i, out);
}

/* ..._EQ, ..._IN, ..._MATCH of one of them. */
static struct rs_value
is_it(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    const struct rs_value *one)
{
	if (one->type == RS_T_UNKNOWN)
		return *one;
	switch ((enum rs_op)in->op) {
	case RS_HEADER_EQ:
	case RS_LIST_EQ:
		return rs_eq(one, &f->r[in->b]);
	case RS_HEADER_IN:
	case RS_LIST_IN:
		return rs_bool(rs_set_has(ev->im, in->b, one));
	default:
		return match(ev, f, in->b, one);
	}
}

static void
note_each(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    const struct rs_value *result)
{
	struct rs_value	name = rs_empty(RS_T_TEXT);

	if (is_of_list(in->op)) {
		note(ev, RS_STEP_LIST, in->c, here(ev, f), NULL, result);
		return;
	}
	name.s = rs_string(ev->im, in->c);
	note(ev, RS_STEP_HEADER, 0, here(ev, f), &name, result);
}

/* Unknown when none of those that could be read is, and one could not. */
enum next
ask_each(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	struct rs_value	result = rs_bool(false), one, is;
	enum rs_answer	answer;

	for (unsigned i = 0; rs_truth(&result) != RS_TRUE; i++) {
		one = rs_empty(RS_T_NONE);
		answer = get_ith(ev, in, i, &one);
		if (answer == RS_WAIT)
			return PARK;
		if (answer == RS_ABSENT)
			break;
		settle(answer, RS_WHY_TABLE, &one);
		is = is_it(ev, f, in, &one);
		result = rs_or(&result, &is);
		if (answer == RS_CANNOT)
			break;
	}
	note_each(ev, f, in, &result);
	f->r[in->a] = result;
	return NEXT;
}
