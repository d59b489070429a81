/*
 * record_text.c - the decision record for people.
 *
 *	on rcpt
 *	  home.conf:34  rcpt.domain not in ours => reject 550 5.7.1 "..."
 *	      rcpt = victim@third.example
 *	      third.example in ours: no
 *	    taken
 *	  reject 550 5.7.1 "we do not relay for 203.0.113.9" (line 34)
 */
#include "ruleset/interp.h"
#include "ruleset/record_int.h"

struct page {
	const struct rs_image	*im;
	const char		*policy;	/* name of the text, or NULL */
	struct buf		*out;
	struct arena		 scratch;
};

/* Control characters of a stranger's text never reach a terminal. */
static void
put_text(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char	c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\x%02x", c);
		else
			buf_add_char(out, (char)c);
	}
}

static void
put_value(struct page *p, const struct rs_value *v)
{
	bool	quoted = v->type == RS_T_TEXT;

	if (v->type == RS_T_UNKNOWN)
		buf_add_str(p->out, "cannot say");
	else if (v->type == RS_T_NONE || (rs_is_void(v) &&
	    v->type != RS_T_ADDRESS))
		buf_add_str(p->out, "nothing");
	else {
		if (quoted)
			buf_add_char(p->out, '"');
		put_text(p->out, rs_format(v, &p->scratch));
		if (quoted)
			buf_add_char(p->out, '"');
	}
}

static void
put_answer(struct page *p, const struct rs_value *v, const char *yes,
    const char *no)
{
	switch (rs_truth(v)) {
	case RS_TRUE:
		buf_add_str(p->out, yes);
		break;
	case RS_FALSE:
		buf_add_str(p->out, no);
		break;
	default:
		buf_add_str(p->out, "cannot say");
		break;
	}
}

static void
put_rule(struct page *p, uint32_t number)
{
	const struct rs_rule	*rule = rs_rule(p->im, number);
	struct span		 path;

	path = rs_string(p->im, rs_file(p->im, rule->file)->path);
	if (p->policy != NULL && rule->file == 0)
		path = span_of(p->policy);
	put_text(p->out, path);
	buf_addf(p->out, ":%u  ", rule->line);
	put_text(p->out, rs_string(p->im, rule->text));
}

static void
put_map(struct page *p, const struct rs_step *s)
{
	const struct rs_map_decl	*map = rs_map(p->im, s->number);

	if (s->kind == RS_STEP_ANSWER)
		buf_add_str(p->out, "by ");
	put_text(p->out, rs_step_name(s, p->im));
	buf_add_char(p->out, '[');
	if (s->kind == RS_STEP_ACCESS)
		put_text(p->out, s->key.s);
	else
		put_value(p, &s->key);
	buf_add_str(p->out, "] = ");
	put_value(p, &s->value);
	if (s->line == 0 || map->file == UINT32_MAX)
		return;
	buf_add_str(p->out, "  (");
	put_text(p->out, rs_string(p->im, rs_file(p->im, map->file)->path));
	buf_addf(p->out, ":%u)", s->line);
}

/* Which line of an included file has it. */
static void
put_included(struct page *p, const struct rs_step *s)
{
	put_text(p->out, rs_step_name(s, p->im));
	buf_add_str(p->out, " has ");
	put_value(p, &s->key);
	buf_add_str(p->out, "  (");
	put_text(p->out, s->value.s);
	buf_addf(p->out, ":%u)", s->line);
}

static void
put_member(struct page *p, const struct rs_step *s)
{
	put_value(p, &s->key);
	buf_add_str(p->out, " in ");
	put_text(p->out, rs_step_name(s, p->im));
	buf_add_str(p->out, ": ");
	put_answer(p, &s->value, "yes", "no");
}

static void
put_compare(struct page *p, const struct rs_step *s)
{
	put_value(p, &s->key);
	buf_add_char(p->out, ' ');
	put_text(p->out, rs_step_name(s, p->im));
	buf_add_char(p->out, ' ');
	put_value(p, &s->value);
}

/* "hello" matches /l+/: yes */
static void
put_match(struct page *p, const struct rs_step *s)
{
	bool	is_regex = s->kind == RS_STEP_MATCH;

	put_value(p, &s->key);
	buf_add_str(p->out, is_regex ? " matches /" : " like \"");
	put_text(p->out, rs_step_name(s, p->im));
	buf_add_str(p->out, !is_regex ? "\": " : rs_regex(p->im,
	    s->number)->flags & RS_REGEX_ICASE ? "/i: " : "/: ");
	put_answer(p, &s->value, "yes", "no");
}

/* Those of which a server is asked. */
static void
put_asked(struct page *p, const struct rs_step *s)
{
	struct rs_value	v;

	if (s->kind == RS_STEP_RATE) {
		buf_add_str(p->out, "rate \"");
		put_text(p->out, rs_step_name(s, p->im));
		buf_add_str(p->out, "\" by ");
	}
	put_value(p, &s->key);
	switch (s->kind) {
	case RS_STEP_LISTED:
		buf_add_str(p->out, " listed by ");
		put_text(p->out, rs_step_name(s, p->im));
		break;
	case RS_STEP_RATE:
		v = rs_int(RS_T_RATE, rs_rate(p->im, s->number)->rate);
		buf_add_str(p->out, " over ");
		buf_add_span(p->out, rs_format(&v, &p->scratch));
		break;
	case RS_STEP_GREYLISTED:
		v = rs_const(p->im, s->number);
		buf_add_str(p->out, " first seen less than ");
		buf_add_span(p->out, rs_format(&v, &p->scratch));
		buf_add_str(p->out, " ago");
		break;
	case RS_STEP_RESOLVES:
		buf_add_str(p->out, " resolves");
		break;
	case RS_STEP_SRS:
		buf_add_str(p->out, s->number != 0 ? " by srs holds" :
		    " by srs is");
		break;
	case RS_STEP_REACHABLE:
		buf_add_str(p->out, " reachable as ");
		put_text(p->out, rs_step_name(s, p->im));
		break;
	default:
		buf_add_str(p->out, " of the user");
		break;
	}
	buf_add_str(p->out, ": ");
	put_answer(p, &s->value, "yes", "no");
}

static void
put_effect(struct page *p, const struct rs_step *s)
{
	put_text(p->out, rs_step_name(s, p->im));
	if (s->key.s.n > 0) {
		buf_add_char(p->out, ' ');
		put_text(p->out, s->key.s);
	}
	if (s->value.type == RS_T_NONE)
		return;
	buf_add_char(p->out, ' ');
	put_value(p, &s->value);
}

static void
put_verdict(struct page *p, const struct rs_step *s)
{
	put_text(p->out, s->number == RS_V_END ? SPAN("no verdict") :
	    rs_step_name(s, p->im));
	if (s->key.type == RS_T_TEXT) {
		buf_add_char(p->out, ' ');
		put_text(p->out, s->key.s);
	}
	if (s->value.type != RS_T_NONE && !(s->value.type == RS_T_TEXT &&
	    s->value.s.n == 0)) {
		buf_add_char(p->out, ' ');
		put_value(p, &s->value);
	}
	if (s->line != 0)
		buf_addf(p->out, "  (line %u)", s->line);
}

static void
put_call(struct page *p, const struct rs_step *s)
{
	put_text(p->out, rs_step_name(s, p->im));
	if (s->kind == RS_STEP_CALL) {
		buf_add_char(p->out, '(');
		put_text(p->out, s->key.s);
		buf_add_str(p->out, ") is asked");
		return;
	}
	buf_add_str(p->out, " says ");
	put_value(p, &s->value);
}

static void
put_named(struct page *p, const char *before, const struct rs_step *s)
{
	buf_add_str(p->out, before);
	put_text(p->out, rs_step_name(s, p->im));
	buf_add_str(p->out, " = ");
	put_value(p, &s->value);
}

static void
put_body(struct page *p, const struct rs_step *s)
{
	switch ((enum rs_step_kind)s->kind) {
	case RS_STEP_RULE:
		put_rule(p, s->number);
		break;
	case RS_STEP_FACT:
		put_named(p, "", s);
		break;
	case RS_STEP_HEADER:
		put_named(p, "header ", s);
		break;
	case RS_STEP_TAG:
		put_named(p, "tag ", s);
		break;
	case RS_STEP_LIST:
		put_named(p, "", s);
		break;
	case RS_STEP_MAP:
	case RS_STEP_ACCESS:
	case RS_STEP_ANSWER:
		put_map(p, s);
		break;
	case RS_STEP_MATCH:
	case RS_STEP_LIKE:
		put_match(p, s);
		break;
	case RS_STEP_SPF:
		put_named(p, "spf", s);
		break;
	case RS_STEP_LISTED:
	case RS_STEP_RATE:
	case RS_STEP_GREYLISTED:
	case RS_STEP_RESOLVES:
	case RS_STEP_REACHABLE:
	case RS_STEP_OWNED:
	case RS_STEP_SRS:
		put_asked(p, s);
		break;
	case RS_STEP_MEMBER:
		put_included(p, s);
		break;
	case RS_STEP_SET:
	case RS_STEP_NETS:
		put_member(p, s);
		break;
	case RS_STEP_COMPARE:
		put_compare(p, s);
		break;
	case RS_STEP_UNKNOWN_RCPT:
		buf_add_str(p->out, "rcpt unknown: ");
		put_answer(p, &s->value, "yes", "no");
		break;
	case RS_STEP_TEST:
		put_answer(p, &s->value, "taken", "not taken");
		break;
	case RS_STEP_CALL:
	case RS_STEP_RETURN:
		put_call(p, s);
		break;
	case RS_STEP_EFFECT:
		put_effect(p, s);
		break;
	case RS_STEP_VERDICT:
		put_verdict(p, s);
		break;
	case RS_NSTEPS:
		break;
	}
}

/* Columns before a step: rules and the verdict stand out. */
static unsigned
indent(const struct rs_step *s)
{
	unsigned	n = 6;

	if (s->kind == RS_STEP_RULE)
		n = 2;
	else if (s->kind == RS_STEP_TEST)
		n = 4;
	else if (s->kind == RS_STEP_ANSWER)
		n = 8;
	else if (s->kind == RS_STEP_VERDICT || s->kind == RS_STEP_MEMBER)
		return 2;
	return n + 4u * s->depth;
}

void
rs_record_text(const struct rs_record *r, const struct rs_image *im,
    const char *policy_name, struct buf *out)
{
	struct page	p = { .im = im, .policy = policy_name, .out = out };

	buf_addf(out, "%s\n", rs_hook_names[r->hook]);
	for (size_t i = 0; i < r->n; i++) {
		buf_addf(out, "%*s", (int)indent(&r->steps[i]), "");
		put_body(&p, &r->steps[i]);
		buf_add_char(out, '\n');
	}
	if (r->cut)
		buf_add_str(out, "  (the rest is not recorded)\n");
	arena_clear(&p.scratch);
}
