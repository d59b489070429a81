/*
 * callout.c - asking the relay process about a recipient.
 */
#include "mta/msg/callout.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/msg/asker.h"
#include "mta/msg/msg.h"

struct callout {
	struct question	 q;
	callout_cb	*cb;
	void		*arg;
	size_t		 hop_n, address_n;
	char		 text[2 * CALLOUT_TEXT_MAX];	/* hop, address */
};

struct callout_client {
	struct asker			 asker;
	const struct callout_share	*share;		/* NULL: nobody */
	void				*share_arg;
};

static void
send_question(struct chan *c, const struct question *q)
{
	const struct callout	*o = (const struct callout *)q;

	chan_begin(c, MSG_CALLOUT);
	chan_u64(c, q->ticket);
	chan_bytes(c, span_mem(o->text, o->hop_n));
	chan_bytes(c, span_mem(o->text + o->hop_n, o->address_n));
	chan_end(c);
}

static void
give_up(struct question *q)
{
	struct callout	*o = (struct callout *)q;

	o->cb(o->arg, CALLOUT_CANNOT);
}

static bool
on_message(void *client, struct msg *m)
{
	struct callout_client	*c = client;
	uint64_t		 ticket;
	unsigned		 answer;
	struct callout		*o;

	if (m->type != MSG_CALLED)
		return c->share != NULL && c->share->message(c->share_arg, m);
	ticket = msg_u64(m);
	answer = msg_u8(m);
	if (!msg_end(m) || answer > CALLOUT_CANNOT)
		return false;
	o = (struct callout *)asker_take(&c->asker, ticket);
	if (o != NULL)		/* else cancelled, or too late */
		o->cb(o->arg, (enum callout_answer)answer);
	free(o);
	return true;
}

static void
on_closed(void *client)
{
	struct callout_client	*c = client;

	if (c->share != NULL)
		c->share->closed(c->share_arg);
}

void
callout_client_share(struct callout_client *c,
    const struct callout_share *share, void *arg)
{
	c->share = share;
	c->share_arg = arg;
}

struct chan *
callout_client_chan(struct callout_client *c)
{
	return c->asker.chan;
}

struct callout_client *
callout_client_new(void)
{
	static const struct asker_ops	 ops = {
		.send = send_question, .give_up = give_up,
		.message = on_message, .closed = on_closed
	};
	struct callout_client		*c = xcalloc(1, sizeof(*c));

	asker_init(&c->asker, "relay",
	    (int64_t)msg_timeout_s(MSG_CALLOUT) * 1000, &ops, c);
	return c;
}

void
callout_client_attach(struct callout_client *c, int fd)
{
	asker_attach(&c->asker, fd);
}

void
callout_client_free(struct callout_client **cp)
{
	struct callout_client	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	asker_clear(&c->asker);
	free(c);
}

uint64_t
callout_ask(struct callout_client *c, struct span hop, struct span address,
    callout_cb *cb, void *arg)
{
	struct callout	*o = xcalloc(1, sizeof(*o));

	o->cb = cb;
	o->arg = arg;
	if (hop.n > CALLOUT_TEXT_MAX || address.n > CALLOUT_TEXT_MAX) {
		o->q.unsent = true;
		return asker_ask(&c->asker, &o->q);
	}
	o->hop_n = hop.n;
	o->address_n = address.n;
	memcpy(o->text, hop.p, hop.n);
	memcpy(o->text + hop.n, address.p, address.n);
	return asker_ask(&c->asker, &o->q);
}

void
callout_cancel(struct callout_client *c, uint64_t ticket)
{
	asker_cancel(&c->asker, ticket);
}
