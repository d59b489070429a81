/*
 * tests.c - the policy's tests, checked and taken apart for those who run them.
 */
#include "cf/literal.h"
#include "cf/types.h"

/* A step that names something whose number the image will tell. */
struct cf_link {
	struct cf_step	*step;
	struct cf_sym	*sym;
	struct cf_link	*next;
};

struct testing {
	struct cf	*cf;
	struct cf_step	*step;		/* that is filled in */
	bool		 has_client, has_mail, has_rcpt, has_expect;
};

static const struct {
	const char	*word;
	unsigned	 type;		/* RFC 1035, 3.2.2; RFC 3596 */
} dns_types[] = {
	{ "A", 1 }, { "PTR", 12 }, { "MX", 15 }, { "TXT", 16 }, { "AAAA", 28 }
};

static void
link_sym(struct testing *t, struct cf_sym *sym)
{
	struct cf_link	*l;

	if (sym == NULL)
		return;
	l = arena_alloc(&t->cf->arena, sizeof(*l));
	l->step = t->step;
	l->sym = sym;
	l->next = t->cf->links;
	t->cf->links = l;
}

/* As cf_need(), but a test is no use. */
static struct cf_sym *
look(struct testing *t, struct span name, struct cf_loc loc,
    enum cf_sym_kind kind)
{
	struct cf_sym	*sym = cf_find(t->cf, name);
	bool		 used = sym != NULL && sym->used;

	sym = cf_need(t->cf, name, loc, kind);
	if (sym != NULL)
		sym->used = used;
	return sym;
}

static void
need_client(struct testing *t, const struct cf_tnode *n)
{
	if (!t->has_client)
		cf_error(t->cf, n->loc, "a session begins with 'client'");
	t->has_client = true;
}

/* What holds for the whole test. */

static void
with_map(struct testing *t, const struct cf_tnode *n)
{
	bool	 failing = n->kind == CF_TN_MAP_FAILING;

	t->step->kind = failing ? CF_T_WITH_MAP_FAILING : CF_T_WITH_MAP;
	t->step->failing = failing;
	t->step->text = n->value2.s;
	t->step->text2 = n->value3.s;
	link_sym(t, look(t, n->value.s, n->value_loc, CF_S_MAP));
}

static unsigned
dns_type(struct testing *t, const struct cf_tnode *n)
{
	size_t	 i;

	for (i = 0; i < sizeof(dns_types) / sizeof(dns_types[0]); i++) {
		if (span_eq(n->value2.s, span_of(dns_types[i].word)))
			return dns_types[i].type;
	}
	cf_error(t->cf, n->value2_loc, "no DNS type '%.*s'; there are A, "
	    "AAAA, MX, PTR and TXT", SPAN_ARG(n->value2.s));
	return 0;
}

static bool
is_const(const struct cf_expr *e, unsigned type)
{
	return e != NULL && e->kind == CF_E_CONST && e->value.type == type;
}

/* What the record says, in the form of cf.h. */
static void
dns_value(struct testing *t, const struct cf_tnode *n)
{
	struct cf		*cf = t->cf;
	const struct cf_expr	*e = n->list, *rest = e->next;
	unsigned		 type = t->step->dns_type;
	bool			 ok;

	if (type == 1 || type == 28) {
		ok = is_const(e, RS_T_IP) &&
		    e->value.ip.family == (type == 1 ? 4 : 6);
	} else if (type == 15) {
		ok = is_const(e, RS_T_INT) && e->value.i <= 65535 &&
		    is_const(rest, RS_T_TEXT);
	} else {
		ok = is_const(e, RS_T_TEXT);
	}
	if (type == 15 && rest != NULL)
		rest = rest->next;
	if (!ok || rest != NULL) {
		cf_error(cf, e->loc, type == 1 ? "A has an IPv4 address" :
		    type == 28 ? "AAAA has an IPv6 address" : type == 15 ?
		    "MX has a preference and a name: MX 10 \"mx.example\"" :
		    "this record has a text");
		return;
	}
	if (type == 15)
		t->step->text2 = arena_printf(&cf->arena, "%lld %.*s",
		    (long long)e->value.i, SPAN_ARG(e->next->value.s));
	else
		t->step->text2 = rs_format(&e->value, &cf->arena);
}

static void
with_dns(struct testing *t, const struct cf_tnode *n)
{
	t->step->kind = CF_T_WITH_DNS;
	t->step->text = n->value.s;
	if (n->kind == CF_TN_DNS_FAILING) {
		t->step->failing = true;
		return;
	}
	t->step->dns_type = dns_type(t, n);
	if (t->step->dns_type != 0 && n->list != NULL)
		dns_value(t, n);
}

/* The session. */

static bool
listens(const struct cf *cf, struct span name)
{
	const struct cf_object	*o;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind == RS_O_LISTEN && span_eq(o->name, name))
			return true;
	}
	return false;
}

static void
client(struct testing *t, const struct cf_tnode *n)
{
	t->has_client = true;
	t->has_mail = t->has_rcpt = false;
	t->step->kind = CF_T_CLIENT;
	t->step->ip = n->value.ip;
	t->step->text = n->value2.s;
	t->step->text2 = n->value3.s;
	if (n->value3.s.n > 0 && !listens(t->cf, n->value3.s))
		cf_error(t->cf, n->value_loc, "no listener '%.*s'",
		    SPAN_ARG(n->value3.s));
}

static void
command(struct testing *t, const struct cf_tnode *n, enum cf_step_kind kind)
{
	need_client(t, n);
	if (kind == CF_T_MAIL)
		t->has_mail = true;
	if (kind == CF_T_RCPT && !t->has_mail)
		cf_error(t->cf, n->loc, "'rcpt to' comes after 'mail from'");
	t->has_rcpt |= kind == CF_T_RCPT;
	t->step->kind = kind;
	t->step->text = n->value.s;
}

static void
header(struct testing *t, const struct cf_tnode *n)
{
	command(t, n, CF_T_HEADER);
	if (span_index(n->value.s, ':') <= 0)
		cf_error(t->cf, n->value_loc, "a header field is written "
		    "\"Name: value\"");
}

/* Expectations. */

static void
expect_reply(struct testing *t, const struct cf_tnode *n)
{
	const struct cf_reply	*r = &n->reply;
	char			 class;

	t->step->expect.kind = n->kind == CF_TN_REJECT ? CF_X_REJECT :
	    CF_X_DEFER;
	class = n->kind == CF_TN_REJECT ? '5' : '4';
	if (r->has_code && r->code / 100 != class - '0')
		cf_error(t->cf, r->code_loc, "never so: %s has a %cxx code",
		    class == '5' ? "reject" : "defer", class);
	if (r->has_status && r->status.p[0] != class)
		cf_error(t->cf, r->status_loc, "never so: %s has a %c.x.x "
		    "status", class == '5' ? "reject" : "defer", class);
	t->step->expect.code = r->has_code ? (unsigned)r->code : 0;
	t->step->expect.status = r->status;
	if (r->text == NULL)
		return;
	if (is_const(r->text, RS_T_TEXT))
		t->step->expect.text = r->text->value.s;
	else
		cf_error(t->cf, r->text->loc, "a test expects a constant text");
}

static void
expect_relay(struct testing *t, const struct cf_tnode *n)
{
	struct cf_sym	*sym;

	if (n->expr->kind == CF_E_CONST) {
		t->step->expect.kind = CF_X_RELAY_TO;
		t->step->expect.text = n->expr->value.s;
		return;
	}
	t->step->expect.kind = CF_X_RELAY;
	sym = look(t, n->expr->name, n->expr->loc, CF_S_RELAY);
	link_sym(t, sym);
}

static void
expect_tag(struct testing *t, const struct cf_tnode *n)
{
	struct cf_scope	 s = { .quiet = true };
	struct cf_sym	*sym;

	t->step->expect.kind = CF_X_TAG;
	sym = look(t, n->value.s, n->value_loc, CF_S_TAG);
	cf_resolve(t->cf, &s, n->expr);
	cf_type_expr(t->cf, n->expr);
	if (sym == NULL || !cf_type_want(t->cf, n->expr, sym->type, "this tag"))
		return;
	if (n->expr->kind == CF_E_CONST)
		t->step->expect.value = n->expr->value;
	else
		cf_error(t->cf, n->expr->loc, "a test expects a constant");
	link_sym(t, sym);
}

static void
expect_route(struct testing *t, const struct cf_tnode *n)
{
	if (!t->has_rcpt)
		cf_error(t->cf, n->loc, "this is a route, and there is no "
		    "'rcpt to' before it");
}

static void
expect(struct testing *t, const struct cf_tnode *n)
{
	t->step->kind = CF_T_EXPECT;
	t->has_expect = true;
	need_client(t, n);
	switch (n->kind) {
	case CF_TN_ACCEPT:
		t->step->expect.kind = CF_X_ACCEPT;
		break;
	case CF_TN_REJECT: case CF_TN_DEFER:
		expect_reply(t, n);
		break;
	case CF_TN_DISCARD:
		t->step->expect.kind = CF_X_DISCARD;
		break;
	case CF_TN_DELIVER:
		expect_route(t, n);
		t->step->expect.kind = CF_X_DELIVER;
		t->step->expect.text = n->value2.s;
		link_sym(t, look(t, n->value.s, n->value_loc, CF_S_MAILBOX));
		break;
	case CF_TN_RELAY:
		expect_route(t, n);
		expect_relay(t, n);
		break;
	case CF_TN_MX:
		expect_route(t, n);
		t->step->expect.kind = CF_X_MX;
		break;
	case CF_TN_SENDER:
		t->step->expect.kind = CF_X_SENDER;
		t->step->expect.text = n->value.s;
		break;
	case CF_TN_RCPT_IS:
		t->step->expect.kind = CF_X_RCPT;
		t->step->expect.text = n->value.s;
		break;
	case CF_TN_HEADER_IS:
		t->step->expect.kind = CF_X_HEADER;
		t->step->expect.text = n->value.s;
		break;
	case CF_TN_TAG:
		expect_tag(t, n);
		break;
	default:
		expect_route(t, n);
		t->step->expect.kind = CF_X_UNKNOWN;
		break;
	}
}

static void
step(struct testing *t, const struct cf_tnode *n)
{
	uint32_t	 line, column;

	cf_source_place(t->cf->sources, n->loc.pos, &line, &column);
	t->step->line = line;
	t->step->column = column;
	switch (n->kind) {
	case CF_TN_CLIENT:
		client(t, n);
		break;
	case CF_TN_HELO:
		command(t, n, CF_T_HELO);
		break;
	case CF_TN_MAIL:
		command(t, n, CF_T_MAIL);
		break;
	case CF_TN_RCPT:
		command(t, n, CF_T_RCPT);
		break;
	case CF_TN_HEADER:
		header(t, n);
		break;
	case CF_TN_BODY:
		command(t, n, CF_T_BODY);
		break;
	case CF_TN_TIME:
		t->step->kind = CF_T_WITH_TIME;
		t->step->number = n->value.i;
		break;
	case CF_TN_AFTER:
		need_client(t, n);
		t->step->kind = CF_T_AFTER;
		t->step->number = n->value.i;
		break;
	case CF_TN_MAP: case CF_TN_MAP_FAILING:
		with_map(t, n);
		break;
	case CF_TN_DNS: case CF_TN_DNS_FAILING:
		with_dns(t, n);
		break;
	default:
		expect(t, n);
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
	out->steps = steps;
	for (n = d->steps; n != NULL; n = n->next) {
		t.step = &steps[out->nsteps++];
		step(&t, n);
	}
	if (!t.has_expect) {
		cf_warn(cf, d->name_loc, "this test tests nothing");
		cf_help(cf, "say what is to happen: expect accept, expect "
		    "reject 550, ...");
	}
}

void
cf_tests(struct cf *cf)
{
	struct cf_decl	*d;
	size_t		 n = 0;

	for (d = cf->decls; d != NULL; d = d->next)
		n += d->kind == CF_D_TEST;
	cf->tests = arena_alloc(&cf->arena, (n + 1) * sizeof(*cf->tests));
	for (d = cf->decls; d != NULL; d = d->next) {
		if (d->kind == CF_D_TEST)
			one_test(cf, d, &cf->tests[cf->ntests++]);
	}
}

void
cf_tests_link(struct cf *cf)
{
	const struct cf_link	*l;

	for (l = cf->links; l != NULL; l = l->next) {
		if (l->sym->object != NULL)
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
