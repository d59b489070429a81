/*
 * space.c - the reserve of the disk: below it server sessions say 452 4.3.1.
 */
#include "mta/queue/queue.h"

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

/*
 * Spares never take the reserve: they would close the server by themselves,
 * and nothing would ever be written into them.
 */
void
space_check(struct queue *q)
{
	struct statvfs	v;
	uint64_t	left;
	bool		full;

	if (fstatvfs(q->spool_fd, &v) == -1) {
		log_warn("space of the spool");
		return;
	}
	left = (uint64_t)v.f_bavail * v.f_frsize;
	q->segments.room = room_for_segments(q, left);
	segments_fill(&q->segments);
	intake_spare(q);
	full = left < q->set.reserve_octets || intake_starved(q);
	if (full == q->full)
		return;
	q->full = full;
	log_warnx("spool %s free=%llu reserve=%llu", full ? "full" :
	    "has room again", (unsigned long long)left,
	    (unsigned long long)q->set.reserve_octets);
	intake_space(q);
}
