/*
 * segment.c - the octets of a segment file; doc/spool.md, "Segments".
 */
#include "mta/spool/segment.h"

#include "base/crc.h"
#include "base/fileio.h"
#include "base/xalloc.h"
#include "mta/spool/envelope.h"
#include "mta/spool/octets.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FORMAT_VERSION	1
#define RECORD_MAGIC	0x43525257u	/* "WRRC" */
#define TRAILER		32
#define ENTRY		24		/* of a table, before the envelope */
#define OLD_ENTRY	8
#define ALIGN		8
#define CHECK_PIECE	65536

static const char head_magic[8] = "WBSEGM1\n";
static const char seal_magic[8] = "WBSEAL2\n";
static const char old_seal_magic[8] = "WBSEAL1\n";

/* A checksum over octets and where they stand. */
static uint32_t
crc_at(const void *p, size_t n, struct segment_id s, uint64_t offset)
{
	uint8_t		where[16];

	octets_store(where, s.id, 4);
	octets_store(where + 4, s.generation, 4);
	octets_store(where + 8, offset, 8);
	return crc32c(crc32c(0, where, sizeof(where)), p, n);
}

int
segment_format_head(int fd, struct segment_id s, uint64_t size)
{
	uint8_t		h[SEGMENT_HEAD] = { 0 };

	memcpy(h, head_magic, 8);
	octets_store(h + 8, FORMAT_VERSION, 4);
	octets_store(h + 12, s.id, 4);
	octets_store(h + 16, s.generation, 4);
	octets_store(h + 24, size, 8);
	octets_store(h + 60, crc32c(0, h, 60), 4);
	if (file_pwrite_all(fd, h, sizeof(h), 0) == -1)
		return -1;
	return fdatasync(fd);
}

int
segment_read_head(int fd, struct segment_id *s, uint64_t *size)
{
	uint8_t		h[SEGMENT_HEAD];

	if (file_pread_all(fd, h, sizeof(h), 0) == -1)
		return -1;
	if (memcmp(h, head_magic, 8) != 0 ||
	    octets_load(h + 8, 4) != FORMAT_VERSION ||
	    octets_load(h + 60, 4) != crc32c(0, h, 60))
		return -1;
	s->id = (uint32_t)octets_load(h + 12, 4);
	s->generation = (uint32_t)octets_load(h + 16, 4);
	*size = octets_load(h + 24, 8);
	return 0;
}

size_t
segment_padding(size_t envelope, uint64_t content_here)
{
	return (size_t)(-(SEGMENT_RECORD_HEAD + envelope + content_here) %
	    ALIGN);
}

uint64_t
segment_record_size(size_t envelope, uint64_t content_here)
{
	return SEGMENT_RECORD_HEAD + envelope + content_here +
	    segment_padding(envelope, content_here);
}

void
segment_put_head(struct buf *out, struct segment_id s, uint64_t offset,
    struct span envelope, uint32_t flags, uint64_t content_length,
    uint32_t content_crc)
{
	uint8_t		h[SEGMENT_RECORD_HEAD];

	assert(offset % ALIGN == 0 && envelope.n <= ENVELOPE_MAX);
	octets_store(h, RECORD_MAGIC, 4);
	octets_store(h + 4, envelope.n, 4);
	octets_store(h + 8, content_length, 8);
	octets_store(h + 16, flags, 4);
	octets_store(h + 20, crc32c(0, envelope.p, envelope.n), 4);
	octets_store(h + 24, content_crc, 4);
	octets_store(h + 28, crc_at(h, 28, s, offset), 4);
	buf_add(out, h, sizeof(h));
	buf_add_span(out, envelope);
}

void
segment_put(struct buf *out, struct segment_id s, uint64_t offset,
    struct span envelope, struct span content, uint32_t flags,
    uint64_t content_length, uint32_t content_crc)
{
	static const char	zeros[ALIGN];

	assert((flags & SEGMENT_F_BODY) ? content.n == 0 :
	    content.n == content_length && content.n <= SEGMENT_BODY_MAX);
	segment_put_head(out, s, offset, envelope, flags, content_length,
	    content_crc);
	buf_add_span(out, content);
	buf_add(out, zeros, segment_padding(envelope.n, content.n));
}

/* Where its parts stand; false when it is larger than records are. */
static bool
lay_out(struct segment_record *r)
{
	uint64_t	here = r->flags & SEGMENT_F_BODY ? 0 :
	    r->content_length;

	if (r->head_length > ENVELOPE_MAX || here > SEGMENT_BODY_MAX)
		return false;
	r->head_offset = r->offset + SEGMENT_RECORD_HEAD;
	r->content_offset = r->head_offset + r->head_length;
	r->length = segment_record_size(r->head_length, here);
	return true;
}

void
segment_toc_add(struct segment_toc *t, uint64_t offset, struct span envelope,
    uint32_t flags, uint64_t content_length)
{
	octets_put(&t->table, offset, 8);
	octets_put(&t->table, content_length, 8);
	octets_put(&t->table, flags, 4);
	octets_put(&t->table, envelope.n, 4);
	buf_add_span(&t->table, envelope);
	t->n++;
}

void
segment_toc_clear(struct segment_toc *t)
{
	buf_clear(&t->table);
	memset(t, 0, sizeof(*t));
}

size_t
segment_toc_entry(size_t envelope)
{
	return ENTRY + envelope;
}

bool
segment_toc_next(const struct segment_toc *t, size_t *pos,
    struct segment_record *r, struct span *envelope)
{
	struct octets	o = { .left = span_from(buf_span(&t->table), *pos) };

	if (o.left.n == 0)
		return false;
	memset(r, 0, sizeof(*r));
	r->offset = octets_get(&o, 8);
	*envelope = SPAN_NONE;
	if (!t->old) {
		r->content_length = octets_get(&o, 8);
		r->flags = (uint32_t)octets_get(&o, 4);
		r->head_length = (uint32_t)octets_get(&o, 4);
		*envelope = octets_get_span(&o, r->head_length);
		if (!lay_out(r))
			return false;
	}
	*pos = t->table.n - o.left.n;
	return !o.bad;
}

uint64_t
segment_seal_size(size_t entries)
{
	return (uint64_t)entries + TRAILER;
}

uint64_t
segment_seal(struct buf *out, struct segment_id s, uint64_t size,
    uint64_t end, const struct segment_toc *t)
{
	uint64_t	at = size - segment_seal_size(t->table.n);
	size_t		start = out->n;
	uint32_t	crc;

	assert(end <= at && !t->old && t->table.n <= UINT32_MAX);
	buf_add_span(out, buf_span(&t->table));
	buf_add(out, seal_magic, 8);
	octets_put(out, t->n, 8);
	octets_put(out, end, 8);
	octets_put(out, t->table.n, 4);
	crc = crc_at(buf_span(out).p + start, out->n - start, s, at);
	octets_put(out, crc, 4);
	return at;
}

/* Head of a record in memory; false when it is none. */
static bool
parse_head(const uint8_t *h, struct segment_id s, uint64_t size,
    struct segment_record *r)
{
	if (octets_load(h, 4) != RECORD_MAGIC ||
	    octets_load(h + 28, 4) != crc_at(h, 28, s, r->offset))
		return false;
	r->head_length = (uint32_t)octets_load(h + 4, 4);
	r->content_length = octets_load(h + 8, 8);
	r->flags = (uint32_t)octets_load(h + 16, 4);
	r->head_crc = (uint32_t)octets_load(h + 20, 4);
	r->content_crc = (uint32_t)octets_load(h + 24, 4);
	return lay_out(r) && r->length <= size - r->offset;
}

/* 1: n octets at offset have this checksum; 0: others stand there; -1. */
static int
check_octets(int fd, uint64_t offset, uint64_t n, uint32_t want)
{
	char		piece[CHECK_PIECE];
	uint32_t	crc = 0;
	size_t		k;

	for (; n > 0; n -= k, offset += k) {
		k = n < sizeof(piece) ? (size_t)n : sizeof(piece);
		if (file_pread_all(fd, piece, k, offset) == -1)
			return errno == ENODATA ? 0 : -1;
		crc = crc32c(crc, piece, k);
	}
	return crc == want;
}

int
segment_read(int fd, struct segment_id s, uint64_t size, uint64_t offset,
    bool check, struct segment_record *r)
{
	uint8_t		h[SEGMENT_RECORD_HEAD];
	int		ok;

	memset(r, 0, sizeof(*r));
	r->offset = offset;
	if (offset % ALIGN != 0 || offset < SEGMENT_HEAD || offset > size ||
	    size - offset < SEGMENT_RECORD_HEAD)
		return 0;
	if (file_pread_all(fd, h, sizeof(h), offset) == -1)
		return errno == ENODATA ? 0 : -1;
	if (!parse_head(h, s, size, r))
		return 0;
	if (!check)
		return 1;
	ok = check_octets(fd, r->head_offset, r->head_length, r->head_crc);
	if (ok == 1 && !(r->flags & SEGMENT_F_BODY))
		ok = check_octets(fd, r->content_offset, r->content_length,
		    r->content_crc);
	return ok;
}

/* The first record's head within n octets that stand at offset; 0: none. */
static uint64_t
find_in(int fd, struct segment_id s, uint64_t size, uint64_t offset,
    const uint8_t *p, size_t n)
{
	struct segment_record	r;
	size_t			i;

	for (i = 0; i + 4 <= n; i += ALIGN)
		if (octets_load(p + i, 4) == RECORD_MAGIC &&
		    segment_read(fd, s, size, offset + i, false, &r) == 1)
			return offset + i;
	return 0;
}

uint64_t
segment_find(int fd, struct segment_id s, uint64_t size, uint64_t from)
{
	uint8_t		piece[CHECK_PIECE];
	uint64_t	found = 0;
	size_t		n;

	for (; from < size && found == 0; from += n) {
		n = size - from < sizeof(piece) ? (size_t)(size - from) :
		    sizeof(piece);
		if (file_pread_all(fd, piece, n, from) == 0)
			found = find_in(fd, s, size, from, piece, n);
	}
	return found;
}

int
segment_read_envelope(int fd, const struct segment_record *r, struct buf *out)
{
	char	*p = buf_reserve(out, r->head_length + 1);

	if (file_pread_all(fd, p, r->head_length, r->head_offset) == -1)
		return errno == ENODATA ? 0 : -1;
	if (crc32c(0, p, r->head_length) != r->head_crc)
		return 0;
	buf_grown(out, r->head_length);
	return 1;
}

struct trailer {
	uint64_t	n, end;
	size_t		octets;		/* of the entries */
	bool		old;
};

/* False when this is none. */
static bool
parse_trailer(const uint8_t *t, uint64_t size, struct trailer *r)
{
	r->old = memcmp(t, old_seal_magic, 8) == 0;
	if (!r->old && memcmp(t, seal_magic, 8) != 0)
		return false;
	r->n = octets_load(t + 8, 8);
	r->end = octets_load(t + 16, 8);
	if (r->n > size / (SEGMENT_RECORD_HEAD + OLD_ENTRY))
		return false;
	r->octets = r->old ? (size_t)r->n * OLD_ENTRY :
	    (size_t)octets_load(t + 24, 4);
	return segment_seal_size(r->octets) <= size - SEGMENT_HEAD &&
	    r->end >= SEGMENT_HEAD &&
	    r->end <= size - segment_seal_size(r->octets);
}

/* All entries are there, one behind the other, and lie before the end. */
static bool
makes_sense(const struct segment_toc *toc, const struct trailer *t)
{
	struct segment_record	r;
	struct span		env;
	uint64_t		behind = SEGMENT_HEAD;
	size_t			pos = 0, n = 0;

	while (segment_toc_next(toc, &pos, &r, &env)) {
		if (r.offset % ALIGN != 0 || r.offset < behind ||
		    r.offset >= t->end || r.length > t->end - r.offset)
			return false;
		behind = r.offset + (toc->old ? ALIGN : r.length);
		n++;
	}
	return n == t->n && pos == toc->table.n;
}

/* Entries and trailer in memory. */
static bool
take_table(const char *p, const struct trailer *t, struct segment_id s,
    uint64_t at, struct segment_toc *toc)
{
	size_t	len = (size_t)segment_seal_size(t->octets);

	if (octets_load((const uint8_t *)p + len - 4, 4) !=
	    crc_at(p, len - 4, s, at))
		return false;
	toc->old = t->old;
	toc->n = (size_t)t->n;
	buf_add(&toc->table, p, t->octets);
	return makes_sense(toc, t);
}

int
segment_read_toc(int fd, struct segment_id s, uint64_t size, uint64_t *end,
    struct segment_toc *toc)
{
	struct trailer	 t;
	uint8_t		 octets[TRAILER];
	size_t		 len;
	char		*table;
	int		 result;

	if (size < SEGMENT_HEAD + TRAILER)
		return 0;
	if (file_pread_all(fd, octets, sizeof(octets), size - TRAILER) == -1)
		return errno == ENODATA ? 0 : -1;
	if (!parse_trailer(octets, size, &t))
		return 0;
	len = (size_t)segment_seal_size(t.octets);
	table = xmalloc(len);
	if (file_pread_all(fd, table, len, size - len) == -1)
		result = errno == ENODATA ? 0 : -1;
	else
		result = take_table(table, &t, s, size - len, toc);
	free(table);
	if (result != 1)
		segment_toc_clear(toc);
	*end = t.end;
	return result;
}

const char *
segment_name(uint32_t id, char out[SEGMENT_NAME])
{
	snprintf(out, SEGMENT_NAME, "S%08x", (unsigned)id);
	return out;
}

bool
segment_name_parse(const char *name, uint32_t *id)
{
	char		 again[SEGMENT_NAME];
	char		*end;
	unsigned long	 v;

	if (name[0] != 'S' || strlen(name) != SEGMENT_NAME - 1)
		return false;
	v = strtoul(name + 1, &end, 16);
	*id = (uint32_t)v;
	return *end == '\0' && strcmp(segment_name(*id, again), name) == 0;
}
