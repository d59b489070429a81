/*
 * hash.h - hash of octets, and a table from octets to pointers.
 *
 * hash_keyed() is SipHash-1-3 under a key drawn at start: for keys that
 * strangers choose.  hash_fixed() is the same everywhere and for ever (it is
 * part of the image's format): for keys that the administrator wrote.
 */
#ifndef WB_BASE_HASH_H
#define WB_BASE_HASH_H

#include "base/span.h"

uint64_t	hash_keyed(struct span);
uint64_t	hash_fixed(struct span);	/* FNV-1a folded by a final mix */

/* A hash table; the key is copied.  A zeroed struct is an empty table. */
struct htab_slot;
struct htab {
	struct htab_slot	*slots;
	size_t			 n, cap;
};

void	 htab_clear(struct htab *);
void	*htab_get(const struct htab *, struct span key);
/* Stores v (not NULL); returns what stood there before, or NULL. */
void	*htab_put(struct htab *, struct span key, void *v);
/* Takes the key out; returns its value, or NULL. */
void	*htab_del(struct htab *, struct span key);
/* Walk: *pos starts at 0; false at the end.  No put or del meanwhile. */
bool	 htab_next(const struct htab *, size_t *pos, struct span *key, void **v);

#endif
