/*
 * prove_session.c - the session that would get through, as it would be typed.
 *
 * The values of an open path are answers to questions; what they ask of sender,
 * recipient and HELO is put there, the rest is said behind.
 */
#include "cf/prove_int.h"

/* The session that gets through, as far as the proof needs it. */
struct session {
	char		 client[IP_TEXT_MAX];
	struct span	 local, domain;		/* of the sender */
	struct span	 rcpt;
	struct span	 helo;
	struct buf	 also;			/* what else must hold */
};

static bool
in_some_net(const struct cf *cf, const struct ip *ip)
{
	const struct cf_sym	*sym;
	size_t			 i, j;

	for (i = 0; i < cf->nsyms; i++) {
		sym = cf->syms[i];
		for (j = 0; sym->kind == CF_S_NET && j < sym->n; j++) {
			if (ipnet_has(&sym->nets[j], ip))
				return true;
		}
	}
	return false;
}

/* An address outside every declared network; first those kept for examples. */
static void
choose_client(const struct cf *cf, char out[IP_TEXT_MAX])
{
	static const char *const	 first[] = {
		"203.0.113.9", "198.51.100.9", "192.0.2.9", "2001:db8::9"
	};
	struct ip			 ip;
	unsigned			 i;

	for (i = 0; i < 4; i++) {
		if (ip_parse(span_of(first[i]), &ip) && !in_some_net(cf, &ip)) {
			(void)ip_format(&ip, out);
			return;
		}
	}
	for (i = 1; i < 224; i++) {
		memset(&ip, 0, sizeof(ip));
		ip.family = 4;
		ip.a[0] = (uint8_t)i;
		ip.a[3] = 9;
		if (!in_some_net(cf, &ip))
			break;
	}
	(void)ip_format(&ip, out);
}

static bool
is_fact(const struct cf_expr *e, enum rs_fact fact)
{
	return e != NULL && e->ref == CF_R_FACT && e->fact == fact;
}

/* Part of the sender that the expression is, RS_NFIELDS for all of it. */
static bool
of_sender(const struct cf_expr *e, unsigned *part)
{
	if (is_fact(e, RS_FACT_SENDER)) {
		*part = RS_NFIELDS;
		return true;
	}
	if (e == NULL || e->ref != CF_R_PART ||
	    !is_fact(e->a, RS_FACT_SENDER))
		return false;
	*part = e->part;
	return true;
}

static void
set_sender(struct session *s, unsigned part, const struct rs_value *v)
{
	struct span	 text = v->s;

	if (!rs_has_span(v->type))
		return;
	if (part == RS_NFIELDS) {
		s->local = (struct span){ text.p, v->at };
		s->domain = span_from(text, (size_t)v->at + 1);
	} else if (part == RS_F_DOMAIN) {
		s->domain = text;
	} else {
		s->local = text;
	}
}

/* The local part of the recipient, which the client chooses. */
static bool
of_rcpt_user(const struct cf_expr *e)
{
	return e != NULL && e->ref == CF_R_PART && is_fact(e->a, RS_FACT_RCPT)
	    && (e->part == RS_F_USER || e->part == RS_F_LOCAL);
}

/* A value that answers the question with yes; NULL: not known. */
static const struct rs_value *
example_of(const struct prove_atom *a)
{
	if (a->kind == ATOM_IN_SET && a->sym->n > 0)
		return &a->sym->values[0];
	if (a->kind == ATOM_EQ && a->b.is_const)
		return &a->b.value;
	if (a->kind == ATOM_EQ && a->a.is_const)
		return &a->a.value;
	return NULL;
}

static void
add_also(struct prover *p, struct session *s, const struct prove_atom *a,
    bool yes)
{
	struct span	 text = cf_expr_text(p->cf, a->expr);

	if (a->kind == ATOM_SOFT) {
		if (yes)
			buf_addf(&s->also, ", while '%.*s' cannot be said",
			    SPAN_ARG(text));
		return;
	}
	/* The atom of `x != y` is x == y. */
	if (a->expr->negated)
		yes = !yes;
	if (a->kind == ATOM_FAILS)
		buf_addf(&s->also, ", while line %u cannot be decided",
		    cf_line(p->cf, a->rule->loc));
	else if (yes)
		buf_addf(&s->also, ", and %.*s", SPAN_ARG(text));
	else
		buf_addf(&s->also, ", and not (%.*s)", SPAN_ARG(text));
}

/* One question and its answer on the open path. */
static void
answer(struct prover *p, struct session *s, const struct prove_atom *a,
    bool yes)
{
	const struct rs_value	*v = example_of(a);
	const struct cf_expr	*e = prove_open_side(a);
	unsigned		 part;

	if (of_sender(e, &part)) {
		if (yes && v != NULL)
			set_sender(s, part, v);
		else if (yes)
			add_also(p, s, a, yes);
	} else if (of_rcpt_user(e) && v != NULL && rs_has_span(v->type)) {
		if (yes)
			s->rcpt = arena_printf(&p->cf->arena,
			    "%.*s@third.example", SPAN_ARG(v->s));
	} else if (is_fact(e, RS_FACT_CLIENT_HELO) && v != NULL) {
		if (yes)
			s->helo = v->s;
	} else {
		add_also(p, s, a, yes);
	}
}

struct span
prove_session(struct prover *p, const int8_t *values)
{
	struct session	 s = {
		.local = SPAN("stranger"), .domain = SPAN("elsewhere.example"),
		.rcpt = SPAN("victim@third.example")
	};
	struct cf	*cf = p->cf;
	struct buf	 out = { 0 };
	struct span	 text;
	uint32_t	 i;

	choose_client(cf, s.client);
	for (i = 1; i <= p->natoms; i++) {
		if (values[i] >= 0)
			answer(p, &s, &p->atoms[i], values[i] == 1);
	}
	if (s.domain.n > 0 && s.domain.p[0] == '.')
		s.domain = arena_printf(&cf->arena, "mail%.*s",
		    SPAN_ARG(s.domain));
	buf_addf(&out, "client %s, ", s.client);
	if (s.helo.n > 0)
		buf_addf(&out, "EHLO %.*s, ", SPAN_ARG(s.helo));
	if (s.domain.n > 0)
		buf_addf(&out, "MAIL FROM:<%.*s@%.*s>, ", SPAN_ARG(s.local),
		    SPAN_ARG(s.domain));
	else
		buf_add_str(&out, "MAIL FROM:<>, ");
	buf_addf(&out, "RCPT TO:<%.*s>", SPAN_ARG(s.rcpt));
	buf_add_span(&out, buf_span(&s.also));
	text = arena_span(&cf->arena, buf_span(&out));
	buf_clear(&s.also);
	buf_clear(&out);
	return text;
}
