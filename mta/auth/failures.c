/*
 * failures.c - wrong logins, by address and by user.
 */
#include "config.h"

#include <sys/queue.h>

#include <stdlib.h>

#include "base/hash.h"
#include "base/xalloc.h"

#include "mta/auth/failures.h"

#define MARKS		8	/* of an entry; the oldest is written over */
#define USER_MAX	1024	/* octets */

/* A mark is of an address a password that was tried, of a user an address that is good. */
struct mark {
	uint64_t	is;		/* 0: none */
	int64_t		since_ms;
};

struct entry {
	TAILQ_ENTRY(entry)	 link;
	uint64_t		 key;
	uint32_t		 count;
	int64_t			 since_ms;	/* of the first that counts */
	struct mark		 marks[MARKS];
};

struct table {
	struct htab		 by_key;
	TAILQ_HEAD(, entry)	 used;		/* the last one last */
	size_t			 n;
};

struct failures {
	struct table	 addresses, users;
};

/* --- a table */

static struct span
key_of(const uint64_t *key)
{
	return span_mem(key, sizeof(*key));
}

static struct entry *
find(const struct table *t, uint64_t key)
{
	return key == 0 ? NULL : htab_get(&t->by_key, key_of(&key));
}

static void
drop_first(struct table *t)
{
	struct entry	*e = TAILQ_FIRST(&t->used);

	TAILQ_REMOVE(&t->used, e, link);
	(void)htab_del(&t->by_key, key_of(&e->key));
	t->n--;
	free(e);
}

/* The entry, new where there is none, as the last one used. */
static struct entry *
use(struct table *t, uint64_t key)
{
	struct entry	*e = find(t, key);

	if (e == NULL) {
		if (t->n >= FAILURES_ENTRIES_MAX)
			drop_first(t);
		e = xcalloc(1, sizeof(*e));
		e->key = key;
		(void)htab_put(&t->by_key, key_of(&e->key), e);
		t->n++;
	} else
		TAILQ_REMOVE(&t->used, e, link);
	TAILQ_INSERT_TAIL(&t->used, e, link);
	return e;
}

static void
table_clear(struct table *t)
{
	while (t->n > 0)
		drop_first(t);
	htab_clear(&t->by_key);
}

struct failures *
failures_new(void)
{
	struct failures	*f = xcalloc(1, sizeof(*f));

	TAILQ_INIT(&f->addresses.used);
	TAILQ_INIT(&f->users.used);
	return f;
}

void
failures_free(struct failures **fp)
{
	struct failures	*f = *fp;

	*fp = NULL;
	if (f == NULL)
		return;
	table_clear(&f->addresses);
	table_clear(&f->users);
	free(f);
}

/* --- who: 0 is nobody */

static uint64_t
address_key(const struct failures_who *who)
{
	struct ip	 net = who->client;

	if (net.family == 0)
		return 0;
	if (net.family == 6)
		net = ip_mask(&net, 64);
	return hash_keyed(span_mem(&net, sizeof(net))) | 1;
}

static uint64_t
user_key(const struct failures_who *who)
{
	char	 folded[USER_MAX];
	size_t	 i, n = who->user.n < USER_MAX ? who->user.n : USER_MAX;
	uint64_t both[2];

	if (n == 0)
		return 0;
	for (i = 0; i < n; i++)
		folded[i] = ascii_lower(who->user.p[i]);
	both[0] = hash_keyed(who->maps);
	both[1] = hash_keyed(span_mem(folded, n));
	return hash_keyed(span_mem(both, sizeof(both))) | 1;
}

/* --- marks and counts */

static struct mark *
mark_find(struct entry *e, uint64_t is, int64_t after_ms)
{
	size_t	 i;

	for (i = 0; i < MARKS; i++)
		if (e->marks[i].is == is && is != 0 &&
		    e->marks[i].since_ms > after_ms)
			return &e->marks[i];
	return NULL;
}

static void
mark_set(struct entry *e, uint64_t is, int64_t now_ms)
{
	struct mark	*m = mark_find(e, is, INT64_MIN);
	size_t		 i;

	if (m == NULL) {
		m = &e->marks[0];
		for (i = 0; i < MARKS; i++)
			if (e->marks[i].is == 0 ||
			    (m->is != 0 && e->marks[i].since_ms < m->since_ms))
				m = &e->marks[i];
	}
	*m = (struct mark){ is, now_ms };
}

static uint32_t
count(const struct entry *e, const struct failures_limits *l, int64_t now_ms)
{
	return e == NULL || now_ms - e->since_ms >= l->window_ms ? 0 :
	    e->count;
}

static void
count_one(struct entry *e, const struct failures_limits *l, int64_t now_ms)
{
	uint32_t	 n = count(e, l, now_ms);

	if (n == 0)
		e->since_ms = now_ms;
	e->count = n == UINT32_MAX ? n : n + 1;
}

/* --- what follows */

bool
failures_refused(struct failures *f, const struct failures_limits *l,
    const struct failures_who *who, int64_t now_ms)
{
	struct entry	*e = find(&f->addresses, address_key(who));

	return count(e, l, now_ms) >= l->refuse;
}

void
failures_add(struct failures *f, const struct failures_limits *l,
    const struct failures_who *who, uint64_t tried, int64_t now_ms)
{
	uint64_t	 address = address_key(who), user = user_key(who);
	struct entry	*e;

	if (address != 0) {
		e = use(&f->addresses, address);
		if (mark_find(e, tried, now_ms - l->window_ms) != NULL)
			return;
		if (tried != 0)
			mark_set(e, tried, now_ms);
		count_one(e, l, now_ms);
	}
	if (user != 0)
		count_one(use(&f->users, user), l, now_ms);
}

void
failures_right(struct failures *f, const struct failures_who *who,
    int64_t now_ms)
{
	uint64_t	 address = address_key(who), user = user_key(who);

	if (address != 0 && user != 0)
		mark_set(use(&f->users, user), address, now_ms);
}

/* 250 ms, 500 ms, ... */
static int64_t
wait_of(uint32_t n, const struct failures_limits *l)
{
	int64_t		 ms = FAILURES_FIRST_MS;
	uint32_t	 i;

	if (n < l->failures)
		return 0;
	for (i = l->failures; i < n && ms < l->slowest_ms; i++)
		ms *= 2;
	return ms < l->slowest_ms ? ms : l->slowest_ms;
}

int64_t
failures_wait_ms(struct failures *f, const struct failures_limits *l,
    const struct failures_who *who, int64_t now_ms)
{
	uint64_t	 address = address_key(who);
	struct entry	*user = find(&f->users, user_key(who));
	int64_t		 a, u = 0;

	a = wait_of(count(find(&f->addresses, address), l, now_ms), l);
	if (user != NULL && mark_find(user, address,
	    now_ms - l->window_ms) == NULL)
		u = wait_of(count(user, l, now_ms), l);
	return a > u ? a : u;
}
