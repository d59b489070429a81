/*
 * segments.h - the pool of segment files: who writes which, when one is free.
 *
 * Life of a file:
 *
 *   MAKING -> SPARE -> OPEN -> SEALED -> FREEING -> (MAKING with a new generation | removed)
 *
 * A spare is zero-filled (or used before), has a synced head, and stands in
 * the status log.  LOST: it was open when the queue was started again or its
 * writer's channel closed; the writer may be dead, or about to name it on a new
 * channel.  A sealed segment without live messages
 * and without readers is freed; that stands in the log before it is reused.
 *
 * Owns: files and descriptors.  Borrows: the folder's descriptor.
 */
#ifndef WB_MTA_QUEUE_SEGMENTS_H
#define WB_MTA_QUEUE_SEGMENTS_H

#include "mta/queue/journal.h"
#include "mta/spool/segment.h"

#define SEGMENT_BY_QUEUE	UINT32_MAX	/* writer: the queue itself */

enum segment_state {
	SEGMENT_MAKING, SEGMENT_SPARE, SEGMENT_OPEN, SEGMENT_LOST,
	SEGMENT_SEALED, SEGMENT_FREEING, SEGMENT_FREE
};

struct segment {
	struct segment		*prev, *next;
	struct segments		*pool;
	struct segment_id	 id;
	uint64_t		 size;
	uint64_t		 known;		/* messages below are indexed */
	uint64_t		 end;		/* of its records, when sealed */
	uint64_t		 live_octets;	/* of live records */
	int64_t			 sealed_ms;	/* boot time; LOST: since then */
	uint32_t		 writer;	/* smtp instance or SEGMENT_BY_QUEUE */
	uint32_t		 live;		/* messages */
	uint32_t		 pins;		/* jobs that read it */
	int			 fd;
	int			 error;		/* of the thread's work */
	uint8_t			 state;		/* enum segment_state */
	bool			 relay_has;	/* SEGMENT_FD was sent */
	bool			 copying;	/* its messages are being moved */
	bool			 fresh;		/* the file has to be made */
	bool			 doubtful;	/* was LOST: never reused, somebody may still write */
};

struct segments_ops {
	void	(*spare)(void *arg);	/* there is one now, or will not be: ask again */
	void	(*gone)(void *arg, struct segment *);	/* before it is freed */
	void	(*full)(void *arg);	/* no space for a new one */
};

struct segments {
	struct segment		*first;
	int			 dirfd;
	struct pool		*work;
	struct journal		*journal;
	const struct segments_ops *ops;
	void			*arg;
	uint64_t		 size;		/* of new ones */
	uint32_t		 max_id, max_generation;
	uint64_t		 room;		/* octets that new files may take */
	unsigned		 spares_wanted;
	int64_t			 retry_ms;	/* none is made before (boot time) */
	unsigned		 nstate[SEGMENT_FREE + 1];
};

/* Makes spares until there are enough or the room is used up; call it again. */
void		 segments_fill(struct segments *);
/* A spare for this writer, OPEN now; NULL: ops->spare() tells. */
struct segment	*segments_take(struct segments *, uint32_t writer);
struct segment	*segments_find(const struct segments *, struct segment_id);
/* One that recovery has found; takes fd. */
struct segment	*segments_adopt(struct segments *, struct segment_id,
		    uint64_t size, int fd, enum segment_state);
/* Its writer's channel has closed. */
void		 segments_lose(struct segment *);
/* Its writer has named it on a new channel; OPEN again.  false: it is not his, or freed. */
bool		 segments_resume(struct segment *, uint32_t writer);
/* Nothing more will be written; records end here. */
void		 segments_seal(struct segment *, uint64_t end);
void		 segments_clear(struct segments *);

/* A message came into it or left it; a job reads it or no more. */
void		 segment_live(struct segment *, uint64_t octets);
void		 segment_dead(struct segment *, uint64_t octets);
void		 segment_pin(struct segment *);
void		 segment_unpin(struct segment *);
/* A descriptor of its own for reading. -1 with errno. */
int		 segment_open_read(struct segment *);

#endif
