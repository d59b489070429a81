/*
 * index_int.h - how an index lies in memory, for who writes and who asks it.
 *
 *	head | slots | records | included files | their octets
 *
 * A slot has 32 bits of the key's hash and where the record is; a record is
 * line, sizes, key and value in one piece.  So a key that is there costs two
 * places of memory, one that is not there one.  Slots are probed linearly, at
 * most two in three are taken.  Records stand in the order of the table.
 */
#ifndef WB_MAPS_INDEX_INT_H
#define WB_MAPS_INDEX_INT_H

#include "maps/index.h"
#include "maps/map_int.h"

#define INDEX_MAGIC	"WBTABLE1"
#define INDEX_ALIGN	64		/* of sections: a cache line */
#define INDEX_NAME_MAX	16		/* of a kind */
#define INDEX_BROKEN	UINT32_MAX	/* value_n of an entry that cannot be read */

enum {
	INDEX_IS_BROKEN = 1, INDEX_KEY_LOST = 2, INDEX_HOST_NAMES = 4,
	INDEX_WHOLE = 8
};

/* Octets of the file, from its beginning. */
struct index_piece {
	uint64_t	at, n;
};

struct index_head {
	char			magic[8];
	uint64_t		size;		/* of all */
	char			kind[INDEX_NAME_MAX];
	uint32_t		flags;
	uint32_t		entries;
	uint32_t		nslots;		/* a power of two, or 0 */
	uint32_t		nincludes;
	struct map_prefixes	prefixes;
	struct index_piece	slots, records, includes, path;
};

struct index_slot {
	uint32_t	tag;		/* the upper half of the hash */
	uint32_t	at;		/* record, in units of 4 octets, + 1; 0: free */
};

/* key and value follow; the next begins at a multiple of 4. */
struct index_record {
	uint32_t	line, key_n, value_n;
};

struct index_include {
	struct index_piece	path, text;
	uint32_t		file;
	uint32_t		broken;
};

struct map_index {
	const char		*base;
	size_t			 size;
	struct index_head	 head;	/* as it was checked */
};

/* Exactly this key. */
enum map_result	 map_index_find(const struct map_index *, struct span key, struct map_answer *);
/* The record at *pos (from 0): 1, 0 at the end, -1: damaged. */
int		 map_index_next(const struct map_index *, uint64_t *pos, struct map_entry *);
void		 map_index_close(struct map_index **);

#endif
