/*
 * service.c - RATE_ASK, GREY_ASK and COUNT_* of one channel.
 */
#include "config.h"

#include <stdlib.h>

#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/limits/service.h"
#include "mta/msg/msg.h"

struct peer {
	struct service		*service;
	struct chan		*chan;
	struct sessions_of	 sessions;
};

static void
say(struct peer *k, uint64_t ticket, bool yes)
{
	chan_begin(k->chan, MSG_LIMITS_ANSWER);
	chan_u64(k->chan, ticket);
	chan_u8(k->chan, yes);
	chan_end(k->chan);
}

static bool
on_rate(struct peer *k, struct msg *m)
{
	struct service	*s = k->service;
	struct rate_ask	 q = { .count = 0 };
	uint64_t	 ticket = msg_u64(m), period;
	bool		 over;

	q.peek = msg_u8(m) != 0;
	q.tx = msg_u64(m);
	q.step = msg_u32(m);
	q.name = msg_bytes(m, LIMITS_KEY_MAX);
	q.key = msg_bytes(m, LIMITS_KEY_MAX);
	q.count = msg_u32(m);
	q.more = msg_u32(m);
	period = msg_u64(m);
	if (!msg_end(m) || period == 0 || period > (uint64_t)RATE_PERIOD_MAX_MS)
		return false;
	q.period_ms = (int64_t)period;
	over = state_rate(s->state, &q);
	s->rates++;
	s->over += over;
	say(k, ticket, over);
	return true;
}

static bool
on_grey(struct peer *k, struct msg *m)
{
	struct service	*s = k->service;
	uint64_t	 ticket = msg_u64(m), wait;
	bool		 peek = msg_u8(m) != 0, holds;
	struct span	 key = msg_bytes(m, LIMITS_KEY_MAX);

	wait = msg_u64(m);
	if (!msg_end(m) || wait > (uint64_t)INT64_MAX)
		return false;
	holds = state_greylisted(s->state, key, (int64_t)wait, peek);
	s->greys++;
	s->held += holds;
	say(k, ticket, holds);
	return true;
}

static bool
on_up(struct peer *k, struct msg *m)
{
	uint64_t		ticket = msg_u64(m);
	struct span		client = msg_bytes(m, LIMITS_CLIENT_MAX);
	uint32_t		sessions_max = msg_u32(m);
	uint32_t		client_max = msg_u32(m);
	enum limits_result	result;

	if (!msg_end(m))
		return false;
	result = sessions_up(&k->service->sessions, &k->sessions, ticket,
	    client, sessions_max, client_max);
	k->service->refused += result != LIMITS_OK;
	chan_begin(k->chan, MSG_COUNTED);
	chan_u64(k->chan, ticket);
	chan_u8(k->chan, (uint8_t)result);
	chan_end(k->chan);
	return true;
}

/* It is there already, whatever the limits are. */
static bool
on_held(struct peer *k, struct msg *m)
{
	uint64_t	ticket = msg_u64(m);
	struct span	client = msg_bytes(m, LIMITS_CLIENT_MAX);

	if (!msg_end(m))
		return false;
	(void)sessions_up(&k->service->sessions, &k->sessions, ticket, client,
	    UINT32_MAX, UINT32_MAX);
	return true;
}

static bool
on_down(struct peer *k, struct msg *m)
{
	uint64_t	ticket = msg_u64(m);

	if (!msg_end(m))
		return false;
	sessions_down(&k->service->sessions, &k->sessions, ticket);
	return true;
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	switch (m->type) {
	case MSG_RATE_ASK:
		return on_rate(arg, m);
	case MSG_GREY_ASK:
		return on_grey(arg, m);
	case MSG_COUNT_UP:
		return on_up(arg, m);
	case MSG_COUNT_HELD:
		return on_held(arg, m);
	case MSG_COUNT_DOWN:
		return on_down(arg, m);
	}
	return false;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct peer	*k = arg;

	(void)c;
	sessions_drop(&k->service->sessions, &k->sessions);
	free(k);
}

void
service_peer(struct service *s, int fd, const char *name)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	struct peer			*k = xcalloc(1, sizeof(*k));

	k->service = s;
	k->chan = chan_new(fd, name, &ops, k);
}
