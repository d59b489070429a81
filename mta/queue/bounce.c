/*
 * bounce.c - notifications to the sender (RFC 3461, 3464): which are due, of
 * which targets.  They are written into the queue's own segment and routed
 * like any other message; report.c says what stands in them.
 *
 * One goes to the reverse-path of the envelope that left or would have left:
 * where `rewrite outbound sender` has made several of one sender, or lists
 * have owners, there are several notifications.  Whom NOTIFY keeps from being
 * told is not named in any.
 *
 * The log first says where the notification stands, then that the targets
 * are done: a power cut between the two makes a second one, never none.
 */
#include "mta/queue/notify.h"
#include "mta/queue/notice.h"
#include "mta/queue/notify_set.h"
#include "mta/queue/tls_reports.h"

#include "base/log.h"
#include "base/xalloc.h"

#include <stdlib.h>

#define TOLD_SLICE	5000	/* targets done in one turn */

/* --- when it is written */

static void
notice_free(struct notice *no)
{
	buf_clear(&no->envelope);
	buf_clear(&no->content);
	buf_clear(&no->to_text);
	buf_clear(&no->language);
	buf_clear(&no->copies);
	free(no->dests);
	free(no);
}

static void
admit(struct notice *no, struct segment *g)
{
	static const char *const names[] = { [NOTICE_FAILED] = "failed",
	    [NOTICE_DELAYED] = "delayed", [NOTICE_LATE] = "late",
	    [NOTICE_ARRIVED] = "success" };
	static const char *const readers[] = { [NOTICE_SENDER] = "",
	    [NOTICE_COPY] = " to=copy", [NOTICE_POSTMASTER] = " to=postmaster",
	    [NOTICE_DOUBLE] = " to=postmaster double=1" };
	struct message	*n = message_new(no->item.envelope);
	struct record	 r = { .type = REC_PLACED, .qid = no->item.qid,
	    .segment = g->id, .offset = no->item.offset };
	char		 id[QID_TEXT], about[QID_TEXT];

	journal_add(no->q->journal, &r);
	if (no->about != 0)
		log_info("%s id=%s dsn=%s action=%s%s",
		    no->kind == NOTICE_FAILED ? "bounced" : "notified",
		    qid_format(no->about, about),
		    qid_format(no->item.qid, id), names[no->kind],
		    readers[no->reader]);
	else
		log_info("postmaster told id=%s",
		    qid_format(no->item.qid, id));
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
		m->flags &= (uint16_t)~M_NOTIFYING;
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
	bool		 ends = notice_ends(no);

	if (g != NULL)
		admit(no, g);
	if (m != NULL && ends && g != NULL) {
		tell(no->q, m, no->dests, no->ndests);
		no->dests = NULL;
	} else if (m != NULL && ends) {
		/* Not written: its next time (a minute on) tries again. */
		m->flags &= (uint16_t)~M_NOTIFYING;
		if (m->flags & M_GONE)
			message_settle(no->q, m);
	}
	notice_free(no);
}

/* --- of which targets */

/* Delayed is whatever has neither arrived nor failed. */
bool
notice_is_about(enum notice_kind kind, const struct dest *d)
{
	if (kind == NOTICE_FAILED)
		return d->state == DEST_FAILED;
	if (kind == NOTICE_ARRIVED)
		return d->state == DEST_ARRIVED;
	return d->state != DEST_FAILED && d->state != DEST_ARRIVED &&
	    d->state != DEST_DONE;
}

/* NOTIFY allows it. */
static bool
is_wanted(enum notice_kind kind, const struct dest *d,
    const struct envelope *e)
{
	switch (kind) {
	case NOTICE_FAILED:
		return notify_failure(d, e);
	case NOTICE_ARRIVED:
		return true;		/* or it would not be in this state */
	default:
		return notify_delay(d, e);
	}
}

/* Whom a target's outcome is told. */
static struct span
told_of(const struct message *m, uint32_t dest)
{
	return dest_mail_from(&m->dests[dest], message_sender(m));
}

/* As many as one notification names; where they have ended, another follows. */
static void
collect(struct notice *no, const struct message *m, const struct envelope *e)
{
	struct htab	names = { 0 };
	struct span	name;
	uint32_t	i;

	no->dests = xmalloc(m->ndests * sizeof(*no->dests));
	for (i = 0; i < m->ndests; i++) {
		if (!notice_is_about(no->kind, &m->dests[i]) ||
		    (no->reader != NOTICE_DOUBLE &&
		    (!is_wanted(no->kind, &m->dests[i], e) ||
		    !span_eq(told_of(m, i), no->to))))
			continue;
		name = notice_name(&m->dests[i], e);
		if (names.n == NOTICE_NAMES_MAX &&
		    htab_get(&names, name) == NULL)
			continue;
		htab_put(&names, name, no);
		no->dests[no->ndests++] = i;
	}
	htab_clear(&names);
}

/* No target before it has the same sender. */
static bool
is_first(const struct message *m, const struct envelope *e, uint32_t dest,
    enum notice_kind kind)
{
	uint32_t	i;

	for (i = 0; i < dest; i++)
		if (notice_is_about(kind, &m->dests[i]) &&
		    is_wanted(kind, &m->dests[i], e) &&
		    span_eq(told_of(m, i), told_of(m, dest)))
			return false;
	return true;
}

void
notice_write(struct notice *no)
{
	no->batch = (struct own_batch){ .items = &no->item, .n = 1,
	    .cb = written, .arg = no };
	own_append(no->q->own, &no->batch);
}

static struct notice *
notice_new(struct queue *q, const struct message *m, enum notice_kind kind,
    enum notice_reader reader, struct span to)
{
	struct notice	*no = xcalloc(1, sizeof(*no));

	no->q = q;
	no->about = m->qid;
	no->kind = kind;
	no->reader = reader;
	buf_add_span(&no->to_text, to);
	no->to = buf_span(&no->to_text);
	return no;
}

/* Of the same targets, to somebody else. */
static void
copy(const struct notice *no, const struct message *m,
    const struct envelope *e, enum notice_reader reader, struct span to,
    unsigned more)
{
	struct notice	*c = notice_new(no->q, m, no->kind, reader, to);
	struct arena	 a = { 0 };

	c->header_only = no->header_only || reader == NOTICE_POSTMASTER;
	c->more = more;
	if (reader == NOTICE_COPY)
		buf_add_span(&c->language, buf_span(&no->language));
	c->ndests = no->ndests;
	c->dests = xmalloc((no->ndests + 1) * sizeof(*c->dests));
	memcpy(c->dests, no->dests, no->ndests * sizeof(*c->dests));
	notice_compose(c, m, e, &a);
	arena_clear(&a);
	notice_write(c);
}

/* Whom `on bounce` names, and the postmaster, where he wants such. */
static void
copies(const struct notice *no, const struct message *m,
    const struct envelope *e)
{
	struct span	list = buf_span(&no->copies), one;
	unsigned	more;

	while (list.n > 0) {
		one = span_mem(list.p, (size_t)span_index(list, '\n'));
		list = span_from(list, one.n + 1);
		copy(no, m, e, NOTICE_COPY, one, 0);
	}
	if (no->kind == NOTICE_ARRIVED || no->reader != NOTICE_SENDER)
		return;
	if (postmaster_wants(no->q, no->kind == NOTICE_FAILED ? TOLD_FAILED :
	    TOLD_DELAYED, &more))
		copy(no, m, e, NOTICE_POSTMASTER,
		    span_of(no->q->set.notify->postmaster), more);
}

/* Nothing is to be told any more. */
static void
give_up(struct notice *no, struct message *m)
{
	if (m != NULL && notice_ends(no)) {
		m->flags &= (uint16_t)~M_NOTIFYING;
		message_settle(no->q, m);
	}
	notice_free(no);
}

void
notice_go(struct notice *no)
{
	struct message	*m = index_find(&no->q->index, no->about);
	struct arena	 a = { 0 };
	struct envelope	 e;

	if (m == NULL || m->flags & M_GONE) {
		give_up(no, m);
		return;
	}
	message_envelope(m, &a, &e);
	collect(no, m, &e);
	if (no->ndests == 0) {		/* it has changed meanwhile */
		arena_clear(&a);
		give_up(no, m);
		return;
	}
	copies(no, m, &e);
	notice_compose(no, m, &e, &a);
	arena_clear(&a);
	notice_write(no);
}

void
notice_discard(struct notice *no)
{
	struct queue	*q = no->q;
	struct message	*m = index_find(&q->index, no->about);
	struct arena	 a = { 0 };
	struct envelope	 e;
	char		 id[QID_TEXT];

	log_info("dropped id=%s why=\"on bounce says so\"",
	    qid_format(no->about, id));
	if (m == NULL || m->flags & M_GONE || !notice_ends(no)) {
		give_up(no, m);
		return;
	}
	message_envelope(m, &a, &e);
	collect(no, m, &e);
	arena_clear(&a);
	tell(q, m, no->dests, no->ndests);
	no->dests = NULL;
	notice_free(no);
}

/* Of the targets with the sender of this one. */
static void
notify(struct queue *q, struct message *m, enum notice_kind kind,
    uint32_t dest)
{
	struct notice	*no = notice_new(q, m, kind, NOTICE_SENDER,
			    told_of(m, dest));

	if (!asks_begin(no, m))
		notice_go(no);
}

/* What has arrived is left for its own report, unless there is nobody for it. */
static bool
is_dropped(const struct dest *d, const struct envelope *e)
{
	if (e == NULL)
		return d->state == DEST_FAILED || d->state == DEST_ARRIVED;
	return d->state == DEST_FAILED && !notify_failure(d, e);
}

/*
 * Those of which nobody is told: a null reverse-path (e: NULL) asks for no
 * notification (RFC 5321, 4.5.5), nor does NOTIFY without FAILURE (RFC 3461,
 * 5.2.6).
 */
static void
drop(struct queue *q, struct message *m, const struct envelope *e,
    const char *why)
{
	uint32_t	*dests = xmalloc(m->ndests * sizeof(*dests));
	uint32_t	 i, n = 0;
	char		 id[QID_TEXT];

	log_info("dropped id=%s why=\"%s\"", qid_format(m->qid, id), why);
	for (i = 0; i < m->ndests; i++)
		if (is_dropped(&m->dests[i], e))
			dests[n++] = i;
	tell(q, m, dests, n);
}

/* The first that is to be told of; they are told of one sender at a time. */
static bool
end_one(struct queue *q, struct message *m, enum notice_kind kind,
    const struct envelope *e)
{
	uint32_t	i;

	for (i = 0; i < m->ndests; i++)
		if (notice_is_about(kind, &m->dests[i]) &&
		    is_wanted(kind, &m->dests[i], e)) {
			m->flags |= M_NOTIFYING;
			notify(q, m, kind, i);
			return true;
		}
	return false;
}

/* It goes to the postmaster already: there is nobody behind him. */
static bool
is_to_postmaster(const struct queue *q, const struct message *m)
{
	struct arena	a = { 0 };
	struct envelope	e;
	bool		is;

	if (!(m->flags & M_DSN))
		return false;
	message_envelope(m, &a, &e);
	is = e.nrcpts == 1 && span_ieq(e.rcpts[0],
	    span_of(q->set.notify->postmaster));
	arena_clear(&a);
	return is;
}

/* What has no sender that could be told: the postmaster is; false: he is not. */
static bool
tell_double(struct queue *q, struct message *m)
{
	struct notice	*no;
	unsigned	 more;

	if (m->in_state[DEST_FAILED] == 0 || q->set.notify == NULL ||
	    is_to_postmaster(q, m) || message_is_tls_report(m) ||
	    !postmaster_wants(q, TOLD_DOUBLE, &more))
		return false;
	no = notice_new(q, m, NOTICE_FAILED, NOTICE_DOUBLE,
	    span_of(q->set.notify->postmaster));
	no->more = more;
	m->flags |= M_NOTIFYING;
	notice_go(no);
	return true;
}

/* Those that are left are settled after this one is written. */
void
bounce_ended(struct queue *q, struct message *m)
{
	struct arena	 a = { 0 };
	struct envelope	 e;

	if (m->flags & M_DSN || message_sender(m).n == 0) {
		if (!tell_double(q, m))
			drop(q, m, NULL, "no sender to tell");
		return;
	}
	message_envelope(m, &a, &e);
	if (!end_one(q, m, NOTICE_FAILED, &e) &&
	    !(m->in_state[DEST_FAILED] == 0 &&
	    end_one(q, m, NOTICE_ARRIVED, &e)))
		drop(q, m, &e, "NOTIFY says so");
	arena_clear(&a);
}

static void
tell_waiting(struct queue *q, struct message *m, enum notice_kind kind)
{
	const struct dest	*last = NULL;
	struct arena		 a = { 0 };
	struct envelope		 e;
	uint32_t		 i;

	if (m->flags & M_DSN || message_sender(m).n == 0)
		return;
	message_envelope(m, &a, &e);
	for (i = 0; i < m->ndests; i++) {
		const struct dest	*d = &m->dests[i];

		if (!notice_is_about(kind, d) || !is_wanted(kind, d, &e) ||
		    (last != NULL && dest_same_sender(last, d)))
			continue;	/* as nearly always */
		last = d;
		if (is_first(m, &e, i, kind))
			notify(q, m, kind, i);
	}
	arena_clear(&a);
}

void
bounce_delayed(struct queue *q, struct message *m)
{
	tell_waiting(q, m, NOTICE_DELAYED);
}

void
bounce_late(struct queue *q, struct message *m)
{
	tell_waiting(q, m, NOTICE_LATE);
}
