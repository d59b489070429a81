/*
 * prove_terms.c - conditions as functions of open questions.
 *
 * The stranger of the relay proof: no login, an address outside every declared
 * network, no verified name and no recipient that stands in a set, a table or
 * a constant.  All else he writes as he likes.
 */
#include "base/xalloc.h"
#include "cf/prove_int.h"

#include <stdlib.h>

#define NODES_MAX	(1u << 20)
#define STEPS_MAX	2000000u

void
prove_begin(struct prover *p, struct cf *cf, enum prove_world world)
{
	memset(p, 0, sizeof(*p));
	p->cf = cf;
	p->world = world;
	p->bdd = bdd_new(NODES_MAX, STEPS_MAX);
}

void
prove_end(struct prover *p)
{
	bdd_free(&p->bdd);
	htab_clear(&p->terms);
	htab_clear(&p->atom_vars);
	htab_clear(&p->calls);
	free(p->atoms);
}

/* Atoms. */

bdd_node
prove_atom_of(struct prover *p, struct span key, const struct prove_atom *a)
{
	uintptr_t	 var = (uintptr_t)htab_get(&p->atom_vars, key);

	if (var != 0)
		return bdd_var(p->bdd, (uint32_t)var);
	if (p->natoms + 1 >= p->cap_atoms) {
		p->cap_atoms = p->cap_atoms * 2 + 64;
		p->atoms = xreallocarray(p->atoms, p->cap_atoms,
		    sizeof(*p->atoms));
	}
	var = ++p->natoms;
	p->atoms[var] = *a;
	htab_put(&p->atom_vars, key, (void *)var);
	return bdd_var(p->bdd, (uint32_t)var);
}

static bdd_node
ask(struct prover *p, enum prove_atom_kind kind, const struct cf_expr *e,
    const struct prove_value *a, const struct prove_value *b,
    const struct cf_sym *sym)
{
	struct prove_atom	 at = { .kind = kind, .expr = e, .sym = sym };
	struct buf		 key = { 0 };
	bdd_node		 is;

	if (a != NULL)
		at.a = *a;
	if (b != NULL)
		at.b = *b;
	buf_addf(&key, "%d:%u:%u:%u:%p", kind, kind == ATOM_ORDER ? e->op : 0,
	    a != NULL ? a->term : 0, b != NULL ? b->term : 0,
	    (const void *)sym);
	is = prove_atom_of(p, buf_span(&key), &at);
	buf_clear(&key);
	return is;
}

bdd_node
prove_fails(struct prover *p, const struct cf_rule *r)
{
	struct prove_atom	 at = { .kind = ATOM_FAILS, .expr = r->cond,
				    .rule = r };
	struct buf		 key = { 0 };
	bdd_node		 is;

	buf_addf(&key, "fails:%p:%u", (const void *)r, p->natoms);
	is = prove_atom_of(p, buf_span(&key), &at);
	buf_clear(&key);
	return is;
}

/* Networks. */

bool
prove_net_is_wide(const struct ipnet *net)
{
	return net->bits < (net->ip.family == 4 ? 8 : 16);
}

/* Together half of all addresses, or more, is everybody too. */
bool
prove_nets_are_wide(const struct cf_sym *sym)
{
	uint64_t	 half4 = UINT64_C(1) << 31, half6 = UINT64_C(1) << 47;
	uint64_t	 n4 = 0, n6 = 0;
	size_t		 i;

	for (i = 0; i < sym->n; i++) {
		if (prove_net_is_wide(&sym->nets[i]))
			return true;
		if (sym->nets[i].ip.family == 4)
			n4 += UINT64_C(1) << (32 - sym->nets[i].bits);
		else if (sym->nets[i].bits <= 48)
			n6 += UINT64_C(1) << (48 - sym->nets[i].bits);
	}
	return n4 >= half4 || n6 >= half6;
}

/* A stranger's address is in none, except where they are everybody's. */
static bdd_node
in_nets(struct prover *p, const struct cf_expr *e,
    const struct prove_value *a, const struct cf_sym *sym)
{
	struct prove_value	 net = { 0 };
	struct ipnet		 one;
	bool			 wide;

	if (sym == NULL)
		net = prove_known(p, e->b, e->b->value);
	if (a->is_const && prove_is_empty(a))
		return BDD_FALSE;
	if (a->bound != BOUND_IP)
		return ask(p, ATOM_IN_NETS, e, a, &net, sym);
	if (sym != NULL) {
		wide = prove_nets_are_wide(sym);
	} else {
		one = (struct ipnet){ e->b->value.ip, e->b->value.bits };
		wide = prove_net_is_wide(&one);
	}
	return wide ? ask(p, ATOM_WIDE, e, a, &net, sym) : BDD_FALSE;
}

/* Sets and maps. */

/* Top-level names that stand for no domains of the world (RFC 6761, 8375). */
static bool
is_private_name(struct span s)
{
	static const char *const	 names[] = {
		"test", "localhost", "invalid", "example", "local", "lan",
		"home", "corp", "internal", "intranet", "private", "arpa",
		"onion", "alt"
	};
	size_t				 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_ieq(s, span_of(names[i])))
			return true;
	}
	return false;
}

bool
prove_domain_is_wide(struct span below)
{
	struct span	 name;

	if (below.n < 2 || below.p[0] != '.')
		return false;
	name = span_from(below, 1);
	return span_index(name, '.') < 0 && !is_private_name(name);
}

const struct rs_value *
prove_wide_item(const struct cf_sym *set)
{
	size_t	 i;

	for (i = 0; set->type == RS_T_DOMAIN && i < set->n; i++) {
		if (prove_domain_is_wide(set->values[i].s))
			return &set->values[i];
	}
	return NULL;
}

static bool
item_is(const struct cf_sym *set, const struct rs_value *item,
    const struct rs_value *v)
{
	struct rs_value	 is;

	if (set->type == RS_T_DOMAIN && item->s.n > 0 && item->s.p[0] == '.')
		return v->s.n > item->s.n && span_ieq(item->s,
		    span_from(v->s, v->s.n - item->s.n));
	is = rs_eq(item, v);
	return rs_truth(&is) == RS_TRUE;
}

/* No item is written in the policy, and none can come out of a file. */
static bool
is_empty_set(const struct cf_sym *sym)
{
	const struct cf_item	*i;

	for (i = sym->decl->items; sym->n == 0 && i != NULL; i = i->next) {
		if (i->kind == CF_I_FILE)
			return false;
	}
	return sym->n == 0;
}

static bdd_node
in_set(struct prover *p, const struct cf_expr *e, const struct prove_value *a,
    const struct cf_sym *sym)
{
	size_t	 i;

	if (prove_is_empty(a) || is_empty_set(sym))
		return BDD_FALSE;
	if (a->bound != BOUND_NOT)
		return prove_wide_item(sym) == NULL ? BDD_FALSE :
		    ask(p, ATOM_WIDE, e, a, NULL, sym);
	if (!a->is_const)
		return ask(p, ATOM_IN_SET, e, a, NULL, sym);
	for (i = 0; i < sym->n; i++) {
		if (item_is(sym, &sym->values[i], &a->value))
			return BDD_TRUE;
	}
	return BDD_FALSE;
}

/*
 * Whether a stranger's value cannot be a key.  Aliases and accounts are asked
 * for the local part too, which he chooses: those bind only a whole domain.
 * What the DNS says, and whom a pattern takes, binds nothing.
 */
bool
prove_is_no_key(const struct prove_value *v, const struct cf_sym *map)
{
	if (prove_is_empty(v) || v->bound == BOUND_NOBODY)
		return true;
	if (map->forgeable || (map->wide.n > 0 &&
	    (v->bound == BOUND_IP || v->bound == BOUND_NET)))
		return false;
	if (v->bound == BOUND_RCPT)
		return map->is_exact;
	return v->bound != BOUND_NOT;
}

static bdd_node
truth_in(struct prover *p, prove_env x, const struct cf_expr *e)
{
	const struct cf_sym	*sym = e->b->ref == CF_R_SYM ? e->b->sym : NULL;
	struct prove_value	 a = prove_value_of(p, x, e->a);
	bdd_node		 is;

	if (sym == NULL || sym->kind == CF_S_NET)
		is = in_nets(p, e, &a, sym);
	else if (sym->kind == CF_S_SET)
		is = in_set(p, e, &a, sym);
	else if (prove_is_no_key(&a, sym))
		is = BDD_FALSE;
	else
		is = ask(p, ATOM_IN_MAP, e, &a, NULL, sym);
	return is;
}

/* Comparisons. */

static bdd_node
of_value(const struct rs_value *v)
{
	return rs_truth(v) == RS_TRUE ? BDD_TRUE : BDD_FALSE;
}

/* A stranger's bound value beside a constant: never the same. */
static bool
never_equal(const struct prove_value *a, const struct prove_value *b)
{
	struct ipnet	 net;

	if (a->bound == BOUND_NOT || !b->is_const)
		return prove_is_nothing(a) && b->bound != BOUND_NOT;
	if (a->bound == BOUND_NAME && prove_is_empty(b))
		return false;	/* he may have none */
	if (a->bound != BOUND_NET || b->value.type != RS_T_NET)
		return true;
	net = (struct ipnet){ b->value.ip, b->value.bits };
	return !prove_net_is_wide(&net);
}

/* Only programs of this machine come by that listener (cf/programs.c). */
static bool
is_listener_of_programs(const struct prove_value *listener,
    const struct prove_value *name)
{
	const struct cf_expr	*e = listener->expr;

	return e != NULL && e->kind == CF_E_NAME && e->ref == CF_R_FACT &&
	    e->fact == RS_FACT_LISTENER && name->is_const &&
	    name->value.type == RS_T_TEXT &&
	    span_eq(name->value.s, SPAN("programs"));
}

static bdd_node
truth_eq(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct prove_value	 a, b, swap;
	struct rs_value		 v;
	bdd_node		 is;

	a = prove_value_of(p, x, e->a);
	b = prove_value_of(p, x, e->b);
	if (a.term > b.term) {
		swap = a;
		a = b;
		b = swap;
	}
	if (a.is_const && b.is_const) {
		v = rs_eq(&a.value, &b.value);
		is = of_value(&v);
	} else if (never_equal(&a, &b) || never_equal(&b, &a)) {
		is = BDD_FALSE;
	} else if (p->world != PROVE_ANY &&
	    (is_listener_of_programs(&a, &b) ||
	    is_listener_of_programs(&b, &a))) {
		is = BDD_FALSE;
	} else {
		is = ask(p, ATOM_EQ, e, &a, &b, NULL);
	}
	return is;
}

/* Two conditions that are the same; definitely so, or definitely not. */
static bdd_node
bools_equal(struct prover *p, prove_env x, const struct cf_expr *e, bool yes)
{
	bdd_node	 both, other;

	both = bdd_and(p->bdd, prove_is(p, x, e->a, true),
	    prove_is(p, x, e->b, yes));
	other = bdd_and(p->bdd, prove_is(p, x, e->a, false),
	    prove_is(p, x, e->b, !yes));
	return bdd_or(p->bdd, both, other);
}

static bdd_node
truth_order(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct prove_value	 a = prove_value_of(p, x, e->a);
	struct prove_value	 b = prove_value_of(p, x, e->b);
	struct rs_value		 v;

	if (!a.is_const || !b.is_const)
		return ask(p, ATOM_ORDER, e, &a, &b, NULL);
	v = rs_order(e->op, &a.value, &b.value);
	return of_value(&v);
}

/* Chains, calls, names. */

/* `and` is definitely false where one part is, and true where all are. */
static bdd_node
is_chain(struct prover *p, prove_env x, const struct cf_expr *e, bool yes)
{
	bool			 all = (e->kind == CF_E_AND) == yes;
	const struct cf_expr	*part;
	bdd_node		 is = all ? BDD_TRUE : BDD_FALSE, f;

	for (part = e->list; part != NULL; part = part->next) {
		f = prove_is(p, x, part, yes);
		is = all ? bdd_and(p->bdd, is, f) : bdd_or(p->bdd, is, f);
	}
	return is;
}

/*
 * What the ruleset's rules come to, one after the other: one that cannot say
 * is not taken.
 */
static bdd_node
is_rules(struct prover *p, prove_env x, const struct cf_rule *r, bool yes)
{
	bdd_node	 left = BDD_TRUE, is = BDD_FALSE, c, fails;

	for (; r != NULL; r = r->next) {
		if (r->is_let) {
			x = prove_bind_let(p, x, r);
			continue;
		}
		c = prove_truth(p, x, r->cond);
		if (r->has_failing && r->failing != NULL) {
			fails = prove_fails(p, r);
			is = bdd_or(p->bdd, is, bdd_and(p->bdd,
			    bdd_and(p->bdd, left, fails),
			    prove_is(p, x, r->failing->expr, yes)));
			left = bdd_and(p->bdd, left, bdd_not(p->bdd, fails));
		}
		is = bdd_or(p->bdd, is, bdd_and(p->bdd,
		    bdd_and(p->bdd, left, c),
		    prove_is(p, x, r->actions->expr, yes)));
		left = bdd_and(p->bdd, left, bdd_not(p->bdd, c));
	}
	return is;
}

/* A condition is bound as a value too: it may stand in a text. */
static void
bind_value(struct prover *p, prove_env x, const struct cf_expr *e,
    struct prove_binding *b)
{
	if (e->type != RS_T_BOOL) {
		b->value = prove_value_of(p, x, e);
		return;
	}
	b->truth = prove_is(p, x, e, true);
	b->untruth = prove_is(p, x, e, false);
	b->value = prove_term(p, e, BOUND_NOT, "b%u:%u", b->truth, b->untruth);
}

/* The caller's values as the callee's arguments; the key of the call. */
const struct prove_binding *
prove_bind_call(struct prover *p, prove_env x, const struct cf_expr *e,
    struct buf *key)
{
	const struct cf_arg	*param = e->sym->decl->args;
	const struct cf_expr	*arg;
	struct prove_binding	*b, *list = NULL;

	buf_addf(key, "%p:%u", (const void *)e->sym, p->version);
	for (arg = e->list; arg != NULL && param != NULL; arg = arg->next) {
		b = arena_alloc(&p->cf->arena, sizeof(*b));
		b->sym = param->sym;
		bind_value(p, x, arg, b);
		if (arg->type == RS_T_BOOL)
			buf_addf(key, ":t%u:%u", b->truth, b->untruth);
		else
			buf_addf(key, ":%u", b->value.term);
		b->next = list;
		list = b;
		param = param->next;
	}
	return list;
}

static bdd_node
is_call(struct prover *p, prove_env x, const struct cf_expr *e, bool yes)
{
	struct buf	 key = { 0 };
	prove_env	 inner;
	uintptr_t	 is;

	buf_addf(&key, "%d:", yes);
	inner = prove_bind_call(p, x, e, &key);
	is = (uintptr_t)htab_get(&p->calls, buf_span(&key));
	if (is == 0) {
		is = (uintptr_t)is_rules(p, inner, e->sym->decl->rules,
		    yes) + 1;
		htab_put(&p->calls, buf_span(&key), (void *)is);
	}
	buf_clear(&key);
	return (bdd_node)(is - 1);
}

const struct prove_binding *
prove_bound_to(prove_env x, const struct cf_sym *sym)
{
	while (x != NULL && x->sym != sym)
		x = x->next;
	return x;
}

static bdd_node
truth_of_value(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct prove_value	 v = prove_value_of(p, x, e);

	if (v.is_const)
		return of_value(&v.value);
	return ask(p, ATOM_TRUTH, e, &v, NULL, NULL);
}

static bdd_node
is_name(struct prover *p, prove_env x, const struct cf_expr *e, bool yes)
{
	const struct prove_binding	*b = NULL;
	bdd_node			 is;

	if (e->ref == CF_R_SYM)
		b = prove_bound_to(x, e->sym);
	if (b != NULL)
		return yes ? b->truth : b->untruth;
	is = truth_of_value(p, x, e);
	return yes ? is : bdd_not(p->bdd, is);
}

/* Questions that are answered by yes or no, or by a table that defers. */
static bdd_node
truth_plain(struct prover *p, prove_env x, const struct cf_expr *e)
{
	switch (e->kind) {
	case CF_E_CONST:
		return of_value(&e->value);
	case CF_E_OTHERWISE:
		return BDD_TRUE;
	case CF_E_EQ:
		return truth_eq(p, x, e);
	case CF_E_ORDER:
		return truth_order(p, x, e);
	case CF_E_IN:
		return truth_in(p, x, e);
	case CF_E_UNKNOWN:
		if (p->world == PROVE_NOBODY)
			return BDD_TRUE;
		return ask(p, ATOM_UNKNOWN, e, NULL, NULL, NULL);
	default:
		return truth_of_value(p, x, e);
	}
}

bdd_node
prove_is(struct prover *p, prove_env x, const struct cf_expr *e, bool yes)
{
	bdd_node	 is;

	if (p->work++ > PROVE_WORK_MAX)
		return BDD_TOO_MUCH;
	if (e->kind == CF_E_NAME)
		return is_name(p, x, e, yes);
	if (e->kind == CF_E_CALL)
		return is_call(p, x, e, yes);
	if (e->kind == CF_E_NOT)
		return prove_is(p, x, e->a, !yes);
	if (e->kind == CF_E_AND || e->kind == CF_E_OR)
		return is_chain(p, x, e, yes);
	if (e->negated)
		yes = !yes;
	if (prove_is_asked(e))
		return prove_asked(p, x, e, yes);
	if (e->kind == CF_E_EQ && e->a->type == RS_T_BOOL &&
	    e->b->type == RS_T_BOOL)
		return bools_equal(p, x, e, yes);
	is = truth_plain(p, x, e);
	return yes ? is : bdd_not(p->bdd, is);
}

bdd_node
prove_truth(struct prover *p, prove_env x, const struct cf_expr *e)
{
	return prove_is(p, x, e, true);
}

/* Bindings. */

const struct prove_binding *
prove_bind_let(struct prover *p, prove_env x, const struct cf_rule *r)
{
	struct prove_binding	*b;

	b = arena_alloc(&p->cf->arena, sizeof(*b));
	b->sym = r->sym;
	b->next = x;
	bind_value(p, x, r->cond, b);
	return b;
}

const struct prove_binding *
prove_bind_args(struct prover *p, const struct cf_sym *ruleset)
{
	struct prove_binding	*b, *list = NULL;
	const struct cf_arg	*a;
	struct cf_expr		*e;

	for (a = ruleset->decl->args; a != NULL; a = a->next) {
		e = cf_name(p->cf, a->loc, rs_text(RS_T_TEXT, a->name));
		b = arena_alloc(&p->cf->arena, sizeof(*b));
		b->sym = a->sym;
		b->value = prove_term(p, e, BOUND_NOT, "a%p",
		    (const void *)a->sym);
		if (a->sym->type == RS_T_BOOL) {
			b->truth = ask(p, ATOM_TRUTH, e, &b->value, NULL,
			    NULL);
			b->untruth = bdd_not(p->bdd, b->truth);
		}
		b->next = list;
		list = b;
	}
	return list;
}
