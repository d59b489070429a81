/*
 * space.c - what there is room for: the disk's reserve, memory, messages; and
 * what server sessions are told of it.
 */
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"

#include <sys/statvfs.h>

/*
 * Files that are being made are not yet seen in what is left, nor is what the
 * queue writes until it looks again: its log would take the reserve where the
 * segments end just above it.
 */
static uint64_t
room_for_segments(const struct queue *q, uint64_t left)
{
	uint64_t	taken = q->segments.size *
	    q->segments.nstate[SEGMENT_MAKING] + q->segments.size / 4;

	if (left < q->set.reserve_octets)
		return 0;
	left -= q->set.reserve_octets;
	return left > taken ? left - taken : 0;
}

static struct throttle_now
look(const struct queue *q)
{
	return (struct throttle_now){ .come = q->index.come,
	    .gone = q->index.gone, .queued = q->index.n,
	    .memory = index_memory(), .free = q->free_octets,
	    .reserve = q->set.reserve_octets,
	    .no_segment = intake_starved(q) };
}

/* New mail is refused or delayed from now on; this is written into the reserve. */
static void
tell_postmaster(struct queue *q, unsigned reason)
{
	struct buf	text = { 0 };

	if (reason == REASON_MARK)
		return;		/* a wave of mail, of which status tells */
	buf_addf(&text, "New mail is not taken for the time being: %s.\n\n"
	    "messages in the queue: %zu\noctets free on the spool's disk: "
	    "%llu\noctets kept in reserve there: %llu\n",
	    reason_word(reason), q->index.n,
	    (unsigned long long)q->free_octets,
	    (unsigned long long)q->set.reserve_octets);
	postmaster_tell(q, TOLD_RESOURCE, "New mail is not taken",
	    buf_span(&text));
	buf_clear(&text);
}

/* One line when a reason begins or ends, with its figures. */
static void
log_changes(struct queue *q, uint32_t before)
{
	const struct throttle	*t = &q->throttle;
	unsigned		 r;

	for (r = 0; r < REASON_N; r++) {
		if (reason_of(r) != REASON_OF_SERVER ||
		    throttle_holds(t, r) == throttle_held(before, r))
			continue;
		log_warnx("event=throttle reason=%s state=%s messages=%zu "
		    "memory=%llu free=%llu arrivals=%.1f departures=%.1f",
		    reason_word(r), throttle_holds(t, r) ? "begins" : "ends",
		    q->index.n, (unsigned long long)index_memory(),
		    (unsigned long long)q->free_octets,
		    (double)t->come_mps / 1000, (double)t->gone_mps / 1000);
		if (throttle_holds(t, r))
			tell_postmaster(q, r);
	}
}

/* by: throttle_look() or throttle_step(). */
static void
judge(struct queue *q, bool (*by)(struct throttle *,
    const struct throttle_now *, int64_t))
{
	struct throttle		*t = &q->throttle;
	struct throttle_now	 now = look(q);
	uint32_t		 before = t->holds;

	if (!by(t, &now, clock_wall_ms()))
		return;
	q->full = throttle_holds(t, REASON_DISK) ||
	    throttle_holds(t, REASON_NO_SEGMENT);
	log_changes(q, before);
	intake_space(q);
}

/*
 * Spares never take the reserve: they would close the server by themselves,
 * and nothing would ever be written into them.
 */
static void
look_at_disk(struct queue *q)
{
	struct statvfs	v;

	if (fstatvfs(q->spool_fd, &v) == -1) {
		log_warn("space of the spool");
		return;
	}
	q->free_octets = (uint64_t)v.f_bavail * v.f_frsize;
	q->segments.room = room_for_segments(q, q->free_octets);
	segments_fill(&q->segments);
	intake_spare(q);
}

void
space_begin(struct queue *q)
{
	struct throttle_now	now = look(q);

	throttle_begin(&q->throttle, &now);
	space_check(q);
}

void
space_check(struct queue *q)
{
	look_at_disk(q);
	judge(q, throttle_look);
}

void
space_tick(struct queue *q)
{
	look_at_disk(q);
	judge(q, throttle_step);
}

void
space_turn(struct queue *q)
{
	const struct throttle	*t = &q->throttle;

	if ((t->messages > 0 && q->index.n >= t->messages) ||
	    (t->memory > 0 && index_memory() >= t->memory))
		judge(q, throttle_look);
}
