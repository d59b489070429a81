/*
 * hash.c - SipHash-1-3, FNV-1a, and the table of open addressing.
 *
 * SipHash: Aumasson and Bernstein, "SipHash: a fast short-input PRF", with one
 * round for each word and three at the end.
 */
#include <sys/random.h>

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/xalloc.h"

#define HTAB_FIRST	16

struct htab_slot {
	char		*key;	/* NULL: the slot is free */
	size_t		 n;
	uint64_t	 hash;
	void		*value;
};

static uint64_t
rotl(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static uint64_t
load64(const char *p, size_t n)
{
	uint64_t	v = 0;
	size_t		i;

	for (i = 0; i < n; i++)
		v |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return v;
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

static uint64_t
siphash13(const uint64_t key[2], struct span s)
{
	uint64_t	v[4] = {
		key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
		key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u
	};
	uint64_t	m;
	size_t		i;

	for (i = 0; i + 8 <= s.n; i += 8) {
		m = load64(s.p + i, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = (uint64_t)s.n << 56;
	if (i < s.n)
		m |= load64(s.p + i, s.n - i);
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
hash_keyed(struct span s)
{
	static uint64_t	key[2];
	static bool	drawn;

	if (!drawn) {
		if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
			fatal("getrandom");
		drawn = true;
	}
	return siphash13(key, s);
}

uint64_t
hash_fixed(struct span s)
{
	uint64_t	h = 0xcbf29ce484222325u;
	size_t		i;

	for (i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
	/* The low bits of FNV are weak; mix as MurmurHash3 does at its end. */
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	return h ^ (h >> 33);
}

void
htab_clear(struct htab *t)
{
	size_t	i;

	for (i = 0; i < t->cap; i++)
		free(t->slots[i].key);
	free(t->slots);
	*t = (struct htab){ 0 };
}

/* The slot that holds the key, or the free one where it would go. */
static struct htab_slot *
find(const struct htab *t, struct span key, uint64_t hash)
{
	struct htab_slot	*slot;
	size_t			 i;

	for (i = hash & (t->cap - 1);; i = (i + 1) & (t->cap - 1)) {
		slot = &t->slots[i];
		if (slot->key == NULL)
			return slot;
		if (slot->hash == hash &&
		    span_eq((struct span){ slot->key, slot->n }, key))
			return slot;
	}
}

static void
grow(struct htab *t)
{
	struct htab_slot	*old = t->slots;
	size_t			 i, cap = t->cap;

	t->cap = cap == 0 ? HTAB_FIRST : cap * 2;
	t->slots = xcalloc(t->cap, sizeof(*t->slots));
	for (i = 0; i < cap; i++)
		if (old[i].key != NULL)
			*find(t, (struct span){ old[i].key, old[i].n },
			    old[i].hash) = old[i];
	free(old);
}

void *
htab_get(const struct htab *t, struct span key)
{
	return t->n == 0 ? NULL : find(t, key, hash_keyed(key))->value;
}

void *
htab_put(struct htab *t, struct span key, void *v)
{
	struct htab_slot	*slot;
	uint64_t		 hash = hash_keyed(key);
	void			*before;

	assert(v != NULL);
	if (t->n >= t->cap - t->cap / 4)
		grow(t);
	slot = find(t, key, hash);
	before = slot->value;
	if (slot->key == NULL) {
		slot->key = xmalloc(key.n);
		if (key.n > 0)
			memcpy(slot->key, key.p, key.n);
		slot->n = key.n;
		slot->hash = hash;
		t->n++;
	}
	slot->value = v;
	return before;
}

/* Moves the followers of a freed slot back, so that no search stops short. */
static void
close_gap(struct htab *t, size_t gap)
{
	size_t	i = gap, home, mask = t->cap - 1;

	for (;;) {
		i = (i + 1) & mask;
		if (t->slots[i].key == NULL)
			return;
		home = t->slots[i].hash & mask;
		if (((i - home) & mask) < ((i - gap) & mask))
			continue;	/* between gap and itself: stays */
		t->slots[gap] = t->slots[i];
		t->slots[i] = (struct htab_slot){ 0 };
		gap = i;
	}
}

void *
htab_del(struct htab *t, struct span key)
{
	struct htab_slot	*slot;
	void			*v;

	if (t->n == 0)
		return NULL;
	slot = find(t, key, hash_keyed(key));
	if (slot->key == NULL)
		return NULL;
	v = slot->value;
	free(slot->key);
	*slot = (struct htab_slot){ 0 };
	t->n--;
	close_gap(t, (size_t)(slot - t->slots));
	return v;
}

bool
htab_next(const struct htab *t, size_t *pos, struct span *key, void **v)
{
	for (; *pos < t->cap; (*pos)++)
		if (t->slots[*pos].key != NULL) {
			*key = span_mem(t->slots[*pos].key, t->slots[*pos].n);
			*v = t->slots[*pos].value;
			(*pos)++;
			return true;
		}
	return false;
}
