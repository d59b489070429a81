/*
 * body.c - large contents, written by a thread.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/fileio.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "mta/smtp/body.h"

#define MOVE_PIECE	(256u << 10)	/* octets that are moved or read at once */

struct body {
	struct intake	*intake;
	struct pool	*pool;
	uint64_t	 qid;
	int		 fd;		/* -1: not there yet */
	uint64_t	 length;
	uint32_t	 crc;		/* of all that is written, in order */
	struct buf	 piece;		/* the thread's, while it works */
	struct buf	 header;
	uint64_t	 old_header;
	int		 error;
	bool		 working;	/* a thread has it */
	bool		 closed;	/* and its session does not want it any more */
	body_cb		*cb;
	void		*arg;
};

static void
release(struct body *b)
{
	if (b->fd != -1)
		close(b->fd);
	buf_clear(&b->piece);
	buf_clear(&b->header);
	free(b);
}

static void
opened(void *arg, int fd, enum intake_result r)
{
	struct body	*b = arg;

	b->fd = fd;
	b->cb(b->arg, r == INTAKE_OK ? 0 : r == INTAKE_FULL ? ENOSPC : EIO);
}

struct body *
body_open(struct intake *in, struct pool *pool, uint64_t qid, body_cb *cb,
    void *arg)
{
	struct body	*b = xcalloc(1, sizeof(*b));

	*b = (struct body){ .intake = in, .pool = pool, .qid = qid, .fd = -1,
	    .cb = cb, .arg = arg };
	intake_body_wanted(in, qid, opened, b);
	return b;
}

/* --- on the thread */

static void
write_piece(struct body *b)
{
	struct span	s = buf_span(&b->piece);

	if (b->error == 0 && s.n > 0) {
		if (file_pwrite_all(b->fd, s.p, s.n, b->length) == -1)
			b->error = errno;
		else {
			b->crc = crc32c(b->crc, s.p, s.n);
			b->length += s.n;
		}
	}
	buf_clear(&b->piece);
}

/* n octets from one place to another, over themselves: 0 or -1. */
static int
move(struct body *b, uint64_t from, uint64_t to, uint64_t n, char *piece)
{
	uint64_t	done = 0, at;
	size_t		k;

	while (done < n) {
		k = n - done < MOVE_PIECE ? (size_t)(n - done) : MOVE_PIECE;
		/* Upwards the end goes first, downwards the start. */
		at = to > from ? n - done - k : done;
		if (file_pread_all(b->fd, piece, k, from + at) == -1 ||
		    file_pwrite_all(b->fd, piece, k, to + at) == -1)
			return -1;
		done += k;
	}
	return 0;
}

static int
checksum(struct body *b, char *piece)
{
	uint64_t	at = 0;
	size_t		k;

	for (b->crc = 0; at < b->length; at += k) {
		k = b->length - at < MOVE_PIECE ? (size_t)(b->length - at) :
		    MOVE_PIECE;
		if (file_pread_all(b->fd, piece, k, at) == -1)
			return -1;
		b->crc = crc32c(b->crc, piece, k);
	}
	return 0;
}

static void
replace_header(struct body *b)
{
	struct span	 h = buf_span(&b->header);
	uint64_t	 rest = b->length - b->old_header;
	char		*piece = xmalloc(MOVE_PIECE);

	if (move(b, b->old_header, h.n, rest, piece) == -1 ||
	    file_pwrite_all(b->fd, h.p, h.n, 0) == -1)
		b->error = errno;
	else {
		b->length = h.n + rest;
		if (ftruncate(b->fd, (off_t)b->length) == -1 ||
		    checksum(b, piece) == -1)
			b->error = errno;
	}
	free(piece);
}

static void
work_write(void *arg)
{
	write_piece(arg);
}

static void
work_finish(void *arg)
{
	struct body	*b = arg;

	write_piece(b);
	if (b->error == 0 && b->header.n > 0)
		replace_header(b);
	if (b->error == 0 && fdatasync(b->fd) == -1)
		b->error = errno;
}

/* --- back on the loop */

static void
done(void *arg)
{
	struct body	*b = arg;

	b->working = false;
	if (b->closed) {
		intake_body_dropped(b->intake, b->qid);
		release(b);
	} else
		b->cb(b->arg, b->error);
}

static void
start(struct body *b, void (*work)(void *), body_cb *cb, void *arg)
{
	assert(!b->working && b->fd != -1);
	b->working = true;
	b->cb = cb;
	b->arg = arg;
	pool_run(b->pool, work, done, b);
}

void
body_write(struct body *b, struct buf *piece, body_cb *cb, void *arg)
{
	buf_take(&b->piece, piece);
	start(b, work_write, cb, arg);
}

void
body_finish(struct body *b, struct buf *piece, struct buf *header,
    uint64_t old_header, body_cb *cb, void *arg)
{
	buf_take(&b->piece, piece);
	buf_take(&b->header, header);
	b->old_header = old_header;
	start(b, work_finish, cb, arg);
}

uint64_t
body_length(const struct body *b)
{
	return b->length;
}

uint32_t
body_crc(const struct body *b)
{
	return b->crc;
}

void
body_close(struct body **bp, bool keep)
{
	struct body	*b = *bp;

	if (b == NULL)
		return;
	*bp = NULL;
	if (b->working) {
		assert(!keep);
		b->closed = true;
		return;
	}
	if (b->fd == -1)
		intake_body_cancel(b->intake, b->qid);
	else if (!keep)
		intake_body_dropped(b->intake, b->qid);
	release(b);
}
