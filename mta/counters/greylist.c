/*
 * greylist.c - first tries, by key.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/counters/greylist.h"

static struct grey *
of(struct aged_entry *e)
{
	return (struct grey *)(void *)e;	/* its first member */
}

static void
grey_free(struct aged_entry *e)
{
	free(e);
}

void
greylist_init(struct greylist *g)
{
	*g = (struct greylist){ .max = GREYLIST_MAX };
	aged_init(&g->fresh);
	aged_init(&g->passed);
}

void
greylist_clear(struct greylist *g)
{
	aged_clear(&g->fresh, grey_free);
	aged_clear(&g->passed, grey_free);
	greylist_init(g);
}

size_t
greylist_count(const struct greylist *g)
{
	return aged_count(&g->fresh) + aged_count(&g->passed);
}

static struct aged *
list_of(struct greylist *g, const struct grey *e)
{
	return e->passed ? &g->passed : &g->fresh;
}

static void
forget(struct greylist *g, struct grey *e)
{
	aged_remove(list_of(g, e), &e->aged);
	free(e);
}

static bool
is_over(const struct grey *e, int64_t now)
{
	return now - e->last_ms >= GREYLIST_FORGET_MS;
}

static struct grey *
find(struct greylist *g, const struct aged_key *k)
{
	struct aged_entry	*e = aged_get(&g->passed, k);

	return of(e != NULL ? e : aged_get(&g->fresh, k));
}

static void
evict(struct greylist *g, struct grey *e, int64_t now)
{
	g->evicted += !is_over(e, now);
	forget(g, e);
}

/* Room for one more. */
static void
make_room(struct greylist *g, int64_t now)
{
	struct grey	*e;
	unsigned	 i;

	for (i = 0; i < 2; i++) {
		e = of(aged_oldest(i == 0 ? &g->fresh : &g->passed));
		if (e != NULL && is_over(e, now))
			forget(g, e);
	}
	while (greylist_count(g) >= g->max) {
		if (aged_count(&g->fresh) > g->max / 4 ||
		    aged_oldest(&g->passed) == NULL)
			e = of(aged_oldest(&g->fresh));
		else
			e = of(aged_oldest(&g->passed));
		evict(g, e, now);
	}
}

static struct grey *
grey_new(struct greylist *g, const struct aged_key *k, int64_t now)
{
	struct grey	*e;

	make_room(g, now);
	e = xcalloc(1, sizeof(*e));
	e->aged.key = *k;
	e->first_ms = e->last_ms = now;
	aged_add(&g->fresh, &e->aged);
	return e;
}

/* It is asked for again; true when that is worth a note. */
static bool
use(struct greylist *g, struct grey *e, bool holds, int64_t now)
{
	if (!holds && !e->passed) {
		aged_remove(&g->fresh, &e->aged);
		e->passed = true;
		aged_add(&g->passed, &e->aged);
	} else if (now - e->last_ms >= GREYLIST_NOTE_MS)
		aged_touch(list_of(g, e), &e->aged);
	else
		return false;
	e->last_ms = now;
	return true;
}

bool
greylist_holds(struct greylist *g, struct span key, int64_t wait_ms,
    bool peek, int64_t now, uint64_t seq, const struct grey **changed)
{
	struct aged_key	 k = aged_key("grey", &key, 1);
	struct grey	*e = find(g, &k);
	bool		 holds, is_new = false;

	*changed = NULL;
	if (e != NULL && is_over(e, now)) {
		forget(g, e);
		e = NULL;
	}
	if (e == NULL && peek)
		return wait_ms > 0;
	if (e == NULL) {
		e = grey_new(g, &k, now);
		is_new = true;
	}
	holds = now - e->first_ms < wait_ms;
	if (!peek && (use(g, e, holds, now) || is_new)) {
		e->aged.seq = seq;
		*changed = e;
	}
	return holds;
}

void
greylist_restore(struct greylist *g, const struct grey *from, int64_t now)
{
	struct grey	*e = find(g, &from->aged.key);

	if (e != NULL && e->aged.seq >= from->aged.seq)
		return;
	if (e != NULL)
		forget(g, e);
	if (is_over(from, now))
		return;
	e = grey_new(g, &from->aged.key, now);
	if (from->passed) {
		aged_remove(&g->fresh, &e->aged);
		e->passed = true;
		aged_add(&g->passed, &e->aged);
	}
	e->first_ms = from->first_ms;
	e->last_ms = from->last_ms;
	e->aged.seq = from->aged.seq;
}

void
greylist_walk(struct greylist *g)
{
	aged_walk(&g->fresh);
	aged_walk(&g->passed);
}

/*
 * Fresh ones first: one that passes meanwhile is met among those, unless that
 * walk is at its end; then the note of its passing says all.
 */
const struct grey *
greylist_next(struct greylist *g, int64_t now)
{
	struct grey	*e;

	for (;;) {
		e = of(aged_next(&g->fresh));
		if (e == NULL)
			e = of(aged_next(&g->passed));
		if (e == NULL)
			return NULL;
		if (!is_over(e, now))
			return e;
		forget(g, e);
	}
}
