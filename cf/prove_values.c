/*
 * prove_values.c - values as far as the proofs know them: constants, and terms
 * of which only is known when two are the same, and what binds them.
 */
#include "cf/prove_int.h"

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

struct prove_value
prove_term(struct prover *p, const struct cf_expr *e, enum prove_bound bound,
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

struct prove_value
prove_known(struct prover *p, const struct cf_expr *e, struct rs_value c)
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
	return prove_known(p, e, (struct rs_value){ .type = RS_T_NONE });
}

bool
prove_is_nothing(const struct prove_value *v)
{
	return v->is_const && v->value.type == RS_T_NONE;
}

/* Empty values are in no set or table and equal nothing. */
bool
prove_is_empty(const struct prove_value *v)
{
	return v->is_const && (rs_is_void(&v->value) ||
	    (rs_has_span(v->value.type) && v->value.s.n == 0));
}

static struct prove_value
value_fact(struct prover *p, const struct cf_expr *e)
{
	enum prove_bound	 bound = BOUND_NOT;

	if (p->world == PROVE_ANY)
		return prove_term(p, e, BOUND_NOT, "f%u", e->fact);
	switch (rs_facts[e->fact].proof) {
	case RS_PROOF_LOGIN:
		return prove_known(p, e, e->type == RS_T_BOOL ? rs_bool(false) :
		    rs_empty((enum rs_type)e->type));
	case RS_PROOF_ADDRESS:
		bound = BOUND_IP;
		break;
	case RS_PROOF_NAME:
		bound = BOUND_NAME;
		break;
	case RS_PROOF_RCPT:
		bound = p->world == PROVE_NOBODY ? BOUND_NOBODY : BOUND_RCPT;
		break;
	}
	return prove_term(p, e, bound, "f%u", e->fact);
}

/* In a ruleset it depends on what the ruleset is called with. */
static struct prove_value
value_capture(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct buf		 key = { 0 };
	struct prove_value	 v;

	for (; x != NULL; x = x->next)
		buf_addf(&key, ":%u", x->value.term);
	v = prove_term(p, e, BOUND_NOT, "c%p%s", (const void *)e,
	    buf_cstr(&key));
	buf_clear(&key);
	return v;
}

static struct prove_value
value_name(struct prover *p, prove_env x, const struct cf_expr *e)
{
	const struct prove_binding	*b;

	if (e->ref == CF_R_FACT)
		return value_fact(p, e);
	if (e->ref == CF_R_CAPTURE)
		return value_capture(p, x, e);
	if (e->ref == CF_R_LIST)
		return prove_term(p, e, BOUND_NOT, "l%d", (int)e->listof);
	if ((b = prove_bound_to(x, e->sym)) != NULL)
		return b->value;
	/* A tag: what it is now, which an earlier rule may have changed. */
	return prove_term(p, e, BOUND_NOT, "s%p:%u", (const void *)e->sym,
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
value_part(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct prove_value	 a = prove_value_of(p, x, e->a);
	enum prove_bound	 bound = BOUND_NOT;
	struct span		 detail;

	if (a.is_const) {
		detail = cf_option_text(p->cf, RS_O_SERVER,
		    RS_OPT_SERVER_detail);
		return prove_known(p, e, rs_part(&a.value, e->part, detail));
	}
	if (a.bound == BOUND_RCPT && e->part == RS_F_DOMAIN)
		bound = BOUND_RCPT_DOMAIN;
	else if (a.bound == BOUND_NOBODY && e->part != RS_F_DOMAIN)
		bound = BOUND_NOBODY;
	return prove_term(p, part_of(p, e, a.expr), bound, "p%u:%d", a.term,
	    (int)e->part);
}

static struct prove_value
value_index(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct prove_value	 key;

	if (e->ref == CF_R_HEADER)
		return prove_term(p, e, BOUND_NOT, "h%u:%.*s", p->version,
		    SPAN_ARG(e->value.s));
	key = prove_value_of(p, x, e->b);
	if (prove_is_no_key(&key, e->sym))
		return nothing(p, e);
	return prove_term(p, e, BOUND_NOT, "m%p:%u", (const void *)e->sym,
	    key.term);
}

/* "{x}": the same as x. */
static bool
is_one_part(const struct cf_expr *e)
{
	const struct cf_expr	*i;
	unsigned		 n = 0;

	for (i = e->list; i != NULL; i = i->next)
		n += i->kind != CF_E_CONST || i->value.s.n > 0;
	return n == 1 && e->list->kind != CF_E_CONST;
}

static struct prove_value
value_text(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct prove_value	 part;
	const struct cf_expr	*i;
	struct buf		 text = { 0 }, key = { 0 };
	bool			 is_const = true;
	struct prove_value	 v;

	if (is_one_part(e)) {
		part = prove_value_of(p, x, e->list);
		if (!part.is_const)
			return prove_term(p, part.expr, part.bound, "v%u:%u",
			    RS_T_TEXT, part.term);
	}
	buf_add_char(&key, 'j');
	for (i = e->list; i != NULL; i = i->next) {
		part = prove_value_of(p, x, i);
		is_const &= part.is_const;
		buf_addf(&key, "%u,", part.term);
		if (is_const)
			buf_add_span(&text, rs_format(&part.value,
			    &p->cf->arena));
	}
	if (is_const)
		v = prove_known(p, e, rs_text(RS_T_TEXT,
		    arena_span(&p->cf->arena, buf_span(&text))));
	else
		v = prove_term(p, e, BOUND_NOT, "%s", buf_cstr(&key));
	buf_clear(&text);
	buf_clear(&key);
	return v;
}

static struct prove_value
value_else(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct prove_value	 a = prove_value_of(p, x, e->a), b;

	if (a.is_const && !prove_is_nothing(&a))
		return a;
	b = prove_value_of(p, x, e->b);
	return prove_is_nothing(&a) ? b :
	    prove_term(p, e, BOUND_NOT, "e%u:%u", a.term, b.term);
}

static struct prove_value
value_convert(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct prove_value	 a = prove_value_of(p, x, e->a);
	struct rs_value		 v;

	if (prove_is_nothing(&a))
		return a;
	if (a.is_const && rs_convert(&a.value, (enum rs_type)e->type,
	    &p->cf->arena, &v))
		return prove_known(p, e, v);
	return prove_term(p, a.expr, a.bound, "v%u:%u", e->type, a.term);
}

/*
 * What binds each of the values that a ruleset can give: `otherwise =>
 * a.domain`.  Only names and their parts are looked at.
 */
static enum prove_bound
bound_of_call(struct prover *p, prove_env inner, const struct cf_expr *call)
{
	const struct cf_rule	*r = call->sym->decl->rules;
	const struct cf_expr	*e;
	struct prove_value	 v;
	enum prove_bound	 bound = BOUND_NOT;

	for (; r != NULL; r = r->next) {
		if (r->is_let || r->has_failing)
			return BOUND_NOT;
		e = r->actions->expr;
		while (e->kind == CF_E_FIELD && e->ref == CF_R_PART)
			e = e->a;
		if (e->kind != CF_E_NAME)
			return BOUND_NOT;
		v = prove_value_of(p, inner, r->actions->expr);
		if (v.bound == BOUND_NOT ||
		    (bound != BOUND_NOT && v.bound != bound))
			return BOUND_NOT;
		bound = v.bound;
	}
	return bound;
}

static struct prove_value
value_call(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct buf		 key = { 0 };
	struct prove_value	 v;
	prove_env		 inner;

	inner = prove_bind_call(p, x, e, &key);
	v = prove_term(p, e, bound_of_call(p, inner, e), "r%s",
	    buf_cstr(&key));
	buf_clear(&key);
	return v;
}

struct prove_value
prove_value_of(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct prove_value	 a;

	if (p->work++ > PROVE_WORK_MAX)
		return prove_term(p, e, BOUND_NOT, "too much");
	switch (e->kind) {
	case CF_E_CONST:
		return prove_known(p, e, e->value);
	case CF_E_NAME:
		return value_name(p, x, e);
	case CF_E_FIELD:
		if (e->ref == CF_R_PART)
			return value_part(p, x, e);
		a = prove_value_of(p, x, e->a);
		return prove_is_nothing(&a) ? a : prove_term(p, e, BOUND_NOT,
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
		a = prove_value_of(p, x, e->a);
		return prove_term(p, e, a.bound == BOUND_IP && e->bits4 >= 8 &&
		    e->bits6 >= 16 ? BOUND_NET : BOUND_NOT,
		    "n%u:%u:%u", a.term, e->bits4, e->bits6);
	case CF_E_CONVERT:
		return value_convert(p, x, e);
	default:
		/* A condition as a value, in a text or as an argument. */
		return prove_term(p, e, BOUND_NOT, "b%u:%u",
		    prove_is(p, x, e, true), prove_is(p, x, e, false));
	}
}
