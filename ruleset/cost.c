/*
 * cost.c - the longest paths through the code.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "ruleset/cost.h"
#include "ruleset/image_int.h"
#include "ruleset/pattern.h"

const char *const rs_cost_names[RS_NCOSTS] = {
#define RS_COST(id, name, meaning) [RS_COST_##id] = name,
	RS_COSTS
#undef RS_COST
};

const char *const rs_cost_meanings[RS_NCOSTS] = {
#define RS_COST(id, name, meaning) [RS_COST_##id] = meaning,
	RS_COSTS
#undef RS_COST
};

static void
add(struct rs_cost *sum, const struct rs_cost *c)
{
	for (unsigned k = 0; k < RS_NCOSTS; k++)
		sum->n[k] += c->n[k];
}

static void
at_least(struct rs_cost *most, const struct rs_cost *c)
{
	for (unsigned k = 0; k < RS_NCOSTS; k++) {
		if (c->n[k] > most->n[k])
			most->n[k] = c->n[k];
	}
}

/* A map that is made of others asks those, all of them at worst. */
static void
add_lookups(const struct rs_image *im, uint32_t map, uint64_t times,
    struct rs_cost *c)
{
	uint32_t	member;

	if (rs_map_made(im, map) == RS_MADE_NOT) {
		c->n[RS_COST_LOOKUPS] += times;
		if (rs_map_is_asked(im, map))
			c->n[RS_COST_SERVERS] += times;
		return;
	}
	for (uint32_t i = 0; (member = rs_map_member(im, map, i)) !=
	    RS_NO_INDEX; i++)
		add_lookups(im, member, times, c);
}

/*
 * A pattern asks tables for the names that must be in one: RS_LIKE_ASKS in
 * all, each time the one that costs most.
 */
static void
add_pattern(const struct rs_image *im, uint32_t pattern, struct rs_cost *c)
{
	const struct rs_pattern	*p = rs_pattern(im, pattern);
	struct rs_cost		 most = { { 0 } };

	for (uint32_t i = p->first; i < p->first + p->n; i++) {
		const struct rs_token	*t = rs_token(im, i);
		struct rs_cost		 one = { { 0 } };

		if (t->kind != RS_TOK_IN_MAP && t->kind != RS_TOK_NOT_MAP)
			continue;
		add_lookups(im, t->index, RS_LIKE_ASKS, &one);
		at_least(&most, &one);
	}
	add(c, &most);
}

/* Beside the step that it is. */
static void
add_op(const struct rs_image *im, const struct rs_insn *in, struct rs_cost *c)
{
	switch ((enum rs_op)in->op) {
	case RS_MAP_GET:
	case RS_MAP_HAS:
	case RS_EXPAND:
	case RS_ACCESS_GET:
	case RS_ACCESS_HAS:
		add_lookups(im, in->c, 1, c);
		break;
	case RS_LISTED:
		c->n[RS_COST_DNS]++;
		break;
	case RS_SPF:
		c->n[RS_COST_DNS] += RS_COST_SPF_DNS;
		break;
	case RS_RESOLVES:
		c->n[RS_COST_DNS] += RS_COST_RESOLVES_DNS;
		break;
	case RS_RATE:
	case RS_GREYLISTED:
		c->n[RS_COST_COUNTERS]++;
		break;
	case RS_REACHABLE:
		c->n[RS_COST_CALLOUTS]++;
		break;
	case RS_MATCH:
		c->n[RS_COST_MATCHES]++;
		break;
	case RS_LIKE:
		c->n[RS_COST_MATCHES]++;
		add_pattern(im, in->c, c);
		break;
	case RS_HEADER_MATCH:
	case RS_LIST_MATCH:
		c->n[RS_COST_MATCHES]++;
		c->n[RS_COST_EACH]++;
		break;
	case RS_HEADER_EQ:
	case RS_HEADER_IN:
	case RS_LIST_EQ:
	case RS_LIST_IN:
		c->n[RS_COST_EACH]++;
		break;
	case RS_RCPT_UNKNOWN:
	case RS_OWNED:
		c->n[RS_COST_ROUTES]++;
		break;
	default:
		break;
	}
}

/*
 * The most of what can follow instruction i: `rest` holds that for each behind
 * it, from i on.
 */
static struct rs_cost
what_follows(const struct rs_image *im, const struct rs_func *f, uint32_t i,
    const struct rs_cost *rest)
{
	const struct rs_insn	*in = rs_insn(im, i);
	struct rs_cost		 most = { { 0 } };
	const struct rs_switch	*sw;

	if (!rs_ends_path(in->op) && in->op != RS_JUMP && i + 1 < f->end)
		most = rest[1];
	if (rs_ops[in->op].c == RS_JUMP_)
		at_least(&most, &rest[1 + in->c]);
	if (in->op != RS_SWITCH)
		return most;
	sw = RS_REC(im, SWITCHES, struct rs_switch, in->b);
	for (uint32_t k = 0; k < sw->ncases; k++) {
		const struct rs_case	*c = RS_REC(im, CASES, struct rs_case,
		    sw->first_case + k);

		if (c->string != RS_NO_INDEX)
			at_least(&most, &rest[1 + c->skip]);
	}
	return most;
}

/* `costs` has those of the functions before it, which alone it may call. */
static struct rs_cost
cost_func(const struct rs_image *im, uint32_t number,
    const struct rs_cost *costs)
{
	const struct rs_func	*f = rs_func(im, number);
	struct rs_cost		*rest = xcalloc(f->end - f->start,
				    sizeof(*rest));
	struct rs_cost		 whole;

	for (uint32_t i = f->end; i-- > f->start;) {
		const struct rs_insn	*in = rs_insn(im, i);
		struct rs_cost		*here = &rest[i - f->start];

		*here = what_follows(im, f, i, here);
		here->n[RS_COST_STEPS]++;
		add_op(im, in, here);
		if (rs_ops[in->op].c == RS_FUNC_)
			add(here, &costs[in->c]);
	}
	whole = rest[0];
	free(rest);
	return whole;
}

/* Facts are asked once in an evaluation, wherever they stand. */
static uint64_t
name_questions(const struct rs_image *im, uint32_t func)
{
	uint64_t	facts = rs_func_facts(im, func);

	if (facts & RS_FACT_BIT(RS_FACT_CLIENT_VERIFIED_NAME))
		return RS_COST_VERIFIED_DNS;
	return facts & RS_FACT_BIT(RS_FACT_CLIENT_NAME) ? RS_COST_NAME_DNS : 0;
}

/*
 * Milters.
 */

static bool
has_milters(enum rs_hook hook)
{
	return hook == RS_HOOK_CONNECT || hook == RS_HOOK_HELO ||
	    hook == RS_HOOK_MAIL || hook == RS_HOOK_RCPT ||
	    hook == RS_HOOK_DATA || hook == RS_HOOK_CONTENT;
}

/* Whether a rule anywhere asks for it. */
static bool
is_used(const struct rs_image *im, uint32_t milter)
{
	for (uint32_t i = 0; i < rs_ninsn(im); i++) {
		if (rs_insn(im, i)->op == RS_MILTER_USE &&
		    rs_insn(im, i)->c == milter)
			return true;
	}
	return false;
}

static bool
is_at(const struct rs_image *im, uint32_t listener, uint32_t milter)
{
	const struct rs_optval	*v;

	if (!rs_option(im, listener, RS_OPT_LISTEN_milters, 0, &v))
		return false;
	for (unsigned i = 0; i < v->nplaces; i++) {
		struct rs_place	p = rs_option_place(im, v, i);

		if (p.index != RS_NO_INDEX &&
		    rs_const(im, p.index).i == milter)
			return true;
	}
	return false;
}

/* Of the listener that has most. */
static uint64_t
milters(const struct rs_image *im)
{
	uint64_t	most = 0;

	for (uint32_t l = 0; l < rs_nobject(im); l++) {
		uint64_t	n = 0;

		if (rs_object(im, l)->kind != RS_O_LISTEN)
			continue;
		for (uint32_t m = 0; m < rs_nobject(im); m++)
			n += rs_object(im, m)->kind == RS_O_MILTER &&
			    (is_at(im, l, m) || is_used(im, m));
		if (n > most)
			most = n;
	}
	return most;
}

bool
rs_cost_hook(const struct rs_image *im, enum rs_hook hook, struct rs_cost *out)
{
	uint32_t	 func = rs_hook(im, hook);
	struct rs_cost	*costs;

	if (func == RS_NO_INDEX)
		return false;
	costs = xcalloc((size_t)func + 1, sizeof(*costs));
	for (uint32_t i = 0; i <= func; i++)
		costs[i] = cost_func(im, i, costs);
	*out = costs[func];
	free(costs);
	out->n[RS_COST_DNS] += name_questions(im, func);
	if (has_milters(hook))
		out->n[RS_COST_MILTERS] = milters(im);
	return true;
}

bool
rs_cost_chain(const struct rs_image *im, struct rs_cost *out)
{
	if (!rs_cost_hook(im, RS_HOOK_ROUTE, out))
		return false;
	for (unsigned k = 0; k < RS_NCOSTS; k++)
		out->n[k] *= RS_ROUTE_DEPTH + 1;
	return true;
}
