/*
 * play_ask.c - one hook of a session that is played, and the milters of its
 * stage.
 *
 * Owns: the effects that are kept of them.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/cmd/play.h"

/* --- what is kept of a decision */

static void
keep_edits(struct play *pl, const struct decision *d)
{
	const struct header_edit	*e;
	struct header_edit		*k;
	size_t				 i, n;

	e = decision_edits(d, &n);
	if (n == 0)
		return;
	pl->edits = xreallocarray(pl->edits, pl->nedits + n,
	    sizeof(*pl->edits));
	for (i = 0; i < n; i++) {
		k = &pl->edits[pl->nedits++];
		k->kind = e[i].kind;
		k->name = arena_span(&pl->arena, e[i].name);
		k->value = arena_span(&pl->arena, e[i].value);
	}
}

static void
keep_effects(struct play *pl, const struct decision *d)
{
	const struct policy_effect	*e;
	struct policy_effect		*k;
	size_t				 i, n;

	e = decision_effects(d, &n);
	if (n == 0)
		return;
	pl->effects = xreallocarray(pl->effects, pl->neffects + n,
	    sizeof(*pl->effects));
	for (i = 0; i < n; i++) {
		if (e[i].kind == RS_E_MILTER_USE ||
		    e[i].kind == RS_E_MILTER_SKIP) {
			pl->milter_on[e[i].object] =
			    e[i].kind == RS_E_MILTER_USE;
			continue;
		}
		k = &pl->effects[pl->neffects++];
		*k = e[i];
		k->value = rs_copy(&e[i].value, &pl->arena);
	}
}

void
play_keep(struct play *pl, struct played *p, const struct rs_verdict *v)
{
	p->verdict = *v;
	p->verdict.status = arena_span(&pl->arena, v->status);
	p->verdict.text = arena_span(&pl->arena, v->text);
	p->verdict.value = rs_copy(&v->value, &pl->arena);
	if (v->kind == RS_V_QUARANTINE || v->kind == RS_V_HOLD) {
		p->kept = (enum rs_verdict_kind)v->kind;
		p->kept_why = p->verdict.text;
	}
	policy_reply(&p->verdict, &pl->arena, &p->code, &p->status, &p->text);
}

struct played *
play_new(struct play *pl, enum rs_hook hook, struct span command)
{
	struct played	*p;

	pl->v = xreallocarray(pl->v, pl->n + 1, sizeof(*pl->v));
	p = &pl->v[pl->n++];
	*p = (struct played){ .hook = hook, .command = command };
	return p;
}

size_t
play_ask(struct play *pl, enum rs_hook hook, struct span command)
{
	struct played	*p = play_new(pl, hook, command);
	struct decision	*d;
	struct span	 why;

	pl->facts.command = (uint32_t)pl->n;
	d = policy_decide(pl->policy, hook, &pl->facts, &p->record, NULL,
	    NULL);
	assert(decision_done(d));
	play_keep(pl, p, decision_verdict(d));
	p->kept = decision_kept(d, &why);
	p->kept_why = arena_span(&pl->arena, why);
	p->by_route = decision_by_route(d);
	p->line = decision_line(d);
	if (!played_refused(p))
		keep_edits(pl, d);
	keep_effects(pl, d);
	decision_free(&d);
	return pl->n - 1;
}

/* --- milters */

static void
listener_milters(struct play *pl, uint32_t listener)
{
	const struct rs_image	*im = policy_image(pl->policy);
	const struct rs_optval	*v;
	struct rs_place		 at;
	unsigned		 i;

	if (!rs_option(im, listener, RS_OPT_LISTEN_milters, 0, &v))
		return;
	for (i = 0; i < v->nplaces; i++) {
		at = rs_option_place(im, v, i);
		if (!at.is_func && at.index != UINT32_MAX)
			pl->milter_on[rs_const(im, at.index).i] = true;
	}
}

void
play_milters_begin(struct play *pl)
{
	const struct rs_image	*im = policy_image(pl->policy);

	const struct rs_object	*o;
	uint32_t		 i;

	free(pl->milter_on);
	pl->milter_on = xcalloc(rs_nobject(im) + 1, sizeof(*pl->milter_on));
	for (i = 0; i < rs_nobject(im); i++) {
		o = rs_object(im, i);
		if (o->kind == RS_O_LISTEN &&
		    span_eq(rs_string(im, o->name), pl->facts.listener))
			listener_milters(pl, i);
	}
}

/* --- what is hidden */

uint32_t
play_hidden(const struct play *pl)
{
	const struct rs_image	*im = policy_image(pl->policy);
	const struct rs_object	*o;
	uint32_t		 i, set = 0;

	for (i = 0; i < rs_nobject(im); i++) {
		o = rs_object(im, i);
		if (o->kind == RS_O_LISTEN &&
		    span_eq(rs_string(im, o->name), pl->facts.listener))
			set |= rs_option_hides(im, i);
	}
	for (i = 0; i < pl->neffects; i++)
		if (pl->effects[i].kind == RS_E_HIDE)
			set |= pl->effects[i].object;
	return set;
}

/* --- what they say */

/* It cannot be asked: what its block says of that. */
static struct rs_verdict
failure(const struct rs_image *im, uint32_t milter)
{
	struct rs_verdict	 v = { .kind = RS_V_DEFER,
	    .rule = UINT32_MAX, .code = 451, .status = SPAN("4.7.1"),
	    .text = SPAN("a filter cannot be asked") };
	const struct rs_optval	*o;
	struct span		 word = SPAN_NONE;

	if (rs_option(im, milter, RS_OPT_MILTER_failure, 0, &o))
		word = rs_const(im, rs_option_place(im, o, 0).index).s;
	if (span_eq(word, SPAN("accept")))
		v.kind = RS_V_ACCEPT;
	if (span_eq(word, SPAN("reject"))) {
		v.kind = RS_V_REJECT;
		v.code = 550;
		v.status = SPAN("5.7.1");
	}
	return v;
}

size_t
play_milters(struct play *pl, size_t at)
{
	const struct rs_image		*im = policy_image(pl->policy);
	const struct play_milter	*m;
	struct rs_verdict		 says;
	struct played			*p;
	size_t				 i;

	if (played_refused(&pl->v[at]))
		return at;
	for (i = 0; i < pl->nmilters; i++) {
		m = &pl->milters[i];
		if (m->stage != pl->v[at].hook || !pl->milter_on[m->object])
			continue;
		p = play_new(pl, m->stage, pl->v[at].command);
		p->milter = rs_string(im, rs_object(im, m->object)->name);
		says = m->failing ? failure(im, m->object) : m->says;
		play_keep(pl, p, &says);
		if (played_refused(p))
			return pl->n - 1;
	}
	return at;
}
