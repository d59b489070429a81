/*
 * emit_rules.c - blocks of rules as functions.
 *
 * A rule is: RULE, its condition, TEST (which goes on to the next rule, or
 * defers when a table could not be asked), its actions.  With `failing` an
 * unknown condition leads to those actions before TEST can see it.
 */
#include "cf/emit_int.h"
#include "cf/types.h"

#define RULE_TEXT_MAX	400	/* octets of a rule in records */

/* The rule as written, blanks and line ends folded to one blank. */
static struct span
rule_text(struct cf *cf, struct cf_loc loc)
{
	struct span	 s = cf_written(cf, loc);
	struct buf	 out = { 0 };
	struct span	 text;
	bool		 blank = false;
	size_t		 i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\n' ||
		    s.p[i] == '\r') {
			blank = true;
			continue;
		}
		if (blank)
			buf_add_char(&out, ' ');
		blank = false;
		buf_add_char(&out, s.p[i]);
		if (out.n >= RULE_TEXT_MAX) {
			buf_add_str(&out, "...");
			break;
		}
	}
	text = arena_span(&cf->arena, buf_span(&out));
	buf_clear(&out);
	return text;
}

/* Actions. */

static struct emit_op
emit_reply_text(struct emit *f, const struct cf_action *a)
{
	struct rs_value	 none = rs_text(RS_T_TEXT, SPAN(""));
	struct emit_op	 text;

	if (a->expr != NULL)
		return emit_expr(f, a->expr);
	text.reg = (uint8_t)emit_reg(f, 1);
	text.temp = true;
	emit_op(f, RS_LOAD, text.reg, 0, rs_build_const(f->b, &none));
	return text;
}

static void
emit_reply(struct emit *f, const struct cf_action *a, enum rs_op op)
{
	uint32_t	 reply;
	struct emit_op	 text;

	reply = rs_build_reply(f->b, cf_reply_code(a), cf_reply_status(a));
	text = emit_reply_text(f, a);
	emit_op(f, op, text.reg, 0, reply);
	emit_release(f, text);
}

static void
emit_reason(struct emit *f, const struct cf_action *a)
{
	struct emit_op	 text = emit_reply_text(f, a);

	emit_op(f, a->kind == CF_A_HOLD ? RS_HOLD : RS_QUARANTINE, text.reg,
	    0, 0);
	emit_release(f, text);
}

static void
emit_with(struct emit *f, enum rs_op op, const struct cf_expr *e, uint32_t c)
{
	struct emit_op	 in = emit_expr(f, e);

	emit_op(f, op, in.reg, 0, c);
	emit_release(f, in);
}

static void
emit_tagging(struct emit *f, const struct cf_action *a)
{
	struct rs_value	 number = rs_int(RS_T_INT, a->sym->index);

	emit_with(f, RS_TAG, a->expr, rs_build_const(f->b, &number));
}

/* `expand M` asks for the recipient. */
static void
emit_expand(struct emit *f, const struct cf_action *a)
{
	struct cf_expr	 rcpt = {
		.kind = CF_E_NAME, .ref = CF_R_FACT, .fact = RS_FACT_RCPT,
		.type = RS_T_ADDRESS
	};

	emit_with(f, RS_EXPAND, &rcpt, a->sym->index);
}

/* `expand srs`: the sender that is in the recipient, routed in its place. */
static void
emit_srs(struct emit *f)
{
	struct cf_expr	 rcpt = {
		.kind = CF_E_NAME, .ref = CF_R_FACT, .fact = RS_FACT_RCPT,
		.type = RS_T_ADDRESS
	};
	struct emit_op	 in = emit_expr(f, &rcpt);
	unsigned	 reg = emit_reg(f, 1);

	emit_op(f, RS_SRS, reg, in.reg, 1);
	emit_op(f, RS_JUMP_UNKNOWN, reg, 0, 2);	/* which defers */
	emit_op(f, RS_JUMP_SOME, reg, 0, 1);
	emit_op(f, RS_JUMP, 0, 0, 1);
	emit_op(f, RS_REDIRECT, reg, 0, 0);
	emit_release(f, (struct emit_op){ .reg = (uint8_t)reg, .temp = true });
	emit_release(f, in);
}

/* Actions that are one instruction: alone, or of one value. */
static const struct {
	enum rs_op	op;
	bool		has_value;
} plain[] = {
	[CF_A_ACCEPT] = { RS_ACCEPT, false },
	[CF_A_DISCARD] = { RS_DISCARD, false },
	[CF_A_ADD] = { RS_HEADER_ADD, true },
	[CF_A_LOG] = { RS_LOG, true },
	[CF_A_MX] = { RS_MX, false },
	[CF_A_REDIRECT] = { RS_REDIRECT, true },
	[CF_A_VALUE] = { RS_RETURN, true },
	[CF_A_LMTP] = { RS_LMTP, true },
	[CF_A_FILE] = { RS_FILE, true },
	[CF_A_BCC] = { RS_BCC, true },
	[CF_A_HEADERS_ONLY] = { RS_HEADERS_ONLY, false },
	[CF_A_LANGUAGE] = { RS_LANGUAGE, true },
};

static void
emit_plain(struct emit *f, const struct cf_action *a)
{
	if (plain[a->kind].has_value)
		emit_with(f, plain[a->kind].op, a->expr, 0);
	else
		emit_op(f, plain[a->kind].op, 0, 0, 0);
}

static void
emit_relay(struct emit *f, const struct cf_action *a)
{
	if (a->sym != NULL)
		emit_op(f, RS_RELAY, 0, 0, a->sym->object->index);
	else
		emit_with(f, RS_RELAY_TO, a->expr, 0);
}

static void
emit_pipe(struct emit *f, const struct cf_action *a)
{
	struct emit_op	 command = emit_command(f, a->expr);

	emit_op(f, RS_PIPE, command.reg, 0, rs_build_string(f->b, a->name));
	emit_release(f, command);
}

static void
emit_action(struct emit *f, const struct cf_action *a)
{
	switch (a->kind) {
	case CF_A_REJECT:
		emit_reply(f, a, RS_REJECT);
		break;
	case CF_A_DEFER:
		emit_reply(f, a, RS_DEFER);
		break;
	case CF_A_MOVED:
		emit_reply(f, a, RS_MOVED);
		break;
	case CF_A_QUARANTINE: case CF_A_HOLD:
		emit_reason(f, a);
		break;
	case CF_A_SET:
		emit_with(f, RS_HEADER_SET, a->expr,
		    rs_build_string(f->b, a->field));
		break;
	case CF_A_REMOVE:
		emit_op(f, RS_HEADER_DEL, 0, 0,
		    rs_build_string(f->b, a->field));
		break;
	case CF_A_TAG:
		emit_tagging(f, a);
		break;
	case CF_A_EXPAND:
		emit_expand(f, a);
		break;
	case CF_A_SRS:
		emit_srs(f);
		break;
	case CF_A_DELIVER:
		emit_op(f, RS_DELIVER, 0, 0, a->sym->object->index);
		break;
	case CF_A_RELAY:
		emit_relay(f, a);
		break;
	case CF_A_VERDICT:
		emit_with(f, RS_VERDICT, a->expr, a->sym->index);
		break;
	case CF_A_PIPE:
		emit_pipe(f, a);
		break;
	case CF_A_DELAY: case CF_A_HIDE: case CF_A_PRIORITY:
		emit_op(f, a->kind == CF_A_HIDE ? RS_HIDE :
		    a->kind == CF_A_DELAY ? RS_DELAY : RS_PRIORITY, 0, 0,
		    rs_build_const(f->b, &a->expr->value));
		break;
	case CF_A_FILTER:
		emit_op(f, RS_FILTER, 0, 0, a->sym->object->index);
		break;
	case CF_A_USE: case CF_A_SKIP:
		emit_op(f, a->kind == CF_A_USE ? RS_MILTER_USE :
		    RS_MILTER_SKIP, 0, 0, a->sym->object->index);
		break;
	case CF_A_APPLY:
		emit_apply(f, a->expr);
		break;
	case CF_A_ALLOW:
		break;		/* it has spoken to the proof */
	default:
		emit_plain(f, a);
	}
}

/* false: what follows is never reached from here. */
static bool
emit_actions(struct emit *f, const struct cf_action *a)
{
	for (; a != NULL; a = a->next) {
		f->line = cf_line(f->cf, a->loc);
		emit_action(f, a);
		if (cf_action_is_final(a))
			return false;
	}
	return true;
}

/* Rules. */

static bool
is_true(const struct cf_expr *e)
{
	return e->kind == CF_E_OTHERWISE ||
	    (e->kind == CF_E_CONST && e->value.i != 0);
}

/* The actions where the condition is unknown; those before go past them. */
static void
emit_failing(struct emit *f, const struct cf_rule *r, uint32_t unknown,
    bool goes_on)
{
	uint32_t	 over = 0;

	if (goes_on)
		over = emit_op(f, RS_JUMP, 0, 0, 0);
	rs_build_land(f->b, unknown);
	emit_actions(f, r->failing);
	if (goes_on)
		rs_build_land(f->b, over);
}

static void
emit_test(struct emit *f, const struct cf_rule *r)
{
	struct emit_op	 cond = emit_expr(f, r->cond);
	uint32_t	 unknown = 0, test;
	uint64_t	 loaded = f->loaded;
	bool		 goes_on;

	f->line = cf_line(f->cf, r->loc);
	if (r->has_failing)
		unknown = emit_op(f, RS_JUMP_UNKNOWN, cond.reg, 0, 0);
	test = emit_op(f, RS_TEST, cond.reg, 0, 0);
	emit_release(f, cond);
	goes_on = emit_actions(f, r->actions) && !emit_chain_leave(f, r);
	f->loaded = loaded;
	if (r->has_failing)
		emit_failing(f, r, unknown, goes_on);
	rs_build_land(f->b, test);
	f->loaded = loaded;
}

static void
emit_rule(struct emit *f, const struct cf_rule *r)
{
	unsigned	 begins = f->chain == 0 ? emit_chain_length(f, r) : 0;

	f->line = cf_line(f->cf, r->loc);
	if (f->chain > 0)
		emit_case(f, r);
	emit_op(f, RS_RULE, 0, 0, rs_build_rule(f->b,
	    cf_source_at(f->cf, r->loc)->image, f->line,
	    rule_text(f->cf, r->loc)));
	if (begins > 0)
		emit_switch(f, r);
	f->chain += begins;
	if (is_true(r->cond)) {
		emit_actions(f, r->actions);
	} else {
		emit_captures_begin(f, r);
		emit_test(f, r);
		emit_captures_end(f, r);
	}
	if (f->chain > 0 && --f->chain == 0)
		emit_chain_end(f);
}

static void
emit_let(struct emit *f, const struct cf_rule *r)
{
	unsigned	 reg = emit_reg(f, 1);

	f->line = cf_line(f->cf, r->loc);
	f->let_regs[r->sym->index] = (uint8_t)reg;
	emit_into(f, r->cond, reg);
	emit_captures_end(f, r);
}

static void
emit_rules(struct emit *f, const struct cf_rule *r)
{
	for (; r != NULL; r = r->next) {
		if (r->is_let)
			emit_let(f, r);
		else
			emit_rule(f, r);
	}
}

void
emit_hook(struct cf *cf, struct rs_build *b, struct cf_decl *d)
{
	struct emit	 f;

	emit_begin(&f, cf, b, d->loc);
	rs_build_func(b, span_of(rs_hook_names[d->hook]), RS_FUNC_HOOK,
	    d->hook, NULL, 0, RS_T_NONE);
	emit_rules(&f, d->rules);
	emit_op(&f, RS_END, 0, 0, 0);
	rs_build_func_end(b);
}

void
emit_rewrite(struct cf *cf, struct rs_build *b, const struct cf_decl *d,
    enum rs_hook hook)
{
	uint8_t		 type = RS_T_ADDRESS;
	struct emit	 f;

	emit_begin(&f, cf, b, d->loc);
	(void)emit_reg(&f, 1);		/* the address */
	rs_build_func(b, span_of(rs_hook_names[hook]), RS_FUNC_HOOK, hook,
	    &type, 1, RS_T_ADDRESS);
	emit_rules(&f, d->rules);
	emit_op(&f, RS_END, 0, 0, 0);
	rs_build_func_end(b);
}

/* The first hook in which it can be called. */
static enum rs_hook
first_hook(uint32_t hooks)
{
	unsigned	 h = 0;

	while (h < RS_HOOK_MAILBOX && (hooks >> h & 1) == 0)
		h++;
	return (enum rs_hook)h;
}

void
emit_ruleset(struct cf *cf, struct rs_build *b, struct cf_sym *sym)
{
	struct rs_value	 empty = rs_empty((enum rs_type)sym->type);
	const struct cf_arg *a;
	uint8_t		 types[RS_ARGS_MAX];
	struct emit	 f;
	unsigned	 n = 0, reg;

	emit_begin(&f, cf, b, sym->decl->loc);
	for (a = sym->decl->args; a != NULL; a = a->next)
		types[n++] = a->sym->type;
	if (n > 0)
		(void)emit_reg(&f, n);
	sym->index = rs_build_func(b, sym->name, RS_FUNC_RULESET,
	    first_hook(sym->hooks), types, n, sym->type);
	emit_rules(&f, sym->decl->rules);
	if (sym->type == RS_T_VERDICT) {
		emit_op(&f, RS_END, 0, 0, 0);
		rs_build_func_end(b);
		return;
	}
	/* prove.c has seen that no path comes here. */
	reg = emit_reg(&f, 1);
	emit_op(&f, RS_LOAD, reg, 0, rs_build_const(b, &empty));
	emit_op(&f, RS_RETURN, reg, 0, 0);
	rs_build_func_end(b);
}

uint32_t
emit_place(struct cf *cf, struct rs_build *b, const struct cf_object *o,
    enum rs_option option, const struct cf_expr *e)
{
	struct emit	 f;
	uint32_t	 n;

	emit_begin(&f, cf, b, e->loc);
	n = rs_build_func(b, arena_printf(&cf->arena, "%s %.*s: %s",
	    rs_object_names[o->kind], SPAN_ARG(o->name),
	    rs_options[option].word), RS_FUNC_EXPR,
	    o->kind == RS_O_MAILBOX ? RS_HOOK_MAILBOX :
	    o->kind == RS_O_RELAY ? RS_HOOK_RELAY_BLOCK : RS_HOOK_ROUTE,
	    NULL, 0, (enum rs_type)e->type);
	emit_with(&f, RS_RETURN, e, 0);
	rs_build_func_end(b);
	return n;
}
