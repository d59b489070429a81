/*
 * accounts.c - an accounts file with its secrets.
 *
 * Entries lie one behind the other in large blocks that never move; each is
 * taken apart when its user is asked for.
 */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/xalloc.h"

#include "mta/auth/accounts.h"
#include "mta/auth/secret.h"

#define BLOCK	(64u << 10)	/* octets; an entry may be larger */

struct block {
	struct block	*next;
	size_t		 n, cap;
	char		 octets[];
};

struct stored {
	struct span	 raw;		/* empty: it cannot be read */
};

struct accounts {
	struct block	*blocks;
	struct arena	 arena;		/* struct stored: nothing secret */
	struct htab	 by_name;	/* folded */
	size_t		 n;
	bool		 lost;		/* a name could not be told */
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

/* Of two with the same name the first counts, as in the table. */
static void
add(void *arg, const struct account_entry *e)
{
	struct accounts	*a = arg;
	struct stored	*s;
	char		 folded[ACCOUNT_NAME_MAX];
	struct span	 key;

	if (!fold(e->name, folded)) {
		a->lost = true;
		return;
	}
	key = span_mem(folded, e->name.n);
	if (htab_get(&a->by_name, key) != NULL)
		return;
	s = arena_alloc(&a->arena, sizeof(*s));
	if (!e->broken)
		s->raw = keep(a, e->raw);
	(void)htab_put(&a->by_name, key, s);
	a->n++;
}

struct accounts *
accounts_open(int fd, const char **why)
{
	struct accounts	*a = xcalloc(1, sizeof(*a));

	if (accounts_each(fd, add, a, why) == -1)
		accounts_close(&a);
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
	htab_clear(&a->by_name);
	arena_clear(&a->arena);
	free(a);
}

size_t
accounts_size(const struct accounts *a)
{
	return a->n;
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

/* --- a password */

struct verifying {
	struct span		 password;
	struct span		 app;	/* of secrets that name none themselves */
	struct auth_verdict	*out;
	const char		*why;	/* of cannot */
	bool			 tried, cannot;
};

static void
try_secret(void *arg, const struct account_item *i)
{
	struct verifying	*v = arg;
	struct span		 app = i->name.n > 0 ? i->name : v->app;
	enum auth_result	 is;

	if (i->part != ACCOUNT_SECRET || v->out->result == AUTH_RIGHT)
		return;
	v->tried = true;
	is = secret_verify(i->scheme, i->value, v->password);
	if (is == AUTH_CANNOT) {
		v->cannot = true;
		v->why = "a secret that this system's library cannot verify";
	}
	if (is != AUTH_RIGHT)
		return;
	v->out->result = AUTH_RIGHT;
	if (app.n > 0)
		memcpy(v->out->which, app.p, app.n);
	v->out->which[app.n] = '\0';
}

/* One that cannot be read may have been the right one. */
static void
on_fault(void *arg, enum account_fault f, const char *at, const char *what)
{
	struct verifying	*v = arg;

	(void)at;
	if (f != ACCOUNT_BAD_SECRET)
		return;
	v->cannot = true;
	v->why = what;
}

static void
decide(struct verifying *v)
{
	if (!v->tried)
		secret_verify_nobody(v->password);
	if (v->out->result != AUTH_RIGHT && v->cannot)
		v->out->result = AUTH_CANNOT;
}

void
account_verify(struct span raw, struct span password, struct auth_verdict *out)
{
	struct verifying		 v = { .password = password,
	    .out = out };
	const struct account_reader	 r = { try_secret, on_fault, &v };
	struct span			 name, head;

	*out = (struct auth_verdict){ .result = AUTH_WRONG };
	if (raw.n > 0)
		(void)account_parse(raw, &r, &name, &head);
	decide(&v);
}

void
account_verify_secrets(const struct account_secrets *s, size_t n,
    struct span password, struct auth_verdict *out, const char **why)
{
	struct verifying		 v = { .password = password,
	    .out = out };
	const struct account_reader	 r = { try_secret, on_fault, &v };
	size_t				 i;

	*out = (struct auth_verdict){ .result = AUTH_WRONG };
	for (i = 0; i < n; i++) {
		v.app = s[i].app;
		account_parse_secrets(s[i].text, &r);
	}
	decide(&v);
	*why = out->result == AUTH_CANNOT ? v.why : NULL;
}
