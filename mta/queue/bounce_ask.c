/*
 * bounce_ask.c - `on bounce`: the hook is asked by route before a notification
 * is written; the queue evaluates nothing.
 *
 * A question that is lost, or not answered in time, has the notification
 * written as without the hook: it is never lost for that.
 */
#include "mta/queue/notice.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/bounce.h"
#include "mta/msg/msg.h"
#include "mta/queue/notify_set.h"

#include <stdlib.h>

#define ANSWER_MS	(30 * 1000)
#define ASKED_MAX	1000	/* at once; what is more is not asked about */
#define ADDRESS_MAX	320

struct asks {
	struct queue	*q;
	struct notice	*first, *last;	/* the oldest first */
	unsigned	 n;
	uint64_t	 ticket;
};

void
asks_open(struct queue *q)
{
	q->asks = xcalloc(1, sizeof(*q->asks));
	q->asks->q = q;
}

/* --- those that wait */

static void
add(struct asks *a, struct notice *no)
{
	no->ticket = ++a->ticket;
	no->asked_ms = clock_boot_ms();
	no->prev = a->last;
	no->next = NULL;
	if (a->last != NULL)
		a->last->next = no;
	else
		a->first = no;
	a->last = no;
	a->n++;
}

static void
take(struct asks *a, struct notice *no)
{
	if (no->prev != NULL)
		no->prev->next = no->next;
	else
		a->first = no->next;
	if (no->next != NULL)
		no->next->prev = no->prev;
	else
		a->last = no->prev;
	no->prev = no->next = NULL;
	a->n--;
}

static struct notice *
find(const struct asks *a, uint64_t ticket)
{
	struct notice	*no = a->first;

	while (no != NULL && no->ticket != ticket)
		no = no->next;
	return no;
}

/* --- asking */

static enum bounce_kind
kind_of(const struct notice *no)
{
	switch (no->kind) {
	case NOTICE_FAILED:
		return BOUNCE_FAILED;
	case NOTICE_DELAYED:
		return BOUNCE_DELAYED;
	case NOTICE_LATE:
		return BOUNCE_LATE;
	default:
		return BOUNCE_ARRIVED;
	}
}

/* The most attempts, and the status of the first that it is about. */
static uint32_t
look(const struct notice *no, const struct message *m, struct span *status)
{
	struct answer	an;
	uint32_t	i, most = 0;

	*status = SPAN_NONE;
	for (i = 0; i < m->ndests; i++) {
		const struct dest	*d = &m->dests[i];

		if (d->attempts > most)
			most = d->attempts;
		if (status->n == 0 && notice_is_about(no->kind, d) &&
		    dest_answer(d, &an))
			*status = an.status;
	}
	return most;
}

bool
asks_begin(struct notice *no, const struct message *m)
{
	struct queue	*q = no->q;
	struct chan	*c = router_chan(q);
	struct span	 status;
	uint32_t	 attempts;

	if (q->set.notify == NULL || !q->set.notify->asks || c == NULL ||
	    q->asks->n >= ASKED_MAX)
		return false;
	attempts = look(no, m, &status);
	add(q->asks, no);
	chan_begin(c, MSG_BOUNCE_ASK);
	chan_u64(c, no->ticket);
	chan_bytes(c, span_mem(m->env, m->env_n));
	chan_u32(c, attempts);
	chan_u8(c, (uint8_t)kind_of(no));
	chan_bytes(c, status);
	chan_end(c);
	return true;
}

/* --- answers */

static bool
take_copies(struct notice *no, struct msg *msg)
{
	uint32_t	i, n = msg_u32(msg);
	struct span	address;

	if (msg->bad || n > BOUNCE_COPIES_MAX)
		return false;
	for (i = 0; i < n; i++) {
		address = msg_bytes(msg, ADDRESS_MAX);
		if (no == NULL || address.n == 0 || span_has_control(address))
			continue;
		buf_add_span(&no->copies, address);
		buf_add_char(&no->copies, '\n');
	}
	return msg_end(msg);
}

bool
asks_answered(struct queue *q, struct msg *msg)
{
	struct notice	*no = find(q->asks, msg_u64(msg));
	uint8_t		 verdict = msg_u8(msg);
	bool		 header_only = msg_u8(msg) != 0;
	struct span	 language = msg_bytes(msg, DSN_LANGUAGE_MAX);

	if (msg->bad || !take_copies(no, msg))
		return false;
	if (no == NULL)
		return true;		/* it took too long */
	take(q->asks, no);
	no->header_only = header_only;
	buf_add_span(&no->language, language);
	if (verdict == BOUNCE_DISCARD)
		notice_discard(no);
	else
		notice_go(no);
	return true;
}

/* Goes out as without the hook. */
static void
give_up(struct asks *a, struct notice *no)
{
	char	id[QID_TEXT];

	log_warnx("event=bounce-not-asked id=%s", qid_format(no->about, id));
	take(a, no);
	notice_go(no);
}

void
asks_lost(struct queue *q)
{
	while (q->asks->first != NULL)
		give_up(q->asks, q->asks->first);
}

void
asks_tick(struct queue *q)
{
	int64_t	now = clock_boot_ms();

	while (q->asks->first != NULL &&
	    now - q->asks->first->asked_ms > ANSWER_MS)
		give_up(q->asks, q->asks->first);
}
