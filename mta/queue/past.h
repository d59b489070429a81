/*
 * past.h - what the status log of a stopped queue says, of segments and messages.
 *
 * A million messages stand there: what is kept of each until recovery is over
 * is small, and spans point into the log, which is mapped meanwhile.
 */
#ifndef WB_MTA_QUEUE_PAST_H
#define WB_MTA_QUEUE_PAST_H

#include "mta/queue/queue.h"
#include "mta/queue/replay.h"

/* What the log says of a segment. */
struct past_segment {
	struct past_segment	*next;
	struct segment_id	 id;
	uint64_t		 known, end;
	uint8_t			 writer;
	bool			 freed;
};

/* And of a message. */
struct past_message {
	struct past_message	*next;		/* in the order of the log */
	uint64_t		 qid;
	uint64_t		 offset;	/* of its record */
	struct segment_id	 segment;
	const char		*envelope;	/* NULL: in its record alone */
	uint32_t		 envelope_n;
	uint32_t		 flags;		/* of its record; with an envelope */
	struct past_event	*first, *last;
	bool			 finished, placed;
	bool			 found;		/* it is in the index, or was not to be */
};

struct past {
	struct queue		 *q;
	struct span		  file;
	uint64_t		  generation, end;	/* of the log; end 0: it is none of ours */
	struct past_segment	 *segments;
	struct past_message	**slots;	/* by queue id */
	size_t			  cap, n;
	struct past_message	 *first, **last;
	struct arena		  arena;	/* of messages and events */
	uint64_t		  records;
	size_t			  damaged;	/* records passed over */
};

/* Reads all of it; the queue's greatest ids are raised.  0 or -1. */
int	past_read(struct past *, struct queue *);
void	past_clear(struct past *);
struct past_segment *past_segment(const struct past *, struct segment_id);
struct past_message *past_message(const struct past *, uint64_t qid);
/* Nothing before this octet of the log is needed in memory any more. */
void	past_behind(const struct past *, const char *octet);
void	past_note_ids(struct queue *, struct segment_id);

#endif
