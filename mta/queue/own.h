/*
 * own.h - what the queue itself writes into segments: notifications, and
 * messages that move out of segments which are mostly empty.
 *
 * Batches are written one after the other, each with one sync on a thread.
 * Where they stand is said by the status log (PLACED), not by reading.
 */
#ifndef WB_MTA_QUEUE_OWN_H
#define WB_MTA_QUEUE_OWN_H

#include "mta/queue/segments.h"

struct own;

/* One message: octets in memory, or a record to be copied. */
struct own_item {
	uint64_t		 qid;
	struct span		 envelope;
	struct span		 content;	/* empty with from or SEGMENT_F_BODY */
	uint32_t		 flags;
	uint64_t		 content_length;
	struct segment		*from;		/* NULL, or where it stands */
	uint64_t		 from_offset;
	uint64_t		 offset;	/* out: where it stands now */
};

struct own_batch {
	struct own_batch	*next;
	struct own_item		*items;		/* the caller's, with all they point to */
	size_t			 n;
	/* segment: NULL when nothing was written.  The batch is the caller's again. */
	void			(*cb)(struct own_batch *, struct segment *);
	void			*arg;
	/* the writer's */
	struct segment		*segment;
	struct buf		 out;
	uint64_t		 offset;
	int			 error;
};

#define OWN_BATCH_OCTETS	(1u << 20)	/* a batch of several stays below */

struct own	*own_new(struct segments *, struct pool *work);
void		 own_append(struct own *, struct own_batch *);
/* A spare has come. */
void		 own_go_on(struct own *);

#endif
