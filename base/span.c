/*
 * span.c - comparing and taking apart borrowed octets.
 */
#include "base/span.h"

bool
span_has_control(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

bool
span_ieq(struct span a, struct span b)
{
	uint64_t	v, w;
	size_t		i;

	if (a.n != b.n)
		return false;
	for (i = 0; a.n - i >= sizeof(v); i += sizeof(v)) {
		memcpy(&v, a.p + i, sizeof(v));
		memcpy(&w, b.p + i, sizeof(w));
		if (ascii_lower8(v) != ascii_lower8(w))
			return false;
	}
	for (; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

int
span_cmp(struct span a, struct span b)
{
	size_t	n = a.n < b.n ? a.n : b.n;
	int	c;

	if (n > 0 && (c = memcmp(a.p, b.p, n)) != 0)
		return c < 0 ? -1 : 1;
	return (a.n > b.n) - (a.n < b.n);
}

bool
span_prefix(struct span s, struct span prefix)
{
	return s.n >= prefix.n &&
	    span_eq((struct span){ s.p, prefix.n }, prefix);
}

bool
span_iprefix(struct span s, struct span prefix)
{
	return s.n >= prefix.n &&
	    span_ieq((struct span){ s.p, prefix.n }, prefix);
}

ptrdiff_t
span_index(struct span s, char c)
{
	const char	*at;

	if (s.n == 0 || (at = memchr(s.p, c, s.n)) == NULL)
		return -1;
	return at - s.p;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

struct span
span_trim(struct span s)
{
	while (s.n > 0 && blank(s.p[0]))
		s = span_from(s, 1);
	while (s.n > 0 && blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
span_u64(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t	v = 0;
	unsigned	digit;
	size_t		i;

	if (s.n == 0)
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		digit = (unsigned)(s.p[i] - '0');
		if (v > (max - digit) / 10 || digit > max)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

bool
span_is_ascii(struct span s)
{
	unsigned char	 all = 0;
	size_t		 i;

	for (i = 0; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	return all < 128;
}

size_t
span_utf8(struct span s)
{
	const unsigned char	*p = (const unsigned char *)s.p;
	size_t			 want, i;
	unsigned		 least = 0x80, most = 0xbf;

	if (s.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	want = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (s.n < want)
		return 0;
	if (p[0] == 0xe0)
		least = 0xa0;	/* below: an overlong form */
	else if (p[0] == 0xf0)
		least = 0x90;
	else if (p[0] == 0xed)
		most = 0x9f;	/* above: surrogates */
	else if (p[0] == 0xf4)
		most = 0x8f;	/* above: beyond U+10FFFF */
	if (p[1] < least || p[1] > most)
		return 0;
	for (i = 2; i < want; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return want;
}
