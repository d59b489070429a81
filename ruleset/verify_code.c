/*
 * verify_code.c - proves that the code of an image ends and stays inside.
 *
 * For each function, from the first instruction to the last: operands in the
 * range that op.def says; registers written on every path before they are
 * read; jumps forward and inside; every path ends in an instruction that ends
 * it.  Calls go to lower numbers, which bounds their depth.
 *
 * Since jumps go forward only, one pass in order sees all predecessors of an
 * instruction before it; where paths join, what is written is what all of them
 * have written.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "ruleset/image_int.h"

#define WORDS	4		/* of 64 registers */

/* What is known before an instruction. */
struct state {
	uint64_t	written[WORDS];
	bool		reached;
};

/* At most, with what the function calls. */
struct cost { uint32_t depth, steps; };

struct walk {
	const struct rs_image	*im;
	const struct rs_func	*func;
	uint32_t		 number;	/* of func */
	uint32_t		 at;		/* or RS_NO_INDEX */
	uint32_t		 nswitches;	/* so far */
	struct state		*states;	/* one for each instruction */
	struct cost		*costs;		/* by function */
};

#define MUST(condition, text) do { \
	if (!(condition)) \
		return (text); \
} while (0)

static bool
is_written(const struct state *s, uint32_t reg)
{
	return s->written[reg / 64] >> (reg % 64) & 1;
}

/* Registers [first, first + n) are the function's and have been written. */
static const char *
check_read(const struct walk *w, const struct state *s, uint32_t first,
    uint32_t n)
{
	MUST(first <= w->func->nregs && n <= w->func->nregs - first,
	    "an instruction reads a register that the function does not have");
	for (uint32_t i = first; s->reached && i < first + n; i++)
		MUST(is_written(s, i),
		    "an instruction reads a register that a path has not "
		    "written");
	return NULL;
}

static const char *
check_call(const struct walk *w, const struct rs_insn *in)
{
	const struct rs_func	*callee;

	MUST(in->c < w->number, "a call does not go downward");
	callee = RS_REC(w->im, FUNCS, struct rs_func, in->c);
	MUST(callee->kind == RS_FUNC_RULESET,
	    "a call goes to what is not a ruleset");
	MUST(in->op != RS_APPLY || callee->result == RS_T_VERDICT,
	    "a ruleset that gives no verdict is applied");
	return NULL;
}

static unsigned
kind_of_object(unsigned op)
{
	switch (op) {
	case RS_DELIVER:
		return RS_O_MAILBOX;
	case RS_RELAY:
		return RS_O_RELAY;
	case RS_FILTER:
		return RS_O_FILTER;
	default:
		return RS_O_MILTER;
	}
}

static const char *
check_object(const struct walk *w, const struct rs_insn *in)
{
	unsigned	kind = kind_of_object(in->op);

	MUST(in->c < w->im->n[RS_S_OBJECTS],
	    "an instruction's block is not there");
	MUST(RS_REC(w->im, OBJECTS, struct rs_object, in->c)->kind == kind,
	    "an instruction's block is of another kind");
	return NULL;
}

/* Tags are numbered by int constants; waits are times; extensions are bits. */
static const char *
check_const(const struct walk *w, const struct rs_insn *in)
{
	const struct rs_const	*c;

	MUST(in->c < w->im->n[RS_S_CONSTS],
	    "an instruction's constant is not there");
	c = RS_REC(w->im, CONSTS, struct rs_const, in->c);
	if (in->op == RS_TAG || in->op == RS_TAG_GET)
		MUST(c->type == RS_T_INT && c->i >= 0 &&
		    c->i < w->im->n[RS_S_TAGS],
		    "an instruction's tag is not there");
	if (in->op == RS_DELAY || in->op == RS_GREYLISTED)
		MUST(c->type == RS_T_TIME && c->i >= 0,
		    "an instruction's time is none");
	if (in->op == RS_PRIORITY)
		MUST(c->type == RS_T_INT && c->i >= 0 &&
		    c->i < RS_NPRIORITIES, "an instruction's priority is none");
	if (in->op == RS_HIDE)
		MUST(c->type == RS_T_INT && c->i > 0 &&
		    c->i < INT64_C(1) << RS_NEXTENSIONS,
		    "an instruction hides what is no extension");
	return NULL;
}

static const char *
check_index(const struct walk *w, uint32_t n, enum rs_section_kind kind)
{
	MUST(n < w->im->n[kind],
	    "an instruction names what is not in the image");
	return NULL;
}

/* Registers from b on, as many as c says or as function c has arguments. */
static const char *
check_count(const struct walk *w, const struct state *s,
    const struct rs_insn *in)
{
	uint32_t	n = in->c;

	if (rs_ops[in->op].c == RS_FUNC_)
		n = RS_REC(w->im, FUNCS, struct rs_func, n)->nargs;
	return check_read(w, s, in->b, n);
}

static const char *
check_jump(const struct walk *w, uint32_t at, uint32_t n)
{
	MUST(n < w->func->end - at - 1,
	    "a jump leads out of its function");
	return NULL;
}

/* Each table belongs to one instruction, so that all are looked at once. */
static const char *
check_cases(const struct walk *w, uint32_t at, uint32_t n)
{
	const struct rs_switch	*sw;

	MUST(n == w->nswitches && n < w->im->n[RS_S_SWITCHES],
	    "an instruction's cases are not its own");
	sw = RS_REC(w->im, SWITCHES, struct rs_switch, n);
	for (uint32_t i = 0; i < sw->ncases; i++) {
		const struct rs_case	*c = RS_REC(w->im, CASES,
		    struct rs_case, sw->first_case + i);

		if (c->string != RS_NO_INDEX)
			MUST(c->skip < w->func->end - at - 1,
			    "a case leads out of its function");
	}
	return NULL;
}

/* One operand, of the kind that op.def says. */
static const char *
check_operand(const struct walk *w, const struct state *s, uint32_t at,
    unsigned kind, uint32_t n)
{
	const struct rs_insn	*in = RS_REC(w->im, INSNS, struct rs_insn, at);

	switch (kind) {
	case RS_NONE_:
		MUST(n == 0, "an operand that is not used is not zero");
		return NULL;
	case RS_OUT_:
		MUST(n < w->func->nregs,
		    "an instruction writes a register that the function does "
		    "not have");
		return NULL;
	case RS_IN_:
		return check_read(w, s, n, 1);
	case RS_IN0_:
		return check_count(w, s, in);
	case RS_CONST_:
		return check_const(w, in);
	case RS_FACT_:
		MUST(n < RS_NFACTS, "a fact is not known");
		return NULL;
	case RS_FIELD_:
		MUST(n < RS_NFIELDS, "a part of an address is not known");
		return NULL;
	case RS_SET_:
		return check_index(w, n, RS_S_SETS);
	case RS_NETS_:
		return check_index(w, n, RS_S_NETS);
	case RS_MAP_:
		return check_index(w, n, RS_S_MAPS);
	case RS_FUNC_:
		return check_call(w, in);
	case RS_RULE_:
		return check_index(w, n, RS_S_RULES);
	case RS_REPLY_:
		return check_index(w, n, RS_S_REPLIES);
	case RS_STR_:
		return check_index(w, n, RS_S_STRINGS);
	case RS_OBJECT_:
		return check_object(w, in);
	case RS_TYPE_:
		MUST(n > RS_T_UNKNOWN && n < RS_NTYPES, "a type is not known");
		return NULL;
	case RS_MASK_:
		MUST((n & 0xff) <= 32 && n >> 8 <= 128,
		    "a mask has too many bits");
		return NULL;
	case RS_COUNT_:
		MUST(n <= RS_REGISTERS, "a count is too large");
		return NULL;
	case RS_FLAG_:
		MUST(n <= 1, "a flag is neither 0 nor 1");
		return NULL;
	case RS_JUMP_:
		return check_jump(w, at, n);
	case RS_SWITCH_:
		return check_cases(w, at, n);
	case RS_REGEX_:
		return check_index(w, n, RS_S_REGEXES);
	case RS_PATTERN_:
		return check_index(w, n, RS_S_PATTERNS);
	case RS_LIST_:
		return check_index(w, n, RS_S_LISTS);
	case RS_RATE_:
		return check_index(w, n, RS_S_RATES);
	case RS_LISTOF_:
		MUST(n < RS_NLISTSOF, "a list is not known");
		return NULL;
	case RS_ROLE_:
		MUST(n < RS_NROLES, "a role is not known");
		return NULL;
	default:
		return "an operand is of no known kind";
	}
}

/* c first: what it names says how many registers b stands for. */
static const char *
check_operands(const struct walk *w, const struct state *s, uint32_t at)
{
	const struct rs_insn	*in = RS_REC(w->im, INSNS, struct rs_insn, at);
	const struct rs_op_info	*op;
	const char		*why;

	MUST(in->op < RS_NOPS, "an instruction is not known");
	op = &rs_ops[in->op];
	if ((why = check_operand(w, s, at, op->c, in->c)) != NULL ||
	    (why = check_operand(w, s, at, op->a, in->a)) != NULL)
		return why;
	return check_operand(w, s, at, op->b, in->b);
}

/* A path with what s has written comes to an instruction. */
static void
join(struct state *there, const struct state *s)
{
	if (!s->reached)
		return;
	for (unsigned i = 0; i < WORDS; i++) {
		if (there->reached)
			there->written[i] &= s->written[i];
		else
			there->written[i] = s->written[i];
	}
	there->reached = true;
}

static void
join_cases(struct walk *w, struct state *s, uint32_t n)
{
	const struct rs_switch	*sw = RS_REC(w->im, SWITCHES,
	    struct rs_switch, n);

	for (uint32_t i = 0; i < sw->ncases; i++) {
		const struct rs_case	*c = RS_REC(w->im, CASES,
		    struct rs_case, sw->first_case + i);

		if (c->string != RS_NO_INDEX)
			join(s + 1 + c->skip, s);
	}
	w->nswitches++;
}

static bool
is_rewrite(unsigned hook)
{
	return hook >= RS_HOOK_REWRITE_IN_SENDER &&
	    hook <= RS_HOOK_REWRITE_OUT_HEADER;
}

static const char *
check_insn(struct walk *w, uint32_t at)
{
	const struct rs_insn	*in = RS_REC(w->im, INSNS, struct rs_insn, at);
	struct state		*s = &w->states[at - w->func->start];
	const char		*why;

	if ((why = check_operands(w, s, at)) != NULL)
		return why;
	if (w->func->kind == RS_FUNC_HOOK && !is_rewrite(w->func->hook))
		MUST(in->op != RS_RETURN, "a hook returns a value");
	if (rs_ops[in->op].a == RS_OUT_)
		s->written[in->a / 64] |= UINT64_C(1) << (in->a % 64);
	if (rs_ops[in->op].c == RS_JUMP_)
		join(s + 1 + in->c, s);
	if (in->op == RS_SWITCH)
		join_cases(w, s, in->b);
	if (rs_ends_path(in->op) || in->op == RS_JUMP)
		return NULL;
	MUST(at + 1 < w->func->end, "a path runs out of its function");
	join(s + 1, s);
	return NULL;
}

static const char *
check_header(const struct walk *w)
{
	const struct rs_func	*f = w->func;

	MUST(f->name < w->im->n[RS_S_STRINGS],
	    "a function's name is not there");
	MUST(f->kind <= RS_FUNC_EXPR, "a function is of no known kind");
	MUST(f->hook < RS_NHOOKS, "a function's hook is not known");
	MUST(f->nargs <= RS_ARGS_MAX && f->nargs <= f->nregs &&
	    f->nregs <= RS_REGISTERS, "a function has too many registers");
	if (f->kind == RS_FUNC_HOOK && is_rewrite(f->hook))
		MUST(f->nargs == 1 && f->arg_types[0] == RS_T_ADDRESS,
		    "what rewrites is not given one address");
	else
		MUST(f->kind == RS_FUNC_RULESET || f->nargs == 0,
		    "a hook or an expression has arguments");
	MUST(f->result < RS_NTYPES, "a function's result is of no known type");
	MUST(f->pad[0] == 0 && f->pad[1] == 0 && f->pad[2] == 0,
	    "a function's unused octets are not zero");
	for (unsigned i = 0; i < RS_ARGS_MAX; i++)
		MUST(i < f->nargs ? f->arg_types[i] < RS_NTYPES :
		    f->arg_types[i] == 0,
		    "an argument is of no known type");
	MUST(f->start < f->end && f->end <= w->im->n[RS_S_INSNS],
	    "a function's code is not there");
	return NULL;
}

/* Calls go downward, so those of the callees are known. */
static const char *
check_cost(const struct walk *w)
{
	struct cost	cost = { 1, w->func->end - w->func->start };

	for (uint32_t i = w->func->start; i < w->func->end; i++) {
		const struct rs_insn	*in = RS_REC(w->im, INSNS,
		    struct rs_insn, i);

		if (rs_ops[in->op].c != RS_FUNC_)
			continue;
		if (w->costs[in->c].depth >= cost.depth)
			cost.depth = w->costs[in->c].depth + 1;
		cost.steps += w->costs[in->c].steps;
		MUST(cost.steps <= RS_STEPS_MAX,
		    "a function takes too many steps");
	}
	MUST(cost.steps <= RS_STEPS_MAX, "a function takes too many steps");
	MUST(cost.depth <= RS_CALL_DEPTH, "calls go too deep");
	w->costs[w->number] = cost;
	return NULL;
}

static const char *
check_func(struct walk *w)
{
	uint32_t	 n = w->func->end - w->func->start;
	const char	*why;

	memset(w->states, 0, (n + 1) * sizeof(*w->states));
	w->states[0].reached = true;
	for (unsigned i = 0; i < w->func->nargs; i++)
		w->states[0].written[0] |= UINT64_C(1) << i;
	for (w->at = w->func->start; w->at < w->func->end; w->at++) {
		if ((why = check_insn(w, w->at)) != NULL)
			return why;
	}
	w->at = RS_NO_INDEX;
	return check_cost(w);
}

/* Functions lie one behind the other; each hook has one at most. */
static const char *
check_funcs(struct walk *w)
{
	uint32_t	 next = 0, hooks = 0;
	const char	*why;

	w->at = RS_NO_INDEX;
	for (w->number = 0; w->number < w->im->n[RS_S_FUNCS]; w->number++) {
		w->func = RS_REC(w->im, FUNCS, struct rs_func, w->number);
		if ((why = check_header(w)) != NULL)
			return why;
		MUST(w->func->start == next,
		    "functions overlap, or something lies between them");
		next = w->func->end;
		if (w->func->kind == RS_FUNC_HOOK) {
			MUST(!(hooks >> w->func->hook & 1),
			    "a hook has two functions");
			hooks |= UINT32_C(1) << w->func->hook;
		}
		if ((why = check_func(w)) != NULL)
			return why;
	}
	MUST(next == w->im->n[RS_S_INSNS],
	    "code lies behind the last function");
	MUST(w->im->n[RS_S_SWITCHES] == w->nswitches,
	    "cases belong to no instruction");
	MUST(w->im->n[RS_S_LINES] == next,
	    "instructions and their lines are not as many");
	return NULL;
}

int
rs_verify_code(const struct rs_image *im, const char **why)
{
	struct walk	w = { .im = im };

	w.states = xcalloc((size_t)im->n[RS_S_INSNS] + 1, sizeof(*w.states));
	w.costs = xcalloc((size_t)im->n[RS_S_FUNCS] + 1, sizeof(*w.costs));
	*why = check_funcs(&w);
	free(w.states);
	free(w.costs);
	if (*why == NULL)
		return 0;
	if (w.at == RS_NO_INDEX)
		*why = rs_told("function %u: %s", w.number, *why);
	else
		*why = rs_told("function %u, instruction %u: %s", w.number,
		    w.at, *why);
	return -1;
}
