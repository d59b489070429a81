/*
 * downgrade_words.c - text of a field, of which words that are not ASCII become
 * encoded words (RFC 2047).
 *
 * A reader drops the blanks between two encoded words (6.2) and keeps them
 * elsewhere.  So neighbours become one text with the blanks between them, and
 * beside a word that was encoded already the blank is encoded, too.
 */
#include "config.h"

#include "mail/downgrade_int.h"
#include "mail/header.h"

#define WORD_TEXT_MAX	45	/* octets: 60 in base64, and "=?utf-8?b??=" */
#define WORD_MAX	75	/* RFC 2047, 2 */
#define WORD_FRAME	12	/* octets of "=?utf-8?b??=" */

/* A blank run and the word behind it. */
struct token {
	struct span	gap;
	struct span	raw;	/* as it is written */
	bool		quoted;	/* a quoted string, or with quoted pairs */
	bool		eightbit;
	bool		encoded;	/* looks like an encoded word */
};

/* What becomes encoded words next. */
struct run {
	struct buf	*out;
	struct span	 gap;		/* before it, as it is written */
	struct buf	 text;		/* empty: none */
	bool		 after_encoded;	/* the word before was one */
	bool		 after_word;	/* some word stands before */
};

/* --- one encoded word */

static bool
is_word_char(unsigned char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	    (ch >= '0' && ch <= '9') || ch == '!' || ch == '*' ||
	    ch == '+' || ch == '-' || ch == '/' || ch == ' ';
}

static size_t
q_size(struct span s)
{
	size_t	i, n = 0;

	for (i = 0; i < s.n; i++)
		n += is_word_char((unsigned char)s.p[i]) ? 1 : 3;
	return n;
}

static void
put_q(struct span s, struct buf *out)
{
	size_t	i;

	for (i = 0; i < s.n; i++) {
		unsigned char	ch = (unsigned char)s.p[i];

		if (ch == ' ')
			buf_add_char(out, '_');
		else if (is_word_char(ch))
			buf_add_char(out, (char)ch);
		else
			buf_addf(out, "=%02X", ch);
	}
}

static void
put_b(struct span s, struct buf *out)
{
	struct encode	e;

	encode_begin(&e, ENCODE_BASE64);
	encode_octets(&e, s, out);
	encode_end(&e, false, out);
}

/* Whole characters at the start of s that one word takes. */
static size_t
word_size(struct span s, bool q, size_t room)
{
	size_t	n, total = 0, used = 0;

	for (; s.n > 0; s = span_from(s, n)) {
		n = span_utf8(s);
		used += q ? q_size(span_mem(s.p, n)) : n;
		if (total > 0 && used > room)
			break;
		total += n;
	}
	return total;
}

/* Encoded words; text is UTF-8.  Where most of it is ASCII people can read "q". */
static void
put_words(struct buf *out, struct span text)
{
	bool	q = q_size(text) <= 2 * text.n + text.n / 4 + 2;
	size_t	n, room = q ? WORD_MAX - WORD_FRAME : WORD_TEXT_MAX;

	for (; text.n > 0; text = span_from(text, n)) {
		n = word_size(text, q, room);
		buf_addf(out, "=?utf-8?%c?", q ? 'q' : 'b');
		if (q)
			put_q(span_mem(text.p, n), out);
		else
			put_b(span_mem(text.p, n), out);
		buf_add_str(out, n < text.n ? "?= " : "?=");
	}
}

/* --- runs of words */

/* Blanks without the line ends among them. */
static void
add_gap(struct buf *out, struct span gap)
{
	size_t	i;

	for (i = 0; i < gap.n; i++)
		if (gap.p[i] != '\r' && gap.p[i] != '\n')
			buf_add_char(out, gap.p[i] == '\t' ? ' ' : gap.p[i]);
}

/* The text that a quoted string, or a quoted pair, means. */
static void
add_text(struct buf *out, const struct token *t)
{
	struct span	s = t->raw;
	size_t		i;

	if (!t->quoted) {
		buf_add_span(out, s);
		return;
	}
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			buf_add_char(out, s.p[++i]);
		else if (s.p[i] == '\t')
			buf_add_char(out, ' ');
		else if (s.p[i] != '"' && s.p[i] != '\r' && s.p[i] != '\n')
			buf_add_char(out, s.p[i]);
	}
}

static void
run_begin(struct run *r, const struct token *t)
{
	r->gap = t->gap;
	if (r->after_encoded)
		add_gap(&r->text, t->gap);
	else if (t->gap.n == 0 && r->after_word)
		r->gap = SPAN(" ");
	add_text(&r->text, t);
}

static void
run_add(struct run *r, const struct token *t)
{
	add_gap(&r->text, t->gap);
	add_text(&r->text, t);
}

static void
run_end(struct run *r)
{
	struct span	text = buf_span(&r->text);

	if (text.n == 0)
		return;
	buf_add_span(r->out, r->gap);
	put_words(r->out, text);
	buf_reset(&r->text);
	r->after_encoded = r->after_word = true;
}

/* A word of ASCII, as it is. */
static void
put_word(struct run *r, const struct token *t)
{
	bool	after = r->text.n > 0;

	if (after && t->encoded)
		add_gap(&r->text, t->gap);
	run_end(r);
	if (after && t->gap.n == 0 && t->raw.n > 0)
		buf_add_char(r->out, ' ');
	buf_add_span(r->out, t->gap);
	buf_add_span(r->out, t->raw);
	r->after_encoded = t->encoded;
	r->after_word = t->raw.n > 0;
}

static void
take_token(struct run *r, const struct token *t)
{
	if (!t->eightbit)
		put_word(r, t);
	else if (r->text.n == 0)
		run_begin(r, t);
	else
		run_add(r, t);
}

/* --- tokens */

static size_t
blanks(struct span s)
{
	size_t	n = 0;

	while (n < s.n && header_is_fws(s.p[n]))
		n++;
	return n;
}

static bool
ends_word(char c, enum words_in in)
{
	if (header_is_fws(c))
		return true;
	return (in == WORDS_COMMENT && (c == '(' || c == ')')) ||
	    (in == WORDS_PHRASE && c == '"');
}

static size_t
word_octets(struct span s, enum words_in in)
{
	size_t	i;

	for (i = 0; i < s.n; i++) {
		if (i > 0 && ends_word(s.p[i], in))
			break;
		if (s.p[i] == '\\' && in == WORDS_COMMENT && i + 1 < s.n)
			i++;
	}
	return i < s.n ? i : s.n;
}

/* With its quotes; one that does not end is all of s. */
static size_t
quoted_octets(struct span s)
{
	size_t	i;

	for (i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return s.n;
}

static struct token
next_token(struct span *s, enum words_in in)
{
	struct token	t = { .gap = span_mem(s->p, blanks(*s)) };
	size_t		n;

	*s = span_from(*s, t.gap.n);
	if (s->n == 0)
		return t;
	if (in == WORDS_PHRASE && s->p[0] == '"')
		n = quoted_octets(*s);
	else if (in == WORDS_COMMENT && (s->p[0] == '(' || s->p[0] == ')'))
		n = 1;
	else
		n = word_octets(*s, in);
	t.raw = span_mem(s->p, n);
	*s = span_from(*s, n);
	t.eightbit = has_8bit(t.raw);
	t.quoted = (in == WORDS_PHRASE && t.raw.p[0] == '"') ||
	    (in == WORDS_COMMENT && memchr(t.raw.p, '\\', n) != NULL);
	t.encoded = !t.eightbit && span_prefix(t.raw, SPAN("=?"));
	return t;
}

/* A parenthesis divides no text: the word beside it needs no blank. */
static bool
is_paren(const struct token *t, enum words_in in)
{
	return in == WORDS_COMMENT && t->raw.n == 1 &&
	    (t->raw.p[0] == '(' || t->raw.p[0] == ')');
}

static void
put_paren(struct run *r, const struct token *t)
{
	run_end(r);
	buf_add_span(r->out, t->gap);
	buf_add_span(r->out, t->raw);
	r->after_encoded = r->after_word = false;
}

bool
words_put(struct buf *out, struct span text, enum words_in in)
{
	struct run	r = { .out = out };
	struct token	t;

	if (!text_is_utf8(text))
		return false;
	while (text.n > 0) {
		t = next_token(&text, in);
		if (is_paren(&t, in))
			put_paren(&r, &t);
		else
			take_token(&r, &t);
	}
	run_end(&r);
	buf_clear(&r.text);
	return true;
}
