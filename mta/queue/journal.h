/*
 * journal.h - the status log: what has become of the messages in the segments.
 *
 * One file, status.log, with one writer.  Records gather in memory and are
 * written some milliseconds later or when somebody waits for a sync; a sync
 * runs on a thread, one at a time, and covers all who came before it began.
 * Records go into space that was filled with zeros before, so that what
 * happens to a message that was accepted needs no new space.
 *
 * When the log has grown well beyond the state that it describes, a new file
 * is begun (a checkpoint): the owner writes the whole state as records, in
 * slices between other work, and what happens meanwhile goes to both files in
 * the order in which it happens.  The new one is synced and renamed into place.
 *
 * Format: doc/spool.md, "Status log"; records: records.def.
 */
#ifndef WB_MTA_QUEUE_JOURNAL_H
#define WB_MTA_QUEUE_JOURNAL_H

#include "mta/queue/record.h"

#define JOURNAL_HEAD	64

struct pool;
struct journal;

struct journal_ops {
	/*
	 * The next slice of the state, by journal_dump(); step counts from 0.
	 * False when this was the last.
	 */
	bool	(*slice)(void *arg, struct journal *, unsigned step);
};

/* Reads a log: each record in its order, also its octets. Returns where the log ends, 0: no log. */
typedef void journal_cb(void *arg, const struct record *, struct span octets);
uint64_t	journal_scan(struct span file, uint64_t *generation,
		    journal_cb *, void *arg);
/* All of status.log, mapped for reading; nothing when there is none. 0 or -1. */
int		journal_map(int dirfd, struct span *out);
void		journal_unmap(struct span *);

/*
 * Goes on with status.log behind `end` (what stands there is wiped), or makes
 * it when end is 0.  dirfd stays the caller's.  NULL with errno.
 */
struct journal	*journal_open(int dirfd, uint64_t generation, uint64_t end,
		    struct pool *syncs, struct pool *work,
		    const struct journal_ops *, void *arg);
/* Writes and syncs what there is, now. */
void		 journal_close(struct journal **);

void		 journal_add(struct journal *, const struct record *);
/* cb runs when all that was added before is durable. */
void		 journal_sync(struct journal *, void (*cb)(void *), void *arg);
/* Only from slice(): into the new file. */
void		 journal_dump(struct journal *, const struct record *);
/* Begins a checkpoint, when none is under way. */
void		 journal_checkpoint(struct journal *);
/* At the end of each turn: starts the sync that somebody waits for. */
void		 journal_turn(struct journal *);

struct journal_stats {
	uint64_t	size;		/* octets of records in the file */
	uint64_t	syncs, checkpoints;
};
struct journal_stats journal_stats(const struct journal *);

#endif
