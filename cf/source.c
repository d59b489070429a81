/*
 * source.c - the files of one compilation: their text, lines and places.
 */
#include "base/digest.h"
#include "base/fileio.h"
#include "base/xalloc.h"
#include "cf/cf_int.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void
index_lines(struct cf *cf, struct cf_source *s)
{
	size_t	 i, n = 1;

	for (i = 0; i < s->text.n; i++)
		n += s->text.p[i] == '\n';
	s->lines = arena_alloc(&cf->arena, (n + 1) * sizeof(*s->lines));
	s->nlines = 1;
	for (i = 0; i < s->text.n; i++) {
		if (s->text.p[i] == '\n')
			s->lines[s->nlines++] = (uint32_t)i + 1;
	}
}

/* A text of the policy: its places follow on those of the text before. */
static void
add_text(struct cf *cf, struct cf_source *s)
{
	const struct cf_source	*last;

	if (cf->ntexts > 0) {
		last = cf->texts[cf->ntexts - 1];
		s->base = last->base + (uint32_t)last->text.n + 1;
	}
	cf->texts = xreallocarray(cf->texts, cf->ntexts + 1,
	    sizeof(struct cf_source *));
	cf->texts[cf->ntexts++] = s;
}

/* The mark that some editors put before UTF-8 says nothing. */
static struct span
without_mark(struct span text)
{
	static const struct span	mark = { "\xef\xbb\xbf", 3 };

	return span_from(text, span_prefix(text, mark) ? mark.n : 0);
}

struct cf_source *
cf_source_add(struct cf *cf, const char *path, const char *full,
    struct span text, unsigned role)
{
	struct cf_source	*s;

	s = arena_alloc(&cf->arena, sizeof(*s));
	s->path = arena_strdup(&cf->arena, path);
	s->full = arena_strdup(&cf->arena, full);
	s->text = arena_span(&cf->arena, text);
	s->role = role;
	digest_sha256(s->text, s->sha256);
	if (role < 2)
		s->text = without_mark(s->text);
	index_lines(cf, s);
	if (cf->last_source == NULL)
		cf->sources = s;
	else
		cf->last_source->next = s;
	cf->last_source = s;
	if (role == 0)
		add_text(cf, s);
	return s;
}

const char *
cf_full_path(struct cf *cf, struct span name)
{
	if (name.n > 0 && name.p[0] == '/')
		return arena_span(&cf->arena, name).p;
	return arena_printf(&cf->arena, "%s/%.*s", cf->folder,
	    SPAN_ARG(name)).p;
}

int
cf_read_plain(const char *full, struct buf *out)
{
	struct stat	 st;
	int		 fd, r = -1, saved;

	fd = open(full, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	else
		r = file_read_fd(fd, CF_FILE_MAX, out);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

static struct cf_source *
known(const struct cf *cf, const char *full, unsigned role)
{
	struct cf_source	*s;

	for (s = cf->sources; s != NULL; s = s->next) {
		if (s->role == role && strcmp(s->full, full) == 0)
			return s;
	}
	return NULL;
}

struct cf_source *
cf_source_text(struct cf *cf, const char *path, const char *full,
    struct cf_loc at)
{
	const struct cf_source	*last = cf->texts[cf->ntexts - 1];
	struct cf_source	*s = NULL;
	struct buf		 text = { 0 };

	if (cf_read_plain(full, &text) == 0) {
		if (last->base + last->text.n + text.n < CF_TEXTS_MAX)
			s = cf_source_add(cf, path, full, buf_span(&text), 0);
		else
			errno = EFBIG;
	}
	if (s != NULL)
		s->at = at;
	buf_clear(&text);
	return s;
}

struct cf_source *
cf_source_read(struct cf *cf, struct span name, unsigned role)
{
	struct cf_source	*s;
	struct buf		 text = { 0 };
	const char		*full = cf_full_path(cf, name);

	if ((s = known(cf, full, role)) != NULL)
		return s;
	if (cf_read_plain(full, &text) == -1) {
		buf_clear(&text);
		return NULL;
	}
	s = cf_source_add(cf, arena_span(&cf->arena, name).p, full,
	    buf_span(&text), role);
	if (text.base != NULL)
		explicit_bzero(text.base, text.cap);	/* it may have secrets */
	buf_clear(&text);
	return s;
}

struct cf_source *
cf_source_octets(struct cf *cf, struct span name, unsigned role)
{
	const char		*full = cf_full_path(cf, name);
	struct cf_source	*s;
	struct stat		 st;
	void			*p;
	int			 fd, saved;

	if ((s = known(cf, full, role)) != NULL)
		return s;
	fd = open(full, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return NULL;
	errno = EINVAL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= CF_FILE_MAX && (p = mmap(NULL, (size_t)st.st_size,
	    PROT_READ, MAP_PRIVATE, fd, 0)) != MAP_FAILED) {
		s = cf_source_add(cf, arena_span(&cf->arena, name).p, full,
		    SPAN_NONE, role);
		digest_sha256(span_mem(p, (size_t)st.st_size), s->sha256);
		(void)munmap(p, (size_t)st.st_size);
	}
	saved = errno;
	close(fd);
	errno = saved;
	return s;
}

/* The last line that begins at or before pos. */
static size_t
line_of(const struct cf_source *s, uint32_t pos)
{
	size_t	 lo = 0, hi = s->nlines, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (s->lines[mid] <= pos)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

void
cf_source_place(const struct cf_source *s, uint32_t pos, uint32_t *line,
    uint32_t *column)
{
	size_t	 i = line_of(s, pos);

	*line = (uint32_t)i + 1;
	*column = pos - s->lines[i] + 1;
}

struct span
cf_source_line(const struct cf_source *s, uint32_t line)
{
	size_t	 from, to;

	if (line == 0 || line > s->nlines)
		return SPAN_NONE;
	from = s->lines[line - 1];
	to = line < s->nlines ? s->lines[line] - 1 : s->text.n;
	if (to > from && s->text.p[to - 1] == '\r')
		to--;
	return (struct span){ s->text.p + from, to - from };
}

const struct cf_source *
cf_source_at(const struct cf *cf, struct cf_loc loc)
{
	size_t	 lo = 0, hi = cf->ntexts, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (cf->texts[mid]->base <= loc.pos)
			lo = mid;
		else
			hi = mid;
	}
	return cf->texts[lo];
}

struct span
cf_source_written(const struct cf *cf, struct cf_loc loc)
{
	const struct cf_source	*s = cf_source_at(cf, loc);
	struct span		 text = s->text;
	size_t			 from = loc.pos - s->base;

	if (from >= text.n || loc.end <= loc.pos)
		return SPAN_NONE;
	text = span_from(text, from);
	if (text.n > loc.end - loc.pos)
		text.n = loc.end - loc.pos;
	return text;
}

void
cf_place(const struct cf *cf, struct cf_loc loc, uint32_t *line,
    uint32_t *column)
{
	const struct cf_source	*s = cf_source_at(cf, loc);

	cf_source_place(s, loc.pos - s->base, line, column);
}

struct span
cf_written(const struct cf *cf, struct cf_loc loc)
{
	const struct cf_source	*s = cf_source_at(cf, loc);
	struct span		 text = span_from(s->text, loc.pos - s->base);

	if (text.n > loc.end - loc.pos)
		text.n = loc.end - loc.pos;
	return text;
}

uint32_t
cf_line(const struct cf *cf, struct cf_loc loc)
{
	uint32_t	 line, column;

	cf_place(cf, loc, &line, &column);
	return line;
}

const char *
cf_where(struct cf *cf, struct cf_loc loc, struct cf_loc here)
{
	const struct cf_source	*s = cf_source_at(cf, loc);

	return arena_printf(&cf->arena, "line %u%s%s", cf_line(cf, loc),
	    s == cf_source_at(cf, here) ? "" : " of ",
	    s == cf_source_at(cf, here) ? "" : s->path).p;
}
