/*
 * state.c - the live state as records of the status log, for a checkpoint.
 *
 * The first slice names counters and segments; what stands in a segment below
 * the offset that it names is in the index now, and so in a later slice,
 * unless it is finished by then.
 */
#include "mta/queue/queue.h"

#define SLICE	1000	/* messages */

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

static void
dump_expansion(struct journal *j, const struct message *m, uint32_t rcpt)
{
	struct record	 r = { .type = REC_EXPANDED, .qid = m->qid,
	    .rcpt = rcpt };
	struct buf	 list = { 0 };
	struct target	 t;
	uint32_t	 i, n = 0;

	for (i = 0; i < m->ndests; i++)
		n += m->dests[i].rcpt == rcpt && m->dests[i].place != NULL;
	record_list_begin(&list, n);
	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].rcpt == rcpt && dest_place(&m->dests[i], &t))
			record_list_add(&list, m->dests[i].sub, &t);
	r.list = buf_span(&list);
	journal_dump(j, &r);
	buf_clear(&list);
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
	/* Also while its record is on the way to the disk: in the old file. */
	if (d->name != NULL && dest_place(d, &r.target)) {
		r.type = REC_PREPARED;
		r.name = span_of(d->name);
		journal_dump(j, &r);
	}
	if (d->attempts > 0 && dest_answer(d, &an)) {
		r.type = REC_DEFERRED;
		r.code = an.code;
		r.status = an.status;
		r.mta = an.mta;
		r.text = an.text;
		journal_dump(j, &r);
	}
}

static void
dump_message(struct journal *j, const struct message *m)
{
	struct record	r = { .type = REC_PLACED, .qid = m->qid,
	    .segment = m->seg->id, .offset = message_offset(m) };
	uint32_t	i;

	if (m->flags & M_GONE)
		return;
	journal_dump(j, &r);
	if (m->flags & M_WARNED) {
		r.type = REC_WARNED;
		journal_dump(j, &r);
	}
	for (i = 0; i < m->ndests; i++) {
		const struct dest	*d = &m->dests[i];

		if (d->sub == 0 && d->flags & DEST_EXPANDED)
			dump_expansion(j, m, d->rcpt);
	}
	for (i = 0; i < m->ndests; i++)
		dump_dest(j, m, &m->dests[i]);
}

bool
state_slice(void *arg, struct journal *j, unsigned step)
{
	struct queue	 *q = arg;
	struct message	**at = &q->index.cursors[CURSOR_DUMP];
	unsigned	  i;

	if (step == 0) {
		dump_frame(q, j);
		*at = q->index.first;
	}
	for (i = 0; *at != NULL && i < SLICE; i++) {
		dump_message(j, *at);
		*at = (*at)->next;
	}
	return *at != NULL;
}
