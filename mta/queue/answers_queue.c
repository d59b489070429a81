/*
 * answers_queue.c - what status says of the queue; control.h.
 */
#include "mta/queue/control.h"

static void
put_counts(struct json *j, const struct counters *c)
{
	json_uint(j, "accepted", c->accepted);
	json_uint(j, "sent", c->sent);
	json_uint(j, "delivered", c->delivered);
	json_uint(j, "deferred", c->deferred);
	json_uint(j, "failed", c->failed);
	json_uint(j, "bounced", c->bounced);
	json_uint(j, "discarded", c->discarded);
	json_uint(j, "removed", c->removed);
}

static void
put_spool(struct json *j, const struct queue *q)
{
	const struct segments	*s = &q->segments;
	struct journal_stats	 log = journal_stats(q->journal);
	const struct segment	*g;
	uint64_t		 octets = 0;

	for (g = s->first; g != NULL; g = g->next)
		octets += g->size;
	json_bool(j, "full", q->full);
	json_uint(j, "segments_open", s->nstate[SEGMENT_OPEN] +
	    s->nstate[SEGMENT_LOST]);
	json_uint(j, "segments_sealed", s->nstate[SEGMENT_SEALED]);
	json_uint(j, "segments_spare", s->nstate[SEGMENT_SPARE] +
	    s->nstate[SEGMENT_FREE] + s->nstate[SEGMENT_MAKING]);
	json_uint(j, "segment_octets", octets);
	json_uint(j, "log_octets", log.size);
	json_uint(j, "log_syncs", log.syncs);
	json_uint(j, "checkpoints", log.checkpoints);
}

void
answer_queue(struct queue *q, struct json *j)
{
	json_object(j, "queue");
	json_uint(j, "messages", q->index.n);
	json_uint(j, "octets", q->index.octets);
	json_uint(j, "held", q->nheld);
	json_uint(j, "quarantined", q->nquarantined);
	put_counts(j, &q->count);
	put_spool(j, q);
	answer_throttle(q, j);
	json_object_end(j);
	answer_hops(q, j);
}
