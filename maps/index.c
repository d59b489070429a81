/*
 * index.c - a table that was written as an index, asked where it lies.
 *
 * Who wrote it has parsed files and may be damaged: positions and sizes are
 * checked where they are used, the head's once.  Octets of keys and values are
 * as good as those of a text: each look-up takes them apart anew.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "maps/include.h"
#include "maps/index_int.h"

#define SEALS	(F_SEAL_SHRINK | F_SEAL_WRITE)

/* --- asking */

static const struct index_record *
record_at(const struct map_index *x, uint64_t at)
{
	const struct index_piece	*all = &x->head.records;
	const struct index_record	*r;
	uint64_t			 n;

	if (at > all->n || all->n - at < sizeof(*r))
		return NULL;
	r = (const void *)(x->base + all->at + at);
	n = r->value_n == INDEX_BROKEN ? 0 : r->value_n;
	if (r->key_n == 0 || r->key_n > MAP_KEY_MAX ||
	    all->n - at - sizeof(*r) < r->key_n + n)
		return NULL;
	return r;
}

static const char *
key_of(const struct index_record *r)
{
	return (const char *)(r + 1);
}

/* NONE: it is another key's. */
static enum map_result
at_slot(const struct map_index *x, const struct index_slot *s,
    struct span key, struct map_answer *out)
{
	const struct index_record	*r;
	struct span			 has;

	r = record_at(x, ((uint64_t)s->at - 1) * 4);
	if (r == NULL)
		return MAP_BROKEN;
	has = span_mem(key_of(r), r->key_n);
	if (!span_ieq(has, key))
		return MAP_NONE;
	*out = (struct map_answer){ .key = has, .line = r->line };
	if (r->value_n == INDEX_BROKEN)
		return MAP_BROKEN;
	out->value = span_mem(has.p + has.n, r->value_n);
	return MAP_FOUND;
}

enum map_result
map_index_find(const struct map_index *x, struct span key,
    struct map_answer *out)
{
	const struct index_slot	*slots, *s;
	uint64_t		 hash = map_hash(key);
	uint32_t		 mask = x->head.nslots - 1, left;
	uint32_t		 i = (uint32_t)hash & mask;
	enum map_result		 r;

	slots = (const void *)(x->base + x->head.slots.at);
	for (left = x->head.nslots; left > 0; left--) {
		s = &slots[i];
		if (s->at == 0)
			return MAP_NONE;
		if (s->tag == (uint32_t)(hash >> 32) &&
		    (r = at_slot(x, s, key, out)) != MAP_NONE)
			return r;
		i = (i + 1) & mask;
	}
	return x->head.nslots == 0 ? MAP_NONE : MAP_BROKEN;
}

int
map_index_next(const struct map_index *x, uint64_t *pos,
    struct map_entry *out)
{
	const struct index_record	*r;
	bool				 broken;
	uint64_t			 n;

	if (*pos >= x->head.records.n)
		return 0;
	if ((r = record_at(x, *pos)) == NULL)
		return -1;
	broken = r->value_n == INDEX_BROKEN;
	n = broken ? 0 : r->value_n;
	*out = (struct map_entry){ .key = key_of(r), .key_n = r->key_n,
	    .value_off = broken ? ENTRY_BROKEN : r->key_n,
	    .value_n = (uint32_t)n, .line = r->line };
	*pos += (sizeof(*r) + r->key_n + n + 3) / 4 * 4;
	return 1;
}

/* --- opening */

static bool
is_inside(const struct map_index *x, struct index_piece p)
{
	return p.at <= x->size && p.n <= x->size - p.at;
}

static bool
is_piece(const struct map_index *x, struct index_piece p, uint64_t n)
{
	return is_inside(x, p) && p.at % INDEX_ALIGN == 0 && p.n == n;
}

static bool
head_is_good(const struct map_index *x)
{
	const struct index_head	*h = &x->head;

	return memcmp(h->magic, INDEX_MAGIC, sizeof(h->magic)) == 0 &&
	    h->size == x->size && h->kind[INDEX_NAME_MAX - 1] == '\0' &&
	    (h->nslots & (h->nslots - 1)) == 0 &&
	    (h->nslots > h->entries || h->entries == 0) &&
	    is_piece(x, h->slots,
	    (uint64_t)h->nslots * sizeof(struct index_slot)) &&
	    is_piece(x, h->records, h->records.n) &&
	    is_piece(x, h->includes,
	    (uint64_t)h->nincludes * sizeof(struct index_include)) &&
	    is_inside(x, h->path);
}

/* NULL: no index, or one that somebody could still change. */
static struct map_index *
map_it(int fd)
{
	struct map_index	*x;
	struct stat		 st;
	void			*base;
	int			 seals;

	seals = fd == -1 ? -1 : fcntl(fd, F_GET_SEALS);
	if (seals == -1 || (seals & SEALS) != SEALS || fstat(fd, &st) == -1 ||
	    (uint64_t)st.st_size < sizeof(struct index_head))
		return NULL;
	base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return NULL;
	x = xcalloc(1, sizeof(*x));
	x->base = base;
	x->size = (size_t)st.st_size;
	memcpy(&x->head, base, sizeof(x->head));
	if (!head_is_good(x))
		map_index_close(&x);
	return x;
}

static char *
text_of(const struct map_index *x, struct index_piece p)
{
	return xstrndup(x->base + p.at, p.n);
}

/* Its octets stay in the index. */
static bool
take_include(struct map *m, const struct index_include *in)
{
	const struct map_index	*x = m->index;
	struct map_include	*inc;

	if (!is_inside(x, in->path) || in->path.n == 0 ||
	    !is_inside(x, in->text))
		return false;
	inc = xcalloc(1, sizeof(*inc));
	inc->text = xcalloc(1, sizeof(*inc->text));
	inc->text->file = in->file;
	inc->text->n = in->text.n;
	inc->text->octets = (char *)(uintptr_t)(x->base + in->text.at);
	inc->text->borrowed = true;
	inc->text->next = m->texts;
	m->texts = inc->text;
	inc->path = text_of(x, in->path);
	inc->broken = in->broken != 0;
	if (htab_get(&m->includes, span_of(inc->path)) != NULL) {
		free(inc->path);
		free(inc);
		return false;
	}
	htab_put(&m->includes, span_of(inc->path), inc);
	return true;
}

static bool
take_includes(struct map *m)
{
	const struct index_head		*h = &m->index->head;
	const struct index_include	*in;
	uint32_t			 i;

	in = (const void *)(m->index->base + h->includes.at);
	for (i = 0; i < h->nincludes; i++)
		if (!take_include(m, &in[i]))
			return false;
	return true;
}

static bool
take(struct map *m, const struct map_source *src)
{
	const struct index_head	*h = &m->index->head;

	if (!span_eq(span_of(h->kind), src->kind))
		return false;
	if (h->path.n > 0)
		m->path = text_of(m->index, h->path);
	m->prefixes = h->prefixes;
	m->broken = (h->flags & INDEX_IS_BROKEN) != 0;
	m->key_lost = (h->flags & INDEX_KEY_LOST) != 0;
	m->host_names = (h->flags & INDEX_HOST_NAMES) != 0;
	m->whole = (h->flags & INDEX_WHOLE) != 0;
	return take_includes(m);
}

struct map *
map_index_open(const struct map_source *src, int fd)
{
	const struct map_driver	*driver;
	struct map		*m = map_begin(src, &driver);

	m->index = map_it(fd);
	if (m->index == NULL || driver == NULL || !take(m, src))
		m->broken = true;
	else if (!m->broken && driver->thaw != NULL)
		driver->thaw(m);
	return m;
}

void
map_index_close(struct map_index **xp)
{
	struct map_index	*x = *xp;

	*xp = NULL;
	if (x == NULL)
		return;
	(void)munmap((void *)(uintptr_t)x->base, x->size);
	free(x);
}
