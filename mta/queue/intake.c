/*
 * intake.c - what server sessions hand over.
 *
 * Each worker writes segments of its own and names each record after its
 * sync, in the order of their offsets.  A record that was passed over is read
 * from the file, so nothing that was acknowledged depends on a message
 * between processes.
 */
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/told.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SEGMENTS_MAX	4	/* unsealed ones of one worker */
#define BODIES_MAX	256	/* files that one worker writes */

struct worker {
	struct worker	*next;
	struct queue	*q;
	uint32_t	 instance;
	struct chan	*chan;		/* NULL: dead */
	unsigned	 wants;		/* segments that it waits for */
	uint64_t	*bodies;	/* files without a record yet */
	size_t		 nbodies;
};

/* An answer to BODY_WANTED that waits for a sync. */
struct body_wanted {
	struct queue	*q;
	uint32_t	 instance;
	uint64_t	 qid;
};

static size_t
intake_workers(const struct queue *q)
{
	const struct worker	*w;
	size_t			 n = 0;

	for (w = q->workers; w != NULL; w = w->next)
		n += w->chan != NULL;
	return n;
}

static struct worker *
find_worker(struct queue *q, uint32_t instance)
{
	struct worker	*w;

	for (w = q->workers; w != NULL && w->instance != instance; w = w->next)
		;
	return w;
}

/* --- segments go out */

static bool
hand_out(struct worker *w)
{
	struct queue	*q = w->q;
	struct segment	*g = segments_take(&q->segments, w->instance);
	int		 fd;

	if (g == NULL)
		return false;
	if ((fd = fcntl(g->fd, F_DUPFD_CLOEXEC, 0)) == -1) {
		log_warn("segment %08x", g->id.id);
		segments_seal(g, SEGMENT_HEAD);
		return false;
	}
	chan_begin(w->chan, MSG_SEGMENT);
	chan_u32(w->chan, g->id.id);
	chan_u32(w->chan, g->id.generation);
	chan_u64(w->chan, g->size);
	chan_u64(w->chan, q->max_qid);
	chan_fd(w->chan, fd);
	chan_end(w->chan);
	return true;
}

static unsigned
unsealed_of(const struct worker *w)
{
	const struct segment	*g;
	unsigned		 n = 0;

	for (g = w->q->segments.first; g != NULL; g = g->next)
		n += g->state == SEGMENT_OPEN && g->writer == w->instance;
	return n;
}

/* Where no more can be made, nobody has a second one before all have one. */
static bool
may_have(const struct worker *w)
{
	return w->chan != NULL && w->wants > 0 &&
	    (w->q->segments.room >= w->q->segments.size ||
	    unsealed_of(w) == 0);
}

void
intake_spare(struct queue *q)
{
	struct worker	*w;

	for (w = q->workers; w != NULL; w = w->next)
		while (may_have(w) && hand_out(w))
			w->wants--;
}

bool
intake_starved(const struct queue *q)
{
	const struct worker	*w;

	if (q->segments.nstate[SEGMENT_SPARE] +
	    q->segments.nstate[SEGMENT_MAKING] > 0)
		return false;
	for (w = q->workers; w != NULL; w = w->next)
		if (w->chan != NULL && w->wants > 0 && unsealed_of(w) == 0)
			return true;
	return false;
}

static bool
take_segment_wanted(struct worker *w, struct msg *msg)
{
	if (!msg_end(msg))
		return false;
	if (unsealed_of(w) + w->wants >= SEGMENTS_MAX) {
		log_warnx("smtp %u asks for too many segments", w->instance);
		return true;
	}
	w->wants++;
	intake_spare(w->q);
	return true;
}

/* --- records come in */

static void
forget_body(struct worker *w, uint64_t qid)
{
	size_t	i;

	for (i = 0; w != NULL && i < w->nbodies; i++)
		if (w->bodies[i] == qid)
			w->bodies[i] = w->bodies[--w->nbodies];
}

/* An envelope of a record at offset, which is `length` long. */
static bool
admit(struct queue *q, struct segment *g, struct span env, uint64_t offset,
    uint64_t length)
{
	struct message	*m = message_new(env);

	if (m == NULL)
		return false;
	if (length != message_record_length(m)) {
		m->flags |= M_BODY;
		if (length != message_record_length(m)) {
			message_free(&m);
			return false;
		}
		forget_body(find_worker(q, g->writer), m->qid);
	}
	if (!message_admit(q, m, g, offset))
		return true;	/* known already */
	q->count.accepted++;
	message_log_accepted(m);
	message_settle(q, m);
	return true;
}

void
intake_read_on(struct queue *q, struct segment *g, uint64_t to, bool check)
{
	struct segment_record	 r;
	struct buf		 env = { 0 };
	int			 ok;

	while (to == 0 || g->known < to) {
		ok = segment_read(g->fd, g->id, g->size, g->known, check, &r);
		if (ok == -1)
			log_warn("segment %08x at %llu: cannot be read",
			    g->id.id, (unsigned long long)g->known);
		if (ok != 1)
			break;
		buf_reset(&env);
		if (segment_read_envelope(g->fd, &r, &env) != 1 ||
		    !admit(q, g, buf_span(&env), r.offset, r.length))
			log_warnx("segment %08x: no envelope at %llu",
			    g->id.id, (unsigned long long)r.offset);
		g->known = r.offset + r.length;
	}
	buf_clear(&env);
}

static struct segment_id
get_id(struct msg *msg)
{
	struct segment_id	id;

	id.id = msg_u32(msg);
	id.generation = msg_u32(msg);
	return id;
}

/*
 * A segment that this worker writes; NULL: it is not.  What was open when its
 * channel closed is its own again as soon as it speaks of it.
 */
static struct segment *
own_segment(struct worker *w, struct segment_id id)
{
	struct segment	*g = segments_find(&w->q->segments, id);

	return g != NULL && segments_resume(g, w->instance) ? g : NULL;
}

static bool
take_accepted(struct worker *w, struct msg *msg)
{
	struct segment_id	 id = get_id(msg);
	uint64_t		 offset = msg_u64(msg), length = msg_u64(msg);
	struct span		 env = msg_bytes(msg, ENVELOPE_MAX);
	struct segment		*g = own_segment(w, id);

	if (!msg_end(msg))
		return false;
	/*
	 * The worker may have written and sealed while a new queue was reading
	 * the spool: all of a sealed segment has been read from the file.
	 */
	if (g == NULL)
		return true;
	if (offset % 8 != 0 || length > g->size || offset > g->size - length)
		return false;
	if (offset < g->known)
		return true;	/* has been read from the file */
	if (offset > g->known)
		intake_read_on(w->q, g, offset, true);
	g->known = offset + length;
	return admit(w->q, g, env, offset, length);
}

static bool
take_sealed(struct worker *w, struct msg *msg)
{
	struct segment	*g = own_segment(w, get_id(msg));
	uint64_t	 end = msg_u64(msg);

	if (!msg_end(msg))
		return false;
	if (g == NULL)
		return true;
	if (g->known < end)
		intake_read_on(w->q, g, end, true);
	segments_seal(g, end);
	return true;
}

/* Where the worker could not sync; behind `good` nothing was acknowledged. */
static bool
take_failed(struct worker *w, struct msg *msg)
{
	struct segment	*g = own_segment(w, get_id(msg));
	uint64_t	 good = msg_u64(msg);

	if (!msg_end(msg))
		return false;
	if (g != NULL) {
		intake_read_on(w->q, g, good, true);
		segments_seal(g, g->known > good ? g->known : good);
	}
	space_check(w->q);
	return true;
}

/* After a restart of the queue the worker writes on where it was. */
static bool
take_resume(struct worker *w, struct msg *msg)
{
	struct segment_id	 id = get_id(msg);
	uint64_t		 synced = msg_u64(msg);
	struct segment		*g = own_segment(w, id);

	if (!msg_end(msg))
		return false;
	if (g != NULL)
		intake_read_on(w->q, g, synced, true);
	else {		/* sealed meanwhile, and done; it must not go on there */
		chan_begin(w->chan, MSG_SEGMENT_REVOKED);
		chan_u32(w->chan, id.id);
		chan_u32(w->chan, id.generation);
		chan_end(w->chan);
	}
	return true;
}

/* --- bodies */

static void
body_made(void *arg, int fd)
{
	struct body_wanted	*b = arg;
	struct worker		*w = find_worker(b->q, b->instance);

	if (w == NULL || w->chan == NULL) {
		if (fd != -1)
			close(fd);
		body_remove(b->q, b->qid);
	} else {
		chan_begin(w->chan, MSG_BODY);
		chan_u64(w->chan, b->qid);
		chan_u8(w->chan, fd != -1);
		if (fd != -1)
			chan_fd(w->chan, fd);
		chan_end(w->chan);
	}
	free(b);
}

static bool
take_body_wanted(struct worker *w, struct msg *msg)
{
	struct body_wanted	*b;
	uint64_t		 qid = msg_u64(msg);

	if (!msg_end(msg))
		return false;
	b = xcalloc(1, sizeof(*b));
	*b = (struct body_wanted){ w->q, w->instance, qid };
	if (w->q->full || w->nbodies >= BODIES_MAX ||
	    index_find(&w->q->index, qid) != NULL) {
		body_made(b, -1);
		return true;
	}
	w->bodies = xreallocarray(w->bodies, w->nbodies + 1, sizeof(qid));
	w->bodies[w->nbodies++] = qid;
	body_make(w->q, qid, body_made, b);
	return true;
}

static bool
take_body_dropped(struct worker *w, struct msg *msg)
{
	uint64_t	qid = msg_u64(msg);

	if (!msg_end(msg))
		return false;
	forget_body(w, qid);
	if (index_find(&w->q->index, qid) == NULL)
		body_remove(w->q, qid);
	return true;
}

/* --- ETRN */

void
intake_etrn(struct queue *q, uint32_t instance, uint64_t ticket,
    unsigned result, uint32_t messages)
{
	struct worker	*w = find_worker(q, instance);

	if (w == NULL || w->chan == NULL)
		return;
	chan_begin(w->chan, MSG_ETRN_STARTED);
	chan_u64(w->chan, ticket);
	chan_u8(w->chan, (uint8_t)result);
	chan_u32(w->chan, messages);
	chan_end(w->chan);
}

static bool
take_etrn(struct worker *w, struct msg *msg)
{
	uint64_t	ticket = msg_u64(msg);
	uint8_t		how = msg_u8(msg);
	struct span	name = msg_bytes(msg, ETRN_NAME_MAX);

	if (!msg_end(msg) || how >= ETRN_NHOWS || name.n == 0)
		return false;
	etrn_ask(w->q, w->instance, ticket, (enum etrn_how)how, name);
	return true;
}

/* --- the postmaster */

static bool
take_told(struct worker *w, struct msg *msg)
{
	static const enum notify_class	 classes[SESSION_TOLD_N] = {
		[SESSION_TOLD_POLICY] = TOLD_POLICY,
		[SESSION_TOLD_PROTOCOL] = TOLD_PROTOCOL
	};
	static const char *const	 subjects[SESSION_TOLD_N] = {
		[SESSION_TOLD_POLICY] = "Mail was refused by the policy",
		[SESSION_TOLD_PROTOCOL] = "A client and the protocol"
	};
	uint8_t				 class = msg_u8(msg);
	uint32_t			 more = msg_u32(msg);
	struct span			 text = msg_bytes(msg,
	    SESSION_TOLD_MAX);

	if (!msg_end(msg) || class >= SESSION_TOLD_N)
		return false;
	postmaster_more(w->q, classes[class], more);
	postmaster_tell(w->q, classes[class], subjects[class], text);
	return true;
}

/* --- time */

/* All that stands there.  It may be unsynced, and must not be torn later. */
static void
read_tail(struct queue *q, struct segment *g)
{
	if (fdatasync(g->fd) == -1)
		log_warn("segment %08x: cannot sync", g->id.id);
	intake_read_on(q, g, 0, true);
}

void
intake_tick(struct queue *q)
{
	struct segment	*g, *next;

	for (g = q->segments.first; g != NULL; g = next) {
		next = g->next;
		if (g->state != SEGMENT_LOST ||
		    clock_boot_ms() - g->sealed_ms <= (int64_t)q->resume_ms)
			continue;
		read_tail(q, g);
		segments_seal(g, g->known);
	}
}

/* --- the channel */

static bool
intake_message(struct chan *c, struct msg *msg, void *arg)
{
	struct worker	*w = arg;

	(void)c;
	switch (msg->type) {
	case MSG_SEGMENT_WANTED:
		return take_segment_wanted(w, msg);
	case MSG_SEGMENT_RESUME:
		return take_resume(w, msg);
	case MSG_ACCEPTED:
		return take_accepted(w, msg);
	case MSG_SEGMENT_SEALED:
		return take_sealed(w, msg);
	case MSG_SEGMENT_FAILED:
		return take_failed(w, msg);
	case MSG_BODY_WANTED:
		return take_body_wanted(w, msg);
	case MSG_BODY_DROPPED:
		return take_body_dropped(w, msg);
	case MSG_ETRN:
		return take_etrn(w, msg);
	case MSG_SESSION_TOLD:
		return take_told(w, msg);
	default:
		return false;
	}
}

/*
 * It is dead, or will come again on a new channel.  What it had synced counts
 * now; its segments are sealed when it does not name them for a while.
 */
static void
bury(struct worker *w)
{
	struct queue	*q = w->q;
	struct segment	*g;

	w->chan = NULL;
	w->wants = 0;
	w->nbodies = 0;		/* bodies_sweep() finds what nobody names */
	for (g = q->segments.first; g != NULL; g = g->next) {
		if (g->state != SEGMENT_OPEN || g->writer != w->instance)
			continue;
		read_tail(q, g);
		segments_lose(g);
	}
}

static void
intake_closed(struct chan *c, void *arg)
{
	(void)c;
	bury(arg);
}

static void
say_space(struct worker *w)
{
	space_put(w->chan, &w->q->throttle.space);
}

void
intake_space(struct queue *q)
{
	struct worker	*w;

	for (w = q->workers; w != NULL; w = w->next)
		if (w->chan != NULL)
			say_space(w);
}

void
intake_peer(struct queue *q, uint32_t instance, int fd)
{
	static const struct chan_ops	ops = { intake_message, intake_closed };
	struct worker			*w = find_worker(q, instance);

	if (w == NULL) {
		w = xcalloc(1, sizeof(*w));
		w->q = q;
		w->instance = instance;
		w->next = q->workers;
		q->workers = w;
	}
	if (w->chan != NULL) {
		chan_free(&w->chan);
		bury(w);
	}
	w->chan = chan_new(fd, "smtp", &ops, w);
	q->segments.spares_wanted = (unsigned)intake_workers(q) + 1;
	segments_fill(&q->segments);
	say_space(w);
}
