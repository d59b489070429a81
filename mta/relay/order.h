/*
 * order.h - in which order hosts are tried: by rank, and within one rank by
 * weighted chance (RFC 2782): each place goes to one of those that are left,
 * in proportion to their weights.  Of weight 0 is who has next to no chance
 * beside others that have one, and the same as all where nobody has.
 */
#ifndef WB_MTA_RELAY_ORDER_H
#define WB_MTA_RELAY_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct order_item {
	uint32_t	rank;		/* smaller ones first */
	uint16_t	weight;
	uint16_t	index;		/* the caller's */
};

/* A number of 32 random bits. */
typedef uint32_t order_random(void *arg);

void	order_items(struct order_item *, size_t n, order_random *, void *arg);
/* The one that is used. */
uint32_t order_by_system(void *arg);

#endif
