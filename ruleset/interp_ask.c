/*
 * interp_ask.c - questions that only servers can answer: DNS lists, SPF, what
 * is counted, callouts, access tables.
 *
 * The world answers as tables do.  What cannot be said of a DNS list or SPF is
 * unknown softly: the rule is not taken.
 */
#include "ruleset/interp_int.h"

/* A condition on nothing asks nobody: what it is then. */
static bool
is_moot(const struct rs_insn *in, const struct rs_value *key,
    struct rs_value *out)
{
	bool	is_sender = in->op == RS_RESOLVES ||
		    (in->op == RS_REACHABLE && in->c == 0);

	*out = rs_bool(false);
	if (key->type == RS_T_NONE)
		return true;
	if (!rs_is_void(key) || in->op == RS_RATE || in->op == RS_GREYLISTED)
		return false;
	/* <> needs no domain, and nobody answers for it */
	*out = rs_bool(is_sender);
	return true;
}

static enum rs_answer
of_key(struct rs_eval *ev, const struct rs_insn *in,
    const struct rs_value *key, struct rs_value *out)
{
	const struct rs_world	*w = ev->world;

	switch ((enum rs_op)in->op) {
	case RS_LISTED:
		return w->listed == NULL ? RS_CANNOT :
		    w->listed(ev->ctx, ev, in->c, key, out);
	case RS_RATE:
		return w->rate == NULL ? RS_CANNOT :
		    w->rate(ev->ctx, ev, in->c, key, out);
	case RS_GREYLISTED:
		return w->greylisted == NULL ? RS_CANNOT :
		    w->greylisted(ev->ctx, ev, key, ev->im->consts[in->c].i,
		    out);
	case RS_RESOLVES:
		return w->resolves == NULL ? RS_CANNOT :
		    w->resolves(ev->ctx, ev, key, out);
	default:	/* REACHABLE */
		return w->reachable == NULL ? RS_CANNOT :
		    w->reachable(ev->ctx, ev, key, in->c != 0, out);
	}
}

/*
 * <> belongs to everybody who has logged in; nothing belongs to nobody.  b
 * and c are registers here.
 */
static enum rs_answer
of_owner(struct rs_eval *ev, const struct frame *f, const struct rs_insn *in,
    struct rs_value *out)
{
	const struct rs_value	*address = &f->r[in->b], *user = &f->r[in->c];

	*out = rs_bool(false);
	if (address->type == RS_T_UNKNOWN || user->type == RS_T_UNKNOWN) {
		*out = rs_unknown(RS_WHY_TABLE);
		return RS_HAVE;
	}
	if (!rs_has_span(user->type) || user->s.n == 0 ||
	    address->type != RS_T_ADDRESS)
		return RS_HAVE;
	if (address->s.n == 0) {
		*out = rs_bool(true);
		return RS_HAVE;
	}
	return ev->world->owned == NULL ? RS_CANNOT :
	    ev->world->owned(ev->ctx, ev, address, user, out);
}

static enum rs_answer
ask(struct rs_eval *ev, const struct frame *f, const struct rs_insn *in,
    struct rs_value *out)
{
	const struct rs_value	*key = &f->r[in->b];

	if (in->op == RS_SPF)
		return ev->world->spf == NULL ? RS_CANNOT :
		    ev->world->spf(ev->ctx, ev, out);
	if (in->op == RS_OWNED)
		return of_owner(ev, f, in, out);
	if (key->type == RS_T_UNKNOWN) {
		*out = *key;
		return RS_HAVE;
	}
	return is_moot(in, key, out) ? RS_HAVE : of_key(ev, in, key, out);
}

static enum rs_step_kind
step_kind(unsigned op)
{
	switch (op) {
	case RS_LISTED:
		return RS_STEP_LISTED;
	case RS_RATE:
		return RS_STEP_RATE;
	case RS_GREYLISTED:
		return RS_STEP_GREYLISTED;
	case RS_RESOLVES:
		return RS_STEP_RESOLVES;
	case RS_REACHABLE:
		return RS_STEP_REACHABLE;
	case RS_OWNED:
		return RS_STEP_OWNED;
	default:
		return RS_STEP_SPF;
	}
}

enum next
ask_server(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	bool		is_soft = in->op == RS_LISTED || in->op == RS_SPF;
	struct rs_value	v = rs_empty(RS_T_NONE);
	enum rs_answer	answer = ask(ev, f, in, &v);

	if (answer == RS_WAIT)
		return PARK;
	if (answer == RS_ABSENT)
		v = in->op == RS_SPF ? rs_empty(RS_T_TEXT) : rs_bool(false);
	else
		settle(answer, is_soft ? RS_WHY_SOFT : RS_WHY_TABLE, &v);
	note(ev, step_kind(in->op), rs_ops[in->op].c == RS_IN_ ? 0 : in->c,
	    here(ev, f), in->op == RS_SPF ? NULL : &f->r[in->b], &v);
	f->r[in->a] = v;
	return NEXT;
}

enum next
ask_access(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	struct rs_value	v = rs_empty(RS_T_NONE), role;
	enum rs_answer	answer = RS_CANNOT;
	uint32_t	line = 0;

	if (ev->world->access != NULL)
		answer = ev->world->access(ev->ctx, ev, in->c,
		    (enum rs_role)in->b, &v, &line);
	if (answer == RS_WAIT)
		return PARK;
	settle(answer, RS_WHY_TABLE, &v);
	if (v.type == RS_T_VERDICT)
		v.bits = (uint8_t)((v.bits & RS_VERDICT_ANY_DOMAIN) | in->b);
	role = rs_text(RS_T_TEXT, span_of(rs_role_names[in->b]));
	note(ev, RS_STEP_ACCESS, in->c, line, &role, &v);
	note_answers(ev);
	if (in->op == RS_ACCESS_HAS && v.type != RS_T_UNKNOWN)
		v = rs_bool(v.type != RS_T_NONE);
	f->r[in->a] = v;
	return NEXT;
}

enum next
ask_srs(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	struct rs_value	v = rs_empty(RS_T_NONE);
	enum rs_answer	answer = RS_CANNOT;

	if (f->r[in->b].type == RS_T_ADDRESS && ev->world->srs != NULL)
		answer = ev->world->srs(ev->ctx, ev, &f->r[in->b],
		    in->c == 1, &v);
	if (answer == RS_WAIT)
		return PARK;
	if (answer == RS_HAVE && v.type != RS_T_ADDRESS)
		answer = RS_CANNOT;
	settle(answer, RS_WHY_TABLE, &v);
	note(ev, RS_STEP_SRS, in->c, here(ev, f), &f->r[in->b], &v);
	f->r[in->a] = v;
	return NEXT;
}
