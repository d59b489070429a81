/*
 * settings.c - what the policy's image says of spool and queue.
 */
#include "mta/queue/login.h"
#include "mta/queue/notify_set.h"
#include "mta/queue/queue.h"
#include "mta/queue/tagnames.h"

#include "base/log.h"
#include "base/xalloc.h"
#include "ruleset/image.h"

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

/* Times, or the word `never`: none. */
static void
read_warns(const struct rs_image *img, struct settings *s)
{
	const struct rs_optval	*o;
	struct rs_value		 v;
	unsigned		 i;

	s->nwarns = 0;
	if (!rs_option(img, object_of(img, RS_O_QUEUE), RS_OPT_QUEUE_warn, 0,
	    &o))
		return;
	for (i = 0; i < o->nplaces && s->nwarns < WARNS_MAX; i++) {
		v = rs_option_const(img, o, i);
		if (v.type == RS_T_TIME && v.i > 0)
			s->warns_ms[s->nwarns++] = v.i;
	}
}

static bool
is_said(const struct rs_image *img, unsigned kind, enum rs_option option)
{
	const struct rs_optval	*o;

	return rs_option(img, object_of(img, kind), option, 0, &o);
}

/* A time, or the word `never`: 0. */
static int64_t
read_time(const struct rs_image *img, unsigned option)
{
	const struct rs_optval	*o;
	struct rs_value		 v;

	if (!rs_option(img, object_of(img, RS_O_QUEUE), option, 0, &o))
		return 0;
	v = rs_option_const(img, o, 0);
	return v.type == RS_T_TIME && v.i > 0 ? v.i : 0;
}

static void
read_throttle(const struct rs_image *img, struct throttle *t)
{
	t->mark = (uint64_t)rs_setting_int(img, RS_OPT_QUEUE_mark);
	t->messages = (uint64_t)rs_setting_int(img, RS_OPT_QUEUE_messages);
	t->memory = (uint64_t)rs_setting_int(img, RS_OPT_QUEUE_memory);
}

/* The names of the relay blocks. */
static void
read_relays(const struct rs_image *img, struct settings *s)
{
	uint32_t	i;

	while (s->nrelays > 0)
		free(s->relays[--s->nrelays]);
	free(s->relays);
	s->relays = xcalloc(rs_nobject(img) + 1, sizeof(*s->relays));
	for (i = 0; i < rs_nobject(img); i++)
		if (rs_object(img, i)->kind == RS_O_RELAY &&
		    rs_string(img, rs_object(img, i)->name).n > 0)
			s->relays[s->nrelays++] =
			    text_of(rs_string(img, rs_object(img, i)->name));
}

int
settings_read(struct queue *q, int image_fd, const char **why)
{
	struct rs_image	*img = rs_image_open_settings(image_fd, why);
	struct terms_table *before;
	struct settings	*s = &q->set;

	if (img == NULL)
		return -1;
	s->segment_octets = (uint64_t)rs_setting_int(img,
	    RS_OPT_SPOOL_segment) & ~UINT64_C(7);
	s->reserve_octets = (uint64_t)rs_setting_int(img,
	    RS_OPT_SPOOL_reserve);
	s->transaction_ms = rs_setting_int(img, RS_OPT_LIMITS_transaction);
	read_warns(img, s);
	s->soft_bounce = is_said(img, RS_O_QUEUE, RS_OPT_QUEUE_soft_bounce);
	notify_set_free(&s->notify);
	s->notify = notify_set_read(img);
	s->quarantine_ms = read_time(img, RS_OPT_QUEUE_quarantine);
	read_throttle(img, &q->throttle);
	free(s->hostname);
	s->hostname = text_of(rs_setting_text(img, RS_OPT_SERVER_hostname));
	q->segments.size = s->segment_octets;
	tagnames_learn(&q->tags, img);
	read_relays(img, s);
	s->login_facts = login_wants_facts(img);
	before = q->terms;
	q->terms = terms_read(img, &q->sched.general);
	sched_renew(&q->sched);
	terms_table_free(&before);
	return 0;
}
