/*
 * segments.h - the read-only descriptors of the spool's segments, by number.
 *
 * The queue sends each segment once; a job holds it while it needs it, so that
 * SEGMENT_GONE may come at any time.
 */
#ifndef WB_MTA_RELAY_SEGMENTS_H
#define WB_MTA_RELAY_SEGMENTS_H

#include "base/hash.h"

struct segment;

struct segments {
	struct htab	by_id;
};

/* Takes fd; one of the same number and generation is replaced. */
void		 segments_add(struct segments *, uint32_t segment, uint32_t generation, int fd);
void		 segments_gone(struct segments *, uint32_t segment, uint32_t generation);
/* A new queue knows none. */
void		 segments_clear(struct segments *);
/* NULL: it is not there. */
struct segment	*segments_hold(struct segments *, uint32_t segment, uint32_t generation);
void		 segment_release(struct segment **);
int		 segment_fd(const struct segment *);

#endif
