/*
 * program_status.c - the end of a program as a reply for the message.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "base/span.h"

#include "mta/deliver/program_status.h"

#define SAID_MAX	300	/* octets of the output in the text */

static const struct {
	int		 number;
	const char	*name, *status, *text;
} exits[] = {
#define EXIT(number, name, status, text) { number, "EX_" #name, status, text },
#include "mta/deliver/exits.def"
#undef EXIT
};

static void
reply(struct program_reply *r, const char *status, const char *text)
{
	r->code = status[0] == '2' ? 250 : status[0] == '4' ? 451 : 554;
	(void)snprintf(r->status, sizeof(r->status), "%s", status);
	(void)snprintf(r->text, sizeof(r->text), "%s", text);
}

static void
exited(struct program_reply *r, int number)
{
	size_t	i;

	if (number == 0) {
		reply(r, "2.0.0", "delivered");
		return;
	}
	for (i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		if (exits[i].number == number) {
			reply(r, exits[i].status, "");
			(void)snprintf(r->text, sizeof(r->text),
			    "%s (exit code %d)", exits[i].text, number);
			return;
		}
	reply(r, "5.3.0", "");
	(void)snprintf(r->text, sizeof(r->text),
	    "the program ended with exit code %d", number);
}

/* Those that nobody can mend by waiting are still the administrator's to mend. */
static void
not_run(struct program_reply *r, int error)
{
	char	text[100];

	reply(r, error == ENOENT || error == EACCES || error == ENOEXEC ||
	    error == ENOTDIR || error == ELOOP ? "4.3.5" : "4.3.0", "");
	(void)snprintf(r->text, sizeof(r->text),
	    "the program cannot be run: %s",
	    strerror_r(error, text, sizeof(text)));
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Octets of "5.7.1" at the beginning, 0: there is none. */
static size_t
status_at(struct span s)
{
	size_t	i = 1, part, digits;

	if (s.n == 0 || (s.p[0] != '4' && s.p[0] != '5'))
		return 0;
	for (part = 0; part < 2; part++) {
		if (i == s.n || s.p[i++] != '.')
			return 0;
		for (digits = 0; i < s.n && is_digit(s.p[i]); i++)
			digits++;
		if (digits == 0 || digits > 3)
			return 0;
	}
	return i == s.n || s.p[i] == ' ' || s.p[i] == '\n' ? i : 0;
}

/* The first line that has something in it. */
static struct span
first_line(struct span s)
{
	struct span	line = SPAN_NONE;
	ptrdiff_t	lf;

	while (s.n > 0 && line.n == 0) {
		lf = span_index(s, '\n');
		line = span_mem(s.p, lf < 0 ? s.n : (size_t)lf);
		s = span_from(s, line.n + 1);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		line = span_trim(line);
	}
	return line;
}

static void
add_said(struct program_reply *r, struct span said)
{
	size_t	n = strlen(r->text), i;

	if (said.n > SAID_MAX)
		said.n = SAID_MAX;
	if (said.n == 0 || n + 3 + said.n >= sizeof(r->text))
		return;
	r->text[n++] = ':';
	r->text[n++] = ' ';
	for (i = 0; i < said.n; i++)
		r->text[n++] = said.p[i] < ' ' || said.p[i] > '~' ? '?' :
		    said.p[i];
	r->text[n] = '\0';
}

void
program_status(const struct program_end *e, struct span output,
    struct program_reply *r)
{
	struct span	said = first_line(output);
	size_t		n;

	switch (e->how) {
	case PROGRAM_EXITED:
		exited(r, e->number);
		break;
	case PROGRAM_KILLED:
		reply(r, "4.3.0", "");
		(void)snprintf(r->text, sizeof(r->text),
		    "the program was ended by signal %d", e->number);
		break;
	case PROGRAM_LATE:
		reply(r, "4.3.0", "");
		(void)snprintf(r->text, sizeof(r->text),
		    "the program did not end within %d seconds", e->number);
		break;
	default:
		not_run(r, e->number);
		return;
	}
	if (r->code == 250)
		return;
	n = status_at(said);
	if (n > 0 && n < PROGRAM_STATUS_MAX && said.p[0] == r->status[0]) {
		memcpy(r->status, said.p, n);
		r->status[n] = '\0';
		said = span_trim(span_from(said, n));
	}
	add_said(r, said);
}
