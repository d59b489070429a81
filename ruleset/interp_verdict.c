/*
 * interp_verdict.c - instructions that end an evaluation.
 */
#include "ruleset/interp_int.h"

static const char *const verdict_names[] = {
	[RS_V_END] = "end", [RS_V_ACCEPT] = "accept",
	[RS_V_REJECT] = "reject", [RS_V_DEFER] = "defer",
	[RS_V_DISCARD] = "discard", [RS_V_EXPAND] = "expand",
	[RS_V_DELIVER] = "deliver", [RS_V_RELAY] = "relay",
	[RS_V_RELAY_TO] = "relay to", [RS_V_MX] = "mx",
	[RS_V_REDIRECT] = "redirect", [RS_V_MOVED] = "moved",
	[RS_V_VALUE] = "value", [RS_V_QUARANTINE] = "quarantine",
	[RS_V_LMTP] = "lmtp", [RS_V_PIPE] = "pipe", [RS_V_FILE] = "file",
	[RS_V_HOLD] = "hold", [RS_V_FILTER] = "filter",
};

const char *
rs_verdict_name(unsigned kind)
{
	return kind < RS_NVERDICTS ? verdict_names[kind] : "?";
}

bool
rs_verdict_accepts(unsigned kind)
{
	return kind == RS_V_ACCEPT || kind == RS_V_QUARANTINE ||
	    kind == RS_V_HOLD;
}

enum next
verdict(const struct frame *f, enum rs_verdict_kind kind,
    struct rs_verdict *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = (uint8_t)kind;
	out->object = RS_NO_INDEX;
	out->rule = f->rule;
	out->status = SPAN("");
	out->text = SPAN("");
	return STOP;
}

enum next
cannot_say(const struct frame *f, struct rs_verdict *out)
{
	verdict(f, RS_V_DEFER, out);
	out->cannot = true;
	out->code = 451;
	out->status = SPAN("4.3.0");
	return STOP;
}

static enum next
named(const struct frame *f, const struct rs_insn *in,
    enum rs_verdict_kind kind, struct rs_verdict *out)
{
	verdict(f, kind, out);
	out->object = in->c;
	return STOP;
}

/* REJECT, DEFER, MOVED: reply c, and what register a says. */
static enum next
refuse(struct rs_eval *ev, const struct frame *f, const struct rs_insn *in,
    enum rs_verdict_kind kind, struct rs_verdict *out)
{
	const struct rs_reply	*reply = rs_reply(ev->im, in->c);
	const struct rs_value	*v = &f->r[in->a];

	if (v->type == RS_T_UNKNOWN)
		return cannot_say(f, out);
	verdict(f, kind, out);
	out->code = reply->code;
	out->status = rs_string(ev->im, reply->status);
	out->value = *v;
	if (v->type != RS_T_NONE)
		out->text = rs_format(v, &ev->arena);
	return STOP;
}

/*
 * RELAY_TO, REDIRECT, LMTP, PIPE, FILE: register a as the type that the
 * verdict needs.  What cannot be read as that comes out of a table that has to
 * be mended.
 */
static enum next
lead(struct rs_eval *ev, const struct frame *f, const struct rs_insn *in,
    enum rs_verdict_kind kind, enum rs_type type, struct rs_verdict *out)
{
	const struct rs_value	*v = &f->r[in->a];
	struct rs_value		 to;

	if (!rs_convert(v, type, &ev->arena, &to) || to.s.n == 0)
		return cannot_say(f, out);
	verdict(f, kind, out);
	out->value = to;
	if (kind == RS_V_PIPE)
		out->text = rs_string(ev->im, in->c);
	return STOP;
}

/* QUARANTINE, HOLD: register a says why. */
static enum next
keep(struct rs_eval *ev, const struct frame *f, const struct rs_insn *in,
    enum rs_verdict_kind kind, struct rs_verdict *out)
{
	const struct rs_value	*v = &f->r[in->a];

	if (v->type == RS_T_UNKNOWN)
		return cannot_say(f, out);
	verdict(f, kind, out);
	out->text = rs_format(v, &ev->arena);
	return STOP;
}

static enum next
expand(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    struct rs_verdict *out)
{
	struct rs_value	v;
	uint32_t	line;

	switch (ask_expand(ev, f, in, &v, &line)) {
	case RS_WAIT:
		return PARK;
	case RS_CANNOT:
		return cannot_say(f, out);
	case RS_ABSENT:
		return NEXT;
	default:
		named(f, in, RS_V_EXPAND, out);
		out->value = v;
		out->table_line = line;
		return STOP;
	}
}

/* VERDICT: what came out of a table; the world knows what it means here. */
static enum next
obey(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    struct rs_verdict *out)
{
	const struct rs_value	*v = &f->r[in->a];
	enum rs_answer		 answer = RS_CANNOT;

	if (v->type == RS_T_NONE)
		return NEXT;
	verdict(f, RS_V_END, out);
	if (v->type != RS_T_UNKNOWN && ev->world->verdict != NULL)
		answer = ev->world->verdict(ev->ctx, ev, in->c, v, out);
	switch (answer) {
	case RS_HAVE:
		out->rule = f->rule;
		return STOP;
	case RS_ABSENT:
		return NEXT;
	case RS_WAIT:
		return PARK;
	default:
		return cannot_say(f, out);
	}
}

enum next
decide(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    struct rs_verdict *out)
{
	switch ((enum rs_op)in->op) {
	case RS_REJECT:
		return refuse(ev, f, in, RS_V_REJECT, out);
	case RS_DEFER:
		return refuse(ev, f, in, RS_V_DEFER, out);
	case RS_MOVED:
		return refuse(ev, f, in, RS_V_MOVED, out);
	case RS_EXPAND:
		return expand(ev, f, in, out);
	case RS_DELIVER:
		return named(f, in, RS_V_DELIVER, out);
	case RS_RELAY:
		return named(f, in, RS_V_RELAY, out);
	case RS_FILTER:
		return named(f, in, RS_V_FILTER, out);
	case RS_RELAY_TO:
		return lead(ev, f, in, RS_V_RELAY_TO, RS_T_TEXT, out);
	case RS_REDIRECT:
		return lead(ev, f, in, RS_V_REDIRECT, RS_T_ADDRESS, out);
	case RS_LMTP:
		return lead(ev, f, in, RS_V_LMTP, RS_T_TEXT, out);
	case RS_PIPE:
		return lead(ev, f, in, RS_V_PIPE, RS_T_TEXT, out);
	case RS_FILE:
		return lead(ev, f, in, RS_V_FILE, RS_T_TEXT, out);
	case RS_QUARANTINE:
		return keep(ev, f, in, RS_V_QUARANTINE, out);
	case RS_HOLD:
		return keep(ev, f, in, RS_V_HOLD, out);
	default:	/* VERDICT */
		return obey(ev, f, in, out);
	}
}

/* What a verdict is by: its reply, or the name of what it names. */
static struct rs_value
said_by(struct rs_eval *ev, const struct rs_verdict *v)
{
	struct span	s;

	if (v->code != 0)
		s = arena_printf(&ev->arena, "%u %.*s", v->code,
		    SPAN_ARG(v->status));
	else if (v->kind == RS_V_EXPAND)
		s = rs_string(ev->im, rs_map(ev->im, v->object)->name);
	else if (v->object != RS_NO_INDEX)
		s = rs_string(ev->im, rs_object(ev->im, v->object)->name);
	else if (v->kind == RS_V_PIPE)
		s = v->text;
	else
		return rs_empty(RS_T_NONE);
	return rs_text(RS_T_TEXT, s);
}

void
note_verdict(struct rs_eval *ev, const struct rs_verdict *v)
{
	struct rs_value	by = said_by(ev, v), value = v->value;

	if (v->code != 0 || v->kind == RS_V_QUARANTINE ||
	    v->kind == RS_V_HOLD)
		value = rs_text(RS_T_TEXT, v->text);
	note(ev, RS_STEP_VERDICT, v->kind,
	    v->rule == RS_NO_INDEX ? 0 : rs_rule(ev->im, v->rule)->line,
	    &by, &value);
}
