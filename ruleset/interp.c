/*
 * interp.c - the loop over the instructions, and what ends it.
 *
 * Nothing here can go wrong: the verifier has proved every number in the
 * code.  Values are another matter: any register may hold any type, and what
 * an operator cannot use gives nothing, false, or unknown.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
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
};

const char *
rs_verdict_name(unsigned kind)
{
	return kind < RS_NVERDICTS ? verdict_names[kind] : "?";
}

struct rs_eval *
rs_eval_new(const struct rs_image *im, const struct rs_world *world, void *ctx,
    struct rs_record *record)
{
	struct rs_eval	*ev = xmalloc(sizeof(*ev) +
	    im->most_need * sizeof(ev->regs[0]));

	ev->im = im;
	ev->code = im->sec[RS_S_INSNS];
	ev->world = world;
	ev->ctx = ctx;
	ev->detail = rs_setting_text(im, RS_OPT_SERVER_detail);
	memset(&ev->arena, 0, sizeof(ev->arena));
	rs_eval_reset(ev, record);
	return ev;
}

void
rs_eval_free(struct rs_eval **evp)
{
	struct rs_eval	*ev = *evp;

	*evp = NULL;
	if (ev == NULL)
		return;
	arena_clear(&ev->arena);
	free(ev);
}

void
rs_eval_reset(struct rs_eval *ev, struct rs_record *record)
{
	arena_reset(&ev->arena);
	ev->record = record;
	ev->have = 0;
	ev->depth = 0;
}

struct arena *
rs_eval_arena(struct rs_eval *ev)
{
	return &ev->arena;
}

/*
 * Verdicts.
 */

static enum next
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

/* A table could not be asked, and the rule or its action depends on it. */
static enum next
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
 * RELAY_TO, REDIRECT: register a as the type that the verdict needs.  What
 * cannot be read as that comes out of a table that has to be mended.
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

/* The rule's condition: taken, not taken, or not to be decided now. */
static enum next
test(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    struct rs_verdict *out)
{
	const struct rs_value	*v = &f->r[in->a];

	note(ev, RS_STEP_TEST, f->rule, here(ev, f), NULL, v);
	switch (rs_truth(v)) {
	case RS_TRUE:
		return NEXT;
	case RS_CANNOT_SAY:
		if (v->i & RS_WHY_TABLE)
			return cannot_say(f, out);
		/* FALLTHROUGH */
	default:
		f->pc += in->c;
		return NEXT;
	}
}

/*
 * Calls.
 */

static void
enter(struct rs_eval *ev, uint32_t func, struct rs_value *r, uint8_t dest)
{
	struct frame	*f = &ev->frames[ev->depth];

	f->r = r;
	f->func = func;
	f->pc = rs_func(ev->im, func)->start;
	f->rule = RS_NO_INDEX;
	f->dest = dest;
}

/* For the record: what a ruleset is asked about, "ann@x.example, false". */
static void
note_call(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	struct rs_value	text = rs_empty(RS_T_TEXT);
	unsigned	n = rs_func(ev->im, in->c)->nargs;

	for (unsigned i = 0; i < n && ev->arena.total <= RS_EVAL_MAX; i++) {
		struct span	arg = rs_format(&f->r[in->b + i], &ev->arena);

		text.s = arena_printf(&ev->arena, "%.*s%s%.*s",
		    SPAN_ARG(text.s), i == 0 ? "" : ", ", SPAN_ARG(arg));
	}
	note(ev, RS_STEP_CALL, in->c, here(ev, f), &text, NULL);
}

static enum next
call(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	const struct rs_func	*callee = rs_func(ev->im, in->c);
	struct rs_value		*r = f->r + rs_func(ev->im, f->func)->nregs;

	if (ev->record != NULL)
		note_call(ev, f, in);
	assert(ev->depth + 1 < RS_CALL_DEPTH);
	for (unsigned i = 0; i < callee->nargs; i++)
		r[i] = f->r[in->b + i];
	ev->depth++;
	enter(ev, in->c, r, in->a);
	return NEXT;
}

/* To the caller, or as the verdict of the whole. */
static enum next
give_back(struct rs_eval *ev, struct frame *f, const struct rs_value *v,
    struct rs_verdict *out)
{
	note(ev, RS_STEP_RETURN, f->func, here(ev, f), NULL, v);
	if (ev->depth == 0) {
		verdict(f, RS_V_VALUE, out);
		out->value = *v;
		return STOP;
	}
	ev->depth--;
	ev->frames[ev->depth].r[f->dest] = *v;
	return NEXT;
}

/* A block without a verdict; in a ruleset the caller goes on with nothing. */
static enum next
end(struct rs_eval *ev, struct frame *f, struct rs_verdict *out)
{
	struct rs_value	nothing = rs_empty(RS_T_NONE);

	if (ev->depth > 0)
		return give_back(ev, f, &nothing, out);
	return verdict(f, RS_V_END, out);
}

static enum next
effect(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    struct rs_verdict *out)
{
	if (rs_ops[in->op].a == RS_IN_ && f->r[in->a].type == RS_T_UNKNOWN)
		return cannot_say(f, out);
	do_effect(ev, f, in);
	return NEXT;
}

static enum next
jump_if(struct frame *f, const struct rs_insn *in, bool yes)
{
	if (yes)
		f->pc += in->c;
	return NEXT;
}

/* A short cut past rules that compare the same with other constants. */
static enum next
switch_to(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	const struct rs_value	*v = &f->r[in->a];

	if (ev->record == NULL && v->type != RS_T_UNKNOWN)
		f->pc += rs_switch_skip(ev->im, in->b, v, in->c);
	return NEXT;
}

static enum next
rule(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	f->rule = in->c;
	note(ev, RS_STEP_RULE, in->c, here(ev, f), NULL, NULL);
	return NEXT;
}

/* One instruction; pc is behind it already. */
static enum next
step(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    struct rs_verdict *out)
{
	struct rs_value	*r = f->r;

	switch ((enum rs_op)in->op) {
	case RS_LOAD:
		r[in->a] = ev->im->consts[in->c];
		return NEXT;
	case RS_MOVE:
		r[in->a] = r[in->b];
		return NEXT;
	case RS_FACT:
		return ask_fact(ev, f, in);
	case RS_FIELD:
		r[in->a] = rs_part(&r[in->b], (enum rs_field)in->c,
		    ev->detail);
		return NEXT;
	case RS_MASK:
		r[in->a] = rs_mask(&r[in->b], in->c & 0xff, in->c >> 8);
		return NEXT;
	case RS_CONVERT:
		do_convert(ev, f, in);
		return NEXT;
	case RS_JOIN:
		do_join(ev, f, in);
		return NEXT;
	case RS_IN_SET:
		do_in_set(ev, f, in);
		return NEXT;
	case RS_IN_NETS:
		do_in_nets(ev, f, in);
		return NEXT;
	case RS_MAP_GET:
	case RS_MAP_HAS:
		return ask_map(ev, f, in);
	case RS_COLUMN:
		do_column(ev, f, in);
		return NEXT;
	case RS_EQ:
	case RS_LT:
	case RS_LE:
	case RS_GT:
	case RS_GE:
		do_compare(ev, f, in);
		return NEXT;
	case RS_NOT:
		r[in->a] = rs_not(&r[in->b]);
		return NEXT;
	case RS_AND:
		r[in->a] = rs_and(&r[in->b], &r[in->c]);
		return NEXT;
	case RS_OR:
		r[in->a] = rs_or(&r[in->b], &r[in->c]);
		return NEXT;
	case RS_HEADER:
		return ask_header(ev, f, in);
	case RS_HEADER_EQ:
	case RS_HEADER_IN:
		return ask_headers(ev, f, in);
	case RS_RCPT_UNKNOWN:
		return ask_unknown(ev, f, in);
	case RS_JUMP:
		return jump_if(f, in, true);
	case RS_JUMP_FALSE:
		return jump_if(f, in, rs_truth(&r[in->a]) == RS_FALSE);
	case RS_JUMP_TRUE:
		return jump_if(f, in, rs_truth(&r[in->a]) == RS_TRUE);
	case RS_JUMP_SOME:
		return jump_if(f, in, r[in->a].type > RS_T_UNKNOWN);
	case RS_JUMP_UNKNOWN:
		return jump_if(f, in, r[in->a].type == RS_T_UNKNOWN);
	case RS_RULE:
		return rule(ev, f, in);
	case RS_TEST:
		return test(ev, f, in, out);
	case RS_CALL:
		return call(ev, f, in);
	case RS_RETURN:
		return give_back(ev, f, &r[in->a], out);
	case RS_ACCEPT:
		return verdict(f, RS_V_ACCEPT, out);
	case RS_REJECT:
		return refuse(ev, f, in, RS_V_REJECT, out);
	case RS_DEFER:
		return refuse(ev, f, in, RS_V_DEFER, out);
	case RS_DISCARD:
		return verdict(f, RS_V_DISCARD, out);
	case RS_EXPAND:
		return expand(ev, f, in, out);
	case RS_DELIVER:
		return named(f, in, RS_V_DELIVER, out);
	case RS_RELAY:
		return named(f, in, RS_V_RELAY, out);
	case RS_RELAY_TO:
		return lead(ev, f, in, RS_V_RELAY_TO, RS_T_TEXT, out);
	case RS_MX:
		return verdict(f, RS_V_MX, out);
	case RS_REDIRECT:
		return lead(ev, f, in, RS_V_REDIRECT, RS_T_ADDRESS, out);
	case RS_MOVED:
		return refuse(ev, f, in, RS_V_MOVED, out);
	case RS_HEADER_ADD:
	case RS_HEADER_SET:
	case RS_HEADER_DEL:
	case RS_LOG:
	case RS_TAG:
		return effect(ev, f, in, out);
	case RS_TAG_GET:
		return ask_tag(ev, f, in);
	case RS_END:
		return end(ev, f, out);
	case RS_SWITCH:
		return switch_to(ev, f, in);
	default:
		break;
	}
	abort();
}

/* The verdict as the last step of the record. */
static void
note_verdict(struct rs_eval *ev, const struct rs_verdict *v)
{
	struct rs_value	reply = rs_empty(RS_T_NONE), value = v->value;

	if (v->code != 0)
		reply = rs_text(RS_T_TEXT, arena_printf(&ev->arena, "%u %.*s",
		    v->code, SPAN_ARG(v->status)));
	else if (v->kind == RS_V_EXPAND)
		reply = rs_text(RS_T_TEXT,
		    rs_string(ev->im, rs_map(ev->im, v->object)->name));
	else if (v->object != RS_NO_INDEX)
		reply = rs_text(RS_T_TEXT,
		    rs_string(ev->im, rs_object(ev->im, v->object)->name));
	if (v->code != 0)
		value = rs_text(RS_T_TEXT, v->text);
	note(ev, RS_STEP_VERDICT, v->kind,
	    v->rule == RS_NO_INDEX ? 0 : rs_rule(ev->im, v->rule)->line,
	    &reply, &value);
}

enum rs_run
rs_eval_resume(struct rs_eval *ev, struct rs_verdict *out)
{
	for (;;) {
		struct frame		*f = &ev->frames[ev->depth];
		const struct rs_insn	*in = &ev->code[f->pc++];

		switch (step(ev, f, in, out)) {
		case NEXT:
			break;
		case PARK:
			f->pc--;
			return RS_PENDING;
		default:
			if (ev->record != NULL)
				note_verdict(ev, out);
			return RS_DONE;
		}
	}
}

enum rs_run
rs_eval_run(struct rs_eval *ev, uint32_t func, const struct rs_value *args,
    unsigned nargs, struct rs_verdict *out)
{
	const struct rs_func	*f = rs_func(ev->im, func);

	assert(nargs == f->nargs);
	for (unsigned i = 0; i < nargs; i++)
		ev->regs[i] = args[i];
	if (ev->record != NULL && f->kind == RS_FUNC_HOOK)
		ev->record->hook = (enum rs_hook)f->hook;
	ev->depth = 0;
	enter(ev, func, ev->regs, 0);
	return rs_eval_resume(ev, out);
}
