/*
 * tests_expect.c - what a test expects.
 */
#include "cf/listen.h"
#include "cf/tests_int.h"

void
cf_tests_reply(struct testing *t, const struct cf_reply *r, char class)
{
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
	if (cf_tests_const(r->text, RS_T_TEXT))
		t->step->expect.text = r->text->value.s;
	else
		cf_error(t->cf, r->text->loc, "a test has constant texts");
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
	sym = cf_tests_look(t, n->expr->name, n->expr->loc, CF_S_RELAY);
	cf_tests_sym(t, sym);
}

static void
expect_tag(struct testing *t, const struct cf_tnode *n)
{
	struct cf_scope	 s = { .quiet = true };
	struct cf_sym	*sym;

	t->step->expect.kind = CF_X_TAG;
	sym = cf_tests_look(t, n->value.s, n->value_loc, CF_S_TAG);
	cf_resolve(t->cf, &s, n->expr);
	cf_type_expr(t->cf, n->expr);
	if (sym == NULL || !cf_type_want(t->cf, n->expr, sym->type, "this tag"))
		return;
	if (n->expr->kind == CF_E_CONST)
		t->step->expect.value = n->expr->value;
	else
		cf_error(t->cf, n->expr->loc, "a test expects a constant");
	cf_tests_sym(t, sym);
}

void
cf_tests_verdict(struct testing *t, enum cf_tnode_kind kind,
    const struct cf_reply *reply)
{
	struct cf_step	*s = t->step;

	switch (kind) {
	case CF_TN_REJECT:
		s->expect.kind = CF_X_REJECT;
		cf_tests_reply(t, reply, '5');
		break;
	case CF_TN_DEFER:
		s->expect.kind = CF_X_DEFER;
		cf_tests_reply(t, reply, '4');
		break;
	case CF_TN_DISCARD:
		s->expect.kind = CF_X_DISCARD;
		break;
	case CF_TN_QUARANTINE:
		s->expect.kind = CF_X_QUARANTINE;
		break;
	case CF_TN_HOLD:
		s->expect.kind = CF_X_HOLD;
		break;
	default:
		s->expect.kind = CF_X_ACCEPT;
		break;
	}
}

/* Where the last recipient goes. */
static void
expect_route(struct testing *t, const struct cf_tnode *n)
{
	struct cf_step	*s = t->step;

	if (!t->has_rcpt)
		cf_error(t->cf, n->loc, "this is a route, and there is no "
		    "'rcpt to' before it");
	s->expect.text = n->value.s;
	switch (n->kind) {
	case CF_TN_DELIVER:
		s->expect.kind = CF_X_DELIVER;
		s->expect.text = n->value2.s;
		cf_tests_sym(t, cf_tests_look(t, n->value.s, n->value_loc,
		    CF_S_MAILBOX));
		break;
	case CF_TN_RELAY:
		expect_relay(t, n);
		break;
	case CF_TN_MX:
		s->expect.kind = CF_X_MX;
		break;
	case CF_TN_FILTER:
		s->expect.kind = CF_X_FILTER;
		s->expect.text = SPAN_NONE;
		cf_tests_sym(t, cf_tests_look(t, n->value.s, n->value_loc,
		    CF_S_FILTER));
		break;
	case CF_TN_LMTP:
		s->expect.kind = CF_X_LMTP;
		break;
	case CF_TN_PIPE:
		s->expect.kind = CF_X_PIPE;
		break;
	case CF_TN_FILE:
		s->expect.kind = CF_X_FILE;
		break;
	default:
		s->expect.kind = CF_X_UNKNOWN;
		break;
	}
}

/* What became of the message, and what a rule has done beside its verdict. */
static void
expect_effect(struct testing *t, const struct cf_tnode *n)
{
	struct cf_step	*s = t->step;

	s->expect.text = n->value.s;
	switch (n->kind) {
	case CF_TN_SENDER:
		s->expect.kind = CF_X_SENDER;
		break;
	case CF_TN_RCPT_IS:
		s->expect.kind = CF_X_RCPT;
		break;
	case CF_TN_HEADER_IS:
		s->expect.kind = CF_X_HEADER;
		if (span_index(n->value.s, ':') <= 0)
			cf_error(t->cf, n->value_loc, "a header field is "
			    "written \"Name: value\"");
		break;
	case CF_TN_DELAY:
		s->expect.kind = CF_X_DELAY;
		s->expect.text = SPAN_NONE;
		s->expect.value = n->value;
		break;
	case CF_TN_HIDE:
		s->expect.kind = CF_X_HIDE;
		s->expect.value = rs_int(RS_T_INT,
		    cf_extensions(t->cf, n->extensions));
		break;
	case CF_TN_BCC:
		s->expect.kind = CF_X_BCC;
		break;
	case CF_TN_LOG:
		s->expect.kind = CF_X_LOG;
		break;
	default:
		s->expect.kind = CF_X_HEADERS_ONLY;
		break;
	}
}

void
cf_tests_expect(struct testing *t, const struct cf_tnode *n)
{
	t->step->kind = CF_T_EXPECT;
	t->step->expect.negated = n->negated;
	t->has_expect = true;
	cf_tests_need_client(t, n);
	switch (n->kind) {
	case CF_TN_ACCEPT: case CF_TN_REJECT: case CF_TN_DEFER:
	case CF_TN_DISCARD: case CF_TN_QUARANTINE: case CF_TN_HOLD:
		cf_tests_verdict(t, n->kind, &n->reply);
		if (n->kind == CF_TN_QUARANTINE || n->kind == CF_TN_HOLD)
			t->step->expect.text = n->value.s;
		break;
	case CF_TN_DELIVER: case CF_TN_RELAY: case CF_TN_MX: case CF_TN_FILTER:
	case CF_TN_LMTP: case CF_TN_PIPE: case CF_TN_FILE:
	case CF_TN_UNKNOWN:
		expect_route(t, n);
		break;
	case CF_TN_TAG:
		expect_tag(t, n);
		break;
	default:
		expect_effect(t, n);
		break;
	}
}
