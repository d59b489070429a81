/*
 * intake.c - which messages are stored when; what the queue is told.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/chan.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"
#include "mta/smtp/batch.h"
#include "mta/spool/qid.h"

#define SWEEP_MS	1000

struct body_question {
	intake_body_cb	*cb;		/* NULL: given up */
	void		*arg;
	int64_t		 since_ms;
};

struct queue {			/* messages, first come first */
	struct intake_message	*head, **tail;
	size_t			 n;
};

struct intake {
	struct chan		*chan;		/* to the queue; NULL: it has died */
	struct intake_segment	 active, spare;
	bool			 wanted;	/* SEGMENT_WANTED is under way */
	bool			 full;		/* SPACE */
	bool			 has_floor;
	struct qid_gen		 gen;
	unsigned		 transactions;
	struct queue		 waiting;
	struct batch		*running;
	struct pool		*pool;
	struct htab		 bodies;	/* qid: body_question */
	unsigned		 epoch;		/* counts the queues that have died */
	uint64_t		 held;
	struct turn_hook	 hook;
	struct timer		 company, sweep;
	void			(*finished)(void *);
	void			*finished_arg;
	struct intake_counters	 count;
};

/* --- queues of messages */

static void
put(struct queue *q, struct intake_message *m)
{
	m->next = NULL;
	if (q->n++ == 0)
		q->tail = &q->head;
	*q->tail = m;
	q->tail = &m->next;
}

static struct intake_message *
take(struct queue *q)
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
say_qid(struct intake *in, unsigned type, uint64_t qid)
{
	chan_begin(in->chan, (uint16_t)type);
	chan_u64(in->chan, qid);
	chan_end(in->chan);
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

/* --- segments */

static void
segment_drop(struct intake_segment *s)
{
	if (s->fd != -1)
		close(s->fd);
	segment_toc_clear(&s->toc);
	*s = (struct intake_segment){ .fd = -1 };
}

static void
say_segment(struct intake *in, unsigned type, const struct intake_segment *s)
{
	if (in->chan == NULL)
		return;
	chan_begin(in->chan, (uint16_t)type);
	chan_u32(in->chan, s->id.id);
	chan_u32(in->chan, s->id.generation);
	chan_u64(in->chan, s->tail);
	chan_end(in->chan);
}

/* One that is written, one spare: asked for one at a time. */
static void
want_segment(struct intake *in)
{
	if (in->chan == NULL || in->wanted || in->finished != NULL ||
	    (in->active.fd != -1 && in->spare.fd != -1))
		return;
	in->wanted = true;
	chan_begin(in->chan, MSG_SEGMENT_WANTED);
	chan_end(in->chan);
}

static void
next_segment(struct intake *in)
{
	assert(in->active.fd == -1);
	in->active = in->spare;
	in->spare = (struct intake_segment){ .fd = -1 };
	want_segment(in);
}

struct sealing {
	struct intake		*intake;
	struct intake_segment	 segment;
	int			 error;
};

static void
seal_work(void *arg)
{
	struct sealing	*s = arg;

	batch_seal(&s->segment, &s->error);
}

/* The table only spares a reader the records: without it they are read. */
static void
seal_done(void *arg)
{
	struct sealing	*s = arg;
	struct intake	*in = s->intake;

	if (s->error != 0) {
		errno = s->error;
		log_warn("cannot seal segment=%08x", (unsigned)s->segment.id.id);
	}
	in->count.sealed++;
	say_segment(in, MSG_SEGMENT_SEALED, &s->segment);
	segment_drop(&s->segment);
	free(s);
	if (in->finished != NULL) {
		if (in->chan != NULL)
			chan_flush(in->chan);
		in->finished(in->finished_arg);
	}
}

static void
seal_active(struct intake *in)
{
	struct sealing	*s = xcalloc(1, sizeof(*s));

	s->intake = in;
	s->segment = in->active;
	in->active = (struct intake_segment){ .fd = -1 };
	pool_run(in->pool, seal_work, seal_done, s);
}

/* After a failure nothing more is written to it: not even a table. */
static void
retire_active(struct intake *in, int error)
{
	errno = error;
	log_warn("segment retired segment=%08x good=%" PRIu64,
	    (unsigned)in->active.id.id, in->active.tail);
	say_segment(in, MSG_SEGMENT_FAILED, &in->active);
	segment_drop(&in->active);
	next_segment(in);
}

/* --- batches */

static uint64_t
record_size(const struct intake_message *m)
{
	return segment_record_size(m->envelope.n, m->content.n);
}

static bool
fits(const struct intake_segment *s, uint64_t end, size_t records,
    const struct intake_message *m)
{
	return end + record_size(m) + segment_seal_size(records + 1) <= s->size;
}

/*
 * A new queue removes the body files that no record names yet: a message whose
 * record was not there when the old one died is not promised to anybody.
 */
static bool
body_lost(const struct intake *in, const struct intake_message *m)
{
	return m->in_body && m->epoch != in->epoch;
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

/* Without a channel nobody is told: SEGMENT_RESUME says how far to read. */
static void
batch_good(struct intake *in, struct batch *b)
{
	struct intake_message	*m;

	for (m = b->messages; m != NULL; m = m->next) {
		segment_toc_add(&in->active.toc, m->offset);
		if (in->chan != NULL && !body_lost(in, m))
			tell_accepted(in, b, m);
	}
	in->active.tail = b->end;
	in->count.batches++;
	in->count.messages += b->n;
	if (in->chan != NULL)
		chan_flush(in->chan);
}

static void
batch_done(void *arg)
{
	struct batch		*b = arg;
	struct intake		*in = b->intake;
	enum intake_result	 r = b->error == 0 ? INTAKE_OK : INTAKE_FAILED;
	struct intake_message	*m, *next;

	in->running = NULL;
	in->count.syncs++;
	if (b->error == 0)
		batch_good(in, b);
	else {
		in->count.failed += b->n;
		retire_active(in, b->error);
	}
	for (m = b->messages; m != NULL; m = next) {
		next = m->next;
		answer(in, m, body_lost(in, m) ? INTAKE_FAILED : r);
	}
	free(b);
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
	struct queue		 q = { 0 };
	struct intake_message	*m;

	b->intake = in;
	b->segment = in->active;
	b->end = in->active.tail;
	while ((m = in->waiting.head) != NULL &&
	    fits(&in->active, b->end, in->active.toc.n + q.n, m)) {
		m = take(&in->waiting);
		if (body_lost(in, m)) {
			answer(in, m, INTAKE_FAILED);
			continue;
		}
		put(&q, m);
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

	while (in->active.fd != -1 && in->waiting.n > 0 &&
	    in->running == NULL) {
		b = batch_gather(in);
		if (b->n > 0) {
			in->running = b;
			pool_run(in->pool, batch_work, batch_done, b);
			return;
		}
		free(b);
		if (in->waiting.n == 0 || fits(&in->active, in->active.tail,
		    in->active.toc.n, in->waiting.head))
			continue;	/* those before were lost */
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

/* --- body files */

static struct span
key_of(const uint64_t *qid)
{
	return span_mem(qid, sizeof(*qid));
}

void
intake_body_wanted(struct intake *in, uint64_t qid, intake_body_cb *cb,
    void *arg)
{
	struct body_question	*q = xcalloc(1, sizeof(*q));

	*q = (struct body_question){ cb, arg, loop_now_ms() };
	q = htab_put(&in->bodies, key_of(&qid), q);
	assert(q == NULL);
	if (in->chan != NULL)
		say_qid(in, MSG_BODY_WANTED, qid);
}

static void
body_answer(struct intake *in, uint64_t qid, int fd, enum intake_result r)
{
	struct body_question	*q = htab_del(&in->bodies, key_of(&qid));

	if (q != NULL && q->cb != NULL)
		q->cb(q->arg, fd, r);
	else if (fd != -1) {
		close(fd);
		intake_body_dropped(in, qid);
	}
	free(q);
}

void
intake_body_cancel(struct intake *in, uint64_t qid)
{
	struct body_question	*q = htab_get(&in->bodies, key_of(&qid));

	if (q != NULL)
		q->cb = NULL;
}

void
intake_body_dropped(struct intake *in, uint64_t qid)
{
	if (in->chan != NULL)
		say_qid(in, MSG_BODY_DROPPED, qid);
}

/* The first that has waited too long, or (all) any; false: there is none. */
static bool
body_overdue(struct intake *in, int64_t before, uint64_t *qid)
{
	struct span	key;
	size_t		pos = 0;
	void		*v;

	while (htab_next(&in->bodies, &pos, &key, &v))
		if (((struct body_question *)v)->since_ms <= before) {
			memcpy(qid, key.p, sizeof(*qid));
			return true;
		}
	return false;
}

static void
bodies_fail(struct intake *in, int64_t before)
{
	uint64_t	qid;

	while (body_overdue(in, before, &qid))
		body_answer(in, qid, -1, INTAKE_FAILED);
}

/* --- what takes too long */

static void
sweep(void *arg)
{
	struct intake	*in = arg;
	int64_t		 now = loop_now_ms(), wait_ms;

	wait_ms = 1000 * (int64_t)msg_timeout_s(MSG_SEGMENT_WANTED);
	while (in->waiting.n > 0 && in->active.fd == -1 &&
	    in->waiting.head->since_ms + wait_ms <= now) {
		in->count.failed++;
		answer(in, take(&in->waiting), INTAKE_FAILED);
	}
	bodies_fail(in, now - 1000 * (int64_t)msg_timeout_s(MSG_BODY_WANTED));
	timer_set(&in->sweep, SWEEP_MS, sweep, in);
}

/* --- the queue */

static bool
take_segment(struct intake *in, struct msg *m)
{
	struct intake_segment	 s = { .fd = -1 };
	uint64_t		 floor;

	s.id.id = msg_u32(m);
	s.id.generation = msg_u32(m);
	s.size = msg_u64(m);
	floor = msg_u64(m);
	s.fd = msg_fd(m);
	s.tail = SEGMENT_HEAD;
	in->wanted = false;
	if (!msg_end(m) || (in->active.fd != -1 && in->spare.fd != -1)) {
		segment_drop(&s);
		return false;
	}
	qid_floor(&in->gen, floor);
	in->has_floor = true;
	if (in->active.fd == -1)
		in->active = s;
	else
		in->spare = s;
	want_segment(in);
	return true;
}

static bool
take_body(struct intake *in, struct msg *m)
{
	uint64_t	qid = msg_u64(m);
	bool		ok = msg_u8(m) != 0;
	int		fd = ok ? msg_fd(m) : -1;

	if (!msg_end(m)) {
		if (fd != -1)
			close(fd);
		return false;
	}
	body_answer(in, qid, fd, ok ? INTAKE_OK : INTAKE_FULL);
	return true;
}

static bool
from_queue(struct chan *c, struct msg *m, void *arg)
{
	struct intake	*in = arg;

	(void)c;
	switch (m->type) {
	case MSG_SEGMENT:
		return take_segment(in, m);
	case MSG_BODY:
		return take_body(in, m);
	case MSG_SPACE:
		in->full = msg_u8(m) != 0;
		return msg_end(m);
	default:
		return false;
	}
}

/* Who asked for a body file fails; the segments go on, a new queue reads them. */
static void
queue_gone(struct chan *c, void *arg)
{
	struct intake	*in = arg;

	(void)c;
	log_warnx("the queue has gone");
	in->chan = NULL;
	in->wanted = false;
	in->epoch++;
	bodies_fail(in, INT64_MAX);
}

static const struct chan_ops queue_ops = { from_queue, queue_gone };

void
intake_attach(struct intake *in, int fd)
{
	if (in->chan != NULL) {
		chan_free(&in->chan);
		in->epoch++;
		bodies_fail(in, INT64_MAX);
	}
	in->chan = chan_new(fd, "queue", &queue_ops, in);
	in->wanted = false;
	if (in->active.fd != -1)
		say_segment(in, MSG_SEGMENT_RESUME, &in->active);
	if (in->spare.fd != -1)
		say_segment(in, MSG_SEGMENT_RESUME, &in->spare);
	want_segment(in);
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
intake_state(const struct intake *in)
{
	if (in->full)
		return INTAKE_NO_SPACE;
	if (!in->has_floor || in->finished != NULL ||
	    (in->chan != NULL && chan_backlog(in->chan) > INTAKE_BACKLOG_MAX))
		return INTAKE_NOT_NOW;
	return INTAKE_READY;
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

unsigned
intake_epoch(const struct intake *in)
{
	return in->epoch;
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
