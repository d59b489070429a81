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
#define STEPS_MAX	8000000u
#define WORK_MAX	1000000u

typedef const struct prove_binding *env;

static struct prove_value value(struct prover *, env, const struct cf_expr *);

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

/* Terms. */

static uint32_t
number_of(struct prover *p, struct span key)
{
	uintptr_t	 n = (uintptr_t)htab_get(&p->terms, key);

	if (n == 0) {
		n = ++p->nterms;
		htab_put(&p->terms, key, (void *)n);
	}
	return (uint32_t)n;
}

__attribute__((format(printf, 4, 5)))
static struct prove_value
term(struct prover *p, const struct cf_expr *e, enum prove_bound bound,
    const char *fmt, ...)
{
	struct prove_value	 v = { .expr = e, .bound = bound };
	struct buf		 key = { 0 };
	va_list			 ap;

	va_start(ap, fmt);
	buf_vaddf(&key, fmt, ap);
	va_end(ap);
	v.term = number_of(p, buf_span(&key));
	buf_clear(&key);
	return v;
}

static struct prove_value
known(struct prover *p, const struct cf_expr *e, struct rs_value c)
{
	struct prove_value	 v = { .is_const = true, .value = c,
				    .expr = e };
	struct buf		 key = { 0 };

	buf_addf(&key, "c%u:", c.type);
	cf_value_print(&c, &key);
	v.term = number_of(p, buf_span(&key));
	buf_clear(&key);
	return v;
}

static struct prove_value
nothing(struct prover *p, const struct cf_expr *e)
{
	return known(p, e, (struct rs_value){ .type = RS_T_NONE });
}

static bool
is_nothing(const struct prove_value *v)
{
	return v->is_const && v->value.type == RS_T_NONE;
}

/* Empty values are in no set or table and equal nothing. */
static bool
is_empty(const struct prove_value *v)
{
	return v->is_const && (rs_is_void(&v->value) ||
	    (rs_has_span(v->value.type) && v->value.s.n == 0));
}

/* Atoms. */

static bdd_node
atom(struct prover *p, struct span key, const struct prove_atom *a)
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
	is = atom(p, buf_span(&key), &at);
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
	is = atom(p, buf_span(&key), &at);
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
		net = known(p, e->b, e->b->value);
	if (a->is_const && is_empty(a))
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

static bdd_node
in_set(struct prover *p, const struct cf_expr *e, const struct prove_value *a,
    const struct cf_sym *sym)
{
	size_t	 i;

	if (is_empty(a) || sym->n == 0)
		return BDD_FALSE;
	if (a->bound != BOUND_NOT)
		return BDD_FALSE;
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
 */
static bool
is_no_key(const struct prove_value *v, const struct cf_sym *map)
{
	if (is_empty(v))
		return true;
	if (v->bound == BOUND_RCPT)
		return span_eq(map->map_kind, SPAN("plain"));
	return v->bound != BOUND_NOT;
}

static bdd_node
truth_in(struct prover *p, env x, const struct cf_expr *e)
{
	const struct cf_sym	*sym = e->b->ref == CF_R_SYM ? e->b->sym : NULL;
	struct prove_value	 a = value(p, x, e->a);
	bdd_node		 is;

	if (sym == NULL || sym->kind == CF_S_NET)
		is = in_nets(p, e, &a, sym);
	else if (sym->kind == CF_S_SET)
		is = in_set(p, e, &a, sym);
	else if (is_no_key(&a, sym))
		is = BDD_FALSE;
	else
		is = ask(p, ATOM_IN_MAP, e, &a, NULL, sym);
	return e->negated ? bdd_not(p->bdd, is) : is;
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
		return is_nothing(a) && b->bound != BOUND_NOT;
	if (a->bound == BOUND_NAME && is_empty(b))
		return false;	/* he may have none */
	if (a->bound != BOUND_NET)
		return true;
	net = (struct ipnet){ b->value.ip, b->value.bits };
	return !prove_net_is_wide(&net);
}

static bdd_node
truth_eq(struct prover *p, env x, const struct cf_expr *e)
{
	struct prove_value	 a, b, swap;
	struct rs_value		 v;
	bdd_node		 is, f, g;

	if (e->a->type == RS_T_BOOL && e->b->type == RS_T_BOOL) {
		f = prove_truth(p, x, e->a);
		g = prove_truth(p, x, e->b);
		is = bdd_ite(p->bdd, f, g, bdd_not(p->bdd, g));
		return e->negated ? bdd_not(p->bdd, is) : is;
	}
	a = value(p, x, e->a);
	b = value(p, x, e->b);
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
	} else {
		is = ask(p, ATOM_EQ, e, &a, &b, NULL);
	}
	return e->negated ? bdd_not(p->bdd, is) : is;
}

static bdd_node
truth_order(struct prover *p, env x, const struct cf_expr *e)
{
	struct prove_value	 a = value(p, x, e->a), b = value(p, x, e->b);
	struct rs_value		 v;

	if (!a.is_const || !b.is_const)
		return ask(p, ATOM_ORDER, e, &a, &b, NULL);
	v = rs_order(e->op, &a.value, &b.value);
	return of_value(&v);
}

/* Chains, calls, names. */

static bdd_node
truth_chain(struct prover *p, env x, const struct cf_expr *e)
{
	bool			 is_and = e->kind == CF_E_AND;
	const struct cf_expr	*part;
	bdd_node		 is = is_and ? BDD_TRUE : BDD_FALSE, f;

	for (part = e->list; part != NULL; part = part->next) {
		f = prove_truth(p, x, part);
		is = is_and ? bdd_and(p->bdd, is, f) : bdd_or(p->bdd, is, f);
	}
	return is;
}

/* What the ruleset's rules come to, one after the other. */
static bdd_node
truth_rules(struct prover *p, env x, const struct cf_rule *r)
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
			    prove_truth(p, x, r->failing->expr)));
			left = bdd_and(p->bdd, left, bdd_not(p->bdd, fails));
		}
		is = bdd_or(p->bdd, is, bdd_and(p->bdd,
		    bdd_and(p->bdd, left, c),
		    prove_truth(p, x, r->actions->expr)));
		left = bdd_and(p->bdd, left, bdd_not(p->bdd, c));
	}
	return is;
}

/* The caller's values as the callee's arguments; the key of the call. */
static env
bind_call(struct prover *p, env x, const struct cf_expr *e, struct buf *key)
{
	const struct cf_arg	*param = e->sym->decl->args;
	const struct cf_expr	*arg;
	struct prove_binding	*b, *list = NULL;

	buf_addf(key, "%p:%u", (const void *)e->sym, p->version);
	for (arg = e->list; arg != NULL && param != NULL; arg = arg->next) {
		b = arena_alloc(&p->cf->arena, sizeof(*b));
		b->sym = param->sym;
		if (arg->type == RS_T_BOOL) {
			b->truth = prove_truth(p, x, arg);
			buf_addf(key, ":t%u", b->truth);
		} else {
			b->value = value(p, x, arg);
			buf_addf(key, ":%u", b->value.term);
		}
		b->next = list;
		list = b;
		param = param->next;
	}
	return list;
}

static bdd_node
truth_call(struct prover *p, env x, const struct cf_expr *e)
{
	struct buf	 key = { 0 };
	env		 inner = bind_call(p, x, e, &key);
	uintptr_t	 is = (uintptr_t)htab_get(&p->calls, buf_span(&key));

	if (is == 0) {
		is = (uintptr_t)truth_rules(p, inner, e->sym->decl->rules) + 1;
		htab_put(&p->calls, buf_span(&key), (void *)is);
	}
	buf_clear(&key);
	return (bdd_node)(is - 1);
}

static const struct prove_binding *
bound_to(env x, const struct cf_sym *sym)
{
	while (x != NULL && x->sym != sym)
		x = x->next;
	return x;
}

static bdd_node
truth_of_value(struct prover *p, env x, const struct cf_expr *e)
{
	struct prove_value	 v = value(p, x, e);

	if (v.is_const)
		return of_value(&v.value);
	return ask(p, ATOM_TRUTH, e, &v, NULL, NULL);
}

static bdd_node
truth_name(struct prover *p, env x, const struct cf_expr *e)
{
	const struct prove_binding	*b = NULL;

	if (e->ref == CF_R_SYM)
		b = bound_to(x, e->sym);
	return b != NULL ? b->truth : truth_of_value(p, x, e);
}

bdd_node
prove_truth(struct prover *p, env x, const struct cf_expr *e)
{
	if (p->work++ > WORK_MAX)
		return BDD_TOO_MUCH;
	switch (e->kind) {
	case CF_E_CONST:
		return of_value(&e->value);
	case CF_E_OTHERWISE:
		return BDD_TRUE;
	case CF_E_NAME:
		return truth_name(p, x, e);
	case CF_E_CALL:
		return truth_call(p, x, e);
	case CF_E_EQ:
		return truth_eq(p, x, e);
	case CF_E_ORDER:
		return truth_order(p, x, e);
	case CF_E_IN:
		return truth_in(p, x, e);
	case CF_E_NOT:
		return bdd_not(p->bdd, prove_truth(p, x, e->a));
	case CF_E_AND: case CF_E_OR:
		return truth_chain(p, x, e);
	case CF_E_UNKNOWN:
		return ask(p, ATOM_UNKNOWN, e, NULL, NULL, NULL);
	default:
		return truth_of_value(p, x, e);
	}
}

/* Values. */

static struct prove_value
value_fact(struct prover *p, const struct cf_expr *e)
{
	enum prove_bound	 bound = BOUND_NOT;

	if (p->world == PROVE_ANY)
		return term(p, e, BOUND_NOT, "f%u", e->fact);
	switch (rs_facts[e->fact].proof) {
	case RS_PROOF_LOGIN:
		return known(p, e, e->type == RS_T_BOOL ? rs_bool(false) :
		    rs_empty((enum rs_type)e->type));
	case RS_PROOF_ADDRESS:
		bound = BOUND_IP;
		break;
	case RS_PROOF_NAME:
		bound = BOUND_NAME;
		break;
	case RS_PROOF_RCPT:
		bound = BOUND_RCPT;
		break;
	}
	return term(p, e, bound, "f%u", e->fact);
}

static struct prove_value
value_name(struct prover *p, env x, const struct cf_expr *e)
{
	const struct prove_binding	*b;

	if (e->ref == CF_R_FACT)
		return value_fact(p, e);
	if ((b = bound_to(x, e->sym)) != NULL)
		return b->value;
	/* A tag: what it is now, which an earlier rule may have changed. */
	return term(p, e, BOUND_NOT, "s%p:%u", (const void *)e->sym,
	    p->version);
}

/* `who.domain` behind a call of f(sender) is told as sender.domain. */
static const struct cf_expr *
part_of(struct prover *p, const struct cf_expr *e, const struct cf_expr *of)
{
	struct cf_expr	*part;

	if (of == NULL || of == e->a)
		return e;
	part = arena_alloc(&p->cf->arena, sizeof(*part));
	*part = *e;
	part->next = NULL;
	part->a = arena_alloc(&p->cf->arena, sizeof(*part->a));
	*part->a = *of;
	return part;
}

static struct prove_value
value_part(struct prover *p, env x, const struct cf_expr *e)
{
	struct prove_value	 a = value(p, x, e->a);
	struct span		 detail;

	if (a.is_const) {
		detail = cf_option_text(p->cf, RS_O_SERVER,
		    RS_OPT_SERVER_detail);
		return known(p, e, rs_part(&a.value, e->part, detail));
	}
	return term(p, part_of(p, e, a.expr), a.bound == BOUND_RCPT &&
	    e->part == RS_F_DOMAIN ? BOUND_RCPT_DOMAIN : BOUND_NOT,
	    "p%u:%d", a.term, (int)e->part);
}

static struct prove_value
value_index(struct prover *p, env x, const struct cf_expr *e)
{
	struct prove_value	 key;

	if (e->ref == CF_R_HEADER)
		return term(p, e, BOUND_NOT, "h%u:%.*s", p->version,
		    SPAN_ARG(e->value.s));
	key = value(p, x, e->b);
	if (is_no_key(&key, e->sym))
		return nothing(p, e);
	return term(p, e, BOUND_NOT, "m%p:%u", (const void *)e->sym,
	    key.term);
}

static struct prove_value
value_text(struct prover *p, env x, const struct cf_expr *e)
{
	struct prove_value	 part;
	const struct cf_expr	*i;
	struct buf		 text = { 0 }, key = { 0 };
	bool			 is_const = true;
	struct prove_value	 v;

	buf_add_char(&key, 'j');
	for (i = e->list; i != NULL; i = i->next) {
		part = value(p, x, i);
		is_const &= part.is_const;
		buf_addf(&key, "%u,", part.term);
		if (is_const)
			buf_add_span(&text, rs_format(&part.value,
			    &p->cf->arena));
	}
	if (is_const)
		v = known(p, e, rs_text(RS_T_TEXT,
		    arena_span(&p->cf->arena, buf_span(&text))));
	else
		v = term(p, e, BOUND_NOT, "%s", buf_cstr(&key));
	buf_clear(&text);
	buf_clear(&key);
	return v;
}

static struct prove_value
value_else(struct prover *p, env x, const struct cf_expr *e)
{
	struct prove_value	 a = value(p, x, e->a), b;

	if (a.is_const && !is_nothing(&a))
		return a;
	b = value(p, x, e->b);
	return is_nothing(&a) ? b :
	    term(p, e, BOUND_NOT, "e%u:%u", a.term, b.term);
}

static struct prove_value
value_convert(struct prover *p, env x, const struct cf_expr *e)
{
	struct prove_value	 a = value(p, x, e->a);
	struct rs_value		 v;

	if (is_nothing(&a))
		return a;
	if (a.is_const && rs_convert(&a.value, (enum rs_type)e->type,
	    &p->cf->arena, &v))
		return known(p, e, v);
	return term(p, a.expr, a.bound, "v%u:%u", e->type, a.term);
}

static struct prove_value
value_call(struct prover *p, env x, const struct cf_expr *e)
{
	struct buf		 key = { 0 };
	struct prove_value	 v;

	(void)bind_call(p, x, e, &key);
	v = term(p, e, BOUND_NOT, "r%s", buf_cstr(&key));
	buf_clear(&key);
	return v;
}

static struct prove_value
value(struct prover *p, env x, const struct cf_expr *e)
{
	struct prove_value	 a;

	if (p->work++ > WORK_MAX)
		return term(p, e, BOUND_NOT, "too much");
	switch (e->kind) {
	case CF_E_CONST:
		return known(p, e, e->value);
	case CF_E_NAME:
		return value_name(p, x, e);
	case CF_E_FIELD:
		if (e->ref == CF_R_PART)
			return value_part(p, x, e);
		a = value(p, x, e->a);
		return is_nothing(&a) ? a : term(p, e, BOUND_NOT,
		    "k%u:%.*s", a.term, SPAN_ARG(e->name));
	case CF_E_INDEX:
		return value_index(p, x, e);
	case CF_E_TEXT:
		return value_text(p, x, e);
	case CF_E_CALL:
		return value_call(p, x, e);
	case CF_E_ELSE:
		return value_else(p, x, e);
	case CF_E_MASK:
		a = value(p, x, e->a);
		return term(p, e, a.bound == BOUND_IP ? BOUND_NET : BOUND_NOT,
		    "n%u:%u:%u", a.term, e->bits4, e->bits6);
	case CF_E_CONVERT:
		return value_convert(p, x, e);
	default:
		/* A condition as a value, in a text or as an argument. */
		return term(p, e, BOUND_NOT, "b%u", prove_truth(p, x, e));
	}
}

/* Bindings. */

const struct prove_binding *
prove_bind_let(struct prover *p, env x, const struct cf_rule *r)
{
	struct prove_binding	*b;

	b = arena_alloc(&p->cf->arena, sizeof(*b));
	b->sym = r->sym;
	b->next = x;
	if (r->cond->type == RS_T_BOOL)
		b->truth = prove_truth(p, x, r->cond);
	else
		b->value = value(p, x, r->cond);
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
		b->value = term(p, e, BOUND_NOT, "a%p",
		    (const void *)a->sym);
		if (a->sym->type == RS_T_BOOL)
			b->truth = ask(p, ATOM_TRUTH, e, &b->value, NULL,
			    NULL);
		b->next = list;
		list = b;
	}
	return list;
}

bool
prove_has_effects(const struct cf_rule *r)
{
	const struct cf_action	*a;

	for (a = r->actions; a != NULL; a = a->next) {
		if (a->kind == CF_A_TAG || a->kind == CF_A_ADD ||
		    a->kind == CF_A_SET || a->kind == CF_A_REMOVE)
			return true;
	}
	for (a = r->failing; a != NULL; a = a->next) {
		if (a->kind == CF_A_TAG || a->kind == CF_A_ADD ||
		    a->kind == CF_A_SET || a->kind == CF_A_REMOVE)
			return true;
	}
	return false;
}
