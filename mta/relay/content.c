/*
 * content.c - reading content piece by piece.
 */
#include "mta/relay/content.h"

#include "base/fileio.h"
#include "mail/dot.h"

/* One process, one loop: a piece is used up before the next is read. */
static char	piece[CONTENT_PIECE];

void
content_start(struct content *c, int fd, uint64_t offset, uint64_t length)
{
	*c = (struct content){ .fd = fd, .at = offset, .left = length,
	    .line_start = true };
}

static int
read_piece(struct content *c, struct span *out)
{
	size_t	n = c->left < sizeof(piece) ? (size_t)c->left : sizeof(piece);

	if (file_pread_all(c->fd, piece, n, c->at) == -1)
		return -1;
	c->at += n;
	c->left -= n;
	*out = span_mem(piece, n);
	return 0;
}

enum content_got
content_next(struct content *c, struct buf *out)
{
	struct span	in = SPAN_NONE;

	if (c->left > 0 && read_piece(c, &in) == -1)
		return CONTENT_BROKEN;
	dot_out(in, &c->line_start, out);
	if (c->left > 0)
		return CONTENT_MORE;
	dot_end(c->line_start, out);
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
content_is_8bit(int fd, uint64_t offset, uint64_t length)
{
	struct content	c;
	struct span	in;

	content_start(&c, fd, offset, length);
	while (c.left > 0)
		if (read_piece(&c, &in) == -1 || has_8bit(in))
			return true;
	return false;
}
