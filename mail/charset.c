/*
 * charset.c - text in the character sets of mail, as UTF-8.
 *
 * Owns: the open conversions of this process, one for each set, for all its
 * life.
 */
#include "config.h"

#include <errno.h>
#include <iconv.h>

#include "mail/charset.h"

enum charset_kind { CHARSET_UTF8, CHARSET_LATIN1, CHARSET_ICONV };

struct charset {
	struct span		 name;
	const char		*iconv_name;
	enum charset_kind	 kind;
};

#define S(lit)	{ (lit), sizeof(lit) - 1 }

static const struct charset	 sets[] = {
	{ S("utf-8"), NULL, CHARSET_UTF8 },
	{ S("utf8"), NULL, CHARSET_UTF8 },
	/* ASCII with octets above 127 is mostly UTF-8. */
	{ S("us-ascii"), NULL, CHARSET_UTF8 },
	{ S("ascii"), NULL, CHARSET_UTF8 },
	{ S("iso-8859-1"), NULL, CHARSET_LATIN1 },
	{ S("latin1"), NULL, CHARSET_LATIN1 },
#define CHARSET(name, iconv_name)	{ S(name), iconv_name, CHARSET_ICONV },
#include "mail/charsets.def"
#undef CHARSET
};

#define NSETS		(sizeof(sets) / sizeof(sets[0]))
#define NOT_OPEN	((iconv_t)0)
#define CANNOT		((iconv_t)-1)

static iconv_t	 open_sets[NSETS];

const struct charset *
charset_find(struct span name)
{
	size_t	 i;

	for (i = 0; i < NSETS; i++)
		if (span_ieq(sets[i].name, name))
			return &sets[i];
	return NULL;
}

static iconv_t
conversion(const struct charset *c)
{
	iconv_t	*at = &open_sets[c - sets];

	if (*at == NOT_OPEN)
		*at = iconv_open("UTF-8", c->iconv_name);
	return *at;
}

void
charset_load(void)
{
	size_t	 i;

	for (i = 0; i < NSETS; i++)
		if (sets[i].kind == CHARSET_ICONV)
			(void)conversion(&sets[i]);
}

static void
put_unknown(struct buf *out)
{
	buf_add_str(out, "\xef\xbf\xbd");	/* U+FFFD */
}

static bool
is_control(unsigned char ch)
{
	return ch < ' ' || ch == 0x7f;
}

/* One character that is already UTF-8; its control characters are blanks. */
static void
put_char(struct span s, struct buf *out)
{
	unsigned char	 first = (unsigned char)s.p[0];

	if (is_control(first) || (s.n == 2 && first == 0xc2 &&
	    (unsigned char)s.p[1] < 0xa0))
		buf_add_char(out, ' ');
	else
		buf_add_span(out, s);
}

static void
from_utf8(struct span text, struct buf *out)
{
	size_t	 n;

	for (; text.n > 0; text = span_from(text, n == 0 ? 1 : n))
		if ((n = span_utf8(text)) == 0)
			put_unknown(out);
		else
			put_char(span_mem(text.p, n), out);
}

static void
from_latin1(struct span text, struct buf *out)
{
	size_t	 i;

	for (i = 0; i < text.n; i++) {
		unsigned char	 ch = (unsigned char)text.p[i];

		if (is_control(ch) || (ch >= 0x80 && ch < 0xa0))
			ch = ' ';
		if (ch >= 0x80) {
			buf_add_char(out, (char)(0xc0 | ch >> 6));
			ch = 0x80 | (ch & 0x3f);
		}
		buf_add_char(out, (char)ch);
	}
}

/* One piece of the conversion; in == NULL: what it still holds back. */
static size_t
convert(iconv_t cd, char **in, size_t *left, struct buf *out)
{
	char	 room[512], *to = room;
	size_t	 space = sizeof(room), rc;
	int	 error;

	rc = iconv(cd, in, left, &to, &space);
	error = errno;
	from_utf8(span_mem(room, sizeof(room) - space), out);
	errno = error;
	return rc;
}

static bool
from_iconv(const struct charset *c, struct span text, struct buf *out)
{
	iconv_t	 cd = conversion(c);
	char	*in = (char *)(uintptr_t)text.p;
	size_t	 left = text.n;

	if (cd == CANNOT)
		return false;
	(void)iconv(cd, NULL, NULL, NULL, NULL);
	while (left > 0) {
		if (convert(cd, &in, &left, out) != (size_t)-1 ||
		    errno == E2BIG)
			continue;
		put_unknown(out);	/* EILSEQ, or EINVAL at the end */
		in++;
		left--;
	}
	(void)convert(cd, NULL, NULL, out);
	return true;
}

bool
charset_decode(const struct charset *c, struct span text, struct buf *out)
{
	switch (c->kind) {
	case CHARSET_UTF8:
		from_utf8(text, out);
		return true;
	case CHARSET_LATIN1:
		from_latin1(text, out);
		return true;
	case CHARSET_ICONV:
		break;
	}
	return text.n == 0 || from_iconv(c, text, out);
}
