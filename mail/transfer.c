/*
 * transfer.c - quoted-printable and encoded words; transfer.h.
 */
#include "mail/transfer.h"

#define LINE_MAX_QP	76	/* RFC 2045, 6.7 (5), without CRLF */
#define WORD_MAX	75	/* RFC 2047, 2 */
#define WORD_BEGIN	"=?utf-8?q?"
#define WORD_END	"?="

static void
add_hex(struct buf *out, unsigned char ch)
{
	buf_addf(out, "=%02X", ch);
}

/* What stands as it is; a blank at the end of a line does not (3). */
static bool
is_plain(struct span s, size_t i)
{
	unsigned char	ch = (unsigned char)s.p[i];

	if (ch == ' ' || ch == '\t')
		return i + 1 < s.n && s.p[i + 1] != '\r';
	return ch > ' ' && ch < 0x7f && ch != '=';
}

void
transfer_quoted(struct span s, struct buf *out)
{
	size_t	i, line = 0, n;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n') {
			buf_add_str(out, "\r\n");
			line = 0;
			i++;
			continue;
		}
		n = is_plain(s, i) ? 1 : 3;
		if (line + n > LINE_MAX_QP - 1) {	/* room for "=" */
			buf_add_str(out, "=\r\n");
			line = 0;
		}
		if (n == 1)
			buf_add_char(out, s.p[i]);
		else
			add_hex(out, (unsigned char)s.p[i]);
		line += n;
	}
}

/* What a word has as it is in any place (RFC 2047, 5 (3)). */
static bool
is_word_char(unsigned char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	    (ch >= '0' && ch <= '9') || ch == '!' || ch == '*' ||
	    ch == '+' || ch == '-' || ch == '/';
}

/* One character, which no word divides (5), as a word has it. */
static void
put_char(struct span s, struct buf *one)
{
	size_t	i;

	buf_reset(one);
	for (i = 0; i < s.n; i++) {
		unsigned char	ch = (unsigned char)s.p[i];

		if (ch == ' ')
			buf_add_char(one, '_');
		else if (is_word_char(ch))
			buf_add_char(one, (char)ch);
		else
			add_hex(one, ch);
	}
}

void
transfer_words(struct span s, struct buf *out)
{
	const size_t	most = WORD_MAX - (sizeof(WORD_BEGIN WORD_END) - 1);
	struct buf	one = { 0 };
	size_t		n, used = 0;

	if (span_is_ascii(s)) {
		buf_add_span(out, s);
		return;
	}
	buf_add_str(out, WORD_BEGIN);
	for (; s.n > 0; s = span_from(s, n)) {
		n = span_utf8(s) > 0 ? span_utf8(s) : 1;
		put_char(span_mem(s.p, n), &one);
		if (used + one.n > most) {
			buf_add_str(out, WORD_END " " WORD_BEGIN);
			used = 0;
		}
		buf_add_span(out, buf_span(&one));
		used += one.n;
	}
	buf_add_str(out, WORD_END);
	buf_clear(&one);
}
