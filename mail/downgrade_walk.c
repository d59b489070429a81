/*
 * downgrade_walk.c - a message line by line, and which part a line belongs to
 * (RFC 2046, 5.1.1 and 5.2.1).
 *
 * Only CRLF ends a line.  A boundary is one exactly as the RFC has it, in its
 * case and with nothing but blanks behind it; an outer one ends all that is
 * inside.  The CRLF before a boundary belongs to it.
 */
#include "config.h"

#include "mail/downgrade_int.h"

#include <string.h>

#define LINE_LOOK	1024	/* octets of a body's line that are kept to see a boundary */

static struct part *
innermost(struct walk *w)
{
	return &w->parts[w->depth - 1];
}

/* --- parts */

/* A header begins. */
static void
push(struct walk *w, bool is_message)
{
	const struct part	*outer = w->depth > 0 ? innermost(w) : NULL;
	struct part		*p;

	if (w->depth == DOWNGRADE_DEPTH_MAX) {
		w->broken = "its parts are too deep in each other";
		return;
	}
	if (w->number == DOWNGRADE_PARTS_MAX) {
		w->broken = "it has too many parts";
		return;
	}
	p = &w->parts[w->depth++];
	*p = (struct part){ .number = w->number++, .is_message = is_message };
	if (outer != NULL) {
		p->frozen = outer->frozen;
		p->sealed = p->frozen != NULL;
		p->keep_header = outer->keep_header;
		p->is_digest = outer->is_digest;
	}
	w->in_header = true;
}

static void
tell_field(struct walk *w)
{
	if (w->field.n == 0)
		return;
	part_field(innermost(w), buf_span(&w->field), &w->arena);
	w->ops->field(w->arg, innermost(w), buf_span(&w->field));
	buf_reset(&w->field);
}

/* What its lines end or begin depends on who reads. */
static bool
is_around(const struct walk *w, const struct part *p)
{
	const struct part	*o;

	for (o = w->parts; o < p; o++)
		if (o->kind == PART_MULTIPART && o->nboundary == p->nboundary &&
		    memcmp(o->boundary, p->boundary, p->nboundary) == 0)
			return true;
	return false;
}

static void
header_end(struct walk *w, struct span line)
{
	struct part	*p = innermost(w);

	tell_field(w);
	part_know(p, w->lacks, &w->arena);
	if (p->kind == PART_MULTIPART && is_around(w, p))
		part_freeze(p, "a multipart has the boundary of one around it");
	w->in_header = false;
	w->crlf = false;
	w->ops->header(w->arg, p, line);
	p->type = p->transfer = SPAN_NONE;
	arena_reset(&w->arena);
	if (p->kind == PART_MESSAGE)
		push(w, true);
}

/* The innermost part ends, with the message or at a boundary. */
static void
pop(struct walk *w, bool last)
{
	struct part	*p;

	while (w->in_header && w->broken == NULL)
		header_end(w, SPAN_NONE);
	if (w->broken != NULL)
		return;
	p = innermost(w);
	p->no_parts |= p->kind == PART_MULTIPART && !p->has_parts;
	if (p->kind == PART_LEAF || p->outside)
		w->ops->end(w->arg, p, last);
	w->depth--;
}

/* --- boundaries */

static bool
is_boundary(const struct part *p, struct span line, bool *closes)
{
	struct span	rest;

	if (p->kind != PART_MULTIPART ||
	    !span_prefix(span_from(line, 2),
	    span_mem(p->boundary, p->nboundary)))
		return false;
	rest = span_from(line, 2 + p->nboundary);
	*closes = span_prefix(rest, SPAN("--"));
	if (*closes)
		rest = span_from(rest, 2);
	return span_trim(rest).n == 0;
}

/* The innermost multipart whose boundary the line is; NULL: none. */
static struct part *
bounded(struct walk *w, struct span line, bool *closes)
{
	size_t	i;

	if (!span_prefix(line, SPAN("--")))
		return NULL;
	for (i = w->depth; i-- > 0; )
		if (is_boundary(&w->parts[i], line, closes))
			return &w->parts[i];
	return NULL;
}

/* True: the line, which has its CRLF, is a boundary. */
static bool
boundary(struct walk *w, struct span line)
{
	bool		 closes, after_body;
	struct part	*p;

	if ((p = bounded(w, span_mem(line.p, line.n - 2), &closes)) == NULL)
		return false;
	while (innermost(w) != p && w->broken == NULL)
		pop(w, false);
	if (w->broken != NULL)
		return true;
	p->no_parts |= closes && !p->has_parts;
	if (p->outside)
		w->ops->end(w->arg, p, false);
	after_body = w->crlf;
	w->crlf = false;
	p->has_parts = true;
	p->outside = closes;
	w->ops->boundary(w->arg, line, after_body);
	if (!closes)
		push(w, false);
	return true;
}

/* --- lines */

static void
put_crlf(struct walk *w)
{
	if (w->crlf)
		w->ops->crlf(w->arg, innermost(w));
	w->crlf = false;
}

static void
put_octets(struct walk *w, struct span s)
{
	put_crlf(w);
	if (s.n > 0)
		w->ops->octets(w->arg, innermost(w), s);
}

static void
body_line(struct walk *w, struct span line)
{
	if (!w->middle && boundary(w, line))
		return;
	put_octets(w, span_mem(line.p, line.n - 2));
	w->crlf = true;
	w->middle = false;
}

static void
header_line(struct walk *w, struct span line)
{
	if (line.n == 2) {
		header_end(w, line);
		return;
	}
	if (line.p[0] != ' ' && line.p[0] != '\t') {
		if (boundary(w, line))
			return;
		tell_field(w);
	}
	if (w->field.n + line.n > DOWNGRADE_FIELD_MAX)
		w->broken = "a field of its header is too long";
	else
		buf_add_span(&w->field, line);
}

/* With its CRLF. */
static void
take_line(struct walk *w, struct span line)
{
	if (w->in_header)
		header_line(w, line);
	else
		body_line(w, line);
}

/* A line without an end yet: what cannot be a boundary any more is told. */
static void
take_some(struct walk *w)
{
	struct span	s = buf_span(&w->line);

	if (w->in_header) {
		if (s.n > DOWNGRADE_FIELD_MAX)
			w->broken = "a field of its header is too long";
		return;
	}
	if (s.n < LINE_LOOK)
		return;
	if (s.p[s.n - 1] == '\r')
		s.n--;
	put_octets(w, s);
	w->middle = true;
	buf_eat(&w->line, s.n);
}

/* Whether line and s together end with CRLF; s ends with LF. */
static bool
has_crlf(const struct walk *w, struct span s)
{
	if (s.n >= 2)
		return s.p[s.n - 2] == '\r';
	return w->line.n > 0 && buf_span(&w->line).p[w->line.n - 1] == '\r';
}

static void
take(struct walk *w, struct span s)
{
	bool	whole = s.p[s.n - 1] == '\n' && has_crlf(w, s);

	if (whole && w->line.n == 0) {
		take_line(w, s);
		return;
	}
	buf_add_span(&w->line, s);
	if (!whole) {
		take_some(w);
		return;
	}
	take_line(w, buf_span(&w->line));
	buf_reset(&w->line);
}

void
walk_feed(struct walk *w, struct span s)
{
	const char	*lf;
	size_t		 n;

	while (s.n > 0 && w->broken == NULL) {
		lf = memchr(s.p, '\n', s.n);
		n = lf == NULL ? s.n : (size_t)(lf - s.p) + 1;
		take(w, span_mem(s.p, n));
		s = span_from(s, n);
	}
}

/* A last line without its CRLF: as a boundary it is one all the same. */
static void
last_line(struct walk *w)
{
	struct span	s;

	if (w->line.n == 0)
		return;
	if (w->in_header || !w->middle) {
		buf_add_str(&w->line, "\r\n");
		s = buf_span(&w->line);
		if (w->in_header) {
			take_line(w, s);
			return;
		}
		if (boundary(w, s))
			return;
		buf_cut(&w->line, w->line.n - 2);
	}
	put_octets(w, buf_span(&w->line));
}

void
walk_end(struct walk *w)
{
	if (w->broken == NULL)
		last_line(w);
	if (w->broken == NULL && !w->in_header)
		put_crlf(w);
	while (w->depth > 0 && w->broken == NULL)
		pop(w, true);
}

void
walk_begin(struct walk *w, const struct walk_ops *ops, void *arg,
    unsigned lacks)
{
	walk_clear(w);
	*w = (struct walk){ .ops = ops, .arg = arg, .lacks = lacks };
	push(w, true);
}

void
walk_clear(struct walk *w)
{
	buf_clear(&w->line);
	buf_clear(&w->field);
	arena_clear(&w->arena);
}
