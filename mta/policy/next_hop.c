/*
 * next_hop.c - where a recipient leaves for: the text of its next hop, with what
 * the expressions of the relay block come to for this message.
 *
 * A value that cannot be said, that is nothing, or that is of no use there
 * defers the recipient and says which it was; a block is never used with less
 * than it says.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "mail/address.h"
#include "mail/domain.h"
#include "mta/msg/hop.h"

#include "mta/policy/policy_int.h"
#include "mta/policy/routing_int.h"

#define ASKS_MAX	20	/* hosts and srv of a block, login, two sources, helo */
#define LOGIN_MAX	255	/* octets */

/* One place of an option of the block. */
struct ask {
	enum hop_param	 param;
	enum rs_option	 option;
	struct rs_place	 place;
	struct span	 value;		/* when it has been said */
};

struct hop_asks {
	uint32_t	 object;
	enum hop_kind	 kind;
	struct span	 where, via;	/* via: empty, or the block of `host mx` */
	unsigned	 n, at;
	struct ask	 asks[ASKS_MAX];
};

/* --- what is to be asked */

static bool
any_func(const struct rs_image *im, const struct rs_optval *v)
{
	unsigned	i;

	for (i = 0; i < v->nplaces; i++)
		if (rs_option_place(im, v, i).is_func)
			return true;
	return false;
}

static void
add(struct hop_asks *h, enum hop_param param, const struct rs_optval *v,
    struct rs_place place)
{
	if (h->n < ASKS_MAX)
		h->asks[h->n++] = (struct ask){ param,
		    (enum rs_option)v->option, place, SPAN_NONE };
}

/* Its first place, when that is an expression. */
static void
add_first(struct hop_asks *h, const struct rs_image *im, enum hop_param param,
    const struct rs_optval *v)
{
	struct rs_place	place = rs_option_place(im, v, 0);

	if (place.is_func)
		add(h, param, v, place);
}

/* All of them, when one is an expression. */
static void
add_sources(struct hop_asks *h, const struct rs_image *im,
    const struct rs_optval *v)
{
	unsigned	i;

	for (i = 0; any_func(im, v) && i < v->nplaces; i++)
		add(h, HOP_P_SOURCE, v, rs_option_place(im, v, i));
}

/* In the order in which the text has them. */
static void
gather(struct hop_asks *h, const struct rs_image *im)
{
	const struct rs_optval	*v;
	unsigned		 i;

	for (i = 0; rs_object_option(im, h->object, i, &v); i++)
		if (v->option == RS_OPT_RELAY_host ||
		    v->option == RS_OPT_RELAY_srv)
			add_first(h, im, HOP_P_HOST, v);
	if (rs_option(im, h->object, RS_OPT_RELAY_auth, 0, &v))
		add_first(h, im, HOP_P_LOGIN, v);
	if (rs_option(im, h->object, RS_OPT_RELAY_source, 0, &v))
		add_sources(h, im, v);
	if (rs_option(im, h->object, RS_OPT_RELAY_helo, 0, &v))
		add_first(h, im, HOP_P_HELO, v);
}

/* --- the text */

static void
put_sources(struct buf *out, const struct hop_asks *h)
{
	struct buf	all = { 0 };
	unsigned	i;

	for (i = 0; i < h->n; i++)
		if (h->asks[i].param == HOP_P_SOURCE) {
			if (all.n > 0)
				buf_add_char(&all, ',');
			buf_add_span(&all, h->asks[i].value);
		}
	if (all.n > 0)
		hop_put_param(out, HOP_P_SOURCE, buf_span(&all));
	buf_clear(&all);
}

static void
put_all(struct buf *out, const struct hop_asks *h, enum hop_param param)
{
	unsigned	i;

	for (i = 0; i < h->n; i++)
		if (h->asks[i].param == param)
			hop_put_param(out, param, h->asks[i].value);
}

static const char *
block_of(struct routing *r)
{
	const struct rs_image	*im = r->policy->image;
	struct span		 name = rs_string(im,
				    rs_object(im, r->hop->object)->name);

	return name.n == 0 ? "mx" : arena_printf(&r->arena, "relay %.*s",
	    SPAN_ARG(name)).p;
}

static void
complete(struct routing *r)
{
	const struct hop_asks	*h = r->hop;
	struct buf		 out = { 0 };

	hop_put(&out, h->kind, h->where);
	if (h->via.n > 0)
		hop_put_param(&out, HOP_P_VIA, h->via);
	put_all(&out, h, HOP_P_HOST);
	put_all(&out, h, HOP_P_LOGIN);
	put_sources(&out, h);
	put_all(&out, h, HOP_P_HELO);
	if (out.n > HOP_TEXT_MAX)
		routing_cannot(r, arena_printf(&r->arena, "what %s comes to "
		    "is too long for the name of a hop", block_of(r)));
	else
		leaving_to(r, arena_span(&r->arena, buf_span(&out)));
	buf_clear(&out);
}

/* --- values */

static bool
take_source(struct span s, struct arena *ar, struct span *out)
{
	struct ip	ip;
	char		text[IP_TEXT_MAX];

	if (!ip_parse(s, &ip))
		return false;
	*out = arena_span(ar, span_of(ip_format(&ip, text)));
	return true;
}

static bool
take_helo(struct span s, struct arena *ar, struct span *out)
{
	const char	*why;

	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']' && s.n < 64 &&
	    !span_has_control(s) && span_index(s, ' ') < 0) {
		*out = arena_span(ar, s);
		return true;
	}
	return domain_normalise(s, ar, out, &why) == 0;
}

/* As it stands in the text; false: it is of no use there. */
static bool
take(const struct ask *a, struct span s, struct arena *ar, struct span *out)
{
	const char	*why;

	switch (a->param) {
	case HOP_P_HOST:
		return a->option == RS_OPT_RELAY_srv ?
		    domain_normalise(s, ar, out, &why) == 0 :
		    routing_host_value(s, ar, out);
	case HOP_P_LOGIN:
		*out = arena_span(ar, s);
		return s.n <= LOGIN_MAX && !span_has_control(s);
	case HOP_P_SOURCE:
		return take_source(s, ar, out);
	case HOP_P_HELO:
		return take_helo(s, ar, out);
	default:
		return false;
	}
}

/* Which place it is, for whoever reads why a message waits. */
static void
cannot(struct routing *r, const char *what)
{
	const struct ask	*a = &r->hop->asks[r->hop->at];

	routing_cannot(r, arena_printf(&r->arena, "'%s' of %s %s",
	    rs_options[a->option].word, block_of(r), what));
}

struct rs_place
next_hop_place(const struct routing *r)
{
	return r->hop->asks[r->hop->at].place;
}

void
next_hop_said(struct routing *r, const struct rs_verdict *v)
{
	struct hop_asks	*h = r->hop;
	struct ask	*a = &h->asks[h->at];

	if (v->kind == RS_V_DEFER)
		cannot(r, "cannot be said now: a table does not answer");
	else if (v->kind != RS_V_VALUE || v->value.type != RS_T_TEXT ||
	    v->value.s.n == 0)
		cannot(r, "comes to nothing for this message");
	else if (!take(a, v->value.s, &r->arena, &a->value))
		cannot(r, arena_printf(&r->arena, "comes to '%.*s', which is of "
		    "no use there", (int)(v->value.s.n < 100 ? v->value.s.n :
		    100), v->value.s.p).p);
	else if (++h->at == h->n)
		complete(r);
}

/* --- what route says */

static void
begin(struct routing *r, uint32_t object, enum hop_kind kind,
    struct span where, struct span via)
{
	struct hop_asks	*h = arena_alloc(&r->arena, sizeof(*h));

	h->object = object;
	h->kind = kind;
	h->where = where;
	h->via = via;
	r->hop = h;
	if (object != UINT32_MAX)
		gather(h, r->policy->image);
	if (h->n == 0) {
		complete(r);
		return;
	}
	/* What evaluates the expressions forgets the verdict. */
	r->kept_last = *r->last;
	r->kept_last.value = rs_copy(&r->last->value, &r->arena);
	r->last = &r->kept_last;
	r->phase = ROUTE_HOP;
}

/* The object of `mx`; UINT32_MAX: an image without one. */
static uint32_t
mx_object(const struct rs_image *im)
{
	uint32_t	i, n = rs_nobject(im);

	for (i = 0; i < n; i++)
		if (rs_object(im, i)->kind == RS_O_RELAY &&
		    rs_string(im, rs_object(im, i)->name).n == 0)
			return i;
	return UINT32_MAX;
}

/* By the hosts of the domain; a literal is the host itself. */
static void
by_mx_of(struct routing *r, uint32_t object, struct span domain,
    struct span via)
{
	struct span	host;

	if (domain.n == 0)
		domain = r->policy->hostname;
	if (domain.p[0] == '[') {
		if (!routing_host_value(domain, &r->arena, &host)) {
			routing_refuse(r, 550, "5.1.2",
			    SPAN("not an address literal"));
			return;
		}
		domain = host;
	}
	begin(r, object, HOP_TO_MX, domain, via);
}

void
next_hop_mx(struct routing *r, const struct rs_value *value)
{
	by_mx_of(r, mx_object(r->policy->image), value->type == RS_T_TEXT ?
	    value->s : address_domain(&r->at), SPAN_NONE);
}

void
next_hop_relay(struct routing *r, uint32_t object)
{
	const struct rs_image	*im = r->policy->image;
	const struct rs_optval	*v;
	struct span		 name = rs_string(im,
				    rs_object(im, object)->name);

	if (rs_option(im, object, RS_OPT_RELAY_host_mx, 0, &v))
		by_mx_of(r, object, address_domain(&r->at), name);
	else
		begin(r, object, HOP_TO_RELAY, name, SPAN_NONE);
}

void
next_hop_host(struct routing *r, struct span host)
{
	struct span	hop;

	if (routing_host(host, &r->arena, &hop))
		leaving_to(r, hop);
	else
		routing_refuse(r, 451, "4.3.5", SPAN("the next hop is no host"));
}

/* The envelope goes as it is: what rewrites outbound is for relay and mx. */
void
next_hop_lmtp(struct routing *r, struct span where)
{
	struct target	t = { .kind = TARGET_HOP };

	if (!routing_lmtp(where, &r->arena, &t.hop)) {
		routing_refuse(r, 451, "4.3.5",
		    SPAN("where lmtp leads is no socket"));
		return;
	}
	routing_add(r, &t);
	r->phase = ROUTE_NEXT;
}
