/*
 * batch.c - records to the disk, on a thread.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/fileio.h"
#include "base/xalloc.h"
#include "mta/smtp/batch.h"

#define PIECES_MAX	510	/* of one pwritev(); IOV_MAX is 1024 or more */

struct gather {
	struct iovec	 iov[PIECES_MAX];
	int		 n;
	uint64_t	 at;		/* in the file */
	int		 fd;
};

/* Eats what has been written at the front of what was to be written. */
static int
eat(struct iovec *iov, int n, size_t written)
{
	int	i = 0;

	while (i < n && written >= iov[i].iov_len)
		written -= iov[i++].iov_len;
	if (i < n) {
		iov[i].iov_base = (char *)iov[i].iov_base + written;
		iov[i].iov_len -= written;
	}
	return i;
}

static int
flush(struct gather *g)
{
	struct iovec	*iov = g->iov;
	int		 n = g->n, done;
	ssize_t		 w;

	g->n = 0;
	while (n > 0) {
		w = pwritev(g->fd, iov, n, (off_t)g->at);
		if (w == -1 && errno == EINTR)
			continue;
		if (w <= 0) {
			if (w == 0)
				errno = ENOSPC;
			return -1;
		}
		g->at += (uint64_t)w;
		done = eat(iov, n, (size_t)w);
		iov += done;
		n -= done;
	}
	return 0;
}

static int
add(struct gather *g, struct span s)
{
	if (s.n == 0)
		return 0;
	if (g->n == PIECES_MAX && flush(g) == -1)
		return -1;
	g->iov[g->n++] = (struct iovec){ (void *)(uintptr_t)s.p, s.n };
	return 0;
}

/* Heads and envelopes of all, one after the other. */
static void
put_heads(struct batch *b, struct buf *heads)
{
	struct intake_message	*m;
	struct span		 content;

	for (m = b->messages; m != NULL; m = m->next) {
		content = buf_span(&m->content);
		if (!m->in_body)
			m->content_crc = crc32c(0, content.p, content.n);
		m->head = heads->n;
		segment_put_head(heads, b->segment.id, m->offset,
		    buf_span(&m->envelope), m->in_body ? SEGMENT_F_BODY : 0,
		    m->content_length, m->content_crc);
		m->head_n = heads->n - m->head;
	}
}

static int
add_message(struct gather *g, const struct intake_message *m,
    struct span heads)
{
	static const char	zeros[8];
	size_t			pad;

	pad = segment_padding(m->envelope.n, m->content.n);
	if (add(g, span_mem(heads.p + m->head, m->head_n)) == -1 ||
	    add(g, buf_span(&m->content)) == -1)
		return -1;
	return add(g, span_mem(zeros, pad));
}

static int
write_all(struct batch *b, struct span heads)
{
	struct gather	 g = { .fd = b->segment.fd, .at = b->segment.tail };

	for (struct intake_message *m = b->messages; m != NULL; m = m->next)
		if (add_message(&g, m, heads) == -1)
			return -1;
	return flush(&g);
}

void
batch_write(struct batch *b)
{
	struct buf	heads = { 0 };

	b->error = 0;
	put_heads(b, &heads);
	if (write_all(b, buf_span(&heads)) == -1 ||
	    fdatasync(b->segment.fd) == -1)
		b->error = errno;
	buf_clear(&heads);
}

void
batch_seal(struct intake_segment *s, int *error)
{
	struct buf	table = { 0 };
	uint64_t	at;

	at = segment_seal(&table, s->id, s->size, s->tail, &s->toc);
	*error = 0;
	if (file_pwrite_all(s->fd, buf_span(&table).p, table.n, at) == -1 ||
	    fdatasync(s->fd) == -1)
		*error = errno;
	buf_clear(&table);
}

void
intake_message_free(struct intake_message **mp)
{
	struct intake_message	*m = *mp;

	if (m == NULL)
		return;
	*mp = NULL;
	buf_clear(&m->envelope);
	buf_clear(&m->content);
	free(m);
}
