/*
 * downgrade_field.c - a field in ASCII: what may be said otherwise without a
 * loss, by the kind of the field (RFC 6857 has the idea, and its losses).
 */
#include "config.h"

#include "mail/address_list.h"
#include "mail/domain.h"
#include "mail/downgrade_int.h"
#include "mail/header.h"
#include "mail/header_address.h"

#define WORDS_LINE_MAX	76	/* octets; RFC 2047, 2 */
#define REFUSED		"5.6.3"
#define REFUSED_UTF8	"5.6.7"	/* RFC 6531, 3.5 */
#define NOT_UTF8	"a field of its header has octets above 127 that " \
			"are no UTF-8"
#define NO_OTHER_FORM	"a field of its header has no other form than UTF-8"
#define LOCAL_PART	"an address in its header needs SMTPUTF8"

bool
text_is_utf8(struct span s)
{
	size_t	n;

	for (; s.n > 0; s = span_from(s, n))
		if ((n = span_utf8(s)) == 0)
			return false;
	return true;
}

/* What stands in the body of a field. */
enum field_kind {
	FIELD_TEXT,		/* anything: a field that we do not know is text */
	FIELD_ADDRESSES,
	FIELD_PHRASES,		/* words, comments; in angle brackets other things */
	FIELD_PARAMS,
	FIELD_TRACE,		/* Received */
	FIELD_CLOSED		/* words that have a meaning, and comments */
};

static const struct {
	struct span	name;
	enum field_kind	kind;
} kinds[] = {
#define KIND(lit, kind)	{ { lit, sizeof(lit) - 1 }, kind }
	KIND("Return-Path", FIELD_ADDRESSES),
	KIND("Delivered-To", FIELD_ADDRESSES),
	KIND("X-Original-To", FIELD_ADDRESSES),
	KIND("Apparently-To", FIELD_ADDRESSES),
	KIND("Errors-To", FIELD_ADDRESSES),
	KIND("Mail-Reply-To", FIELD_ADDRESSES),
	KIND("Mail-Followup-To", FIELD_ADDRESSES),
	KIND("Disposition-Notification-To", FIELD_ADDRESSES),
	KIND("Return-Receipt-To", FIELD_ADDRESSES),
	KIND("Keywords", FIELD_PHRASES),
	KIND("List-Id", FIELD_PHRASES),
	KIND("Content-Type", FIELD_PARAMS),
	KIND("Content-Disposition", FIELD_PARAMS),
	KIND("Received", FIELD_TRACE),
	KIND("Message-ID", FIELD_CLOSED),
	KIND("Resent-Message-ID", FIELD_CLOSED),
	KIND("In-Reply-To", FIELD_CLOSED),
	KIND("References", FIELD_CLOSED),
	KIND("Date", FIELD_CLOSED),
	KIND("Resent-Date", FIELD_CLOSED),
	KIND("MIME-Version", FIELD_CLOSED),
	KIND("Content-Transfer-Encoding", FIELD_CLOSED),
	KIND("Content-ID", FIELD_CLOSED),
	KIND("Content-MD5", FIELD_CLOSED),
	KIND("Content-Location", FIELD_CLOSED),
	KIND("Content-Base", FIELD_CLOSED),
	KIND("Content-Language", FIELD_CLOSED),
	KIND("List-Help", FIELD_CLOSED),
	KIND("List-Unsubscribe", FIELD_CLOSED),
	KIND("List-Unsubscribe-Post", FIELD_CLOSED),
	KIND("List-Subscribe", FIELD_CLOSED),
	KIND("List-Post", FIELD_CLOSED),
	KIND("List-Owner", FIELD_CLOSED),
	KIND("List-Archive", FIELD_CLOSED),
	KIND("Auto-Submitted", FIELD_CLOSED),
	KIND("Authentication-Results", FIELD_CLOSED),
	KIND("Received-SPF", FIELD_CLOSED),
	KIND("DKIM-Signature", FIELD_CLOSED),
	KIND("ARC-Seal", FIELD_CLOSED),
	KIND("ARC-Message-Signature", FIELD_CLOSED),
	KIND("ARC-Authentication-Results", FIELD_CLOSED),
	KIND("TLS-Required", FIELD_CLOSED),
#undef KIND
};

static enum field_kind
kind_of(struct span name)
{
	size_t	i;

	if (header_is_address(name))
		return FIELD_ADDRESSES;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_ieq(name, kinds[i].name))
			return kinds[i].kind;
	return FIELD_TEXT;
}

/* Why it failed; the first reason stays. */
struct reason {
	const char	*status, *why;
};

static bool
fail(struct reason *r, const char *status, const char *why)
{
	if (r->why == NULL)
		*r = (struct reason){ status, why };
	return false;
}

/* --- words, comments, brackets */

/* Structured text between addresses, or without any. */
struct lexer {
	struct buf	*out;
	enum field_kind	 kind;
	unsigned	 angle;		/* within "<" */
	struct reason	*reason;
};

static bool
put_words(struct lexer *x, struct span s, enum words_in in)
{
	if (words_put(x->out, s, in))
		return true;
	return fail(x->reason, REFUSED, NOT_UTF8);
}

static bool
is_special(char c)
{
	return c != '\0' && strchr("(<>,;:[]", c) != NULL;
}

/* Up to the next special that is not in a quoted string. */
static size_t
phrase_size(struct span s)
{
	size_t	i, n;

	for (i = 0; i < s.n && !is_special(s.p[i]); i++) {
		if (s.p[i] != '"')
			continue;
		n = address_quoted_size(span_from(s, i));
		if (n == 0)
			return s.n;
		i += n - 1;
	}
	return i;
}

/* Its trailing blanks are not its own; before: the octet behind it, or NUL. */
static bool
put_phrase(struct lexer *x, struct span s, char before)
{
	struct span	t = s;

	if (!has_8bit(s)) {
		buf_add_span(x->out, s);
		return true;
	}
	if (x->angle > 0 || x->kind == FIELD_CLOSED)
		return fail(x->reason, REFUSED_UTF8, NO_OTHER_FORM);
	while (t.n > 0 && header_is_fws(t.p[t.n - 1]))
		t.n--;
	if (!put_words(x, t, WORDS_PHRASE))
		return false;
	/* An encoded word stands alone. */
	if (t.n == s.n && (before == '<' || before == '('))
		buf_add_span(x->out, SPAN(" "));
	buf_add_span(x->out, span_from(s, t.n));
	return true;
}

static bool
put_comment(struct lexer *x, struct span s)
{
	if (has_8bit(s))
		return put_words(x, s, WORDS_COMMENT);
	buf_add_span(x->out, s);
	return true;
}

static size_t
comment_size(struct span s)
{
	size_t	n = address_comment_size(s);

	return n == 0 ? s.n : n;
}

static bool
lex(struct lexer *x, struct span s)
{
	size_t	n;
	bool	good = true;

	for (; s.n > 0 && good; s = span_from(s, n)) {
		if (s.p[0] == '(') {
			n = comment_size(s);
			good = put_comment(x, span_mem(s.p, n));
		} else if (is_special(s.p[0])) {
			n = 1;
			x->angle += s.p[0] == '<';
			x->angle -= s.p[0] == '>' && x->angle > 0;
			buf_add_span(x->out, span_mem(s.p, 1));
		} else {
			n = phrase_size(s);
			good = put_phrase(x, span_mem(s.p, n),
			    n < s.n ? s.p[n] : '\0');
		}
	}
	return good;
}

/* --- addresses */

static struct span
at(struct span body, struct address_place p)
{
	return span_mem(body.p + p.at, p.n);
}

/* From pos to the end of this address; *pos is behind it then. */
static bool
put_address(struct lexer *x, struct span body,
    const struct address_item *item, size_t *pos)
{
	size_t	end = item->local.at + item->local.n;

	if (has_8bit(at(body, item->local)))
		return fail(x->reason, REFUSED_UTF8, LOCAL_PART);
	if (!lex(x, span_mem(body.p + *pos, item->local.at - *pos)))
		return false;
	buf_add_span(x->out, at(body, item->local));
	*pos = end;
	if (item->domain.n == 0)
		return true;
	if (!lex(x, span_mem(body.p + end, item->domain.at - end)))
		return false;
	*pos = item->domain.at + item->domain.n;
	buf_add_span(x->out, has_8bit(at(body, item->domain)) ?
	    address_domain(&item->address) : at(body, item->domain));
	return true;
}

static bool
put_addresses(struct lexer *x, struct span body)
{
	struct address_list	 l = { .body = body,
	    .flags = ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK |
	    ADDRESS_NULL_OK };
	struct address_item	 item;
	struct arena		 a = { 0 };
	size_t			 pos = 0;
	bool			 good = true;

	while (good) {
		switch (address_list_next(&l, &a, &item)) {
		case ADDRESS_LIST_END:
			arena_clear(&a);
			return lex(x, span_from(body, pos));
		case ADDRESS_LIST_ITEM:
			good = put_address(x, body, &item, &pos);
			break;
		case ADDRESS_LIST_BAD:
			good = fail(x->reason, REFUSED, "a field of its "
			    "header has octets above 127, and what is no "
			    "address");
			break;
		}
		arena_reset(&a);
	}
	arena_clear(&a);
	return false;
}

/* --- Received */

/* The octets of the next word: a comment, blanks, or what stands between. */
static size_t
trace_size(struct span s)
{
	size_t	n = 0;

	if (s.p[0] == '(')
		return comment_size(s);
	if (header_is_fws(s.p[0])) {
		while (n < s.n && header_is_fws(s.p[n]))
			n++;
		return n;
	}
	while (n < s.n && !header_is_fws(s.p[n]) && s.p[n] != '(' &&
	    s.p[n] != ';')
		n++;
	return n > 0 ? n : 1;	/* ';' */
}

/*
 * A word that is not ASCII: a domain has A-labels, and an address that we
 * cannot write stands as a comment, for people.
 */
static bool
put_trace_word(struct lexer *x, struct span word, struct span before)
{
	struct arena	 a = { 0 };
	struct span	 domain;
	const char	*why;
	bool		 good = true;

	if ((span_ieq(before, SPAN("from")) || span_ieq(before, SPAN("by"))) &&
	    domain_normalise(word, &a, &domain, &why) == 0)
		buf_add_span(x->out, domain);
	else if (span_ieq(before, SPAN("for"))) {
		buf_add_span(x->out, SPAN("("));
		good = put_words(x, word, WORDS_TEXT);
		buf_add_span(x->out, SPAN(")"));
	} else
		good = fail(x->reason, REFUSED_UTF8, NO_OTHER_FORM);
	arena_clear(&a);
	return good;
}

/* "for" goes where its address does. */
static bool
drops_for(struct span word, struct span rest)
{
	size_t	n = 0;

	if (!span_ieq(word, SPAN("for")))
		return false;
	while (n < rest.n && header_is_fws(rest.p[n]))
		n++;
	rest = span_from(rest, n);
	return rest.n > 0 && rest.p[0] != '(' &&
	    has_8bit(span_mem(rest.p, trace_size(rest)));
}

static bool
put_trace(struct lexer *x, struct span body)
{
	struct span	word, before = SPAN_NONE;
	bool		good = true;

	for (; body.n > 0 && good; body = span_from(body, word.n)) {
		word = span_mem(body.p, trace_size(body));
		if (word.p[0] == '(')
			good = put_comment(x, word);
		else if (has_8bit(word))
			good = put_trace_word(x, word, before);
		else if (!drops_for(word, span_from(body, word.n)))
			buf_add_span(x->out, word);
		if (word.p[0] != '(' && !header_is_fws(word.p[0]))
			before = word;
	}
	return good;
}

/* --- any kind */

static bool
put_body(struct lexer *x, struct span body)
{
	switch (x->kind) {
	case FIELD_TEXT:
		return put_words(x, body, WORDS_TEXT);
	case FIELD_ADDRESSES:
		return put_addresses(x, body);
	case FIELD_PARAMS:
		return params_put(x->out, body) ||
		    fail(x->reason, REFUSED, "a parameter of its header is "
		    "no UTF-8, or not well-formed");
	case FIELD_TRACE:
		return put_trace(x, body);
	case FIELD_PHRASES:
	case FIELD_CLOSED:
		break;
	}
	return lex(x, body);
}

/* --- lines */

/*
 * Where a line is folded: before the last blank that keeps it to max octets,
 * else before the first after it; never so that a line of blanks is left.
 * line is without its end; from: not before this octet.  0: nowhere.
 */
static size_t
fold_at(struct span line, size_t from, size_t max)
{
	size_t	i, end = line.n, best = 0;

	while (end > 0 && header_is_fws(line.p[end - 1]))
		end--;
	for (i = from; i < end; i++) {
		if (i > max && best > 0)
			break;
		if ((line.p[i] == ' ' || line.p[i] == '\t') &&
		    !header_is_fws(line.p[i - 1]))
			best = i;
	}
	return best;
}

static void
fold_line(struct span line, size_t from, size_t max, struct buf *out)
{
	size_t	n;

	while (line.n > max && (n = fold_at(line, from, max)) > 0) {
		buf_add(out, line.p, n);
		buf_add_str(out, "\r\n");
		line = span_from(line, n);
		from = 1;
	}
	buf_add_span(out, line);
	buf_add_str(out, "\r\n");
}

/* The next line, without its end. */
static struct span
next_line(struct span *s)
{
	const char	*lf = memmem(s->p, s->n, "\r\n", 2);
	struct span	 line = *s;

	if (lf != NULL)
		line.n = (size_t)(lf - s->p);
	*s = span_from(*s, line.n + 2);
	return line;
}

/* Not behind the colon: that would leave the line as long as it is. */
void
field_fold(struct span whole, struct buf *out)
{
	ptrdiff_t	colon = span_index(whole, ':');
	size_t		from = colon < 0 ? 1 : (size_t)colon + 2;

	while (whole.n > 0) {
		fold_line(next_line(&whole), from, DOWNGRADE_LINE_MAX, out);
		from = 1;
	}
}

/* Lines with encoded words (RFC 2047, 2). */
static void
fold_words(struct span field, struct buf *out)
{
	struct span	line;

	while (field.n > 0) {
		line = next_line(&field);
		fold_line(line, 1, memmem(line.p, line.n, "=?", 2) != NULL ?
		    WORDS_LINE_MAX : DOWNGRADE_LINE_MAX, out);
	}
}

/* --- all of it */

static bool
put_field(struct lexer *x, struct span whole)
{
	struct header_field	f;
	size_t			pos = 0;

	if (!header_next(whole, &pos, &f) || f.name.n == 0)
		return fail(x->reason, REFUSED, "a line of its header is no "
		    "field");
	x->kind = kind_of(f.name);
	buf_add(x->out, whole.p, (size_t)(f.body.p - whole.p));
	if (!put_body(x, f.body))
		return false;
	/* What is left in a place that we do not know of. */
	return !has_8bit(buf_span(x->out)) ||
	    fail(x->reason, REFUSED_UTF8, NO_OTHER_FORM);
}

bool
field_to_ascii(struct span whole, struct buf *out, const char **status,
    const char **why)
{
	struct buf	field = { 0 };
	struct reason	reason = { NULL, NULL };
	struct lexer	x = { .out = &field, .reason = &reason };
	bool		good = put_field(&x, whole);

	fold_words(buf_span(&field), out);
	buf_clear(&field);
	*status = reason.status;
	*why = reason.why;
	return good;
}
