/*
 * tests.c - the policy's tests, checked and taken apart for those who run them.
 */
#include "cf/literal.h"
#include "cf/tests_int.h"

/* A step that names something whose number the image will tell. */
struct cf_link {
	struct cf_step		*step;
	struct cf_sym		*sym;		/* NULL: object */
	struct cf_object	*object;
	struct cf_link		*next;
};

static struct cf_link *
link_new(struct testing *t)
{
	struct cf_link	*l = arena_alloc(&t->cf->arena, sizeof(*l));

	l->step = t->step;
	l->next = t->cf->links;
	t->cf->links = l;
	return l;
}

void
cf_tests_sym(struct testing *t, struct cf_sym *sym)
{
	if (sym != NULL)
		link_new(t)->sym = sym;
}

void
cf_tests_object(struct testing *t, struct cf_object *o)
{
	if (o != NULL)
		link_new(t)->object = o;
}

struct cf_sym *
cf_tests_look(struct testing *t, struct span name, struct cf_loc loc,
    enum cf_sym_kind kind)
{
	struct cf_sym	*sym = cf_find(t->cf, name);
	bool		 used = sym != NULL && sym->used;

	sym = cf_need(t->cf, name, loc, kind);
	if (sym != NULL)
		sym->used = used;
	return sym;
}

void
cf_tests_need_client(struct testing *t, const struct cf_tnode *n)
{
	if (!t->has_client)
		cf_error(t->cf, n->loc, "a session begins with 'client'");
	t->has_client = true;
}

struct cf_object *
cf_tests_block(const struct cf *cf, enum rs_object_kind kind,
    struct span name)
{
	struct cf_object	*o;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind == kind && span_eq(o->name, name))
			return o;
	}
	return NULL;
}

/* The session. */

static void
client(struct testing *t, const struct cf_tnode *n)
{
	t->has_client = true;
	t->has_mail = t->has_rcpt = false;
	t->step->kind = CF_T_CLIENT;
	t->step->ip = n->value.ip;
	t->step->text = n->value2.s;
	t->step->text2 = n->value3.s;
	if (n->value3.s.n > 0 &&
	    cf_tests_block(t->cf, RS_O_LISTEN, n->value3.s) == NULL)
		cf_error(t->cf, n->value_loc, "no listener '%.*s'",
		    SPAN_ARG(n->value3.s));
}

static void
command(struct testing *t, const struct cf_tnode *n, enum cf_step_kind kind)
{
	cf_tests_need_client(t, n);
	if (kind == CF_T_MAIL)
		t->has_mail = true;
	if (kind == CF_T_RCPT && !t->has_mail)
		cf_error(t->cf, n->loc, "'rcpt to' comes after 'mail from'");
	t->has_rcpt |= kind == CF_T_RCPT;
	t->step->kind = kind;
	t->step->text = n->value.s;
}

static void
mail(struct testing *t, const struct cf_tnode *n)
{
	command(t, n, CF_T_MAIL);
	if (n->value2.type == RS_T_NONE)
		return;
	if (!span_eq(n->value2.s, SPAN("size")))
		cf_error(t->cf, n->value2_loc, "only 'size' can stand here: "
		    "mail from <a@b.example> size 2M");
	t->step->number = n->value3.i;
}

static void
header(struct testing *t, const struct cf_tnode *n)
{
	command(t, n, CF_T_HEADER);
	if (span_index(n->value.s, ':') <= 0)
		cf_error(t->cf, n->value_loc, "a header field is written "
		    "\"Name: value\"");
}

/* Cipher suites that OpenSSL prefers, for who names none. */
static struct span
usual_cipher(struct span version)
{
	return span_eq(version, SPAN("TLSv1.3")) ?
	    SPAN("TLS_AES_256_GCM_SHA384") :
	    SPAN("ECDHE-RSA-AES256-GCM-SHA384");
}

static void
tls(struct testing *t, const struct cf_tnode *n)
{
	struct cf_step	*s = t->step;

	s->tls.version = n->value.s;
	s->tls.cipher = n->value3.type == RS_T_TEXT ? n->value3.s :
	    usual_cipher(n->value.s);
	s->tls.certificate = n->value2.s;
	if (!span_eq(n->value.s, SPAN("TLSv1.2")) &&
	    !span_eq(n->value.s, SPAN("TLSv1.3"))) {
		cf_error(t->cf, n->value_loc, "no TLS \"%.*s\"; there are "
		    "\"TLSv1.2\" and \"TLSv1.3\"", SPAN_ARG(n->value.s));
	}
}

static void
starttls(struct testing *t, const struct cf_tnode *n)
{
	command(t, n, CF_T_STARTTLS);
	t->step->text = SPAN_NONE;
	if (t->has_mail)
		cf_error(t->cf, n->loc, "'starttls' comes before 'mail from'");
	tls(t, n);
}

static void
waited(struct testing *t, const struct cf_tnode *w)
{
	if (w == NULL)
		return;
	t->step->waited.age_ms = w->value.i;
	if (w->value2.type == RS_T_NONE)
		return;
	if (!span_eq(w->value2.s, SPAN("attempts")))
		cf_error(t->cf, w->value2_loc, "only 'attempts' can stand "
		    "here: after 2h attempts 3");
	if (w->value3.i > INT32_MAX)
		cf_error(t->cf, w->value2_loc, "too many attempts");
	t->step->waited.attempts = (unsigned)w->value3.i;
}

/* Of a message that has been taken. */
static void
behind_queue(struct testing *t, const struct cf_tnode *n,
    enum cf_step_kind kind)
{
	command(t, n, kind);
	if (!t->has_rcpt)
		cf_error(t->cf, n->loc, "this happens to a message, and there "
		    "is no 'rcpt to' before it");
	waited(t, n->waited);
}

static void
hop(struct testing *t, const struct cf_tnode *n)
{
	behind_queue(t, n, CF_T_HOP);
	t->step->ip = n->value2.ip;
	if (n->tls != NULL)
		tls(t, n->tls);
}

static void
in_session(struct testing *t, const struct cf_tnode *n)
{
	switch (n->kind) {
	case CF_TN_CLIENT:
		client(t, n);
		break;
	case CF_TN_HELO:
		command(t, n, CF_T_HELO);
		break;
	case CF_TN_STARTTLS:
		starttls(t, n);
		break;
	case CF_TN_MAIL:
		mail(t, n);
		break;
	case CF_TN_RCPT:
		command(t, n, CF_T_RCPT);
		break;
	case CF_TN_VRFY:
		command(t, n, CF_T_VRFY);
		break;
	case CF_TN_EXPN:
		command(t, n, CF_T_EXPN);
		break;
	case CF_TN_HEADER:
		header(t, n);
		break;
	case CF_TN_BODY:
		command(t, n, CF_T_BODY);
		break;
	case CF_TN_DELIVERY:
		behind_queue(t, n, CF_T_DELIVERY);
		break;
	case CF_TN_BOUNCE:
		behind_queue(t, n, CF_T_BOUNCE);
		break;
	case CF_TN_HOP:
		hop(t, n);
		break;
	default:
		cf_tests_expect(t, n);
		break;
	}
}

static void
step(struct testing *t, const struct cf_tnode *n)
{
	cf_place(t->cf, n->loc, &t->step->line,
	    &t->step->column);
	switch (n->kind) {
	case CF_TN_TIME:
		t->step->kind = CF_T_WITH_TIME;
		t->step->number = n->value.i;
		break;
	case CF_TN_AFTER:
		cf_tests_need_client(t, n);
		t->step->kind = CF_T_AFTER;
		t->step->number = n->value.i;
		break;
	case CF_TN_MAP: case CF_TN_MAP_FAILING:
		cf_tests_map(t, n);
		break;
	case CF_TN_DNS: case CF_TN_DNS_FAILING:
		cf_tests_dns(t, n);
		break;
	case CF_TN_MILTER:
		cf_tests_milter(t, n);
		break;
	case CF_TN_CALLOUT:
		t->step->kind = CF_T_WITH_CALLOUT;
		t->step->text = n->value.s;
		t->step->failing = n->value2.type == RS_T_NONE;
		t->step->number = n->value2.i;
		break;
	case CF_TN_RATE:
		cf_tests_rate(t, n);
		break;
	default:
		in_session(t, n);
		break;
	}
}

static size_t
count_steps(const struct cf_decl *d)
{
	const struct cf_tnode	*n;
	size_t			 count = 0;

	for (n = d->steps; n != NULL; n = n->next)
		count++;
	return count;
}

static void
one_test(struct cf *cf, const struct cf_decl *d, struct cf_test *out)
{
	struct testing		 t = { .cf = cf };
	struct cf_step		*steps;
	const struct cf_tnode	*n;

	steps = arena_alloc(&cf->arena, (count_steps(d) + 1) * sizeof(*steps));
	out->name = d->name;
	out->line = cf_line(cf, d->loc);
	out->path = cf_source_at(cf, d->loc)->path;
	out->steps = steps;
	for (n = d->steps; n != NULL; n = n->next) {
		t.step = &steps[out->nsteps++];
		step(&t, n);
	}
	if (!t.has_expect && cf->nerrors == 0) {
		cf_warn(cf, d->name_loc, "this test tests nothing");
		cf_help(cf, "say what is to happen: expect accept, expect "
		    "reject 550, ...");
	}
}

/* Two tests of one name: which has failed? */
static void
check_name(struct cf *cf, struct htab *names, struct cf_decl *d)
{
	const struct cf_decl	*first = htab_get(names, d->name);

	if (first == NULL)
		htab_put(names, d->name, d);
	else
		cf_warn(cf, d->name_loc, "the test in %s has this name too",
		    cf_where(cf, first->name_loc, d->name_loc));
}

void
cf_tests(struct cf *cf)
{
	struct htab	 names = { 0 };
	struct cf_decl	*d;
	size_t		 n = 0;

	for (d = cf->decls; d != NULL; d = d->next)
		n += d->kind == CF_D_TEST;
	cf->tests = arena_alloc(&cf->arena, (n + 1) * sizeof(*cf->tests));
	for (d = cf->decls; d != NULL; d = d->next) {
		if (d->kind != CF_D_TEST)
			continue;
		check_name(cf, &names, d);
		one_test(cf, d, &cf->tests[cf->ntests++]);
	}
	htab_clear(&names);
}

void
cf_tests_link(struct cf *cf)
{
	const struct cf_link	*l;

	for (l = cf->links; l != NULL; l = l->next) {
		if (l->sym == NULL)
			l->step->expect.object = l->object->index;
		else if (l->sym->kind != CF_S_MAP && l->sym->object != NULL)
			l->step->expect.object = l->sym->object->index;
		else
			l->step->index = l->sym->index;
	}
}

size_t
cf_ntests(const struct cf *cf)
{
	return cf->nerrors == 0 ? cf->ntests : 0;
}

const struct cf_test *
cf_test(const struct cf *cf, size_t i)
{
	return i < cf_ntests(cf) ? &cf->tests[i] : NULL;
}
