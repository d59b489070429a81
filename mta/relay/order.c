/*
 * order.c - ranks, and chance within them.
 */
#include "mta/relay/order.h"

#include <stdlib.h>

#include "base/digest.h"

uint32_t
order_by_system(void *arg)
{
	uint32_t	r;

	(void)arg;
	random_bytes(&r, sizeof(r));
	return r;
}

static int
by_rank(const void *a, const void *b)
{
	const struct order_item	*x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* The nth of those without a weight. */
static size_t
unweighted(const struct order_item *items, size_t n, uint32_t nth)
{
	size_t	i;

	for (i = 0; i + 1 < n; i++)
		if (items[i].weight == 0 && nth-- == 0)
			break;
	return i;
}

/* Which of them has the next place. */
static size_t
draw(const struct order_item *items, size_t n, order_random *random, void *arg)
{
	uint32_t	sum = 0, none = 0, at, run = 0;
	size_t		i;

	for (i = 0; i < n; i++) {
		sum += items[i].weight;
		none += items[i].weight == 0;
	}
	if (sum == 0)
		return random(arg) % n;
	at = random(arg) % (sum + (none > 0));
	if (at == sum)
		return unweighted(items, n, random(arg) % none);
	for (i = 0; i < n && run + items[i].weight <= at; i++)
		run += items[i].weight;
	return i;
}

void
order_items(struct order_item *items, size_t n, order_random *random,
    void *arg)
{
	struct order_item	tmp;
	size_t			i, k, end;

	qsort(items, n, sizeof(*items), by_rank);
	for (i = 0; i < n; i = end) {
		for (end = i + 1; end < n && items[end].rank == items[i].rank;
		    end++)
			;
		for (; i + 1 < end; i++) {
			k = i + draw(items + i, end - i, random, arg);
			tmp = items[k];
			items[k] = items[i];
			items[i] = tmp;
		}
	}
}
