/*
 * xclient_fuzz.c - what XCLIENT, XFORWARD and ETRN are given, by one who may
 * say them.
 *
 * The input is what stands behind commands, one a line; the first octet of
 * each says which.  What must hold: a value is printable, of 255 octets at
 * most, and is never what it was not given for; each command has one reply;
 * the client has an address, and is counted once, under it.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mta/smtp/xattr.h"
#include "test/unit/smtp/played.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define LINES	20	/* of one session */

static const char policy[] =
    "edition 1\n"
    "hostname \"mx.example\"\n"
    "tag seen: text\n"
    "listen smtp on \"127.0.0.1:2525\" {\n"
    "  xclient 10.0.0.1; xforward 10.0.0.1; etrn 10.0.0.1\n"
    "}\n"
    "on connect {\n"
    "  client.ip == 192.0.2.66 => reject\n"
    "  otherwise => tag seen = \"{client.ip}\"\n"
    "}\n"
    "on helo { client.helo == \"evil\" => reject }\n"
    "on mail { client.user == \"ann\" => tag seen = \"{client.helo}\" }\n"
    "on rcpt { otherwise => reject 550 5.7.1 \"{seen} {client.user}\" }\n"
    "route { otherwise => relay \"127.0.0.1:2526\" }\n";

static void
check_values(const struct xattrs *x)
{
	struct span	v;

	for (unsigned i = 0; i < XATTR_NATTRS; i++) {
		v = x->v[i].text;
		assert((x->v[i].is == XATTR_GIVEN) == (v.n > 0));
		assert(v.n <= XATTR_VALUE_MAX);
		for (size_t k = 0; k < v.n; k++)
			assert((unsigned char)v.p[k] >= 32 && v.p[k] != 127);
	}
}

static void
parse(struct span args)
{
	struct arena	 a = { 0 };
	struct xattrs	 x;
	const char	*why;

	for (unsigned of = XATTR_XCLIENT; of <= XATTR_XFORWARD; of++) {
		if (!xattrs_parse(args, (enum xattr_of)of, &a, &x, &why))
			continue;
		check_values(&x);
		if (of == XATTR_XCLIENT)
			assert(x.v[XATTR_ADDR].is != XATTR_GIVEN ||
			    x.addr.family != 0);
	}
	arena_clear(&a);
}

/* A whole reply, of however many lines. */
static void
await(int fd, struct buf *got)
{
	buf_reset(got);
	played_replies(fd, 1, got);
}

static bool
is_over(struct span got)
{
	return got.n == 0 || (got.n >= 3 && memcmp(got.p, "421", 3) == 0);
}

static bool
say(struct played *p, int fd, struct span line, struct buf *got)
{
	static const char *const	words[] = { "XCLIENT", "XFORWARD", "ETRN",
		"EHLO", "MAIL", "RCPT", "RSET", "XCLIENT" };
	struct buf	out = { 0 };
	const char	*word = words[(uint8_t)line.p[0] %
			    (sizeof(words) / sizeof(words[0]))];

	buf_addf(&out, "%s ", word);
	buf_add_span(&out, span_from(line, 1));
	buf_add_str(&out, "\r\n");
	assert(send(fd, buf_span(&out).p, out.n, MSG_NOSIGNAL) ==
	    (ssize_t)out.n);
	buf_clear(&out);
	await(fd, got);
	if (is_over(buf_span(got)))
		return false;
	assert(p->server->sessions->facts.client_ip.family != 0);
	assert(p->server->limits.sessions == 1);
	return true;
}

/* What would be two lines, or none, is left out: each has one reply here. */
static bool
is_line(struct span s)
{
	return s.n > 0 && s.n < 400 && memchr(s.p, '\r', s.n) == NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	static struct played	*p;
	static struct buf	 got;
	struct span		 all = span_mem(in, n), line;
	ptrdiff_t		 at;
	int			 fd;

	if (p == NULL)
		p = played_start(policy);
	fd = played_connection(p, "10.0.0.1", "smtp");
	await(fd, &got);
	for (unsigned i = 0; all.n > 0 && i < LINES; i++) {
		at = span_index(all, '\n');
		line = span_mem(all.p, at < 0 ? all.n : (size_t)at);
		all = span_from(all, line.n + (at >= 0));
		if (!is_line(line))
			continue;
		parse(span_from(line, 1));
		if (!say(p, fd, line, &got))
			break;
	}
	close(fd);
	while (p->server->sessions != NULL)
		played_turns(1);
	assert(p->server->limits.sessions == 0);
	return 0;
}
