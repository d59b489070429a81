/*
 * tls_fuzz.c - the server's side of TLS against octets, whatever they are.
 *
 * The first octet says what happens:  bit 0: a client of OpenSSL shakes hands,
 * and the input is laid over what it sends (pairs: how far on, what is XORed);
 * otherwise the input is all that is sent.  bit 1: version 1.2; bit 2: the
 * client has a certificate; bit 3: it asks for a name.  The rest is how large
 * the pieces are.  What must hold: a handshake that is not done has taken no
 * more than it may, a run of reads ends, and what has failed stays so.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "test/unit/base/tls_peer.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct made		 made;
static struct tls_server	*server;
static struct tls_tickets	*tickets;
static SSL_CTX			*contexts[2];

static void
start(void)
{
	static const struct tls_ticket_key key = { "name", "aes", "mac" };
	struct tls_options	 o = { .clients = TLS_CLIENTS_ASKED,
				    .protocol = "smtp", .ticket_s = 3600 };
	struct tls_certificate	 c = { 0 };
	const char		*why;

	made = made_new(&(struct made_how){ .type = "EC", .common = "mx",
	    .alt = "DNS:mx.example,DNS:*.wild.example,email:a@b.example",
	    .ca = true, .days = 9 });
	tickets = tls_tickets_new();
	tls_tickets_set(tickets, &key, 1);
	o.tickets = tickets;
	o.authorities = span_of(made.pem);
	server = tls_server_new(&o, &why);
	c.chain = span_of(made.pem);
	c.key = made.key;
	if (server == NULL || !tls_server_add(server, &c, &why) ||
	    !tls_server_ready(server, &why))
		abort();
	contexts[0] = client_context(TLS1_3_VERSION);
	contexts[1] = client_context(TLS1_2_VERSION);
}

static void
ready(void *arg)
{
	(void)arg;
}

/* As much as the server takes; false: it takes no more. */
static bool
step(struct tls *t, bool *done)
{
	static char	away[4096];
	enum tls_result	is;
	size_t		n, put, total = 0;

	if (!*done) {
		is = tls_handshake(t);
		if (is != TLS_DONE) {
			assert(tls_octets_in(t) <= TLS_HANDSHAKE_OCTETS);
			return is == TLS_WANT_READ || is == TLS_WANT_WRITE;
		}
		*done = true;
		(void)tls_client_name(t);
		(void)tls_write(t, "220\r\n", 5, &put);
	}
	while ((is = tls_read(t, away, sizeof(away), &n)) == TLS_DONE) {
		total += n;
		assert(n > 0 && total <= TLS_RUN_OCTETS + 65536);
	}
	assert(!tls_pending(t));
	if (is == TLS_FAILED)
		assert(tls_read(t, away, 1, &n) == TLS_FAILED);
	return is == TLS_WANT_READ || is == TLS_WANT_WRITE;
}

static bool
send_pieces(struct tls *t, int fd, const char *p, size_t n, size_t piece,
    bool *done)
{
	size_t	k;

	for (size_t i = 0; i < n; i += k) {
		k = n - i < piece ? n - i : piece;
		if (write(fd, p + i, k) != (ssize_t)k)
			return false;
		if (!step(t, done))
			return false;
	}
	return true;
}

/* What the input lays over the client's octets, from `at` on. */
struct overlay {
	const uint8_t	*in;
	size_t		 n, next;	/* of pairs; octets until the next one */
};

static void
lay_over(struct overlay *o, char *p, size_t n)
{
	size_t	i = 0;

	while (o->n >= 2 && o->next < n - i) {
		i += o->next;
		p[i] = (char)(p[i] ^ o->in[1]);
		o->in += 2;
		o->n -= 2;
		o->next = o->n >= 2 ? o->in[0] : 0;
		if (++i >= n)
			return;
	}
	o->next -= o->n >= 2 ? n - i : 0;
}

static void
by_client(struct tls *t, int fd, uint8_t how, struct overlay *o, size_t piece)
{
	SSL	*c = SSL_new(contexts[how >> 1 & 1]);
	BIO	*to = BIO_new(BIO_s_mem()), *from = BIO_new(BIO_s_mem());
	char	 octets[32768];
	bool	 done = false, goes_on = true;
	ssize_t	 n;

	SSL_set_bio(c, to, from);
	SSL_set_connect_state(c);
	if (how & 4) {
		SSL_use_certificate(c, made.cert);
		SSL_use_PrivateKey(c, made.key);
	}
	if (how & 8)
		SSL_set_tlsext_host_name(c, "a.wild.example");
	o->next = o->n >= 2 ? o->in[0] : 0;
	for (unsigned i = 0; i < 8 && goes_on; i++) {
		ERR_clear_error();
		if (SSL_do_handshake(c) == 1) {
			(void)SSL_write(c, "EHLO a\r\nNOOP\r\n", 14);
			(void)SSL_read(c, octets, sizeof(octets));
		}
		while (goes_on && (n = BIO_read(from, octets,
		    sizeof(octets))) > 0) {
			lay_over(o, octets, (size_t)n);
			goes_on = send_pieces(t, fd, octets, (size_t)n, piece,
			    &done);
		}
		while ((n = read(fd, octets, sizeof(octets))) > 0)
			BIO_write(to, octets, (int)n);
	}
	SSL_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	struct overlay	 o;
	struct tls	*t;
	size_t		 piece;
	bool		 done = false;
	int		 fds[2];

	if (server == NULL)
		start();
	if (n < 1 || n > 100000)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1)
		abort();
	piece = in[0] >> 4 == 0 ? 65536 : (size_t)1 << (in[0] >> 4);
	t = tls_new(server, fds[0], ready, NULL);
	if (in[0] & 1) {
		o = (struct overlay){ in + 1, n - 1, 0 };
		by_client(t, fds[1], in[0], &o, piece);
	} else {
		(void)send_pieces(t, fds[1], (const char *)in + 1, n - 1,
		    piece, &done);
		(void)shutdown(fds[1], SHUT_WR);
	}
	tls_close(t);
	tls_free(&t);
	close(fds[0]);
	close(fds[1]);
	ERR_clear_error();
	return 0;
}
