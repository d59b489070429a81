/*
 * content.c - reading content piece by piece.
 */
#include "mta/relay/content.h"

#include "base/fileio.h"
#include "mail/header.h"

#define CONTENT_LINE_MAX	1000	/* octets with CRLF; RFC 5321, 4.5.3.1.6 */

/* One process, one loop: a piece is used up before the next is read. */
static char	piece[CONTENT_PIECE];

void
content_start(struct content *c, const struct content_place *from, bool raw)
{
	*c = (struct content){ .from = *from, .at = from->offset,
	    .left = from->length, .raw = raw };
}

static int
read_piece(struct content *c, struct span *out)
{
	size_t	n = c->left < sizeof(piece) ? (size_t)c->left : sizeof(piece);

	if (c->from.mem != NULL)
		*out = span_mem(c->from.mem + c->at, n);
	else if (file_pread_all(c->from.fd, piece, n, c->at) == 0)
		*out = span_mem(piece, n);
	else
		return -1;
	c->at += n;
	c->left -= n;
	return 0;
}

enum content_got
content_next(struct content *c, struct buf *out)
{
	struct span	in = SPAN_NONE;

	if (c->left > 0 && read_piece(c, &in) == -1)
		return CONTENT_BROKEN;
	if (c->raw)
		buf_add_span(out, in);
	else if (!dot_out(&c->dot, in, out))
		return CONTENT_BARE;
	if (c->left > 0)
		return CONTENT_MORE;
	if (!c->raw && !dot_end(&c->dot, out))
		return CONTENT_BARE;
	return CONTENT_LAST;
}

static bool
has_8bit(struct span s)
{
	size_t		i;
	unsigned char	all = 0;

	for (i = 0; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	return all > 127;
}

bool
content_is_8bit(const struct content_place *from)
{
	struct content	c;
	struct span	in;

	content_start(&c, from, true);
	while (c.left > 0)
		if (read_piece(&c, &in) == -1 || has_8bit(in))
			return true;
	return false;
}

static bool
is_bare(struct content *c, struct span in, struct buf *out)
{
	bool	bare = !dot_out(&c->dot, in, out);

	buf_reset(out);
	return bare;
}

/* The longest run of octets without an LF, over pieces; *run is what is open. */
static bool
has_long_line(struct span in, size_t *run)
{
	const char	*p = in.p, *end = in.p + in.n, *lf;

	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if (*run + (size_t)(lf - p) + 1 > CONTENT_LINE_MAX)
			return true;
		*run = 0;
		p = lf + 1;
	}
	*run += (size_t)(end - p);
	return *run > CONTENT_LINE_MAX;
}

bool
content_is_binary(const struct content_place *from)
{
	struct content	c;
	struct span	in;
	struct buf	out = { 0 };
	size_t		run = 0;
	bool		binary = false;

	content_start(&c, from, true);
	while (c.left > 0 && !binary)
		binary = read_piece(&c, &in) == -1 ||
		    memchr(in.p, '\0', in.n) != NULL ||
		    has_long_line(in, &run) || is_bare(&c, in, &out);
	buf_clear(&out);
	return binary || c.dot.cr;
}

bool
content_header_is_8bit(const struct content_place *from)
{
	struct content	c;
	struct span	in;
	size_t		n;

	content_start(&c, from, true);
	if (c.left == 0)
		return false;
	if (read_piece(&c, &in) == -1)
		return true;
	n = header_size(in);
	/* One that is longer than a piece is not looked through. */
	return has_8bit(span_mem(in.p, n)) || (n == in.n && c.left > 0);
}
