/*
 * own.c - the queue's own segment; see own.h.
 */
#include "mta/queue/own.h"

#include "base/crc.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/pool.h"
#include "base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct own {
	struct segments		*segments;
	struct pool		*work;
	struct segment		*segment;	/* OPEN, ours; NULL: none yet */
	uint64_t		 at;		/* next record */
	struct own_batch	*first, *last;	/* the first may be under way */
	bool			 busy;
};

static void start(struct own *);

struct own *
own_new(struct segments *segments, struct pool *work)
{
	struct own	*o = xcalloc(1, sizeof(*o));

	o->segments = segments;
	o->work = work;
	return o;
}

static uint64_t
item_size(const struct own_item *it)
{
	return segment_record_size(it->envelope.n,
	    it->flags & SEGMENT_F_BODY ? 0 : it->content_length);
}

static uint64_t
batch_size(const struct own_batch *b)
{
	uint64_t	size = 0;
	size_t		i;

	for (i = 0; i < b->n; i++)
		size += item_size(&b->items[i]);
	return size;
}

/* --- on a thread */

/* A record that moves keeps its octets; only its place is new. */
static int
copy_item(struct own_batch *b, struct own_item *it)
{
	struct segment_record	 r;
	struct segment		*g = it->from;
	struct buf		 content = { 0 };
	size_t			 n;
	int			 ok;

	ok = segment_read(g->fd, g->id, g->size, it->from_offset, true, &r);
	if (ok != 1) {
		if (ok == 0)
			errno = EBADMSG;
		return -1;
	}
	n = r.flags & SEGMENT_F_BODY ? 0 : (size_t)r.content_length;
	if (file_pread_all(g->fd, buf_reserve(&content, n + 1), n,
	    r.content_offset) == -1) {
		buf_clear(&content);
		return -1;
	}
	buf_grown(&content, n);
	segment_put(&b->out, b->segment->id, it->offset, it->envelope,
	    buf_span(&content), r.flags, r.content_length, r.content_crc);
	buf_clear(&content);
	return 0;
}

static int
put_item(struct own_batch *b, struct own_item *it)
{
	it->offset = b->offset + b->out.n;
	if (it->from != NULL)
		return copy_item(b, it);
	segment_put(&b->out, b->segment->id, it->offset, it->envelope,
	    it->content, it->flags, it->content_length,
	    crc32c(0, it->content.p, it->content.n));
	return 0;
}

static void
write_work(void *arg)
{
	struct own_batch	*b = arg;
	size_t			 i;

	b->error = 0;
	for (i = 0; i < b->n; i++)
		if (put_item(b, &b->items[i]) == -1) {
			b->error = errno;
			return;
		}
	if (file_pwrite_all(b->segment->fd, buf_span(&b->out).p, b->out.n,
	    b->offset) == -1 || fdatasync(b->segment->fd) == -1)
		b->error = errno;
}

/* --- on the loop */

struct write_job {
	struct own		*own;
	struct own_batch	*batch;
};

static void
job_work(void *arg)
{
	write_work(((struct write_job *)arg)->batch);
}

/* After a failed sync nobody knows what stands there: no more into this one. */
static void
retire(struct own *o, uint64_t end)
{
	struct segment	*g = o->segment;

	o->segment = NULL;
	segments_seal(g, end);
}

static void
job_done(void *arg)
{
	struct write_job	*job = arg;
	struct own		*o = job->own;
	struct own_batch	*b = job->batch;
	struct segment		*g = b->segment;

	free(job);
	o->busy = false;
	if ((o->first = b->next) == NULL)
		o->last = NULL;
	buf_clear(&b->out);
	if (b->error != 0) {
		errno = b->error;
		log_warn("segment %08x: cannot write", g->id.id);
		if (b->error != EFBIG)
			retire(o, b->offset);
		b->cb(b, NULL);
	} else
		b->cb(b, g);
	segment_unpin(g);
	start(o);
}

/* A segment with room for the batch; NULL: a spare has to come first. */
static struct segment *
with_room(struct own *o, uint64_t need)
{
	if (o->segment != NULL && o->at > SEGMENT_HEAD &&
	    o->at + need > o->segment->size)
		retire(o, o->at);
	if (o->segment == NULL) {
		o->segment = segments_take(o->segments, SEGMENT_BY_QUEUE);
		o->at = SEGMENT_HEAD;
	}
	return o->segment;
}

static void
start(struct own *o)
{
	struct own_batch	*b;
	struct write_job	*job;
	uint64_t		 need;

	if (o->busy || (b = o->first) == NULL)
		return;
	need = batch_size(b);
	if ((b->segment = with_room(o, need)) == NULL)
		return;
	segment_pin(b->segment);
	b->offset = o->at;
	o->busy = true;
	job = xcalloc(1, sizeof(*job));
	*job = (struct write_job){ o, b };
	if (o->at + need > b->segment->size) {
		b->error = EFBIG;	/* segments have become smaller */
		loop_soon(job_done, job);
		return;
	}
	o->at += need;
	pool_run(o->work, job_work, job_done, job);
}

void
own_append(struct own *o, struct own_batch *b)
{
	b->next = NULL;
	if (o->last != NULL)
		o->last->next = b;
	else
		o->first = b;
	o->last = b;
	start(o);
}

void
own_go_on(struct own *o)
{
	start(o);
}
