/*
 * report_queue.c - REPORT_MAIL and REPORT_ASK; report_queue.h.
 */
#include "mta/fetch/report_queue.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/msg/asker.h"
#include "mta/msg/msg.h"

struct mailing {
	struct question		 q;
	report_mailed_cb	*cb;
	void			*arg;
	size_t			 to_n, content_n;
	char			 text[];	/* recipient, content */
};

struct report_queue {
	struct asker	 asker;
	report_ask_cb	*ask;
	void		*arg;
};

static void
send_question(struct chan *c, const struct question *q)
{
	const struct mailing	*m = (const struct mailing *)q;

	chan_begin(c, MSG_REPORT_MAIL);
	chan_u64(c, q->ticket);
	chan_bytes(c, span_mem(m->text, m->to_n));
	chan_bytes(c, span_mem(m->text + m->to_n, m->content_n));
	chan_end(c);
}

static void
give_up(struct question *q)
{
	struct mailing	*m = (struct mailing *)q;

	m->cb(m->arg, false);
}

static bool
on_message(void *client, struct msg *msg)
{
	struct report_queue	*r = client;
	struct mailing		*m;
	uint64_t		 ticket;
	bool			 ok;

	if (msg->type == MSG_REPORT_ASK)
		return r->ask(r->arg, r->asker.chan, msg);
	if (msg->type != MSG_REPORT_MAILED)
		return false;
	ticket = msg_u64(msg);
	ok = msg_u8(msg) != 0;
	if (!msg_end(msg))
		return false;
	m = (struct mailing *)asker_take(&r->asker, ticket);
	if (m != NULL)		/* else cancelled, or too late */
		m->cb(m->arg, ok);
	free(m);
	return true;
}

struct report_queue *
report_queue_new(report_ask_cb *ask, void *arg)
{
	static const struct asker_ops	 ops = {
		.send = send_question, .give_up = give_up,
		.message = on_message
	};
	struct report_queue		*r = xcalloc(1, sizeof(*r));

	r->ask = ask;
	r->arg = arg;
	asker_init(&r->asker, "queue",
	    (int64_t)msg_timeout_s(MSG_REPORT_MAIL) * 1000, &ops, r);
	return r;
}

void
report_queue_attach(struct report_queue *r, int fd)
{
	asker_attach(&r->asker, fd);
}

uint64_t
report_queue_mail(struct report_queue *r, struct span to, struct span content,
    report_mailed_cb *cb, void *arg)
{
	struct mailing	*m = xcalloc(1, sizeof(*m) + to.n + content.n);

	m->cb = cb;
	m->arg = arg;
	m->to_n = to.n;
	m->content_n = content.n;
	memcpy(m->text, to.p, to.n);
	memcpy(m->text + to.n, content.p, content.n);
	return asker_ask(&r->asker, &m->q);
}

void
report_queue_cancel(struct report_queue *r, uint64_t ticket)
{
	asker_cancel(&r->asker, ticket);
}
