/*
 * batch.h - what the intake's thread does: writing and syncing, nothing else.
 *
 * A batch is made by the loop, worked on by one thread, and looked at again by
 * the loop: at no time by two.
 */
#ifndef WB_MTA_SMTP_BATCH_H
#define WB_MTA_SMTP_BATCH_H

#include "mta/smtp/intake.h"
#include "mta/spool/segment.h"

/* A segment that is being written, or waits to be. */
struct intake_segment {
	int			 fd;		/* -1: there is none */
	struct segment_id	 id;
	uint64_t		 size;
	uint64_t		 tail;		/* records end here; all before it is synced */
	struct segment_toc	 toc;
};

struct batch {
	struct intake		*intake;
	struct intake_segment	 segment;	/* fd, id, size and tail; the table stays with the owner */
	struct intake_message	*messages;	/* offsets are given */
	size_t			 n;
	uint64_t		 end;		/* where the records end after it */
	int			 error;		/* errno, 0: written and synced */
};

/* Writes all records with as few calls as it takes, syncs once. */
void	batch_write(struct batch *);
/* Writes the table of contents and syncs. */
void	batch_seal(struct intake_segment *, int *error);
void	intake_message_free(struct intake_message **);

#endif
