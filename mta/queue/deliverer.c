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
#define ASKED_MS	(30 * 1000)
#define REFUSED_MS	(60 * 1000)
#define WHY_MAX		1000

const char *
local_hop(uint32_t uid, uint32_t gid, char out[32])
{
	snprintf(out, 32, "uid:%u:%u", uid, gid);
	return out;
}

/* --- asking the spawner */

static void
ask(struct deliverer *d)
{
	struct chan	*c = d->local->spawner;

	if (d->asked_ms != 0 || d->chan != NULL || c == NULL)
		return;
	d->asked_ms = clock_boot_ms();
	chan_begin(c, MSG_DELIVERER_WANTED);
	chan_u32(c, d->uid);
	chan_u32(c, d->gid);
	chan_end(c);
}

static struct deliverer *
deliverer_new(struct local *l, struct hop *h)
{
	struct deliverer	*d = xcalloc(1, sizeof(*d));
	unsigned		 uid, gid;

	if (sscanf(h->text, "uid:%u:%u", &uid, &gid) != 2)
		fatalx("no deliverer: %s", h->text);
	d->local = l;
	d->uid = uid;
	d->gid = gid;
	d->hop = hop_ref(h);
	d->next = l->first;
	l->first = d;
	return d;
}

struct deliverer *
deliverer_get(struct local *l, struct hop *h)
{
	struct deliverer	*d;

	for (d = l->first; d != NULL && d->hop != h; d = d->next)
		;
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
	return local_message(arg, msg);
}

static void
deliverer_closed(struct chan *c, void *arg)
{
	struct deliverer	*d = arg;

	(void)c;
	d->chan = NULL;
	d->deaths++;
	local_died(d);
}

static void
attach(struct deliverer *d, int fd)
{
	static const struct chan_ops	ops = {
		deliverer_message, deliverer_closed
	};

	if (d->chan != NULL)
		chan_free(&d->chan);
	d->chan = chan_new(fd, "deliver", &ops, d);
	d->idle_ms = clock_boot_ms();
	free(d->refused);
	d->refused = NULL;
	sched_unblock(&d->local->q->sched, d->hop);
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
}

static bool
take_deliverer(struct local *l, struct msg *msg)
{
	uint32_t		 uid = msg_u32(msg), gid = msg_u32(msg);
	bool			 ok = msg_u8(msg) != 0;
	struct span		 why = msg_bytes(msg, WHY_MAX);
	int			 fd = ok ? msg_fd(msg) : -1;
	struct deliverer	*d;

	if (!msg_end(msg))
		return false;
	for (d = l->first; d != NULL; d = d->next)
		if (d->uid == uid && d->gid == gid)
			break;
	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return true;
	}
	d->asked_ms = 0;
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
		bool	wanted = d->asked_ms != 0 || d->hop->wants > 0;

		d->asked_ms = 0;
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
	if (d->chan != NULL)
		chan_free(&d->chan);
	hop_unref(&l->q->sched, &d->hop);
	free(d->refused);
	free(d);
}

static bool
is_idle(const struct deliverer *d, int64_t now)
{
	return d->jobs == NULL && d->hop->wants == 0 && d->asked_ms == 0 &&
	    now - d->idle_ms > IDLE_MS;
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
			d->asked_ms = 0;
			ask(d);
		}
		if (is_idle(d, now))
			drop(l, at);
		else
			at = &d->next;
	}
}
