/*
 * aged.h - entries by key, in the order in which they were last used.
 *
 * A key is a digest: entries are all equally small whatever a stranger wrote,
 * and the files in which they are kept hold nobody's address.
 */
#ifndef WB_MTA_COUNTERS_AGED_H
#define WB_MTA_COUNTERS_AGED_H

#include <sys/queue.h>

#include "base/hash.h"

#define AGED_KEY	16	/* octets, of SHA-256 */

struct aged_key {
	uint8_t	octets[AGED_KEY];
};

/* The first member of what is kept. */
struct aged_entry {
	TAILQ_ENTRY(aged_entry)	link;
	struct aged_key		key;
	uint64_t		seq;	/* of its last change (store.h) */
};

/* A zeroed one becomes empty by aged_init(). */
struct aged {
	struct htab			table;
	TAILQ_HEAD(aged_list, aged_entry) list;	/* oldest first */
	struct aged_entry		*cursor;	/* of a walk */
};

/* The key of what these parts say together; each part counts, and its end. */
struct aged_key		 aged_key(const char *kind, const struct span *parts,
			    size_t n);

void			 aged_init(struct aged *);
/* Empties it by free() of each entry. */
void			 aged_clear(struct aged *, void (*)(struct aged_entry *));
size_t			 aged_count(const struct aged *);
struct aged_entry	*aged_get(const struct aged *, const struct aged_key *);
/* As the newest; there is none with its key. */
void			 aged_add(struct aged *, struct aged_entry *);
/* Becomes the newest. */
void			 aged_touch(struct aged *, struct aged_entry *);
void			 aged_remove(struct aged *, struct aged_entry *);
struct aged_entry	*aged_oldest(const struct aged *);	/* NULL: none */

/*
 * A walk from the oldest to the newest, in slices: entries may be added,
 * touched (they come again) and removed meanwhile.
 */
void			 aged_walk(struct aged *);
struct aged_entry	*aged_next(struct aged *);	/* NULL: the end */

#endif
