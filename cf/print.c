/*
 * print.c - expressions as they would be written.
 */
#include "cf/cf_int.h"

void
cf_quote(struct span s, struct buf *out)
{
	size_t	 i;

	buf_add_char(out, '"');
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\n') {
			buf_add_str(out, "\\n");
			continue;
		}
		if (s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '{')
			buf_add_char(out, '\\');
		buf_add_char(out, s.p[i]);
	}
	buf_add_char(out, '"');
}

/* The largest unit that divides n, its letter behind. */
static void
print_units(int64_t n, const int64_t *units, const char *const *words,
    size_t nunits, struct buf *out)
{
	size_t	 i = 0;

	while (i + 1 < nunits && (n == 0 || n % units[i] != 0))
		i++;
	buf_addf(out, "%lld%s", (long long)(n / units[i]), words[i]);
}

static void
print_time(int64_t ms, struct buf *out)
{
	static const int64_t	 units[] = {
		604800000, 86400000, 3600000, 60000, 1000, 1
	};
	static const char *const words[] = { "w", "d", "h", "m", "s", "ms" };

	print_units(ms, units, words, 6, out);
}

static void
print_size(int64_t octets, struct buf *out)
{
	static const int64_t	 units[] = {
		1LL << 40, 1LL << 30, 1LL << 20, 1LL << 10, 1
	};
	static const char *const words[] = { "T", "G", "M", "K", "" };

	print_units(octets, units, words, 5, out);
}

void
cf_value_print(const struct rs_value *v, struct buf *out)
{
	struct arena	 a = { 0 };

	switch (v->type) {
	case RS_T_BOOL:
		buf_add_str(out, v->i ? "true" : "false");
		return;
	case RS_T_SIZE:
		print_size(v->i, out);
		return;
	case RS_T_TIME:
		print_time(v->i, out);
		return;
	case RS_T_TEXT: case RS_T_DOMAIN:
		cf_quote(v->s, out);
		return;
	case RS_T_ADDRESS:
		buf_addf(out, "<%.*s>", SPAN_ARG(v->s));
		return;
	}
	buf_add_span(out, rs_format(v, &a));
	arena_clear(&a);
}

/* How tight a node binds: a child that binds looser gets brackets. */
static int
tightness(const struct cf_expr *e)
{
	switch (e->kind) {
	case CF_E_OR:
		return 1;
	case CF_E_AND:
		return 2;
	case CF_E_NOT:
		return 3;
	case CF_E_EQ: case CF_E_ORDER: case CF_E_IN: case CF_E_UNKNOWN:
	case CF_E_MATCHES: case CF_E_LIKE: case CF_E_LISTED: case CF_E_RATE:
	case CF_E_GREYLISTED: case CF_E_SPF: case CF_E_RESOLVES:
	case CF_E_REACHABLE: case CF_E_OF:
		return 4;
	case CF_E_ELSE:
		return 5;
	case CF_E_MASK:
		return 6;
	default:
		return 7;
	}
}

static void
child(const struct cf_expr *e, int least, struct buf *out)
{
	while (e->kind == CF_E_CONVERT)
		e = e->a;
	if (tightness(e) < least)
		buf_add_char(out, '(');
	cf_expr_print(e, out);
	if (tightness(e) < least)
		buf_add_char(out, ')');
}

static void
print_part(const struct cf_expr *part, struct buf *out)
{
	struct buf	 quoted = { 0 };

	if (part->kind != CF_E_CONST || !rs_has_span(part->value.type)) {
		buf_add_char(out, '{');
		child(part, 0, out);
		buf_add_char(out, '}');
		return;
	}
	cf_quote(part->value.s, &quoted);
	buf_add(out, quoted.base + quoted.off + 1, quoted.n - 2);
	buf_clear(&quoted);
}

/* The parts of a text, without its quotes. */
static void
print_parts(const struct cf_expr *e, struct buf *out)
{
	const struct cf_expr	*part;

	if (e->kind != CF_E_TEXT)
		print_part(e, out);
	for (part = e->list; e->kind == CF_E_TEXT && part != NULL;
	    part = part->next)
		print_part(part, out);
}

static void
print_text(const struct cf_expr *e, struct buf *out)
{
	buf_add_char(out, '"');
	print_parts(e->kind == CF_E_ADDRESS ? e->a : e, out);
	if (e->kind == CF_E_ADDRESS) {
		buf_add_char(out, '@');
		print_parts(e->b, out);
	}
	buf_add_char(out, '"');
}

static void
print_list(const struct cf_expr *e, const char *between, int least,
    struct buf *out)
{
	const struct cf_expr	*part;

	for (part = e->list; part != NULL; part = part->next) {
		child(part, least, out);
		if (part->next != NULL)
			buf_add_str(out, between);
	}
}

static void
print_pair(const struct cf_expr *e, const char *op, int left, int right,
    struct buf *out)
{
	child(e->a, left, out);
	buf_addf(out, " %s ", op);
	child(e->b, right, out);
}

static const char *
order_sign(unsigned op)
{
	switch (op) {
	case RS_LT:
		return "<";
	case RS_LE:
		return "<=";
	case RS_GT:
		return ">";
	default:
		return ">=";
	}
}

static void
print_mask(const struct cf_expr *e, struct buf *out)
{
	child(e->a, 7, out);
	buf_addf(out, "/%u/%u", e->bits4, e->bits6);
}

/* Between slashes; a '/' in it is written "\/". */
static void
print_matches(const struct cf_expr *e, struct buf *out)
{
	size_t	 i;

	child(e->a, 5, out);
	buf_add_str(out, e->negated ? " not matches /" : " matches /");
	for (i = 0; i < e->value.s.n; i++) {
		if (e->value.s.p[i] == '/')
			buf_add_char(out, '\\');
		buf_add_char(out, e->value.s.p[i]);
	}
	buf_add_str(out, (e->value.bits & RS_REGEX_ICASE) != 0 ? "/i" : "/");
}

static void
print_counted(const struct cf_expr *e, struct buf *out)
{
	if (e->kind == CF_E_RATE) {
		buf_add_str(out, "rate ");
		cf_quote(e->value.s, out);
		buf_add_str(out, " by ");
		print_list(e, ", ", 5, out);
		buf_add_str(out, " over ");
		cf_value_print(&e->value2, out);
		return;
	}
	buf_add_str(out, "greylisted by ");
	print_list(e, ", ", 5, out);
	buf_add_str(out, " for ");
	cf_value_print(&e->value, out);
}

static void
print_asked(const struct cf_expr *e, const char *what, struct span name,
    struct buf *out)
{
	child(e->a, 5, out);
	buf_addf(out, "%s %s%.*s", e->negated ? " not" : "", what,
	    SPAN_ARG(name));
}

/* The conditions that ask more than a comparison. */
static void
print_cond(const struct cf_expr *e, struct buf *out)
{
	switch (e->kind) {
	case CF_E_MATCHES:
		print_matches(e, out);
		break;
	case CF_E_LIKE:
		print_pair(e, e->negated ? "not like" : "like", 5, 5, out);
		break;
	case CF_E_LISTED:
		print_asked(e, "listed by ", e->name, out);
		break;
	case CF_E_RATE: case CF_E_GREYLISTED:
		print_counted(e, out);
		break;
	case CF_E_SPF:
		buf_addf(out, "spf %.*s", SPAN_ARG(e->name));
		break;
	case CF_E_SRS:
		buf_add_str(out, "srs");
		break;
	case CF_E_RESOLVES:
		print_asked(e, "resolves", SPAN_NONE, out);
		break;
	case CF_E_REACHABLE:
		print_asked(e, "reachable", SPAN_NONE, out);
		break;
	case CF_E_OF:
		print_pair(e, e->negated ? "not of" : "of", 5, 5, out);
		break;
	case CF_E_PATVAR:
		buf_addf(out, "%.*s%c", SPAN_ARG(e->name), e->op);
		break;
	default:
		break;
	}
}

void
cf_expr_print(const struct cf_expr *e, struct buf *out)
{
	switch (e->kind) {
	case CF_E_BAD:
		buf_add_str(out, "?");
		break;
	case CF_E_CONST:
		cf_value_print(&e->value, out);
		break;
	case CF_E_TEXT: case CF_E_ADDRESS:
		print_text(e, out);
		break;
	case CF_E_NAME:
		buf_add_span(out, e->name);
		break;
	case CF_E_FIELD:
		child(e->a, 7, out);
		buf_addf(out, ".%.*s", SPAN_ARG(e->name));
		break;
	case CF_E_INDEX:
		child(e->a, 7, out);
		buf_add_char(out, '[');
		child(e->b, 0, out);
		buf_add_char(out, ']');
		break;
	case CF_E_CALL:
		buf_addf(out, "%.*s(", SPAN_ARG(e->name));
		print_list(e, ", ", 0, out);
		buf_add_char(out, ')');
		break;
	case CF_E_ELSE:
		print_pair(e, "else", 6, 5, out);
		break;
	case CF_E_MASK:
		print_mask(e, out);
		break;
	case CF_E_EQ:
		print_pair(e, e->negated ? "!=" : "==", 5, 5, out);
		break;
	case CF_E_ORDER:
		print_pair(e, order_sign(e->op), 5, 5, out);
		break;
	case CF_E_IN:
		print_pair(e, e->negated ? "not in" : "in", 5, 5, out);
		break;
	case CF_E_NOT:
		buf_add_str(out, "not ");
		child(e->a, 3, out);
		break;
	case CF_E_AND:
		print_list(e, " and ", 3, out);
		break;
	case CF_E_OR:
		print_list(e, " or ", 2, out);
		break;
	case CF_E_UNKNOWN:
		child(e->a, 5, out);
		buf_add_str(out, " unknown");
		break;
	case CF_E_OTHERWISE:
		buf_add_str(out, "otherwise");
		break;
	case CF_E_CONVERT:
		cf_expr_print(e->a, out);
		break;
	default:
		print_cond(e, out);
		break;
	}
}

struct span
cf_expr_text(struct cf *cf, const struct cf_expr *e)
{
	struct buf	 text = { 0 };
	struct span	 s;

	/* For messages: outside of a text {1} needs its braces. */
	if (e->ref == CF_R_CAPTURE && e->name.p[0] <= '9')
		buf_addf(&text, "{%.*s}", SPAN_ARG(e->name));
	else
		cf_expr_print(e, &text);
	s = arena_span(&cf->arena, buf_span(&text));
	buf_clear(&text);
	return s;
}
