/*
 * control_content.c - the octets of a message, for who may read them.
 *
 * They are read in pieces as the client takes them, from the segment where the
 * message stands just then: it may move meanwhile, and when it goes the answer
 * ends early, which the client sees by the count that came first.
 */
#include "mta/queue/control_int.h"

#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mail/header.h"

#include <stdlib.h>
#include <unistd.h>

#define PIECE		(64u << 10)
#define HEADER_MAX	(256u << 10)	/* of a header that is asked for alone */

struct reading {
	uint64_t	qid;
	uint64_t	at, end;	/* in the content */
	int		body_fd;	/* or -1: it stands in a segment */
};

void
content_end(struct client *c)
{
	struct reading	*r = c->reading;

	c->reading = NULL;
	if (r == NULL)
		return;
	if (r->body_fd != -1)
		close(r->body_fd);
	free(r);
}

/* Added to out. */
static bool
read_piece(struct client *c, const struct message *m, uint64_t at, size_t n,
    struct buf *out)
{
	const struct reading	*r = c->reading;
	int			 fd = r->body_fd != -1 ? r->body_fd : m->seg->fd;

	if (file_pread_all(fd, buf_reserve(out, n), n,
	    message_content_offset(m) + at) == -1) {
		log_warn("content for an administrator");
		return false;
	}
	buf_grown(out, n);
	return true;
}

static void
more(struct client *c)
{
	struct reading	*r = c->reading;
	struct message	*m = index_find(&c->control->q->index, r->qid);
	size_t		 n;

	while (m != NULL && r->at < r->end && !client_is_full(c)) {
		n = r->end - r->at < PIECE ? (size_t)(r->end - r->at) : PIECE;
		if (!read_piece(c, m, r->at, n, &c->out))
			break;
		r->at += n;
	}
	if (m != NULL && r->at < r->end && client_is_full(c))
		client_flush(c, more);
	else
		client_finish(c);
}

/* How far the header goes; -1: it cannot be read. */
static int64_t
header_end(struct client *c, const struct message *m)
{
	size_t		n = m->size < HEADER_MAX ? (size_t)m->size :
			    HEADER_MAX;
	struct buf	start = { 0 };
	int64_t		end = -1;

	if (read_piece(c, m, 0, n, &start))
		end = (int64_t)header_size(buf_span(&start));
	buf_clear(&start);
	return end;
}

bool
client_may_read(const struct client *c)
{
	return c->uid == 0 || c->uid == (uint32_t)geteuid();
}

static const char *
fault_of(const struct client *c)
{
	const struct request	*r = &c->request;

	if (!r->has_id || answer_is_gone(c->control->q, r->id))
		return "no such message in the queue";
	if (r->part.n > 0 && !span_eq(r->part, SPAN("header")))
		return "no such part: header";
	return client_may_read(c) ? NULL :
	    "only root and the server's own user may read contents";
}

static bool
open_it(struct client *c, const struct message *m)
{
	struct reading	*r = c->reading = xcalloc(1, sizeof(*r));
	int64_t		 end = (int64_t)m->size;

	*r = (struct reading){ .qid = m->qid, .body_fd = -1 };
	if (m->flags & M_BODY && (r->body_fd = body_open_read(c->control->q,
	    m->qid)) == -1)
		return false;
	if (c->request.part.n > 0)
		end = header_end(c, m);
	r->end = end < 0 ? 0 : (uint64_t)end;
	return end >= 0;
}

void
content_begin(struct client *c)
{
	const char	*why = fault_of(c);
	struct message	*m;
	char		 id[QID_TEXT];

	if (why != NULL) {
		client_error(c, why);
		return;
	}
	m = index_find(&c->control->q->index, c->request.id);
	log_info("admin id=%s act=read by=uid:%u part=%s",
	    qid_format(m->qid, id), (unsigned)c->uid,
	    c->request.part.n > 0 ? "header" : "all");
	if (!open_it(c, m)) {
		client_error(c, "the content cannot be read");
		return;
	}
	client_begin(c);
	json_uint(&c->json, "octets", c->reading->end);
	client_end(c);
	more(c);
}
