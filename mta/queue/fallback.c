/*
 * fallback.c - from a hop that takes nothing to its fallback.
 */
#include "mta/queue/fallback.h"

#include "base/log.h"
#include "mta/msg/hop.h"
#include "mta/queue/lifetimes.h"
#include "mta/queue/queue.h"

#define LOOK_S		30	/* what stands in line is looked at so often */
#define REPLY_MAX	480	/* octets of each of the two replies that are told */
#define BEFORE		" (before the fallback, "

/* Mail to content filters and LMTP has no other way. */
static bool
may_leave(const struct hop *h)
{
	struct span	text = span_mem(h->text, h->text_n);

	return hop_is(text, HOP_TO_MX) || hop_is(text, HOP_TO_HOST) ||
	    hop_is(text, HOP_TO_RELAY);
}

static bool
is_due(const struct message *m, const struct dest *d)
{
	const struct terms	*t;

	if (d->hop == NULL || d->flags & DEST_FALLBACK ||
	    (t = d->hop->terms)->fallback == NULL || !may_leave(d->hop))
		return false;
	return strcmp(d->hop->text, t->fallback) != 0 &&
	    message_aged_s(m, t->fallback_ms) <= index_now_s();
}

static void
change_hop(struct queue *q, struct message *m, struct dest *d)
{
	const char	*to = d->hop->terms->fallback;
	char		 id[QID_TEXT];

	log_info("event=fallback id=%s rcpt=%u from=%s to=%s",
	    qid_format(m->qid, id), d->rcpt, d->hop->text, to);
	hop_unref(&q->sched, &d->hop);
	d->hop = sched_hop(&q->sched, span_of(to));
	d->flags |= DEST_FALLBACK;
}

bool
fallback_deferred(struct queue *q, struct message *m, struct dest *d)
{
	if (!is_due(m, d))
		return false;
	change_hop(q, m, d);
	dest_set_state(m, d, DEST_READY);
	return true;
}

void
fallback_ready(struct queue *q, struct message *m)
{
	uint32_t	 i;
	struct dest	*d;

	for (i = m->ready.first; i != 0; i = d->next) {
		d = &m->dests[i - 1];
		if (d->hop->site->dead && is_due(m, d))
			change_hop(q, m, d);
	}
}

static bool
is_stuck(const struct message *m, const struct dest *d)
{
	return d->state == DEST_READY && d->hop != NULL &&
	    d->hop->site->dead && is_due(m, d);
}

void
fallback_waiting(struct queue *q, struct message *m)
{
	uint32_t	i;

	if (m->in_state[DEST_READY] == 0 || fallback_wake_s(q, m) == 0)
		return;
	for (i = 0; i < m->ndests && !is_stuck(m, &m->dests[i]); i++)
		;
	if (i == m->ndests)
		return;
	sched_forget(&q->sched, m);
	for (i = 0; i < m->ndests; i++) {
		struct dest	*d = &m->dests[i];

		if (is_stuck(m, d))
			change_hop(q, m, d);
		if (d->state == DEST_READY)
			dest_set_state(m, d, DEST_READY);	/* in line again */
	}
}

/* The least age at which the policy has a fallback; -1: it has none. */
static int64_t
least_ms(const struct queue *q)
{
	const struct terms	*t = &q->sched.general;

	if (q->terms != NULL)
		return terms_fallback_ms(q->terms);
	return t->fallback == NULL ? -1 : t->fallback_ms;
}

uint32_t
fallback_wake_s(const struct queue *q, const struct message *m)
{
	int64_t		least = least_ms(q);
	uint32_t	at;

	if (least < 0 || m->in_state[DEST_READY] == 0)
		return 0;
	at = message_aged_s(m, least);
	return at > index_now_s() ? at : index_now_s() + LOOK_S;
}

/* --- both replies */

/* What the hop had said, as the last answer keeps it; " (before ...)". */
static struct span
said_before(const struct answer *last)
{
	struct span	mark = SPAN(BEFORE);
	size_t		i;

	for (i = 0; i + mark.n <= last->text.n; i++)
		if (span_prefix(span_from(last->text, i), mark))
			return span_from(last->text, i);
	return SPAN_NONE;
}

static struct span
cut(struct span s)
{
	return s.n > REPLY_MAX ? span_mem(s.p, REPLY_MAX) : s;
}

struct answer
fallback_answer(const struct dest *d, const struct answer *an,
    struct buf *text)
{
	struct answer	last, both = *an;
	struct span	before;

	if (!(d->flags & DEST_FALLBACK) || !dest_answer(d, &last))
		return both;
	before = said_before(&last);
	buf_add_span(text, cut(an->text));
	if (before.n > 0)
		buf_add_span(text, before);
	else
		buf_addf(text, BEFORE "%.*s: %u %.*s)", last.mta.n == 0 ? 1 :
		    (int)last.mta.n, last.mta.n == 0 ? "-" : last.mta.p,
		    last.code, SPAN_ARG(cut(last.text)));
	both.text = buf_span(text);
	return both;
}
