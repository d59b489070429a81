/*
 * base64.c - base64 of RFC 4648, 4.
 */
#include "config.h"

#include "mta/sasl/base64.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int
value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t
padding(struct span in)
{
	if (in.n == 0 || in.p[in.n - 1] != '=')
		return 0;
	return in.p[in.n - 2] == '=' ? 2 : 1;
}

bool
base64_read(struct span in, char *out, size_t *n)
{
	size_t		pad, have = 0;
	uint32_t	bits = 0;
	int		v;

	*n = 0;
	if (in.n % 4 != 0)
		return false;
	pad = padding(in);
	for (size_t i = 0; i < in.n - pad; i++) {
		if ((v = value(in.p[i])) == -1)
			return false;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[(*n)++] = (char)(bits >> have & 0xff);
		}
	}
	/* 3.5: there is one way to write an octet string, and no other. */
	return (bits & ((1u << have) - 1)) == 0;
}

void
base64_add(struct buf *out, struct span s)
{
	uint32_t	bits;
	size_t		i, n;
	char		q[4];

	for (i = 0; i < s.n; i += 3) {
		n = s.n - i < 3 ? s.n - i : 3;
		bits = 0;
		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 |
			    (k < n ? (unsigned char)s.p[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			q[k] = k > n ? '=' : digits[bits >> (18 - 6 * k) & 63];
		buf_add(out, q, sizeof(q));
	}
}
