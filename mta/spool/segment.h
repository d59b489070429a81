/*
 * segment.h - the spool's journal: a file of records with one writer.
 *
 * A file S<id as 8 hex> of fixed size, zero-filled when made: a head of 64
 * octets, records one after the other, and when it is sealed a table of
 * contents that ends with the file.  A message whose content is above
 * SEGMENT_BODY_MAX stands in a body file (flag SEGMENT_F_BODY): its record has
 * the length and checksum of that file and no content here.  doc/spool.md has
 * every octet.
 *
 * Segment id, generation and offset are in each record's checksum, so that
 * what an earlier use of the file left is never read as new.
 *
 * The writer keeps room for the table: a record may be added at `offset` when
 * offset + segment_record_size() + segment_seal_size(all entries and that of the
 * record) <= size.
 */
#ifndef WB_MTA_SPOOL_SEGMENT_H
#define WB_MTA_SPOOL_SEGMENT_H

#include "base/buf.h"

#define SEGMENT_HEAD		64
#define SEGMENT_RECORD_HEAD	32		/* before the envelope */
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
	uint32_t	head_crc;	/* CRC-32C of the envelope */
	uint32_t	content_crc;	/* and of the content, here or in its file */
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

/*
 * A record's octets for position `offset` (a multiple of 8), added to out.
 * content_length and content_crc are those of content, or with SEGMENT_F_BODY
 * those of the body file; content is then empty.
 */
void	segment_put(struct buf *out, struct segment_id, uint64_t offset,
	    struct span envelope, struct span content, uint32_t flags,
	    uint64_t content_length, uint32_t content_crc);
/* Only its first part, head and envelope: for a writer that gathers the content and segment_padding() zero octets itself. */
void	segment_put_head(struct buf *out, struct segment_id, uint64_t offset,
	    struct span envelope, uint32_t flags, uint64_t content_length,
	    uint32_t content_crc);
size_t	segment_padding(size_t envelope, uint64_t content_here);

/*
 * A table of contents: what a reader of all messages has to know, so that it
 * need not touch the records.  Zeroed at first.
 */
struct segment_toc {
	struct buf	table;		/* entries, as they stand in the file */
	size_t		n;
	bool		old;		/* of a former version: offsets alone */
};
void	segment_toc_add(struct segment_toc *, uint64_t offset,
	    struct span envelope, uint32_t flags, uint64_t content_length);
void	segment_toc_clear(struct segment_toc *);
/* Octets that a record with an envelope of this length takes there. */
size_t	segment_toc_entry(size_t envelope);
/*
 * The entry at *pos (0 at first), without checksums; its envelope is the
 * table's.  Of an old table only the offset is known.  False: behind the last.
 */
bool	segment_toc_next(const struct segment_toc *, size_t *pos,
	    struct segment_record *, struct span *envelope);
/*
 * The octets of the table for a file of `size` whose records end at `end`,
 * added to out; returns the offset at which they are to be written.
 */
uint64_t segment_seal(struct buf *out, struct segment_id, uint64_t size,
	    uint64_t end, const struct segment_toc *);
/* With so many octets of entries. */
uint64_t segment_seal_size(size_t entries);

/*
 * Reads a record's head at offset and checks it; `check` reads and checks
 * envelope and content too.  1: a record; 0: the journal ends here; -1: errno.
 */
int	segment_read(int fd, struct segment_id, uint64_t size, uint64_t offset,
	    bool check, struct segment_record *out);
/*
 * The first offset from `from` on at which a record's head stands, contents
 * unchecked; 0: none.  For what stands behind damage: it reads all between.
 */
uint64_t segment_find(int fd, struct segment_id, uint64_t size, uint64_t from);
/* Adds the envelope's octets to out. 1, 0 when its checksum is wrong, -1 errno. */
int	segment_read_envelope(int fd, const struct segment_record *, struct buf *out);
/* The table of a sealed segment, added to toc, and where its records end. 1 sealed, 0 not, -1 errno. */
int	segment_read_toc(int fd, struct segment_id, uint64_t size,
	    uint64_t *end, struct segment_toc *);

#define SEGMENT_NAME	10	/* "S0000002a" with NUL */
const char *segment_name(uint32_t id, char out[SEGMENT_NAME]);
bool	segment_name_parse(const char *, uint32_t *id);

#endif
