/*
 * expect.c - an expectation of a test is held against what was played.
 */
#include "config.h"

#include "mail/header.h"

#include "mta/cmd/expect.h"
#include "mta/cmd/explain.h"

/* --- is it met? */

/* The text that is expected, if any. */
static bool
says(const struct cf_step *s, struct span text)
{
	return s->expect.text.n == 0 || span_eq(s->expect.text, text);
}

static bool
reply_met(const struct played *p, unsigned kind, const struct cf_step *s)
{
	return p != NULL && p->verdict.kind == kind &&
	    (s->expect.code == 0 || s->expect.code == p->code) &&
	    (s->expect.status.n == 0 ||
	    span_eq(s->expect.status, p->status)) &&
	    says(s, p->text);
}

/* VRFY and EXPN tell nothing without a verdict; other hooks just go on. */
static bool
tells_nothing(const struct played *p)
{
	return (p->hook == RS_HOOK_VRFY || p->hook == RS_HOOK_EXPN) &&
	    p->verdict.kind == RS_V_END;
}

static bool
accepted(const struct play *pl)
{
	const struct played	*p = play_answer(pl);

	return p != NULL && !played_refused(p) && !tells_nothing(p);
}

static bool
target_met(const struct routing *r, size_t i, const struct target *t,
    const struct cf_step *s)
{
	const struct rs_verdict	*v = routing_verdict(r, i);

	switch (s->expect.kind) {
	case CF_X_DELIVER:
		return t->kind == TARGET_DELIVER &&
		    v->object == s->expect.object && (s->expect.text.n == 0 ||
		    span_ieq(t->account, s->expect.text));
	case CF_X_RELAY:
		return t->kind == TARGET_HOP && v->kind == RS_V_RELAY &&
		    v->object == s->expect.object;
	case CF_X_RELAY_TO:
		return t->kind == TARGET_HOP && v->kind == RS_V_RELAY_TO &&
		    span_ieq(v->value.s, s->expect.text);
	case CF_X_MX:
		return t->kind == TARGET_HOP && v->kind == RS_V_MX;
	case CF_X_FILTER:
		return routing_goes_through(r, s->expect.object);
	case CF_X_DISCARD:
		return t->kind == TARGET_DISCARD;
	case CF_X_LMTP:
		return t->kind == TARGET_HOP && v->kind == RS_V_LMTP &&
		    says(s, v->value.s);
	case CF_X_PIPE:
		return t->kind == TARGET_PIPE && says(s, t->path);
	case CF_X_FILE:
		return t->kind == TARGET_FILE && says(s, t->path);
	case CF_X_RCPT:
		return span_ieq(t->address, s->expect.text) ||
		    (t->rcpt_to.n > 0 &&
		    span_ieq(t->rcpt_to, s->expect.text));
	default:
		return false;
	}
}

static bool
route_met(const struct play *pl, const struct cf_step *s)
{
	const struct routing	*r = play_routing(pl);
	const struct target	*t;
	size_t			 i, n;

	if (r == NULL || !accepted(pl))
		return false;
	t = routing_targets(r, &n);
	for (i = 0; i < n; i++)
		if (target_met(r, i, &t[i], s))
			return true;
	return false;
}

static bool
rcpt_met(const struct play *pl, const struct cf_step *s)
{
	return pl->last_rcpt >= 0 &&
	    (span_ieq(pl->v[pl->last_rcpt].rcpt, s->expect.text) ||
	    route_met(pl, s));
}

static bool
unknown_met(const struct play *pl)
{
	const struct played	*p;

	if (pl->last_rcpt < 0)
		return false;
	p = &pl->v[pl->last_rcpt];
	return p->routing != NULL && routing_unknown(p->routing) == 1;
}

/* One of the fields of that name says so. */
static bool
header_met(struct play *pl, struct span field)
{
	struct header_field	hf;
	struct span		message = play_message(pl), name, value;
	ptrdiff_t		colon = span_index(field, ':');
	unsigned		i;

	if (colon <= 0)
		return false;
	name = span_mem(field.p, (size_t)colon);
	value = span_trim(span_from(field, (size_t)colon + 1));
	for (i = 0; header_find(message, name, i, &hf); i++)
		if (span_eq(header_text(hf.body, &pl->arena), value))
			return true;
	return false;
}

static bool
tag_met(const struct play *pl, const struct cf_step *s)
{
	return s->index < rs_ntag(policy_image(pl->policy)) &&
	    rs_compare(&pl->facts.tags[s->index], &s->expect.value) == 0;
}

static bool
fate_met(const struct play *pl, const struct cf_step *s)
{
	const struct played	*p;

	if (!accepted(pl))
		return false;
	if (s->expect.kind == CF_X_DISCARD)
		return play_fate(pl, RS_V_DISCARD) != NULL || route_met(pl, s);
	p = play_kept(pl, s->expect.kind == CF_X_HOLD ? RS_V_HOLD :
	    RS_V_QUARANTINE);
	return p != NULL && says(s, p->kept_why);
}

static bool
effect_met(const struct play *pl, const struct cf_step *s)
{
	const struct policy_effect	*e;
	size_t				 i;

	for (i = 0; i < pl->neffects; i++) {
		e = &pl->effects[i];
		if (s->expect.kind == CF_X_HEADERS_ONLY &&
		    e->kind == RS_E_HEADERS_ONLY)
			return true;
		if (s->expect.kind == CF_X_DELAY && e->kind == RS_E_DELAY &&
		    e->value.i == s->expect.value.i)
			return true;
		if (s->expect.kind == CF_X_BCC && e->kind == RS_E_BCC &&
		    span_ieq(e->value.s, s->expect.text))
			return true;
	}
	return false;
}

/* A line of the log stands in the records only. */
static bool
log_met(struct play *pl, const struct cf_step *s)
{
	const struct rs_record	*r;
	size_t			 i, k;

	for (i = 0; i < pl->n; i++) {
		r = &pl->v[i].record;
		for (k = 0; k < r->n; k++)
			if (r->steps[k].kind == RS_STEP_EFFECT &&
			    r->steps[k].number == RS_E_LOG &&
			    says(s, rs_format(&r->steps[k].value, &pl->arena)))
				return true;
	}
	return false;
}

static bool
met(struct play *pl, const struct cf_step *s)
{
	const struct played	*p = play_answer(pl);

	switch (s->expect.kind) {
	case CF_X_ACCEPT:
		return accepted(pl);
	case CF_X_REJECT:
		return reply_met(p, RS_V_REJECT, s);
	case CF_X_DEFER:
		return reply_met(p, RS_V_DEFER, s);
	case CF_X_DISCARD:
	case CF_X_QUARANTINE:
	case CF_X_HOLD:
		return fate_met(pl, s);
	case CF_X_SENDER:
		return play_sender_is(pl, s->expect.text);
	case CF_X_RCPT:
		return rcpt_met(pl, s);
	case CF_X_HEADER:
		return header_met(pl, s->expect.text);
	case CF_X_TAG:
		return tag_met(pl, s);
	case CF_X_UNKNOWN:
		return unknown_met(pl);
	case CF_X_DELAY:
	case CF_X_BCC:
	case CF_X_HEADERS_ONLY:
		return effect_met(pl, s);
	case CF_X_LOG:
		return log_met(pl, s);
	case CF_X_HIDE:
		return (~play_hidden(pl) & (uint32_t)s->expect.value.i) == 0;
	default:
		return route_met(pl, s);
	}
}

bool
expect_met(struct play *pl, const struct cf_step *s)
{
	return met(pl, s) != s->expect.negated;
}

/* --- as text */

static struct span
object_name(const struct rs_image *im, uint32_t object)
{
	return object < rs_nobject(im) ?
	    rs_string(im, rs_object(im, object)->name) : SPAN("?");
}

static void
reply_text(const char *word, const struct cf_step *s, struct buf *out)
{
	buf_add_str(out, word);
	if (s->expect.code != 0)
		buf_addf(out, " %u", s->expect.code);
	if (s->expect.status.n > 0)
		buf_addf(out, " %.*s", SPAN_ARG(s->expect.status));
	if (s->expect.text.n > 0)
		buf_addf(out, " \"%.*s\"", SPAN_ARG(s->expect.text));
}

static void
tag_text(const struct rs_image *im, const struct cf_step *s, struct buf *out)
{
	struct arena	ar = { 0 };
	struct span	name = SPAN("?");

	if (s->index < rs_ntag(im))
		name = rs_string(im, rs_tag(im, s->index)->name);
	buf_addf(out, "tag %.*s = %.*s", SPAN_ARG(name),
	    SPAN_ARG(rs_format(&s->expect.value, &ar)));
	arena_clear(&ar);
}

static void
object_text(const char *word, const struct rs_image *im,
    const struct cf_step *s, struct buf *out)
{
	buf_addf(out, "%s %.*s", word,
	    SPAN_ARG(object_name(im, s->expect.object)));
	if (s->expect.text.n > 0)
		buf_addf(out, " \"%.*s\"", SPAN_ARG(s->expect.text));
}

/* A word, then the text in these marks, where there is one. */
static void
word_text(const char *word, const char *marks, const struct cf_step *s,
    struct buf *out)
{
	buf_add_str(out, word);
	if (s->expect.text.n > 0 || marks[0] == '<')
		buf_addf(out, " %c%.*s%c", marks[0], SPAN_ARG(s->expect.text),
		    marks[1]);
}

static void
delay_text(const struct cf_step *s, struct buf *out)
{
	struct arena	ar = { 0 };

	buf_addf(out, "delay %.*s",
	    SPAN_ARG(rs_format(&s->expect.value, &ar)));
	arena_clear(&ar);
}

void
expect_text(const struct rs_image *im, const struct cf_step *s,
    struct buf *out)
{
	static const struct {
		const char	*word, *marks;
	} words[] = {
		[CF_X_ACCEPT] = { "accept", "  " },
		[CF_X_DISCARD] = { "discard", "  " },
		[CF_X_RELAY_TO] = { "relay", "\"\"" },
		[CF_X_MX] = { "mx", "  " },
		[CF_X_FILTER] = { "filter", NULL },
		[CF_X_QUARANTINE] = { "quarantine", "\"\"" },
		[CF_X_HOLD] = { "hold", "\"\"" },
		[CF_X_LMTP] = { "lmtp", "\"\"" },
		[CF_X_PIPE] = { "pipe", "\"\"" },
		[CF_X_FILE] = { "file", "\"\"" },
		[CF_X_SENDER] = { "sender", "<>" },
		[CF_X_RCPT] = { "rcpt", "<>" },
		[CF_X_HEADER] = { "header", "\"\"" },
		[CF_X_HEADERS_ONLY] = { "headers only", "  " },
		[CF_X_BCC] = { "bcc", "<>" },
		[CF_X_LOG] = { "log", "\"\"" },
		[CF_X_UNKNOWN] = { "unknown", "  " },
	};
	char	list[RS_EXT_LIST_MAX];

	if (s->expect.negated)
		buf_add_str(out, "not ");
	switch (s->expect.kind) {
	case CF_X_REJECT:
		reply_text("reject", s, out);
		break;
	case CF_X_DEFER:
		reply_text("defer", s, out);
		break;
	case CF_X_DELIVER:
		object_text("deliver", im, s, out);
		break;
	case CF_X_RELAY:
		object_text("relay", im, s, out);
		break;
	case CF_X_TAG:
		tag_text(im, s, out);
		break;
	case CF_X_HIDE:
		buf_addf(out, "hide %s", rs_extension_list(
		    (uint32_t)s->expect.value.i, list));
		break;
	case CF_X_DELAY:
		delay_text(s, out);
		break;
	default:
		word_text(words[s->expect.kind].word,
		    words[s->expect.kind].marks, s, out);
		break;
	}
}

void
expect_got(const struct play *pl, struct buf *out)
{
	const struct played	*p = play_answer(pl), *fate;
	const struct routing	*r = play_routing(pl);
	const struct target	*t;
	size_t			 i, n;

	if (p == NULL) {
		buf_add_str(out, "nothing: no command was given");
		return;
	}
	if (played_refused(p))
		buf_addf(out, "%s %u %.*s \"%.*s\"",
		    rs_verdict_name(p->verdict.kind), p->code,
		    SPAN_ARG(p->status), SPAN_ARG(p->text));
	else if ((fate = play_fate(pl, RS_V_DISCARD)) != NULL)
		buf_add_str(out, "discard");
	else if ((fate = play_kept(pl, RS_V_QUARANTINE)) != NULL ||
	    (fate = play_kept(pl, RS_V_HOLD)) != NULL)
		buf_addf(out, "%s \"%.*s\"", rs_verdict_name(fate->kept),
		    SPAN_ARG(fate->kept_why));
	else
		buf_add_str(out, tells_nothing(p) ? "no verdict" : "accept");
	if (p->milter.n > 0)
		buf_addf(out, " (milter %.*s)", SPAN_ARG(p->milter));
	if (p->line != 0)
		buf_addf(out, " (line %u)", p->line);
	if (r == NULL || played_refused(p))
		return;
	t = routing_targets(r, &n);
	for (i = 0; i < n; i++) {
		buf_add_str(out, "; ");
		explain_target(&t[i], out);
	}
}
