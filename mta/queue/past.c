/*
 * past.c - the status log, read; past.h.
 */
#include "mta/queue/past.h"

#include "base/log.h"
#include "base/xalloc.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS_LEAST	256
#define BEHIND		(8u << 20)	/* octets of the log that are given back at a time */

/* --- segments */

struct past_segment *
past_segment(const struct past *p, struct segment_id id)
{
	struct past_segment	*s;

	for (s = p->segments; s != NULL; s = s->next)
		if (s->id.id == id.id && s->id.generation == id.generation)
			return s;
	return NULL;
}

void
past_note_ids(struct queue *q, struct segment_id id)
{
	if (id.id > q->segments.max_id)
		q->segments.max_id = id.id;
	if (id.generation > q->segments.max_generation)
		q->segments.max_generation = id.generation;
}

static void
note_segment(struct past *p, const struct record *r)
{
	struct past_segment	*s = past_segment(p, r->segment);

	if (s == NULL) {
		s = arena_alloc(&p->arena, sizeof(*s));
		s->id = r->segment;
		s->next = p->segments;
		p->segments = s;
	}
	past_note_ids(p->q, r->segment);
	switch (r->type) {
	case REC_SEGMENT:
		s->known = r->offset;
		s->writer = r->writer;
		break;
	case REC_SEALED:
		s->end = r->end;
		break;
	case REC_FREED:
		s->freed = true;
		break;
	}
}

/* --- messages: open addressing, as in the index */

static size_t
find_slot(const struct past *p, uint64_t qid)
{
	size_t	i = (size_t)qid_hash(qid) & (p->cap - 1);

	while (p->slots[i] != NULL && p->slots[i]->qid != qid)
		i = (i + 1) & (p->cap - 1);
	return i;
}

static void
grow(struct past *p)
{
	struct past_message	*m;

	free(p->slots);
	p->cap = p->cap == 0 ? SLOTS_LEAST : 2 * p->cap;
	p->slots = xcalloc(p->cap, sizeof(struct past_message *));
	for (m = p->first; m != NULL; m = m->next)
		p->slots[find_slot(p, m->qid)] = m;
}

struct past_message *
past_message(const struct past *p, uint64_t qid)
{
	return p->cap == 0 ? NULL : p->slots[find_slot(p, qid)];
}

static struct past_message *
note_message(struct past *p, uint64_t qid)
{
	struct past_message	*m = past_message(p, qid);

	if (m != NULL)
		return m;
	if (4 * (p->n + 1) > 3 * p->cap)
		grow(p);
	m = arena_alloc(&p->arena, sizeof(*m));
	m->qid = qid;
	*p->last = m;
	p->last = &m->next;
	p->n++;
	p->slots[find_slot(p, qid)] = m;
	if (qid > p->q->max_qid)
		p->q->max_qid = qid;
	return m;
}

static void
note_place(struct past_message *m, const struct record *r)
{
	m->placed = true;
	m->segment = r->segment;
	m->offset = r->offset;
	if (r->type == REC_MESSAGE) {
		m->envelope = r->envelope.p;
		m->envelope_n = (uint32_t)r->envelope.n;
		m->flags = r->flags;
	}
}

static void
note_event(struct past *p, const struct record *r, struct span octets)
{
	struct past_message	*m = note_message(p, r->qid);
	struct past_event	*e;

	if (r->type == REC_FINISHED)
		m->finished = true;
	else if (r->type == REC_PLACED || r->type == REC_MESSAGE)
		note_place(m, r);
	else {
		e = arena_alloc(&p->arena, sizeof(*e));
		e->octets = octets;
		if (m->last != NULL)
			m->last->next = e;
		else
			m->first = e;
		m->last = e;
	}
}

static void
note(void *arg, const struct record *r, struct span octets)
{
	struct past	*p = arg;
	struct queue	*q = p->q;

	p->records++;
	switch (r->type) {
	case REC_COUNTERS:
		if (r->qid > q->max_qid)
			q->max_qid = r->qid;
		past_note_ids(q, (struct segment_id){ r->max_segment,
		    r->max_generation });
		break;
	case REC_SEGMENT:
	case REC_SEALED:
	case REC_FREED:
		note_segment(p, r);
		break;
	default:
		note_event(p, r, octets);
		break;
	}
}

/* --- all of it */

void
past_behind(const struct past *p, const char *octet)
{
	size_t	n = (size_t)(octet - p->file.p) / BEHIND * BEHIND;

	/* The mapping is private and read-only: what is asked again comes again. */
	if (n > 0)
		(void)madvise((void *)(uintptr_t)p->file.p, n, MADV_DONTNEED);
}

int
past_read(struct past *p, struct queue *q)
{
	memset(p, 0, sizeof(*p));
	p->q = q;
	p->last = &p->first;
	if (journal_map(q->spool_fd, &p->file) == -1)
		return -1;
	p->end = journal_scan(p->file, &p->generation, note, p);
	past_behind(p, p->file.p + p->file.n);
	return 0;
}

void
past_clear(struct past *p)
{
	free(p->slots);
	arena_clear(&p->arena);
	journal_unmap(&p->file);
}
