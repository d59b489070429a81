/*
 * status.c - everybody's counters, gathered for who asks `waybill status`.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/xalloc.h"

#include "mta/parent/certs.h"
#include "mta/parent/parent.h"
#include "mta/parent/tables.h"

#define COUNTERS_MAX	(64u << 10)	/* octets of one process's counters */

static void
put_part(struct parent *p, const struct status *st, const struct slot *s,
    const struct status_part *part)
{
	struct chan	*c = queue_chan(p);
	size_t		 i;

	chan_begin(c, MSG_STATUS_PART);
	chan_u64(c, st->asked);
	chan_u8(c, 0);
	chan_u8(c, (uint8_t)s->proc);
	chan_u32(c, s->instance);
	chan_u32(c, (uint32_t)s->pid);
	chan_u32(c, s->restarts);
	chan_u8(c, part->answered);
	for (i = 0; i < LOOP_LAG_BUCKETS; i++)
		chan_u64(c, part->lag[i]);
	chan_bytes(c, buf_span(&part->counters));
	chan_end(c);
}

static void
own_counters(struct parent *p, struct buf *out)
{
	unsigned	 changed = generation_changed(p->generation);
	struct json	 j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "policy",
	    rs_image_hash(generation_image(p->generation)));
	json_str(&j, "file", p->policy);
	json_uint(&j, "generation", generation_number(p->generation));
	json_int(&j, "started_ms", p->started_ms);
	json_bool(&j, "text_differs", (changed & CHANGED_TEXT) != 0);
	json_bool(&j, "tables_differ", (changed & CHANGED_TABLE) != 0);
	json_bool(&j, "reloading", p->compile != NULL ||
	    p->reading != NULL || p->settling);
	json_bool(&j, "certificates_differ", (changed & CHANGED_CERT) != 0);
	tables_json(p->generation, &j);
	certs_json(p->generation, &j);
	json_object_end(&j);
}

/* The parent's own part is the last. */
static void
put_own_part(struct parent *p, const struct status *st)
{
	struct chan	*c = queue_chan(p);
	struct buf	 counters = { 0 };
	size_t		 i;

	own_counters(p, &counters);
	chan_begin(c, MSG_STATUS_PART);
	chan_u64(c, st->asked);
	chan_u8(c, 1);
	chan_u8(c, PROC_PARENT);
	chan_u32(c, 0);
	chan_u32(c, (uint32_t)getpid());
	chan_u32(c, 0);
	chan_u8(c, 1);
	for (i = 0; i < LOOP_LAG_BUCKETS; i++)
		chan_u64(c, loop_lag()[i]);
	chan_bytes(c, buf_span(&counters));
	chan_end(c);
	buf_clear(&counters);
}

static void
forget(struct parent *p, struct status *st)
{
	struct status	**at = &p->status_open;
	size_t		  i;

	while (*at != st)
		at = &(*at)->next;
	*at = st->next;
	p->nstatus--;
	for (i = 0; i < SLOTS_MAX; i++)
		buf_clear(&st->parts[i].counters);
	timer_clear(&st->timer);
	free(st);
}

/* A new queue has tickets of its own. */
void
status_queue_gone(struct parent *p)
{
	while (p->status_open != NULL)
		forget(p, p->status_open);
}

static void
finish(struct status *st)
{
	struct parent	*p = st->parent;
	size_t		 i;

	if (queue_chan(p) != NULL) {
		for (i = 0; i < p->nslots; i++)
			if (slot_wanted(&p->slots[i]))
				put_part(p, st, &p->slots[i],
				    &st->parts[i]);
		put_own_part(p, st);
	}
	forget(p, st);
}

static void
on_time(void *arg)
{
	finish(arg);
}

void
status_asked(struct parent *p, uint64_t ticket)
{
	struct status	*st;
	size_t		 i;

	if (p->nstatus == TICKETS_MAX)
		return;		/* the client is told to ask again */
	st = xcalloc(1, sizeof(*st));
	st->parent = p;
	st->asked = ticket;
	st->ticket = ++p->status_ticket;
	st->next = p->status_open;
	p->status_open = st;
	p->nstatus++;
	for (i = 0; i < p->nslots; i++)
		if (p->slots[i].chan != NULL) {
			chan_begin(p->slots[i].chan, MSG_STATS_WANTED);
			chan_u64(p->slots[i].chan, st->ticket);
			chan_end(p->slots[i].chan);
			st->parts[i].missing = true;
			st->missing++;
		}
	timer_set(&st->timer,
	    (int64_t)msg_timeout_s(MSG_STATS_WANTED) * 1000, on_time, st);
}

static struct status *
find(struct parent *p, uint64_t ticket)
{
	struct status	*st = p->status_open;

	while (st != NULL && st->ticket != ticket)
		st = st->next;
	return st;
}

bool
status_stats(struct slot *s, struct msg *m)
{
	struct status		*st = find(s->parent, msg_u64(m));
	struct status_part	 part = { .answered = true };
	struct span		 counters;
	size_t			 i, at = (size_t)(s - s->parent->slots);

	for (i = 0; i < LOOP_LAG_BUCKETS; i++)
		part.lag[i] = msg_u64(m);
	counters = msg_bytes(m, COUNTERS_MAX);
	if (!msg_end(m))
		return false;
	if (st == NULL || !st->parts[at].missing)
		return true;	/* too late */
	buf_add_span(&part.counters, counters);
	st->parts[at] = part;
	if (--st->missing == 0)
		finish(st);
	return true;
}

/* It will not answer any more; the others are waited for. */
void
status_slot_gone(struct slot *s)
{
	struct status	*st, *next;
	size_t		 at = (size_t)(s - s->parent->slots);

	for (st = s->parent->status_open; st != NULL; st = next) {
		next = st->next;
		if (!st->parts[at].missing)
			continue;
		st->parts[at].missing = false;
		if (--st->missing == 0)
			finish(st);
	}
}
