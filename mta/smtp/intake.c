/*
 * intake.c - which messages are stored when; what the queue is told.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"
#include "mta/smtp/intake_int.h"

#define SWEEP_MS	1000
/* Without a queue for so long we start again; below its QUEUE_RESUME_MS. */
#define QUEUE_MISSED_MS	40000

/* --- queues of messages */

static void
put(struct message_list *q, struct intake_message *m)
{
	m->next = NULL;
	if (q->n++ == 0)
		q->tail = &q->head;
	*q->tail = m;
	q->tail = &m->next;
}

static struct intake_message *
take(struct message_list *q)
{
	struct intake_message	*m = q->head;

	if (m != NULL) {
		q->head = m->next;
		q->n--;
		m->next = NULL;
	}
	return m;
}

static void
answer(struct intake *in, struct intake_message *m, enum intake_result r)
{
	if (r != INTAKE_OK && m->in_body)
		intake_body_dropped(in, m->qid);
	if (m->done != NULL)
		m->done(m->arg, r);
	in->held -= m->held;
	intake_message_free(&m);
}

/* --- batches */

static uint64_t
record_size(const struct intake_message *m)
{
	return segment_record_size(m->envelope.n, m->content.n);
}

/* entries: octets of the table for all before it. */
static bool
fits(const struct intake_segment *s, uint64_t end, size_t entries,
    const struct intake_message *m)
{
	return end + record_size(m) + segment_seal_size(entries +
	    segment_toc_entry(m->envelope.n)) <= s->size;
}

static void
tell_accepted(struct intake *in, const struct batch *b,
    const struct intake_message *m)
{
	chan_begin(in->chan, MSG_ACCEPTED);
	chan_u32(in->chan, b->segment.id.id);
	chan_u32(in->chan, b->segment.id.generation);
	chan_u64(in->chan, m->offset);
	chan_u64(in->chan, record_size(m));
	chan_bytes(in->chan, buf_span(&m->envelope));
	chan_end(in->chan);
}

/* It is on disk: the segment goes on behind it. */
static void
batch_kept(struct intake *in, const struct batch *b)
{
	struct intake_message	*m;

	for (m = b->messages; m != NULL; m = m->next)
		segment_toc_add(&in->active.toc, m->offset,
		    buf_span(&m->envelope), m->in_body ? SEGMENT_F_BODY : 0,
		    m->content_length);
	in->active.tail = b->end;
	in->count.batches++;
	in->count.messages += b->n;
}

static void
batch_tell(struct intake *in, const struct batch *b)
{
	struct intake_message	*m;

	for (m = b->messages; m != NULL; m = m->next)
		tell_accepted(in, b, m);
	chan_flush(in->chan);
}

static void
batch_answer(struct intake *in, struct batch *b, enum intake_result r)
{
	struct intake_message	*m, *next;

	in->running = NULL;
	for (m = b->messages; m != NULL; m = next) {
		next = m->next;
		answer(in, m, r);
	}
	free(b);
}

/*
 * Without a channel the batch waits: what is answered with 250 must be known
 * to a queue that lives, or to one that reads it because we say so.
 */
static void
batch_done(void *arg)
{
	struct batch	*b = arg;
	struct intake	*in = b->intake;

	in->count.syncs++;
	if (b->error == 0 && in->revoked)
		b->error = ESTALE;
	if (b->error != 0) {
		in->count.failed += b->n;
		retire_active(in, b->error);
		batch_answer(in, b, INTAKE_FAILED);
		return;
	}
	batch_kept(in, b);
	if (in->chan == NULL) {
		in->parked = b;
		return;
	}
	batch_tell(in, b);
	batch_answer(in, b, INTAKE_OK);
}

void
parked_answer(struct intake *in, enum intake_result r)
{
	struct batch	*b = in->parked;

	if (b == NULL)
		return;
	in->parked = NULL;
	batch_answer(in, b, r);
}

static void
batch_work(void *arg)
{
	batch_write(arg);
}

/* As many as the segment has room for, in their order. */
static struct batch *
batch_gather(struct intake *in)
{
	struct batch		*b = xcalloc(1, sizeof(*b));
	struct message_list 	 q = { 0 };
	struct intake_message	*m;
	size_t			 entries = in->active.toc.table.n;

	b->intake = in;
	b->segment = in->active;
	b->end = in->active.tail;
	while ((m = in->waiting.head) != NULL &&
	    fits(&in->active, b->end, entries, m)) {
		put(&q, take(&in->waiting));
		entries += segment_toc_entry(m->envelope.n);
		m->offset = b->end;
		b->end += record_size(m);
	}
	b->messages = q.head;
	b->n = q.n;
	return b;
}

/* A message that fits into no segment, an empty one before it. */
static void
refuse_first(struct intake *in)
{
	struct intake_message	*m = take(&in->waiting);

	log_warnx("a message of %" PRIu64 " octets fits into no segment",
	    record_size(m));
	answer(in, m, INTAKE_FAILED);
}

static void
batch_start(struct intake *in)
{
	struct batch	*b;

	while (in->chan != NULL && in->active.fd != -1 &&
	    in->waiting.n > 0 && in->running == NULL) {
		b = batch_gather(in);
		if (b->n > 0) {
			in->running = b;
			pool_run(in->pool, batch_work, batch_done, b);
			return;
		}
		free(b);
		if (in->active.toc.n == 0)
			refuse_first(in);
		else {
			seal_active(in);
			next_segment(in);
		}
	}
}

static void
company_over(void *arg)
{
	batch_start(arg);
}

/* At the end of each turn: whoever ended in this turn is here. */
static void
turn(void *arg)
{
	struct intake	*in = arg;

	if (in->waiting.n == 0 || in->running != NULL)
		return;
	if (in->waiting.n * 2 >= in->transactions)
		batch_start(in);
	else if (!timer_pending(&in->company))
		timer_set(&in->company, INTAKE_COMPANY_MS, company_over, in);
}

void
intake_store(struct intake *in, struct intake_message *m)
{
	assert(m->in_body || m->content.n == m->content_length);
	m->since_ms = loop_now_ms();
	in->held += m->held;
	put(&in->waiting, m);
}

static void
forget(struct intake_message *m, const void *arg)
{
	for (; m != NULL; m = m->next)
		if (m->arg == arg) {
			m->done = NULL;
			m->arg = NULL;
		}
}

void
intake_forget(struct intake *in, void *arg)
{
	forget(in->waiting.head, arg);
	if (in->running != NULL)
		forget(in->running->messages, arg);
}

/* --- what takes too long */

static void
sweep(void *arg)
{
	struct intake	*in = arg;
	int64_t		 now = loop_now_ms(), wait_ms;

	wait_ms = 1000 * (int64_t)msg_timeout_s(MSG_SEGMENT_WANTED);
	/* No segment will come: the queue says when there is room again. */
	while (in->waiting.n > 0 && in->space.strangers == SPACE_FULL &&
	    in->chan != NULL &&
	    in->active.fd == -1) {
		in->count.failed++;
		answer(in, take(&in->waiting), INTAKE_FULL);
	}
	while (in->waiting.n > 0 &&
	    (in->active.fd == -1 || in->chan == NULL) &&
	    in->waiting.head->since_ms + wait_ms <= now) {
		in->count.failed++;
		answer(in, take(&in->waiting), INTAKE_FAILED);
	}
	if (in->parked != NULL &&
	    in->parked->messages->since_ms + wait_ms <= now)
		parked_answer(in, INTAKE_FAILED);
	if (in->chan == NULL && in->gone_ms != 0 &&
	    in->gone_ms + QUEUE_MISSED_MS <= now)
		fatalx("no new channel to the queue: starting again");
	bodies_fail(in, now - 1000 * (int64_t)msg_timeout_s(MSG_BODY_WANTED));
	etrns_fail(in, now - 1000 * (int64_t)msg_timeout_s(MSG_ETRN));
	timer_set(&in->sweep, SWEEP_MS, sweep, in);
}

/* --- the rest */

struct intake *
intake_new(unsigned instance)
{
	struct intake	*in = xcalloc(1, sizeof(*in));

	in->active.fd = in->spare.fd = -1;
	in->gen.instance = instance;
	in->pool = pool_new(1);
	loop_at_turn_end(&in->hook, turn, in);
	timer_set(&in->sweep, SWEEP_MS, sweep, in);
	return in;
}

enum intake_state
intake_state(const struct intake *in, bool user)
{
	switch (user ? in->space.users : in->space.strangers) {
	case SPACE_FULL:
		return INTAKE_NO_SPACE;
	case SPACE_BUSY:
		return INTAKE_BUSY;
	}
	if (!in->has_floor || in->finished != NULL ||
	    (in->chan != NULL && chan_backlog(in->chan) > INTAKE_BACKLOG_MAX))
		return INTAKE_NOT_NOW;
	return INTAKE_READY;
}

uint32_t
intake_delay_ms(const struct intake *in)
{
	return in->space.delay_ms;
}

uint64_t
intake_qid(struct intake *in)
{
	return qid_next(&in->gen);
}

void
intake_transaction(struct intake *in, int change)
{
	assert(change > 0 || in->transactions > 0);
	in->transactions += (unsigned)change;
}

bool
intake_idle(const struct intake *in)
{
	return in->waiting.n == 0 && in->running == NULL;
}

void
intake_finish(struct intake *in, void (*cb)(void *), void *arg)
{
	assert(intake_idle(in));
	in->finished = cb;
	in->finished_arg = arg;
	if (in->active.fd != -1)
		seal_active(in);
	else
		loop_soon(cb, arg);
}

uint64_t
intake_held(const struct intake *in)
{
	return in->held;
}

const struct intake_counters *
intake_counters(const struct intake *in)
{
	return &in->count;
}
