/*
 * pairs.h - the pairs of key and value that a database's octets hold.
 *
 * A format is read here by its own rules, octet by octet, and not by the
 * library that writes such files: those trust what they read, want a path and
 * a lock file, and map a file that others may truncate.  A file is read whole,
 * so all that a reader needs is a walk; each offset is checked, each page
 * comes once, and what has been given out never exceeds the file.
 *
 * Owns: nothing.  Borrows: the octets of the file, in which keys and values
 * lie; one that lies in pieces is joined in the arena.
 */
#ifndef WB_MAPS_PAIRS_H
#define WB_MAPS_PAIRS_H

#include "base/arena.h"
#include "maps/map_int.h"

#define MAP_FORMAT_HEAD	2048	/* octets that tell what a file is */

/* 0: go on; -1: stop. */
typedef int map_pair_fn(void *arg, struct span key, struct span value);

struct map_pairs {
	struct span	 file;
	map_pair_fn	*each;
	void		*arg;
	struct arena	*arena;
	size_t		 given;		/* octets so far; 0 to begin with */
	const char	*why;		/* static */
};

struct map_format {
	const char	*name;		/* of the driver that reads it */
	/* By its first octets, at most MAP_FORMAT_HEAD, of a file of size. */
	bool		(*is)(struct span head, uint64_t size);
	/* All pairs.  0, or -1 with why: damaged, or each() has stopped. */
	int		(*pairs)(struct map_pairs *);
};

extern const struct map_format	map_format_bdb, map_format_cdb,
    map_format_gdbm, map_format_lmdb;

/* Which of them a file is; NULL: none. */
const struct map_format	*map_format_of(struct span head, uint64_t size);

/* What GDBM computes of a key: 31 bits, by whose highest it chooses the bucket. */
uint32_t map_gdbm_hash(struct span key);

/* Hands a pair to each(); -1 also when there are more than the file can hold. */
int	map_pairs_give(struct map_pairs *, struct span key, struct span value);
/* -1, and why. */
int	map_pairs_fail(struct map_pairs *, const char *why);
/* n octets of the file from off on lie in it. */
bool	map_pairs_within(const struct map_pairs *, uint64_t off, uint64_t n);

/* Integers at a place of the file, which is within it. */
static inline uint16_t
map_u16(const char *p)
{
	uint16_t	 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t
map_u32(const char *p)
{
	uint32_t	 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t
map_u64(const char *p)
{
	uint64_t	 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Little-endian, whatever the machine. */
static inline uint32_t
map_le32(const char *p)
{
	const unsigned char	*u = (const unsigned char *)p;

	return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 |
	    (uint32_t)u[3] << 24;
}

#endif
