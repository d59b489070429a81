/*
 * segment.h - the spool's journal: a file of records with one writer.
 *
 * A file S<id as 8 hex> of fixed size, zero-filled when made.  Head (64
 * octets): magic "WBSEGM1\n", format version, id, generation, size, checksum.
 * A record: u32 magic, u32 head length, u64 content length, u32 flags,
 * u32 checksum of the envelope, u32 checksum of the content, u32 checksum of these fields with
 * segment id, generation and offset; then the envelope, then the content,
 * padded to 8.  A message whose content stands in a body file (flag BODY)
 * has content length of that file and none here.  A sealed segment ends with
 * a table of contents and a trailer; doc/spool.md has every octet.
 *
 * Segment id, generation and offset are in each record's checksum, so that what an
 * earlier use of the file left is never read as new.
 */
#ifndef WB_MTA_SPOOL_SEGMENT_H
#define WB_MTA_SPOOL_SEGMENT_H

#include "base/buf.h"

#define SEGMENT_HEAD		64
#define SEGMENT_BODY_MAX	(1u << 20)	/* larger contents have a file of their own */
#define SEGMENT_F_BODY		1u

struct segment_id {
	uint32_t	id, generation;
};

struct segment_record {
	uint64_t	offset;		/* of the record in the file */
	uint64_t	length;		/* all of it, padding too */
	uint32_t	flags;
	uint32_t	head_length;	/* envelope */
	uint64_t	head_offset;	/* in the file */
	uint64_t	content_offset;
	uint64_t	content_length;
};

/* Writes and syncs a fresh head (a new or reused file). 0 or -1 with errno. */
int	segment_format_head(int fd, struct segment_id, uint64_t size);
/* Reads the head. 0, or -1: not a segment, or torn. */
int	segment_read_head(int fd, struct segment_id *, uint64_t *size);

/* Octets that a record of these lengths takes in the file. */
uint64_t segment_record_size(size_t envelope, uint64_t content_here);

/* A record's octets for position `offset`, added to out; `content` is empty with SEGMENT_F_BODY (content_length and its checksum are given). */
void	segment_put(struct buf *out, struct segment_id, uint64_t offset, struct span envelope, struct span content, uint32_t flags, uint64_t content_length, uint32_t content_crc);

/* The writer's table of contents; zeroed at first. */
struct segment_toc {
	uint64_t	*offsets;
	size_t		 n, cap;
};
void	segment_toc_add(struct segment_toc *, uint64_t offset);
void	segment_toc_clear(struct segment_toc *);
/* Table and trailer for position `end`. */
void	segment_seal(struct buf *out, struct segment_id, uint64_t end, const struct segment_toc *);
uint64_t segment_seal_size(size_t records);

/* Reads a record head at offset and checks it; check_content reads and checks the content too. 1: a record; 0: the journal ends here; -1: errno. */
int	segment_read(int fd, struct segment_id, uint64_t size, uint64_t offset, bool check_content, struct segment_record *out);
/* The table of a sealed segment: offsets into toc; 1 sealed, 0 not, -1 errno. */
int	segment_read_toc(int fd, struct segment_id, uint64_t size, struct segment_toc *);

#endif
