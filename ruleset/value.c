/*
 * value.c - the values that rules compute with, and the operators on them.
 */
#include "ruleset/op.h"
#include "ruleset/value.h"

static const char *const type_names[RS_NTYPES] = {
	[RS_T_NONE] = "nothing", [RS_T_UNKNOWN] = "unknown",
	[RS_T_BOOL] = "bool", [RS_T_INT] = "int", [RS_T_SIZE] = "size",
	[RS_T_TIME] = "time", [RS_T_TEXT] = "text", [RS_T_DOMAIN] = "domain",
	[RS_T_ADDRESS] = "address", [RS_T_IP] = "ip", [RS_T_NET] = "net",
	[RS_T_STATUS] = "status", [RS_T_DATE] = "date",
	[RS_T_CLIENT] = "client", [RS_T_VERDICT] = "verdict",
	[RS_T_RATE] = "rate",
};

const char *const rs_role_names[RS_NROLES] = {
	[RS_ROLE_CLIENT] = "client", [RS_ROLE_SENDER] = "sender",
	[RS_ROLE_RCPT] = "rcpt",
};

const char *
rs_type_name(unsigned type)
{
	return type < RS_NTYPES ? type_names[type] : "?";
}

struct rs_value
rs_bool(bool b)
{
	return (struct rs_value){ .type = RS_T_BOOL, .i = b };
}

struct rs_value
rs_int(enum rs_type type, int64_t i)
{
	return (struct rs_value){ .type = (uint8_t)type, .i = i };
}

struct rs_value
rs_text(enum rs_type type, struct span s)
{
	return (struct rs_value){ .type = (uint8_t)type, .s = s };
}

struct rs_value
rs_address(struct span whole)
{
	size_t	at = whole.n;

	while (at > 0 && whole.p[at - 1] != '@')
		at--;
	return (struct rs_value){ .type = RS_T_ADDRESS,
	    .at = (uint32_t)(at > 0 ? at - 1 : whole.n), .s = whole };
}

struct rs_value
rs_ip(const struct ip *ip)
{
	return (struct rs_value){ .type = RS_T_IP, .ip = *ip };
}

struct rs_value
rs_net(const struct ipnet *net)
{
	return (struct rs_value){ .type = RS_T_NET, .bits = net->bits,
	    .ip = net->ip };
}

struct rs_value
rs_unknown(enum rs_why why)
{
	return (struct rs_value){ .type = RS_T_UNKNOWN, .i = why };
}

bool
rs_is_number(unsigned type)
{
	return type == RS_T_BOOL || type == RS_T_INT || type == RS_T_SIZE ||
	    type == RS_T_TIME || type == RS_T_DATE || type == RS_T_RATE;
}

bool
rs_is_void(const struct rs_value *v)
{
	switch (v->type) {
	case RS_T_NONE:
		return true;
	case RS_T_DOMAIN:
	case RS_T_ADDRESS:
		return v->s.n == 0;
	case RS_T_IP:
	case RS_T_NET:
	case RS_T_CLIENT:
		return v->ip.family == 0;
	default:
		return false;
	}
}

static int
sign(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int
compare_folded(struct span a, struct span b)
{
	size_t	n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++) {
		unsigned char	x = (unsigned char)ascii_lower(a.p[i]);
		unsigned char	y = (unsigned char)ascii_lower(b.p[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

static int
compare_spans(const struct rs_value *a, const struct rs_value *b)
{
	bool	plain_a = a->type == RS_T_TEXT || a->type == RS_T_STATUS;
	bool	plain_b = b->type == RS_T_TEXT || b->type == RS_T_STATUS;

	if (plain_a && plain_b)
		return span_cmp(a->s, b->s);
	if (!plain_a && !plain_b && a->type != b->type)
		return 2;		/* a domain with an address */
	return compare_folded(a->s, b->s);
}

static int
compare_ips(const struct rs_value *a, const struct rs_value *b)
{
	int	c = ip_cmp(&a->ip, &b->ip);

	if (c != 0)
		return c < 0 ? -1 : 1;
	return a->type == RS_T_NET ? sign(a->bits, b->bits) : 0;
}

int
rs_compare(const struct rs_value *a, const struct rs_value *b)
{
	/* <> is a sender like another: `sender == <>`. */
	if (a->type == RS_T_ADDRESS && b->type == RS_T_ADDRESS)
		return compare_spans(a, b);
	if (rs_is_void(a) || rs_is_void(b) || a->type == RS_T_VERDICT ||
	    b->type == RS_T_VERDICT)
		return 2;
	if (rs_has_span(a->type) && rs_has_span(b->type))
		return compare_spans(a, b);
	if (a->type == b->type && (a->type == RS_T_IP || a->type == RS_T_NET))
		return compare_ips(a, b);
	if (!rs_is_number(a->type) || !rs_is_number(b->type))
		return 2;
	if (a->type == b->type ||
	    (a->type == RS_T_INT && b->type == RS_T_SIZE) ||
	    (a->type == RS_T_SIZE && b->type == RS_T_INT))
		return sign(a->i, b->i);
	return 2;
}

/* What either of them does not know, or NONE when both are known. */
static struct rs_value
either_unknown(const struct rs_value *a, const struct rs_value *b)
{
	int64_t	why = 0;

	if (a->type == RS_T_UNKNOWN)
		why |= a->i;
	if (b->type == RS_T_UNKNOWN)
		why |= b->i;
	return why != 0 ? rs_unknown((enum rs_why)why) :
	    (struct rs_value){ .type = RS_T_NONE };
}

struct rs_value
rs_eq(const struct rs_value *a, const struct rs_value *b)
{
	struct rs_value	u = either_unknown(a, b);

	return u.type == RS_T_UNKNOWN ? u : rs_bool(rs_compare(a, b) == 0);
}

struct rs_value
rs_order(unsigned op, const struct rs_value *a, const struct rs_value *b)
{
	struct rs_value	u = either_unknown(a, b);
	int		c;

	if (u.type == RS_T_UNKNOWN)
		return u;
	if ((c = rs_compare(a, b)) == 2)
		return rs_bool(false);
	switch (op) {
	case RS_LT:
		return rs_bool(c < 0);
	case RS_LE:
		return rs_bool(c <= 0);
	case RS_GT:
		return rs_bool(c > 0);
	default:
		return rs_bool(c >= 0);
	}
}

enum rs_truth
rs_truth(const struct rs_value *v)
{
	if (v->type == RS_T_BOOL && v->i != 0)
		return RS_TRUE;
	return v->type == RS_T_UNKNOWN ? RS_CANNOT_SAY : RS_FALSE;
}

struct rs_value
rs_and(const struct rs_value *a, const struct rs_value *b)
{
	if (rs_truth(a) == RS_FALSE || rs_truth(b) == RS_FALSE)
		return rs_bool(false);
	if (rs_truth(a) == RS_TRUE && rs_truth(b) == RS_TRUE)
		return rs_bool(true);
	return either_unknown(a, b);
}

struct rs_value
rs_or(const struct rs_value *a, const struct rs_value *b)
{
	if (rs_truth(a) == RS_TRUE || rs_truth(b) == RS_TRUE)
		return rs_bool(true);
	if (rs_truth(a) == RS_FALSE && rs_truth(b) == RS_FALSE)
		return rs_bool(false);
	return either_unknown(a, b);
}

struct rs_value
rs_not(const struct rs_value *a)
{
	return a->type == RS_T_UNKNOWN ? *a : rs_bool(rs_truth(a) == RS_FALSE);
}

/* Where the detail begins in a local part; its length when it has none. */
static size_t
detail_at(struct span local, struct span detail)
{
	if (local.n > 0 && local.p[0] == '"')
		return local.n;		/* a quoted local part is one token */
	for (size_t i = 1; i < local.n; i++) {
		if (detail.n > 0 && memchr(detail.p, local.p[i], detail.n))
			return i;
	}
	return local.n;
}

struct rs_value
rs_part(const struct rs_value *v, enum rs_field field, struct span detail)
{
	struct rs_value	out = { .type = RS_T_TEXT, .tainted = v->tainted };
	struct span	local;

	if (v->type == RS_T_UNKNOWN)
		return *v;
	if (v->type != RS_T_ADDRESS)
		return (struct rs_value){ .type = RS_T_NONE };
	local = span_mem(v->s.p, v->at < v->s.n ? v->at : v->s.n);
	switch (field) {
	case RS_F_USER:
		out.s = span_mem(local.p, detail_at(local, detail));
		break;
	case RS_F_DETAIL:
		out.s = span_from(local, detail_at(local, detail) + 1);
		break;
	case RS_F_DOMAIN:
		out.type = RS_T_DOMAIN;
		out.s = span_from(v->s, (size_t)v->at + 1);
		break;
	default:
		out.s = local;
		break;
	}
	return out;
}

struct rs_value
rs_mask(const struct rs_value *v, unsigned bits4, unsigned bits6)
{
	struct rs_value	out = { .type = RS_T_NET, .tainted = v->tainted };
	unsigned	most = v->ip.family == 4 ? 32 : 128;

	if (v->type == RS_T_UNKNOWN)
		return *v;
	if (v->type != RS_T_IP || v->ip.family == 0)
		return (struct rs_value){ .type = RS_T_NONE };
	out.bits = (uint8_t)(v->ip.family == 4 ? bits4 : bits6);
	if (out.bits > most)
		out.bits = (uint8_t)most;
	out.ip = ip_mask(&v->ip, out.bits);
	return out;
}

struct rs_value
rs_copy(const struct rs_value *v, struct arena *arena)
{
	struct rs_value	out = *v;

	if (rs_has_span(v->type))
		out.s = arena_span(arena, v->s);
	return out;
}
