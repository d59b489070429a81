/*
 * tables.c - the tables of the last generations that servers have.
 */
#include "config.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/asked/words.h"
#include "mta/msg/lookup.h"

#include "mta/lookup/tables.h"

/* A table, of one or more generations. */
struct held {
	unsigned		 refs;
	uint8_t			 words[32];	/* digest of all that is said of it */
	char			*name, *driver;
	struct asked_table	*table;		/* NULL: it cannot be served */
	const char		*why;		/* static */
};

struct generation {
	uint32_t	 number;
	uint32_t	 n;
	struct held	**maps;		/* by number in the image; NULL: no server's */
};

struct tables {
	struct asked_names	 names;
	size_t			 n;
	struct generation	 newest[TABLES_GENERATIONS];	/* first */
};

struct tables *
tables_new(const struct asked_names *names)
{
	struct tables	*t = xcalloc(1, sizeof(*t));

	t->names = *names;
	return t;
}

static void
release(struct held **hp)
{
	struct held	*h = *hp;

	*hp = NULL;
	if (h == NULL || --h->refs > 0)
		return;
	asked_close(&h->table);
	free(h->name);
	free(h->driver);
	free(h);
}

static void
drop(struct generation *g)
{
	uint32_t	i;

	for (i = 0; i < g->n; i++)
		release(&g->maps[i]);
	free(g->maps);
	*g = (struct generation){ .n = 0 };
}

void
tables_free(struct tables **tp)
{
	struct tables	*t = *tp;
	size_t		 i;

	*tp = NULL;
	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++)
		drop(&t->newest[i]);
	free(t);
}

/* --- one table */

/* All that is said of it, so that two with the same words are one. */
static void
digest(const struct asked_source *src, uint8_t out[32])
{
	const struct span	 texts[] = {
		src->name, src->driver, src->kind, src->where, src->host,
		src->query, src->base, src->filter, src->scope, src->type,
		src->map, src->attributes, src->login, src->password
	};
	struct buf		 b = { 0 };
	size_t			 i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_addf(&b, "%zu:", texts[i].n);
		buf_add_span(&b, texts[i]);
	}
	buf_addf(&b, "%lld %u %lld %lld", (long long)src->timeout_ms,
	    src->connections, (long long)src->cache_ms,
	    (long long)src->cache_none_ms);
	digest_sha256(buf_span(&b), out);
	explicit_bzero(b.base, b.cap);
	buf_clear(&b);
}

static struct held *
same_words(const struct tables *t, const uint8_t words[32])
{
	struct held	*h;
	uint32_t	 i;

	for (i = 0; t->n > 0 && i < t->newest[0].n; i++) {
		h = t->newest[0].maps[i];
		if (h != NULL && memcmp(h->words, words, 32) == 0)
			return h;
	}
	return NULL;
}

static struct held *
open_table(struct tables *t, struct asked_source *src)
{
	struct held	*h;
	uint8_t		 words[32];

	digest(src, words);
	if ((h = same_words(t, words)) != NULL && h->table != NULL) {
		h->refs++;
		return h;
	}
	h = xcalloc(1, sizeof(*h));
	h->refs = 1;
	memcpy(h->words, words, sizeof(words));
	h->name = xstrndup(src->name.n > 0 ? src->name.p : "", src->name.n);
	h->driver = xstrndup(src->driver.p, src->driver.n);
	src->names = &t->names;
	if ((h->table = asked_open(src, &h->why)) == NULL)
		log_warnx("table map=%s driver=%.*s state=refused problem=%s",
		    log_quote(src->name), SPAN_ARG(src->driver),
		    log_quote(span_of(h->why)));
	return h;
}

/* --- generations */

void
tables_add(struct tables *t, uint32_t number, const struct rs_image *im,
    tables_secret_fn *secret, void *arg)
{
	struct generation	 g = { .number = number, .n = rs_nmap(im) };
	struct asked_source	 src;
	struct arena		 ar = { 0 };
	uint32_t		 i;

	g.maps = xcalloc(g.n + 1, sizeof(*g.maps));
	for (i = 0; i < g.n; i++) {
		if (!rs_map_is_asked(im, i))
			continue;
		words_read(im, i, secret(arg, rs_map(im, i)->object), &ar,
		    &src);
		g.maps[i] = open_table(t, &src);
	}
	arena_clear(&ar);
	if (t->n == TABLES_GENERATIONS)
		drop(&t->newest[--t->n]);
	memmove(&t->newest[1], &t->newest[0], t->n * sizeof(g));
	t->newest[0] = g;
	t->n++;
}

struct asked_table *
tables_find(const struct tables *t, uint32_t number, uint32_t map,
    const char **why, bool *later)
{
	const struct generation	*g;
	size_t			 i;

	*later = t->n == 0 || number > t->newest[0].number;
	*why = "the policy that asks is gone";
	for (i = 0; i < t->n; i++) {
		g = &t->newest[i];
		if (g->number != number)
			continue;
		*why = "no server has this table";
		if (map >= g->n || g->maps[map] == NULL)
			return NULL;
		*why = g->maps[map]->why;
		return g->maps[map]->table;
	}
	return NULL;
}

/* --- counters */

static void
put_stats(struct json *j, const struct held *h)
{
	struct asked_stats	st = { .asked = 0 };

	json_object(j, h->name);
	if (h->table != NULL)
		asked_stats(h->table, &st);
	json_str(j, "driver", h->driver);
	json_uint(j, "asked", st.asked);
	json_uint(j, "found", st.found);
	json_uint(j, "none", st.none);
	json_uint(j, "failed", st.failed);
	json_uint(j, "cached", st.cached);
	json_uint(j, "connections", st.connections);
	json_uint(j, "waiting", st.waiting);
	json_str(j, "state", h->table == NULL ? "refused" :
	    st.down ? "down" : "up");
	if (h->table == NULL || st.down)
		json_str(j, "why", h->table == NULL ? h->why : st.why);
	json_object_end(j);
}

void
tables_stats(const struct tables *t, struct buf *out)
{
	struct json	j;
	uint32_t	i;

	json_init(&j, out);
	json_object(&j, "tables");
	for (i = 0; t->n > 0 && i < t->newest[0].n; i++)
		if (t->newest[0].maps[i] != NULL)
			put_stats(&j, t->newest[0].maps[i]);
	json_object_end(&j);
}
