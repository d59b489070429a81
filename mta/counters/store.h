/*
 * store.h - counters as octets: what a snapshot and a log are made of.
 *
 * A file is a run of blocks, each with a checksum; a block is a run of
 * records.  Little-endian; times are wall time in ms since 1970.
 *
 *   block    u32 magic, u32 octets of its body, u32 CRC-32C of the body,
 *            u32 CRC-32C of the twelve octets before; body
 *   HEAD     u8 1, u64 generation, u64 seq, i64 written
 *   GREY     u8 2, u64 seq, key, i64 first, i64 last, u8 passed
 *   EVENT    u8 3, u64 seq, key, u64 period, i64 at, u64 question, u32 count
 *   RATE     u8 4, u64 seq, key, u64 period, i64 began, u16 n,
 *            n x (i64 last, u32 events)
 *   SEEN     u8 5, u64 question
 *   EVENTS   u8 6, as EVENT, then u32 how many more came at once
 *
 * A record says with seq when it was: one that is older than what is known of
 * its key changes nothing.  So a log may be read on top of a snapshot that was
 * taken while it was written.  Of a damaged file the damaged blocks are left
 * out; times in the future become now.
 */
#ifndef WB_MTA_COUNTERS_STORE_H
#define WB_MTA_COUNTERS_STORE_H

#include "base/buf.h"
#include "mta/counters/counters.h"

#define STORE_BLOCK_MAX	(64u << 10)	/* octets of a body */
#define STORE_FILE_MAX	(512u << 20)
#define STORE_HEAD	(16 + 25)	/* octets of a file's first block */

/* A block under writing begins; what has been put is closed by the end. */
size_t	store_begin(struct buf *);
void	store_end(struct buf *, size_t began);
/* Whether another record of any kind finds room in that block. */
bool	store_room(const struct buf *, size_t began);

/* wall_ms: what is added to a time to make it wall time. */
void	store_put_head(struct buf *, uint64_t generation, uint64_t seq,
	    int64_t written_ms);
void	store_put_change(struct buf *, const struct counters_change *,
	    int64_t wall_ms);
void	store_put_grey(struct buf *, const struct grey *, int64_t wall_ms);
void	store_put_rate(struct buf *, const struct rate *, int64_t wall_ms);
void	store_put_seen(struct buf *, uint64_t seen);

struct store_report {
	uint64_t	generation;	/* 0: no head was found */
	size_t		records;
	size_t		damaged;	/* octets that were left out */
};

/* Reads a file on top of what there is.  now_ms is that of the counters. */
void	store_read(struct counters *, struct span file, int64_t now_ms,
	    int64_t wall_ms, struct store_report *);

#endif
