/*
 * local_send.c - DELIVER and COMMIT: what is said to a deliverer of a message.
 */
#include "mta/queue/deliverer.h"

#include "base/fileio.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "mail/header.h"
#include "mta/msg/deliver.h"
#include "mta/msg/msg.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define HEADER_MAX	(256u << 10)	/* looked at for Delivered-To: */
#define PIECE		65536
#define HOST_MAX	60		/* octets of our name in a file's */

/* --- DELIVER */

/* The same on each try: seconds, queue id, which target, our name. */
static void
base_name(const struct local_job *j, struct buf *out)
{
	const struct dest	*d = &j->m->dests[j->dest];
	const char		*p = j->local->q->set.hostname;
	char			 id[QID_TEXT];
	unsigned		 n;

	buf_addf(out, "%u.Q%sR%u.%u.", j->m->arrival_s,
	    qid_format(j->m->qid, id), d->rcpt, d->sub);
	for (n = 0; *p != '\0' && n < HOST_MAX; p++, n++)
		buf_add_char(out, *p == '/' || *p == ':' || *p == ',' ? '_' :
		    *p);
}

/* Where it goes: the same in DELIVER and COMMIT. */
static void
put_place(struct chan *c, const struct local_job *j)
{
	struct span	 options;
	struct target	 t;
	unsigned	 kind;

	if (!dest_place(&j->m->dests[j->dest], &t) ||
	    !deliver_how(t.how, &kind, &options))
		fatalx("a local target without a place");
	chan_u8(c, (uint8_t)kind);
	chan_u64(c, j->id);
	chan_bytes(c, t.path);
	chan_bytes(c, options);
}

static void
send_deliver(struct local_job *j, struct span content)
{
	struct chan	*c = j->deliverer->chan;
	struct buf	 name = { 0 }, prefix = { 0 };
	struct span	 sender;

	sender = dest_mail_from(&j->m->dests[j->dest], message_sender(j->m));
	base_name(j, &name);
	buf_addf(&prefix, "Return-Path: <%.*s>\r\nDelivered-To: %s\r\n",
	    SPAN_ARG(sender), j->address);
	chan_begin(c, MSG_DELIVER);
	put_place(c, j);
	chan_bytes(c, buf_span(&name));
	chan_bytes(c, sender);
	chan_str(c, j->address);
	chan_u64(c, (uint64_t)j->m->arrival_s * 1000);
	chan_bytes(c, buf_span(&prefix));
	chan_u8(c, (j->m->flags & M_BINARY) != 0);
	chan_u8(c, j->fd != -1);
	chan_bytes(c, content);
	if (j->fd != -1) {
		chan_fd(c, j->fd);
		j->fd = -1;
	}
	chan_end(c);
	j->state = LOCAL_SENT;
	buf_clear(&name);
	buf_clear(&prefix);
}

void
local_send_commit(struct local_job *j)
{
	const struct dest	*d = &j->m->dests[j->dest];
	struct chan		*c = j->deliverer->chan;

	if (d->name == NULL)
		fatalx("a prepared target without a name");
	chan_begin(c, MSG_COMMIT);
	put_place(c, j);
	chan_str(c, d->name);
	chan_end(c);
	j->state = LOCAL_COMMITTING;
}

static void
refuse_loop(struct local_job *j)
{
	local_fail(j, 554, SPAN("5.4.6"),
	    SPAN("mail loop: it has been delivered to this address before"));
}

/* --- contents that are too large for a message between processes */

/* All of it into the memfd; its first part is looked at for a loop. */
static int
copy_content(struct local_job *j)
{
	char		*piece = xmalloc(HEADER_MAX);
	uint64_t	 done = 0;
	size_t		 n;
	int		 result = 0;

	while (result == 0 && done < j->m->size) {
		n = done == 0 ? HEADER_MAX : PIECE;
		if (j->m->size - done < n)
			n = (size_t)(j->m->size - done);
		if (file_pread_all(j->from_fd, piece, n,
		    j->from_offset + done) == -1 ||
		    file_pwrite_all(j->fd, piece, n, done) == -1)
			result = -1;
		else if (done == 0)
			j->loop = header_delivered_to(span_mem(piece, n),
			    span_of(j->address));
		done += n;
	}
	free(piece);
	return result;
}

static void
memfd_work(void *arg)
{
	struct local_job	*j = arg;

	j->error = 0;
	j->fd = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (j->fd == -1 || copy_content(j) == -1 ||
	    fcntl(j->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_WRITE | F_SEAL_SEAL) == -1)
		j->error = errno;
}

static void
memfd_done(void *arg)
{
	struct local_job	*j = arg;

	if (j->m->flags & M_BODY)
		close(j->from_fd);
	j->from_fd = -1;
	if (j->orphan || j->deliverer->chan == NULL) {
		local_again(j);
	} else if (j->error != 0) {
		errno = j->error;
		log_warn("content for delivery");
		local_fail(j, 451, SPAN("4.3.0"),
		    SPAN("the content cannot be read"));
	} else if (j->loop)
		refuse_loop(j);
	else
		send_deliver(j, SPAN_NONE);
}

static void
start_large(struct local_job *j)
{
	j->state = LOCAL_READING;
	if (j->m->flags & M_BODY) {
		j->from_fd = body_open_read(j->local->q, j->m->qid);
	} else {
		j->from_fd = j->seg->fd;
	}
	j->from_offset = message_content_offset(j->m);
	pool_run(j->local->q->work, memfd_work, memfd_done, j);
}

static void
start_small(struct local_job *j)
{
	static struct buf	b;
	size_t			n = (size_t)j->m->size;

	buf_reset(&b);
	if (file_pread_all(j->seg->fd, buf_reserve(&b, n + 1), n,
	    message_content_offset(j->m)) == -1) {
		log_warn("content for delivery");
		local_fail(j, 451, SPAN("4.3.0"),
		    SPAN("the content cannot be read"));
		return;
	}
	buf_grown(&b, n);
	if (header_delivered_to(buf_span(&b), span_of(j->address)))
		refuse_loop(j);
	else
		send_deliver(j, buf_span(&b));
}

void
local_send(struct local_job *j)
{
	if (j->m->size > LOCAL_INLINE_MAX || j->m->flags & M_BODY)
		start_large(j);
	else
		start_small(j);
}
