/*
 * content.c - reading content piece by piece.
 */
#include "mta/relay/content.h"

#include "base/fileio.h"

/* One process, one loop: a piece is used up before the next is read. */
static char		piece[CONTENT_PIECE];
static struct buf	converted;

void
content_start(struct content *c, const struct content_place *from, bool raw,
    struct downgrade *convert)
{
	*c = (struct content){ .from = *from, .at = from->offset,
	    .left = from->length, .raw = raw, .convert = convert };
	if (convert != NULL)
		downgrade_begin(convert);
}

int
content_read(struct content *c, struct span *out)
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

static struct span
convert(struct content *c, struct span in)
{
	if (c->convert == NULL)
		return in;
	buf_reset(&converted);
	downgrade_write(c->convert, in, &converted);
	if (c->left == 0)
		downgrade_end(c->convert, &converted);
	return buf_span(&converted);
}

enum content_got
content_next(struct content *c, struct buf *out)
{
	struct span	in = SPAN_NONE;

	if (c->left > 0 && content_read(c, &in) == -1)
		return CONTENT_BROKEN;
	in = convert(c, in);
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
