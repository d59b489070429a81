/*
 * transcript.c - what was said in a session; transcript.h.
 */
#include "config.h"

#include "mta/smtp/command.h"
#include "mta/smtp/transcript.h"

void
transcript_clear(struct transcript *t)
{
	buf_clear(&t->head);
	buf_clear(&t->tail);
	*t = (struct transcript){ 0 };
}

void
transcript_escape(struct span s, size_t max, struct buf *out)
{
	size_t	i, end = out->n + max;

	for (i = 0; i < s.n; i++) {
		unsigned char	c = (unsigned char)s.p[i];

		if (out->n + 4 + 3 > end) {	/* "\xNN" and "..." */
			buf_add_str(out, "...");
			return;
		}
		if (c < ' ' || c > '~' || c == '\\')
			buf_addf(out, "\\x%02x", c);
		else
			buf_add_char(out, (char)c);
	}
}

/* --- lines are kept */

/* The oldest of the last ones goes. */
static void
forget_one(struct transcript *t)
{
	buf_eat(&t->tail, (size_t)span_index(buf_span(&t->tail), '\n') + 1);
	t->tail_lines--;
	t->left_out++;
}

static void
keep(struct transcript *t, struct span line)
{
	if (!t->full && t->head_lines < TRANSCRIPT_HEAD_LINES &&
	    t->head.n + line.n <= TRANSCRIPT_HEAD_MAX) {
		buf_add_span(&t->head, line);
		t->head_lines++;
		return;
	}
	t->full = true;
	while (t->tail_lines == TRANSCRIPT_TAIL_LINES ||
	    t->tail.n + line.n > TRANSCRIPT_TAIL_MAX)
		forget_one(t);
	buf_add_span(&t->tail, line);
	t->tail_lines++;
}

static void
add(struct transcript *t, const char *who, struct span text)
{
	struct buf	line = { 0 };

	buf_add_str(&line, who);
	transcript_escape(text, TRANSCRIPT_LINE_MAX - 1 - line.n, &line);
	buf_add_char(&line, '\n');
	keep(t, buf_span(&line));
	buf_clear(&line);
}

/* --- what is said */

/* However it was typed: blanks in front, or something glued to it. */
static bool
is_auth(struct span line)
{
	while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
		line = span_from(line, 1);
	return line.n >= 4 && span_ieq(span_mem(line.p, 4), SPAN("AUTH"));
}

static bool
is_command(struct span line)
{
	struct smtp_command	c;

	return command_parse(line, &c) && c.verb != VERB_UNKNOWN;
}

void
transcript_client(struct transcript *t, struct span line, bool secret)
{
	if (secret || (t->login && !is_command(line) && !is_auth(line)))
		add(t, "C: ", SPAN("***"));
	else if (is_auth(line)) {
		t->login = true;
		add(t, "C: ", SPAN("AUTH ***"));
	} else
		add(t, "C: ", line);
}

void
transcript_spoiled(struct transcript *t, const char *why)
{
	struct buf	text = { 0 };

	buf_addf(&text, "(%s)", why);
	add(t, "C: ", buf_span(&text));
	buf_clear(&text);
}

void
transcript_server(struct transcript *t, struct span octets)
{
	struct span	line;
	ptrdiff_t	nl;

	while (octets.n > 0) {
		nl = span_index(octets, '\n');
		line = span_mem(octets.p, nl < 0 ? octets.n : (size_t)nl);
		octets = span_from(octets, nl < 0 ? octets.n : line.n + 1);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		add(t, "S: ", span_prefix(line, SPAN("334")) ?
		    SPAN("334 ***") : line);
	}
}

void
transcript_put(const struct transcript *t, struct buf *out)
{
	buf_add_span(out, buf_span(&t->head));
	if (t->left_out > 0)
		buf_addf(out, "... %u lines are left out\n", t->left_out);
	buf_add_span(out, buf_span(&t->tail));
}
