/*
 * downgrade_query.c - one message converted, for tests that look at it with
 * other eyes than ours.
 *
 *   downgrade_query LACKS PIECE <message >converted
 *
 * LACKS: letters of what the hop lacks: e 8BITMIME, b BINARYMIME, u SMTPUTF8.
 * PIECE: octets that are handed over at once.  What became of it stands on
 * standard error: "as it is", "converted [body] [header] [signed]", "refused
 * STATUS WHY"; when it goes as it is nothing is written.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fileio.h"
#include "mail/downgrade.h"

static unsigned
lacks_of(const char *s)
{
	unsigned	lacks = 0;

	for (; *s != '\0'; s++)
		lacks |= *s == 'e' ? DOWNGRADE_8BIT :
		    *s == 'b' ? DOWNGRADE_BINARY : DOWNGRADE_HEADER;
	return lacks;
}

static void
read_all(struct buf *b)
{
	size_t	n;

	do {
		n = fread(buf_reserve(b, 65536), 1, 65536, stdin);
		buf_grown(b, n);
	} while (n > 0);
}

static struct span
next_piece(struct span *s, size_t most)
{
	struct span	piece = span_mem(s->p, s->n < most ? s->n : most);

	*s = span_from(*s, piece.n);
	return piece;
}

static void
convert(struct downgrade *d, struct span in, size_t most)
{
	struct buf	out = { 0 };

	downgrade_begin(d);
	while (in.n > 0)
		downgrade_write(d, next_piece(&in, most), &out);
	downgrade_end(d, &out);
	fwrite(buf_cstr(&out), 1, out.n, stdout);
	buf_clear(&out);
	fprintf(stderr, "converted%s%s%s\n",
	    downgrade_has_body(d) ? " body" : "",
	    downgrade_has_header(d) ? " header" : "",
	    downgrade_is_signed(d) ? " signed" : "");
}

int
main(int argc, char **argv)
{
	struct downgrade	*d;
	struct buf		 in = { 0 };
	struct span		 rest;
	const char		*status, *why;
	size_t			 most;

	if (argc != 3)
		return 2;
	most = (size_t)strtoul(argv[2], NULL, 10);
	d = downgrade_new(lacks_of(argv[1]));
	read_all(&in);
	for (rest = buf_span(&in); rest.n > 0; )
		downgrade_look(d, next_piece(&rest, most));
	switch (downgrade_decide(d, &status, &why)) {
	case DOWNGRADE_AS_IS:
		fprintf(stderr, "as it is\n");
		break;
	case DOWNGRADE_CONVERTED:
		convert(d, buf_span(&in), most);
		break;
	case DOWNGRADE_REFUSED:
		fprintf(stderr, "refused %s %s\n", status, why);
		break;
	}
	downgrade_free(&d);
	buf_clear(&in);
	return 0;
}
