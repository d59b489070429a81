/*
 * proxy_fuzz.c - headers of proxies, alone and before a session.
 *
 * What must hold of a header, however it is cut: what is bad stays bad, what is
 * whole ends where it ended, and before that it is a part.  Of a connection:
 * it becomes a session exactly when its header is whole, and then the octets
 * behind the header are the session's, none more and none less.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mta/smtp/proxy.h"
#include "test/unit/smtp/played.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define CUTS	16	/* lengths at which a header is looked at, beside the last */

static const char policy[] =
    "edition 1\n"
    "hostname \"mx.example\"\n"
    "listen smtp on \"127.0.0.1:2525\" { proxy 10.0.0.1 }\n"
    "on rcpt { otherwise => reject }\n"
    "route { otherwise => relay \"127.0.0.1:2526\" }\n";

static enum proxy_result
look(const uint8_t *in, size_t n, size_t *used)
{
	struct proxy_header	 h;
	const char		*why = NULL;
	enum proxy_result	 r;

	r = proxy_parse(span_mem(in, n), &h, used, &why);
	assert((r == PROXY_BAD) == (why != NULL));
	assert(r != PROXY_WHOLE || (*used > 0 && *used <= n &&
	    *used <= PROXY_HEADER_MAX));
	if (r == PROXY_WHOLE)
		assert((h.says == PROXY_CLIENT) == (h.source.family != 0));
	return r;
}

static void
cut(const uint8_t *in, size_t n, enum proxy_result r, size_t used)
{
	size_t			 k, got;
	enum proxy_result	 part;

	for (unsigned i = 0; i < CUTS; i++) {
		k = i < CUTS / 2 ? n * i / (CUTS / 2) : used > i ? used - i +
		    CUTS / 2 : 0;
		if (k >= n)
			continue;
		part = look(in, k, &got);
		if (part == PROXY_BAD)
			assert(r == PROXY_BAD);
		if (part == PROXY_WHOLE)
			assert(r == PROXY_WHOLE && got == used);
		if (r == PROXY_WHOLE && k < used)
			assert(part == PROXY_PART);
	}
}

static void
connect_with(struct played *p, const uint8_t *in, size_t n,
    enum proxy_result r, size_t used)
{
	char	away[4096];
	int	fd = played_connection(p, "10.0.0.1", "smtp");
	ssize_t	sent, got;

	sent = send(fd, in, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	assert(sent >= 0);
	if ((size_t)sent < n)		/* more than a socket holds */
		r = PROXY_BAD;
	for (int i = 0; i < 4; i++)
		played_turn();
	got = recv(fd, away, sizeof(away), MSG_DONTWAIT);
	if ((size_t)sent == n && r == PROXY_WHOLE)
		assert(got >= 5 && memcmp(away, "220 ", 4) == 0);
	else if ((size_t)sent == n)
		assert(got <= 0 && p->server->narrivals == (r == PROXY_PART));
	if (r == PROXY_WHOLE && used == n)
		assert(p->server->sessions->commands == 0 &&
		    p->server->sessions->in.n == 0);
	close(fd);
	while (p->server->sessions != NULL || p->server->narrivals > 0)
		played_turns(1);
	assert(p->server->limits.sessions == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	static struct played	*p;
	enum proxy_result	 r;
	size_t			 used;

	if (p == NULL)
		p = played_start(policy);
	if (n > 3 * PROXY_HEADER_MAX)
		return 0;
	r = look(in, n, &used);
	cut(in, n, r, used);
	connect_with(p, in, n, r, used);
	return 0;
}
