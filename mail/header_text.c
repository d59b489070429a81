/*
 * header_text.c - the text of a field as a person reads it: unfolded
 * (RFC 5322, 2.2.3), encoded words decoded (RFC 2047).
 *
 * UTF-8, US-ASCII and ISO-8859-1 are decoded; words in other character sets
 * stay as they are.  Control characters become blanks: what is decoded goes
 * into logs and comparisons.
 */
#include "config.h"

#include "mail/header.h"

enum charset { CHARSET_OTHER, CHARSET_UTF8, CHARSET_LATIN1 };

struct encoded_word {
	enum charset	 charset;
	char		 encoding;	/* 'b' or 'q' */
	struct span	 text;
	size_t		 size;		/* octets of the whole word */
};

static enum charset
charset_of(struct span name)
{
	ptrdiff_t	 star = span_index(name, '*');	/* RFC 2231, 5 */

	if (star >= 0)
		name.n = (size_t)star;
	if (span_ieq(name, SPAN("utf-8")) || span_ieq(name, SPAN("utf8")) ||
	    span_ieq(name, SPAN("us-ascii")))
		return CHARSET_UTF8;
	if (span_ieq(name, SPAN("iso-8859-1")) ||
	    span_ieq(name, SPAN("latin1")))
		return CHARSET_LATIN1;
	return CHARSET_OTHER;
}

/* Up to the next '?', eaten with it; false without one, or with a blank. */
static bool
part(struct span *s, struct span *out)
{
	size_t	 i;

	for (i = 0; i < s->n; i++) {
		if (s->p[i] == ' ' || s->p[i] == '\t')
			return false;
		if (s->p[i] != '?')
			continue;
		*out = span_mem(s->p, i);
		*s = span_from(*s, i + 1);
		return true;
	}
	return false;
}

/* "=?charset?encoding?text?=" at the start of s (RFC 2047, 2). */
static bool
parse_word(struct span s, struct encoded_word *w)
{
	struct span	 rest = span_from(s, 2), charset, encoding;

	if (!span_prefix(s, SPAN("=?")) || !part(&rest, &charset) ||
	    !part(&rest, &encoding) || !part(&rest, &w->text) ||
	    !span_prefix(rest, SPAN("=")) || encoding.n != 1)
		return false;
	w->charset = charset_of(charset);
	w->encoding = ascii_lower(encoding.p[0]);
	w->size = (size_t)(rest.p + 1 - s.p);
	return w->charset != CHARSET_OTHER &&
	    (w->encoding == 'b' || w->encoding == 'q');
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
base64(char c)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char		*d = c == '\0' ? NULL : strchr(digits, c);

	return d == NULL ? -1 : (int)(d - digits);
}

/* One octet of a decoded word. */
static void
put(struct buf *out, enum charset charset, unsigned ch)
{
	if (ch < ' ' || ch == 0x7f ||
	    (charset == CHARSET_LATIN1 && ch >= 0x80 && ch < 0xa0))
		ch = ' ';
	if (ch >= 0x80 && charset == CHARSET_LATIN1) {
		buf_add_char(out, (char)(0xc0 | ch >> 6));
		ch = 0x80 | (ch & 0x3f);
	}
	buf_add_char(out, (char)ch);
}

/* "Q" (RFC 2047, 4.2); a '=' without two digits stays. */
static void
decode_q(const struct encoded_word *w, struct buf *out)
{
	struct span	 t = w->text;
	size_t		 i;

	for (i = 0; i < t.n; i++) {
		if (t.p[i] == '=' && i + 2 < t.n && hex(t.p[i + 1]) >= 0 &&
		    hex(t.p[i + 2]) >= 0) {
			put(out, w->charset, (unsigned)(hex(t.p[i + 1]) << 4 |
			    hex(t.p[i + 2])));
			i += 2;
		} else
			put(out, w->charset, t.p[i] == '_' ? ' ' :
			    (unsigned char)t.p[i]);
	}
}

/* "B" (4.1); what is no digit is passed over. */
static void
decode_b(const struct encoded_word *w, struct buf *out)
{
	unsigned	 bits = 0, nbits = 0;
	size_t		 i;
	int		 d;

	for (i = 0; i < w->text.n; i++) {
		if ((d = base64(w->text.p[i])) < 0)
			continue;
		bits = (bits << 6 | (unsigned)d) & 0xffff;
		nbits += 6;
		if (nbits < 8)
			continue;
		nbits -= 8;
		put(out, w->charset, bits >> nbits & 0xff);
	}
}

/* Without line ends (a fold's blank stays); other controls are blanks. */
static struct span
unfold(struct span in, struct arena *a)
{
	char	*p = arena_alloc(a, in.n + 1);
	size_t	 i, n = 0;

	for (i = 0; i < in.n; i++) {
		unsigned char	 ch = (unsigned char)in.p[i];

		if (ch == '\r' && i + 1 < in.n && in.p[i + 1] == '\n')
			i++;
		else
			p[n++] = ch < ' ' || ch == 0x7f ? ' ' : (char)ch;
	}
	return span_trim(span_mem(p, n));
}

static size_t
blanks(struct span s)
{
	size_t	 n = 0;

	while (n < s.n && s.p[n] == ' ')
		n++;
	return n;
}

static void
decode(struct span s, struct buf *out)
{
	struct encoded_word	 w;
	size_t			 gap;
	bool			 after_word = false;

	while (s.n > 0) {
		gap = blanks(s);
		if (parse_word(span_from(s, gap), &w)) {
			if (!after_word)	/* between words they go: 6.2 */
				buf_add(out, s.p, gap);
			if (w.encoding == 'q')
				decode_q(&w, out);
			else
				decode_b(&w, out);
			s = span_from(s, gap + w.size);
			after_word = true;
			continue;
		}
		buf_add(out, s.p, gap + (gap < s.n));
		s = span_from(s, gap + 1);
		after_word = false;
	}
}

struct span
header_text(struct span body, struct arena *a)
{
	struct span	 flat = unfold(body, a), out;
	struct buf	 b = { 0 };

	if (flat.n < 8 || memmem(flat.p, flat.n, "=?", 2) == NULL)
		return flat;
	decode(flat, &b);
	out = arena_span(a, buf_span(&b));
	buf_clear(&b);
	return out;
}
