/*
 * encode.c - quoted-printable and base64, piece by piece; encode.h.
 */
#include "config.h"

#include "mail/encode.h"

#define LINE_MAX_OCTETS	76	/* RFC 2045, 6.7 (5) and 6.8; without CRLF */
#define ESCAPE		3	/* octets of "=C3" */

void
encode_begin(struct encode *e, enum encode_kind kind)
{
	*e = (struct encode){ .kind = kind };
}

/* --- quoted-printable */

static bool
is_plain(unsigned char ch)
{
	return ch >= ' ' && ch < 0x7f && ch != '=';
}

/* Room for n octets on this line, and for the "=" of a soft line break. */
static void
room(struct encode *e, size_t n, struct buf *out)
{
	if (e->column + n <= LINE_MAX_OCTETS - 1)
		return;
	buf_add_str(out, "=\r\n");
	e->column = 0;
}

static void
put_plain(struct encode *e, char ch, struct buf *out)
{
	room(e, 1, out);
	buf_add_char(out, ch);
	e->column++;
}

static void
put_escape(struct encode *e, unsigned char ch, struct buf *out)
{
	static const char	digits[] = "0123456789ABCDEF";
	char			text[ESCAPE] = { '=', digits[ch >> 4],
	    digits[ch & 15] };

	room(e, ESCAPE, out);
	buf_add(out, text, ESCAPE);
	e->column += ESCAPE;
}

/* A blank that was held back: escaped at the end of a line (6.7 (3)). */
static void
put_blank(struct encode *e, bool at_end, struct buf *out)
{
	char	blank = e->blank;

	e->blank = '\0';
	if (blank == '\0')
		return;
	if (at_end)
		put_escape(e, (unsigned char)blank, out);
	else
		put_plain(e, blank, out);
}

static void
quoted_octet(struct encode *e, char c, struct buf *out)
{
	put_blank(e, false, out);
	if (c == ' ' || c == '\t')
		e->blank = c;
	else if (is_plain((unsigned char)c))
		put_plain(e, c, out);
	else
		put_escape(e, (unsigned char)c, out);
}

/* An escape that is there stays whole: room for it before its '='. */
static void
again_octet(struct encode *e, char c, struct buf *out)
{
	if (c == '=') {
		room(e, ESCAPE, out);
		put_plain(e, c, out);
	} else if (c == '\t' || is_plain((unsigned char)c))
		put_plain(e, c, out);
	else
		put_escape(e, (unsigned char)c, out);
}

static void
quoted_crlf(struct encode *e, struct buf *out)
{
	if (e->kind == ENCODE_QUOTED_ALL) {
		put_blank(e, false, out);
		put_escape(e, '\r', out);
		put_escape(e, '\n', out);
		return;
	}
	put_blank(e, true, out);
	buf_add_str(out, "\r\n");
	e->column = 0;
}

/* --- base64 */

static const char	alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* Four digits; n octets are real. */
static void
put_group(struct encode *e, const unsigned char in[3], size_t n,
    struct buf *out)
{
	char	text[4] = {
		alphabet[in[0] >> 2],
		alphabet[(in[0] & 3) << 4 | in[1] >> 4],
		n > 1 ? alphabet[(in[1] & 15) << 2 | in[2] >> 6] : '=',
		n > 2 ? alphabet[in[2] & 63] : '='
	};

	if (e->column == LINE_MAX_OCTETS) {
		buf_add_str(out, "\r\n");
		e->column = 0;
	}
	buf_add(out, text, sizeof(text));
	e->column += sizeof(text);
}

static void
base64_octets(struct encode *e, struct span s, struct buf *out)
{
	const unsigned char	*p = (const unsigned char *)s.p;
	size_t			 i = 0;

	while (i < s.n && (e->nrest > 0 || s.n - i < 3)) {
		e->rest[e->nrest++] = p[i++];
		if (e->nrest < 3)
			continue;
		put_group(e, e->rest, 3, out);
		e->nrest = 0;
	}
	for (; s.n - i >= 3; i += 3)
		put_group(e, p + i, 3, out);
	while (i < s.n)
		e->rest[e->nrest++] = p[i++];
}

static void
base64_end(struct encode *e, struct buf *out)
{
	if (e->nrest == 0)
		return;
	memset(e->rest + e->nrest, 0, sizeof(e->rest) - e->nrest);
	put_group(e, e->rest, e->nrest, out);
	e->nrest = 0;
}

/* Blanks are none of its digits. */
static void
base64_again(struct encode *e, struct span s, struct buf *out)
{
	size_t	i;

	for (i = 0; i < s.n; i++) {
		if (strchr(" \t\r\n", s.p[i]) != NULL)
			continue;
		if (e->column == LINE_MAX_OCTETS) {
			buf_add_str(out, "\r\n");
			e->column = 0;
		}
		buf_add_char(out, s.p[i]);
		e->column++;
	}
}

/* --- all of them */

void
encode_octets(struct encode *e, struct span s, struct buf *out)
{
	size_t	i;

	switch (e->kind) {
	case ENCODE_QUOTED:
	case ENCODE_QUOTED_ALL:
		for (i = 0; i < s.n; i++)
			quoted_octet(e, s.p[i], out);
		break;
	case ENCODE_QUOTED_AGAIN:
		for (i = 0; i < s.n; i++)
			again_octet(e, s.p[i], out);
		break;
	case ENCODE_BASE64:
		base64_octets(e, s, out);
		break;
	case ENCODE_BASE64_AGAIN:
		base64_again(e, s, out);
		break;
	}
}

void
encode_crlf(struct encode *e, struct buf *out)
{
	if (e->kind == ENCODE_BASE64)
		base64_octets(e, SPAN("\r\n"), out);
	else if (e->kind != ENCODE_BASE64_AGAIN)
		quoted_crlf(e, out);
}

void
encode_end(struct encode *e, bool last, struct buf *out)
{
	bool	is_base64 = e->kind == ENCODE_BASE64 ||
	    e->kind == ENCODE_BASE64_AGAIN;

	put_blank(e, true, out);
	if (is_base64)
		base64_end(e, out);
	if (last && e->column > 0)
		buf_add_str(out, is_base64 ? "\r\n" : "=\r\n");
	e->column = 0;
}

/* --- how long */

static void
measure(struct encode_size *m, size_t n)
{
	if (m->column + n > LINE_MAX_OCTETS - 1) {
		m->quoted += sizeof("=\r\n") - 1;
		m->column = 0;
	}
	m->column += n;
	m->quoted += n;
}

void
encode_measure(struct encode_size *m, struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		measure(m, s.p[i] == '\t' || is_plain((unsigned char)s.p[i]) ?
		    1 : ESCAPE);
	m->octets += s.n;
}

void
encode_measure_crlf(struct encode_size *m, bool crlf_is_data)
{
	if (crlf_is_data) {
		measure(m, ESCAPE);
		measure(m, ESCAPE);
	} else {
		m->quoted += 2;
		m->column = 0;
	}
	m->octets += 2;
}

/* 57 octets make a line of 76 and its CRLF. */
uint64_t
encode_size_base64(const struct encode_size *m)
{
	return (m->octets + 56) / 57 * 78;
}
