/*
 * replay.c - what had become of a message's targets; replay.h.
 */
#include "mta/queue/doing.h"
#include "mta/queue/kept.h"
#include "mta/queue/replay.h"
#include "mta/queue/way.h"

#include "base/clock.h"
#include "base/xalloc.h"

#include <stdlib.h>

/* A message whose events are being applied. */
struct replay {
	struct queue	*q;
	struct message	*m;
	struct htab	 by_sub;	/* what recipients expand to: number + 1 */
	struct htab	 open;		/* recipients with parts, and no end yet */
};

struct sub_key {
	uint32_t	rcpt, sub;
};

static struct dest *
find_dest(struct replay *p, uint32_t rcpt, uint32_t sub)
{
	struct sub_key	k = { rcpt, sub };
	uintptr_t	at;

	if (sub == 0)
		return message_first_dest(p->m, rcpt);
	at = (uintptr_t)htab_get(&p->by_sub, span_mem(&k, sizeof(k)));
	return at == 0 ? NULL : &p->m->dests[at - 1];
}

static struct dest *
add_dest(struct replay *p, uint32_t rcpt, uint32_t sub)
{
	struct sub_key	 k = { rcpt, sub };
	struct dest	*d = message_add_dests(p->m, 1);

	d->rcpt = rcpt;
	d->sub = sub;
	htab_put(&p->by_sub, span_mem(&k, sizeof(k)),
	    (void *)(uintptr_t)p->m->ndests);
	return d;
}

/* The targets of a list. */
static void
apply_list(struct replay *p, const struct record *r)
{
	struct span	 list = r->list;
	struct target	 t;
	struct dest	*d;
	uint32_t	 i, sub, n = record_list_count(&list);

	if (message_first_dest(p->m, r->rcpt) == NULL)
		return;
	for (i = 0; i < n && record_list_next(&list, &sub, &t); i++) {
		d = find_dest(p, r->rcpt, sub);
		if (d == NULL)
			d = add_dest(p, r->rcpt, sub);
		d->flags |= DEST_EXPANDED | DEST_NAMED;
		if (d->state != DEST_DONE)
			dest_set_place(d, &t);
	}
}

static void
done(struct message *m, struct dest *d)
{
	dest_set_state(m, d, DEST_DONE);
	m->nopen--;
}

/* All at once: those that it does not name are no more. */
static void
apply_expanded(struct replay *p, const struct record *r)
{
	struct message	*m = p->m;
	struct dest	*d;
	uint32_t	 i;

	apply_list(p, r);
	for (i = 0; i < m->ndests; i++) {
		d = &m->dests[i];
		if (d->rcpt != r->rcpt)
			continue;
		if (!(d->flags & DEST_NAMED) && d->state != DEST_DONE)
			done(m, d);
		d->flags &= (uint8_t)~DEST_NAMED;
	}
}

static struct span
rcpt_key(const struct record *r)
{
	return span_mem(&r->rcpt, sizeof(r->rcpt));
}

static void
apply_expansion(struct replay *p, const struct record *r)
{
	switch (r->type) {
	case REC_EXPANDED:
		apply_expanded(p, r);
		break;
	case REC_PART:
		apply_list(p, r);
		htab_put(&p->open, rcpt_key(r), p);
		break;
	case REC_WHOLE:
		htab_del(&p->open, rcpt_key(r));
		break;
	}
}

/*
 * The log ends in the middle of an expansion: nothing of it was sent yet.  One
 * more target of the recipient has it routed again, even where all that the
 * log names is done.
 */
static void
ask_again(struct replay *p)
{
	struct message	*m = p->m;
	struct span	 key;
	size_t		 pos = 0;
	uint32_t	 rcpt, sub, i;
	void		*v;

	while (htab_next(&p->open, &pos, &key, &v)) {
		memcpy(&rcpt, key.p, sizeof(rcpt));
		for (sub = i = 0; i < m->ndests; i++)
			if (m->dests[i].rcpt == rcpt && m->dests[i].sub > sub)
				sub = m->dests[i].sub;
		add_dest(p, rcpt, sub + 1);
	}
}

static void
apply_deferred(struct queue *q, struct message *m, struct dest *d,
    const struct record *r)
{
	struct answer	an = { .code = r->code, .status = r->status,
	    .mta = r->mta, .text = r->text, .when_ms = clock_wall_ms() };
	int64_t		wait_ms = r->next_ms - clock_wall_ms();
	int64_t		most = 2 * terms_retry_ms(&q->sched.general,
	    error_class_of(r->code, r->status), UINT16_MAX, 0);

	/* The wall clock may have been set: never longer than a wait is. */
	if (wait_ms > most)
		wait_ms = most;
	d->attempts = r->attempts;
	dest_wait(m, d, index_now_s() +
	    (wait_ms > 0 ? (uint32_t)(wait_ms / 1000) : 0));
	dest_set_answer(d, &an);
}

/* It is not sent again; only its sender is told. */
static void
apply_arrived(struct message *m, struct dest *d, const struct record *r)
{
	struct target	expanded = { .kind = TARGET_EXPANDED };
	struct answer	an = { .code = r->code, .status = r->status,
	    .mta = r->mta, .text = r->text, .when_ms = clock_wall_ms() };

	if (r->how == RECORD_RELAYED)
		d->flags |= DEST_RELAYED;
	else if (r->how == RECORD_WAS_EXPANDED && d->place == NULL)
		dest_set_place(d, &expanded);
	dest_set_state(m, d, DEST_ARRIVED);
	dest_set_answer(d, &an);
}

static void
apply_to_dest(struct queue *q, struct message *m, struct dest *d,
    const struct record *r)
{
	if (d == NULL || d->state == DEST_DONE)
		return;
	switch (r->type) {
	case REC_DONE:
		done(m, d);
		break;
	case REC_DEFERRED:
		apply_deferred(q, m, d, r);
		break;
	case REC_PREPARED:
		free(d->name);
		d->name = xstrndup(r->name.p, r->name.n);
		dest_set_place(d, &r->target);
		d->flags |= DEST_PREPARED;
		break;
	case REC_ARRIVED:
		apply_arrived(m, d, r);
		break;
	case REC_REROUTED:
		reroute_replay(q, d, r);
		break;
	case REC_WAY:
		way_replay(d, r);
		break;
	}
}

static void
apply_events(struct queue *q, struct message *m, const struct past_event *e)
{
	struct replay		 p = { .q = q, .m = m };
	struct record		 r;
	uint32_t		 i;

	for (; e != NULL; e = e->next) {
		if (record_parse(e->octets, &r) == -1)
			continue;	/* it has been parsed before */
		if (r.type == REC_WARNED)
			m->warned += m->warned < UINT8_MAX;
		else if (r.type == REC_LATE)
			m->flags |= M_LATE;
		else if (r.type == REC_HELD || r.type == REC_RELEASED)
			kept_replay(q, m, &r);
		else if (r.type == REC_EXPANDED || r.type == REC_PART ||
		    r.type == REC_WHOLE)
			apply_expansion(&p, &r);
		else
			apply_to_dest(q, m, find_dest(&p, r.rcpt, r.sub), &r);
	}
	ask_again(&p);
	for (i = 0; i < m->ndests; i++)
		m->dests[i].flags &= (uint8_t)~DEST_NAMED;
	htab_clear(&p.by_sub);
	htab_clear(&p.open);
}

/* What is prepared is only committed; what has waited waits on. */
static void
ready_prepared(struct queue *q, struct message *m)
{
	struct target	t;
	char		text[32];
	uint32_t	i;

	for (i = 0; i < m->ndests; i++) {
		struct dest	*d = &m->dests[i];

		if (d->state == DEST_DONE || d->state == DEST_ARRIVED ||
		    !(d->flags & DEST_PREPARED) || !dest_place(d, &t))
			continue;
		d->hop = sched_hop(&q->sched, span_of(local_hop(&t, text)));
		if (d->state == DEST_NEW)
			dest_set_state(m, d, DEST_READY);
	}
}

/*
 * What has a hop by hand needs no routing.  Not before the log's end: what
 * stands in a line is nothing that a later record could change.
 */
static void
ready_pinned(struct message *m)
{
	uint32_t	i;

	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].state == DEST_NEW &&
		    m->dests[i].flags & DEST_PINNED)
			dest_set_state(m, &m->dests[i], DEST_READY);
}

/* A recipient that has become several: so much is done. */
static void
arrive_expanded(struct message *m)
{
	struct target	t;
	uint32_t	i;

	for (i = 0; i < m->ndests; i++) {
		struct dest	*d = &m->dests[i];

		if (d->state == DEST_NEW && dest_place(d, &t) &&
		    t.kind == TARGET_EXPANDED)
			dest_set_state(m, d, DEST_ARRIVED);
	}
}

void
replay_events(struct queue *q, struct message *m, const struct past_event *e)
{
	apply_events(q, m, e);
	ready_prepared(q, m);
	ready_pinned(m);
	if (m->flags & M_TELLS)
		arrive_expanded(m);
}
