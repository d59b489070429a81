/*
 * members.c - open addressing, linear probing; members.h.
 */
#include "mta/queue/members.h"

#include "base/hash.h"
#include "base/xalloc.h"

#include <stdlib.h>

#define SLOTS_LEAST	64

struct member_slot {
	uint32_t	hash;
	uint32_t	dest;		/* number + 1; 0: free */
};

int64_t
members_find(const struct members *t, const struct message *m,
    const struct envelope *e, struct span address)
{
	uint32_t	hash = (uint32_t)hash_keyed(address), i;

	if (t->n == 0)
		return -1;
	for (i = hash & (t->cap - 1); t->slots[i].dest != 0;
	    i = (i + 1) & (t->cap - 1))
		if (t->slots[i].hash == hash && span_eq(address,
		    dest_address(&m->dests[t->slots[i].dest - 1], e)))
			return t->slots[i].dest - 1;
	return -1;
}

static void
put(struct members *t, struct member_slot s)
{
	uint32_t	i = s.hash & (t->cap - 1);

	while (t->slots[i].dest != 0)
		i = (i + 1) & (t->cap - 1);
	t->slots[i] = s;
}

static void
grow(struct members *t)
{
	struct members	old = *t;
	uint32_t	i;

	t->cap = old.cap == 0 ? SLOTS_LEAST : 2 * old.cap;
	t->slots = xcalloc(t->cap, sizeof(*t->slots));
	for (i = 0; i < old.cap; i++)
		if (old.slots[i].dest != 0)
			put(t, old.slots[i]);
	free(old.slots);
}

void
members_add(struct members *t, uint32_t dest, struct span address)
{
	if (2 * (t->n + 1) > t->cap)
		grow(t);
	put(t, (struct member_slot){ (uint32_t)hash_keyed(address),
	    dest + 1 });
	t->n++;
}

void
members_clear(struct members *t)
{
	free(t->slots);
	*t = (struct members){ 0 };
}
