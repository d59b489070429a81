/*
 * health.c - addresses that failed, and their growing rests.
 */
#include "mta/relay/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/xalloc.h"

/* Entries stand without gaps; the table finds them. */
struct health {
	struct htab		  by_key;
	size_t			  n;
	struct health_entry	 *at[HEALTH_MAX];
};

#define KEY_OCTETS	(sizeof(((struct ip *)0)->a) + 3)

static struct span
key_of(const struct health_key *k, uint8_t out[KEY_OCTETS])
{
	size_t	n = sizeof(k->ip.a);

	memset(out, 0, KEY_OCTETS);
	memcpy(out, k->ip.a, k->ip.family == 4 ? 4 : n);
	out[n] = k->ip.family;
	out[n + 1] = (uint8_t)(k->port >> 8);
	out[n + 2] = (uint8_t)k->port;
	return span_mem(out, KEY_OCTETS);
}

struct health *
health_new(void)
{
	return xcalloc(1, sizeof(struct health));
}

void
health_free(struct health **hp)
{
	struct health	*h = *hp;
	size_t		 i;

	*hp = NULL;
	if (h == NULL)
		return;
	for (i = 0; i < h->n; i++)
		free(h->at[i]);
	htab_clear(&h->by_key);
	free(h);
}

static struct health_entry *
find(const struct health *h, const struct health_key *k)
{
	uint8_t	octets[KEY_OCTETS];

	return htab_get(&((struct health *)(uintptr_t)h)->by_key,
	    key_of(k, octets));
}

static void
forget(struct health *h, struct health_entry *e)
{
	uint8_t	octets[KEY_OCTETS];
	size_t	i;

	htab_del(&h->by_key, key_of(&e->key, octets));
	for (i = 0; h->at[i] != e; i++)
		;
	h->at[i] = h->at[--h->n];
	free(e);
}

static void
make_room(struct health *h)
{
	struct health_entry	*first = h->at[0];
	size_t			 i;

	if (h->n < HEALTH_MAX)
		return;
	for (i = 1; i < h->n; i++)
		if (h->at[i]->until_ms < first->until_ms)
			first = h->at[i];
	forget(h, first);
}

static struct health_entry *
remember(struct health *h, const struct health_key *k, int64_t now_ms)
{
	struct health_entry	*e;
	uint8_t			 octets[KEY_OCTETS];

	make_room(h);
	e = xcalloc(1, sizeof(*e));
	e->key = *k;
	e->since_ms = now_ms;
	htab_put(&h->by_key, key_of(k, octets), e);
	h->at[h->n++] = e;
	return e;
}

static int64_t
rest_ms(unsigned failures)
{
	int64_t	ms = HEALTH_FIRST_MS;

	while (--failures > 0 && ms < HEALTH_MOST_MS)
		ms *= 2;
	return ms < HEALTH_MOST_MS ? ms : HEALTH_MOST_MS;
}

void
health_failed(struct health *h, const struct health_key *k, const char *name,
    const char *why, int64_t now_ms)
{
	struct health_entry	*e = find(h, k);

	if (e != NULL && now_ms < e->until_ms)
		return;
	if (e == NULL)
		e = remember(h, k, now_ms);
	e->failures++;
	e->until_ms = now_ms + rest_ms(e->failures);
	e->tried_ms = 0;
	snprintf(e->name, sizeof(e->name), "%s", name);
	snprintf(e->why, sizeof(e->why), "%s", why);
}

void
health_works(struct health *h, const struct health_key *k)
{
	struct health_entry	*e = find(h, k);

	if (e != NULL)
		forget(h, e);
}

bool
health_rests(const struct health *h, const struct health_key *k,
    int64_t now_ms)
{
	const struct health_entry	*e = find(h, k);

	return e != NULL && (now_ms < e->until_ms ||
	    (e->tried_ms != 0 && now_ms < e->tried_ms + HEALTH_TRY_MS));
}

void
health_try(struct health *h, const struct health_key *k, int64_t now_ms)
{
	struct health_entry	*e = find(h, k);

	if (e != NULL)
		e->tried_ms = now_ms;
}

void
health_untried(struct health *h, const struct health_key *k)
{
	struct health_entry	*e = find(h, k);

	if (e != NULL)
		e->tried_ms = 0;
}

const struct health_entry *
health_entry(const struct health *h, size_t nth)
{
	return nth < h->n ? h->at[nth] : NULL;
}
