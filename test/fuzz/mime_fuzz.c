/*
 * mime_fuzz.c - the same parts are told whatever the pieces; names are UTF-8
 * without control characters; an attachment that is put behind the rest as a
 * part of its own is told, or the walk says that it is incomplete.
 *
 * The first octet of the input is the size of the pieces.
 */
#include "config.h"

#include <assert.h>

#include "mail/mime.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_text(struct span s)
{
	size_t	 n;

	for (; s.n > 0; s = span_from(s, n)) {
		n = span_utf8(s);
		assert(n > 0);
		assert((unsigned char)s.p[0] >= ' ' && s.p[0] != 0x7f);
	}
}

static void
put_part(void *arg, const struct mime_part *p)
{
	check_text(p->name);
	check_text(p->type);
	assert(p->name.n == 0 || p->attachment);
	buf_addf(arg, "%.*s\n%.*s\n", SPAN_ARG(p->type), SPAN_ARG(p->name));
}

static bool
walk(struct span in, size_t piece, struct buf *out)
{
	struct mime	*m = mime_new(put_part, out);
	bool		 whole;

	for (; in.n > piece; in = span_from(in, piece))
		mime_feed(m, span_mem(in.p, piece));
	mime_feed(m, in);
	whole = mime_end(m);
	mime_free(&m);
	return whole;
}

/* Whatever stands in a part cannot hide the one after it. */
static void
check_hiding(struct span in)
{
	static const struct span	 name = { "zz-last.exe", 11 };
	struct buf			 b = { 0 }, out = { 0 };

	buf_add_str(&b, "Content-Type: multipart/mixed; boundary=bound\r\n"
	    "\r\n--bound\r\n");
	buf_add_span(&b, in);
	buf_add_str(&b, "\r\n--bound\r\nContent-Disposition: attachment; "
	    "filename=zz-last.exe\r\n\r\n--bound--\r\n");
	if (walk(buf_span(&b), SIZE_MAX, &out))
		assert(memmem(out.base + out.off, out.n, name.p, name.n) !=
		    NULL);
	buf_clear(&b);
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf	 whole = { 0 }, pieces = { 0 };
	struct span	 in;
	bool		 all;

	if (n == 0)
		return 0;
	in = span_mem(data + 1, n - 1);
	all = walk(in, SIZE_MAX, &whole);
	assert(walk(in, (size_t)data[0] + 1, &pieces) == all);
	assert(span_eq(buf_span(&whole), buf_span(&pieces)));
	check_hiding(in);
	buf_clear(&whole);
	buf_clear(&pieces);
	return 0;
}
