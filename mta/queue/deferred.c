/*
 * deferred.c - what is left in a sealed segment moves, so that the file goes.
 *
 * Some minutes after sealing, when less than half of a segment is live, its
 * messages are copied into the queue's own segment and the file is freed: the
 * spool stays below twice the live octets and two segments.  One segment at a
 * time, in batches that are synced before the log names the new place.
 */
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include <stdlib.h>

#define SCAN_SLICE	5000	/* messages looked at in one turn */
#define BATCH_MAX	256	/* messages copied with one sync */

struct mover {
	struct own_batch	 batch;
	struct own_item		 items[BATCH_MAX];
	struct queue		*q;
	struct segment		*from;		/* pinned */
	uint64_t		*qids;		/* that stand there */
	size_t			 n, cap, next;
	unsigned		 moved;
};

static void
next_segment(void *arg)
{
	deferred_tick(arg);
}

static void
end(struct mover *mv)
{
	log_debug("moved segment=%08x messages=%u", mv->from->id.id,
	    mv->moved);
	mv->from->copying = false;
	mv->from->sealed_ms = clock_boot_ms();	/* not at once again */
	segment_unpin(mv->from);
	mv->q->moving = false;
	if (mv->moved > 0)
		loop_soon(next_segment, mv->q);
	free(mv->qids);
	free(mv);
}

/* --- batches */

static void next_batch(struct mover *);

static void
place(struct mover *mv, const struct own_item *it, struct segment *g)
{
	struct message	*m = index_find(&mv->q->index, it->qid);
	struct record	 r;

	/* Finished meanwhile: then the copy is dead. */
	if (m == NULL || m->seg != mv->from ||
	    message_offset(m) != it->from_offset)
		return;
	r = message_record(m, g, it->offset);
	journal_add(mv->q->journal, &r);
	message_move(m, g, it->offset);
	mv->moved++;
}

static void
copied(struct own_batch *b, struct segment *g)
{
	struct mover	*mv = b->arg;
	size_t		 i;

	for (i = 0; i < b->n; i++) {
		if (g != NULL)
			place(mv, &mv->items[i], g);
		free((void *)(uintptr_t)mv->items[i].envelope.p);
	}
	if (g == NULL)
		end(mv);
	else
		next_batch(mv);
}

static void
add_item(struct mover *mv, const struct message *m)
{
	struct own_item	*it = &mv->items[mv->batch.n++];
	char		*env = xmalloc(m->env_n);

	memcpy(env, m->env, m->env_n);	/* the message may go meanwhile */
	*it = (struct own_item){ .qid = m->qid,
	    .envelope = span_mem(env, m->env_n), .from = mv->from,
	    .from_offset = message_offset(m), .content_length = m->size,
	    .flags = m->flags & M_BODY ? SEGMENT_F_BODY : 0 };
}

static void
next_batch(struct mover *mv)
{
	uint64_t	 octets = 0, most = mv->q->set.segment_octets / 4;
	struct message	*m;

	if (most > OWN_BATCH_OCTETS)
		most = OWN_BATCH_OCTETS;
	mv->batch = (struct own_batch){ .items = mv->items, .cb = copied,
	    .arg = mv };
	for (; mv->next < mv->n && mv->batch.n < BATCH_MAX; mv->next++) {
		m = index_find(&mv->q->index, mv->qids[mv->next]);
		if (m == NULL || m->seg != mv->from)
			continue;
		if (mv->batch.n > 0 &&
		    octets + message_record_length(m) > most)
			break;
		octets += message_record_length(m);
		add_item(mv, m);
	}
	if (mv->batch.n == 0)
		end(mv);
	else
		own_append(mv->q->own, &mv->batch);
}

/* --- which messages */

static void
scan(void *arg)
{
	struct mover	 *mv = arg;
	struct message	**at = &mv->q->index.cursors[CURSOR_MOVE], *m;
	unsigned	  i;

	for (i = 0; (m = *at) != NULL && i < SCAN_SLICE; i++) {
		*at = m->next;
		if (m->seg != mv->from)
			continue;
		if (mv->n == mv->cap) {
			mv->cap = mv->cap == 0 ? 64 : 2 * mv->cap;
			mv->qids = xreallocarray(mv->qids, mv->cap,
			    sizeof(*mv->qids));
		}
		mv->qids[mv->n++] = m->qid;
	}
	if (*at != NULL)
		loop_soon(scan, mv);
	else
		next_batch(mv);
}

static bool
is_wasteful(const struct queue *q, const struct segment *g)
{
	return g->state == SEGMENT_SEALED && g->live > 0 && !g->copying &&
	    2 * g->live_octets < g->size &&
	    clock_boot_ms() - g->sealed_ms >= (int64_t)q->copy_after_ms;
}

void
deferred_tick(struct queue *q)
{
	struct segment	*g;
	struct mover	*mv;

	if (q->moving || q->full)
		return;
	for (g = q->segments.first; g != NULL; g = g->next)
		if (is_wasteful(q, g))
			break;
	if (g == NULL)
		return;
	mv = xcalloc(1, sizeof(*mv));
	mv->q = q;
	mv->from = g;
	segment_pin(g);
	g->copying = q->moving = true;
	q->index.cursors[CURSOR_MOVE] = q->index.first;
	scan(mv);
}
