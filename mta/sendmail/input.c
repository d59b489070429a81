/*
 * input.c - a message as programs write it, as one that can be sent.
 *
 * Programs end lines with LF, some with CRLF, a few with CR (what is drawn over
 * on a terminal): each is a line.  An octet 0 has no place in mail and becomes
 * a blank; a line that is longer than the server takes is divided, in the
 * header so that it stays one field.  A line with a single dot ends the
 * message unless -i is given.  A From_ line before the header is dropped.
 */
#include "config.h"

#include "mta/sendmail/sendmail.h"

#define FROM_MAX	1024	/* octets of a From_ line that is looked at */

static void
put(struct input *in, char c)
{
	if (in->out.n >= in->most) {
		in->too_large = true;
		return;
	}
	buf_add_char(&in->out, c);
}

/* An octet of a line. */
static void
put_octet(struct input *in, char c)
{
	if (in->line >= INPUT_LINE_MAX) {
		buf_add_str(&in->out, in->body ? "\r\n" : "\r\n ");
		in->line = in->body ? 0 : 1;
	}
	in->line++;
	in->eightbit |= (unsigned char)c > 0x7f;
	put(in, c == '\0' ? ' ' : c);
}

/* The line's end. */
static void
put_end(struct input *in)
{
	if (in->line == 0)
		in->body = true;
	put(in, '\r');
	put(in, '\n');
	in->line = 0;
}

static bool
is_from_(struct span s)
{
	return span_prefix(s, SPAN("From ")) || span_prefix(s, SPAN(">From "));
}

static bool
may_be_from_(struct span s)
{
	return is_from_(s) || span_prefix(SPAN("From "), s) ||
	    span_prefix(SPAN(">From "), s);
}

/* It was none: what was kept back comes now. */
static void
first_is_none(struct input *in)
{
	struct span	s = buf_span(&in->first);
	size_t		i;

	in->from_ = false;
	for (i = 0; i < s.n; i++)
		put_octet(in, s.p[i]);
	buf_clear(&in->first);
}

static void
end_line(struct input *in)
{
	if (in->dot && !in->dots) {
		in->ended = true;
		return;
	}
	if (in->dot)
		put_octet(in, '.');
	if (in->from_ && !is_from_(buf_span(&in->first)))
		first_is_none(in);
	if (!in->from_)
		put_end(in);
	in->from_ = in->dot = in->within = false;
	buf_clear(&in->first);
}

static void
begin_line(struct input *in, char c)
{
	in->within = true;
	in->dot = c == '.';
	in->from_ = !in->begun && (c == 'F' || c == '>');
	in->begun = true;
}

static void
octet(struct input *in, char c)
{
	if (!in->within) {
		begin_line(in, c);
		if (in->dot)
			return;		/* what follows says */
	} else if (in->dot) {
		in->dot = false;
		put_octet(in, '.');
	}
	if (!in->from_) {
		put_octet(in, c);
		return;
	}
	if (in->first.n < FROM_MAX)
		buf_add_char(&in->first, c);
	if (!may_be_from_(buf_span(&in->first)))
		first_is_none(in);
}

void
input_take(struct input *in, struct span s)
{
	size_t	i;
	char	c;

	for (i = 0; i < s.n && !in->ended && !in->too_large; i++) {
		c = s.p[i];
		if (in->cr && c == '\n') {
			in->cr = false;
			continue;	/* the CR has ended it */
		}
		in->cr = c == '\r';
		if (c == '\r' || c == '\n') {
			in->begun = true;
			end_line(in);
		} else
			octet(in, c);
	}
}

void
input_end(struct input *in)
{
	if (in->within && !in->ended)
		end_line(in);
	buf_clear(&in->first);
	in->ended = true;
}
