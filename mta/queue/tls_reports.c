/*
 * tls_reports.c - reports into the queue's own segment, and answers of fetch; tls_reports.h.
 */
#include "mta/queue/control_int.h"
#include "mta/queue/tls_reports.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include <stdlib.h>

#define MAIL_FLAGS	(ENV_DSN | ENV_TLS_NOT_REQUIRED)
#define ADDRESS_MAX	320	/* octets of a recipient */

/* The channel to fetch; NULL: it is not there. */
struct tls_reports {
	struct queue	*q;
	struct chan	*chan;
};

/* A report on its way to the disk. */
struct report_mail {
	struct own_batch	 batch;
	struct own_item		 item;
	struct queue		*q;
	uint64_t		 ticket;
	struct buf		 to, content, envelope;
};

bool
message_is_tls_report(const struct message *m)
{
	struct arena	a = { 0 };
	struct envelope	e;
	bool		is;

	if (!(m->flags & M_DSN))
		return false;
	message_envelope(m, &a, &e);
	is = (e.flags & MAIL_FLAGS) == MAIL_FLAGS;
	arena_clear(&a);
	return is;
}

/* --- a report that goes by mail */

static void
say_mailed(const struct queue *q, uint64_t ticket, bool ok)
{
	struct chan	*c = q->tls_reports->chan;

	if (c == NULL)
		return;		/* it asks again */
	chan_begin(c, MSG_REPORT_MAILED);
	chan_u64(c, ticket);
	chan_u8(c, ok);
	chan_end(c);
}

static void
mail_free(struct report_mail *r)
{
	buf_clear(&r->to);
	buf_clear(&r->content);
	buf_clear(&r->envelope);
	free(r);
}

/* The log has on disk where it stands. */
static void
placed(void *arg)
{
	struct report_mail	*r = arg;

	say_mailed(r->q, r->ticket, true);
	mail_free(r);
}

static void
written(struct own_batch *b, struct segment *g)
{
	struct report_mail	*r = b->arg;
	struct message		*m;
	struct record		 rec = { .type = REC_PLACED,
	    .qid = r->item.qid, .offset = r->item.offset };
	char			 id[QID_TEXT];

	if (g == NULL) {
		say_mailed(r->q, r->ticket, false);
		mail_free(r);
		return;
	}
	rec.segment = g->id;
	journal_add(r->q->journal, &rec);
	log_info("event=tls-report-mail id=%s to=%s", qid_format(r->item.qid,
	    id), log_quote(buf_span(&r->to)));
	m = message_new(r->item.envelope);
	message_admit(r->q, m, g, r->item.offset);
	message_log_accepted(m);
	message_settle(r->q, m);
	journal_sync(r->q->journal, placed, r);
}

/* As a notification: a quarter of a segment at most. */
static bool
fits(const struct queue *q, struct span to, struct span content)
{
	uint64_t	most = q->set.segment_octets / 4;

	if (most > SEGMENT_BODY_MAX)
		most = SEGMENT_BODY_MAX;
	return to.n > 0 && to.n <= ADDRESS_MAX && content.n <= most;
}

static void
take_mail(struct queue *q, uint64_t ticket, struct span to,
    struct span content)
{
	struct report_mail	*r = xcalloc(1, sizeof(*r));
	struct span		 rcpt;
	struct envelope		 e;

	r->q = q;
	r->ticket = ticket;
	buf_add_span(&r->to, to);
	buf_add_span(&r->content, content);
	rcpt = buf_span(&r->to);
	e = (struct envelope){
		.qid = qid_next(&q->qids), .arrival_ms = clock_wall_ms(),
		.flags = MAIL_FLAGS, .size = content.n, .policy = SPAN("-"),
		.nrcpts = 1, .rcpts = &rcpt
	};
	envelope_format(&e, &r->envelope);
	r->item = (struct own_item){ .qid = e.qid,
	    .content = buf_span(&r->content),
	    .envelope = buf_span(&r->envelope), .content_length = content.n };
	r->batch = (struct own_batch){ .items = &r->item, .n = 1,
	    .cb = written, .arg = r };
	own_append(q->own, &r->batch);
}

static bool
on_mail(struct queue *q, struct msg *msg)
{
	uint64_t	ticket = msg_u64(msg);
	struct span	to = msg_bytes(msg, CHAN_MSG_MAX);
	struct span	content = msg_bytes(msg, CHAN_MSG_MAX);

	if (!msg_end(msg))
		return false;
	if (q->running && fits(q, to, content))
		take_mail(q, ticket, to, content);
	else
		say_mailed(q, ticket, false);
	return true;
}

/* --- what fetch says to who asks */

void
tls_reports_ask(struct client *c, struct span day)
{
	struct queue	*q = c->control->q;
	struct chan	*chan = q->tls_reports == NULL ? NULL :
			    q->tls_reports->chan;

	if (chan == NULL) {
		client_error(c, "fetch is not there; ask again");
		return;
	}
	chan_begin(chan, MSG_REPORT_ASK);
	chan_u64(chan, client_wait(c, WAITS_FETCH));
	chan_bytes(chan, day);
	chan_end(chan);
}

/* Pieces gather until the last: REPORT_OCTETS_MAX of fetch bounds them. */
static bool
on_text(struct queue *q, struct msg *msg)
{
	struct client	*c = client_by_ticket(q->control, msg_u64(msg),
			    WAITS_FETCH);
	bool		 last = msg_u8(msg) != 0;
	struct span	 text = msg_bytes(msg, CHAN_MSG_MAX);

	if (!msg_end(msg))
		return false;
	if (c != NULL) {	/* else it has gone meanwhile */
		buf_add_span(&c->out, text);
		if (last)
			client_finish(c);
	}
	return true;
}

/* --- the channel */

static bool
on_message(struct chan *c, struct msg *msg, void *arg)
{
	struct tls_reports	*r = arg;

	(void)c;
	if (msg->type == MSG_REPORT_MAIL)
		return on_mail(r->q, msg);
	return msg->type == MSG_REPORT_TEXT && on_text(r->q, msg);
}

/* What was asked of it is answered by nobody. */
static void
gone(struct queue *q)
{
	if (q->control != NULL)
		client_error_all(q->control, WAITS_FETCH,
		    "fetch has ended; ask again");
}

static void
on_closed(struct chan *c, void *arg)
{
	struct tls_reports	*r = arg;

	(void)c;
	r->chan = NULL;
	gone(r->q);
}

void
tls_reports_peer(struct queue *q, int fd)
{
	static const struct chan_ops	ops = { on_message, on_closed };

	if (q->tls_reports == NULL) {
		q->tls_reports = xcalloc(1, sizeof(*q->tls_reports));
		q->tls_reports->q = q;
	}
	if (q->tls_reports->chan != NULL) {
		chan_free(&q->tls_reports->chan);
		gone(q);
	}
	q->tls_reports->chan = chan_new(fd, "fetch", &ops, q->tls_reports);
}
