/*
 * targets.c - where one target goes, as route has said.
 */
#include "mta/queue/notify.h"
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"

void
target_refuse(struct queue *q, struct message *m, struct dest *d,
    const struct target *t)
{
	struct answer	an = { .code = t->code, .status = t->status,
	    .text = t->text, .when_ms = clock_wall_ms() };

	hop_unref(&q->sched, &d->hop);
	if (t->kind == TARGET_FAIL)
		dest_refused(q, m, d, &an);
	else
		dest_defer(q, m, d, &an);
}

static void
discard(struct queue *q, struct message *m, struct dest *d, struct span to)
{
	char	id[QID_TEXT];

	log_info("discarded id=%s to=%s", qid_format(m->qid, id),
	    log_quote(to));
	q->count.discarded++;
	dest_done(q, m, d);
}

/* All that it leads to gets the message as another recipient of it. */
static void
merge(struct queue *q, struct message *m, struct dest *d, struct span to)
{
	char	id[QID_TEXT];

	log_info("merged id=%s to=%s why=\"it goes as another recipient\"",
	    qid_format(m->qid, id), log_quote(to));
	dest_done(q, m, d);
}

/* A place at the hop that is the recipient as it was given. */
static bool
says_nothing(const struct target *t, struct span given)
{
	return span_eq(t->address, given) && t->mail_from.n == 0 &&
	    t->rcpt_to.n == 0;
}

/* One that leaves with another envelope: what is read of it elsewhere. */
static void
log_rewritten(const struct message *m, const struct target *t)
{
	char	id[QID_TEXT];

	if (t->mail_from.n == 0 && t->rcpt_to.n == 0)
		return;
	log_info("rewritten id=%s to=%s mail_from=%s rcpt_to=%s",
	    qid_format(m->qid, id), log_quote(t->address),
	    t->mail_from.n > 0 ? log_quote(t->mail_from) : "-",
	    t->rcpt_to.n > 0 ? log_quote(t->rcpt_to) : "-");
}

/* Its sender wants to know that it has arrived: so much can be said of it. */
static bool
is_told(const struct message *m, const struct dest *d)
{
	struct arena	a = { 0 };
	struct envelope	e;
	bool		told;

	if (!(m->flags & M_TELLS) || d->flags & DEST_EXPANDED)
		return false;
	message_envelope(m, &a, &e);
	told = notify_expanded(d->rcpt, &e);
	arena_clear(&a);
	return told;
}

void
target_apply(struct queue *q, struct message *m, struct dest *d,
    const struct target *t, struct span given, unsigned then)
{
	char	text[32];

	if (t->kind == TARGET_FAIL || t->kind == TARGET_LATER) {
		if (then != DEST_LOGGING && !says_nothing(t, given) &&
		    t->address.n > 0)
			dest_set_place(d, t);
		target_refuse(q, m, d, t);
		return;
	}
	if (t->kind == TARGET_EXPANDED && is_told(m, d)) {
		dest_set_place(d, t);
		dest_arrive(q, m, d, &(struct answer){ .code = 250,
		    .status = SPAN("2.1.5"), .when_ms = clock_wall_ms() },
		    false);
		return;
	}
	if (t->kind == TARGET_EXPANDED) {
		merge(q, m, d, t->address.n > 0 ? t->address : given);
		return;
	}
	if (t->kind == TARGET_DISCARD) {
		discard(q, m, d, t->address.n > 0 ? t->address : given);
		return;
	}
	hop_unref(&q->sched, &d->hop);
	d->flags &= (uint8_t)~DEST_FALLBACK;
	if (target_is_local(t)) {
		if (then != DEST_LOGGING)
			dest_set_place(d, t);
		d->hop = sched_hop(&q->sched, span_of(local_hop(t, text)));
	} else {
		log_rewritten(m, t);
		if (then != DEST_LOGGING)
			dest_set_place(d, says_nothing(t, given) ? NULL : t);
		d->hop = sched_hop(&q->sched, t->hop);
	}
	dest_set_state(m, d, then);
}
