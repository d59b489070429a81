/*
 * targets.c - what route has said of recipients becomes targets.
 *
 * One target for a recipient is kept in memory alone: it is asked again after
 * a restart.  Several are an expansion, which the status log has before
 * anything is sent, so that those who have it do not get it again.
 */
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include <stdlib.h>

/* What an expansion becomes, while its record is on the way to the disk. */
struct expansion {
	struct queue	*q;
	uint64_t	 qid;
	uint32_t	 rcpt;
};

static void
later_or_never(struct queue *q, struct message *m, struct dest *d,
    const struct target *t)
{
	struct answer	an = { .code = t->code, .status = t->status,
	    .text = t->text, .when_ms = clock_wall_ms() };

	hop_unref(&q->sched, &d->hop);
	if (t->kind == TARGET_FAIL)
		dest_fail(q, m, d, &an);
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

/* The target says where this one goes. */
static void
apply(struct queue *q, struct message *m, struct dest *d,
    const struct target *t, struct span given)
{
	char	text[32];

	if (t->kind == TARGET_FAIL || t->kind == TARGET_LATER) {
		if (!says_nothing(t, given) && t->address.n > 0)
			dest_set_place(d, t);
		later_or_never(q, m, d, t);
		return;
	}
	if (t->kind == TARGET_DISCARD) {
		discard(q, m, d, t->address.n > 0 ? t->address : given);
		return;
	}
	hop_unref(&q->sched, &d->hop);
	if (t->kind == TARGET_DELIVER) {
		dest_set_place(d, t);
		d->hop = sched_hop(&q->sched,
		    span_of(local_hop(t->uid, t->gid, text)));
	} else {
		log_rewritten(m, t);
		dest_set_place(d, says_nothing(t, given) ? NULL : t);
		d->hop = sched_hop(&q->sched, t->hop);
	}
	d->state = DEST_READY;
}

static bool
is_open(const struct dest *d)
{
	return d->state == DEST_ROUTING || d->state == DEST_NEW ||
	    d->state == DEST_WAIT || d->state == DEST_READY;
}

/* The targets that a recipient has expanded to before, by address. */
struct known {
	struct htab	 by_address;	/* to index + 1 */
	uint16_t	 next_sub;
};

static void
known_init(struct known *k, const struct message *m, const struct envelope *e,
    uint32_t rcpt)
{
	uintptr_t	i;

	memset(k, 0, sizeof(*k));
	k->next_sub = 1;
	for (i = 0; i < m->ndests; i++) {
		const struct dest	*d = &m->dests[i];

		if (d->rcpt != rcpt)
			continue;
		if (d->sub >= k->next_sub)
			k->next_sub = (uint16_t)(d->sub + 1);
		if (d->flags & DEST_EXPANDED)
			htab_put(&k->by_address, dest_address(d, e),
			    (void *)(i + 1));
	}
}

/* The dest for one target of an expansion: known, the first, or one more. */
static struct dest *
dest_for(struct known *k, struct message *m, uint32_t rcpt,
    const struct target *t)
{
	uintptr_t	 at = (uintptr_t)htab_get(&k->by_address, t->address);
	struct dest	*d;

	if (at != 0)
		return &m->dests[at - 1];
	d = message_find_dest(m, rcpt, 0);
	if (d->flags & DEST_EXPANDED) {
		d = message_add_dests(m, 1);
		d->rcpt = rcpt;
		d->sub = k->next_sub++;
	}
	d->flags |= DEST_EXPANDED;
	d->state = DEST_ROUTING;
	htab_put(&k->by_address, t->address,
	    (void *)(uintptr_t)(d - m->dests + 1));
	return d;
}

static void
expansion_logged(void *arg)
{
	struct expansion *x = arg;
	struct message	*m = index_find(&x->q->index, x->qid);
	uint32_t	 i;

	for (i = 0; m != NULL && i < m->ndests; i++) {
		struct dest	*d = &m->dests[i];

		if (d->rcpt == x->rcpt && d->state == DEST_LOGGING)
			d->state = d->hop != NULL ? DEST_READY : DEST_NEW;
	}
	if (m != NULL)
		message_settle(x->q, m);
	free(x);
}

static void
record_expansion(struct queue *q, struct message *m, uint32_t rcpt,
    struct span list)
{
	struct record	 rec = { .type = REC_EXPANDED, .qid = m->qid,
	    .rcpt = rcpt, .list = list };
	struct expansion *x = xcalloc(1, sizeof(*x));

	*x = (struct expansion){ q, m->qid, rcpt };
	journal_add(q->journal, &rec);
	journal_sync(q->journal, expansion_logged, x);
}

/* Those of an earlier expansion that are not among the new targets: no more. */
static void
drop_others(struct queue *q, struct message *m, uint32_t rcpt)
{
	uint32_t	i;

	for (i = 0; i < m->ndests; i++) {
		struct dest	*d = &m->dests[i];

		if (d->rcpt != rcpt)
			continue;
		if (!(d->flags & DEST_NAMED) && is_open(d))
			dest_done(q, m, d);
		d->flags &= (uint8_t)~DEST_NAMED;
	}
}

/*
 * Several targets: they stand in the log before anything is sent, so that a
 * restart does not send to those again who have it.
 */
static void
expand(struct queue *q, struct message *m, const struct envelope *e,
    uint32_t rcpt, const struct target *t, size_t n)
{
	struct buf	 list = { 0 };
	struct known	 known;
	struct dest	*d;
	size_t		 i;

	known_init(&known, m, e, rcpt);
	record_list_begin(&list, (uint32_t)n);
	for (i = 0; i < n; i++) {
		d = dest_for(&known, m, rcpt, &t[i]);
		record_list_add(&list, d->sub, &t[i]);
		if ((d->flags & DEST_NAMED) || !is_open(d)) {
			d->flags |= DEST_NAMED;
			continue;	/* twice, has it, or gets it now */
		}
		d->flags |= DEST_NAMED;
		dest_set_place(d, &t[i]);
		apply(q, m, d, &t[i], SPAN_NONE);
		if (d->state == DEST_READY)
			d->state = DEST_LOGGING;
	}
	drop_others(q, m, rcpt);
	htab_clear(&known.by_address);
	record_expansion(q, m, rcpt, buf_span(&list));
	buf_clear(&list);
}

/* All targets of one recipient. */
static void
routed(struct queue *q, struct message *m, const struct envelope *e,
    uint32_t rcpt, const struct target *t, size_t n)
{
	struct dest	*d = message_find_dest(m, rcpt, 0);
	struct target	 none = { .kind = TARGET_DISCARD };

	if (d == NULL || (!(d->flags & DEST_EXPANDED) && !is_open(d)))
		return;
	if (n == 1 && t[0].kind == TARGET_LATER &&
	    (d->flags & DEST_EXPANDED)) {
		uint32_t	i;

		for (i = 0; i < m->ndests; i++)
			if (m->dests[i].rcpt == rcpt &&
			    m->dests[i].state == DEST_ROUTING)
				later_or_never(q, m, &m->dests[i], t);
	} else if (n > 1 || (d->flags & DEST_EXPANDED)) {
		expand(q, m, e, rcpt, t, n);
	} else {
		apply(q, m, d, n == 1 ? t : &none, e->rcpts[rcpt]);
	}
}

static int
by_rcpt(const void *a, const void *b)
{
	const struct target	*x = a, *y = b;

	return x->rcpt < y->rcpt ? -1 : x->rcpt > y->rcpt;
}

/* What was asked and has no target: route has nothing to say of it. */
static void
settle_rest(struct queue *q, struct message *m, const struct envelope *e)
{
	uint32_t	i, n = m->ndests;

	for (i = 0; i < n; i++)
		if (m->dests[i].state == DEST_ROUTING)
			routed(q, m, e, m->dests[i].rcpt, NULL, 0);
}

void
targets_apply(struct queue *q, struct message *m, struct target *t, size_t n)
{
	struct arena	 a = { 0 };
	struct envelope	 e;
	size_t		 i, k;
	bool		 sorted = true;

	message_envelope(m, &a, &e);
	for (i = 1; i < n && sorted; i++)
		sorted = t[i - 1].rcpt <= t[i].rcpt;
	if (!sorted)
		qsort(t, n, sizeof(*t), by_rcpt);
	for (i = 0; i < n; i = k) {
		for (k = i + 1; k < n && t[k].rcpt == t[i].rcpt; k++)
			;
		if (t[i].rcpt < e.nrcpts)
			routed(q, m, &e, t[i].rcpt, t + i, k - i);
	}
	settle_rest(q, m, &e);
	arena_clear(&a);
}
