/*
 * smtp_fuzz.c - whole server sessions: octets of a client, whatever they are.
 *
 * The first octet says in how large pieces the rest arrives.  What must hold:
 * every reply is a line of 512 octets at most that begins with a code; there
 * is no more than one final line for each command line, the greeting, a
 * content and the last 421; what is stored has whole lines only, ends with
 * one, and no octet 0 (binary content: in its header); what came as parameters
 * has no control character; nothing is held when the client has gone.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mail/header.h"
#include "mta/smtp/reply.h"
#include "test/unit/smtp/played.h"
#include "test/unit/smtp/played_auth.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char policy[] =
    "edition 1\n"
    "hostname \"mx.example\"\n"
    "map users = text \"@USERS@\" as accounts\n"
    "mailbox box { accounts users; path \"/var/mail/{user}\" }\n"
    "auth { tokens \"unix:/nonexistent\" }\n"
    "listen smtp on \"127.0.0.1:2525\" {\n"
    "  auth offered; auth in clear; accounts users\n"
    "  mechanisms plain, login, cram-md5, scram-sha-1, scram-sha-256,\n"
    "    oauthbearer, xoauth2\n"
    "}\n"
    "limits { message 64K; recipients 5; errors 10; commands 100; hops 3 }\n"
    "set ours = { \"here.example\" }\n"
    "on auth { client.user == \"evil\" => reject }\n"
    "on helo { client.helo == \"evil\" => reject }\n"
    "on mail { sender.domain == \"bad.example\" => defer 451 4.7.1 }\n"
    "on rcpt {\n"
    "  rcpt.domain not in ours => reject 550 5.7.1 \"not {rcpt}\"\n"
    "  rcpt.user == \"gone\" => discard\n"
    "  otherwise => accept\n"
    "}\n"
    "on content {\n"
    "  header[\"Subject\"] == \"bad\" => reject 554 5.7.1 \"bad\"\n"
    "  otherwise => set header \"X-Seen: {header[\"Subject\"]}\"\n"
    "}\n"
    "on vrfy { rcpt.domain in ours => accept }\n"
    "on expn { rcpt.domain in ours => accept }\n"
    "route {\n"
    "  rcpt.user == \"two\" => redirect \"x@else.example\"\n"
    "  rcpt.domain in ours => deliver box\n"
    "  otherwise => relay \"127.0.0.1:2526\"\n"
    "}\n";

static size_t
lines_of(const uint8_t *p, size_t n)
{
	size_t	lines = 0;

	for (size_t i = 1; i < n; i++)
		lines += p[i - 1] == '\r' && p[i] == '\n';
	return lines;
}

/* Each line is a reply's; returns how many replies there are. */
static size_t
check_replies(struct span s)
{
	size_t	n = 0, len;
	char	*lf;

	while (s.n > 0) {
		assert((lf = memchr(s.p, '\n', s.n)) != NULL);
		len = (size_t)(lf - s.p) + 1;
		/* A challenge may be longer; RFC 4954, 4. */
		assert(len >= 6 && lf[-1] == '\r' && len <=
		    (memcmp(s.p, "334 ", 4) == 0 ? SASL_LINE_MAX :
		    REPLY_LINE_MAX));
		assert(s.p[0] >= '2' && s.p[0] <= '5');
		assert(s.p[3] == ' ' || s.p[3] == '-');
		/* VRFY and EXPN with SMTPUTF8 have answers in UTF-8. */
		for (size_t i = 0, k; i < len - 2; i += k) {
			k = span_utf8(span_mem(s.p + i, len - 2 - i));
			assert(k > 1 || (k == 1 && s.p[i] >= 32 &&
			    s.p[i] < 127));
		}
		n += s.p[3] == ' ';
		s = span_from(s, len);
	}
	return n;
}

static void
check_text(struct span t)
{
	for (size_t i = 0; i < t.n; i++)
		assert((unsigned char)t.p[i] >= 32 && t.p[i] != 127);
}

static void
check_envelope(const struct envelope *e)
{
	check_text(e->sender);
	check_text(e->envid);
	for (size_t i = 0; i < e->nrcpts; i++) {
		check_text(e->rcpts[i]);
		if (e->params == NULL)
			continue;
		check_text(e->params[i].orcpt_type);
		check_text(e->params[i].orcpt);
	}
}

static void
check_stored(struct span c, bool binary)
{
	assert(c.n > 2 && memcmp(c.p, "Received: from ", 15) == 0);
	if (binary)
		c.n = header_size(c);
	assert(memcmp(c.p + c.n - 2, "\r\n", 2) == 0);
	assert(memchr(c.p, 0, c.n) == NULL);
	for (size_t i = 0; i < c.n; i++) {
		assert(c.p[i] != '\n' || (i > 0 && c.p[i - 1] == '\r'));
		assert(c.p[i] != '\r' || (i + 1 < c.n && c.p[i + 1] == '\n'));
	}
}

/*
 * Sends the input in pieces and reads what comes, until the server has closed.
 */
static void
converse(struct played *p, int fd, const uint8_t *in, size_t n, size_t piece,
    struct buf *got)
{
	char	away[4096];
	ssize_t	r;
	size_t	sent = 0, k;

	while (p->server->sessions != NULL) {
		if (sent < n) {
			k = n - sent < piece ? n - sent : piece;
			r = write(fd, in + sent, k);
			sent = r > 0 ? sent + (size_t)r : errno == EAGAIN ?
			    sent : n;
			if (sent == n)
				(void)shutdown(fd, SHUT_WR);
		}
		played_turn();
		while ((r = read(fd, away, sizeof(away))) > 0)
			buf_add(got, away, (size_t)r);
	}
	while ((r = read(fd, away, sizeof(away))) > 0)
		buf_add(got, away, (size_t)r);
}

static struct played *
begin(struct played_auth *auth)
{
	struct played	*p = played_start(policy);

	played_auth(auth, p->server->auth, ~0u, ~0u);
	return p;
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	static struct played	*p;
	static struct played_auth auth;
	struct buf		 got = { 0 };
	size_t			 before, replies;
	int			 fd;

	if (p == NULL)
		p = begin(&auth);
	if (n < 2)
		return 0;
	before = p->nmessages;
	fd = played_client_by(p, "192.0.2.1", "smtp");
	converse(p, fd, in + 1, n - 1, in[0] == 0 ? 65536 : in[0], &got);
	close(fd);
	while (!intake_idle(p->server->intake))
		played_turn();
	played_turn();
	replies = check_replies(buf_span(&got));
	assert(replies <= lines_of(in + 1, n - 1) + 3);
	if (p->nmessages > before) {
		check_envelope(&p->last.envelope);
		check_stored(buf_span(&p->last.content),
		    p->last.envelope.flags & ENV_BINARY);
	}
	assert(p->server->held == 0 && p->server->limits.sessions == 0);
	assert(intake_held(p->server->intake) == 0);
	assert(p->server->count.logins <= auth.nright);
	buf_clear(&got);
	return 0;
}
