/*
 * service.c - from HTTP_ASK to HTTP_ANSWER.
 */
#include <sys/queue.h>

#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/fetch/service.h"
#include "mta/msg/msg.h"

struct peer;

struct asked {
	LIST_ENTRY(asked)	 entry;
	struct peer		*peer;
	uint64_t		 ticket;
	struct transfer		*transfer;
};

struct peer {
	struct transfers	*transfers;
	struct chan		*chan;
	LIST_HEAD(, asked)	 open;
};

static void
answered(void *arg, const struct http_answer *a)
{
	struct asked	*q = arg;

	http_answer_put(q->peer->chan, q->ticket, a);
	LIST_REMOVE(q, entry);
	free(q);
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct http_question	 asks;
	struct peer		*k = arg;
	struct asked		*q;
	uint64_t		 ticket;

	(void)c;
	if (m->type != MSG_HTTP_ASK ||
	    !http_question_read(m, &ticket, &asks))
		return false;
	q = xcalloc(1, sizeof(*q));
	q->peer = k;
	q->ticket = ticket;
	LIST_INSERT_HEAD(&k->open, q, entry);
	q->transfer = transfer_start(k->transfers, &asks, answered, q);
	return true;
}

/* Whoever comes in its place asks again. */
static void
on_closed(struct chan *c, void *arg)
{
	struct peer	*k = arg;
	struct asked	*q;

	(void)c;
	while ((q = LIST_FIRST(&k->open)) != NULL) {
		LIST_REMOVE(q, entry);
		transfer_cancel(&q->transfer);
		free(q);
	}
	free(k);
}

void
service_peer(struct transfers *transfers, int fd, const char *name)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	struct peer			*k = xcalloc(1, sizeof(*k));

	k->transfers = transfers;
	LIST_INIT(&k->open);
	k->chan = chan_new(fd, name, &ops, k);
	chan_secret(k->chan);
}
