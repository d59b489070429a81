/*
 * diag.c - what the compiler has to say: place, text, how to mend it.
 */
#include "base/xalloc.h"
#include "cf/cf_int.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_SHOWN	160	/* octets of a source line around the caret */

static struct cf_diag *
add(struct cf *cf, enum cf_level level, const char *path, const char *fmt,
    va_list ap)
{
	struct cf_diag	*d;
	struct buf	 text = { 0 };

	if (cf->said.too_many)
		return NULL;
	if (level == CF_ERROR && ++cf->nerrors > CF_DIAGS_MAX) {
		cf->said.too_many = true;
		fmt = "too many errors: the rest is not shown";
	} else if (level != CF_ERROR && cf->ndiags > 8 * CF_DIAGS_MAX) {
		return NULL;
	}
	cf->nwarnings += level == CF_WARNING;
	if (cf->ndiags == cf->cap_diags) {
		cf->cap_diags = cf->cap_diags * 2 + 16;
		cf->diags = xreallocarray(cf->diags, cf->cap_diags,
		    sizeof(*cf->diags));
	}
	d = &cf->diags[cf->ndiags++];
	memset(d, 0, sizeof(*d));
	d->level = level;
	d->path = path;
	buf_vaddf(&text, fmt, ap);
	d->text = arena_span(&cf->arena, buf_span(&text)).p;
	buf_clear(&text);
	return d;
}

/* Places a message; a stretch over several lines is marked to the line's end. */
static void
place(const struct cf *cf, struct cf_loc loc, struct cf_diag *d)
{
	const struct cf_source	*s = cf_source_at(cf, loc);
	size_t			 n;

	d->path = s->path;
	cf_place(cf, loc, &d->line, &d->column);
	n = cf_source_line(s, d->line).n;
	d->end_column = d->column + (loc.end > loc.pos ? loc.end - loc.pos : 1);
	if (d->end_column > n + 1)
		d->end_column = (uint32_t)n + 1;
	if (d->end_column <= d->column)
		d->end_column = d->column + 1;
}

#define SAY(cf, level, loc, fmt) do {					\
	struct cf_diag	*d_;						\
	va_list		 ap_;						\
									\
	va_start(ap_, fmt);						\
	d_ = add((cf), (level), (cf)->path, (fmt), ap_);		\
	va_end(ap_);							\
	if (d_ != NULL)							\
		place((cf), (loc), d_);			\
} while (0)

void
cf_error(struct cf *cf, struct cf_loc loc, const char *fmt, ...)
{
	SAY(cf, CF_ERROR, loc, fmt);
}

void
cf_warn(struct cf *cf, struct cf_loc loc, const char *fmt, ...)
{
	SAY(cf, CF_WARNING, loc, fmt);
}

void
cf_note(struct cf *cf, struct cf_loc loc, const char *fmt, ...)
{
	SAY(cf, CF_NOTE, loc, fmt);
}

void
cf_help(struct cf *cf, const char *fmt, ...)
{
	struct buf	 text = { 0 };
	va_list		 ap;

	if (cf->ndiags == 0 || cf->said.too_many)
		return;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	cf->diags[cf->ndiags - 1].help =
	    arena_span(&cf->arena, buf_span(&text)).p;
	buf_clear(&text);
}

void
cf_error_at(struct cf *cf, const struct cf_source *s, uint32_t line,
    uint32_t column, uint32_t end, const char *fmt, ...)
{
	struct cf_diag	*d;
	va_list		 ap;

	va_start(ap, fmt);
	d = add(cf, CF_ERROR, s->path, fmt, ap);
	va_end(ap);
	if (d == NULL)
		return;
	d->line = line;
	d->column = column > 0 ? column : 1;
	d->end_column = end > d->column ? end : d->column + 1;
}

void
cf_warn_at(struct cf *cf, const struct cf_source *s, uint32_t line,
    uint32_t column, const char *fmt, ...)
{
	struct cf_diag	*d;
	va_list		 ap;

	va_start(ap, fmt);
	d = add(cf, CF_WARNING, s->path, fmt, ap);
	va_end(ap);
	if (d == NULL)
		return;
	d->line = line;
	d->column = column > 0 ? column : 1;
	d->end_column = d->column + 1;
}

void
cf_error_unserved(struct cf *cf, struct cf_loc loc, const char *fmt, ...)
{
	struct cf_diag	*d;
	struct buf	 text = { 0 };
	va_list		 ap;

	cf->unserved = xreallocarray(cf->unserved, cf->nunserved + 1,
	    sizeof(*cf->unserved));
	d = &cf->unserved[cf->nunserved++];
	memset(d, 0, sizeof(*d));
	d->level = CF_ERROR;
	d->path = cf->path;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	d->text = arena_span(&cf->arena, buf_span(&text)).p;
	buf_clear(&text);
	place(cf, loc, d);
}

/* A message with its notes; those of other files come last. */
struct group {
	size_t		 from, n;
	size_t		 text;		/* of the policy */
	uint64_t	 at;
};

static int
by_place(const void *a, const void *b)
{
	const struct group	*x = a, *y = b;

	if (x->text != y->text)
		return x->text < y->text ? -1 : 1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

/* The number of the policy's text that it is about; what is last comes last. */
static size_t
text_of(const struct cf *cf, const struct cf_diag *d)
{
	size_t	 i;

	if (strncmp(d->text, "too many", 8) == 0)
		return SIZE_MAX;
	for (i = 0; i < cf->ntexts; i++) {
		if (cf->texts[i]->path == d->path)
			return i;
	}
	return d->path == cf->path ? 0 : SIZE_MAX - 1;
}

void
cf_diags_sort(struct cf *cf)
{
	struct cf_diag	*sorted;
	struct group	*groups;
	size_t		 i, n = 0, out = 0;

	groups = xcalloc(cf->ndiags + 1, sizeof(*groups));
	sorted = xcalloc(cf->ndiags + 1, sizeof(*sorted));
	for (i = 0; i < cf->ndiags; i++) {
		if (cf->diags[i].level == CF_NOTE && n > 0) {
			groups[n - 1].n++;
			continue;
		}
		groups[n].from = i;
		groups[n].n = 1;
		groups[n].at = (uint64_t)cf->diags[i].line << 32 |
		    cf->diags[i].column;
		groups[n].text = text_of(cf, &cf->diags[i]);
		if (groups[n].text >= cf->ntexts)
			groups[n].at = 0;	/* as they were found */
		n++;
	}
	qsort(groups, n, sizeof(*groups), by_place);
	for (i = 0; i < n; i++) {
		memcpy(&sorted[out], &cf->diags[groups[i].from],
		    groups[i].n * sizeof(*sorted));
		out += groups[i].n;
	}
	free(groups);
	free(cf->diags);
	cf->diags = sorted;
	cf->cap_diags = cf->ndiags + 1;
}

size_t
cf_errors(const struct cf *cf)
{
	return cf->nerrors;
}

size_t
cf_warnings(const struct cf *cf)
{
	return cf->nwarnings;
}

size_t
cf_ndiags(const struct cf *cf)
{
	return cf->ndiags;
}

const struct cf_diag *
cf_diag(const struct cf *cf, size_t i)
{
	return i < cf->ndiags ? &cf->diags[i] : NULL;
}

const struct cf_diag *
cf_unserved(const struct cf *cf, size_t i)
{
	return i < cf->nunserved ? &cf->unserved[i] : NULL;
}

static const char *const level_names[] = { "error", "warning", "note" };
static const char *const level_colours[] = {
	"\033[1;31m", "\033[1;35m", "\033[1;36m"
};

/* An octet as a terminal may show it. */
static char
shown(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f ? (c == '\t' ? c : '?') : c;
}

/* Whether the octet takes a column: not the rest of a UTF-8 letter. */
static bool
is_column(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static void
print_caret(struct span line, size_t from, const struct cf_diag *d, bool colour,
    struct buf *out)
{
	size_t	 i, end = d->end_column - 1;

	for (i = from; i + 1 < d->column; i++) {
		if (i >= line.n || is_column(line.p[i]))
			buf_add_char(out, i < line.n && line.p[i] == '\t' ?
			    '\t' : ' ');
	}
	if (colour)
		buf_add_str(out, "\033[1;32m");
	buf_add_char(out, '^');
	if (end > from + LINE_SHOWN)
		end = from + LINE_SHOWN;
	for (i = d->column; i < end && i < line.n; i++) {
		if (is_column(line.p[i]))
			buf_add_char(out, '~');
	}
	if (colour)
		buf_add_str(out, "\033[0m");
	buf_add_char(out, '\n');
}

/* The line and the mark below it; of a very long line the part around it. */
static void
print_line(const struct cf_source *s, const struct cf_diag *d, bool colour,
    struct buf *out)
{
	struct span	 line = cf_source_line(s, d->line);
	size_t		 from = 0, to, i;

	if (d->column > LINE_SHOWN - 40)
		from = d->column - (LINE_SHOWN - 40);
	to = line.n < from + LINE_SHOWN ? line.n : from + LINE_SHOWN;
	buf_add_str(out, "    ");
	for (i = from; i < to; i++)
		buf_add_char(out, shown(line.p[i]));
	buf_add_str(out, "\n    ");
	print_caret(line, from, d, colour, out);
}

static const struct cf_source *
source_named(const struct cf *cf, const char *path)
{
	const struct cf_source	*s;

	for (s = cf->sources; s != NULL; s = s->next) {
		if (s->path == path || strcmp(s->path, path) == 0)
			return s;
	}
	return NULL;
}

void
cf_diag_print(const struct cf *cf, const struct cf_diag *d, bool colour,
    struct buf *out)
{
	const struct cf_source	*s = source_named(cf, d->path);

	if (d->line > 0)
		buf_addf(out, "%s%s:%u:%u: ", colour ? "\033[1m" : "", d->path,
		    d->line, d->column);
	else
		buf_addf(out, "%s%s: ", colour ? "\033[1m" : "", d->path);
	buf_addf(out, "%s%s:%s %s\n", colour ? level_colours[d->level] : "",
	    level_names[d->level], colour ? "\033[0m" : "", d->text);
	if (s != NULL && !s->secret && d->line > 0 && d->line <= s->nlines)
		print_line(s, d, colour, out);
	if (d->help != NULL)
		buf_addf(out, "    help: %s\n", d->help);
}
