/*
 * intake_queue.c - what is said with the queue; body files.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"
#include "mta/smtp/intake_int.h"

struct body_question {
	intake_body_cb	*cb;		/* NULL: given up */
	void		*arg;
	int64_t		 since_ms;
};

/* --- body files */

static struct span
key_of(const uint64_t *qid)
{
	return span_mem(qid, sizeof(*qid));
}

static void
say_qid(struct intake *in, unsigned type, uint64_t qid)
{
	chan_begin(in->chan, (uint16_t)type);
	chan_u64(in->chan, qid);
	chan_end(in->chan);
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

void
bodies_fail(struct intake *in, int64_t before)
{
	uint64_t	qid;

	while (body_overdue(in, before, &qid))
		body_answer(in, qid, -1, INTAKE_FAILED);
}

/* --- the postmaster */

bool
intake_tell(struct intake *in, enum session_told class, unsigned more,
    struct span text)
{
	if (in->chan == NULL)
		return false;
	chan_begin(in->chan, MSG_SESSION_TOLD);
	chan_u8(in->chan, (uint8_t)class);
	chan_u32(in->chan, more);
	chan_bytes(in->chan, text);
	chan_end(in->chan);
	return true;
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
is(const struct intake_segment *s, struct segment_id id)
{
	return s->fd != -1 && s->id.id == id.id &&
	    s->id.generation == id.generation;
}

/* The queue reads it no more: we were away for too long. */
static bool
take_revoked(struct intake *in, struct msg *m)
{
	struct segment_id	id;

	id.id = msg_u32(m);
	id.generation = msg_u32(m);
	if (!msg_end(m))
		return false;
	if (is(&in->spare, id))
		segment_drop(&in->spare);
	else if (is(&in->active, id) && in->running != NULL)
		in->revoked = true;
	else if (is(&in->active, id)) {
		segment_drop(&in->active);
		next_segment(in);
	}
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
	case MSG_SEGMENT_REVOKED:
		return take_revoked(in, m);
	case MSG_BODY:
		return take_body(in, m);
	case MSG_ETRN_STARTED:
		return etrn_answered(in, m);
	case MSG_SPACE:
		return space_get(m, &in->space);
	default:
		return false;
	}
}

/*
 * Who asked for a body file fails; the segments go on, a new queue reads them.
 */
static void
queue_gone(struct chan *c, void *arg)
{
	struct intake	*in = arg;

	(void)c;
	log_warnx("the queue has gone");
	in->chan = NULL;
	in->wanted = false;
	in->gone_ms = loop_now_ms();
	bodies_fail(in, INT64_MAX);
	etrns_fail(in, INT64_MAX);
}

static const struct chan_ops queue_ops = { from_queue, queue_gone };

void
intake_attach(struct intake *in, int fd)
{
	if (in->chan != NULL) {
		chan_free(&in->chan);
		bodies_fail(in, INT64_MAX);
		etrns_fail(in, INT64_MAX);
	}
	in->chan = chan_new(fd, "queue", &queue_ops, in);
	in->wanted = false;
	if (in->active.fd != -1)
		say_segment(in, MSG_SEGMENT_RESUME, &in->active);
	if (in->spare.fd != -1)
		say_segment(in, MSG_SEGMENT_RESUME, &in->spare);
	chan_flush(in->chan);
	parked_answer(in, INTAKE_OK);
	want_segment(in);
}
