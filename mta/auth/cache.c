/*
 * cache.c - passwords that were right, for a time.
 *
 * One area of memory: the key, and sets of eight entries.  Which set is said
 * by the keyed id, so that nobody outside can choose it.
 */
#include "config.h"

#include <sys/mman.h>

#include <stdlib.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/auth/cache.h"

#define WAYS	8
#define SETS	(CACHE_ENTRIES / WAYS)

struct entry {
	uint8_t	id[CACHE_ID];
	uint8_t	proof[CACHE_ID];	/* of id and secret */
	int64_t	until_ms;		/* 0: none */
};

struct area {
	uint8_t		key[CACHE_ID];
	struct entry	sets[SETS][WAYS];
};

struct cache {
	struct area	*area;
};

struct cache *
cache_new(void)
{
	struct cache	*c = xcalloc(1, sizeof(*c));
	void		*p = mmap(NULL, sizeof(struct area),
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fatal("memory for the cache of passwords");
	c->area = p;
	if (mlock(p, sizeof(struct area)) == -1)
		log_warn("cache=passwords event=not-locked");
	(void)madvise(p, sizeof(struct area), MADV_DONTDUMP);
	random_bytes(c->area->key, sizeof(c->area->key));
	return c;
}

void
cache_clear(struct cache *c)
{
	explicit_bzero(c->area->sets, sizeof(c->area->sets));
}

void
cache_free(struct cache **cp)
{
	struct cache	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	explicit_bzero(c->area, sizeof(*c->area));
	(void)munmap(c->area, sizeof(*c->area));
	free(c);
}

/* --- what an entry is found by */

/* Of digests, so that none of the parts runs into the next. */
static void
keyed(const struct cache *c, const uint8_t *octets, size_t n,
    uint8_t out[CACHE_ID])
{
	if (HMAC(EVP_sha256(), c->area->key, sizeof(c->area->key), octets, n,
	    out, NULL) == NULL)
		fatalx("HMAC-SHA-256");
}

void
cache_id(const struct cache *c, struct span map, struct span user,
    struct span password, uint8_t id[CACHE_ID])
{
	uint8_t	 parts[3 * 32];

	digest_sha256(map, parts);
	digest_sha256(user, parts + 32);
	digest_sha256(password, parts + 64);
	keyed(c, parts, sizeof(parts), id);
	explicit_bzero(parts, sizeof(parts));
}

static void
proof_of(const struct cache *c, const uint8_t id[CACHE_ID],
    struct span secret, uint8_t out[CACHE_ID])
{
	uint8_t	 parts[CACHE_ID + 32];

	memcpy(parts, id, CACHE_ID);
	digest_sha256(secret, parts + CACHE_ID);
	keyed(c, parts, sizeof(parts), out);
	explicit_bzero(parts, sizeof(parts));
}

static struct entry *
set_of(const struct cache *c, const uint8_t id[CACHE_ID])
{
	return c->area->sets[(id[0] | (unsigned)id[1] << 8) % SETS];
}

/* --- entries */

static bool
is_of(const struct entry *e, const uint8_t id[CACHE_ID], int64_t now_ms)
{
	return e->until_ms > now_ms &&
	    CRYPTO_memcmp(e->id, id, CACHE_ID) == 0;
}

bool
cache_any(const struct cache *c, const uint8_t id[CACHE_ID], int64_t now_ms)
{
	const struct entry	*e = set_of(c, id);
	size_t			 i;

	for (i = 0; i < WAYS; i++)
		if (is_of(&e[i], id, now_ms))
			return true;
	return false;
}

bool
cache_has(const struct cache *c, const uint8_t id[CACHE_ID],
    struct span secret, int64_t now_ms)
{
	const struct entry	*e = set_of(c, id);
	uint8_t			 proof[CACHE_ID];
	size_t			 i;

	proof_of(c, id, secret, proof);
	for (i = 0; i < WAYS; i++)
		if (is_of(&e[i], id, now_ms) &&
		    CRYPTO_memcmp(e[i].proof, proof, CACHE_ID) == 0)
			return true;
	return false;
}

/* Of those in its set the one that ends first makes room. */
void
cache_put(struct cache *c, const uint8_t id[CACHE_ID], struct span secret,
    int64_t now_ms, int64_t until_ms)
{
	struct entry	*e = set_of(c, id), *to = &e[0];
	size_t		 i;

	if (until_ms <= now_ms)
		return;
	for (i = 0; i < WAYS; i++) {
		if (is_of(&e[i], id, now_ms)) {
			to = &e[i];
			break;
		}
		if (e[i].until_ms < to->until_ms)
			to = &e[i];
	}
	memcpy(to->id, id, CACHE_ID);
	proof_of(c, id, secret, to->proof);
	to->until_ms = until_ms;
}
