/*
 * intake_segments.c - segments come from the queue, are filled, sealed,
 * retired.
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

void
segment_drop(struct intake_segment *s)
{
	if (s->fd != -1)
		close(s->fd);
	segment_toc_clear(&s->toc);
	*s = (struct intake_segment){ .fd = -1 };
}

void
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
void
want_segment(struct intake *in)
{
	if (in->chan == NULL || in->wanted || in->finished != NULL ||
	    (in->active.fd != -1 && in->spare.fd != -1))
		return;
	in->wanted = true;
	chan_begin(in->chan, MSG_SEGMENT_WANTED);
	chan_end(in->chan);
}

void
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

void
seal_active(struct intake *in)
{
	struct sealing	*s = xcalloc(1, sizeof(*s));

	s->intake = in;
	s->segment = in->active;
	in->active = (struct intake_segment){ .fd = -1 };
	pool_run(in->pool, seal_work, seal_done, s);
}

void
retire_active(struct intake *in, int error)
{
	errno = error;
	log_warn("segment retired segment=%08x good=%" PRIu64,
	    (unsigned)in->active.id.id, in->active.tail);
	say_segment(in, MSG_SEGMENT_FAILED, &in->active);
	segment_drop(&in->active);
	in->revoked = false;
	next_segment(in);
}
