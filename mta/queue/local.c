/*
 * local.c - into a mailbox: the jobs, from their start to their end.
 *
 * DELIVER: the owner's process writes tmp/NAME and syncs it; PREPARED; the
 * status log has that, synced, before COMMIT lets it rename the file into
 * new/; DELIVERED.  All PREPARED of a turn share one sync.  After a restart
 * of anybody a target that the log knows as prepared is only committed.
 * Other kinds than a Maildir (mta/msg/deliver.def) have a single step, and
 * are done at least once.
 */
#include "mta/queue/deliverer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/deliver.h"
#include "mta/msg/msg.h"

#include <stdlib.h>
#include <unistd.h>

#define PROGRAM_MORE_S	60
#define DEATHS_MAX	3	/* of a deliverer, then its mail waits */

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
void
local_end(struct local_job *j)
{
	struct queue	*q = j->local->q;
	struct message	*m = j->m;
	struct deliverer *d = j->deliverer;

	job_unlink(j);
	sched_ended(&q->sched, j->hop, SCHED_NONE, 0);
	hop_unref(&q->sched, &j->hop);
	segment_unpin(j->seg);
	if (j->fd != -1)
		close(j->fd);
	free(j->address);
	free(j);
	m->jobs--;
	message_settle(q, m);
	deliverer_idle(d);
}

void
local_fail(struct local_job *j, uint16_t code, struct span status,
    struct span text)
{
	struct answer	 an = { .code = code, .status = status, .text = text,
	    .when_ms = clock_wall_ms() };
	struct dest	*d = &j->m->dests[j->dest];

	if (code / 100 == 5)
		dest_fail(j->local->q, j->m, d, &an);
	else
		dest_defer(j->local->q, j->m, d, &an);
	local_end(j);
}

/* Its deliverer has gone: another will do it. */
void
local_again(struct local_job *j)
{
	dest_set_state(j->m, &j->m->dests[j->dest], DEST_READY);
	local_end(j);
}

/* --- starting */

/* The value of an option of its place. */
static bool
option_of(const struct dest *d, unsigned option, struct span *value)
{
	struct span	 options;
	struct target	 t;
	unsigned	 kind;

	return dest_place(d, &t) && deliver_how(t.how, &kind, &options) &&
	    deliver_option(options, option, value);
}

struct span
dest_recipient(const struct dest *d, const struct envelope *e)
{
	struct span	s;

	return option_of(d, DELIVER_RECIPIENT, &s) ? s : dest_address(d, e);
}

static char *
address_of(const struct message *m, const struct dest *d)
{
	struct arena	 a = { 0 };
	struct envelope	 e;
	struct span	 s;
	char		*copy;

	message_envelope(m, &a, &e);
	s = dest_recipient(d, &e);
	copy = xstrndup(s.p, s.n);
	arena_clear(&a);
	return copy;
}

/* A program has its own time, and some more for its end. */
static int64_t
limit_of(const struct dest *d)
{
	int64_t		 limit_s = (int64_t)msg_timeout_s(MSG_DELIVER);
	struct span	 value;
	uint64_t	 time_s;

	if (option_of(d, DELIVER_TIME, &value) &&
	    span_u64(value, UINT32_MAX, &time_s))
		limit_s = (int64_t)time_s + PROGRAM_MORE_S;
	return limit_s * 1000;
}

/* In a turn of its own: the scheduler is in the middle of its own. */
static void
begin(void *arg)
{
	struct local_job	*j = arg;
	struct deliverer	*d = j->deliverer;

	if (d->refused != NULL)
		local_fail(j, 451, SPAN("4.3.5"), span_of(d->refused));
	else if (d->chan == NULL) {
		local_again(j);
	} else if (j->m->dests[j->dest].flags & DEST_PREPARED)
		local_send_commit(j);
	else if (message_too_late(j->m))
		local_fail(j, 554, SPAN("5.4.7"),
		    SPAN("the time that its sender has set is over"));
	else
		local_send(j);
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
	j->limit_ms = limit_of(&m->dests[dest]);
	j->state = LOCAL_READING;
	loop_soon(begin, j);
	return true;
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
			local_fail(j, 451, SPAN("4.3.0"),
			    SPAN("the delivering process has died"));
		} else {
			local_again(j);
		}
	}
}

static void
old_jobs(struct deliverer *d, int64_t now)
{
	struct local_job	*j, *next;

	for (j = d->jobs; j != NULL; j = next) {
		next = j->next;
		if (now - j->since_ms < j->limit_ms ||
		    (j->state != LOCAL_SENT && j->state != LOCAL_COMMITTING))
			continue;
		log_warnx("deliver uid=%u has not answered in time", d->uid);
		local_fail(j, 451, SPAN("4.3.0"),
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
