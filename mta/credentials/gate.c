/*
 * gate.c - one attempt at a time with a password that is not known to be right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#include "mta/credentials/gate.h"

struct gate_key {
	TAILQ_ENTRY(gate_key)	 entry;		/* used last: at the end */
	uint8_t			 octets[GATE_KEY];
	bool			 right;
	bool			 trying;
	int64_t			 refused_until_ms;
	char			 told[GATE_TEXT_MAX];
	TAILQ_HEAD(, gate_wait)	 line;
};

struct gate {
	int64_t			(*now_ms)(void);
	struct htab		 keys;
	TAILQ_HEAD(, gate_key)	 used;
	size_t			 n;
};

static struct span
octets_of(const uint8_t key[GATE_KEY])
{
	return span_mem((const char *)key, GATE_KEY);
}

struct gate *
gate_new(int64_t (*now_ms)(void))
{
	struct gate	*g = xcalloc(1, sizeof(*g));

	g->now_ms = now_ms;
	TAILQ_INIT(&g->used);
	return g;
}

static void
forget(struct gate *g, struct gate_key *k)
{
	struct gate_wait	*w;

	while ((w = TAILQ_FIRST(&k->line)) != NULL)
		gate_give_up(w);
	(void)htab_del(&g->keys, octets_of(k->octets));
	TAILQ_REMOVE(&g->used, k, entry);
	g->n--;
	free(k);
}

void
gate_free(struct gate **gp)
{
	struct gate	*g = *gp;

	*gp = NULL;
	if (g == NULL)
		return;
	while (!TAILQ_EMPTY(&g->used))
		forget(g, TAILQ_FIRST(&g->used));
	htab_clear(&g->keys);
	free(g);
}

/* Of those that nobody tries just now the one that was not used for longest. */
static void
make_room(struct gate *g)
{
	struct gate_key	*k;

	if (g->n < GATE_MAX)
		return;
	TAILQ_FOREACH(k, &g->used, entry)
		if (!k->trying) {
			forget(g, k);
			return;
		}
}

static struct gate_key *
key_of(struct gate *g, const uint8_t key[GATE_KEY])
{
	struct gate_key	*k = htab_get(&g->keys, octets_of(key));

	if (k != NULL) {
		TAILQ_REMOVE(&g->used, k, entry);
		TAILQ_INSERT_TAIL(&g->used, k, entry);
		return k;
	}
	make_room(g);
	k = xcalloc(1, sizeof(*k));
	memcpy(k->octets, key, GATE_KEY);
	TAILQ_INIT(&k->line);
	TAILQ_INSERT_TAIL(&g->used, k, entry);
	(void)htab_put(&g->keys, octets_of(k->octets), k);
	g->n++;
	return k;
}

enum gate_says
gate_enter(struct gate *g, const uint8_t key[GATE_KEY], struct gate_wait *w,
    const char **told)
{
	struct gate_key	*k = key_of(g, key);

	if (k->right)
		return GATE_GO;
	if (g->now_ms() < k->refused_until_ms) {
		*told = k->told;
		return GATE_REFUSED;
	}
	if (!k->trying) {
		k->trying = true;
		return GATE_GO;
	}
	w->at = k;
	TAILQ_INSERT_TAIL(&k->line, w, entry);
	return GATE_WAIT;
}

void
gate_give_up(struct gate_wait *w)
{
	if (w->at == NULL)
		return;
	TAILQ_REMOVE(&w->at->line, w, entry);
	w->at = NULL;
}

/* Each may leave the line, or enter another one, meanwhile; the key stays. */
static void
tell_all(struct gate_key *k, enum gate_says says)
{
	struct gate_wait	*w;

	k->trying = true;
	while ((w = TAILQ_FIRST(&k->line)) != NULL) {
		gate_give_up(w);
		w->cb(w->arg, says, k->told);
	}
	k->trying = false;
}

static void
next_one(struct gate_key *k)
{
	struct gate_wait	*w = TAILQ_FIRST(&k->line);

	if (w == NULL)
		return;
	k->trying = true;
	gate_give_up(w);
	w->cb(w->arg, GATE_GO, "");
}

void
gate_leave(struct gate *g, const uint8_t key[GATE_KEY], enum gate_end end,
    const char *told)
{
	struct gate_key	*k = htab_get(&g->keys, octets_of(key));

	if (k == NULL)
		return;
	if (end == GATE_UNKNOWN) {
		if (k->right)
			return;
		k->trying = false;
		next_one(k);
		return;
	}
	k->right = end == GATE_RIGHT;
	if (!k->right)
		k->refused_until_ms = g->now_ms() + GATE_REFUSED_MS;
	(void)snprintf(k->told, sizeof(k->told), "%s", told);
	tell_all(k, k->right ? GATE_GO : GATE_REFUSED);
}
