/*
 * aged.c - a table of digests, and a list by age.
 */
#include "config.h"

#include <assert.h>

#include "base/buf.h"
#include "base/digest.h"
#include "mta/counters/aged.h"

static void
add_length(struct buf *b, size_t n)
{
	uint8_t		octets[8];
	unsigned	i;

	for (i = 0; i < 8; i++)
		octets[i] = (uint8_t)((uint64_t)n >> (8 * i));
	buf_add(b, octets, sizeof(octets));
}

struct aged_key
aged_key(const char *kind, const struct span *parts, size_t n)
{
	struct aged_key	 key;
	struct buf	 b = { 0 };
	uint8_t		 sum[32];
	size_t		 i;

	buf_add_str(&b, kind);
	for (i = 0; i < n; i++) {
		add_length(&b, parts[i].n);
		buf_add_span(&b, parts[i]);
	}
	digest_sha256(buf_span(&b), sum);
	buf_clear(&b);
	memcpy(key.octets, sum, sizeof(key.octets));
	return key;
}

static struct span
key_span(const struct aged_key *k)
{
	return span_mem(k->octets, sizeof(k->octets));
}

void
aged_init(struct aged *a)
{
	a->table = (struct htab){ 0 };
	TAILQ_INIT(&a->list);
	a->cursor = NULL;
}

void
aged_clear(struct aged *a, void (*done)(struct aged_entry *))
{
	struct aged_entry	*e;

	while ((e = aged_oldest(a)) != NULL) {
		TAILQ_REMOVE(&a->list, e, link);
		done(e);
	}
	htab_clear(&a->table);
	a->cursor = NULL;
}

size_t
aged_count(const struct aged *a)
{
	return a->table.n;
}

struct aged_entry *
aged_get(const struct aged *a, const struct aged_key *k)
{
	return htab_get(&a->table, key_span(k));
}

void
aged_add(struct aged *a, struct aged_entry *e)
{
	void	*before = htab_put(&a->table, key_span(&e->key), e);

	assert(before == NULL);
	TAILQ_INSERT_TAIL(&a->list, e, link);
}

/* Off the list; a walk that stands there goes on behind it. */
static void
unlink_entry(struct aged *a, struct aged_entry *e)
{
	if (a->cursor == e)
		a->cursor = TAILQ_NEXT(e, link);
	TAILQ_REMOVE(&a->list, e, link);
}

void
aged_touch(struct aged *a, struct aged_entry *e)
{
	bool	last = a->cursor == e && TAILQ_NEXT(e, link) == NULL;

	unlink_entry(a, e);
	TAILQ_INSERT_TAIL(&a->list, e, link);
	if (last)
		a->cursor = e;	/* not seen yet */
}

void
aged_remove(struct aged *a, struct aged_entry *e)
{
	void	*was = htab_del(&a->table, key_span(&e->key));

	assert(was == e);
	unlink_entry(a, e);
}

struct aged_entry *
aged_oldest(const struct aged *a)
{
	return TAILQ_FIRST(&a->list);
}

void
aged_walk(struct aged *a)
{
	a->cursor = TAILQ_FIRST(&a->list);
}

struct aged_entry *
aged_next(struct aged *a)
{
	struct aged_entry	*e = a->cursor;

	if (e != NULL)
		a->cursor = TAILQ_NEXT(e, link);
	return e;
}
