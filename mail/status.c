/*
 * status.c - reply codes and enhanced status codes (RFC 5321, 4.2; RFC 3463).
 */
#include "config.h"

#include "mail/status.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0 to 999 without leading zeros (RFC 3463, 2); eaten from *s. */
static bool
eat_number(struct span *s)
{
	size_t	 n = 0;

	while (n < s->n && is_digit(s->p[n]))
		n++;
	if (n == 0 || n > 3 || (n > 1 && s->p[0] == '0'))
		return false;
	*s = span_from(*s, n);
	return true;
}

static bool
eat_dot(struct span *s)
{
	if (s->n == 0 || s->p[0] != '.')
		return false;
	*s = span_from(*s, 1);
	return true;
}

bool
status_ok(struct span s)
{
	if (s.n == 0 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5'))
		return false;
	s = span_from(s, 1);
	return eat_dot(&s) && eat_number(&s) && eat_dot(&s) &&
	    eat_number(&s) && s.n == 0;
}

bool
status_agrees(unsigned code, struct span status)
{
	return status_ok(status) && code >= 200 && code <= 599 &&
	    code / 100 == (unsigned)(status.p[0] - '0');
}

/* A status at the start of the text that agrees with the code (RFC 2034, 4). */
static void
split_status(struct reply_line *r)
{
	ptrdiff_t	 blank = span_index(r->text, ' ');
	struct span	 word = r->text;

	if (blank >= 0)
		word.n = (size_t)blank;
	if (!status_agrees(r->code, word))
		return;
	r->status = word;
	r->text = span_from(r->text, word.n + 1);
}

/* Reply-line (RFC 5321, 4.2): text and the blank before it may be missing. */
bool
reply_line_parse(struct span line, struct reply_line *out)
{
	struct reply_line	 r = { .text = SPAN_NONE };

	while (line.n > 0 && (line.p[line.n - 1] == '\n' ||
	    line.p[line.n - 1] == '\r'))
		line.n--;
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' ||
	    !is_digit(line.p[1]) || !is_digit(line.p[2]))
		return false;
	r.code = (unsigned)(line.p[0] - '0') * 100 +
	    (unsigned)(line.p[1] - '0') * 10 + (unsigned)(line.p[2] - '0');
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return false;
	r.more = line.n > 3 && line.p[3] == '-';
	r.text = span_from(line, 4);
	split_status(&r);
	*out = r;
	return true;
}
