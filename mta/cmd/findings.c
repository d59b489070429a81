/*
 * findings.c - what has been found in tables.
 *
 * Owns: the findings, and the text of the last file that was looked into.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/xalloc.h"

#include "mta/cmd/findings.h"

#define FILE_MAX	(1u << 30)	/* octets, as maps have it */
#define TEXT_OCTETS	2048		/* of one finding */

struct finding {
	enum finding_level	 level;
	const char		*path;
	uint32_t		 line, column;
	const char		*text;
	size_t			 nth;
};

static const char *const	levels[] = { "error", "warning", "note" };

bool
findings_want(struct findings *f, enum finding_level level)
{
	size_t	 most = level == FINDING_NOTE ? FINDINGS_NOTES : FINDINGS_MAX;

	if (f->kept[level] < most)
		return true;
	f->count[level]++;
	return false;
}

void
findings_add(struct findings *f, enum finding_level level, const char *path,
    uint32_t line, uint32_t column, const char *fmt, ...)
{
	char		 text[TEXT_OCTETS];
	va_list		 ap;

	if (!findings_want(f, level))
		return;
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 64 : 2 * f->cap;
		f->v = xreallocarray(f->v, f->cap, sizeof(*f->v));
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->v[f->n] = (struct finding){ .level = level, .line = line,
	    .column = column, .nth = f->n,
	    .path = arena_strdup(&f->arena, path),
	    .text = arena_strdup(&f->arena, text) };
	f->n++;
	f->count[level]++;
	f->kept[level]++;
}

/* --- columns */

static void
file_forget(struct findings *f)
{
	free(f->path);
	f->path = NULL;
	buf_clear(&f->text);
	free(f->lines);
	f->lines = NULL;
	f->nlines = 0;
}

static void
file_read_lines(struct findings *f, const char *path)
{
	const char	*p, *lf;
	struct span	 s;
	size_t		 cap = 0, at = 0;

	file_forget(f);
	f->path = xstrdup(path);
	if (file_read(path, FILE_MAX, &f->text) == -1)
		return;
	s = buf_span(&f->text);
	while (at < s.n) {
		if (f->nlines == cap) {
			cap = cap == 0 ? 1024 : 2 * cap;
			f->lines = xreallocarray(f->lines, cap,
			    sizeof(*f->lines));
		}
		f->lines[f->nlines++] = at;
		p = s.p + at;
		lf = memchr(p, '\n', s.n - at);
		at = lf == NULL ? s.n : (size_t)(lf - s.p) + 1;
	}
}

/* The octets of an entry: its line, and those that begin with a blank. */
static struct span
entry_of(const struct findings *f, uint32_t line)
{
	struct span	 s = buf_span(&f->text);
	size_t		 i = line, end;

	while (i < f->nlines && (s.p[f->lines[i]] == ' ' ||
	    s.p[f->lines[i]] == '\t'))
		i++;
	end = i < f->nlines ? f->lines[i] : s.n;
	return span_mem(s.p + f->lines[line - 1], end - f->lines[line - 1]);
}

/* Not as a part of a longer word. */
static bool
stands_at(struct span s, size_t i, struct span text)
{
	static const char	 ends[] = " \t\r\n,<>\\\"():";

	if (!span_ieq(span_mem(s.p + i, text.n), text))
		return false;
	if (i > 0 && strchr(ends, s.p[i - 1]) == NULL)
		return false;
	return i + text.n == s.n || strchr(ends, s.p[i + text.n]) != NULL;
}

void
findings_place(struct findings *f, const char *path, struct span text,
    uint32_t *line, uint32_t *column)
{
	struct span	 s;
	size_t		 i, start = 0;
	uint32_t	 n = *line;

	*column = 1;
	if (f->path == NULL || strcmp(f->path, path) != 0)
		file_read_lines(f, path);
	if (n == 0 || n > f->nlines || text.n == 0)
		return;
	s = entry_of(f, n);
	for (i = 0; i + text.n <= s.n; i++) {
		if (stands_at(s, i, text)) {
			*line = n;
			*column = (uint32_t)(i - start) + 1;
			return;
		}
		if (s.p[i] == '\n') {
			n++;
			start = i + 1;
		}
	}
}

const char *
findings_path(const char *path)
{
	static char	 cwd[4096];
	size_t		 n;

	if (cwd[0] == '\0' && getcwd(cwd, sizeof(cwd)) == NULL)
		return path;
	n = strlen(cwd);
	return strncmp(path, cwd, n) == 0 && path[n] == '/' &&
	    path[n + 1] != '\0' ? path + n + 1 : path;
}

/* --- all of them */

static int
by_place(const void *a, const void *b)
{
	const struct finding	*x = a, *y = b;
	int			 c = strcmp(x->path, y->path);

	if (c != 0)
		return c;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->nth < y->nth ? -1 : x->nth > y->nth;
}

static void
sort(struct findings *f)
{
	if (f->n > 1)
		qsort(f->v, f->n, sizeof(*f->v), by_place);
}

void
findings_print(struct findings *f, struct buf *out)
{
	const struct finding	*x;
	size_t			 i;

	sort(f);
	for (i = 0; i < f->n; i++) {
		x = &f->v[i];
		buf_add_str(out, findings_path(x->path));
		if (x->line > 0)
			buf_addf(out, ":%u:%u", x->line, x->column);
		buf_addf(out, ": %s: %s\n", levels[x->level], x->text);
	}
	for (i = 0; i < FINDING_LEVELS; i++)
		if (f->count[i] > f->kept[i])
			buf_addf(out, "%zu more %ss\n",
			    f->count[i] - f->kept[i], levels[i]);
}

void
findings_json(struct findings *f, struct json *j)
{
	const struct finding	*x;
	size_t			 i;

	sort(f);
	json_uint(j, "errors", f->count[FINDING_ERROR]);
	json_uint(j, "warnings", f->count[FINDING_WARNING]);
	json_uint(j, "notes", f->count[FINDING_NOTE]);
	json_array(j, "findings");
	for (i = 0; i < f->n; i++) {
		x = &f->v[i];
		json_object(j, NULL);
		json_str(j, "level", levels[x->level]);
		json_str(j, "file", x->path);
		json_uint(j, "line", x->line);
		json_uint(j, "column", x->column);
		json_str(j, "text", x->text);
		json_object_end(j);
	}
	json_array_end(j);
}

void
findings_clear(struct findings *f)
{
	file_forget(f);
	free(f->v);
	arena_clear(&f->arena);
	*f = (struct findings){ .n = 0 };
}
