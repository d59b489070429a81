/*
 * terms.c - relay blocks out of the image, and ways by the text of a hop.
 */
#include "mta/relay/terms.h"

#include <stdlib.h>

#include "base/tls_connect.h"
#include "base/xalloc.h"
#include "ruleset/image.h"

struct relay_blocks {
	size_t			  n;
	struct relay_terms	**blocks;
	struct relay_terms	 *plain, *clear;	/* of no block: with TLS, without */
};

/* --- one option */

static char *
text_of(struct span s)
{
	return s.n == 0 ? NULL : xstrndup(s.p, s.n);
}

/* What is a constant; NULL: an expression, or left out. */
static char *
place_text(const struct rs_image *im, const struct rs_optval *v, unsigned nth)
{
	struct rs_place	pl;

	if (nth >= v->nplaces)
		return NULL;
	pl = rs_option_place(im, v, nth);
	if (pl.is_func || pl.index == UINT32_MAX)
		return NULL;
	return text_of(rs_const(im, pl.index).s);
}

static int64_t
place_int(const struct rs_image *im, const struct rs_optval *v, unsigned nth)
{
	struct rs_place	pl;

	if (nth >= v->nplaces)
		return 0;
	pl = rs_option_place(im, v, nth);
	return pl.is_func || pl.index == UINT32_MAX ? 0 :
	    rs_const(im, pl.index).i;
}

static bool
is_said(const struct rs_image *im, uint32_t object, enum rs_option option)
{
	const struct rs_optval	*v;

	return rs_option(im, object, option, 0, &v);
}

static char *
read_text(const struct rs_image *im, uint32_t object, enum rs_option option)
{
	const struct rs_optval	*v;

	return rs_option(im, object, option, 0, &v) ? place_text(im, v, 0) :
	    NULL;
}

/* --- words */

static enum relay_tls
tls_named(struct span word)
{
	static const char *const	names[] = {
		[RELAY_TLS_NONE] = "none",
		[RELAY_TLS_OPPORTUNISTIC] = "opportunistic",
		[RELAY_TLS_REQUIRED] = "required",
		[RELAY_TLS_VERIFIED] = "verified",
		[RELAY_TLS_DANE] = "dane", [RELAY_TLS_STS] = "sts"
	};
	unsigned			i;

	if (word.n == 0)
		return RELAY_TLS_OPPORTUNISTIC;	/* the default */
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_eq(word, span_of(names[i])))
			return (enum relay_tls)i;
	return RELAY_TLS_VERIFIED;	/* never less than was meant */
}

unsigned
relay_move_named(struct span word)
{
	static const char *const	names[] = {
		"connect", "tls", "busy", "login", "temporary", "refused"
	};
	unsigned			i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_eq(word, span_of(names[i])))
			return 1u << i;
	return 0;
}

/* --- hosts, in the order in which they stand */

static void
add_host(struct relay_terms *t, const struct rs_image *im,
    const struct rs_optval *v)
{
	struct relay_host	*h;

	t->hosts = xreallocarray(t->hosts, t->nhosts + 1, sizeof(*t->hosts));
	h = &t->hosts[t->nhosts++];
	*h = (struct relay_host){ 0 };
	switch (v->option) {
	case RS_OPT_RELAY_host:
		h->name = place_text(im, v, 0);
		h->port = (uint16_t)place_int(im, v, 1);
		h->tls_first = v->nplaces > 2 &&
		    rs_option_place(im, v, 2).index != UINT32_MAX;
		h->weight = (uint16_t)place_int(im, v, 3);
		break;
	case RS_OPT_RELAY_srv:
		h->kind = RELAY_SRV;
		h->name = place_text(im, v, 0);
		break;
	default:
		h->kind = RELAY_MX;
		h->port = (uint16_t)place_int(im, v, 1);
		break;
	}
}

static void
read_hosts(struct relay_terms *t, const struct rs_image *im)
{
	const struct rs_optval	*v;
	unsigned		 i;

	for (i = 0; rs_object_option(im, t->object, i, &v); i++)
		if (v->option == RS_OPT_RELAY_host ||
		    v->option == RS_OPT_RELAY_host_mx ||
		    v->option == RS_OPT_RELAY_srv)
			add_host(t, im, v);
}

/* --- the rest of a block */

static unsigned
read_moves(const struct rs_image *im, uint32_t object)
{
	const struct rs_optval	*v;
	unsigned		 moves = 0, i;

	if (rs_option(im, object, RS_OPT_RELAY_move_on, 0, &v))
		for (i = 0; i < v->nplaces; i++)
			moves |= relay_move_named(rs_option_const(im, v,
			    i).s);
	return moves;
}

static void
read_tls(struct relay_terms *t, const struct rs_image *im)
{
	const struct rs_optval	*v;
	uint32_t		 o = t->object;

	t->tls = tls_named(rs_option_text(im, o, RS_OPT_RELAY_tls));
	t->no_dane = is_said(im, o, RS_OPT_RELAY_no_dane);
	t->no_sts = is_said(im, o, RS_OPT_RELAY_no_sts);
	t->authorities = read_text(im, o, RS_OPT_RELAY_authorities);
	t->tls13 = span_eq(rs_option_text(im, o, RS_OPT_RELAY_minimum),
	    SPAN("1.3"));
	if (!rs_option(im, o, RS_OPT_RELAY_certificate, 0, &v))
		return;
	t->certificate = place_text(im, v, 0);
	t->key = place_text(im, v, 1);
}

static void
read_auth(struct relay_terms *t, const struct rs_image *im)
{
	const struct rs_optval	*v;
	unsigned		 i;

	t->auth = is_said(im, t->object, RS_OPT_RELAY_auth);
	t->auth_clear = is_said(im, t->object, RS_OPT_RELAY_auth_clear);
	t->login = read_text(im, t->object, RS_OPT_RELAY_auth);
	if (!rs_option(im, t->object, RS_OPT_RELAY_mechanisms, 0, &v))
		return;
	t->mechanisms = xcalloc(v->nplaces + 1, sizeof(*t->mechanisms));
	for (i = 0; i < v->nplaces; i++)
		if ((t->mechanisms[t->nmechanisms] = place_text(im, v, i)) !=
		    NULL)
			t->nmechanisms++;
}

static void
read_sources(struct relay_terms *t, const struct rs_image *im)
{
	const struct rs_optval	*v;
	char			*text;
	unsigned		 i;

	if (!rs_option(im, t->object, RS_OPT_RELAY_source, 0, &v))
		return;
	for (i = 0; i < v->nplaces && t->nsources < 2; i++)
		if ((text = place_text(im, v, i)) != NULL)
			t->sources[t->nsources++] = text;
}

/* One of its first n places is an expression. */
static bool
is_computed(const struct rs_image *im, uint32_t object, enum rs_option option,
    unsigned n)
{
	const struct rs_optval	*v;
	unsigned		 i;

	if (!rs_option(im, object, option, 0, &v))
		return false;
	for (i = 0; i < v->nplaces && i < n; i++)
		if (rs_option_place(im, v, i).is_func)
			return true;
	return false;
}

static struct relay_terms *
read_block(const struct rs_image *im, uint32_t object)
{
	struct relay_terms	*t = xcalloc(1, sizeof(*t));
	struct span		 name = rs_string(im,
				    rs_object(im, object)->name);

	t->refs = 1;
	t->object = object;
	t->name = xstrndup(name.p, name.n);
	read_hosts(t, im);
	t->move_on = read_moves(im, object);
	read_tls(t, im);
	read_auth(t, im);
	read_sources(t, im);
	t->helo = read_text(im, object, RS_OPT_RELAY_helo);
	t->says_login = is_computed(im, object, RS_OPT_RELAY_auth, 1);
	t->says_source = is_computed(im, object, RS_OPT_RELAY_source, 2);
	t->says_helo = is_computed(im, object, RS_OPT_RELAY_helo, 1);
	t->prefer_ipv6 = span_eq(rs_option_text(im, object,
	    RS_OPT_RELAY_prefer), SPAN("ipv6"));
	return t;
}

static struct relay_terms *
plain_new(enum relay_tls tls)
{
	struct relay_terms	*t = xcalloc(1, sizeof(*t));

	t->refs = 1;
	t->object = UINT32_MAX;
	t->name = xstrndup("", 0);
	t->tls = tls;
	t->move_on = MOVE_CONNECT | MOVE_TLS | MOVE_BUSY;
	return t;
}

/* --- all of a policy */

struct relay_blocks *
relay_blocks_read(const struct rs_image *im)
{
	struct relay_blocks	*b = xcalloc(1, sizeof(*b));
	uint32_t		 i, n = im == NULL ? 0 : rs_nobject(im);

	b->blocks = xcalloc(n + 1, sizeof(*b->blocks));
	for (i = 0; i < n; i++)
		if (rs_object(im, i)->kind == RS_O_RELAY)
			b->blocks[b->n++] = read_block(im, i);
	b->plain = plain_new(RELAY_TLS_OPPORTUNISTIC);
	b->clear = plain_new(RELAY_TLS_NONE);
	return b;
}

static void
drop(struct relay_terms *t)
{
	const struct relay_terms	*borrowed = t;

	relay_terms_unref(&borrowed);
}

void
relay_blocks_free(struct relay_blocks **bp)
{
	struct relay_blocks	*b = *bp;
	size_t			 i;

	*bp = NULL;
	if (b == NULL)
		return;
	for (i = 0; i < b->n; i++)
		drop(b->blocks[i]);
	drop(b->plain);
	drop(b->clear);
	free(b->blocks);
	free(b);
}

void
relay_blocks_each(struct relay_blocks *b,
    void (*cb)(struct relay_terms *, void *), void *arg)
{
	size_t	i;

	for (i = 0; i < b->n; i++)
		cb(b->blocks[i], arg);
	cb(b->plain, arg);
	cb(b->clear, arg);
}

struct relay_terms *
relay_blocks_find(const struct relay_blocks *b, struct span name)
{
	size_t	i;

	for (i = 0; i < b->n; i++)
		if (span_eq(span_of(b->blocks[i]->name), name))
			return b->blocks[i];
	return NULL;
}

struct relay_terms *
relay_blocks_plain(const struct relay_blocks *b, enum hop_kind kind)
{
	return kind == HOP_TO_LMTP || kind == HOP_TO_FILTER ? b->clear :
	    b->plain;
}

/* --- references */

struct relay_terms *
relay_terms_ref(const struct relay_terms *t)
{
	struct relay_terms	*mine = (struct relay_terms *)(uintptr_t)t;

	mine->refs++;
	return mine;
}

static void
terms_free(struct relay_terms *t)
{
	size_t	i;

	for (i = 0; i < t->nhosts; i++)
		free(t->hosts[i].name);
	free(t->hosts);
	for (i = 0; i < t->nmechanisms; i++)
		free(t->mechanisms[i]);
	free(t->mechanisms);
	for (i = 0; i < t->nsources; i++)
		free(t->sources[i]);
	free(t->name);
	free(t->authorities);
	tls_connector_unref(&t->connector);
	free(t->certificate);
	free(t->key);
	free(t->login);
	free(t->helo);
	free(t);
}

void
relay_terms_unref(const struct relay_terms **tp)
{
	struct relay_terms	*t = (struct relay_terms *)(uintptr_t)*tp;

	*tp = NULL;
	if (t != NULL && --t->refs == 0)
		terms_free(t);
}

const struct relay_way *
relay_way_ref(const struct relay_way *w)
{
	((struct relay_way *)(uintptr_t)w)->refs++;
	return w;
}

void
relay_way_unref(const struct relay_way **wp)
{
	struct relay_way	*w = (struct relay_way *)(uintptr_t)*wp;

	*wp = NULL;
	if (w == NULL || --w->refs > 0)
		return;
	relay_terms_unref(&w->terms);
	free(w->login);
	free(w->helo);
	free(w);
}

/* --- ways */

/* false: no address, or the second one of its family. */
static bool
take_source(struct relay_way *w, struct span text)
{
	struct ip	 ip, *mine;

	if (!ip_parse(text, &ip))
		return false;
	mine = ip.family == 4 ? &w->source4 : &w->source6;
	if (mine->family != 0)
		return false;
	*mine = ip;
	return true;
}

/* The block's constants, and what stands in the text, by commas. */
static bool
take_sources(struct relay_way *w, const struct hop_text *h, struct arena *a)
{
	struct span	 all, one;
	ptrdiff_t	 comma;
	size_t		 i;

	if (!hop_param(h, HOP_P_SOURCE, 0, a, &all)) {
		for (i = 0; i < w->terms->nsources; i++)
			if (!take_source(w, span_of(w->terms->sources[i])))
				return false;
		return true;
	}
	while (all.n > 0) {
		comma = span_index(all, ',');
		one = comma < 0 ? all : span_mem(all.p, (size_t)comma);
		all = span_from(all, comma < 0 ? all.n : one.n + 1);
		if (!take_source(w, one))
			return false;
	}
	return true;
}

/* What the block computes has to stand in the text: it is never done without. */
static const char *
missing(const struct relay_terms *t, const struct hop_text *h)
{
	struct arena	 a = { 0 };
	struct span	 value;
	const char	*why = NULL;

	if (t->says_login && !hop_param(h, HOP_P_LOGIN, 0, &a, &value))
		why = "its login is computed when a message is routed";
	else if (t->says_source && !hop_param(h, HOP_P_SOURCE, 0, &a, &value))
		why = "its source is computed when a message is routed";
	else if (t->says_helo && !hop_param(h, HOP_P_HELO, 0, &a, &value))
		why = "its helo is computed when a message is routed";
	arena_clear(&a);
	return why;
}

static char *
value_of(const struct hop_text *h, enum hop_param param, const char *constant,
    struct arena *a)
{
	struct span	 value;

	if (!hop_param(h, param, 0, a, &value)) {
		if (constant == NULL)
			return NULL;
		value = span_of(constant);
	}
	return xstrndup(value.p, value.n);
}

static struct relay_terms *
terms_of(const struct relay_blocks *b, const struct hop_text *h)
{
	if (h->kind == HOP_TO_RELAY || h->kind == HOP_TO_MX)
		return relay_blocks_find(b, hop_block(h));
	return relay_blocks_plain(b, h->kind);
}

struct relay_way *
relay_way_of(const struct relay_blocks *b, const struct hop_text *h,
    const char **why)
{
	struct relay_terms	*t = terms_of(b, h);
	struct arena		 a = { 0 };
	struct relay_way	*w;
	const struct relay_way	*borrowed;

	if (t == NULL && h->kind == HOP_TO_MX && hop_block(h).n == 0)
		t = b->plain;	/* no policy yet */
	*why = "there is no such relay block";
	if (t == NULL || (*why = missing(t, h)) != NULL)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->refs = 1;
	w->terms = relay_terms_ref(t);
	w->login = value_of(h, HOP_P_LOGIN, t->login, &a);
	w->helo = value_of(h, HOP_P_HELO, t->helo, &a);
	if (!take_sources(w, h, &a)) {
		*why = "its source is no address";
		borrowed = w;
		relay_way_unref(&borrowed);
		w = NULL;
	}
	arena_clear(&a);
	return w;
}
