/*
 * include.c - the files that lists of aliases include.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "maps/alias_list.h"
#include "maps/include.h"

#define CANDIDATES	2

/* The octets of from that are its folder, with '/', `up` folders above it. */
static bool
folder(const char *from, unsigned up, size_t *out)
{
	size_t	 n = from == NULL ? 0 : strlen(from);

	while (n > 0 && from[n - 1] != '/')
		n--;
	for (; up > 0; up--) {
		if (n < 2)
			return false;
		for (n--; n > 0 && from[n - 1] != '/'; n--)
			;
	}
	*out = n;
	return true;
}

/* The i-th place where path may be; false: there is no such place. */
static bool
candidate(unsigned i, struct span path, const char *from, char out[PATH_MAX])
{
	size_t	 n = 0;

	if (path.n > 0 && path.p[0] == '/') {
		if (i > 0)
			return false;
	} else if (!folder(from, i, &n))
		return false;
	if (n + path.n >= PATH_MAX)
		return false;
	if (n > 0)
		memcpy(out, from, n);
	memcpy(out + n, path.p, path.n);
	out[n + path.n] = '\0';
	return true;
}

static struct map_include *
find(const struct map *m, struct span path, const char *from)
{
	char			 full[PATH_MAX];
	struct map_include	*inc;
	unsigned		 i;

	for (i = 0; i < CANDIDATES; i++)
		if (candidate(i, path, from, full) && (inc =
		    htab_get(&m->includes, span_of(full))) != NULL)
			return inc;
	return NULL;
}

const struct map_include *
map_include_find(const struct map *m, struct span path, const char *from)
{
	return find(m, path, from);
}

/* Asks for the file where it may be, and reads it; NULL with *why. */
static struct map_include *
read_file(struct map *m, struct span path, const char *from, const char **why)
{
	char			 full[PATH_MAX];
	struct map_include	*inc;
	uint32_t		 file = 0;
	unsigned		 i;
	int			 fd = -1;

	for (i = 0; i < CANDIDATES && fd == -1; i++)
		if (m->include != NULL && candidate(i, path, from, full))
			fd = m->include(m->arg, full, &file);
	if (fd == -1) {
		*why = "the included file is not there, or cannot be read";
		return NULL;
	}
	inc = xcalloc(1, sizeof(*inc));
	inc->text = map_text_read(m, fd, file, why);
	close(fd);
	if (inc->text == NULL) {
		free(inc);
		return NULL;
	}
	inc->path = xstrdup(full);
	htab_put(&m->includes, span_of(full), inc);
	return inc;
}

bool
map_include_line(const struct map_text *t, size_t *pos, uint32_t *line,
    struct span *out)
{
	const char	*lf;
	struct span	 s;

	while (*pos < t->n) {
		s = span_mem(t->octets + *pos, t->n - *pos);
		if ((lf = memchr(s.p, '\n', s.n)) != NULL)
			s.n = (size_t)(lf - s.p) + 1;
		*pos += s.n;
		++*line;
		*out = map_trim(s);
		if (out->n > 0 && out->p[0] != '#')
			return true;
	}
	return false;
}

static void
check_lines(struct map *m, struct map_include *inc, unsigned depth)
{
	struct list_place	 place = { .text = inc->text,
	    .from = inc->path, .depth = depth };
	struct span		 s;
	size_t			 pos = 0;

	while (map_include_line(inc->text, &pos, &place.line, &s)) {
		place.raw = s;
		if (s.n <= MAP_LINE_MAX && memchr(s.p, '\0', s.n) == NULL) {
			if (!map_list_check(m, &place, s))
				inc->broken = true;
			continue;
		}
		inc->broken = true;
		map_mistake(m, inc->text, s, place.line, s.p, "the line has "
		    "an octet 0, or is longer than 16 MiB");
	}
}

/* NULL: the file is there and its lists can be read. */
static const char *
load(struct map *m, struct span path, const char *from, unsigned depth)
{
	struct map_include	*inc = find(m, path, from);
	const char		*why = NULL;

	if (depth > MAP_INCLUDE_DEPTH)
		return "files are included more than 16 deep";
	if (inc != NULL && inc->loading)
		return "the file includes itself";
	if (inc == NULL) {
		if ((inc = read_file(m, path, from, &why)) == NULL)
			return why;
		inc->loading = true;
		check_lines(m, inc, depth);
		inc->loading = false;
	}
	return inc->broken ? "the included file has mistakes" : NULL;
}

/* One member: NULL, or what is wrong with it. */
static const char *
check_item(struct map *m, const struct list_place *at,
    const struct alias_list *l, enum alias_list_result r,
    enum alias_item kind, struct span text)
{
	if (r == ALIAS_LIST_BAD)
		return l->why;
	if (kind == ALIAS_INCLUDE)
		return load(m, text, at->from, at->depth + 1);
	return NULL;
}

/* Somebody of the list gets the mail: a member that cannot be read is passed over. */
static bool
has_good_member(struct span list)
{
	struct arena		 scratch = { 0 };
	struct alias_list	 l = { .left = list, .scratch = &scratch };
	enum alias_list_result	 r;
	enum alias_item		 kind;
	struct span		 text;
	bool			 good = false;

	while (!good &&
	    (r = alias_list_next(&l, &kind, &text)) != ALIAS_LIST_END)
		good = r != ALIAS_LIST_BAD;
	arena_clear(&scratch);
	return good;
}

/* Without its members a file that is included is a mistake in any case. */
static void
tell(struct map *m, const struct list_place *at, const char *where,
    bool passed_over, const char *why)
{
	struct arena	 scratch = { 0 };

	if (passed_over)
		map_warning(m, at->text, at->raw, at->line, where,
		    arena_printf(&scratch, "%s; this member waits, the others "
		    "of the list get their mail", why).p);
	else
		map_mistake(m, at->text, at->raw, at->line, where, why);
	arena_clear(&scratch);
}

bool
map_list_check(struct map *m, const struct list_place *at, struct span list)
{
	struct arena		 scratch = { 0 };
	struct alias_list	 l = { .left = list, .scratch = &scratch };
	enum alias_list_result	 r;
	enum alias_item		 kind = ALIAS_ADDRESS;
	struct span		 text = SPAN_NONE;
	const char		*why;
	bool			 ok = true, passed_over;

	while ((r = alias_list_next(&l, &kind, &text)) != ALIAS_LIST_END) {
		why = check_item(m, at, &l, r, kind, text);
		if (why == NULL)
			continue;
		passed_over = r == ALIAS_LIST_BAD &&
		    (at->depth > 0 || has_good_member(list));
		ok = ok && passed_over;
		tell(m, at, l.at, passed_over, why);
	}
	arena_clear(&scratch);
	return ok;
}

void
map_includes_clear(struct map *m)
{
	struct map_include	*inc;
	struct span		 key;
	size_t			 pos = 0;
	void			*v;

	while (htab_next(&m->includes, &pos, &key, &v)) {
		inc = v;
		free(inc->path);
		free(inc);
	}
	htab_clear(&m->includes);
}
