/*
 * replies.c - parsing what a next hop answers.
 */
#include "mta/relay/replies.h"

#include <stdio.h>
#include <string.h>

#include "mail/status.h"

#define LIMIT_MAX	999999	/* of LIMITS; RFC 9422, 3 */

/* RFC 5321, 4.2: first digit 2-5, second 0-5. */
static bool
code_ok(unsigned code)
{
	return code >= 200 && code <= 559 && code / 10 % 10 <= 5;
}

/* A line without its end; *used is with it.  false: no whole line yet. */
static bool
next_line(struct span in, struct span *line, size_t *used)
{
	const char	*nl;

	if (in.n == 0 || (nl = memchr(in.p, '\n', in.n)) == NULL)
		return false;
	*used = (size_t)(nl - in.p) + 1;
	*line = (struct span){ in.p, *used - 1 };
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

static enum reply_got
unfinished(size_t octets)
{
	return octets >= REPLY_LINE_MAX ? REPLY_NONSENSE : REPLY_MORE;
}

/* Takes one line in: REPLY_READY when it was the last one. */
static enum reply_got
take_line(struct reply_pos *pos, struct span line, size_t used)
{
	struct reply_line	l;

	if (used > REPLY_LINE_MAX || !reply_line_parse(line, &l))
		return REPLY_NONSENSE;
	if (!code_ok(l.code) || (pos->lines > 0 && l.code != pos->code))
		return REPLY_NONSENSE;
	pos->code = l.code;
	pos->done += used;
	if (++pos->lines > REPLY_LINES_MAX || pos->done > REPLY_MAX)
		return REPLY_NONSENSE;
	return l.more ? REPLY_MORE : REPLY_READY;
}

static struct span
first_status(struct span raw, unsigned code)
{
	struct reply_line	l;
	struct span		line;
	size_t			used;

	if (!next_line(raw, &line, &used) || !reply_line_parse(line, &l) ||
	    !status_agrees(code, l.status))
		return SPAN_NONE;
	return l.status;
}

enum reply_got
reply_parse(struct span in, struct reply_pos *pos, struct reply *out)
{
	struct span	line;
	size_t		used;
	enum reply_got	got;

	for (;;) {
		if (!next_line(span_from(in, pos->done), &line, &used))
			return unfinished(in.n - pos->done);
		if ((got = take_line(pos, line, used)) == REPLY_NONSENSE)
			return got;
		if (got == REPLY_READY)
			break;
	}
	out->code = pos->code;
	out->raw = (struct span){ in.p, pos->done };
	out->status = first_status(out->raw, pos->code);
	*pos = (struct reply_pos){ 0 };
	return REPLY_READY;
}

bool
reply_line(const struct reply *r, size_t *pos, struct span *text)
{
	struct reply_line	l;
	struct span		line;
	size_t			used;

	if (!next_line(span_from(r->raw, *pos), &line, &used) ||
	    !reply_line_parse(line, &l))
		return false;
	*pos += used;
	*text = l.text;
	return true;
}

static char
printable(char c)
{
	if (c == '\t')
		return ' ';
	return c >= ' ' && c <= '~' ? c : '?';
}

const char *
reply_text(const struct reply *r, char *out)
{
	struct span	text;
	size_t		pos = 0, n = 0, i;

	while (reply_line(r, &pos, &text)) {
		text = span_trim(text);
		if (n > 0 && text.n > 0 && n < REPLY_TEXT_MAX)
			out[n++] = ' ';
		for (i = 0; i < text.n && n < REPLY_TEXT_MAX; i++)
			out[n++] = printable(text.p[i]);
	}
	out[n] = '\0';
	return out;
}

/* SIZE, perhaps with the limit behind it (RFC 1870, 4). */
static void
ehlo_size(struct span param, struct ehlo *out)
{
	out->size = true;
	if (!span_u64(span_trim(param), UINT64_MAX, &out->size_max))
		out->size_max = 0;
}

/* DELIVERBY, perhaps with the least time behind it (RFC 2852, 4). */
static void
ehlo_deliverby(struct span param, struct ehlo *out)
{
	out->deliverby = true;
	if (!span_u64(span_trim(param), INT32_MAX, &out->deliverby_min_s))
		out->deliverby_min_s = 0;
}

/* The next word of params, which lose it. */
static struct span
next_word(struct span *params)
{
	struct span	word = span_trim(*params);
	ptrdiff_t	blank = span_index(word, ' ');

	if (blank >= 0)
		word.n = (size_t)blank;
	*params = span_from(span_trim(*params), word.n);
	return word;
}

/*
 * LIMITS and NAME=NUMBER of at most six digits (RFC 9422, 4); names that are
 * not known and numbers that are none, or zero, are passed over.
 */
static void
ehlo_limits(struct span params, struct ehlo *out)
{
	const struct { struct span name; uint32_t *max; } limits[] = {
		{ SPAN("MAILMAX="), &out->mail_max },
		{ SPAN("RCPTMAX="), &out->rcpt_max },
		{ SPAN("RCPTDOMAINMAX="), &out->rcpt_domain_max },
	};
	struct span	word;
	uint64_t	n;
	size_t		i;

	while ((word = next_word(&params)).n > 0)
		for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
			if (span_iprefix(word, limits[i].name) &&
			    span_u64(span_from(word, limits[i].name.n),
			    LIMIT_MAX, &n))
				*limits[i].max = (uint32_t)n;
}

const char *const xforward_words[XFORWARD_NATTRS] = {
#define X(word) #word,
	XFORWARD_ATTRS(X)
#undef X
};

unsigned
xforward_named(struct span word)
{
	unsigned	i;

	for (i = 0; i < XFORWARD_NATTRS; i++)
		if (span_ieq(word, span_of(xforward_words[i])))
			break;
	return i;
}

/* XFORWARD and the attributes that may be told. */
static void
ehlo_xforward(struct span params, struct ehlo *out)
{
	struct span	word;
	unsigned	attr;

	while ((word = next_word(&params)).n > 0) {
		attr = xforward_named(word);
		if (attr < XFORWARD_NATTRS)
			out->xforward |= 1u << attr;
	}
}

/* Names of mechanisms (RFC 4422, 3.1); several lines are one list. */
static void
ehlo_auth(struct span params, struct ehlo *out)
{
	struct span	word;
	size_t		n;

	while ((word = next_word(&params)).n > 0) {
		n = strlen(out->auth);
		if (word.n > 20 || n + 1 + word.n > EHLO_AUTH_MAX)
			continue;
		snprintf(out->auth + n, sizeof(out->auth) - n, "%s%.*s",
		    n > 0 ? " " : "", SPAN_ARG(word));
	}
}

static void
ehlo_keyword(struct span line, struct ehlo *out)
{
	const struct { struct span word; bool *has; } words[] = {
		{ SPAN("PIPELINING"), &out->pipelining },
		{ SPAN("8BITMIME"), &out->eightbitmime },
		{ SPAN("SMTPUTF8"), &out->smtputf8 },
		{ SPAN("ENHANCEDSTATUSCODES"), &out->enhanced },
		{ SPAN("DSN"), &out->dsn },
		{ SPAN("CHUNKING"), &out->chunking },
		{ SPAN("BINARYMIME"), &out->binarymime },
		{ SPAN("REQUIRETLS"), &out->requiretls },
		{ SPAN("STARTTLS"), &out->starttls },
	};
	size_t		i;
	ptrdiff_t	blank = span_index(line, ' ');
	struct span	word = line, param = SPAN_NONE;

	if (blank >= 0) {
		word.n = (size_t)blank;
		param = span_from(line, (size_t)blank + 1);
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_ieq(word, words[i].word))
			*words[i].has = true;
	if (span_ieq(word, SPAN("SIZE")))
		ehlo_size(param, out);
	else if (span_ieq(word, SPAN("DELIVERBY")))
		ehlo_deliverby(param, out);
	else if (span_ieq(word, SPAN("LIMITS")))
		ehlo_limits(param, out);
	else if (span_ieq(word, SPAN("AUTH")))
		ehlo_auth(param, out);
	else if (span_iprefix(word, SPAN("AUTH=")))	/* as some wrote it before the RFC */
		ehlo_auth(span_from(line, 5), out);
	else if (span_ieq(word, SPAN("XFORWARD")))
		ehlo_xforward(param, out);
}

void
ehlo_parse(const struct reply *r, struct ehlo *out)
{
	struct span	text;
	size_t		pos = 0;

	*out = (struct ehlo){ 0 };
	if (!reply_line(r, &pos, &text))	/* the first line is its name */
		return;
	while (reply_line(r, &pos, &text))
		ehlo_keyword(span_trim(text), out);
}

static bool
host_octet(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_';
}

struct span
reply_host(const struct reply *r)
{
	struct span	text;
	size_t		pos = 0, n = 0;

	if (!reply_line(r, &pos, &text))
		return SPAN_NONE;
	text = span_trim(text);
	while (n < text.n && host_octet(text.p[n]))
		n++;
	if (n > 255 || (n < text.n && text.p[n] != ' '))
		return SPAN_NONE;
	return (struct span){ text.p, n };
}
