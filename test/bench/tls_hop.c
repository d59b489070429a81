/*
 * tls_hop.c - next hops that take mail by STARTTLS, and count.
 *
 *   tls_hop PORT HOSTS CERTIFICATE KEY [login]
 *
 * Listens on port PORT of 127.1.0.1, 127.1.0.2, ... (HOSTS of them).  Each
 * session: EHLO, STARTTLS, EHLO, with `login` also AUTH PLAIN (any password),
 * then messages, which are thrown away.  Mail without TLS is refused, without
 * a login too where one is wanted.  Session tickets are given, as other
 * servers do.
 *
 * Prints `ready`; then, at each line on its input, `connections= handshakes=
 * resumed= logins= messages= octets=` since the line before.  Ends with its
 * input.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT	65536
#define OUTPUT	4096
#define EVENTS	256

struct session {
	int		 fd;
	bool		 listens;
	SSL		*ssl;		/* NULL: in the clear */
	bool		 shaking, logged_in, data;
	char		 in[INPUT], out[OUTPUT];
	size_t		 nin, nout;
};

static struct {
	unsigned long	connections, handshakes, resumed, logins, messages,
			octets;
} count;
static SSL_CTX	*ctx;
static bool	 wants_login;
static int	 epoll;

static void
give_up(const char *what)
{
	fprintf(stderr, "tls_hop: %s: %s\n", what, strerror(errno));
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void
watch(struct session *s)
{
	struct epoll_event	ev = { .events = EPOLLIN, .data.ptr = s };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &ev) == -1)
		give_up("epoll_ctl");
}

static void
end(struct session *s)
{
	SSL_free(s->ssl);
	close(s->fd);
	free(s);
}

static void
reply(struct session *s, const char *text)
{
	size_t	n = strlen(text);

	if (s->nout + n > sizeof(s->out))
		return;		/* nobody pipelines that much; he waits then */
	memcpy(s->out + s->nout, text, n);
	s->nout += n;
}

/* Replies are short: what the socket does not take at once ends the session. */
static bool
flush(struct session *s)
{
	ssize_t	n = (ssize_t)s->nout;

	if (n > 0)
		n = s->ssl != NULL && !s->shaking ?
		    SSL_write(s->ssl, s->out, (int)s->nout) :
		    send(s->fd, s->out, s->nout, MSG_NOSIGNAL);
	if (n != (ssize_t)s->nout)
		return false;
	s->nout = 0;
	return true;
}

static bool
is(const char *line, const char *verb)
{
	return strncasecmp(line, verb, strlen(verb)) == 0;
}

static void
hello(struct session *s)
{
	reply(s, "250-hop.bench.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n");
	if (s->ssl == NULL)
		reply(s, "250-STARTTLS\r\n");
	else if (wants_login)
		reply(s, "250-AUTH PLAIN\r\n");
	reply(s, "250 SIZE 0\r\n");
}

static void
start_tls(struct session *s)
{
	if ((s->ssl = SSL_new(ctx)) == NULL || SSL_set_fd(s->ssl, s->fd) != 1)
		give_up("SSL_new");
	SSL_set_accept_state(s->ssl);
	s->shaking = true;
	reply(s, "220 go on\r\n");
}

static void
command(struct session *s, const char *line)
{
	if (is(line, "EHLO") || is(line, "HELO"))
		hello(s);
	else if (is(line, "STARTTLS") && s->ssl == NULL)
		start_tls(s);
	else if (is(line, "AUTH PLAIN ") && s->ssl != NULL) {
		s->logged_in = true;
		count.logins++;
		reply(s, "235 2.7.0 welcome\r\n");
	} else if (is(line, "MAIL") && (s->ssl == NULL ||
	    (wants_login && !s->logged_in)))
		reply(s, "530 5.7.0 not so\r\n");
	else if (is(line, "DATA")) {
		s->data = true;
		reply(s, "354 go on\r\n");
	} else if (is(line, "QUIT"))
		reply(s, "221 bye\r\n");
	else
		reply(s, "250 2.0.0 ok\r\n");
}

/* How many octets of the input it has used up; 0: more are needed. */
static size_t
content(struct session *s, const char *p, size_t n)
{
	const char	*dot;
	size_t		 used;

	if (n >= 3 && memcmp(p, ".\r\n", 3) == 0)
		dot = p - 2;	/* an empty message */
	else if ((dot = memmem(p, n, "\r\n.\r\n", 5)) == NULL) {
		used = n > 4 ? n - 4 : 0;
		count.octets += used;
		return used;
	}
	used = (size_t)(dot + 5 - p);
	count.octets += used;
	count.messages++;
	s->data = false;
	reply(s, "250 2.0.0 taken\r\n");
	return used;
}

static size_t
line_of(struct session *s, char *p, size_t n)
{
	char	*eol = memmem(p, n, "\r\n", 2);

	if (eol == NULL)
		return 0;
	*eol = '\0';
	command(s, p);
	return (size_t)(eol + 2 - p);
}

static void
take(struct session *s)
{
	size_t	at = 0, used;

	do {
		used = s->data ? content(s, s->in + at, s->nin - at) :
		    line_of(s, s->in + at, s->nin - at);
		at += used;
	} while (used > 0 && at < s->nin && !s->shaking);
	memmove(s->in, s->in + at, s->nin - at);
	s->nin -= at;
}

/* false: it has failed. */
static bool
shake(struct session *s)
{
	int	n = SSL_do_handshake(s->ssl);

	if (n != 1) {
		n = SSL_get_error(s->ssl, n);
		ERR_clear_error();
		return n == SSL_ERROR_WANT_READ || n == SSL_ERROR_WANT_WRITE;
	}
	s->shaking = false;
	s->nin = 0;
	count.handshakes++;
	count.resumed += SSL_session_reused(s->ssl) == 1;
	return true;
}

/* Octets read; 0: none now; -1: the session has ended. */
static ssize_t
receive(struct session *s)
{
	char	*to = s->in + s->nin;
	size_t	 room = sizeof(s->in) - s->nin;
	ssize_t	 n;

	if (s->ssl == NULL) {
		n = recv(s->fd, to, room, 0);
		return n > 0 ? n : n == -1 && errno == EAGAIN ? 0 : -1;
	}
	if ((n = SSL_read(s->ssl, to, (int)room)) > 0)
		return n;
	n = SSL_get_error(s->ssl, (int)n);
	ERR_clear_error();
	return n == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* false: it has ended. */
static bool
serve(struct session *s)
{
	ssize_t	n;

	if (s->shaking && !shake(s))
		return false;
	while (!s->shaking && (n = receive(s)) != 0) {
		if (n == -1)
			return false;
		s->nin += (size_t)n;
		take(s);
		if (!flush(s))
			return false;
	}
	return true;
}

static void
welcome(const struct session *l)
{
	struct session	*s;
	int		 fd, on = 1;

	while ((fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		if ((s = calloc(1, sizeof(*s))) == NULL)
			give_up("calloc");
		s->fd = fd;
		count.connections++;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		reply(s, "220 hop.bench.example ESMTP\r\n");
		watch(s);
		if (!flush(s))
			end(s);
	}
}

static void
listen_on(unsigned host, uint16_t port)
{
	struct sockaddr_in	 sa = { .sin_family = AF_INET };
	struct session		*l = calloc(1, sizeof(*l));
	int			 on = 1;

	if (l == NULL)
		give_up("calloc");
	sa.sin_port = htons(port);
	sa.sin_addr.s_addr = htonl(0x7f010000u + host);
	l->listens = true;
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(l->fd, (struct sockaddr *)&sa, sizeof(sa)) == -1 ||
	    listen(l->fd, 1024) == -1)
		give_up("listen");
	watch(l);
}

/* false: the input has ended. */
static bool
tell(void)
{
	char	line[64];

	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		return false;
	printf("connections=%lu handshakes=%lu resumed=%lu logins=%lu "
	    "messages=%lu octets=%lu\n", count.connections, count.handshakes,
	    count.resumed, count.logins, count.messages, count.octets);
	fflush(stdout);
	memset(&count, 0, sizeof(count));
	return true;
}

static void
prepare(const char *certificate, const char *key)
{
	if ((ctx = SSL_CTX_new(TLS_server_method())) == NULL ||
	    SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		give_up("certificate");
	SSL_CTX_set_mode(ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"hop", 3);
}

static void
run(void)
{
	struct epoll_event	 ev[EVENTS];
	struct session		*s;
	int			 i, n;

	for (;;) {
		n = epoll_wait(epoll, ev, EVENTS, -1);
		for (i = 0; i < n; i++) {
			s = ev[i].data.ptr;
			if (s == NULL) {
				if (!tell())
					return;
			} else if (s->listens)
				welcome(s);
			else if (!serve(s))
				end(s);
		}
	}
}

int
main(int argc, char **argv)
{
	struct epoll_event	ev = { .events = EPOLLIN };
	unsigned		i, hosts;

	if (argc < 5) {
		fprintf(stderr, "usage: tls_hop PORT HOSTS CERTIFICATE KEY "
		    "[login]\n");
		return 2;
	}
	hosts = (unsigned)atoi(argv[2]);
	wants_login = argc > 5;
	prepare(argv[3], argv[4]);
	epoll = epoll_create1(0);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &ev) == -1)
		give_up("input");
	for (i = 1; i <= hosts; i++)
		listen_on(i, (uint16_t)atoi(argv[1]));
	puts("ready");
	fflush(stdout);
	run();
	return 0;
}
