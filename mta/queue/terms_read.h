/*
 * terms_read.h - the terms of hops, out of the policy's image.
 */
#ifndef WB_MTA_QUEUE_TERMS_READ_H
#define WB_MTA_QUEUE_TERMS_READ_H

#include "mta/queue/terms.h"

struct rs_image;
struct terms_table;

/*
 * Fills *general (its texts are the table's), and reads who has others.  The
 * image is the table's from now on.
 */
struct terms_table	*terms_read(struct rs_image *, struct terms *general);
void			 terms_table_free(struct terms_table **);
/* Of a hop by its text; NULL: the general ones. */
const struct terms	*terms_of_hop(const struct terms_table *, struct span hop);
/* The least `fallback after` of those with a fallback; -1: there is none. */
int64_t			 terms_fallback_ms(const struct terms_table *);
/* Each lifetime that the policy has, shortest first: n of them. */
const int64_t		*terms_lifetimes(const struct terms_table *, size_t *n);

#endif
