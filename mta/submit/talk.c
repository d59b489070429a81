/*
 * talk.c - lines to an SMTP server and its replies, over a blocking socket.
 */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>

#include "mta/submit/talk.h"

#define SEND_S		300	/* for a piece to be taken */
#define REPLY_MAX	65536	/* octets of one reply */
#define PIECE		4096

static bool
broken(struct talk *t, const char *why)
{
	if (t->broken == NULL)
		t->broken = why;
	return false;
}

static bool
wait_for(struct talk *t, short what, int seconds)
{
	struct pollfd	p = { .fd = t->fd, .events = what };
	int		n;

	while ((n = poll(&p, 1, seconds * 1000)) == -1 && errno == EINTR)
		continue;
	if (n == 1)
		return true;
	return broken(t, n == 0 ? "the server does not answer in time" :
	    "poll");
}

bool
talk_send(struct talk *t)
{
	struct span	left = buf_span(&t->out);
	ssize_t		n;

	while (left.n > 0 && t->broken == NULL) {
		n = send(t->fd, left.p, left.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			left = span_from(left, (size_t)n);
		else if (errno == EAGAIN)
			(void)wait_for(t, POLLOUT, SEND_S);
		else if (errno != EINTR)
			(void)broken(t, "the server has closed the "
			    "connection");
	}
	buf_reset(&t->out);
	return t->broken == NULL;
}

void
talk_put(struct talk *t, const char *fmt, ...)
{
	size_t	before = t->out.n;
	va_list	ap;

	va_start(ap, fmt);
	buf_vaddf(&t->out, fmt, ap);
	va_end(ap);
	if (t->trace != NULL)
		t->trace(t->trace_arg, 'C',
		    span_from(buf_span(&t->out), before));
	buf_add_str(&t->out, "\r\n");
}

/* --- replies */

static bool
fill(struct talk *t, int seconds)
{
	ssize_t	n;

	do {
		if (!wait_for(t, POLLIN, seconds))
			return false;
		n = recv(t->fd, buf_reserve(&t->in, PIECE), PIECE,
		    MSG_DONTWAIT);
	} while (n == -1 && (errno == EINTR || errno == EAGAIN));
	if (n <= 0)
		return broken(t, "the server has closed the connection");
	buf_grown(&t->in, (size_t)n);
	return true;
}

static bool
digits3(struct span s, unsigned *code)
{
	uint64_t	n;

	if (s.n < 3 || !span_u64(span_mem(s.p, 3), 599, &n) || n < 200)
		return false;
	*code = (unsigned)n;
	return true;
}

/* Takes a line; false: it is none of a reply.  *last: the reply is whole. */
static bool
take_line(struct talk *t, struct span line, bool *last)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (t->trace != NULL)
		t->trace(t->trace_arg, 'S', line);
	if (!digits3(line, &t->code) ||
	    t->reply.n + line.n > REPLY_MAX)
		return broken(t, "the server does not speak SMTP");
	*last = line.n == 3 || line.p[3] != '-';
	buf_add_span(&t->reply, line);
	buf_add_char(&t->reply, '\n');
	return true;
}

unsigned
talk_reply(struct talk *t, int seconds)
{
	struct span	all;
	ptrdiff_t	end;
	bool		last = false;

	buf_reset(&t->reply);
	if (!talk_send(t))
		return 0;
	while (!last) {
		all = buf_span(&t->in);
		if ((end = span_index(all, '\n')) < 0) {
			if (all.n > REPLY_MAX || !fill(t, seconds)) {
				(void)broken(t, "a reply is too long");
				return 0;
			}
			continue;
		}
		if (!take_line(t, span_mem(all.p, (size_t)end), &last))
			return 0;
		buf_eat(&t->in, (size_t)end + 1);
	}
	return t->code;
}

void
talk_clear(struct talk *t)
{
	buf_clear(&t->in);
	buf_clear(&t->out);
	buf_clear(&t->reply);
}
