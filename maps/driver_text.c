/*
 * driver_text.c - a text file: one entry a line.
 *
 * A logical line begins with neither a blank nor '#'; a line that begins with
 * a blank goes on with it.  Lines of blanks, and comments, which begin with
 * '#', are passed over wherever they stand.  The kind takes the logical line
 * apart.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "maps/map_int.h"

/* Up to n octets, fewer at the end of the file; -1 on an error. */
static ssize_t
read_at_most(int fd, char *p, size_t n)
{
	size_t	 got = 0;
	ssize_t	 r;

	while (got < n) {
		r = pread(fd, p + got, n - got, (off_t)got);
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

static struct map_text *
text_read(int fd, const char **why)
{
	struct map_text	*t;
	struct stat	 st;
	ssize_t		 got;

	if (fd == -1 || fstat(fd, &st) == -1) {
		*why = "the file is not there, or cannot be read";
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > MAP_FILE_MAX) {
		*why = "not a regular file of at most 1 GiB";
		return NULL;
	}
	t = xmalloc(sizeof(*t) + (size_t)st.st_size + 1);
	*t = (struct map_text){ .octets = (char *)(t + 1) };
	got = read_at_most(fd, t->octets, (size_t)st.st_size + 1);
	t->n = got < 0 ? 0 : (size_t)got;
	if (got == (ssize_t)st.st_size)
		return t;
	explicit_bzero(t->octets, t->n);
	free(t);
	*why = got < 0 ? "the file cannot be read" :
	    "the file changed while it was read";
	return NULL;
}

struct map_text *
map_text_read(struct map *m, int fd, uint32_t file, const char **why)
{
	struct map_text	*t = text_read(fd, why);

	if (t == NULL)
		return NULL;
	t->file = file;
	t->next = m->texts;
	m->texts = t;
	return t;
}

/* A physical line, with its '\n' where it has one. */
static size_t
line_size(const char *p, const char *end)
{
	const char	*lf = memchr(p, '\n', (size_t)(end - p));

	return (size_t)((lf != NULL ? lf + 1 : end) - p);
}

static bool
is_ignored(const char *p, size_t n)
{
	size_t	 i;

	for (i = 0; i < n && map_is_blank(p[i]); i++)
		;
	return i == n || p[i] == '#';
}

/* Blanks in the place of a comment within a logical line. */
static void
blank_out(char *p, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (p[i] != '\n')
			p[i] = ' ';
}

/* Where a line that nobody can want is wrong; NULL: it is not. */
static const char *
mistake_in(struct span line, const char **what)
{
	const char	*nul;

	if (line.n > MAP_LINE_MAX) {
		*what = "the line is longer than 16 MiB";
		return line.p;
	}
	*what = "the line has an octet 0";
	nul = line.n > 0 ? memchr(line.p, '\0', line.n) : NULL;
	return nul;
}

struct reader {
	struct map	*m;
	struct map_text	*t;
	map_line_fn	*each;
	bool		 continued;
	char		*p, *end;	/* what has not been read */
	uint32_t	 line;		/* of p */
	bool		 all;		/* lines could be read */
};

/* A logical line: its size, and in *bad where one of its lines is wrong. */
static size_t
logical(struct reader *r, const char **bad, const char **what)
{
	char		*start = r->p, *stop = r->p;
	const char	*at, *w;
	size_t		 n;
	bool		 first = true, ignored;

	*bad = NULL;
	while (r->p < r->end) {
		n = line_size(r->p, r->end);
		ignored = is_ignored(r->p, n);
		if (!first && !ignored && *r->p != ' ' && *r->p != '\t')
			break;
		if (!first && !ignored && !r->continued)
			break;
		if (ignored)
			blank_out(r->p, n);
		else if ((at = mistake_in(span_mem(r->p, n), &w)) != NULL &&
		    *bad == NULL) {
			*bad = at;
			*what = w;
		}
		first = false;
		r->p += n;
		r->line++;
		if (!ignored)
			stop = r->p;
	}
	return (size_t)(stop - start);
}

/* One logical line that is there: to the kind, or to the mistakes. */
static void
read_line(struct reader *r)
{
	const char	*start = r->p, *bad, *what = NULL;
	uint32_t	 line = r->line;
	struct span	 raw;

	raw.n = logical(r, &bad, &what);
	raw.p = start;
	if (bad == NULL && map_is_blank(*start)) {
		bad = start;
		what = r->continued ? "a line that begins with a "
		    "blank goes on with the one above, and there is none" :
		    "no line of this table begins with a blank";
	}
	if (bad == NULL) {
		r->each(r->m, r->t, raw, line);
		return;
	}
	map_line_broken(r->m, r->t, raw, line, bad, what);
	r->all = false;
}

bool
map_text_lines(struct map *m, const struct map_source *src, bool continued,
    map_line_fn *each)
{
	struct reader	 r = { .m = m, .line = 1, .each = each,
	    .continued = continued, .all = true };
	const char	*why;
	size_t		 n;

	if ((r.t = map_text_read(m, src->fd, 0, &why)) == NULL) {
		map_unreadable(m, why);
		return false;
	}
	r.p = r.t->octets;
	r.end = r.p + r.t->n;
	if (r.t->n >= 3 && memcmp(r.p, "\xef\xbb\xbf", 3) == 0)
		r.p += 3;		/* an editor's mark of UTF-8 */
	while (r.p < r.end) {
		n = line_size(r.p, r.end);
		if (is_ignored(r.p, n)) {
			r.p += n;
			r.line++;
		} else
			read_line(&r);
	}
	return r.all;
}

void
map_text_open(struct map *m, const struct map_source *src)
{
	(void)map_text_lines(m, src, m->kind->continued, m->kind->line);
	if (m->kind->secret)
		map_texts_wipe(m);
}

const struct map_driver map_driver_text = { .name = "text", .open = map_text_open };
