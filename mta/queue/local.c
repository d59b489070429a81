/*
 * local.c - into a mailbox, exactly once.
 *
 * DELIVER: the owner's process writes tmp/NAME and syncs it; PREPARED; the
 * status log has that, synced, before COMMIT lets it rename the file into
 * new/; DELIVERED.  All PREPARED of a turn share one sync.  After a restart
 * of anybody a target that the log knows as prepared is only committed.
 */
#include "mta/queue/deliverer.h"
#include "mta/queue/notify.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "mail/header.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HEADER_MAX	(256u << 10)	/* looked at for Delivered-To: */
#define PIECE		65536
#define DEATHS_MAX	3	/* of a deliverer, then its mail waits */
#define NAME_MAX_N	300
#define TEXT_MAX_N	2000
#define HOST_MAX	60		/* octets of our name in a file's */

void
local_open(struct queue *q)
{
	q->local = xcalloc(1, sizeof(*q->local));
	q->local->q = q;
}

/* --- jobs */

static struct local_job *
job_new(struct deliverer *d, struct message *m, uint32_t dest)
{
	struct local_job	*j = xcalloc(1, sizeof(*j));

	j->local = d->local;
	j->deliverer = d;
	j->id = ++d->local->serial;
	j->m = m;
	j->seg = m->seg;
	j->hop = hop_ref(d->hop);
	j->dest = dest;
	j->since_ms = clock_boot_ms();
	j->fd = j->from_fd = -1;
	segment_pin(j->seg);
	m->jobs++;
	j->next = d->jobs;
	if (d->jobs != NULL)
		d->jobs->prev = j;
	d->jobs = j;
	return j;
}

static void
job_unlink(struct local_job *j)
{
	if (j->prev != NULL)
		j->prev->next = j->next;
	else if (j->deliverer->jobs == j)
		j->deliverer->jobs = j->next;
	if (j->next != NULL)
		j->next->prev = j->prev;
	j->prev = j->next = NULL;
}

/* The target's state says what came of it. */
static void
job_end(struct local_job *j)
{
	struct queue	*q = j->local->q;
	struct message	*m = j->m;

	job_unlink(j);
	j->deliverer->idle_ms = clock_boot_ms();
	sched_ended(&q->sched, j->hop, SCHED_NONE);
	hop_unref(&q->sched, &j->hop);
	segment_unpin(j->seg);
	if (j->fd != -1)
		close(j->fd);
	free(j->address);
	free(j);
	m->jobs--;
	message_settle(q, m);
}

static void
job_fail(struct local_job *j, uint16_t code, struct span status,
    struct span text)
{
	struct answer	 an = { .code = code, .status = status, .text = text,
	    .when_ms = clock_wall_ms() };
	struct dest	*d = &j->m->dests[j->dest];

	if (code / 100 == 5)
		dest_fail(j->local->q, j->m, d, &an);
	else
		dest_defer(j->local->q, j->m, d, &an);
	job_end(j);
}

static struct local_job *
local_find(struct deliverer *d, uint64_t id)
{
	struct local_job	*j;

	for (j = d->jobs; j != NULL && j->id != id; j = j->next)
		;
	return j;
}

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

static void
send_deliver(struct local_job *j, struct span content)
{
	struct chan	*c = j->deliverer->chan;
	struct buf	 name = { 0 }, prefix = { 0 };
	struct target	 t;

	if (!dest_place(&j->m->dests[j->dest], &t))
		fatalx("a local target without a place");
	base_name(j, &name);
	buf_addf(&prefix, "Return-Path: <%.*s>\r\nDelivered-To: %s\r\n",
	    SPAN_ARG(dest_mail_from(&j->m->dests[j->dest],
	    message_sender(j->m))), j->address);
	chan_begin(c, MSG_DELIVER);
	chan_u64(c, j->id);
	chan_bytes(c, t.path);
	chan_bytes(c, buf_span(&name));
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

static void
send_commit(struct local_job *j)
{
	const struct dest	*d = &j->m->dests[j->dest];
	struct chan		*c = j->deliverer->chan;
	struct target		 t;

	if (!dest_place(d, &t) || d->name == NULL)
		fatalx("a prepared target without a name");
	chan_begin(c, MSG_COMMIT);
	chan_u64(c, j->id);
	chan_bytes(c, t.path);
	chan_str(c, d->name);
	chan_end(c);
	j->state = LOCAL_COMMITTING;
}

static void
refuse_loop(struct local_job *j)
{
	job_fail(j, 554, SPAN("5.4.6"),
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
		dest_set_state(j->m, &j->m->dests[j->dest], DEST_READY);
		job_end(j);
	} else if (j->error != 0) {
		errno = j->error;
		log_warn("content for delivery");
		job_fail(j, 451, SPAN("4.3.0"),
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
		job_fail(j, 451, SPAN("4.3.0"),
		    SPAN("the content cannot be read"));
		return;
	}
	buf_grown(&b, n);
	if (header_delivered_to(buf_span(&b), span_of(j->address)))
		refuse_loop(j);
	else
		send_deliver(j, buf_span(&b));
}

/* --- starting */

static char *
address_of(const struct message *m, const struct dest *d)
{
	struct arena	 a = { 0 };
	struct envelope	 e;
	struct span	 s;
	char		*copy;

	message_envelope(m, &a, &e);
	s = dest_address(d, &e);
	copy = xstrndup(s.p, s.n);
	arena_clear(&a);
	return copy;
}

/* In a turn of its own: the scheduler is in the middle of its own. */
static void
begin(void *arg)
{
	struct local_job	*j = arg;
	struct deliverer	*d = j->deliverer;

	if (d->refused != NULL)
		job_fail(j, 451, SPAN("4.3.5"), span_of(d->refused));
	else if (d->chan == NULL) {
		dest_set_state(j->m, &j->m->dests[j->dest], DEST_READY);
		job_end(j);
	} else if (j->m->dests[j->dest].flags & DEST_PREPARED)
		send_commit(j);
	else if (message_too_late(j->m))
		job_fail(j, 554, SPAN("5.4.7"),
		    SPAN("the time that its sender has set is over"));
	else if (j->m->size > LOCAL_INLINE_MAX || j->m->flags & M_BODY)
		start_large(j);
	else
		start_small(j);
}

bool
local_start(struct queue *q, struct hop *h, struct message *m, uint32_t dest)
{
	struct deliverer	*d = deliverer_get(q->local, h);
	struct local_job	*j;

	if (d->chan == NULL && d->refused == NULL)
		return false;	/* attach() or refuse() unblocks the hop */
	j = job_new(d, m, dest);
	j->address = address_of(m, &m->dests[dest]);
	j->state = LOCAL_READING;
	loop_soon(begin, j);
	return true;
}

/* --- PREPARED */

static void
prepared_logged(void *arg)
{
	struct local_job	*j = arg;

	j->m->dests[j->dest].flags |= DEST_PREPARED;
	if (j->orphan || j->deliverer->chan == NULL) {
		dest_set_state(j->m, &j->m->dests[j->dest], DEST_READY);
		job_end(j);
	} else
		send_commit(j);
}

static void
take_prepared(struct local_job *j, struct span name)
{
	struct queue	*q = j->local->q;
	struct dest	*d = &j->m->dests[j->dest];
	struct record	 r = { .type = REC_PREPARED, .qid = j->m->qid,
	    .rcpt = d->rcpt, .sub = d->sub, .name = name };

	if (!dest_place(d, &r.target))
		fatalx("a local target without a place");
	free(d->name);
	d->name = xstrndup(name.p, name.n);
	j->state = LOCAL_LOGGING;
	journal_add(q->journal, &r);
	journal_sync(q->journal, prepared_logged, j);
}

/* --- DELIVERED, DELIVER_FAILED */

static bool
is_told(const struct message *m, const struct dest *d)
{
	struct arena	a = { 0 };
	struct envelope	e;
	bool		told;

	message_envelope(m, &a, &e);
	told = notify_success(d, &e);
	arena_clear(&a);
	return told;
}

static void
take_delivered(struct local_job *j)
{
	struct queue	*q = j->local->q;
	struct dest	*d = &j->m->dests[j->dest];
	struct answer	 an = { .code = 250, .status = SPAN("2.0.0"),
	    .when_ms = clock_wall_ms() };
	struct target	 t;
	char		 id[QID_TEXT];

	if (dest_place(d, &t))
		log_info("delivered id=%s to=%s mailbox=%s account=%s file=%s",
		    qid_format(j->m->qid, id), log_quote(span_of(j->address)),
		    log_quote(t.mailbox), log_quote(t.account), d->name);
	q->count.delivered++;
	j->deliverer->deaths = 0;
	if (j->m->flags & M_TELLS && is_told(j->m, d))
		dest_arrive(q, j->m, d, &an, false);
	else
		dest_done(q, j->m, d);
	job_end(j);
}

static bool
message_failed(struct deliverer *d, struct msg *msg)
{
	struct local_job	*j = local_find(d, msg_u64(msg));
	uint16_t		 code = msg_u16(msg);
	struct span		 status = msg_bytes(msg, TEXT_MAX_N);
	struct span		 text = msg_bytes(msg, TEXT_MAX_N);

	if (!msg_end(msg))
		return false;
	if (j != NULL && (j->state == LOCAL_SENT ||
	    j->state == LOCAL_COMMITTING))
		job_fail(j, code, status, text);
	return true;
}

static bool
message_prepared(struct deliverer *d, struct msg *msg)
{
	struct local_job	*j = local_find(d, msg_u64(msg));
	struct span		 name = msg_bytes(msg, NAME_MAX_N);

	if (!msg_end(msg) || name.n == 0 || span_index(name, '/') != -1 ||
	    span_index(name, '\0') != -1)
		return false;
	if (j != NULL && j->state == LOCAL_SENT)
		take_prepared(j, name);
	return true;
}

static bool
message_delivered(struct deliverer *d, struct msg *msg)
{
	struct local_job	*j = local_find(d, msg_u64(msg));

	if (!msg_end(msg))
		return false;
	if (j != NULL && j->state == LOCAL_COMMITTING)
		take_delivered(j);
	return true;
}

bool
local_message(struct deliverer *d, struct msg *msg)
{
	switch (msg->type) {
	case MSG_PREPARED:
		return message_prepared(d, msg);
	case MSG_DELIVERED:
		return message_delivered(d, msg);
	case MSG_DELIVER_FAILED:
		return message_failed(d, msg);
	default:
		return false;
	}
}

/* --- a deliverer's death, and time */

void
local_died(struct deliverer *d)
{
	struct local_job	*j, *next;

	for (j = d->jobs; j != NULL; j = next) {
		next = j->next;
		if (j->state == LOCAL_READING || j->state == LOCAL_LOGGING) {
			j->orphan = true;	/* its callback comes yet */
		} else if (d->deaths > DEATHS_MAX) {
			job_fail(j, 451, SPAN("4.3.0"),
			    SPAN("the delivering process has died"));
		} else {
			dest_set_state(j->m, &j->m->dests[j->dest], DEST_READY);
			job_end(j);
		}
	}
}

static void
old_jobs(struct deliverer *d, int64_t now)
{
	struct local_job	*j, *next;

	for (j = d->jobs; j != NULL; j = next) {
		next = j->next;
		if (now - j->since_ms <
		    (int64_t)msg_timeout_s(MSG_DELIVER) * 1000 ||
		    (j->state != LOCAL_SENT && j->state != LOCAL_COMMITTING))
			continue;
		log_warnx("deliver uid=%u has not answered in time", d->uid);
		job_fail(j, 451, SPAN("4.3.0"),
		    SPAN("no answer from the delivering process"));
	}
}

void
local_tick(struct queue *q)
{
	struct deliverer	*d;
	int64_t			 now = clock_boot_ms();

	for (d = q->local->first; d != NULL; d = d->next)
		old_jobs(d, now);
	deliverers_tick(q->local);
}
