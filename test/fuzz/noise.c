/*
 * noise.c - a world that says, and delays, whatever it likes.
 */
#include "test/fuzz/noise.h"

uint64_t
noise_draw(struct noise *n)
{
	n->x ^= n->x << 13;
	n->x ^= n->x >> 7;
	n->x ^= n->x << 17;
	return n->x >> 16;
}

static const char *const texts[] = {
	"", "a", "hello", "2G", "host=h\nport=25\n", "ann@x.example",
	"murphy.example", "\xff\"\\\r\n", "5.7.1", "192.0.2.1", "\"a b\"@c.d",
	"a+b.c%d@[192.0.2.1]", "@", "...@...", "REJECT", "ERROR:5.1.1:550 no",
	"2026-01-05T08:30:00Z", "100/1h", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
	"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a@b.example",
};

struct rs_value
noise_value(struct noise *n)
{
	unsigned	type = (unsigned)(noise_draw(n) % RS_NTYPES);
	struct rs_value	v = rs_empty((enum rs_type)type);
	struct span	s = span_of(texts[noise_draw(n) %
			    (sizeof(texts) / sizeof(texts[0]))]);

	v.tainted = noise_draw(n) & 1;
	if (type == RS_T_ADDRESS)
		return rs_address(s);
	if (rs_has_span(type)) {
		v.s = s;
		v.bits = (uint8_t)noise_draw(n);
	} else if (rs_is_number(type))
		v.i = type == RS_T_BOOL ? (int64_t)(noise_draw(n) & 1) :
		    (int64_t)(noise_draw(n) << 20);
	else if (type == RS_T_UNKNOWN)
		v.i = 1 + (int64_t)(noise_draw(n) % 3);
	else if (type != RS_T_NONE) {
		v.ip.family = (uint8_t)(noise_draw(n) % 3 * 2 + 2) & 6;
		v.ip.a[0] = (uint8_t)noise_draw(n);
		v.ip.a[1] = (uint8_t)noise_draw(n);
		v.bits = (uint8_t)(noise_draw(n) % 33);
	}
	return v;
}

static enum rs_answer
answer(struct noise *n, struct rs_value *out)
{
	switch (noise_draw(n) % 8) {
	case 0:
		return RS_ABSENT;
	case 1:
		return RS_CANNOT;
	case 2:
		if (n->waits > 0) {
			n->waits--;
			return RS_WAIT;
		}
		/* FALLTHROUGH */
	case 3:
	case 4:
		*out = rs_bool(noise_draw(n) & 1);
		return RS_HAVE;
	default:
		*out = noise_value(n);
		return RS_HAVE;
	}
}

static enum rs_answer
counted(struct noise *n, enum rs_cost_kind kind, unsigned times,
    struct rs_value *out)
{
	n->asked.n[kind] += times;
	return answer(n, out);
}

static enum rs_answer
get_fact(void *ctx, struct rs_eval *ev, unsigned fact, struct rs_value *out)
{
	(void)ev;
	(void)fact;
	return answer(ctx, out);
}

static enum rs_answer
get_map(void *ctx, struct rs_eval *ev, uint32_t map,
    const struct rs_value *key, struct rs_value *out, uint32_t *line)
{
	(void)ev;
	(void)map;
	(void)key;
	*line = 3;
	return counted(ctx, RS_COST_LOOKUPS, 1, out);
}

static enum rs_answer
get_header(void *ctx, struct rs_eval *ev, struct span name, unsigned i,
    struct rs_value *out)
{
	(void)ev;
	(void)name;
	return i > 8 ? RS_ABSENT : answer(ctx, out);
}

static enum rs_answer
get_unknown(void *ctx, struct rs_eval *ev, struct rs_value *out)
{
	(void)ev;
	return counted(ctx, RS_COST_ROUTES, 1, out);
}

static enum rs_answer
get_tag(void *ctx, struct rs_eval *ev, uint32_t tag, struct rs_value *out)
{
	(void)ev;
	(void)tag;
	return answer(ctx, out);
}

static enum rs_answer
get_item(void *ctx, struct rs_eval *ev, unsigned listof, unsigned i,
    struct rs_value *out)
{
	(void)ev;
	(void)listof;
	return i > 8 ? RS_ABSENT : answer(ctx, out);
}

static enum rs_answer
get_listed(void *ctx, struct rs_eval *ev, uint32_t list,
    const struct rs_value *key, struct rs_value *out)
{
	(void)ev;
	(void)list;
	(void)key;
	return counted(ctx, RS_COST_DNS, 1, out);
}

static enum rs_answer
get_rate(void *ctx, struct rs_eval *ev, uint32_t rate,
    const struct rs_value *key, struct rs_value *out)
{
	(void)ev;
	(void)rate;
	(void)key;
	return counted(ctx, RS_COST_COUNTERS, 1, out);
}

static enum rs_answer
get_greylisted(void *ctx, struct rs_eval *ev, const struct rs_value *key,
    int64_t wait_ms, struct rs_value *out)
{
	(void)ev;
	(void)key;
	(void)wait_ms;
	return counted(ctx, RS_COST_COUNTERS, 1, out);
}

static enum rs_answer
get_spf(void *ctx, struct rs_eval *ev, struct rs_value *out)
{
	(void)ev;
	return counted(ctx, RS_COST_DNS, RS_COST_SPF_DNS, out);
}

static enum rs_answer
get_resolves(void *ctx, struct rs_eval *ev, const struct rs_value *domain,
    struct rs_value *out)
{
	(void)ev;
	(void)domain;
	return counted(ctx, RS_COST_DNS, RS_COST_RESOLVES_DNS, out);
}

static enum rs_answer
get_reachable(void *ctx, struct rs_eval *ev, const struct rs_value *address,
    bool recipient, struct rs_value *out)
{
	(void)ev;
	(void)address;
	(void)recipient;
	return counted(ctx, RS_COST_CALLOUTS, 1, out);
}

static enum rs_answer
get_owned(void *ctx, struct rs_eval *ev, const struct rs_value *address,
    const struct rs_value *user, struct rs_value *out)
{
	(void)ev;
	(void)address;
	(void)user;
	return counted(ctx, RS_COST_ROUTES, 1, out);
}

static enum rs_answer
get_access(void *ctx, struct rs_eval *ev, uint32_t map, enum rs_role role,
    struct rs_value *out, uint32_t *line)
{
	(void)ev;
	(void)map;
	(void)role;
	*line = 4;
	return counted(ctx, RS_COST_LOOKUPS, 1, out);
}

/* A refusal, or what needs no number of the image. */
static enum rs_answer
get_verdict(void *ctx, struct rs_eval *ev, uint32_t map,
    const struct rs_value *v, struct rs_verdict *out)
{
	struct noise	*n = ctx;
	struct rs_value	 value;
	enum rs_answer	 a = answer(n, &value);

	(void)ev;
	(void)map;
	(void)v;
	if (a != RS_HAVE)
		return a;
	out->kind = (uint8_t)(noise_draw(n) % 2 ? RS_V_REJECT : RS_V_DISCARD);
	if (out->kind == RS_V_REJECT) {
		out->code = 550;
		out->status = SPAN("5.7.1");
		out->text = SPAN("no");
	}
	return RS_HAVE;
}

/* A name is the image's: all of it is read. */
static void
on_effect(void *ctx, struct rs_eval *ev, enum rs_effect effect,
    uint32_t number, struct span name, const struct rs_value *v)
{
	struct noise	*n = ctx;

	(void)effect;
	(void)number;
	for (size_t i = 0; i < name.n; i++)
		n->x += (unsigned char)name.p[i];
	n->x += rs_format(v, rs_eval_arena(ev)).n;
	n->x |= 1;
}

const struct rs_world noise_world = {
	.fact = get_fact, .map_get = get_map, .header = get_header,
	.rcpt_unknown = get_unknown, .tag_get = get_tag, .item = get_item,
	.listed = get_listed, .rate = get_rate, .greylisted = get_greylisted,
	.spf = get_spf, .resolves = get_resolves, .reachable = get_reachable,
	.owned = get_owned, .access = get_access, .verdict = get_verdict,
	.effect = on_effect,
};
