/*
 * show_rules.c - rules and actions of the effective policy, as they would be
 * written.
 */
#include "cf/names.h"
#include "cf/show.h"
#include "cf/types.h"

static void
print_reply(struct show *s, const struct cf_action *a, const char *word)
{
	buf_addf(s->out, "%s %u %.*s", word, cf_reply_code(a),
	    SPAN_ARG(cf_reply_status(a)));
	if (a->expr != NULL) {
		buf_add_char(s->out, ' ');
		cf_expr_print(a->expr, s->out);
	}
}

/* set header: the name is apart from the value. */
static void
print_set(struct show *s, const struct cf_action *a)
{
	struct buf	 text = { 0 }, name = { 0 };

	cf_quote(a->field, &name);
	cf_expr_print(a->expr, &text);
	buf_addf(s->out, "set header %.*s: ", (int)(name.n - 1),
	    name.base + name.off);
	buf_add(s->out, text.base + text.off + 1, text.n - 1);
	buf_clear(&text);
	buf_clear(&name);
}

static void
print_with(struct show *s, const char *word, const struct cf_expr *e)
{
	buf_add_str(s->out, word);
	buf_add_char(s->out, ' ');
	cf_expr_print(e, s->out);
}

/* A word alone, or before an expression. */
static const struct {
	const char	*word;
	bool		 has_expr;
} plain[] = {
	[CF_A_ACCEPT] = { "accept", false },
	[CF_A_DISCARD] = { "discard", false },
	[CF_A_ADD] = { "add header", true },
	[CF_A_REMOVE] = { "remove header", true },
	[CF_A_LOG] = { "log", true },
	[CF_A_RELAY] = { "relay", true },
	[CF_A_MX] = { "mx", false },
	[CF_A_REDIRECT] = { "redirect", true },
	[CF_A_MOVED] = { "moved", true },
	[CF_A_QUARANTINE] = { "quarantine", true },
	[CF_A_HOLD] = { "hold", true },
	[CF_A_LMTP] = { "lmtp", true },
	[CF_A_FILE] = { "file", true },
	[CF_A_DELAY] = { "delay", true },
	[CF_A_BCC] = { "bcc", true },
	[CF_A_APPLY] = { "apply", true },
	[CF_A_HEADERS_ONLY] = { "headers only", false },
	[CF_A_LANGUAGE] = { "language", true },
	[CF_A_SRS] = { "expand srs", false },
	[CF_A_ALLOW] = { "allow open relay because", true }
};

static void
print_named(struct show *s, const struct cf_action *a, const char *word)
{
	buf_addf(s->out, "%s %.*s", word, SPAN_ARG(a->name));
}

static void
print_action(struct show *s, const struct cf_action *a)
{
	char	 list[RS_EXT_LIST_MAX];

	switch (a->kind) {
	case CF_A_REJECT:
		print_reply(s, a, "reject");
		break;
	case CF_A_DEFER:
		print_reply(s, a, "defer");
		break;
	case CF_A_SET:
		print_set(s, a);
		break;
	case CF_A_TAG:
		print_named(s, a, "tag");
		buf_add_str(s->out, " = ");
		cf_expr_print(a->expr, s->out);
		break;
	case CF_A_EXPAND:
		print_named(s, a, "expand");
		break;
	case CF_A_DELIVER:
		print_named(s, a, "deliver");
		break;
	case CF_A_FILTER:
		print_named(s, a, "filter");
		break;
	case CF_A_USE:
		print_named(s, a, "use milter");
		break;
	case CF_A_SKIP:
		print_named(s, a, "skip milter");
		break;
	case CF_A_PIPE:
		print_with(s, "pipe", a->expr);
		buf_add_str(s->out, " as ");
		cf_quote(a->name, s->out);
		break;
	case CF_A_PRIORITY:
		buf_addf(s->out, "priority %s",
		    rs_priority_names[a->expr->value.i]);
		break;
	case CF_A_HIDE:
		buf_addf(s->out, "hide %s", rs_extension_list(
		    (uint32_t)a->expr->value.i, list));
		break;
	case CF_A_VALUE: case CF_A_VERDICT:
		cf_expr_print(a->expr, s->out);
		break;
	default:
		if (plain[a->kind].has_expr && a->expr != NULL)
			print_with(s, plain[a->kind].word, a->expr);
		else
			buf_add_str(s->out, plain[a->kind].word);
	}
}

void
show_actions(struct show *s, const struct cf_action *a)
{
	for (; a != NULL; a = a->next) {
		print_action(s, a);
		if (a->next != NULL)
			buf_add_str(s->out, ", ");
	}
}

void
show_rule(struct show *s, const struct cf_rule *r)
{
	if (r->is_let) {
		buf_addf(s->out, "let %.*s = ", SPAN_ARG(r->name));
		cf_expr_print(r->cond, s->out);
		return;
	}
	cf_expr_print(cf_rewrites(r) ? r->cond->b : r->cond, s->out);
	buf_add_str(s->out, " => ");
	show_actions(s, r->actions);
}
