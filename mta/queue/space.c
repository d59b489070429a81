/*
 * space.c - the reserve of the disk: below it server sessions say 452 4.3.1.
 */
#include "mta/queue/queue.h"

#include "base/log.h"

#include <sys/statvfs.h>

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
	full = left < q->set.reserve_octets;
	if (full == q->full)
		return;
	q->full = full;
	log_warnx("spool %s free=%llu reserve=%llu", full ? "full" :
	    "has room again", (unsigned long long)left,
	    (unsigned long long)q->set.reserve_octets);
	intake_space(q);
	if (!full)
		segments_fill(&q->segments);
}
