/*
 * bounce.c - notifications to the sender (RFC 3464), written into the
 * queue's own segment and routed like any other message.
 *
 * It goes to the reverse-path of the envelope that left or would have left:
 * where `rewrite outbound sender` has made several of one sender, or lists
 * have owners, there are several notifications.
 *
 * The log first says where the notification stands, then that the targets
 * are done: a power cut between the two makes a second one, never none.
 */
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mail/dsn.h"
#include "mail/header.h"

#include <stdlib.h>
#include <unistd.h>

#define NAMES_MAX	1000	/* recipients in one notification */
#define TOLD_SLICE	5000	/* targets done in one turn */
#define HEADER_MAX	65536	/* octets of the original's header section */

struct notice {
	struct own_batch	 batch;
	struct own_item		 item;
	struct queue		*q;
	uint64_t		 about;		/* queue id */
	bool			 failed;	/* else delayed */
	struct span		 to;		/* lies in the message */
	struct buf		 envelope, content;
	uint32_t		*dests;		/* that it tells of */
	uint32_t		 ndests;
};

/* --- what it says */

/* The header section as far as it can be had. */
static void
read_header(struct queue *q, const struct message *m, struct buf *out)
{
	size_t		n = m->size < HEADER_MAX ? (size_t)m->size : HEADER_MAX;
	bool		body = m->flags & M_BODY;
	int		fd = body ? body_open_read(q, m->qid) : m->seg->fd;

	if (fd == -1 || file_pread_all(fd, buf_reserve(out, n + 1), n,
	    message_content_offset(m)) == -1)
		log_warn("header for a notification");
	else {
		buf_grown(out, n);
		buf_cut(out, header_size(buf_span(out)));
	}
	if (body && fd != -1)
		close(fd);
}

/* "550 5.1.1 text", as the next hop has said it. */
static struct span
reply_of(struct arena *a, const struct answer *an)
{
	if (an->mta.n == 0 || an->code == 0)
		return SPAN_NONE;
	return arena_printf(a, "%u %.*s%s%.*s", an->code,
	    SPAN_ARG(an->status), an->status.n > 0 ? " " : "",
	    SPAN_ARG(an->text));
}

/* An owner is told of the list's member; to others expansions stay hidden. */
static struct span
named(const struct dest *d, const struct envelope *e)
{
	struct target	t;

	if (dest_place(d, &t) && t.owned)
		return dest_address(d, e);
	return e->rcpts[d->rcpt];
}

static size_t
rcpts_of(struct notice *no, const struct message *m, const struct envelope *e,
    struct arena *a, struct dsn_rcpt *out)
{
	struct htab	told = { 0 };
	struct answer	an;
	size_t		n = 0;
	uint32_t	i;

	for (i = 0; i < no->ndests; i++) {
		const struct dest	*d = &m->dests[no->dests[i]];
		struct span		 address = named(d, e);

		if (htab_put(&told, address, no) != NULL)
			continue;	/* each once */
		memset(&an, 0, sizeof(an));
		dest_answer(d, &an);
		out[n] = (struct dsn_rcpt){ .address = address,
		    .action = no->failed ? DSN_FAILED : DSN_DELAYED,
		    .status = an.status.n > 0 ? an.status :
		    no->failed ? SPAN("5.0.0") : SPAN("4.0.0"),
		    .mta = an.mta, .reply = reply_of(a, &an), .why = an.text,
		    .last_attempt_ms = an.when_ms };
		if (!no->failed)
			out[n].will_retry_until_ms = e->arrival_ms +
			    no->q->set.lifetime_ms;
		n++;
	}
	htab_clear(&told);
	return n;
}

static void
compose(struct notice *no, const struct message *m, const struct envelope *e,
    struct arena *a)
{
	struct dsn_rcpt	*rcpts = arena_alloc(a, NAMES_MAX * sizeof(*rcpts));
	struct buf	 header = { 0 };
	char		 id[QID_TEXT];
	struct dsn	 dsn = {
		.reporting_mta = span_of(no->q->set.hostname),
		.id = span_of(qid_format(m->qid, id)),
		.sender = no->to, .arrival_ms = e->arrival_ms,
		.now_ms = clock_wall_ms(), .rcpts = rcpts,
		.header_utf8 = (e->flags & ENV_UTF8) != 0
	};

	dsn.n = rcpts_of(no, m, e, a, rcpts);
	read_header(no->q, m, &header);
	dsn.header = buf_span(&header);
	dsn_compose(&dsn, &no->content);
	buf_clear(&header);
}

static void
envelope_for(struct notice *no, const struct envelope *about)
{
	struct span	content = buf_span(&no->content);
	struct envelope	e = {
		.qid = qid_next(&no->q->qids), .arrival_ms = clock_wall_ms(),
		.flags = ENV_DSN | (about->flags & (ENV_UTF8 | ENV_8BIT)),
		.size = content.n, .policy = about->policy,
		.nrcpts = 1, .rcpts = &no->to
	};

	envelope_format(&e, &no->envelope);
	no->item = (struct own_item){ .qid = e.qid, .content = content,
	    .envelope = buf_span(&no->envelope), .content_length = content.n };
}

/* --- when it is written */

static void
notice_free(struct notice *no)
{
	buf_clear(&no->envelope);
	buf_clear(&no->content);
	free(no->dests);
	free(no);
}

static void
admit(struct notice *no, struct segment *g)
{
	struct message	*n = message_new(no->item.envelope);
	struct record	 r = { .type = REC_PLACED, .qid = no->item.qid,
	    .segment = g->id, .offset = no->item.offset };
	char		 id[QID_TEXT], about[QID_TEXT];

	journal_add(no->q->journal, &r);
	log_info("bounced id=%s dsn=%s action=%s",
	    qid_format(no->about, about), qid_format(no->item.qid, id),
	    no->failed ? "failed" : "delayed");
	no->q->count.bounced++;
	message_admit(no->q, n, g, no->item.offset);
	message_log_accepted(n);
	message_settle(no->q, n);
}

/* Targets that need nothing more, since their sender is told or there is none. */
struct told {
	struct queue	*q;
	uint64_t	 about;
	uint32_t	*dests;
	uint32_t	 n, next;
};

static void
told_some(void *arg)
{
	struct told	*t = arg;
	struct message	*m = index_find(&t->q->index, t->about);
	uint32_t	 i;

	for (i = 0; m != NULL && t->next < t->n && i < TOLD_SLICE; i++)
		dest_done(t->q, m, &m->dests[t->dests[t->next++]]);
	if (m != NULL && t->next < t->n) {
		loop_soon(told_some, t);
		return;
	}
	if (m != NULL) {
		m->flags &= (uint8_t)~M_NOTIFYING;
		message_settle(t->q, m);
	}
	free(t->dests);
	free(t);
}

/* Takes dests. */
static void
tell(struct queue *q, struct message *m, uint32_t *dests, uint32_t n)
{
	struct told	*t = xcalloc(1, sizeof(*t));

	*t = (struct told){ .q = q, .about = m->qid, .dests = dests, .n = n };
	m->flags |= M_NOTIFYING;
	told_some(t);
}

static void
written(struct own_batch *b, struct segment *g)
{
	struct notice	*no = b->arg;
	struct message	*m = index_find(&no->q->index, no->about);

	if (g != NULL)
		admit(no, g);
	if (m != NULL && no->failed && g != NULL) {
		tell(no->q, m, no->dests, no->ndests);
		no->dests = NULL;
	} else if (m != NULL && no->failed) {
		/* Not written: its next time (a minute on) tries again. */
		m->flags &= (uint8_t)~M_NOTIFYING;
		if (m->flags & M_GONE)
			message_settle(no->q, m);
	}
	notice_free(no);
}

/* Delayed is whatever has neither arrived nor failed. */
static bool
is_about(bool failed, const struct dest *d)
{
	if (failed)
		return d->state == DEST_FAILED;
	return d->state != DEST_FAILED && d->state != DEST_DONE;
}

/* Whom a target's outcome is told. */
static struct span
told_of(const struct message *m, uint32_t dest)
{
	return dest_mail_from(&m->dests[dest], message_sender(m));
}

/* As many as one notification names; where they failed, another follows. */
static void
collect(struct notice *no, const struct message *m, const struct envelope *e)
{
	struct htab	names = { 0 };
	struct span	name;
	uint32_t	i;

	no->dests = xmalloc(m->ndests * sizeof(*no->dests));
	for (i = 0; i < m->ndests; i++) {
		if (!is_about(no->failed, &m->dests[i]) ||
		    !span_eq(told_of(m, i), no->to))
			continue;
		name = named(&m->dests[i], e);
		if (names.n == NAMES_MAX && htab_get(&names, name) == NULL)
			continue;
		htab_put(&names, name, no);
		no->dests[no->ndests++] = i;
	}
	htab_clear(&names);
}

/* No target before it has the same sender. */
static bool
is_first(const struct message *m, uint32_t dest, bool failed)
{
	uint32_t	i;

	for (i = 0; i < dest; i++)
		if (is_about(failed, &m->dests[i]) &&
		    span_eq(told_of(m, i), told_of(m, dest)))
			return false;
	return true;
}

/* Of the targets with the sender of this one. */
static void
notify(struct queue *q, struct message *m, bool failed, uint32_t dest)
{
	struct notice	*no = xcalloc(1, sizeof(*no));
	struct arena	 a = { 0 };
	struct envelope	 e;

	no->q = q;
	no->about = m->qid;
	no->failed = failed;
	no->to = told_of(m, dest);
	message_envelope(m, &a, &e);
	collect(no, m, &e);
	compose(no, m, &e, &a);
	envelope_for(no, &e);
	arena_clear(&a);
	no->batch = (struct own_batch){ .items = &no->item, .n = 1,
	    .cb = written, .arg = no };
	own_append(q->own, &no->batch);
}

/* A null reverse-path asks for none (RFC 5321, 4.5.5). */
static void
drop(struct queue *q, struct message *m)
{
	uint32_t	*dests = xmalloc(m->ndests * sizeof(*dests));
	uint32_t	 i, n = 0;
	char		 id[QID_TEXT];

	log_info("dropped id=%s why=\"no sender to tell\"",
	    qid_format(m->qid, id));
	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].state == DEST_FAILED)
			dests[n++] = i;
	tell(q, m, dests, n);
}

void
bounce_failed(struct queue *q, struct message *m)
{
	uint32_t	i;

	if (m->flags & M_DSN || message_sender(m).n == 0) {
		drop(q, m);
		return;
	}
	/* Those that are left are settled after this one is written. */
	for (i = 0; i < m->ndests; i++)
		if (is_about(true, &m->dests[i])) {
			m->flags |= M_NOTIFYING;
			notify(q, m, true, i);
			return;
		}
}

void
bounce_delayed(struct queue *q, struct message *m)
{
	const struct dest	*last = NULL;
	uint32_t		 i;

	if (m->flags & M_DSN || message_sender(m).n == 0)
		return;
	for (i = 0; i < m->ndests; i++) {
		const struct dest	*d = &m->dests[i];

		if (!is_about(false, d) || (last != NULL &&
		    dest_same_sender(last, d)))
			continue;	/* as nearly always */
		last = d;
		if (is_first(m, i, false))
			notify(q, m, false, i);
	}
}
