/*
 * header_edit.c - the edits that rules ask for, applied to a header section.
 *
 * Fields that no edit touches keep every octet and their place.  New fields
 * stand at the end of the section, so that the trace fields stay on top.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mail/header.h"

#define FOLD_AT		78	/* octets of a line; RFC 5322, 2.1.1 */
#define LINE_HARD_MAX	990	/* octets; a line without a blank is cut here */

struct field {
	struct span	whole, name;
	bool		gone;
};

struct section {
	struct field	*fields;
	size_t		 n, cap;
	struct arena	 arena;		/* new fields */
};

static void
append(struct section *s, struct span whole, struct span name)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 32 : 2 * s->cap;
		s->fields = xreallocarray(s->fields, s->cap,
		    sizeof(*s->fields));
	}
	s->fields[s->n++] = (struct field){ whole, name, false };
}

/* Control characters can stand in no field that we write. */
static struct span
clean(struct arena *a, struct span in)
{
	char	*p = arena_alloc(a, in.n + 1);
	size_t	 i;

	for (i = 0; i < in.n; i++) {
		unsigned char	 ch = (unsigned char)in.p[i];

		p[i] = ch < ' ' || ch == 0x7f ? ' ' : (char)ch;
	}
	return span_trim(span_mem(p, in.n));
}

/* A cut within a word: before octet n, or before its UTF-8 character. */
static size_t
hard_cut(struct span s, size_t n)
{
	size_t	 i = n;

	while (i > n - 4 && ((unsigned char)s.p[i] & 0xc0) == 0x80)
		i--;
	return i;
}

/*
 * Where the line s is folded: the last blank that keeps it below FOLD_AT,
 * otherwise the first after it; never so that a line of blanks is left.
 */
static size_t
fold_at(struct span s)
{
	size_t	 i, best = 0;
	bool	 word = false;

	for (i = 1; i < s.n; i++) {
		word = word || s.p[i - 1] != ' ';
		if (i >= FOLD_AT && best > 0)
			return best;
		if (i >= LINE_HARD_MAX)
			return hard_cut(s, i);
		if (word && s.p[i] == ' ' && s.p[i - 1] != ':')
			best = i;
	}
	return s.n <= FOLD_AT || best == 0 ? s.n : best;
}

/* A line without controls as a field, folded. */
static void
fold(struct span line, struct buf *out)
{
	size_t	 n;

	while ((n = fold_at(line)) < line.n) {
		buf_add(out, line.p, n);
		buf_add_str(out, line.p[n] == ' ' ? "\r\n" : "\r\n ");
		line = span_from(line, n);
	}
	buf_add_span(out, line);
	buf_add_str(out, "\r\n");
}

void
header_put(struct span field, struct buf *out)
{
	struct arena	 a = { 0 };

	fold(clean(&a, field), out);
	arena_clear(&a);
}

/* "Name: value" as a new field at the end. */
static void
add(struct section *s, struct span text)
{
	struct span	 line = clean(&s->arena, text), name = line;
	ptrdiff_t	 colon = span_index(line, ':');
	struct buf	 folded = { 0 };

	if (colon <= 0)
		return;
	name.n = (size_t)colon;
	fold(line, &folded);
	append(s, arena_span(&s->arena, buf_span(&folded)), span_trim(name));
	buf_clear(&folded);
}

static void
del(struct section *s, struct span name)
{
	size_t	 i;

	for (i = 0; i < s->n; i++)
		if (span_ieq(s->fields[i].name, name))
			s->fields[i].gone = true;
}

/* In the place of the topmost, and no other is left. */
static void
set(struct section *s, struct span name, struct span value)
{
	struct field	*f = NULL, *new;
	size_t		 i, n = s->n;

	for (i = 0; i < n && f == NULL; i++)
		if (!s->fields[i].gone && span_ieq(s->fields[i].name, name))
			f = &s->fields[i];
	i = f != NULL ? (size_t)(f - s->fields) : n;
	del(s, name);
	add(s, arena_printf(&s->arena, "%.*s: %.*s", SPAN_ARG(name),
	    SPAN_ARG(value)));
	if (i == n || s->n == n)
		return;
	new = &s->fields[--s->n];
	s->fields[i] = *new;
}

static void
apply(struct section *s, const struct header_edit *e)
{
	if (e->kind != HEADER_EDIT_ADD && e->name.n == 0)
		return;
	switch (e->kind) {
	case HEADER_EDIT_ADD:
		add(s, e->value);
		break;
	case HEADER_EDIT_SET:
		set(s, e->name, e->value);
		break;
	case HEADER_EDIT_DEL:
		del(s, e->name);
		break;
	}
}

/* All that is left; a last line that had no end gets one before what follows. */
static void
write_out(const struct section *s, struct buf *out)
{
	bool	 open_end = false;
	size_t	 i;

	for (i = 0; i < s->n; i++) {
		struct span	 w = s->fields[i].whole;

		if (s->fields[i].gone)
			continue;
		if (open_end)
			buf_add_str(out, "\r\n");
		buf_add_span(out, w);
		open_end = w.n < 2 || w.p[w.n - 2] != '\r' ||
		    w.p[w.n - 1] != '\n';
	}
}

void
header_apply(struct span content, const struct header_edit *edits, size_t n,
    struct buf *out)
{
	struct section		 s = { .n = 0 };
	struct header_field	 f;
	size_t			 i, pos = 0, end = 0;

	while (header_next(content, &pos, &f)) {
		append(&s, f.whole, f.name);
		end = pos;
	}
	for (i = 0; i < n; i++)
		apply(&s, &edits[i]);
	write_out(&s, out);
	if (pos > end)
		buf_add_str(out, "\r\n");
	free(s.fields);
	arena_clear(&s.arena);
}
