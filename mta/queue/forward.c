/*
 * forward.c - forward files: route wants one, a process of its owner reads it.
 *
 * The queue is between the two because it has the channels to both; it looks
 * at nothing of the text.  A reading that cannot be done is told LATER: route
 * then says so of the recipient, who is routed again.
 */
#include "mta/queue/deliverer.h"

#include "base/clock.h"
#include "base/xalloc.h"
#include "mta/msg/forward.h"
#include "mta/msg/msg.h"

#include <limits.h>
#include <stdlib.h>

#define READINGS_MAX	10000	/* at once */
#define TRIES_MAX	2	/* processes that may die over it */
#define WAIT_MS		(50 * 1000)	/* route waits a little longer */

struct reading {
	struct reading		*prev, *next;	/* the oldest first */
	struct deliverer	*deliverer;
	uint64_t		 ticket;	/* ours, to the deliverer */
	uint64_t		 asked;		/* route's */
	int64_t			 since_ms;
	unsigned		 tries;		/* how often it was sent */
	bool			 sent;
	char			*path;
};

struct forwards {
	struct queue	*q;
	struct reading	*first, *last;
	unsigned	 n;
	uint64_t	 serial;
};

void
forwards_open(struct queue *q)
{
	q->forwards = xcalloc(1, sizeof(*q->forwards));
	q->forwards->q = q;
}

/* --- readings */

static void
answer(struct queue *q, uint64_t asked, unsigned is, bool commands,
    struct span text)
{
	struct chan	*c = router_chan(q);

	if (c == NULL)
		return;
	chan_begin(c, MSG_FORWARDED);
	chan_u64(c, asked);
	chan_u8(c, (uint8_t)is);
	chan_u8(c, commands);
	chan_bytes(c, text);
	chan_end(c);
}

static struct reading *
reading_new(struct forwards *f, struct deliverer *d, uint64_t asked,
    struct span path)
{
	struct reading	*r = xcalloc(1, sizeof(*r));

	r->deliverer = d;
	r->ticket = ++f->serial;
	r->asked = asked;
	r->since_ms = clock_boot_ms();
	r->path = xstrndup(path.p, path.n);
	r->prev = f->last;
	if (f->last != NULL)
		f->last->next = r;
	else
		f->first = r;
	f->last = r;
	f->n++;
	d->readings++;
	return r;
}

static void
reading_free(struct forwards *f, struct reading *r)
{
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		f->first = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	else
		f->last = r->prev;
	f->n--;
	r->deliverer->readings--;
	deliverer_idle(r->deliverer);
	free(r->path);
	free(r);
}

static void
later(struct forwards *f, struct reading *r)
{
	answer(f->q, r->asked, FORWARD_LATER, false, SPAN_NONE);
	reading_free(f, r);
}

static void
ask(struct reading *r)
{
	struct chan	*c = r->deliverer->chan;

	chan_begin(c, MSG_FORWARD_READ);
	chan_u64(c, r->ticket);
	chan_str(c, r->path);
	chan_end(c);
	r->sent = true;
	r->tries++;
}

/* --- the deliverer */

/* Calls each of its readings, which may go. */
static void
each(struct deliverer *d, void (*call)(struct forwards *, struct reading *))
{
	struct forwards	*f = d->local->q->forwards;
	struct reading	*r, *next;

	for (r = d->readings > 0 ? f->first : NULL; r != NULL; r = next) {
		next = r->next;
		if (r->deliverer == d)
			call(f, r);
	}
}

static void
attached(struct forwards *f, struct reading *r)
{
	(void)f;
	if (!r->sent)
		ask(r);
}

void
forwards_attached(struct deliverer *d)
{
	each(d, attached);
}

void
forwards_refused(struct deliverer *d)
{
	each(d, later);
}

static void
died(struct forwards *f, struct reading *r)
{
	if (r->tries >= TRIES_MAX)
		later(f, r);
	else
		r->sent = false;
}

void
forwards_died(struct deliverer *d)
{
	each(d, died);
	if (d->readings > 0)
		(void)deliverer_get(d->local, d->hop);
}

bool
forwards_message(struct deliverer *d, struct msg *m)
{
	struct forwards	*f = d->local->q->forwards;
	uint64_t	 ticket = msg_u64(m);
	unsigned	 is = msg_u8(m);
	bool		 commands = msg_u8(m) != 0;
	struct span	 text = msg_bytes(m, FORWARD_MAX);
	struct reading	*r;

	if (!msg_end(m) || is >= FORWARD_NRESULTS)
		return false;
	for (r = f->first; r != NULL && r->ticket != ticket; r = r->next)
		;
	if (r == NULL || r->deliverer != d)
		return true;
	answer(f->q, r->asked, is, commands, text);
	reading_free(f, r);
	return true;
}

/* --- route */

bool
forwards_wanted(struct queue *q, struct msg *m)
{
	struct target	 t = { .kind = TARGET_DELIVER };
	uint64_t	 asked = msg_u64(m);
	struct span	 path;
	struct deliverer *d;
	struct hop	*h;
	char		 text[32];

	t.uid = msg_u32(m);
	t.gid = msg_u32(m);
	path = msg_bytes(m, PATH_MAX - 1);
	if (!msg_end(m) || path.n == 0 || path.p[0] != '/' ||
	    span_index(path, '\0') != -1)
		return false;
	h = sched_hop(&q->sched, span_of(local_hop(&t, text)));
	d = deliverer_get(q->local, h);
	hop_unref(&q->sched, &h);
	if (d->refused != NULL || q->forwards->n == READINGS_MAX)
		answer(q, asked, FORWARD_LATER, false, SPAN_NONE);
	else {
		struct reading	*r = reading_new(q->forwards, d, asked, path);

		if (d->chan != NULL)
			ask(r);
	}
	return true;
}

void
forwards_drop(struct queue *q)
{
	while (q->forwards->first != NULL)
		reading_free(q->forwards, q->forwards->first);
}

void
forwards_tick(struct queue *q)
{
	struct forwards	*f = q->forwards;
	int64_t		 now = clock_boot_ms();

	while (f->first != NULL && now - f->first->since_ms > WAIT_MS)
		later(f, f->first);
}
