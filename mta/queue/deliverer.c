/*
 * deliverer.c - the processes that deliver, one for each uid; the spawner
 * makes them.
 */
#include "mta/queue/deliverer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define IDLE_MS		(10 * 60 * 1000)	/* then the process may end */
#define GONE_MS		(60 * 1000)	/* the same of one whose process has gone */
#define ASKED_MS	(30 * 1000)
#define REFUSED_MS	(60 * 1000)
#define WHY_MAX		1000
#define LIVE_MAX	200	/* processes at once; the spawner allows 256 */

const char *
local_hop(const struct target *t, char out[32])
{
	snprintf(out, 32, "%s:%u:%u", t->kind == TARGET_PIPE ? "run" : "uid",
	    t->uid, t->gid);
	return out;
}

/* --- asking the spawner */

static bool
is_free(const struct deliverer *d)
{
	return d->jobs == NULL && d->readings == 0;
}

/* It ends when it notices. */
static void
let_go(struct deliverer *d)
{
	chan_free(&d->chan);
	d->local->nlive--;
}

/* The one that has had nothing to do for longest, of those that are there. */
static struct deliverer *
longest_free(struct local *l)
{
	struct deliverer	*d, *best = NULL;

	for (d = l->first; d != NULL; d = d->next)
		if (d->chan != NULL && is_free(d) &&
		    (best == NULL || d->idle_ms < best->idle_ms))
			best = d;
	return best;
}

static void
wait_for_room(struct deliverer *d, bool waits)
{
	if (d->waits == waits)
		return;
	d->waits = waits;
	d->local->nwaiting += waits ? 1u : -1u;
}

static void
ask(struct deliverer *d)
{
	struct local		*l = d->local;
	struct deliverer	*other;

	if (d->asked_ms != 0 || d->chan != NULL || l->spawner == NULL)
		return;
	if (l->nlive >= LIVE_MAX) {
		if ((other = longest_free(l)) == NULL) {
			wait_for_room(d, true);
			return;
		}
		let_go(other);
	}
	wait_for_room(d, false);
	l->nlive++;
	d->asked_ms = clock_boot_ms();
	chan_begin(l->spawner, MSG_DELIVERER_WANTED);
	chan_u32(l->spawner, d->uid);
	chan_u32(l->spawner, d->gid);
	chan_u8(l->spawner, d->programs);
	chan_end(l->spawner);
}

/* It will not be answered. */
static void
unask(struct deliverer *d)
{
	if (d->asked_ms != 0)
		d->local->nlive--;
	d->asked_ms = 0;
}

/* In a turn of its own: who has become free may be in the middle of a message. */
static void
make_room(void *arg)
{
	struct local		*l = arg;
	struct deliverer	*d;

	l->room_soon = false;
	for (d = l->first; d != NULL && l->nwaiting > 0; d = d->next)
		if (d->waits)
			ask(d);
}

void
deliverer_idle(struct deliverer *d)
{
	struct local	*l = d->local;

	d->idle_ms = clock_boot_ms();
	if (l->nwaiting == 0 || l->room_soon || !is_free(d))
		return;
	l->room_soon = true;
	loop_soon(make_room, l);
}

static struct deliverer *
deliverer_new(struct local *l, struct hop *h)
{
	struct deliverer	*d = xcalloc(1, sizeof(*d));
	unsigned		 uid, gid;

	if (sscanf(h->text, "uid:%u:%u", &uid, &gid) != 2 &&
	    sscanf(h->text, "run:%u:%u", &uid, &gid) != 2)
		fatalx("no deliverer: %s", h->text);
	d->programs = h->text[0] == 'r';
	d->local = l;
	d->uid = uid;
	d->gid = gid;
	d->hop = hop_ref(h);
	d->idle_ms = clock_boot_ms();
	d->next = l->first;
	l->first = d;
	htab_put(&l->by_hop, span_mem(h->text, h->text_n), d);
	return d;
}

struct deliverer *
deliverer_get(struct local *l, struct hop *h)
{
	struct deliverer	*d = htab_get(&l->by_hop,
	    span_mem(h->text, h->text_n));

	if (d == NULL)
		d = deliverer_new(l, h);
	if (d->chan == NULL && d->refused == NULL)
		ask(d);
	return d;
}

/* --- its channel */

static bool
deliverer_message(struct chan *c, struct msg *msg, void *arg)
{
	(void)c;
	return msg->type == MSG_FORWARD_TEXT ? forwards_message(arg, msg) :
	    local_message(arg, msg);
}

static void
deliverer_closed(struct chan *c, void *arg)
{
	struct deliverer	*d = arg;

	(void)c;
	d->chan = NULL;
	d->local->nlive--;
	d->deaths++;
	local_died(d);
	forwards_died(d);
	deliverer_idle(d);
}

static void
attach(struct deliverer *d, int fd)
{
	static const struct chan_ops	ops = {
		deliverer_message, deliverer_closed
	};

	if (d->chan != NULL)
		let_go(d);
	d->chan = chan_new(fd, "deliver", &ops, d);
	d->local->nlive++;
	d->idle_ms = clock_boot_ms();
	free(d->refused);
	d->refused = NULL;
	sched_unblock(&d->local->q->sched, d->hop);
	forwards_attached(d);
}

static void
refuse(struct deliverer *d, struct span why)
{
	log_warnx("no deliverer uid=%u gid=%u why=%s", d->uid, d->gid,
	    log_quote(why));
	free(d->refused);
	d->refused = xstrndup(why.n == 0 ? "" : why.p, why.n);
	d->refused_ms = clock_boot_ms();
	sched_unblock(&d->local->q->sched, d->hop);
	forwards_refused(d);
	deliverer_idle(d);
}

static bool
take_deliverer(struct local *l, struct msg *msg)
{
	uint32_t		 uid = msg_u32(msg), gid = msg_u32(msg);
	bool			 programs = msg_u8(msg) != 0;
	bool			 ok = msg_u8(msg) != 0;
	struct span		 why = msg_bytes(msg, WHY_MAX);
	int			 fd = ok ? msg_fd(msg) : -1;
	struct deliverer	*d;

	if (!msg_end(msg))
		return false;
	for (d = l->first; d != NULL; d = d->next)
		if (d->uid == uid && d->gid == gid && d->programs == programs)
			break;
	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return true;
	}
	unask(d);
	if (ok)
		attach(d, fd);
	else
		refuse(d, why);
	return true;
}

static bool
spawner_message(struct chan *c, struct msg *msg, void *arg)
{
	(void)c;
	return msg->type == MSG_DELIVERER && take_deliverer(arg, msg);
}

static void
spawner_closed(struct chan *c, void *arg)
{
	struct local	*l = arg;

	(void)c;
	l->spawner = NULL;
}

void
local_peer(struct queue *q, int fd)
{
	static const struct chan_ops	ops = {
		spawner_message, spawner_closed
	};
	struct local			*l = q->local;
	struct deliverer		*d;

	if (l->spawner != NULL)
		chan_free(&l->spawner);
	l->spawner = chan_new(fd, "spawner", &ops, l);
	for (d = l->first; d != NULL; d = d->next) {
		bool	wanted = d->asked_ms != 0 || d->hop->wants > 0 ||
		    d->readings > 0;

		unask(d);
		if (wanted)
			ask(d);
	}
}

/* --- time */

static void
drop(struct local *l, struct deliverer **at)
{
	struct deliverer	*d = *at;

	*at = d->next;
	htab_del(&l->by_hop, span_mem(d->hop->text, d->hop->text_n));
	if (d->chan != NULL)
		let_go(d);
	wait_for_room(d, false);
	hop_unref(&l->q->sched, &d->hop);
	free(d->refused);
	free(d);
}

static bool
is_idle(const struct deliverer *d, int64_t now)
{
	return is_free(d) && d->hop->wants == 0 && d->asked_ms == 0 &&
	    now - d->idle_ms > (d->chan != NULL ? IDLE_MS : GONE_MS);
}

void
deliverers_tick(struct local *l)
{
	struct deliverer	**at = &l->first, *d;
	int64_t			  now = clock_boot_ms();

	while ((d = *at) != NULL) {
		if (d->refused != NULL && now - d->refused_ms > REFUSED_MS) {
			free(d->refused);
			d->refused = NULL;
		}
		if (d->asked_ms != 0 && now - d->asked_ms > ASKED_MS) {
			unask(d);
			ask(d);
		}
		if (is_idle(d, now))
			drop(l, at);
		else
			at = &d->next;
	}
}
