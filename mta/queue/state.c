/*
 * state.c - the live state as records of the status log, for a checkpoint.
 *
 * The first slice names counters and segments; what stands in a segment below
 * the offset that it names is in the index now, and so in a later slice,
 * unless it is finished by then.
 */
#include "mta/queue/kept.h"
#include "mta/queue/way.h"

#define SLICE	1000	/* targets */

/* --- segments */

static void
dump_segment(struct journal *j, const struct segment *g)
{
	struct record	r = { .segment = g->id, .offset = g->known,
	    .end = g->end, .writer = g->writer == SEGMENT_BY_QUEUE ?
	    RECORD_BY_QUEUE : RECORD_BY_SMTP };

	if (g->state == SEGMENT_FREE || g->state == SEGMENT_FREEING) {
		r.type = REC_FREED;
		journal_dump(j, &r);
		return;
	}
	r.type = REC_SEGMENT;
	journal_dump(j, &r);
	if (g->state == SEGMENT_SEALED) {
		r.type = REC_SEALED;
		journal_dump(j, &r);
	}
}

static void
dump_frame(struct queue *q, struct journal *j)
{
	struct record	 r = { .type = REC_COUNTERS, .qid = q->max_qid,
	    .max_segment = q->segments.max_id,
	    .max_generation = q->segments.max_generation };
	struct segment	*g;

	journal_dump(j, &r);
	for (g = q->segments.first; g != NULL; g = g->next)
		dump_segment(j, g);
}

/* --- messages */

/* The targets from here on that one recipient has expanded to; behind them. */
static uint32_t
dump_run(struct journal *j, const struct message *m, uint32_t from,
    uint32_t to)
{
	struct record	 r = { .type = REC_PART, .qid = m->qid,
	    .rcpt = m->dests[from].rcpt };
	struct buf	 list = { 0 };
	struct target	 t;
	uint32_t	 i;

	record_list_begin(&list, 0);
	for (i = from; i < to && m->dests[i].rcpt == r.rcpt &&
	    m->dests[i].flags & DEST_EXPANDED &&
	    dest_place(&m->dests[i], &t); i++)
		record_list_add(&list, m->dests[i].sub, &t);
	record_list_counted(&list, i - from);
	r.list = buf_span(&list);
	if (i > from)
		journal_dump(j, &r);
	buf_clear(&list);
	return i > from ? i : from + 1;
}

static void
dump_expansions(struct journal *j, const struct message *m, uint32_t from,
    uint32_t to)
{
	while (from < to)
		if (m->dests[from].flags & DEST_EXPANDED)
			from = dump_run(j, m, from, to);
		else
			from++;
}

static void
put_answer(struct record *r, const struct answer *an)
{
	r->code = an->code;
	r->status = an->status;
	r->mta = an->mta;
	r->text = an->text;
}

static void
dump_dest(struct journal *j, const struct message *m, const struct dest *d)
{
	struct record	r = { .qid = m->qid, .rcpt = d->rcpt, .sub = d->sub,
	    .attempts = d->attempts, .next_ms = dest_next_ms(d) };
	struct answer	an;

	if (d->state == DEST_DONE) {
		r.type = REC_DONE;
		journal_dump(j, &r);
		return;
	}
	if (d->state == DEST_ARRIVED && dest_answer(d, &an)) {
		r.type = REC_ARRIVED;
		r.how = dest_how(d);
		put_answer(&r, &an);
		journal_dump(j, &r);
		if (way_record(m, d, &an, &r))
			journal_dump(j, &r);
		return;
	}
	/* Also while its record is on the way to the disk: in the old file. */
	if (d->name != NULL && dest_place(d, &r.target)) {
		r.type = REC_PREPARED;
		r.name = span_of(d->name);
		journal_dump(j, &r);
	}
	if (d->flags & DEST_PINNED && dest_place(d, &r.target)) {
		r.type = REC_REROUTED;
		journal_dump(j, &r);
	}
	if (d->attempts > 0 && dest_answer(d, &an)) {
		r.type = REC_DEFERRED;
		put_answer(&r, &an);
		journal_dump(j, &r);
		if (way_record(m, d, &an, &r))
			journal_dump(j, &r);
	}
}

static void
dump_head(const struct queue *q, struct journal *j, const struct message *m)
{
	struct record	r = message_record(m, m->seg, message_offset(m));
	unsigned	n;

	journal_dump(j, &r);
	r.type = REC_WARNED;
	for (n = 0; n < m->warned; n++)
		journal_dump(j, &r);
	if (m->flags & M_LATE) {
		r.type = REC_LATE;
		journal_dump(j, &r);
	}
	kept_dump(q, j, m);
}

/* What is being expanded just now will say itself that it is whole. */
static void
dump_ends(struct queue *q, struct journal *j, const struct message *m)
{
	struct record	r = { .type = REC_WHOLE, .qid = m->qid };
	uint32_t	i;

	for (i = 0; i < m->ndests && m->dests[i].sub == 0; i++) {
		r.rcpt = m->dests[i].rcpt;
		if (m->dests[i].flags & DEST_EXPANDED &&
		    !router_expands(q, m->qid, r.rcpt))
			journal_dump(j, &r);
	}
}

/*
 * Targets from *at on, at most n: what changes meanwhile goes into the new log
 * itself, and a target that is added stands at the end.
 */
static uint32_t
dump_some(struct queue *q, struct journal *j, const struct message *m,
    uint32_t n)
{
	uint32_t	i, from, to;

	if (m->flags & M_GONE)
		return 1;
	if (q->dump_qid != m->qid) {
		q->dump_qid = m->qid;
		q->dump_at = 0;
		dump_head(q, j, m);
	}
	from = q->dump_at;
	to = n < m->ndests - from ? from + n : m->ndests;
	dump_expansions(j, m, from, to);
	for (i = from; i < to; i++)
		dump_dest(j, m, &m->dests[i]);
	q->dump_at = to;
	if (to == m->ndests)
		dump_ends(q, j, m);
	return to - from;
}

bool
state_slice(void *arg, struct journal *j, unsigned step)
{
	struct queue	 *q = arg;
	struct message	**at = &q->index.cursors[CURSOR_DUMP];
	const struct message	*m;
	uint32_t		 n;

	if (step == 0) {
		dump_frame(q, j);
		*at = q->index.first;
		q->dump_qid = 0;
	}
	for (n = 0; (m = *at) != NULL && n < SLICE;) {
		n += dump_some(q, j, m, SLICE - n);
		if (m->flags & M_GONE || q->dump_at == m->ndests)
			*at = m->next;
	}
	return *at != NULL;
}
