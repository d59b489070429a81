/*
 * resolver.c - what resolve says of the name servers; the postmaster is told when
 * they pass signatures on no more (mta/resolve/validation.h).
 *
 * That they never did is not told: it is in the log and in `waybill status`,
 * and would be told at each start.
 */
#include "mta/queue/queue.h"

#include "base/xalloc.h"
#include "mta/msg/dns.h"
#include "mta/msg/msg.h"

struct resolver {
	struct queue		*q;
	struct chan		*chan;
	enum resolver_state	 state;
};

static void
tell_lost(struct queue *q, struct span servers)
{
	struct buf	text = { 0 };

	buf_addf(&text, "The resolver %.*s has passed the signatures of DNSSEC "
	    "on, and does so no\nmore. Which hosts have DANE cannot be told: "
	    "mail goes on without, but that to hosts\nwhich had it within the "
	    "last day waits. `waybill status` and the log say when\nthis is "
	    "over.\n", SPAN_ARG(servers));
	postmaster_tell(q, TOLD_RESOURCE,
	    "The resolver passes no signatures on", buf_span(&text));
	buf_clear(&text);
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct resolver	*r = arg;
	unsigned	 state, before = r->state;
	struct span	 servers;

	(void)c;
	if (m->type != MSG_RESOLVER)
		return false;
	state = msg_u8(m);
	servers = msg_bytes(m, DNS_RESOLVER_MAX);
	if (!msg_end(m) || state >= RESOLVER_NSTATES)
		return false;
	r->state = (enum resolver_state)state;
	if (state == RESOLVER_LOST && before != RESOLVER_LOST)
		tell_lost(r->q, servers);
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct resolver	*r = arg;

	(void)c;
	r->chan = NULL;
}

void
resolver_peer(struct queue *q, int fd)
{
	static const struct chan_ops	ops = { on_message, on_closed };

	if (q->resolver == NULL) {
		q->resolver = xcalloc(1, sizeof(*q->resolver));
		q->resolver->q = q;
	}
	chan_free(&q->resolver->chan);
	q->resolver->chan = chan_new(fd, "resolve", &ops, q->resolver);
}
