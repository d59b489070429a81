/*
 * relays.c - a channel to relay: each message to its room.
 */
#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/fetch/relays.h"
#include "mta/fetch/sts_service.h"
#include "mta/msg/msg.h"

struct relay {
	struct chan		*chan;
	struct sts_asker	*sts;
	struct reports		*reports;
};

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct relay	*r = arg;

	(void)c;
	switch (m->type) {
	case MSG_STS_ASK:
		return sts_asker_message(r->sts, m);
	case MSG_TLS_RESULT:
		return reports_take(r->reports, m);
	}
	return false;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct relay	*r = arg;

	(void)c;
	sts_asker_free(&r->sts);
	free(r);
}

void
relays_peer(struct sts *sts, struct reports *reports, int fd)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	struct relay			*r = xcalloc(1, sizeof(*r));

	r->chan = chan_new(fd, "relay", &ops, r);
	r->sts = sts_asker_new(sts, r->chan);
	r->reports = reports;
}
