/*
 * settings.c - what the policy's image says of spool and queue.
 */
#include "mta/queue/queue.h"

#include "base/log.h"
#include "base/xalloc.h"
#include "ruleset/image.h"

#include <assert.h>
#include <stdlib.h>

static char *
text_of(struct span s)
{
	return xstrndup(s.n == 0 ? "" : s.p, s.n);
}

/* The only object of its kind; UINT32_MAX: none. */
static uint32_t
object_of(const struct rs_image *img, unsigned kind)
{
	uint32_t	i;

	for (i = 0; i < rs_nobject(img); i++)
		if (rs_object(img, i)->kind == kind)
			return i;
	return UINT32_MAX;
}

static struct rs_value
place_value(const struct rs_image *img, const struct rs_optval *o, unsigned n)
{
	struct rs_place	p = rs_option_place(img, o, n);

	assert(!p.is_func && p.index != UINT32_MAX);
	return rs_const(img, p.index);
}

static void
read_retries(const struct rs_image *img, struct sched *s)
{
	const struct rs_optval	*o;
	uint32_t		 queue = object_of(img, RS_O_QUEUE);
	unsigned		 i;

	s->nretries = 0;
	if (!rs_option(img, queue, RS_OPT_QUEUE_retry, 0, &o))
		fatalx("the policy's image has no queue.retry");
	for (i = 0; i < o->nplaces && i < SCHED_RETRIES_MAX; i++)
		s->retries_ms[s->nretries++] = place_value(img, o, i).i;
	assert(s->nretries > 0);
}

/* A relay block's own limit, where the policy writes one. */
static void
read_limits(const struct rs_image *img, struct sched *s)
{
	const struct rs_optval	*o;
	const struct rs_object	*relay;
	struct buf		 hop = { 0 };
	int64_t			 most;
	uint32_t		 i;

	htab_clear(&s->limits);
	for (i = 0; i < rs_nobject(img); i++) {
		relay = rs_object(img, i);
		if (relay->kind != RS_O_RELAY ||
		    !rs_option(img, i, RS_OPT_RELAY_connections, 0, &o) ||
		    o->is_default)
			continue;
		most = place_value(img, o, 0).i;
		buf_reset(&hop);
		buf_add_str(&hop, "relay:");
		buf_add_span(&hop, rs_string(img, relay->name));
		sched_limit(s, buf_span(&hop), most < 1 ? 1 :
		    most > UINT16_MAX ? UINT16_MAX : (uint32_t)most);
	}
	buf_clear(&hop);
}

/* A time, or the word `never`: 0. */
static int64_t
read_time(const struct rs_image *img, unsigned option)
{
	const struct rs_optval	*o;
	struct rs_value		 v;

	if (!rs_option(img, object_of(img, RS_O_QUEUE), option, 0, &o))
		return 0;
	v = place_value(img, o, 0);
	return v.type == RS_T_TIME && v.i > 0 ? v.i : 0;
}

int
settings_read(struct queue *q, int image_fd, const char **why)
{
	struct rs_image	*img = rs_image_open_settings(image_fd, why);
	struct settings	*s = &q->set;

	if (img == NULL)
		return -1;
	s->segment_octets = (uint64_t)rs_setting_int(img,
	    RS_OPT_SPOOL_segment) & ~UINT64_C(7);
	s->reserve_octets = (uint64_t)rs_setting_int(img,
	    RS_OPT_SPOOL_reserve);
	s->lifetime_ms = rs_setting_int(img, RS_OPT_QUEUE_lifetime);
	s->transaction_ms = rs_setting_int(img, RS_OPT_LIMITS_transaction);
	s->concurrency = (uint32_t)rs_setting_int(img,
	    RS_OPT_QUEUE_concurrency);
	s->warn_ms = read_time(img, RS_OPT_QUEUE_warn);
	s->quarantine_ms = read_time(img, RS_OPT_QUEUE_quarantine);
	free(s->hostname);
	s->hostname = text_of(rs_setting_text(img, RS_OPT_SERVER_hostname));
	read_retries(img, &q->sched);
	read_limits(img, &q->sched);
	q->sched.limit = s->concurrency == 0 ? 1 : s->concurrency;
	q->segments.size = s->segment_octets;
	rs_image_free(&img);
	return 0;
}
