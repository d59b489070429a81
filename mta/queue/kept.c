/*
 * kept.c - what is on hold or in quarantine; kept.h.
 */
#include "mta/queue/kept.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/spool/attributes.h"

#include <stdlib.h>

/* By hand; of the policy's the envelope says it. */
struct entry {
	int64_t		since_ms;
	uint32_t	uid;
	uint16_t	why_n;
	char		why[];
};

static struct span
key_of(const struct message *m)
{
	return span_mem(&m->qid, sizeof(m->qid));
}

static void
put_entry(struct queue *q, const struct message *m, const struct kept *k)
{
	struct entry	*e = xmalloc(sizeof(*e) + k->why.n);

	*e = (struct entry){ .since_ms = k->since_ms, .uid = k->uid,
	    .why_n = (uint16_t)k->why.n };
	if (k->why.n > 0)
		memcpy(e->why, k->why.p, k->why.n);
	free(htab_put(&q->kept, key_of(m), e));
}

static void
forget_entry(struct queue *q, const struct message *m)
{
	free(htab_del(&q->kept, key_of(m)));
}

/* --- asking */

const char *
kept_name(unsigned how)
{
	return how == KEPT_QUARANTINE ? "quarantine" : "hold";
}

bool
kept_ask(const struct queue *q, const struct message *m, struct arena *a,
    struct kept *k)
{
	const struct entry	*by_hand;
	struct envelope		 e;
	struct span		 why;

	if (!(m->flags & M_HELD))
		return false;
	*k = (struct kept){ .how = m->flags & M_QUARANTINED ?
	    KEPT_QUARANTINE : KEPT_HOLD };
	if ((by_hand = htab_get(&q->kept, key_of(m))) != NULL) {
		k->by_hand = true;
		k->uid = by_hand->uid;
		k->since_ms = by_hand->since_ms;
		k->why = arena_span(a, span_mem(by_hand->why, by_hand->why_n));
		return true;
	}
	message_envelope(m, a, &e);
	(void)attr_kept(&e, &why);
	k->since_ms = e.arrival_ms;
	k->why = arena_span(a, why);
	return true;
}

int64_t
kept_until_ms(const struct queue *q, const struct message *m)
{
	if (!(m->flags & M_QUARANTINED) || q->set.quarantine_ms == 0)
		return 0;
	return (int64_t)m->arrival_s * 1000 + q->set.quarantine_ms;
}

/* --- how many there are */

static void
count(struct queue *q, const struct message *m, int one)
{
	if (m->flags & M_QUARANTINED)
		q->nquarantined += (size_t)one;
	else if (m->flags & M_HELD)
		q->nheld += (size_t)one;
}

static void
set_how(struct queue *q, struct message *m, unsigned how)
{
	count(q, m, -1);
	m->flags &= (uint16_t)~(M_HELD | M_QUARANTINED);
	if (how != KEPT_NOT)
		m->flags |= M_HELD;
	if (how == KEPT_QUARANTINE)
		m->flags |= M_QUARANTINED;
	count(q, m, 1);
}

void
kept_enter(struct queue *q, const struct message *m)
{
	count(q, m, 1);
}

void
kept_leave(struct queue *q, const struct message *m)
{
	count(q, m, -1);
	forget_entry(q, m);
}

void
kept_clear(struct queue *q)
{
	struct span	 key;
	size_t		 pos = 0;
	void		*v;

	while (htab_next(&q->kept, &pos, &key, &v))
		free(v);
	htab_clear(&q->kept);
}

/* --- by hand */

static void
add_held(struct queue *q, const struct message *m, const struct kept *k)
{
	struct record	r = { .type = REC_HELD, .qid = m->qid,
	    .kept = (uint8_t)k->how, .uid = k->uid, .next_ms = k->since_ms,
	    .text = k->why };

	journal_add(q->journal, &r);
}

/* What waits with a file in a mailbox's tmp/ does not wait with the others. */
static void
wake_prepared(struct message *m)
{
	uint32_t	i;

	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].state == DEST_WAIT &&
		    m->dests[i].flags & DEST_PREPARED)
			dest_wake(m, &m->dests[i]);
}

bool
message_hold(struct queue *q, struct message *m, uint32_t uid,
    struct span why)
{
	struct kept	k = { .how = KEPT_HOLD, .by_hand = true, .uid = uid,
	    .since_ms = clock_wall_ms(), .why = why };
	char		id[QID_TEXT];

	if ((m->flags & (M_HELD | M_QUARANTINED)) == M_HELD)
		return false;
	if (k.why.n > KEPT_WHY_MAX)
		k.why.n = KEPT_WHY_MAX;
	log_info("held id=%s by=uid:%u why=%s", qid_format(m->qid, id),
	    (unsigned)uid, log_quote(k.why));
	set_how(q, m, KEPT_HOLD);
	put_entry(q, m, &k);
	add_held(q, m, &k);
	sched_forget(&q->sched, m);
	wake_prepared(m);
	message_settle(q, m);
	return true;
}

/* Nothing has been tried for so long: what waited for a time is due. */
static void
wake_all(struct message *m)
{
	uint32_t	i;

	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].state == DEST_WAIT)
			dest_wake(m, &m->dests[i]);
}

bool
message_release(struct queue *q, struct message *m, uint32_t uid)
{
	struct record	r = { .type = REC_RELEASED, .qid = m->qid,
	    .next_ms = clock_wall_ms() };
	char		id[QID_TEXT];

	if (!(m->flags & M_HELD))
		return false;
	log_info("released id=%s by=uid:%u from=%s", qid_format(m->qid, id),
	    (unsigned)uid, m->flags & M_QUARANTINED ? "quarantine" : "hold");
	set_how(q, m, KEPT_NOT);
	forget_entry(q, m);
	m->flags |= M_RELEASED;
	m->arrival_s = (uint32_t)(r.next_ms / 1000);
	journal_add(q->journal, &r);
	wake_all(m);
	message_line_up(m, 0);
	message_settle(q, m);
	return true;
}

/* --- while it is kept */

void
kept_settle(struct queue *q, struct message *m)
{
	if (m->in_state[DEST_READY] == 0)
		return;
	sched_forget(&q->sched, m);
	message_line_up(m, DEST_PREPARED);
	if (m->ready.first != 0)
		sched_ready(&q->sched, m);
}

bool
kept_expire(struct queue *q, struct message *m)
{
	int64_t	until = kept_until_ms(q, m);

	if (until == 0 || until > clock_wall_ms())
		return false;
	message_remove(q, m, "quarantine is over");
	return true;
}

/* --- the log */

void
kept_replay(struct queue *q, struct message *m, const struct record *r)
{
	struct kept	k = { .how = KEPT_HOLD, .uid = r->uid,
	    .since_ms = r->next_ms, .why = r->text };

	m->flags &= (uint16_t)~(M_HELD | M_QUARANTINED);
	if (r->type == REC_RELEASED) {
		forget_entry(q, m);
		m->flags |= M_RELEASED;
		m->arrival_s = (uint32_t)(r->next_ms / 1000);
		return;
	}
	if (k.why.n > KEPT_WHY_MAX)
		k.why.n = KEPT_WHY_MAX;
	m->flags |= M_HELD;
	put_entry(q, m, &k);
}

/* In this order: on hold again after it was released. */
void
kept_dump(const struct queue *q, struct journal *j, const struct message *m)
{
	const struct entry	*e = htab_get(&q->kept, key_of(m));
	struct record		 r = { .qid = m->qid };

	if (m->flags & M_RELEASED) {
		r.type = REC_RELEASED;
		r.next_ms = (int64_t)m->arrival_s * 1000;
		journal_dump(j, &r);
	}
	if (e == NULL)
		return;
	r.type = REC_HELD;
	r.kept = KEPT_HOLD;
	r.uid = e->uid;
	r.next_ms = e->since_ms;
	r.text = span_mem(e->why, e->why_n);
	journal_dump(j, &r);
}
