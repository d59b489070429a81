/*
 * door.c - sessions/s through a server's front door.
 *
 *   door PORT WHAT THREADS SESSIONS [USER PASSWORD]
 *
 * WHAT is what each session does after it has connected to 127.0.0.1:PORT:
 *
 *   plain		EHLO, QUIT
 *   starttls		EHLO, STARTTLS, a whole handshake, EHLO, QUIT
 *   first		TLS at once, EHLO, QUIT
 *   resume		as first; each thread resumes its last session
 *   login		TLS at once, EHLO, AUTH PLAIN, QUIT
 *   submit		TLS at once, EHLO, AUTH PLAIN, a message of 2 KiB, QUIT
 *
 * Prints `s= sessions= resumed= cpu_s=`: time by the clock, sessions that went
 * to their end, and time of the processor that this program took.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE	2048
#define LINE	72

enum what { PLAIN, STARTTLS, FIRST, RESUME, LOGIN, SUBMIT, NWHATS };
static const char *const words[NWHATS] = {
	"plain", "starttls", "first", "resume", "login", "submit"
};

struct run {
	unsigned	 port;
	enum what	 what;
	SSL_CTX		*ctx;
	char		 login[512];	/* AUTH PLAIN and its response */
	char		 message[MESSAGE + 64];
	atomic_int	 left, resumed, done;
};

struct client {
	struct run	*run;
	SSL_SESSION	*kept;
	SSL		*ssl;		/* NULL: in the clear */
	int		 fd;
	char		 in[4096];
	size_t		 n;
};

static double
now_s(clockid_t clock)
{
	struct timespec	ts;

	(void)clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
give_up(const char *what)
{
	fprintf(stderr, "door: %s: %s\n", what, strerror(errno));
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void
say(struct client *c, const char *text)
{
	size_t	n = strlen(text);

	if (c->ssl != NULL ? SSL_write(c->ssl, text, (int)n) != (int)n :
	    send(c->fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
		give_up("send");
}

static void
receive(struct client *c)
{
	size_t	room = sizeof(c->in) - c->n - 1;
	ssize_t	n;

	n = c->ssl != NULL ? SSL_read(c->ssl, c->in + c->n, (int)room) :
	    recv(c->fd, c->in + c->n, room, 0);
	if (n <= 0)
		give_up("the server has closed");
	c->n += (size_t)n;
}

/* One reply, of several lines perhaps; it begins with the code. */
static void
hear(struct client *c, const char *code)
{
	char	*line = c->in, *end;

	for (;;) {
		c->in[c->n] = '\0';
		if ((end = strstr(line, "\r\n")) == NULL) {
			size_t	at = (size_t)(line - c->in);

			receive(c);
			line = c->in + at;
		} else if (line[3] != '-')
			break;
		else
			line = end + 2;
	}
	if (strncmp(c->in, code, 3) != 0) {
		fprintf(stderr, "door: %.200s instead of %s\n", c->in, code);
		exit(1);
	}
	c->n -= (size_t)(end + 2 - c->in);
	memmove(c->in, end + 2, c->n);
}

static void
reach(struct client *c)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	int			on = 1;

	sin.sin_port = htons((uint16_t)c->run->port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1 || connect(c->fd, (struct sockaddr *)&sin,
	    sizeof(sin)) == -1)
		give_up("connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->n = 0;
	c->ssl = NULL;
}

static void
shake_hands(struct client *c)
{
	struct run	*r = c->run;

	if ((c->ssl = SSL_new(r->ctx)) == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
		give_up("TLS");
	if (r->what == RESUME && c->kept != NULL)
		SSL_set_session(c->ssl, c->kept);
	if (SSL_connect(c->ssl) != 1)
		give_up("handshake");
	if (SSL_session_reused(c->ssl))
		atomic_fetch_add(&r->resumed, 1);
}

static void
submit(struct client *c)
{
	say(c, "MAIL FROM:<ann@local.example.test>\r\n"
	    "RCPT TO:<bob@local.example.test>\r\nDATA\r\n");
	hear(c, "250");
	hear(c, "250");
	hear(c, "354");
	say(c, c->run->message);
	hear(c, "250");
}

static void
one_session(struct client *c)
{
	struct run	*r = c->run;

	reach(c);
	if (r->what >= FIRST)
		shake_hands(c);
	hear(c, "220");
	say(c, "EHLO client.example\r\n");
	hear(c, "250");
	if (r->what == STARTTLS) {
		say(c, "STARTTLS\r\n");
		hear(c, "220");
		shake_hands(c);
		say(c, "EHLO client.example\r\n");
		hear(c, "250");
	}
	if (r->what >= LOGIN) {
		say(c, r->login);
		hear(c, "235");
	}
	if (r->what == SUBMIT)
		submit(c);
	say(c, "QUIT\r\n");
	hear(c, "221");
	if (r->what == RESUME) {	/* the newest ticket has come by now */
		SSL_SESSION_free(c->kept);
		c->kept = SSL_get1_session(c->ssl);
	}
	if (c->ssl != NULL)
		(void)SSL_shutdown(c->ssl);	/* or it could not be resumed */
	SSL_free(c->ssl);
	close(c->fd);
	atomic_fetch_add(&r->done, 1);
}

static void *
client(void *arg)
{
	struct client	c = { .run = arg };

	while (atomic_fetch_sub(&c.run->left, 1) > 0)
		one_session(&c);
	SSL_SESSION_free(c.kept);
	return NULL;
}

static void
prepare(struct run *r, const char *user, const char *password)
{
	char	plain[256], base64[400];
	int	n;

	n = snprintf(plain, sizeof(plain), "%c%s%c%s", 0, user, 0, password);
	EVP_EncodeBlock((unsigned char *)base64, (unsigned char *)plain, n);
	(void)snprintf(r->login, sizeof(r->login), "AUTH PLAIN %s\r\n", base64);
	n = snprintf(r->message, sizeof(r->message), "From: ann@local.example."
	    "test\r\nDate: Sat, 21 Nov 2026 11:03:09 +0000\r\n"
	    "Message-ID: <bench@client.example>\r\nSubject: bench\r\n\r\n");
	for (; n + LINE < MESSAGE; n += LINE) {
		memset(r->message + n, 'x', LINE - 2);
		memcpy(r->message + n + LINE - 2, "\r\n", 2);
	}
	memcpy(r->message + n, ".\r\n", 4);
	if ((r->ctx = SSL_CTX_new(TLS_client_method())) == NULL)
		give_up("TLS");
	SSL_CTX_set_session_cache_mode(r->ctx, SSL_SESS_CACHE_OFF);
}

static enum what
what_of(const char *word)
{
	for (int i = 0; i < NWHATS; i++)
		if (strcmp(word, words[i]) == 0)
			return (enum what)i;
	fprintf(stderr, "door: no such thing to do: %s\n", word);
	exit(2);
}

int
main(int argc, char **argv)
{
	static struct run	 r;
	pthread_t		*threads;
	double			 began;
	int			 i, n, sessions;

	if (argc != 5 && argc != 7) {
		fprintf(stderr, "usage: door PORT WHAT THREADS SESSIONS "
		    "[USER PASSWORD]\n");
		return 2;
	}
	r.port = (unsigned)atoi(argv[1]);
	r.what = what_of(argv[2]);
	n = atoi(argv[3]);
	sessions = atoi(argv[4]);
	atomic_init(&r.left, sessions);
	prepare(&r, argc == 7 ? argv[5] : "", argc == 7 ? argv[6] : "");
	if (n < 1 || (threads = calloc((size_t)n, sizeof(*threads))) == NULL)
		return 2;
	began = now_s(CLOCK_MONOTONIC);
	for (i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, client, &r) != 0)
			give_up("thread");
	for (i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	printf("s=%.3f sessions=%d resumed=%d cpu_s=%.3f\n",
	    now_s(CLOCK_MONOTONIC) - began, atomic_load(&r.done),
	    atomic_load(&r.resumed), now_s(CLOCK_PROCESS_CPUTIME_ID));
	SSL_CTX_free(r.ctx);
	free(threads);
	return atomic_load(&r.done) == sessions ? 0 : 1;
}
