/*
 * level_memory.c - a table without chains: the newer entry stays.
 */
#include "mta/relay/level_memory.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/xalloc.h"

struct level_memory {
	struct {
		uint64_t	hash;		/* of the name; keyed, so nobody aims */
		int64_t		until_ms;	/* 0: nobody is here */
	} at[LEVEL_MEMORY_HOSTS];
};

struct level_memory *
level_memory_new(void)
{
	return xcalloc(1, sizeof(struct level_memory));
}

void
level_memory_free(struct level_memory **m)
{
	free(*m);
	*m = NULL;
}

void
level_memory_put(struct level_memory *m, struct span at, bool has,
    int64_t now_ms)
{
	uint64_t	hash = hash_keyed(at);
	size_t		i = hash % LEVEL_MEMORY_HOSTS;

	if (has) {
		m->at[i].hash = hash;
		m->at[i].until_ms = now_ms + LEVEL_MEMORY_S * INT64_C(1000);
	} else if (m->at[i].hash == hash)
		m->at[i].until_ms = 0;
}

bool
level_memory_has(const struct level_memory *m, struct span at, int64_t now_ms)
{
	uint64_t	hash = hash_keyed(at);
	size_t		i = hash % LEVEL_MEMORY_HOSTS;

	return m->at[i].hash == hash && m->at[i].until_ms > now_ms;
}
