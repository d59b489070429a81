/*
 * words.c - tables of `key value` lines, as makemap(8) reads them: the key
 * ends at the first blank, what follows is the value.
 */
#include "config.h"

#include "maps/map_int.h"

/* Room for a key that is put together. */
#define PIECES_MAX	(MAP_KEY_MAX + 1)

void
map_one_line(char *p, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (p[i] == '\n' || p[i] == '\r')
			p[i] = ' ';
}

struct entry {
	struct map_text		*text;	/* NULL: in the policy, or a test */
	struct span		 raw;
	uint32_t		 line;
	struct span		 key, value;
};

static void
broken(struct map *m, const struct entry *e, struct span key,
    const struct map_fault *f)
{
	map_mistake(m, e->text, e->raw, e->line, f->at, f->what);
	map_store_broken(m, e->text, key, e->line);
}

/* The spelling in the table serves when it is the one that is kept. */
static void
keep(struct map *m, const struct entry *e, struct span key)
{
	if (e->text != NULL)
		map_one_line(e->text->octets + (e->value.p - e->text->octets),
		    e->value.n);
	if (e->text != NULL && span_eq(key, e->key))
		map_store(m, e->text, e->key, e->value, e->line);
	else
		map_store_copy(m, e->text, key, e->value, e->line);
}

static void
take(struct map *m, const struct entry *e)
{
	struct arena		 scratch = { 0 };
	struct map_fault	 f = { e->key.p, "the key is empty, or longer "
	    "than 1024 octets" };
	struct span		 key = SPAN_NONE;
	int			 is = -1;

	if (e->key.n > 0 && e->key.n <= MAP_KEY_MAX)
		is = m->kind->key(m, e->key, &scratch, &key, &f);
	if (is == 1)
		map_warning(m, e->text, e->raw, e->line, f.at, f.what);
	else if (is == -1)
		broken(m, e, e->key, &f);
	else if (e->value.n == 0) {
		f = (struct map_fault){ e->key.p + e->key.n,
		    "the value is missing" };
		broken(m, e, key, &f);
	} else if (m->kind->value(e->value, &f) == -1)
		broken(m, e, key, &f);
	else {
		if (m->notes && m->kind->trap != NULL &&
		    m->kind->trap(e->key, e->value, &f))
			map_note(m, e->text, e->raw, e->line, f.at, f.what);
		keep(m, e, key);
	}
	arena_clear(&scratch);
}

void
map_words_line(struct map *m, struct map_text *t, struct span raw,
    uint32_t line)
{
	struct entry	 e = { t, raw, line, raw, SPAN_NONE };
	size_t		 n = 0;

	while (n < raw.n && !map_is_blank(raw.p[n]))
		n++;
	e.key.n = n;
	e.value = map_trim(span_from(raw, n));
	take(m, &e);
}

void
map_words_entry(struct map *m, struct span key, struct span value)
{
	struct entry	 e = { NULL, SPAN_NONE, 0, key, map_trim(value) };

	take(m, &e);
}

/* --- %0 to %9 */

/* What stands for the octets at i; *used of them. */
static struct span
piece(struct span text, size_t i, const struct span args[10], size_t *used)
{
	*used = 1;
	if (text.p[i] != '%' || i + 1 == text.n)
		return span_mem(text.p + i, 1);
	*used = 2;
	if (text.p[i + 1] >= '0' && text.p[i + 1] <= '9')
		return args[text.p[i + 1] - '0'];
	if (text.p[i + 1] == '%')
		return SPAN("%");
	return span_mem(text.p + i, 2);
}

struct span
map_fill(struct span text, const struct span args[10], struct arena *ar)
{
	struct span	 s;
	size_t		 i, used, n = 0;
	char		*p;

	if (span_index(text, '%') < 0)
		return text;
	for (i = 0; i < text.n; i += used)
		n += piece(text, i, args, &used).n;
	p = arena_alloc(ar, n + 1);
	for (i = n = 0; i < text.n; i += used) {
		s = piece(text, i, args, &used);
		if (s.n > 0)
			memcpy(p + n, s.p, s.n);
		n += s.n;
	}
	return span_mem(p, n);
}

enum map_result
map_find_pieces(struct map_look *l, const struct span *pieces, size_t count,
    struct map_answer *out)
{
	char	 key[PIECES_MAX];
	size_t	 i, n = 0;

	for (i = 0; i < count; i++) {
		if (pieces[i].n > sizeof(key) - n)
			return MAP_NONE;
		if (pieces[i].n > 0)
			memcpy(key + n, pieces[i].p, pieces[i].n);
		n += pieces[i].n;
	}
	return map_find(l, span_mem(key, n), out);
}
