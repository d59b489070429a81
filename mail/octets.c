/*
 * octets.c - octets that mail writes as letters and digits.
 */
#include "config.h"

#include "mail/octets.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
octets_hex(struct span s)
{
	int	 high, low;

	if (s.n < 2 || (high = hex(s.p[0])) < 0 || (low = hex(s.p[1])) < 0)
		return -1;
	return high << 4 | low;
}

static int
digit(char c)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char		*d = c == '\0' ? NULL : strchr(digits, c);

	return d == NULL ? -1 : (int)(d - digits);
}

void
octets_base64(struct span s, struct buf *out)
{
	unsigned	 bits = 0, nbits = 0;
	size_t		 i;
	int		 d;

	for (i = 0; i < s.n; i++) {
		if ((d = digit(s.p[i])) < 0)
			continue;
		bits = (bits << 6 | (unsigned)d) & 0xffff;
		nbits += 6;
		if (nbits < 8)
			continue;
		nbits -= 8;
		buf_add_char(out, (char)(bits >> nbits & 0xff));
	}
}
