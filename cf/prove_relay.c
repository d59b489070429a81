/*
 * prove_relay.c - promise 2: it is no open relay, and can say why.
 *
 * Every path of `on rcpt` that ends in accept is walked as a stranger would.
 * One that he can take, under any values of what he may choose, is open; it is
 * told as a session that would get through.
 */
#include "base/xalloc.h"
#include "cf/prove_int.h"
#include "cf/types.h"

#include <stdlib.h>

#define NOTES_MAX	6	/* rules of a path that get a note of their own */

/* A rule that has been walked. */
struct passed {
	const struct cf_rule	*rule;
	bdd_node		 cond;
	bool			 final;
};

struct relay {
	struct prover			 p;
	const struct prove_binding	*x;
	struct prove_left		 left;
	struct passed			*passed;
	size_t				 n;
	bool				 undecided;	/* said */
};

/* What is wrong with the path. */

/* Facts that the client writes itself, in the words of an SMTP session. */
static bool
anyone_writes(const struct cf_expr *e)
{
	if (e->ref == CF_R_PART)
		return anyone_writes(e->a);
	if (e->ref == CF_R_HEADER)
		return true;
	if (e->ref != CF_R_FACT)
		return false;
	switch (e->fact) {
	case RS_FACT_SENDER: case RS_FACT_CLIENT_HELO: case RS_FACT_RCPT:
	case RS_FACT_MESSAGE_SIZE: case RS_FACT_CLIENT_NAME:
		return true;
	default:
		return false;
	}
}

/* The free question on which the rule's own condition rests; NULL: none. */
static const struct prove_atom *
leans_on(const struct relay *r, bdd_node cond, const int8_t *values)
{
	const struct prove_atom	*found = NULL;
	uint32_t		 i;

	for (i = 1; i <= r->p.natoms; i++) {
		if (!bdd_depends(r->p.bdd, cond, i))
			continue;
		if (found == NULL || values[i] == 1)
			found = &r->p.atoms[i];
		if (values[i] == 1)
			break;
	}
	return found;
}

/* "line 7", "lines 5, 6 and 7": final rules before that are not taken. */
static const char *
lines_before(const struct relay *r, size_t n)
{
	struct arena	*ar = &r->p.cf->arena;
	struct span	 list = SPAN_NONE;
	uint32_t	 last = 0, line;
	unsigned	 count = 0;
	size_t		 i;

	for (i = 0; i < n; i++) {
		if (!r->passed[i].final)
			continue;
		line = cf_line(r->p.cf, r->passed[i].rule->loc);
		if (last != 0 && count <= 8)
			list = arena_printf(ar, "%.*s%s%u", SPAN_ARG(list),
			    list.n > 0 ? ", " : "", last);
		count++;
		last = line;
	}
	if (count == 0)
		return NULL;
	if (count == 1)
		return arena_printf(ar, "line %u", last).p;
	return arena_printf(ar, "lines %.*s%s and %u", SPAN_ARG(list),
	    count > 9 ? ", ..." : "", last).p;
}

static void
say_open(struct relay *r, const struct cf_rule *rule, bdd_node cond,
    size_t n, const int8_t *values)
{
	struct cf		*cf = r->p.cf;
	const struct prove_atom	*a = leans_on(r, cond, values);
	const char		*lines = lines_before(r, n);
	const struct cf_expr	*e;

	if (a != NULL && a->kind == ATOM_FAILS) {
		cf_error(cf, rule->failing->loc, "a stranger is accepted while "
		    "this rule cannot be decided: this path to accept is open "
		    "to the world");
	} else if (a != NULL && a->kind == ATOM_IN_MAP &&
	    a->sym->wide.n > 0) {
		cf_error(cf, rule->loc, "%.*s in '%.*s' is everybody, or "
		    "nearly: this path to accept is open to the world",
		    SPAN_ARG(a->sym->wide), SPAN_ARG(a->sym->name));
	} else if (a != NULL && a->kind == ATOM_IN_MAP && a->sym->forgeable) {
		cf_error(cf, rule->loc, "what the DNS or a pattern says in "
		    "'%.*s' proves nothing of the client: this path to accept "
		    "is open to the world", SPAN_ARG(a->sym->name));
	} else if (a != NULL) {
		e = prove_open_side(a);
		if (e == NULL)
			e = a->expr;
		cf_error(cf, rule->loc, anyone_writes(e) ?
		    "anyone can write %.*s: this path to accept is open to "
		    "the world" :
		    "%.*s proves nothing of the client: this path to accept "
		    "is open to the world", SPAN_ARG(cf_expr_text(cf, e)));
	} else if (rule->cond->kind != CF_E_OTHERWISE) {
		cf_error(cf, rule->loc, "a stranger passes this condition: "
		    "this path to accept is open to the world");
	} else if (lines != NULL) {
		cf_error(cf, rule->loc, "this path to accept is open to the "
		    "world: %s not taken, then otherwise", lines);
	} else {
		cf_error(cf, rule->loc, "this path to accept is open to the "
		    "world: otherwise takes everybody");
	}
	cf_help(cf, "ask for something the client cannot forge: "
	    "client.authenticated, client.ip in a net, rcpt.domain in a set "
	    "or table");
}

/* Rule by rule, then the session as it would be typed. */
static void
say_path(struct relay *r, const struct cf_rule *rule, size_t n,
    const int8_t *values)
{
	struct cf	*cf = r->p.cf;
	struct span	 session = prove_session(&r->p, values);
	size_t		 i, from = n > NOTES_MAX ? n - NOTES_MAX : 0;

	for (i = from; i < n; i++) {
		if (bdd_eval(r->p.bdd, r->passed[i].cond, values))
			cf_note(cf, r->passed[i].rule->loc, "taken, and goes "
			    "on");
		else
			cf_note(cf, r->passed[i].rule->loc, "not taken");
	}
	cf_note(cf, rule->loc, "a session that gets through: %.*s",
	    SPAN_ARG(session));
}

static void
say_wide_net(struct relay *r, const struct ipnet *net, struct cf_loc loc)
{
	char	 text[IP_TEXT_MAX];

	if (!prove_net_is_wide(net))
		return;
	cf_error(r->p.cf, loc, net->bits == 0 ?
	    "%s/%u is everybody; a network that grants relaying may not be "
	    "the world" :
	    "%s/%u is too wide; a network that grants relaying may not be "
	    "shorter than /8 (IPv4) or /16 (IPv6)",
	    ip_format(&net->ip, text), net->bits);
}

static void
say_wide(struct relay *r, const struct prove_atom *a,
    const struct cf_rule *rule)
{
	const struct cf_sym	*sym = a->sym;
	struct ipnet		 net;
	bool			 each = false;
	size_t			 i;

	if (sym == NULL) {
		net = (struct ipnet){ a->b.value.ip, a->b.value.bits };
		say_wide_net(r, &net, a->expr->b->loc);
		return;
	}
	if (sym->kind == CF_S_SET) {
		cf_error(r->p.cf, rule->loc, "'%.*s' in '%.*s' are the "
		    "domains of half the world; they cannot grant relaying",
		    SPAN_ARG(prove_wide_item(sym)->s), SPAN_ARG(sym->name));
		cf_note(r->p.cf, sym->loc, "here");
		return;
	}
	for (i = 0; i < sym->n; i++) {
		each |= prove_net_is_wide(&sym->nets[i]);
		say_wide_net(r, &sym->nets[i], sym->net_locs[i]);
	}
	if (!each)
		cf_error(r->p.cf, sym->loc, "the networks of '%.*s' together "
		    "are half of the world, or more; they cannot grant "
		    "relaying", SPAN_ARG(sym->name));
	cf_note(r->p.cf, rule->loc, "it grants here");
}

/* Those of the open cases that do not rest on a network that is too wide. */
static bdd_node
without_wide(struct relay *r, bdd_node open)
{
	uint32_t	 i;

	for (i = 1; i <= r->p.natoms; i++) {
		if (r->p.atoms[i].kind == ATOM_WIDE)
			open = bdd_and(r->p.bdd, open, bdd_not(r->p.bdd,
			    bdd_var(r->p.bdd, i)));
	}
	return prove_left_meet(&r->left, open);
}

static void
report(struct relay *r, const struct cf_rule *rule, bdd_node cond,
    bdd_node open)
{
	bdd_node	 narrow = without_wide(r, open);
	int8_t		*values;
	uint32_t	 i;

	values = xcalloc((size_t)r->p.natoms + 1, sizeof(*values));
	memset(values, -1, (size_t)r->p.natoms + 1);
	if (narrow != BDD_FALSE) {
		prove_left_path(&r->left, narrow, values);
		say_open(r, rule, cond, r->n, values);
		say_path(r, rule, r->n, values);
	} else {
		prove_left_path(&r->left, open, values);
		for (i = 1; i <= r->p.natoms; i++) {
			if (values[i] == 1 && r->p.atoms[i].kind == ATOM_WIDE)
				say_wide(r, &r->p.atoms[i], rule);
		}
	}
	free(values);
}

static bool
is_among(const struct span *list, unsigned n, struct span s)
{
	unsigned	 i;

	for (i = 0; i < n; i++) {
		if (span_eq(list[i], s))
			return true;
	}
	return false;
}

/* The first of what the rules so far have asked about. */
static struct span
questions(struct relay *r)
{
	struct span		 shown[NOTES_MAX], out = SPAN_NONE, s;
	struct cf		*cf = r->p.cf;
	const struct cf_expr	*e;
	unsigned		 n = 0;
	uint32_t		 i;

	for (i = 1; i <= r->p.natoms && n < NOTES_MAX; i++) {
		e = prove_open_side(&r->p.atoms[i]);
		s = cf_expr_text(cf, e != NULL ? e : r->p.atoms[i].expr);
		if (is_among(shown, n, s))
			continue;
		shown[n] = s;
		out = arena_printf(&cf->arena, "%.*s%s%.*s", SPAN_ARG(out),
		    n++ > 0 ? ", " : "", SPAN_ARG(s));
	}
	return i <= r->p.natoms ? arena_printf(&cf->arena, "%.*s, ...",
	    SPAN_ARG(out)) : out;
}

static void
check_open(struct relay *r, const struct cf_rule *rule, bdd_node cond,
    bdd_node open)
{
	if (open == BDD_FALSE || r->undecided)
		return;
	if (open != BDD_TOO_MUCH) {
		report(r, rule, cond, open);
		return;
	}
	r->undecided = true;
	cf_error(r->p.cf, rule->loc, "cannot prove: whether this path to "
	    "accept is open to the world depends on too many questions "
	    "together: %.*s", SPAN_ARG(questions(r)));
	cf_help(r->p.cf, "put the rules that refuse strangers first, and what "
	    "may relay into sets, nets and tables");
}

/* `allow open relay because "..."` stands before the accept. */
static bool
is_allowed(const struct cf_action *a)
{
	for (; a != NULL; a = a->next) {
		if (a->kind == CF_A_ALLOW)
			return true;
	}
	return false;
}

static void	 look_into(struct relay *, prove_env, const struct cf_expr *,
		    bdd_node);

/*
 * Actions that are taken when `taken` holds, one after the other: who has been
 * refused by a ruleset that is applied does not meet those behind it.  `cond`
 * is what they rest on.
 */
static void
look_at(struct relay *r, prove_env x, const struct cf_rule *rule,
    const struct cf_action *a, bdd_node cond, bdd_node taken)
{
	struct bdd	*b = r->p.bdd;

	if (is_allowed(a))
		return;
	for (; a != NULL && !r->undecided; a = a->next) {
		if (cf_action_accepts(a))
			check_open(r, rule, cond, prove_left_meet(&r->left,
			    taken));
		if (a->kind == CF_A_APPLY)
			look_into(r, x, a->expr, taken);
		taken = bdd_and(b, taken, bdd_not(b,
		    prove_action_ends(&r->p, x, a)));
		if (prove_is_effect(a))
			r->p.version++;
	}
}

/* The rules of a ruleset that is applied: an accept there is ours. */
static void
look_into(struct relay *r, prove_env x, const struct cf_expr *call,
    bdd_node left)
{
	struct bdd		*b = r->p.bdd;
	const struct cf_rule	*rule;
	prove_env		 inner;
	bdd_node		 c;

	if (call->kind != CF_E_CALL || call->sym == NULL)
		return;
	inner = prove_enter(&r->p, x, call);
	for (rule = call->sym->decl->rules; rule != NULL; rule = rule->next) {
		if (rule->is_let) {
			inner = prove_bind_let(&r->p, inner, rule);
			continue;
		}
		c = prove_truth(&r->p, inner, rule->cond);
		if (rule->has_failing)
			look_at(r, inner, rule, rule->failing, BDD_TRUE, left);
		look_at(r, inner, rule, rule->actions, c, bdd_and(b, left, c));
		left = bdd_and(b, left, bdd_not(b, bdd_and(b, c,
		    prove_actions_end(&r->p, inner, rule->actions))));
		if (prove_has_effects(rule))
			r->p.version++;
	}
}

static void
walk_rule(struct relay *r, const struct cf_rule *rule)
{
	struct bdd	*b = r->p.bdd;
	bdd_node	 c = prove_truth(&r->p, r->x, rule->cond);
	bdd_node	 on, fails = BDD_FALSE, taken = c;

	if (rule->has_failing) {
		fails = prove_fails(&r->p, rule);
		taken = bdd_and(b, c, bdd_not(b, fails));
		look_at(r, r->x, rule, rule->failing, fails, fails);
	}
	look_at(r, r->x, rule, rule->actions, c, taken);
	on = prove_actions_end(&r->p, r->x, rule->actions);
	r->passed[r->n].rule = rule;
	r->passed[r->n].cond = bdd_and(b, c, on == BDD_FALSE ? BDD_TRUE : on);
	r->passed[r->n++].final = on != BDD_FALSE;
	on = bdd_ite(b, fails,
	    bdd_not(b, prove_actions_end(&r->p, r->x, rule->failing)),
	    bdd_not(b, bdd_and(b, c, on)));
	prove_left_and(&r->left, on);
	if (prove_has_effects(rule))
		r->p.version++;
}

void
prove_relay(struct cf *cf, const struct cf_decl *d)
{
	struct relay		 r = { .n = 0 };
	const struct cf_rule	*rule;
	size_t			 n = 0;

	for (rule = d->rules; rule != NULL; rule = rule->next)
		n++;
	r.passed = xcalloc(n + 1, sizeof(*r.passed));
	prove_begin(&r.p, cf, PROVE_STRANGER);
	prove_left_begin(&r.left, r.p.bdd);
	for (rule = d->rules; rule != NULL; rule = rule->next) {
		if (rule->is_let)
			r.x = prove_bind_let(&r.p, r.x, rule);
		else
			walk_rule(&r, rule);
	}
	prove_left_end(&r.left);
	prove_end(&r.p);
	free(r.passed);
}
