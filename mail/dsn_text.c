/*
 * dsn_text.c - templates: checking one, and saying what it says; dsn_text.h.
 *
 * A template is read line by line each time; nothing is kept of it.  What
 * others wrote (addresses, replies) loses its control characters, so that it
 * ends no line, and what is no UTF-8.
 */
#include "config.h"

#include <stdio.h>

#include "mail/date.h"
#include "mail/dsn_text.h"

#define TEXT_WIDTH	72	/* octets of a line behind its indent */
#define TEXT_HARD_MAX	900	/* a word is cut there; RFC 5322, 2.1.1 */
#define REPLY_MAX	1000	/* octets of a reply that are quoted */

/* What can be named. */
enum name {
	N_HOSTNAME, N_ID, N_SENDER, N_TO, N_ARRIVAL, N_MORE,
	N_RECIPIENT, N_REASON, N_HOST, N_REPLY, N_STATUS, N_UNTIL,
	N_WHOLE, N_ENCRYPTED, N_BINARY, N_LARGE, N_DOUBLE,
	N_FAILED, N_DELAYED, N_DELIVERED, N_RELAYED, N_EXPANDED,
	N_NNAMES
};

static const struct {
	const char	*word;
	bool		 each;	/* of a recipient */
	bool		 test;	/* only whether it is so */
} names[N_NNAMES] = {
	[N_HOSTNAME] = { "hostname", false, false },
	[N_ID] = { "id", false, false },
	[N_SENDER] = { "sender", false, false },
	[N_TO] = { "to", false, false },
	[N_ARRIVAL] = { "arrival", false, false },
	[N_MORE] = { "more", false, false },
	[N_RECIPIENT] = { "recipient", true, false },
	[N_REASON] = { "reason", true, false },
	[N_HOST] = { "host", true, false },
	[N_REPLY] = { "reply", true, false },
	[N_STATUS] = { "status", true, false },
	[N_UNTIL] = { "until", true, false },
	[N_WHOLE] = { "whole", false, true },
	[N_ENCRYPTED] = { "encrypted", false, true },
	[N_BINARY] = { "binary", false, true },
	[N_LARGE] = { "large", false, true },
	[N_DOUBLE] = { "double", false, true },
	[N_FAILED] = { "failed", false, true },
	[N_DELAYED] = { "delayed", false, true },
	[N_DELIVERED] = { "delivered", false, true },
	[N_RELAYED] = { "relayed", false, true },
	[N_EXPANDED] = { "expanded", false, true },
};

static enum name
name_of(struct span word)
{
	unsigned	i = 0;

	while (i < N_NNAMES && !span_eq(word, span_of(names[i].word)))
		i++;
	return (enum name)i;
}

/* --- lines of a template */

static struct span
line_take(struct span *text)
{
	ptrdiff_t	end = span_index(*text, '\n');
	struct span	line = *text;

	if (end >= 0)
		line.n = (size_t)end;
	*text = span_from(*text, end < 0 ? text->n : line.n + 1);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* "{word}" at the front of s: the word; false: there is no such thing. */
static bool
brace_take(struct span *s, struct span *word)
{
	ptrdiff_t	end;

	if (s->n == 0 || s->p[0] != '{' || (end = span_index(*s, '}')) < 0)
		return false;
	*word = span_mem(s->p + 1, (size_t)end - 1);
	*s = span_from(*s, (size_t)end + 1);
	return true;
}

/* "{each failed}": which action; false: it is another line. */
static bool
is_each(struct span line, enum dsn_action *action)
{
	static const enum name	words[DSN_NACTIONS] = {
		[DSN_FAILED] = N_FAILED, [DSN_DELAYED] = N_DELAYED,
		[DSN_DELIVERED] = N_DELIVERED, [DSN_RELAYED] = N_RELAYED,
		[DSN_EXPANDED] = N_EXPANDED
	};
	struct span		word;
	unsigned		i;

	if (!brace_take(&line, &word) || span_trim(line).n > 0 ||
	    !span_prefix(word, SPAN("each ")))
		return false;
	word = span_trim(span_from(word, 5));
	for (i = 0; i < DSN_NACTIONS; i++)
		if (span_eq(word, span_of(names[words[i]].word))) {
			*action = (enum dsn_action)i;
			return true;
		}
	return false;
}

static bool
is_end(struct span line)
{
	return span_eq(span_trim(line), SPAN("{end}"));
}

/* "{?name}" or "{!name}" at the front. */
static bool
is_test(struct span line)
{
	return line.n > 1 && line.p[0] == '{' &&
	    (line.p[1] == '?' || line.p[1] == '!');
}

/* --- values */

struct saying {
	const struct dsn	*d;
	const struct dsn_rcpt	*rc;		/* NULL: outside of {each} */
	char			 text[DATE_MAX];	/* of a date, a number */
};

static bool
has(const struct dsn *d, enum dsn_action action)
{
	size_t	i;

	for (i = 0; i < d->n; i++)
		if (d->rcpts[i].action == action)
			return true;
	return false;
}

static struct span
date(struct saying *s, int64_t ms)
{
	return ms > 0 ? span_of(date_rfc5322(ms, s->text)) : SPAN_NONE;
}

static struct span
number(struct saying *s, unsigned n)
{
	if (n == 0)
		return SPAN_NONE;
	snprintf(s->text, sizeof(s->text), "%u", n);
	return span_of(s->text);
}

static struct span
yes(bool it_is)
{
	return it_is ? SPAN("yes") : SPAN_NONE;
}

static struct span
reply_of(const struct dsn_rcpt *rc)
{
	struct span	s = rc->reply;

	if (s.n > REPLY_MAX)
		s.n = REPLY_MAX;
	return s;
}

static struct span
value_of_rcpt(struct saying *s, enum name name)
{
	const struct dsn_rcpt	*rc = s->rc;

	if (rc == NULL)
		return SPAN_NONE;
	switch (name) {
	case N_RECIPIENT:
		return rc->address;
	case N_REASON:
		return rc->why;
	case N_HOST:
		return rc->reply.n > 0 ? rc->mta : SPAN_NONE;
	case N_REPLY:
		return reply_of(rc);
	case N_STATUS:
		return rc->status;
	case N_UNTIL:
		return date(s, rc->will_retry_until_ms);
	default:
		return SPAN_NONE;
	}
}

static struct span
value_of(struct saying *s, enum name name)
{
	const struct dsn	*d = s->d;

	switch (name) {
	case N_HOSTNAME:
		return d->reporting_mta;
	case N_ID:
		return d->id;
	case N_SENDER:
		return d->sender;
	case N_TO:
		return d->to;
	case N_ARRIVAL:
		return date(s, d->arrival_ms);
	case N_MORE:
		return number(s, d->more);
	case N_WHOLE:
		return yes(d->full);
	case N_ENCRYPTED:
		return yes(d->cut == DSN_CUT_ENCRYPTED);
	case N_BINARY:
		return yes(d->cut == DSN_CUT_BINARY);
	case N_LARGE:
		return yes(d->cut == DSN_CUT_LARGE);
	case N_DOUBLE:
		return yes(d->is_double);
	case N_FAILED:
		return yes(has(d, DSN_FAILED));
	case N_DELAYED:
		return yes(has(d, DSN_DELAYED));
	case N_DELIVERED:
		return yes(has(d, DSN_DELIVERED));
	case N_RELAYED:
		return yes(has(d, DSN_RELAYED));
	case N_EXPANDED:
		return yes(has(d, DSN_EXPANDED));
	default:
		return value_of_rcpt(s, name);
	}
}

/* --- saying a line */

/* Controls as blanks, what is no UTF-8 as "?". */
static void
add_clean(struct span s, struct buf *out)
{
	size_t	n;

	for (; s.n > 0; s = span_from(s, n)) {
		unsigned char	ch = (unsigned char)s.p[0];

		n = 1;
		if (ch < ' ' || ch == 0x7f)
			buf_add_char(out, ' ');
		else if (ch < 0x80)
			buf_add_char(out, (char)ch);
		else if ((n = span_utf8(s)) > 0)
			buf_add(out, s.p, n);
		else {
			buf_add_char(out, '?');
			n = 1;
		}
	}
}

/* The conditions at the front are eaten; false: one of them does not hold. */
static bool
tests_hold(struct saying *s, struct span *line)
{
	struct span	word;

	while (is_test(*line) && brace_take(line, &word)) {
		bool	there = value_of(s, name_of(span_from(word, 1))).n > 0;

		if (there != (word.p[0] == '?'))
			return false;
	}
	return true;
}

/* A line with its values; false: it is left out. */
static bool
say(struct saying *s, struct span line, struct buf *out)
{
	struct span	word, value;

	if (!tests_hold(s, &line))
		return false;
	while (line.n > 0) {
		if (!brace_take(&line, &word)) {
			buf_add_char(out, line.p[0]);
			line = span_from(line, 1);
			continue;
		}
		value = value_of(s, name_of(word));
		if (value.n == 0 && word.n > 0)
			return false;
		add_clean(value, out);
	}
	return true;
}

/* --- the body */

/* Octets of the next line: to a blank before TEXT_WIDTH, or else after it. */
static size_t
wrap(struct span s)
{
	size_t	i, best = 0;

	for (i = 0; i < s.n; i++) {
		if (i >= TEXT_WIDTH && best > 0)
			return best;
		/* not inside a character */
		if (i >= TEXT_HARD_MAX && ((unsigned char)s.p[i] & 0xc0) != 0x80)
			return i;
		if (s.p[i] == ' ' && i > 0)
			best = i;
	}
	return s.n;
}

/* Wrapped, each line behind the blanks that the first begins with. */
static void
put_wrapped(struct span line, struct buf *out)
{
	size_t		indent = 0, n;
	struct span	s;

	while (indent < line.n && line.p[indent] == ' ')
		indent++;
	if (indent == line.n)
		buf_add_str(out, "\r\n");
	for (s = span_trim(line); s.n > 0; s = span_trim(span_from(s, n))) {
		n = wrap(s);
		buf_addf(out, "%.*s%.*s\r\n", (int)indent, line.p, (int)n,
		    s.p);
	}
}

static void
put_line(struct saying *s, struct span line, struct buf *out)
{
	struct buf	said = { 0 };

	if (line.n == 0)
		buf_add_str(out, "\r\n");
	else if (say(s, line, &said))
		put_wrapped(buf_span(&said), out);
	buf_clear(&said);
}

/* What stands up to {end}, for each recipient; *text is behind it then. */
static void
put_each(const struct dsn *d, enum dsn_action action, struct span *text,
    struct buf *out)
{
	struct saying	s = { .d = d };
	struct span	rest = *text, line;
	size_t		i;

	for (i = 0; i < d->n; i++) {
		if (d->rcpts[i].action != action)
			continue;
		s.rc = &d->rcpts[i];
		rest = *text;
		while (rest.n > 0 && !is_end(line = line_take(&rest)))
			put_line(&s, line, out);
	}
	while (text->n > 0 && !is_end(line_take(text)))
		continue;
}

static struct span
template_of(const struct dsn *d)
{
	enum dsn_text_kind	kind = DSN_TEXT_ARRIVED;

	if (d->text.n > 0)
		return d->text;
	if (has(d, DSN_FAILED))
		kind = DSN_TEXT_FAILED;
	else if (has(d, DSN_DELAYED))
		kind = DSN_TEXT_DELAYED;
	return dsn_text_builtin(kind, SPAN("en"));
}

/* Several empty lines, which lines that are left out leave, become one. */
static void
put_squeezed(struct span s, struct buf *out)
{
	struct span	line;
	bool		was_empty = true;

	while (s.n > 0) {
		line = line_take(&s);
		if (line.n > 0 || !was_empty)
			buf_addf(out, "%.*s\r\n", SPAN_ARG(line));
		was_empty = line.n == 0;
	}
}

void
dsn_text_body(const struct dsn *d, struct buf *out)
{
	struct saying	s = { .d = d };
	struct span	text = template_of(d), line;
	struct buf	body = { 0 };
	enum dsn_action	action;

	while (text.n > 0 && line_take(&text).n > 0)
		continue;		/* its fields */
	while (text.n > 0) {
		line = line_take(&text);
		if (is_each(line, &action))
			put_each(d, action, &text, &body);
		else
			put_line(&s, line, &body);
	}
	put_squeezed(buf_span(&body), out);
	buf_clear(&body);
}

void
dsn_text_subject(const struct dsn *d, struct buf *out)
{
	struct saying	s = { .d = d };
	struct span	text = template_of(d), line;

	while (text.n > 0 && (line = line_take(&text)).n > 0) {
		if (!span_iprefix(line, SPAN("subject:")))
			continue;
		buf_reset(out);
		if (say(&s, span_trim(span_from(line, 8)), out))
			return;
	}
	buf_reset(out);
	buf_add_str(out, "Mail delivery report");
}

/* --- checking */

struct checking {
	struct dsn_mistake	*out;
	struct span		 line;		/* all of it */
	unsigned		 number;
	bool			 in_each;
};

static bool
wrong(struct checking *c, const char *at, const char *fmt, struct span what)
{
	c->out->line = c->number;
	c->out->column = (unsigned)(at - c->line.p) + 1;
	if (what.n > 30)
		what.n = 30;
	snprintf(c->out->what, sizeof(c->out->what), fmt, SPAN_ARG(what));
	return false;
}

static bool
check_name(struct checking *c, struct span word, bool tested)
{
	enum name	name = name_of(word);

	if (name == N_NNAMES)
		return wrong(c, word.p, "there is no value '%.*s'", word);
	if (names[name].each && !c->in_each)
		return wrong(c, word.p, "'%.*s' is known only between {each "
		    "...} and {end}", word);
	if (names[name].test && !tested)
		return wrong(c, word.p, "'%.*s' can only be asked for, as in "
		    "{?whole}", word);
	return true;
}

/* From here to the end of the line. */
static bool
check_values(struct checking *c, struct span s)
{
	struct span	word;

	while (is_test(s)) {
		if (!brace_take(&s, &word))
			return wrong(c, s.p, "a '}' is missing%.*s",
			    SPAN_NONE);
		if (!check_name(c, span_from(word, 1), true))
			return false;
	}
	for (; s.n > 0; s = span_from(s, 1)) {
		while (s.n > 0 && s.p[0] == '{') {
			if (is_test(s))
				return wrong(c, s.p, "a condition stands at "
				    "the front of its line%.*s", SPAN_NONE);
			if (!brace_take(&s, &word))
				return wrong(c, s.p, "a '}' is missing%.*s",
				    SPAN_NONE);
			if (!check_name(c, word, false))
				return false;
		}
	}
	return true;
}

/* Not empty, no controls, all of it UTF-8. */
static bool
check_octets(struct checking *c)
{
	struct span	s = c->line;
	size_t		n;

	if (s.n > TEXT_HARD_MAX)
		return wrong(c, s.p + TEXT_HARD_MAX, "a line is too long%.*s",
		    SPAN_NONE);
	for (; s.n > 0; s = span_from(s, n)) {
		if ((n = span_utf8(s)) == 0)
			return wrong(c, s.p, "this is no UTF-8%.*s",
			    SPAN_NONE);
		if ((unsigned char)s.p[0] < ' ' || s.p[0] == 0x7f)
			return wrong(c, s.p, "a control character%.*s",
			    SPAN_NONE);
	}
	return true;
}

static bool
check_field(struct checking *c)
{
	if (!span_iprefix(c->line, SPAN("subject:")))
		return wrong(c, c->line.p, "before the empty line stand "
		    "fields Subject: only%.*s", SPAN_NONE);
	return check_values(c, span_trim(span_from(c->line, 8)));
}

static bool
check_line(struct checking *c)
{
	enum dsn_action	action;

	if (is_each(c->line, &action)) {
		if (c->in_each)
			return wrong(c, c->line.p, "an {each} stands in "
			    "another%.*s", SPAN_NONE);
		c->in_each = true;
		return true;
	}
	if (is_end(c->line)) {
		if (!c->in_each)
			return wrong(c, c->line.p, "there is no {each} that "
			    "this ends%.*s", SPAN_NONE);
		c->in_each = false;
		return true;
	}
	if (span_prefix(c->line, SPAN("{each")))
		return wrong(c, c->line.p, "after 'each' stands failed, "
		    "delayed, delivered, relayed or expanded%.*s", SPAN_NONE);
	return check_values(c, c->line);
}

bool
dsn_text_check(struct span text, struct dsn_mistake *out)
{
	struct checking	c = { .out = out };
	bool		head = true, subject = false;

	if (text.n > DSN_TEXT_MAX) {
		*out = (struct dsn_mistake){ 1, 1, "it is too long" };
		return false;
	}
	while (text.n > 0) {
		c.line = line_take(&text);
		c.number++;
		if (!check_octets(&c))
			return false;
		if (head && c.line.n == 0) {
			head = false;
			continue;
		}
		subject |= head;
		if (!(head ? check_field(&c) : check_line(&c)))
			return false;
	}
	c.number++;
	c.line = text;
	if (c.in_each)
		return wrong(&c, text.p, "an {each} lacks its {end}%.*s",
		    SPAN_NONE);
	if (head || !subject)
		return wrong(&c, text.p, "a Subject:, an empty line and a "
		    "text are wanted%.*s", SPAN_NONE);
	return true;
}
