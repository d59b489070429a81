/*
 * route_hop.c - what the policy says of a next hop: hosts, login, TLS.
 */
#include "config.h"

#include "base/json.h"
#include "mta/msg/hop.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/route.h"

#define ANY	UINT32_MAX

/* One hop of a text, and its block. */
struct looking {
	const struct rs_image	*im;
	struct hop_text		 hop;
	uint32_t		 block;		/* ANY: it has none */
	struct arena		 arena;
	unsigned		 nhosts;	/* expressions so far */
};

static void
look(struct looking *l, const struct rs_image *im, const struct hop_text *hop)
{
	const struct rs_object	*o;
	struct span		 name = hop_block(hop);
	uint32_t		 i;

	*l = (struct looking){ .im = im, .hop = *hop, .block = ANY };
	for (i = 0; i < rs_nobject(im); i++) {
		o = rs_object(im, i);
		if (o->kind == RS_O_RELAY && hop->kind != HOP_TO_FILTER &&
		    (name.n > 0 || hop->kind == HOP_TO_MX) &&
		    span_eq(rs_string(im, o->name), name))
			l->block = i;
	}
}

/* --- values */

/* A constant, or what the expression has come to; empty: not said. */
static struct span
value(struct looking *l, const struct rs_optval *v, enum hop_param param,
    unsigned nth)
{
	struct rs_place	pl = rs_option_place(l->im, v, 0);
	struct span	s = SPAN_NONE;

	if (!pl.is_func)
		return pl.index == UINT32_MAX ? SPAN_NONE :
		    rs_const(l->im, pl.index).s;
	(void)hop_param(&l->hop, param, nth, &l->arena, &s);
	return s;
}

static int64_t
number(const struct looking *l, const struct rs_optval *v, unsigned nth)
{
	struct rs_place	pl;

	if (nth >= v->nplaces)
		return 0;
	pl = rs_option_place(l->im, v, nth);
	return pl.is_func || pl.index == UINT32_MAX ? 0 :
	    rs_const(l->im, pl.index).i;
}

static bool
has(const struct looking *l, enum rs_option option)
{
	const struct rs_optval	*v;

	return l->block != ANY && rs_option(l->im, l->block, option, 0, &v);
}

static struct span
login(struct looking *l)
{
	const struct rs_optval	*v;

	if (l->block == ANY || !rs_option(l->im, l->block, RS_OPT_RELAY_auth,
	    0, &v))
		return SPAN_NONE;
	return value(l, v, HOP_P_LOGIN, 0);
}

/* The mechanisms that the block names, with commas; empty: any that fits. */
static struct span
mechanisms(struct looking *l)
{
	const struct rs_optval	*v;
	struct span		 all = SPAN_NONE;
	unsigned		 i;

	if (l->block == ANY || !rs_option(l->im, l->block,
	    RS_OPT_RELAY_mechanisms, 0, &v))
		return SPAN_NONE;
	for (i = 0; i < v->nplaces; i++)
		all = arena_printf(&l->arena, "%.*s%s%.*s", SPAN_ARG(all),
		    i == 0 ? "" : ", ",
		    SPAN_ARG(rs_option_const(l->im, v, i).s));
	return all;
}

static struct span
tls(const struct looking *l)
{
	struct span	word = l->block == ANY ? SPAN_NONE :
			    rs_option_text(l->im, l->block, RS_OPT_RELAY_tls);

	if (word.n > 0)
		return word;
	return l->hop.kind == HOP_TO_LMTP || l->hop.kind == HOP_TO_FILTER ?
	    SPAN("none") : SPAN("opportunistic");
}

/* "smtp.a.example port 587", as the policy has it; empty: no host. */
static struct span
host(struct looking *l, const struct rs_optval *v)
{
	struct span	name;
	int64_t		port;

	if (v->option == RS_OPT_RELAY_srv)
		return arena_printf(&l->arena, "srv %.*s", SPAN_ARG(value(l,
		    v, HOP_P_HOST, l->nhosts)));
	if (v->option == RS_OPT_RELAY_host_mx)
		return SPAN("mx of the recipient's domain");
	if (v->option != RS_OPT_RELAY_host)
		return SPAN_NONE;
	name = value(l, v, HOP_P_HOST, l->nhosts);
	l->nhosts += rs_option_place(l->im, v, 0).is_func;
	if ((port = number(l, v, 1)) == 0)
		return name;
	return arena_printf(&l->arena, "%.*s port %lld", SPAN_ARG(name),
	    (long long)port);
}

/* The nth of them; empty: there is no more. */
static struct span
next_host(struct looking *l, unsigned *nth)
{
	const struct rs_optval	*v;
	struct span		 s;

	if (l->hop.kind != HOP_TO_RELAY)
		return (*nth)++ == 0 ? l->hop.where : SPAN_NONE;
	while (l->block != ANY && rs_object_option(l->im, l->block, (*nth)++,
	    &v))
		if ((s = host(l, v)).n > 0)
			return s;
	return SPAN_NONE;
}

/* --- for people */

static void
say_login(struct looking *l, struct buf *out)
{
	struct span	as = login(l), with = mechanisms(l);

	if (!has(l, RS_OPT_RELAY_auth)) {
		buf_add_str(out, "   login: none\n");
		return;
	}
	buf_addf(out, "   login: %.*s, by %.*s\n", SPAN_ARG(as),
	    SPAN_ARG(with.n > 0 ? with : SPAN("the best mechanism offered")));
}

static void
say_tls(const struct looking *l, struct buf *out)
{
	buf_addf(out, "   TLS: %.*s, by the policy", SPAN_ARG(tls(l)));
	if (!has(l, RS_OPT_RELAY_no_dane) && !has(l, RS_OPT_RELAY_no_sts) &&
	    !span_eq(tls(l), SPAN("none")))
		buf_add_str(out, "; more where the hop's domain wants it "
		    "(--probe tells)");
	buf_add_char(out, '\n');
}

void
route_hop_say(const struct rs_image *im, struct span text, struct buf *out)
{
	struct looking	l;
	struct hop_text	hop;
	struct span	s;
	unsigned	nth, n;

	while (hop_next(&text, &hop)) {
		look(&l, im, &hop);
		buf_addf(out, "hop %.*s\n", SPAN_ARG(hop.whole));
		for (nth = 0, n = 1; (s = next_host(&l, &nth)).n > 0; n++)
			buf_addf(out, "   host %u: %.*s\n", n, SPAN_ARG(s));
		say_login(&l, out);
		say_tls(&l, out);
		arena_clear(&l.arena);
	}
}

/* --- for programs */

void
route_hop_json(const struct rs_image *im, struct span text, struct json *j)
{
	struct looking	l;
	struct hop_text	hop;
	struct span	s;
	unsigned	nth = 0;

	while (hop_next(&text, &hop)) {
		look(&l, im, &hop);
		json_object(j, NULL);
		json_text(j, "hop", hop.whole);
		json_text(j, "block", hop_block(&hop));
		json_array(j, "hosts");
		for (nth = 0; (s = next_host(&l, &nth)).n > 0;)
			json_text(j, NULL, s);
		json_array_end(j);
		json_bool(j, "auth", has(&l, RS_OPT_RELAY_auth));
		json_text(j, "login", login(&l));
		json_text(j, "mechanisms", mechanisms(&l));
		json_text(j, "tls", tls(&l));
		json_bool(j, "dane", !has(&l, RS_OPT_RELAY_no_dane));
		json_bool(j, "sts", !has(&l, RS_OPT_RELAY_no_sts));
		json_object_end(j);
		arena_clear(&l.arena);
	}
}
