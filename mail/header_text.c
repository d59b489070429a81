/*
 * header_text.c - the text of a field as a person reads it: unfolded
 * (RFC 5322, 2.2.3), encoded words decoded (RFC 2047).
 *
 * A word that is none stays as it is written, and so does one in a character
 * set that we do not know.  Control characters become blanks: what is decoded
 * goes into logs and comparisons.
 */
#include "config.h"

#include "mail/charset.h"
#include "mail/header.h"
#include "mail/octets.h"

struct encoded_word {
	const struct charset	*charset;
	char			 encoding;	/* 'b' or 'q' */
	struct span		 text;
	size_t			 size;		/* octets of the whole word */
};

/*
 * Words that follow each other in one character set: their octets are decoded
 * together, since many writers cut within a character.
 */
struct run {
	const struct charset	*charset;	/* NULL: none */
	struct buf		 octets;
	struct span		 written;	/* from the first to the last */
};

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
	ptrdiff_t	 star;

	if (!span_prefix(s, SPAN("=?")) || !part(&rest, &charset) ||
	    !part(&rest, &encoding) || !part(&rest, &w->text) ||
	    !span_prefix(rest, SPAN("=")) || encoding.n != 1)
		return false;
	star = span_index(charset, '*');	/* a language: RFC 2231, 5 */
	if (star >= 0)
		charset.n = (size_t)star;
	w->charset = charset_find(charset);
	w->encoding = ascii_lower(encoding.p[0]);
	w->size = (size_t)(rest.p + 1 - s.p);
	return w->charset != NULL &&
	    (w->encoding == 'b' || w->encoding == 'q');
}

/* "Q" (RFC 2047, 4.2); a '=' without two digits stays. */
static void
decode_q(struct span t, struct buf *out)
{
	size_t	 i;
	int	 octet;

	for (i = 0; i < t.n; i++) {
		if (t.p[i] == '=' &&
		    (octet = octets_hex(span_from(t, i + 1))) >= 0) {
			buf_add_char(out, (char)octet);
			i += 2;
		} else
			buf_add_char(out, t.p[i] == '_' ? ' ' : t.p[i]);
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

/* What the run says; as it is written when its set cannot be had here. */
static void
run_end(struct run *r, struct buf *out)
{
	if (r->charset == NULL)
		return;
	if (!charset_decode(r->charset, buf_span(&r->octets), out))
		buf_add_span(out, r->written);
	r->charset = NULL;
	buf_cut(&r->octets, 0);
}

static void
run_add(struct run *r, const struct encoded_word *w, const char *at,
    struct buf *out)
{
	if (r->charset != w->charset) {
		run_end(r, out);
		r->charset = w->charset;
		r->written = span_mem(at, 0);
	}
	r->written.n = (size_t)(at + w->size - r->written.p);
	if (w->encoding == 'q')
		decode_q(w->text, &r->octets);
	else
		octets_base64(w->text, &r->octets);
}

static void
decode(struct span s, struct buf *out)
{
	struct encoded_word	 w;
	struct run		 run = { .charset = NULL };
	size_t			 gap;
	bool			 after_word = false;

	while (s.n > 0) {
		gap = blanks(s);
		if (parse_word(span_from(s, gap), &w)) {
			if (!after_word)	/* between words they go: 6.2 */
				buf_add(out, s.p, gap);
			run_add(&run, &w, s.p + gap, out);
			s = span_from(s, gap + w.size);
			after_word = true;
			continue;
		}
		run_end(&run, out);
		buf_add(out, s.p, gap + (gap < s.n));
		s = span_from(s, gap + 1);
		after_word = false;
	}
	run_end(&run, out);
	buf_clear(&run.octets);
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
