/*
 * record.h - one record of the status log in memory.
 *
 * Which fields count is said by the type, in records.def.
 */
#ifndef WB_MTA_QUEUE_RECORD_H
#define WB_MTA_QUEUE_RECORD_H

#include "base/buf.h"
#include "mta/msg/target.h"
#include "mta/spool/segment.h"

enum record_type {
#define RECORD(name, number, fields, sync, meaning) REC_##name = number,
#include "mta/queue/records.def"
#undef RECORD
};

/* How a target has arrived. */
enum record_how { RECORD_DELIVERED, RECORD_RELAYED, RECORD_WAS_EXPANDED };

enum { RECORD_BY_SMTP = 0, RECORD_BY_QUEUE = 1 };

struct record {
	uint8_t			type;
	uint8_t			writer;
	uint8_t			how;		/* ARRIVED: enum record_how */
	uint8_t			kept;		/* HELD: enum attr_kept */
	uint32_t		uid;		/* and by whom */
	uint32_t		sub;
	uint16_t		attempts;
	uint16_t		code;
	uint32_t		rcpt;
	uint64_t		qid;
	struct segment_id	segment;
	uint64_t		offset, end;
	uint32_t		flags;	/* of a segment's record */
	struct span		envelope;
	uint32_t		max_segment, max_generation;
	int64_t			next_ms;
	struct span		name, status, mta, text, tls, login;
	struct target		target;
	struct span		list;	/* EXPANDED, PART: count and pairs, record_list_next() */
};

#define RECORD_MAX	(16u << 20)	/* octets of one record */

/* Type and fields, added to out. */
void	record_format(const struct record *, struct buf *out);
/* Spans are borrowed from in. 0, or -1: nonsense. */
int	record_parse(struct span in, struct record *);

/* A target by itself, as field T has it. */
void	record_put_target(struct buf *, const struct target *);
int	record_get_target(struct span in, struct target *);
/* Composes a list: count first (record_list_begin), then its pairs. */
void	record_list_begin(struct buf *, uint32_t count);
/* The same, when it is known. */
void	record_list_counted(struct buf *, uint32_t count);
void	record_list_add(struct buf *, uint32_t sub, const struct target *);
/* Walks it; *list is eaten, begins with record_list_count(). */
uint32_t record_list_count(struct span *list);
bool	record_list_next(struct span *list, uint32_t *sub, struct target *);

#endif
