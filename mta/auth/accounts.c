/*
 * accounts.c - an accounts file with its secrets.
 *
 * Entries lie one behind the other in large blocks that never move; each is
 * taken apart when its user is asked for.
 */
#include "config.h"

#include <sys/stat.h>

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/xalloc.h"

#include "mta/auth/accounts.h"
#include "mta/auth/proof.h"

#define BLOCK	(64u << 10)	/* octets; an entry may be larger */

struct block {
	struct block	*next;
	size_t		 n, cap;
	char		 octets[];
};

struct stored {
	struct span	 raw;		/* empty: it cannot be read */
};

/* Those that can stand for others. */
struct some {
	struct stored	**v;
	size_t		  n, cap;
};

struct accounts {
	struct block	*blocks;
	struct arena	 arena;		/* struct stored: nothing secret */
	struct htab	 by_name;	/* folded */
	size_t		 n;
	bool		 lost;		/* a name could not be told */
	size_t		 mistakes;
	struct stat	 file;		/* before it was read */
	struct auth_offers offers;
	struct some	 all;		/* that have a secret */
	struct some	 scram[2];	/* by enum auth_hash */
};

static struct span
keep(struct accounts *a, struct span raw)
{
	struct block	*b = a->blocks;
	size_t		 cap = raw.n > BLOCK ? raw.n : BLOCK;
	char		*at;

	if (b == NULL || b->cap - b->n < raw.n) {
		b = xmalloc(sizeof(*b) + cap);
		*b = (struct block){ .next = a->blocks, .cap = cap };
		a->blocks = b;
	}
	at = b->octets + b->n;
	memcpy(at, raw.p, raw.n);
	b->n += raw.n;
	return span_mem(at, raw.n);
}

/* false: no account is called so. */
static bool
fold(struct span name, char out[ACCOUNT_NAME_MAX])
{
	size_t	 i;

	if (name.n == 0 || name.n > ACCOUNT_NAME_MAX)
		return false;
	for (i = 0; i < name.n; i++)
		out[i] = ascii_lower(name.p[i]);
	return true;
}

static void
some_add(struct some *l, struct stored *s)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->v = xreallocarray(l->v, l->cap, sizeof(struct stored *));
	}
	l->v[l->n++] = s;
}

/* What it can use; who has no secret logs in by none, and does not count. */
static void
weigh(struct accounts *a, struct stored *s)
{
	const struct proof_of	 of = { .raw = s->raw };
	struct auth_offers	 o = proof_offers(&of);

	if (o.could == 0)
		return;
	a->offers.sane &= o.sane;
	a->offers.could |= o.could;
	some_add(&a->all, s);
	if (o.could & AUTH_SCRAM_SHA_1)
		some_add(&a->scram[AUTH_SHA_1], s);
	if (o.could & AUTH_SCRAM_SHA_256)
		some_add(&a->scram[AUTH_SHA_256], s);
}

/* Of two with the same name the first counts, as in the table. */
static void
add(void *arg, const struct account_entry *e)
{
	struct accounts	*a = arg;
	struct stored	*s;
	char		 folded[ACCOUNT_NAME_MAX];
	struct span	 key;

	a->mistakes += e->broken;
	if (!fold(e->name, folded)) {
		a->lost = true;
		return;
	}
	key = span_mem(folded, e->name.n);
	if (htab_get(&a->by_name, key) != NULL)
		return;
	s = arena_alloc(&a->arena, sizeof(*s));
	if (!e->broken) {
		s->raw = keep(a, e->raw);
		weigh(a, s);
	}
	(void)htab_put(&a->by_name, key, s);
	a->n++;
}

struct accounts *
accounts_open(int fd, const char **why)
{
	struct accounts	*a = xcalloc(1, sizeof(*a));

	a->offers.sane = ~0u;
	if (fstat(fd, &a->file) == -1)
		a->file.st_ino = 0;
	if (accounts_each(fd, add, a, why) == -1)
		accounts_close(&a);
	else if (a->all.n == 0)
		a->offers.sane = AUTH_PLAIN;
	return a;
}

void
accounts_close(struct accounts **ap)
{
	struct accounts	*a = *ap;
	struct block	*b;

	*ap = NULL;
	if (a == NULL)
		return;
	while ((b = a->blocks) != NULL) {
		a->blocks = b->next;
		explicit_bzero(b->octets, b->n);
		free(b);
	}
	free(a->all.v);
	free(a->scram[AUTH_SHA_1].v);
	free(a->scram[AUTH_SHA_256].v);
	htab_clear(&a->by_name);
	arena_clear(&a->arena);
	free(a);
}

size_t
accounts_size(const struct accounts *a)
{
	return a->n;
}

bool
accounts_whole(const struct accounts *a)
{
	return a->mistakes == 0 && !a->lost && a->file.st_size > 0;
}

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool
accounts_of(const struct accounts *a, int fd)
{
	struct stat	 st;

	return fstat(fd, &st) == 0 && st.st_ino == a->file.st_ino &&
	    st.st_dev == a->file.st_dev && st.st_size == a->file.st_size &&
	    same_time(st.st_mtim, a->file.st_mtim) &&
	    same_time(st.st_ctim, a->file.st_ctim);
}

enum map_result
accounts_find(const struct accounts *a, struct span name, struct span *raw)
{
	char			 folded[ACCOUNT_NAME_MAX];
	const struct stored	*s = NULL;

	*raw = SPAN_NONE;
	if (fold(name, folded))
		s = htab_get(&a->by_name, span_mem(folded, name.n));
	if (s == NULL)
		return a->lost ? MAP_BROKEN : MAP_NONE;
	*raw = s->raw;
	return s->raw.n == 0 ? MAP_BROKEN : MAP_FOUND;
}

struct auth_offers
accounts_offers(const struct accounts *a)
{
	struct auth_offers	 o = a->offers;

	o.could |= AUTH_PLAIN;
	return o;
}

struct span
accounts_stand_in(const struct accounts *a, uint64_t number,
    const enum auth_hash *hash)
{
	const struct some	*l = hash == NULL ? &a->all : &a->scram[*hash];

	return l->n == 0 ? SPAN_NONE : l->v[number % l->n]->raw;
}
