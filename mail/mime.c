/*
 * mime.c - the parts of a message, line by line.
 *
 * Owns: the boundaries that are open, the Content- fields of the part whose
 * header is being read, and the beginning of a line that is not whole yet.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mail/header.h"
#include "mail/mime_int.h"

/* --- boundaries */

static struct span
boundary_text(const struct mime *m, const struct boundary *b)
{
	return span_mem(buf_span(&m->texts).p + b->at, b->n);
}

void
mime_push(struct mime *m, struct span text, unsigned depth, bool digest)
{
	struct boundary	*b;

	if (m->nopen == OPEN_MAX_BOUNDARIES) {
		m->incomplete = true;
		return;
	}
	if (text.n > MIME_BOUNDARY_MAX)
		text.n = MIME_BOUNDARY_MAX;
	b = &m->open[m->nopen++];
	*b = (struct boundary){ m->texts.n, text.n, depth, digest };
	buf_add_span(&m->texts, text);
}

/* Those that are deeper have ended. */
static void
pop_to(struct mime *m, unsigned depth)
{
	const struct boundary	*b;

	while (m->nopen > 0 && m->open[m->nopen - 1].depth > depth)
		m->nopen--;
	b = m->nopen == 0 ? NULL : &m->open[m->nopen - 1];
	buf_cut(&m->texts, b == NULL ? 0 : b->at + b->n);
	m->depth = depth;
}

/* LOOSE: in another case, or with octets behind it. */
enum match { MATCH_NONE, MATCH_LOOSE, MATCH_EXACT };

/* What the line behind "--" is to this boundary (RFC 2046, 5.1.1). */
static enum match
match(struct span line, struct span text, bool *closes)
{
	bool	 exact = span_prefix(line, text);

	if (text.n == 0 || !span_iprefix(line, text))
		return MATCH_NONE;
	line = span_trim(span_from(line, text.n));
	*closes = span_eq(line, SPAN("--"));
	return exact && (line.n == 0 || *closes) ? MATCH_EXACT : MATCH_LOOSE;
}

/* A multipart that named no boundary takes this line's. */
static void
guess(struct mime *m, struct span line)
{
	struct boundary	*b = m->nopen == 0 ? NULL : &m->open[m->nopen - 1];

	line = span_trim(line);
	if (b == NULL || b->n > 0 || line.n == 0)
		return;
	b->n = line.n < MIME_BOUNDARY_MAX ? line.n : MIME_BOUNDARY_MAX;
	buf_add(&m->texts, line.p, b->n);
}

/* The boundary that the line is: an exact one before a loose one. */
static const struct boundary *
which(const struct mime *m, struct span line, bool *closes)
{
	const struct boundary	*loose = NULL;
	enum match		 is;
	size_t			 i;
	bool			 end;

	for (i = m->nopen; i-- > 0; ) {
		is = match(line, boundary_text(m, &m->open[i]), &end);
		if (is == MATCH_NONE || (is == MATCH_LOOSE && loose != NULL))
			continue;
		*closes = end;
		if (is == MATCH_EXACT)
			return &m->open[i];
		loose = &m->open[i];
	}
	return loose;
}

/* --- lines */

static void
header_begin(struct mime *m, bool digest)
{
	m->in_header = true;
	m->kept = false;
	m->digest = digest;
	if (++m->nparts > MIME_PARTS_MAX) {
		m->incomplete = true;
		m->over = true;
	}
}

static void
header_end(struct mime *m)
{
	m->in_header = false;
	if (mime_part_header(m))
		header_begin(m, false);
	buf_cut(&m->fields, 0);
	arena_reset(&m->arena);
}

/* A line that begins with "--"; true: it is a delimiter. */
static bool
delimiter(struct mime *m, struct span line)
{
	const struct boundary	*b;
	unsigned		 depth;
	bool			 digest, closes;

	guess(m, line);
	if ((b = which(m, line, &closes)) == NULL)
		return false;
	depth = b->depth;
	digest = b->digest;
	while (m->in_header && !m->over)	/* a part without a body */
		header_end(m);
	pop_to(m, depth);
	if (!closes)
		header_begin(m, digest);
	return true;
}

/* Only fields that say something of the part are kept. */
static void
header_line(struct mime *m, struct span line)
{
	bool	 blank = line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');

	if (line.n == 0) {
		header_end(m);
		return;
	}
	if (!blank)
		m->kept = span_iprefix(line, SPAN("Content-"));
	if (!m->kept)
		return;
	if (m->fields.n + line.n + 2 > MIME_HEADER_MAX) {
		m->incomplete = true;
		return;
	}
	buf_add_span(&m->fields, line);
	buf_add_str(&m->fields, "\r\n");
}

/* "begin 644 name": a file within text, as uuencode writes it (POSIX.1). */
static void
begin_line(struct mime *m, struct span line)
{
	size_t	 i, digits = 0;

	if (!span_prefix(line, SPAN("begin ")))
		return;
	line = span_from(line, 6);
	for (i = 0; i < line.n && line.p[i] >= '0' && line.p[i] <= '7'; i++)
		digits++;
	if (digits < 3 || digits > 4 || i == line.n || line.p[i] != ' ')
		return;
	mime_tell_file(m, span_trim(span_from(line, i)));
	arena_reset(&m->arena);
}

/* Without its end. */
static void
take_line(struct mime *m, struct span line)
{
	while (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n >= 2 && line.p[0] == '-' && line.p[1] == '-' &&
	    delimiter(m, span_from(line, 2)))
		return;
	if (m->in_header)
		header_line(m, line);
	else
		begin_line(m, line);
}

/* --- octets */

static size_t
line_max(const struct mime *m)
{
	return m->in_header ? MIME_HEADER_MAX : BODY_LINE_MAX;
}

/*
 * Of a line only so much is looked at, whatever the pieces in which it came.
 * A field that is kept is not cut in silence: header_line() sees its size.
 */
static void
keep(struct mime *m, struct span s)
{
	size_t	 room = line_max(m) - m->line.n;

	buf_add(&m->line, s.p, s.n < room ? s.n : room);
}

static void
line_end(struct mime *m, struct span s)
{
	if (m->line.n == 0) {
		take_line(m, span_mem(s.p, s.n < line_max(m) ? s.n :
		    line_max(m)));
		return;
	}
	keep(m, s);
	take_line(m, buf_span(&m->line));
	buf_cut(&m->line, 0);
}

void
mime_feed(struct mime *m, struct span s)
{
	const char	*lf;
	size_t		 n;

	while (s.n > 0 && !m->over) {
		if ((lf = memchr(s.p, '\n', s.n)) == NULL) {
			keep(m, s);
			return;
		}
		n = (size_t)(lf - s.p);
		line_end(m, span_mem(s.p, n));
		s = span_from(s, n + 1);
	}
}

bool
mime_end(struct mime *m)
{
	if (m->line.n > 0 && !m->over)
		line_end(m, SPAN(""));
	while (m->in_header && !m->over)
		header_end(m);
	return !m->incomplete;
}

struct mime *
mime_new(mime_found *found, void *arg)
{
	struct mime	*m = xcalloc(1, sizeof(*m));

	m->found = found;
	m->arg = arg;
	header_begin(m, false);
	return m;
}

void
mime_free(struct mime **mp)
{
	struct mime	*m = *mp;

	if (m == NULL)
		return;
	*mp = NULL;
	buf_clear(&m->line);
	buf_clear(&m->fields);
	buf_clear(&m->texts);
	arena_clear(&m->arena);
	free(m);
}
