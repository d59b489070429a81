/*
 * tls_bundle.c - what is shown of a certificate, in one run of octets.
 */
#include "base/tls_bundle.h"

#include "base/fileio.h"

#define MAGIC	"WBTLS1\n"	/* with its NUL */
#define HEAD	(sizeof(MAGIC) + 3 * 4)

static void
put_u32(struct buf *b, size_t n)
{
	for (unsigned shift = 0; shift < 32; shift += 8)
		buf_add_char(b, (char)(n >> shift & 0xff));
}

void
tls_bundle_put(struct buf *b, const struct tls_bundle *t)
{
	buf_add(b, MAGIC, sizeof(MAGIC));
	put_u32(b, t->chain.n);
	put_u32(b, t->staple.n);
	put_u32(b, t->authorities.n);
	buf_add_span(b, t->chain);
	buf_add_span(b, t->staple);
	buf_add_span(b, t->authorities);
}

static size_t
get_u32(struct span s, size_t at)
{
	const unsigned char	*p = (const unsigned char *)s.p + at;

	return p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 |
	    (size_t)p[3] << 24;
}

/* The next n octets; the caller has proved that they are there. */
static struct span
take(struct span *left, size_t n)
{
	struct span	s = span_mem(left->p, n);

	*left = span_from(*left, n);
	return s;
}

static bool
parse(struct tls_bundle *t)
{
	struct span	all = buf_span(&t->octets), left;
	size_t		chain, staple, authorities;

	if (all.n < HEAD || memcmp(all.p, MAGIC, sizeof(MAGIC)) != 0)
		return false;
	chain = get_u32(all, sizeof(MAGIC));
	staple = get_u32(all, sizeof(MAGIC) + 4);
	authorities = get_u32(all, sizeof(MAGIC) + 8);
	left = span_from(all, HEAD);
	/* Three times 32 bits: no overflow in size_t. */
	if (chain == 0 || chain + staple + authorities != left.n)
		return false;
	t->chain = take(&left, chain);
	t->staple = take(&left, staple);
	t->authorities = take(&left, authorities);
	return true;
}

bool
tls_bundle_open(int fd, struct tls_bundle *t)
{
	*t = (struct tls_bundle){ .chain = SPAN_NONE };
	if (file_read_fd(fd, TLS_BUNDLE_MAX, &t->octets) == 0 && parse(t))
		return true;
	tls_bundle_clear(t);
	return false;
}

void
tls_bundle_clear(struct tls_bundle *t)
{
	buf_clear(&t->octets);
	*t = (struct tls_bundle){ .chain = SPAN_NONE };
}
