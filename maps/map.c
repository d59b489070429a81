/*
 * map.c - one face for every table: opening, the hash over the entries,
 * look-ups.
 */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "maps/include.h"
#include "maps/index_int.h"
#include "maps/map_int.h"

static const struct map_driver *const drivers[] = {
#define DRIVER(name, where, how, with, options, meaning) &map_driver_##name,
#include "maps/drivers.def"
#undef DRIVER
};

static const struct map_kind *const kinds[] = {
#define KIND(name, key, value, meaning) &map_kind_##name,
#include "maps/kinds.def"
#undef KIND
};

static const struct map_driver *
find_driver(struct span name)
{
	size_t	 i;

	for (i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (span_eq(name, span_of(drivers[i]->name)))
			return drivers[i];
	return NULL;
}

bool
map_driver_reads(struct span driver)
{
	enum { READ, ASKED, MADE };
	static const struct {
		const char	*name;
		unsigned	 how;
	} all[] = {
#define DRIVER(name, where, how, with, options, meaning) { #name, how },
#include "maps/drivers.def"
#undef DRIVER
	};
	size_t	 i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (span_eq(driver, span_of(all[i].name)))
			return all[i].how == READ;
	return false;
}

static const struct map_kind *
find_kind(struct span name)
{
	size_t	 i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_eq(name, span_of(kinds[i]->name)))
			return kinds[i];
	return NULL;
}

/* Mistakes. */

static void
tell(const struct map *m, const struct map_text *t, struct span raw,
    uint32_t line, const char *at, struct map_problem p)
{
	const char	*start = raw.p, *c;

	if (m->problem == NULL)
		return;
	if (t != NULL && at != NULL) {
		for (c = raw.p; c < at; c++)
			if (*c == '\n') {
				line++;
				start = c + 1;
			}
		p.file = t->file;
		p.line = line;
		p.column = (uint32_t)(at - start) + 1;
	}
	m->problem(m->arg, &p);
}

void
map_mistake(const struct map *m, const struct map_text *t, struct span raw,
    uint32_t line, const char *at, const char *what)
{
	tell(m, t, raw, line, at, (struct map_problem){ .what = what });
}

void
map_warning(const struct map *m, const struct map_text *t, struct span raw,
    uint32_t line, const char *at, const char *what)
{
	tell(m, t, raw, line, at, (struct map_problem){ .what = what,
	    .warning = true });
}

void
map_note(const struct map *m, const struct map_text *t, struct span raw,
    uint32_t line, const char *at, const char *what)
{
	if (m->notes)
		tell(m, t, raw, line, at, (struct map_problem){ .what = what,
		    .note = true });
}

void
map_unreadable(struct map *m, const char *why)
{
	m->broken = true;
	map_mistake(m, NULL, SPAN_NONE, 0, NULL, why);
}

/* The hash: open addressing, linear, at most half full. */

/* Eight octets at once: a table is asked for many a key that is not there. */
uint64_t
map_hash(struct span key)
{
	uint64_t	 h = key.n * UINT64_C(0x9e3779b97f4a7c15), v;
	size_t		 left;

	for (left = key.n; left > 0; left -= left < 8 ? left : 8) {
		v = 0;
		memcpy(&v, key.p + key.n - left, left < 8 ? left : 8);
		h = (h ^ ascii_lower8(v)) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ (h >> 33);
}

static struct span
key_of(const struct map_entry *e)
{
	return span_mem(e->key, e->key_n);
}

/* The slot of the key, or the free one where it belongs. */
static struct map_slot *
slot_of(const struct map *m, struct span key, uint32_t hash)
{
	uint32_t	 mask = m->nslots - 1, i = hash & mask;

	while (m->slots[i].entry != 0 && (m->slots[i].hash != hash ||
	    !span_ieq(key_of(&m->entries[m->slots[i].entry - 1]), key)))
		i = (i + 1) & mask;
	return &m->slots[i];
}

/* Its entry's number from 1; 0: there is none. */
static uint32_t
entry_of(const struct map *m, struct span key)
{
	return m->n == 0 ? 0 : slot_of(m, key, (uint32_t)map_hash(key))->entry;
}

/* Twice as many slots; no key is looked at for that. */
static void
spread(struct map *m, const struct map_slot *old, uint32_t nold)
{
	uint32_t	 i, at;

	for (i = 0; i < nold; i++) {
		if (old[i].entry == 0)
			continue;
		at = old[i].hash & (m->nslots - 1);
		while (m->slots[at].entry != 0)
			at = (at + 1) & (m->nslots - 1);
		m->slots[at] = old[i];
	}
}

static void
grow(struct map *m)
{
	struct map_slot	*old = m->slots;
	uint32_t	 nold = m->nslots;

	m->cap = m->cap == 0 ? 16 : 2 * m->cap;
	m->entries = xreallocarray(m->entries, m->cap, sizeof(*m->entries));
	m->nslots = 2 * m->cap;
	m->slots = xcalloc(m->nslots, sizeof(*m->slots));
	spread(m, old, nold);
	free(old);
}

static void
tell_duplicate(const struct map *m, const struct map_text *t, struct span key,
    uint32_t line, uint32_t first)
{
	char	 what[200];
	int	 n = key.n > 80 ? 80 : (int)key.n;

	if (first == 0)		/* of a database, or of the policy */
		snprintf(what, sizeof(what), "'%.*s' stands there twice: "
		    "the first counts", n, key.p);
	else
		snprintf(what, sizeof(what), "'%.*s' stands on line %u "
		    "already: that one counts, this one does not", n, key.p,
		    first);
	map_mistake(m, t, key, line, key.p, what);
}

static void
store(struct map *m, const struct map_text *t, struct map_entry e)
{
	uint32_t	 hash = (uint32_t)map_hash(key_of(&e));
	struct map_slot	*slot;

	if (m->n == m->cap)
		grow(m);
	slot = slot_of(m, key_of(&e), hash);
	if (slot->entry != 0 && m->adding) {
		m->entries[slot->entry - 1] = e;
		return;
	}
	if (slot->entry != 0) {
		tell_duplicate(m, t, key_of(&e), e.line,
		    m->entries[slot->entry - 1].line);
		return;
	}
	m->entries[m->n] = e;
	*slot = (struct map_slot){ hash, ++m->n };
}

void
map_store(struct map *m, const struct map_text *t, struct span key,
    struct span value, uint32_t line)
{
	assert(key.n <= MAP_KEY_MAX && (value.n == 0 || value.p >= key.p));
	store(m, t, (struct map_entry){ .key = key.p,
	    .key_n = (uint32_t)key.n, .line = line,
	    .value_off = value.n == 0 ? 0 : (uint32_t)(value.p - key.p),
	    .value_n = (uint32_t)value.n });
}

void
map_store_copy(struct map *m, const struct map_text *t, struct span key,
    struct span value, uint32_t line)
{
	char	*p = arena_alloc(&m->arena, key.n + value.n + 1);

	if (key.n > 0)
		memcpy(p, key.p, key.n);
	if (value.n > 0)
		memcpy(p + key.n, value.p, value.n);
	map_store(m, t, span_mem(p, key.n), span_mem(p + key.n, value.n),
	    line);
}

void
map_store_broken(struct map *m, const struct map_text *t, struct span key,
    uint32_t line)
{
	struct span	 copy;

	if (key.n == 0 || key.n > MAP_KEY_MAX) {
		m->key_lost = true;
		return;
	}
	copy = arena_span(&m->arena, key);
	store(m, t, (struct map_entry){ .key = copy.p,
	    .key_n = (uint32_t)copy.n, .value_off = ENTRY_BROKEN,
	    .line = line });
}

/* The first word, without quotes; empty when it cannot be told. */
static struct span
guess_key(struct span raw)
{
	struct span	 s = map_trim(raw);
	size_t		 n = 0;

	if (s.n > 0 && s.p[0] == '"')
		return SPAN_NONE;
	while (n < s.n && !map_is_blank(s.p[n]) && s.p[n] != ':')
		n++;
	if (n == 0 || memchr(s.p, '\0', n) != NULL)
		return SPAN_NONE;
	return span_mem(s.p, n);
}

void
map_line_broken(struct map *m, const struct map_text *t, struct span raw,
    uint32_t line, const char *at, const char *what)
{
	map_mistake(m, t, raw, line, at, what);
	map_store_broken(m, t, guess_key(raw), line);
}

/* Opening. */

struct map *
map_begin(const struct map_source *src, const struct map_driver **driver)
{
	struct map	*m = xcalloc(1, sizeof(*m));

	*driver = find_driver(src->driver);
	m->name = xstrndup(src->name.n > 0 ? src->name.p : "", src->name.n);
	m->host = xstrndup(src->host.n > 0 ? src->host.p : "", src->host.n);
	m->kind = find_kind(src->kind);
	if (m->kind == NULL) {
		m->kind = &map_kind_plain;
		m->broken = true;
	}
	return m;
}

struct map *
map_open(const struct map_source *src)
{
	const struct map_driver	*driver;
	struct map		*m = map_begin(src, &driver);

	m->path = src->path != NULL ? xstrdup(src->path) : NULL;
	m->include = src->include;
	m->problem = src->problem;
	m->notes = src->notes;
	m->arg = src->arg;
	if (m->broken)
		map_unreadable(m, "there is no such kind of table");
	else if (driver == NULL)
		map_unreadable(m, "there is no such driver of tables");
	else
		driver->open(m, src);
	m->include = NULL;
	m->problem = NULL;
	m->arg = NULL;
	return m;
}

static void
texts_free(struct map *m)
{
	struct map_text	*t;

	while ((t = m->texts) != NULL) {
		m->texts = t->next;
		if (m->kind->secret && !t->borrowed)
			explicit_bzero(t->octets, t->n);
		free(t);
	}
}

void
map_texts_wipe(struct map *m)
{
	assert(m->kind->secret);
	texts_free(m);
}

void
map_close(struct map **mp)
{
	struct map	*m = *mp;

	*mp = NULL;
	if (m == NULL)
		return;
	if (m->clear != NULL)
		m->clear(m);
	map_index_close(&m->index);
	map_includes_clear(m);
	texts_free(m);
	arena_clear(&m->arena);
	free(m->entries);
	free(m->slots);
	free(m->host);
	free(m->path);
	free(m->name);
	free(m);
}

void
map_add(struct map *m, struct span key, struct span value)
{
	m->adding = true;
	m->kind->entry(m, key, value);
	m->adding = false;
}

bool
map_is_broken(const struct map *m)
{
	return m->broken;
}

bool
map_is_declared(const struct map *m)
{
	return m->declared;
}

size_t
map_size(const struct map *m)
{
	struct map_answer	 a;
	size_t			 n = m->n;
	uint32_t		 i;

	if (m->index == NULL)
		return n;
	for (i = 0; i < m->n; i++)	/* added, perhaps in place of one */
		if (map_index_find(m->index, key_of(&m->entries[i]), &a) !=
		    MAP_NONE)
			n--;
	return n + m->index->head.entries;
}

int
map_next_entry(const struct map *m, uint64_t *pos, struct map_entry *out)
{
	uint64_t	 in_index = m->index == NULL ? 0 :
			    m->index->head.records.n;

	while (*pos < in_index) {
		if (map_index_next(m->index, pos, out) != 1)
			return -1;
		if (entry_of(m, key_of(out)) == 0)
			return 1;
	}
	if (*pos - in_index >= m->n)
		return 0;
	*out = m->entries[*pos - in_index];
	++*pos;
	return 1;
}

struct span
map_kind(const struct map *m)
{
	return span_of(m->kind->name);
}

bool
map_holds(const struct map *m, struct span s)
{
	const struct map_index	*x = m->index;
	const struct map_text	*t;

	if (x != NULL && s.p >= x->base && s.p < x->base + x->size)
		return true;
	for (t = m->texts; t != NULL; t = t->next)
		if (s.p >= t->octets && s.p < t->octets + t->n)
			return true;
	return arena_holds(&m->arena, s.p);
}

/* Look-ups. */

enum map_result
map_none(const struct map_look *l)
{
	const struct map	*m = l->map;

	if (m->declared && m->n == 0 && l->find == NULL)
		return MAP_LATER;
	return m->broken || m->key_lost ? MAP_BROKEN : MAP_NONE;
}

/* What the entries say of it. */
static enum map_result
find_entry(const struct map *m, struct span key, struct map_answer *out)
{
	const struct map_entry	*e;
	uint32_t		 i;

	if ((i = entry_of(m, key)) == 0)
		return m->index == NULL ? MAP_NONE :
		    map_index_find(m->index, key, out);
	e = &m->entries[i - 1];
	*out = (struct map_answer){ .key = key_of(e), .line = e->line };
	if (e->value_off == ENTRY_BROKEN)
		return MAP_BROKEN;
	out->value = span_mem(e->key + e->value_off, e->value_n);
	return MAP_FOUND;
}

enum map_result
map_find(struct map_look *l, struct span key, struct map_answer *out)
{
	const struct map	*m = l->map;
	enum map_result		 r;

	if (m->broken)
		return MAP_BROKEN;
	if (key.n == 0 || key.n > MAP_KEY_MAX)
		return MAP_NONE;
	r = find_entry(m, key, out);
	if (r == MAP_NONE && m->find != NULL)
		r = m->find(l, key, out);
	if (r == MAP_NONE && l->find != NULL)
		r = l->find(l->ctx, key, out);
	return r;
}

static enum map_result
look_exactly(struct map_look *l, struct span key, struct map_answer *out)
{
	enum map_result	 r = map_find(l, key, out);

	return r == MAP_NONE ? map_none(l) : r;
}

enum map_result
map_look(struct map_look *l, const struct map_question *q,
    struct map_answer *out)
{
	const struct map	*m = l->map;

	*out = (struct map_answer){ .line = 0 };
	switch (q->ask) {
	case MAP_ASK_ADDRESS:
		if (m->whole || m->kind->get_address == NULL)
			break;
		return m->kind->get_address(l, q->key, q->at,
		    q->detail_chars, out);
	case MAP_ASK_DOMAIN:
		if (m->whole || m->kind->get_domain == NULL)
			break;
		return m->kind->get_domain(l, q->key, out);
	case MAP_ASK_ACCESS_IP:
	case MAP_ASK_ACCESS_HOST:
	case MAP_ASK_ACCESS_ADDRESS:
		return map_access_look(l, q, out);
	case MAP_ASK_KEY:
		break;
	}
	return look_exactly(l, q->key, out);
}

/* The same, each way to ask for itself. */

static enum map_result
look(const struct map *m, const struct map_question *q,
    struct map_answer *out)
{
	struct map_look	 l = { .map = m };

	return map_look(&l, q, out);
}

enum map_result
map_get(const struct map *m, struct span key, struct map_answer *out)
{
	return look(m, &(struct map_question){ .ask = MAP_ASK_KEY,
	    .key = key }, out);
}

enum map_result
map_get_address(const struct map *m, struct span whole, size_t at,
    struct span detail_chars, struct map_answer *out)
{
	return look(m, &(struct map_question){ .ask = MAP_ASK_ADDRESS,
	    .key = whole, .at = at, .detail_chars = detail_chars }, out);
}

enum map_result
map_get_domain(const struct map *m, struct span domain,
    struct map_answer *out)
{
	return look(m, &(struct map_question){ .ask = MAP_ASK_DOMAIN,
	    .key = domain }, out);
}

enum map_result
map_access_ip(const struct map *m, enum map_role role, const struct ip *ip,
    struct map_answer *out)
{
	return look(m, &(struct map_question){ .ask = MAP_ASK_ACCESS_IP,
	    .role = role, .ip = *ip }, out);
}

enum map_result
map_access_host(const struct map *m, enum map_role role, struct span name,
    struct map_answer *out)
{
	return look(m, &(struct map_question){ .ask = MAP_ASK_ACCESS_HOST,
	    .role = role, .key = name }, out);
}

enum map_result
map_access_address(const struct map *m, enum map_role role, struct span whole,
    size_t at, struct span detail_chars, struct map_answer *out)
{
	return look(m, &(struct map_question){ .ask = MAP_ASK_ACCESS_ADDRESS,
	    .role = role, .key = whole, .at = at,
	    .detail_chars = detail_chars }, out);
}
