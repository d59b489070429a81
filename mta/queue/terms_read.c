/*
 * terms_read.c - the terms of hops: `queue`, `queue for ...`, and `connections`
 * of relay blocks.
 *
 * A hop has those of the first `queue for` that names it: its relay block, the
 * domain whose MX hosts it is, or the host that is named.
 */
#include "mta/queue/terms_read.h"

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/hop.h"
#include "ruleset/image.h"

#include <stdlib.h>

#define LIMIT_MAX	UINT16_MAX

/* Whom the terms are for: a relay block, or the domains of a set. */
struct row {
	uint32_t	relay;		/* object, or that of a filter; UINT32_MAX: none */
	uint32_t	set;		/* UINT32_MAX: none */
	bool		by_mx;		/* of the set: those by MX, or the others */
	size_t		terms;		/* which of them */
};

struct terms_table {
	struct rs_image	*img;
	struct row	*rows;		/* the first that fits counts */
	size_t		 nrows;
	struct terms	*terms;
	size_t		 n;
	char		**texts;	/* that terms borrow */
	size_t		 ntexts;
	int64_t		 fallback_ms;
	int64_t		*lifetimes;
	size_t		 nlifetimes;
};

/* --- one block of options */

static void
read_time(const struct rs_image *img, uint32_t object, enum rs_option option,
    int64_t *out)
{
	const struct rs_optval	*o;

	if (rs_option(img, object, option, 0, &o))
		*out = rs_option_const(img, o, 0).i;
}

/* At least one; what an image says beyond any machine's is cut. */
static void
read_limit(const struct rs_image *img, uint32_t object, enum rs_option option,
    uint32_t *out)
{
	const struct rs_optval	*o;
	int64_t			 v;

	if (!rs_option(img, object, option, 0, &o))
		return;
	v = rs_option_const(img, o, 0).i;
	*out = v < 1 ? 1 : v > LIMIT_MAX ? LIMIT_MAX : (uint32_t)v;
}

static bool
read_waits(const struct rs_image *img, uint32_t object, enum rs_option option,
    struct retry_waits *out)
{
	const struct rs_optval	*o;
	struct retry_waits	 w = { 0 };
	unsigned		 i;

	if (!rs_option(img, object, option, 0, &o) || o->nplaces == 0)
		return false;
	for (i = 0; i < o->nplaces && i < TERMS_WAITS_MAX; i++)
		w.ms[w.n++] = rs_option_const(img, o, i).i;
	*out = w;
	return true;
}

/* A block that says `retry` or `lifetime` says it for all classes that it does not name. */
static void
read_times(const struct rs_image *img, uint32_t object, struct terms *t)
{
	struct retry_waits	 w;
	int64_t			 lifetime = -1;

	if (read_waits(img, object, RS_OPT_QUEUE_retry, &w))
		terms_set_retry(t, &w);
	read_waits(img, object, RS_OPT_QUEUE_retry_connect,
	    &t->retry[CLASS_CONNECT]);
	read_waits(img, object, RS_OPT_QUEUE_retry_greylisted,
	    &t->retry[CLASS_GREYLISTED]);
	read_waits(img, object, RS_OPT_QUEUE_retry_full,
	    &t->retry[CLASS_FULL]);
	read_time(img, object, RS_OPT_QUEUE_lifetime, &lifetime);
	if (lifetime >= 0)
		terms_set_lifetime(t, lifetime);
	read_time(img, object, RS_OPT_QUEUE_lifetime_connect,
	    &t->lifetime_ms[CLASS_CONNECT]);
	read_time(img, object, RS_OPT_QUEUE_lifetime_full,
	    &t->lifetime_ms[CLASS_FULL]);
}

static void
read_fallback(struct terms_table *tt, uint32_t object, struct terms *t)
{
	const struct rs_optval	*o;
	const struct rs_object	*relay;
	struct arena		 a = { 0 };
	struct span		 text;

	read_time(tt->img, object, RS_OPT_QUEUE_fallback_after,
	    &t->fallback_ms);
	if (!rs_option(tt->img, object, RS_OPT_QUEUE_fallback, 0, &o))
		return;
	relay = rs_object(tt->img, (uint32_t)rs_option_const(tt->img, o, 0).i);
	text = hop_format(&a, HOP_TO_RELAY, rs_string(tt->img, relay->name));
	t->fallback = xstrndup(text.p, text.n);
	arena_clear(&a);
	tt->texts = xreallocarray(tt->texts, tt->ntexts + 1,
	    sizeof(*tt->texts));
	tt->texts[tt->ntexts++] = t->fallback;
}

/* What stands in the block; what does not stays as it is in *t. */
static void
read_block(struct terms_table *tt, uint32_t object, struct terms *t)
{
	const struct rs_image	*img = tt->img;

	read_times(img, object, t);
	read_limit(img, object, RS_OPT_QUEUE_concurrency, &t->concurrency);
	read_limit(img, object, RS_OPT_QUEUE_start, &t->start);
	read_limit(img, object, RS_OPT_QUEUE_recipients, &t->recipients);
	read_limit(img, object, RS_OPT_QUEUE_per_connection, &t->messages);
	read_fallback(tt, object, t);
}

/* --- who has terms of his own */

static struct terms *
add_terms(struct terms_table *tt, const struct terms *like)
{
	tt->terms = xreallocarray(tt->terms, tt->n + 1, sizeof(*tt->terms));
	tt->terms[tt->n] = *like;
	return &tt->terms[tt->n++];
}

static void
add_row(struct terms_table *tt, uint32_t relay, uint32_t set)
{
	tt->rows = xreallocarray(tt->rows, tt->nrows + 1, sizeof(*tt->rows));
	tt->rows[tt->nrows++] = (struct row){ .relay = relay, .set = set,
	    .terms = tt->n - 1 };
}

/* How many recipients a relay takes in a time. */
static bool
read_rate(const struct rs_image *img, uint32_t relay, struct terms *t)
{
	const struct rs_optval	*o;
	int64_t			 rate;

	if (rs_object(img, relay)->kind != RS_O_RELAY ||
	    !rs_option(img, relay, RS_OPT_RELAY_rate, 0, &o))
		return false;
	rate = rs_option_const(img, o, 0).i;
	t->rate = (uint32_t)RS_RATE_COUNT(rate);
	t->rate_ms = RS_RATE_MS(rate);
	return true;
}

/* How many connections a relay or filter takes, where the policy writes it. */
static bool
read_connections(const struct rs_image *img, uint32_t relay, struct terms *t)
{
	const struct rs_optval	*o;
	enum rs_option		 option;

	option = rs_object(img, relay)->kind == RS_O_FILTER ?
	    RS_OPT_FILTER_connections : RS_OPT_RELAY_connections;
	if (!rs_option(img, relay, option, 0, &o) || o->is_default)
		return false;
	read_limit(img, relay, option, &t->concurrency);
	return true;
}

/* What the relay block says itself; UINT32_MAX: none.  True: something. */
static bool
read_relay(const struct rs_image *img, uint32_t relay, struct terms *t)
{
	bool	said;

	if (relay == UINT32_MAX)
		return false;
	said = read_connections(img, relay, t);
	return read_rate(img, relay, t) || said;
}

/* The block `mx`; UINT32_MAX: there is none. */
static uint32_t
mx_block(const struct rs_image *img)
{
	uint32_t	i;

	for (i = 0; i < rs_nobject(img); i++)
		if (rs_object(img, i)->kind == RS_O_RELAY &&
		    rs_string(img, rs_object(img, i)->name).n == 0)
			return i;
	return UINT32_MAX;
}

/* Terms of a relay block, then those of `queue for`. */
static void
add_for(struct terms_table *tt, uint32_t object, uint32_t relay,
    const struct terms *general)
{
	struct terms	*t = add_terms(tt, general);

	(void)read_relay(tt->img, relay, t);
	read_block(tt, object, t);
}

/* `queue for ...`: rows for its domains, and one for each of its relay blocks. */
static void
read_for(struct terms_table *tt, uint32_t object, const struct terms *general)
{
	const struct rs_optval	*o;
	uint32_t		 n;
	unsigned		 i;

	if (rs_option(tt->img, object, RS_OPT_QUEUE_for_domains, 0, &o)) {
		n = (uint32_t)rs_option_const(tt->img, o, 0).i;
		add_for(tt, object, UINT32_MAX, general);
		add_row(tt, UINT32_MAX, n);
		add_for(tt, object, mx_block(tt->img), general);
		add_row(tt, UINT32_MAX, n);
		tt->rows[tt->nrows - 1].by_mx = true;
	}
	if (rs_option(tt->img, object, RS_OPT_QUEUE_for_relays, 0, &o))
		for (i = 0; i < o->nplaces; i++) {
			n = (uint32_t)rs_option_const(tt->img, o, i).i;
			add_for(tt, object, n, general);
			add_row(tt, n, UINT32_MAX);
		}
}

/* Relay blocks that no `queue for` names, and filters. */
static void
read_relays(struct terms_table *tt, const struct terms *general)
{
	struct terms	own;
	uint32_t	i;

	for (i = 0; i < rs_nobject(tt->img); i++) {
		own = *general;
		if ((rs_object(tt->img, i)->kind != RS_O_RELAY &&
		    rs_object(tt->img, i)->kind != RS_O_FILTER) ||
		    !read_relay(tt->img, i, &own))
			continue;
		(void)add_terms(tt, &own);
		add_row(tt, i, UINT32_MAX);
	}
}

static uint32_t
general_block(const struct rs_image *img)
{
	uint32_t	i;

	for (i = 0; i < rs_nobject(img); i++)
		if (rs_object(img, i)->kind == RS_O_QUEUE &&
		    rs_string(img, rs_object(img, i)->name).n == 0)
			return i;
	fatalx("the policy's image has no queue");
}

static int
compare_times(const void *a, const void *b)
{
	const int64_t	*x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
add_lifetimes(struct terms_table *tt, const struct terms *t)
{
	unsigned	i;

	for (i = 0; i < CLASS_N; i++)
		tt->lifetimes[tt->nlifetimes++] = t->lifetime_ms[i];
}

static void
gather_lifetimes(struct terms_table *tt, const struct terms *general)
{
	size_t	i, n = 1;

	tt->lifetimes = xreallocarray(NULL, (tt->n + 1) * CLASS_N,
	    sizeof(*tt->lifetimes));
	add_lifetimes(tt, general);
	for (i = 0; i < tt->n; i++)
		add_lifetimes(tt, &tt->terms[i]);
	qsort(tt->lifetimes, tt->nlifetimes, sizeof(*tt->lifetimes),
	    compare_times);
	for (i = 1; i < tt->nlifetimes; i++)
		if (tt->lifetimes[i] != tt->lifetimes[n - 1])
			tt->lifetimes[n++] = tt->lifetimes[i];
	tt->nlifetimes = n;
}

static int64_t
least_fallback(int64_t least, const struct terms *t)
{
	if (t->fallback == NULL || (least >= 0 && t->fallback_ms > least))
		return least;
	return t->fallback_ms;
}

struct terms_table *
terms_read(struct rs_image *img, struct terms *general)
{
	struct terms_table	*tt = xcalloc(1, sizeof(*tt));
	uint32_t		 i;

	tt->img = img;
	*general = (struct terms){ .concurrency = 1, .start = 1,
	    .recipients = 1, .messages = 1 };
	read_block(tt, general_block(img), general);
	for (i = 0; i < rs_nobject(img); i++)
		if (rs_object(img, i)->kind == RS_O_QUEUE &&
		    rs_string(img, rs_object(img, i)->name).n > 0)
			read_for(tt, i, general);
	read_relays(tt, general);
	gather_lifetimes(tt, general);
	tt->fallback_ms = least_fallback(-1, general);
	for (i = 0; i < tt->n; i++)
		tt->fallback_ms = least_fallback(tt->fallback_ms,
		    &tt->terms[i]);
	return tt;
}

void
terms_table_free(struct terms_table **ttp)
{
	struct terms_table	*tt = *ttp;
	size_t			 i;

	*ttp = NULL;
	if (tt == NULL)
		return;
	for (i = 0; i < tt->ntexts; i++)
		free(tt->texts[i]);
	free(tt->texts);
	free(tt->rows);
	free(tt->terms);
	free(tt->lifetimes);
	rs_image_free(&tt->img);
	free(tt);
}

const int64_t *
terms_lifetimes(const struct terms_table *tt, size_t *n)
{
	*n = tt->nlifetimes;
	return tt->lifetimes;
}

int64_t
terms_fallback_ms(const struct terms_table *tt)
{
	return tt->fallback_ms;
}

/* --- asking */

static bool
is_block(const struct rs_image *img, uint32_t object,
    const struct hop_text *hop)
{
	const struct rs_object	*o = rs_object(img, object);

	if (rs_string(img, o->name).n == 0)	/* mx */
		return hop->kind == HOP_TO_MX && hop_block(hop).n == 0;
	return (o->kind == RS_O_FILTER) == (hop->kind == HOP_TO_FILTER) &&
	    span_eq(hop_block(hop), rs_string(img, o->name));
}

static bool
row_fits(const struct terms_table *tt, const struct row *r,
    const struct hop_text *hop)
{
	struct rs_value	 domain;

	if (r->relay != UINT32_MAX)
		return is_block(tt->img, r->relay, hop);
	if (hop->kind == HOP_TO_LMTP || r->by_mx != (hop->kind == HOP_TO_MX))
		return false;
	domain = rs_text(RS_T_DOMAIN, hop_name(hop));
	return domain.s.n > 0 && rs_set_has(tt->img, r->set, &domain);
}

const struct terms *
terms_of_hop(const struct terms_table *tt, struct span hop)
{
	struct hop_text	first;
	size_t		i;

	if (tt == NULL || !hop_next(&hop, &first))
		return NULL;
	for (i = 0; i < tt->nrows; i++)
		if (row_fits(tt, &tt->rows[i], &first))
			return &tt->terms[tt->rows[i].terms];
	return NULL;
}
