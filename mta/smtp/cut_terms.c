/*
 * cut_terms.c - relay blocks with `cut through`, out of the image.
 */
#include "config.h"

#include "mta/msg/hop.h"
#include "mta/smtp/cut_terms.h"

static bool
is_said(const struct rs_image *im, uint32_t object, enum rs_option option)
{
	const struct rs_optval	*o;

	return rs_option(im, object, option, 0, &o) && !o->is_default;
}

static void
read_limit(const struct rs_image *im, uint32_t object, enum rs_option option,
    uint32_t *out)
{
	const struct rs_optval	*o;
	int64_t			 v;

	if (!rs_option(im, object, option, 0, &o))
		return;
	v = rs_option_value(im, object, option, 0).i;
	*out = v < 1 ? 1 : v > UINT16_MAX ? UINT16_MAX : (uint32_t)v;
}

static void
read_queue(const struct rs_image *im, uint32_t object, struct cut_terms *t)
{
	read_limit(im, object, RS_OPT_QUEUE_concurrency, &t->connections);
	read_limit(im, object, RS_OPT_QUEUE_recipients, &t->recipients);
	read_limit(im, object, RS_OPT_QUEUE_per_connection, &t->messages);
}

/* The block `queue` (no name), or the first `queue for` with this relay. */
static bool
is_for(const struct rs_image *im, uint32_t object, uint32_t relay)
{
	const struct rs_optval	*o;
	unsigned		 i;

	if (rs_object(im, object)->kind != RS_O_QUEUE)
		return false;
	if (relay == UINT32_MAX)
		return rs_string(im, rs_object(im, object)->name).n == 0;
	if (!rs_option(im, object, RS_OPT_QUEUE_for_relays, 0, &o))
		return false;
	for (i = 0; i < o->nplaces; i++)
		if (rs_option_value(im, object, RS_OPT_QUEUE_for_relays,
		    i).i == (int64_t)relay)
			return true;
	return false;
}

static void
read_block(const struct rs_image *im, uint32_t relay, struct cut_terms *t)
{
	uint32_t	i, n = rs_nobject(im);

	for (i = 0; i < n && !is_for(im, i, relay); i++)
		;
	if (i < n)
		read_queue(im, i, t);
}

static void
read_relay(struct cut_hops *h, const struct rs_image *im, uint32_t relay,
    struct arena *ar)
{
	struct cut_terms	*t = &h->all[h->n++];

	*t = (struct cut_terms){ .connections = 1, .recipients = 1,
	    .messages = 1 };
	t->relay = arena_span(ar, rs_string(im, rs_object(im, relay)->name));
	read_block(im, UINT32_MAX, t);
	if (is_said(im, relay, RS_OPT_RELAY_connections))
		read_limit(im, relay, RS_OPT_RELAY_connections,
		    &t->connections);
	read_block(im, relay, t);
}

void
cut_hops_read(struct cut_hops *h, const struct rs_image *im, struct arena *ar)
{
	uint32_t	i, n = rs_nobject(im);

	*h = (struct cut_hops){ 0 };
	h->all = arena_alloc(ar, (n + 1) * sizeof(*h->all));
	for (i = 0; i < n; i++) {
		if (rs_object(im, i)->kind == RS_O_RELAY &&
		    is_said(im, i, RS_OPT_RELAY_cut_through))
			read_relay(h, im, i, ar);
		if (is_for(im, i, UINT32_MAX))
			h->soft_bounce = is_said(im, i,
			    RS_OPT_QUEUE_soft_bounce);
	}
}

const struct cut_terms *
cut_hops_find(const struct cut_hops *h, struct span hop)
{
	struct span	relay = hop_relay_block(hop);
	size_t		i;

	for (i = 0; i < h->n; i++)
		if (span_eq(h->all[i].relay, relay))
			return &h->all[i];
	return NULL;
}
