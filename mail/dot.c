/*
 * dot.c - content as it stands on the wire, strictly.
 *
 *   START   after CRLF, and before the first octet
 *   LINE    within a line
 *   CR      a CR that is handed on already; LF makes it a line end
 *   DOT     a '.' at the start of a line, held back
 *   DOT_CR  ".CR" at the start of a line, both held back
 *
 * All octets of all messages pass here: lines are found by memchr(), and
 * copied in runs as long as no dot is dropped.
 */
#include "config.h"

#include "mail/dot.h"

enum { START, LINE, CR, DOT, DOT_CR };

static void
count(struct dot_in *d, size_t n)
{
	d->line += n;
	if (d->line_max > 0 && d->line > d->line_max)
		d->long_line = true;
}

/* Up to the next CR, and past it. */
static const char *
line(struct dot_in *d, const char *p, const char *end)
{
	const char	*cr = memchr(p, '\r', (size_t)(end - p));
	const char	*stop = cr != NULL ? cr : end;

	if (memchr(p, '\n', (size_t)(stop - p)) != NULL)
		d->bare = true;
	count(d, (size_t)(stop - p));
	if (cr == NULL)
		return end;
	count(d, 1);
	d->state = CR;
	return cr + 1;
}

/* After a CR: LF ends the line, all else leaves the CR alone. */
static const char *
after_cr(struct dot_in *d, const char *p)
{
	if (*p != '\n') {
		d->bare = true;
		d->state = LINE;
		return p;
	}
	count(d, 1);
	d->lines++;
	d->line = 0;
	d->state = START;
	return p + 1;
}

/* Whether an octet is above 127; eight at a time. */
static bool
is_eightbit(struct span s)
{
	uint64_t	 all = 0, word;
	size_t		 i;

	for (i = 0; i + sizeof(word) <= s.n; i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		all |= word;
	}
	for (; i < s.n; i++)
		all |= (unsigned char)s.p[i] & 0x80;
	return (all & 0x8080808080808080) != 0;
}

/* What the octets are, whichever line they stand in. */
static void
look(struct dot_in *d, struct span s)
{
	if (!d->nul && memchr(s.p, '\0', s.n) != NULL)
		d->nul = true;
	if (!d->eightbit)
		d->eightbit = is_eightbit(s);
}

bool
dot_in(struct dot_in *d, struct span in, struct buf *out, size_t *used)
{
	const char	*p = in.p, *end = in.p + in.n, *run = in.p;
	bool		 done = false;

	while (p < end && !done) {
		switch (d->state) {
		case START:
			d->state = *p == '.' ? DOT : LINE;
			if (d->state == DOT) {
				buf_add(out, run, (size_t)(p - run));
				run = ++p;
			}
			break;
		case LINE:
			p = line(d, p, end);
			break;
		case CR:
			p = after_cr(d, p);
			break;
		case DOT:
			d->state = *p == '\r' ? DOT_CR : LINE;
			if (d->state == DOT_CR)
				run = ++p;
			break;
		case DOT_CR:
			if ((done = *p == '\n')) {
				run = ++p;
				break;
			}
			d->bare = true;
			d->state = LINE;
			count(d, 1);
			buf_add_char(out, '\r');
			break;
		}
	}
	buf_add(out, run, (size_t)(p - run));
	*used = in.n > 0 ? (size_t)(p - in.p) : 0;
	if (*used > 0)
		look(d, span_mem(in.p, *used));
	return done;
}

/* --- chunks: START, LINE and CR only */

void
dot_chunk(struct dot_in *d, struct span in, bool binary, struct buf *out)
{
	const char	*p = in.p, *end = in.p + in.n;
	bool		 empty;

	while (p < end && !(binary && d->body)) {
		switch (d->state) {
		case START:
			d->state = LINE;
			break;
		case LINE:
			p = line(d, p, end);
			break;
		case CR:
			empty = d->line == 1;
			p = after_cr(d, p);
			d->body |= empty && d->state == START;
			break;
		}
	}
	if (p > in.p)
		look(d, span_mem(in.p, (size_t)(p - in.p)));
	buf_add_span(out, in);
}

bool
dot_chunk_end(struct dot_in *d, bool binary)
{
	if (binary && d->body)
		return false;
	if (d->state == CR)
		d->bare = true;
	return d->state != START;
}

/* --- outward */

/*
 * One line, or what there is of it: the first CR in it stands before its end,
 * and its end behind a CR.  past is behind the LF, or the end of all.
 */
static bool
is_bare(const struct dot_out *d, const char *p, const char *past, bool whole)
{
	const char	*cr = memchr(p, '\r', (size_t)(past - p));

	if (d->cr)		/* the last octet before */
		return *p != '\n';
	if (cr == NULL)
		return whole;
	return cr != past - (whole ? 2 : 1);
}

bool
dot_out(struct dot_out *d, struct span content, struct buf *out)
{
	const char	*p = content.p, *end = content.p + content.n;
	const char	*run = p, *lf, *past;

	while (p < end) {
		if (!d->within && *p == '.') {
			buf_add(out, run, (size_t)(p - run));
			buf_add_char(out, '.');
			run = p;
		}
		lf = memchr(p, '\n', (size_t)(end - p));
		past = lf != NULL ? lf + 1 : end;
		if (is_bare(d, p, past, lf != NULL))
			return false;
		d->within = lf == NULL;
		d->cr = past[-1] == '\r';
		p = past;
	}
	if (content.n > 0)
		buf_add(out, run, (size_t)(end - run));
	return true;
}

bool
dot_end(const struct dot_out *d, struct buf *out)
{
	if (d->cr)
		return false;
	if (d->within)
		buf_add_str(out, "\r\n");
	buf_add_str(out, ".\r\n");
	return true;
}
