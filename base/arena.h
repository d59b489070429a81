/*
 * arena.h - memory that ends with a transaction or an evaluation.
 *
 * Allocations are never freed one by one; arena_reset() keeps the first
 * block for the next transaction, arena_clear() gives all back.
 */
#ifndef WB_BASE_ARENA_H
#define WB_BASE_ARENA_H

#include "base/span.h"

struct arena_block;
struct arena {
	struct arena_block	*head;	/* newest block */
	size_t			 used;	/* in head */
	size_t			 total;	/* octets handed out since reset */
};

void		*arena_alloc(struct arena *, size_t n);	/* zeroed, aligned to 16 */
char		*arena_strdup(struct arena *, const char *);
/* A copy, with a NUL after it that the span does not count. */
struct span	 arena_span(struct arena *, struct span);
/* The three behind each other, likewise. */
struct span	 arena_join(struct arena *, struct span, struct span, struct span);
struct span	 arena_printf(struct arena *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
/* Whether this lies in it. */
bool		 arena_holds(const struct arena *, const void *);
void		 arena_reset(struct arena *);
void		 arena_clear(struct arena *);

#endif
