/*
 * interp.c - the loop over the instructions.
 *
 * Nothing here can go wrong: the verifier has proved every number in the
 * code.  Values are another matter: any register may hold any type, and what
 * an operator cannot use gives nothing, false, or unknown.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "ruleset/interp_int.h"

struct rs_eval *
rs_eval_new(const struct rs_image *im, const struct rs_world *world, void *ctx,
    struct rs_record *record)
{
	struct rs_eval	*ev = xmalloc(sizeof(*ev) +
	    im->most_need * sizeof(ev->regs[0]));

	assert(im->regexes != NULL);	/* rs_image_open(), not ..._settings() */
	ev->im = im;
	ev->code = im->sec[RS_S_INSNS];
	ev->world = world;
	ev->ctx = ctx;
	ev->detail = rs_setting_text(im, RS_OPT_SERVER_detail);
	ev->executed = 0;
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
	ev->given_up = 0;
}

struct arena *
rs_eval_arena(struct rs_eval *ev)
{
	return &ev->arena;
}

uint64_t
rs_eval_executed(const struct rs_eval *ev)
{
	return ev->executed;
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
	f->captures = NULL;
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

/* CALL, and APPLY, which wants no value. */
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
	enter(ev, in->c, r, in->op == RS_CALL ? in->a : NO_DEST);
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
	if (f->dest != NO_DEST)
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

/* What it is about must be known, and a copy needs an address to go to. */
static enum next
effect(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    struct rs_verdict *out)
{
	struct rs_value	v = rs_empty(RS_T_NONE);

	if (rs_ops[in->op].a == RS_IN_)
		v = f->r[in->a];
	else if (in->op == RS_DELAY)
		v = ev->im->consts[in->c];
	if (v.type == RS_T_UNKNOWN || (in->op == RS_BCC &&
	    (!rs_convert(&v, RS_T_ADDRESS, &ev->arena, &v) || v.s.n == 0)))
		return cannot_say(f, out);
	do_effect(ev, f, in, &v);
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
	f->captures = NULL;
	note(ev, RS_STEP_RULE, in->c, here(ev, f), NULL, NULL);
	return NEXT;
}

/* Those that cost so much that a second step to them does not matter. */
static enum next
step_more(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    struct rs_verdict *out)
{
	switch ((enum rs_op)in->op) {
	case RS_MATCH:
		return do_match(ev, f, in);
	case RS_LIKE:
		return do_like(ev, f, in);
	case RS_CAPTURE:
		return do_capture(ev, f, in);
	case RS_ADDRESS:
		do_address(ev, f, in);
		return NEXT;
	case RS_ARGUMENT:
		do_argument(ev, f, in);
		return NEXT;
	case RS_HEADER_EQ:
	case RS_HEADER_IN:
	case RS_HEADER_MATCH:
	case RS_LIST_EQ:
	case RS_LIST_IN:
	case RS_LIST_MATCH:
		return ask_each(ev, f, in);
	case RS_LISTED:
	case RS_RATE:
	case RS_GREYLISTED:
	case RS_SPF:
	case RS_RESOLVES:
	case RS_REACHABLE:
	case RS_OWNED:
		return ask_server(ev, f, in);
	case RS_SRS:
		return ask_srs(ev, f, in);
	case RS_ACCESS_HAS:
	case RS_ACCESS_GET:
		return ask_access(ev, f, in);
	case RS_HEADER_ADD:
	case RS_HEADER_SET:
	case RS_HEADER_DEL:
	case RS_LOG:
	case RS_TAG:
	case RS_DELAY:
	case RS_BCC:
	case RS_MILTER_USE:
	case RS_MILTER_SKIP:
	case RS_HEADERS_ONLY:
	case RS_HIDE:
	case RS_LANGUAGE:
	case RS_PRIORITY:
		return effect(ev, f, in, out);
	default:
		return decide(ev, f, in, out);
	}
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
	case RS_APPLY:
		return call(ev, f, in);
	case RS_RETURN:
		return give_back(ev, f, &r[in->a], out);
	case RS_ACCEPT:
		return verdict(f, RS_V_ACCEPT, out);
	case RS_DISCARD:
		return verdict(f, RS_V_DISCARD, out);
	case RS_MX:
		return verdict(f, RS_V_MX, out);
	case RS_TAG_GET:
		return ask_tag(ev, f, in);
	case RS_END:
		return end(ev, f, out);
	case RS_SWITCH:
		return switch_to(ev, f, in);
	default:
		return step_more(ev, f, in, out);
	}
}

enum rs_run
rs_eval_resume(struct rs_eval *ev, struct rs_verdict *out)
{
	uint64_t	n;

	for (n = 1;; n++) {
		struct frame		*f = &ev->frames[ev->depth];
		const struct rs_insn	*in = &ev->code[f->pc++];

		switch (step(ev, f, in, out)) {
		case NEXT:
			break;
		case PARK:
			f->pc--;
			ev->executed += n;
			return RS_PENDING;
		default:
			ev->executed += n;
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
