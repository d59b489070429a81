/*
 * cache.c - what a server has said of keys, for a time; the least recently used
 * goes first.
 */
#include "config.h"

#include <sys/queue.h>

#include <stdlib.h>

#include "base/hash.h"
#include "base/xalloc.h"

#include "maps/asked/asked_int.h"

#define ENTRY_COST	160	/* octets, about, beside key and value */

struct entry {
	TAILQ_ENTRY(entry)	 used;
	enum map_result		 is;
	int64_t			 until_ms;
	size_t			 key_n, value_n;
	char			 octets[];	/* key, value */
};

struct asked_cache {
	struct htab		 by_key;
	TAILQ_HEAD(entry_list, entry) used;		/* the latest first */
	size_t			 n, octets, entries_max, octets_max;
};

struct asked_cache *
asked_cache_new(size_t entries_max, size_t octets_max)
{
	struct asked_cache	*c = xcalloc(1, sizeof(*c));

	TAILQ_INIT(&c->used);
	c->entries_max = entries_max;
	c->octets_max = octets_max;
	return c;
}

static size_t
cost(const struct entry *e)
{
	return ENTRY_COST + 2 * e->key_n + e->value_n;
}

static void
drop(struct asked_cache *c, struct entry *e)
{
	(void)htab_del(&c->by_key, span_mem(e->octets, e->key_n));
	TAILQ_REMOVE(&c->used, e, used);
	c->n--;
	c->octets -= cost(e);
	free(e);
}

void
asked_cache_free(struct asked_cache **cp)
{
	struct asked_cache	*c = *cp;
	struct entry		*e;

	*cp = NULL;
	if (c == NULL)
		return;
	while ((e = TAILQ_FIRST(&c->used)) != NULL)
		drop(c, e);
	htab_clear(&c->by_key);
	free(c);
}

enum map_result
asked_cache_get(struct asked_cache *c, struct span key, int64_t now_ms,
    struct span *value)
{
	struct entry	*e = htab_get(&c->by_key, key);

	if (e == NULL)
		return MAP_WAIT;
	if (e->until_ms <= now_ms) {
		drop(c, e);
		return MAP_WAIT;
	}
	TAILQ_REMOVE(&c->used, e, used);
	TAILQ_INSERT_HEAD(&c->used, e, used);
	*value = span_mem(e->octets + e->key_n, e->value_n);
	return e->is;
}

static struct entry *
entry_new(struct span key, enum map_result is, struct span value,
    int64_t until_ms)
{
	struct entry	*e = xmalloc(sizeof(*e) + key.n + value.n);

	e->is = is;
	e->until_ms = until_ms;
	e->key_n = key.n;
	e->value_n = value.n;
	if (key.n > 0)
		memcpy(e->octets, key.p, key.n);
	if (value.n > 0)
		memcpy(e->octets + key.n, value.p, value.n);
	return e;
}

void
asked_cache_put(struct asked_cache *c, struct span key, enum map_result is,
    struct span value, int64_t until_ms)
{
	struct entry	*e = htab_get(&c->by_key, key);

	if (e != NULL)
		drop(c, e);
	e = entry_new(key, is, value, until_ms);
	if (cost(e) > c->octets_max / 4) {	/* it would drive out all others */
		free(e);
		return;
	}
	while (c->n > 0 && (c->n + 1 > c->entries_max ||
	    c->octets + cost(e) > c->octets_max))
		drop(c, TAILQ_LAST(&c->used, entry_list));
	(void)htab_put(&c->by_key, key, e);
	TAILQ_INSERT_HEAD(&c->used, e, used);
	c->n++;
	c->octets += cost(e);
}

size_t
asked_cache_size(const struct asked_cache *c, size_t *octets)
{
	*octets = c->octets;
	return c->n;
}
