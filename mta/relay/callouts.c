/*
 * callouts.c - asking once for all who want to know.
 */
#include "mta/relay/callouts.h"

#include <sys/queue.h>

#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/callout.h"
#include "mta/msg/msg.h"

struct waiter {
	STAILQ_ENTRY(waiter)	 entry;
	struct chan		*chan;
	uint64_t		 ticket;
};

/* A question, and its answer once it is there. */
struct callout {
	TAILQ_ENTRY(callout)	 entry;
	uint64_t		 id;		/* of the job */
	bool			 open;		/* being asked */
	enum callout_answer	 answer;
	int64_t			 until_ms;	/* how long it holds */
	STAILQ_HEAD(, waiter)	 waiting;
	size_t			 n;
	char			 key[];		/* hop, a blank, address */
};

struct callouts {
	void			(*take)(void *, struct job *);
	void			*arg;
	struct htab		 by_key, by_id;
	TAILQ_HEAD(callout_list, callout) all;	/* the oldest first */
	size_t			 n, nopen;
	uint64_t		 last_id;
};

static struct span
key_of(const struct callout *o)
{
	return span_mem(o->key, o->n);
}

static struct span
id_of(const struct callout *o)
{
	return span_mem(&o->id, sizeof(o->id));
}

struct callouts *
callouts_new(void (*take)(void *, struct job *), void *arg)
{
	struct callouts	*k = xcalloc(1, sizeof(*k));

	k->take = take;
	k->arg = arg;
	TAILQ_INIT(&k->all);
	return k;
}

static void
tell(const struct waiter *w, enum callout_answer answer)
{
	chan_begin(w->chan, MSG_CALLED);
	chan_u64(w->chan, w->ticket);
	chan_u8(w->chan, (uint8_t)answer);
	chan_end(w->chan);
}

static void
tell_all(struct callout *o)
{
	struct waiter	*w;

	while ((w = STAILQ_FIRST(&o->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&o->waiting, entry);
		tell(w, o->answer);
		free(w);
	}
}

static void
forget(struct callouts *k, struct callout *o)
{
	struct waiter	*w;

	while ((w = STAILQ_FIRST(&o->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&o->waiting, entry);
		free(w);
	}
	TAILQ_REMOVE(&k->all, o, entry);
	(void)htab_del(&k->by_key, key_of(o));
	(void)htab_del(&k->by_id, id_of(o));
	k->n--;
	k->nopen -= o->open;
	free(o);
}

void
callouts_free(struct callouts **kp)
{
	struct callouts	*k = *kp;
	struct callout	*o;

	*kp = NULL;
	if (k == NULL)
		return;
	while ((o = TAILQ_FIRST(&k->all)) != NULL)
		forget(k, o);
	htab_clear(&k->by_key);
	htab_clear(&k->by_id);
	free(k);
}

/* Room for one more; those that are open stay. */
static void
make_room(struct callouts *k)
{
	struct callout	*o, *next;

	for (o = TAILQ_FIRST(&k->all); o != NULL && k->n >= CALLOUTS_MAX;
	    o = next) {
		next = TAILQ_NEXT(o, entry);
		if (!o->open)
			forget(k, o);
	}
}

static struct callout *
callout_new(struct callouts *k, struct span key)
{
	struct callout	*o;

	make_room(k);
	o = xcalloc(1, sizeof(*o) + key.n);
	STAILQ_INIT(&o->waiting);
	o->n = key.n;
	memcpy(o->key, key.p, key.n);
	o->id = ++k->last_id;
	TAILQ_INSERT_TAIL(&k->all, o, entry);
	(void)htab_put(&k->by_key, key_of(o), o);
	(void)htab_put(&k->by_id, id_of(o), o);
	k->n++;
	return o;
}

static void
wait_for(struct callout *o, struct chan *c, uint64_t ticket)
{
	struct waiter	*w = xcalloc(1, sizeof(*w));

	w->chan = c;
	w->ticket = ticket;
	STAILQ_INSERT_TAIL(&o->waiting, w, entry);
}

static void
ask(struct callouts *k, struct callout *o, struct span hop,
    struct span address)
{
	o->open = true;
	k->nopen++;
	k->take(k->arg, job_probe(o->id, hop, address));
}

/* An answer that no longer holds is asked for anew. */
static void
ask_or_tell(struct callouts *k, struct chan *c, uint64_t ticket,
    struct span key, struct span hop, struct span address)
{
	struct callout	*o = htab_get(&k->by_key, key);
	struct waiter	 w = { .chan = c, .ticket = ticket };

	if (o != NULL && !o->open && o->until_ms <= loop_now_ms()) {
		forget(k, o);
		o = NULL;
	}
	if (o == NULL && k->nopen >= CALLOUTS_OPEN_MAX) {
		tell(&w, CALLOUT_CANNOT);
		return;
	}
	if (o != NULL && !o->open) {
		tell(&w, o->answer);
		return;
	}
	if (o != NULL) {
		wait_for(o, c, ticket);
		return;
	}
	o = callout_new(k, key);
	wait_for(o, c, ticket);
	ask(k, o, hop, address);
}

bool
callouts_ask(struct callouts *k, struct chan *c, struct msg *m)
{
	uint64_t	 ticket = msg_u64(m);
	struct span	 hop = msg_bytes(m, CALLOUT_TEXT_MAX);
	struct span	 address = msg_bytes(m, CALLOUT_TEXT_MAX);
	struct buf	 key = { 0 };

	if (!msg_end(m) || hop.n == 0 || !job_address_ok(address))
		return false;
	buf_add_span(&key, hop);
	buf_add_char(&key, ' ');
	buf_add_span(&key, address);
	ask_or_tell(k, c, ticket, buf_span(&key), hop, address);
	buf_clear(&key);
	return true;
}

static void
gone_from(struct callout *o, const struct chan *c)
{
	struct waiter	*w, *next;

	for (w = STAILQ_FIRST(&o->waiting); w != NULL; w = next) {
		next = STAILQ_NEXT(w, entry);
		if (w->chan != c)
			continue;
		STAILQ_REMOVE(&o->waiting, w, waiter, entry);
		free(w);
	}
}

void
callouts_gone(struct callouts *k, const struct chan *c)
{
	struct callout	*o;

	TAILQ_FOREACH(o, &k->all, entry)
		if (o->open)
			gone_from(o, c);
}

static void
answered(struct callouts *k, struct callout *o, enum callout_answer answer)
{
	static const int64_t	 holds[] = {
		[CALLOUT_NO] = CALLOUT_NO_MS, [CALLOUT_YES] = CALLOUT_YES_MS,
		[CALLOUT_CANNOT] = CALLOUT_CANNOT_MS
	};

	k->nopen -= o->open;
	o->open = false;
	o->answer = answer;
	o->until_ms = loop_now_ms() + holds[answer];
	tell_all(o);
}

void
callouts_done(struct callouts *k, struct job *j)
{
	struct callout		*o;
	enum callout_answer	 answer = CALLOUT_CANNOT;
	unsigned		 code = j->rcpts[0].code;

	o = htab_get(&k->by_id, span_mem(&j->id, sizeof(j->id)));
	if (code / 100 == 2)
		answer = CALLOUT_YES;
	else if (code / 100 == 5)
		answer = CALLOUT_NO;
	if (o != NULL) {
		log_info("event=callout address=%s hop=%s mta=%s code=%u "
		    "text=%s", log_quote(j->rcpts[0].address),
		    log_quote(j->hop), log_quote(j->mta), code,
		    log_quote(j->rcpts[0].text));
		answered(k, o, answer);
	}
	job_free(&j);
}

void
callouts_dropped(struct callouts *k)
{
	struct callout	*o, *next;

	for (o = TAILQ_FIRST(&k->all); o != NULL; o = next) {
		next = TAILQ_NEXT(o, entry);
		if (!o->open)
			continue;
		answered(k, o, CALLOUT_CANNOT);
		forget(k, o);
	}
}

size_t
callouts_kept(const struct callouts *k)
{
	return k->n;
}
