/*
 * tls_connect_fuzz.c - the client's side of TLS against octets, whatever they are.
 *
 * The first octet says what happens:  bit 0: a server of OpenSSL shakes hands,
 * and the input is laid over what it sends (pairs: how far on, what is XORed);
 * otherwise the input is all that is sent.  bit 1: version 1.2; bits 2 and 3:
 * what is asked of it: nothing, a name, a TLSA record, one of another key.
 * What must hold: a handshake ends, one that asks for another key is never
 * done, a run of reads ends, and what has failed stays so.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/digest.h"
#include "base/tls_connect.h"

#include "test/unit/base/tls_peer.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum ask { ASK_NOTHING, ASK_NAME, ASK_KEY, ASK_OTHER_KEY };

static struct made		 made;
static uint8_t			 key_digest[32], no_digest[32];
static struct tls_sessions	*sessions;
static struct tls_connector	*connector;
static SSL_CTX			*contexts[2];

static SSL_CTX *
server_context(int version)
{
	SSL_CTX	*ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_use_certificate(ctx, made.cert);
	SSL_CTX_use_PrivateKey(ctx, made.key);
	return ctx;
}

static void
start(void)
{
	struct tls_connector_options	 o = { 0 };
	const char			*why;
	unsigned char			*der = NULL;
	int				 n;

	made = made_new(&(struct made_how){ .type = "EC", .common = "mx",
	    .alt = "DNS:mx.example", .ca = true, .days = 9 });
	n = i2d_PUBKEY(made.key, &der);
	digest_sha256(span_mem(der, (size_t)n), key_digest);
	OPENSSL_free(der);
	sessions = tls_sessions_new(4);
	o.trust = tls_trust_new(span_of(made.pem), &why);
	o.sessions = sessions;
	connector = tls_connector_new(&o, &why);
	contexts[0] = server_context(TLS1_3_VERSION);
	contexts[1] = server_context(TLS1_2_VERSION);
	if (connector == NULL)
		abort();
}

static void
ready(void *arg)
{
	(void)arg;
}

static struct tls_connect *
open_client(int fd, enum ask ask)
{
	static const struct span	 name = { "mx.example", 10 };
	const struct tls_tlsa		 r = { 3, 1, 1, span_mem(
		ask == ASK_KEY ? key_digest : no_digest, 32) };
	const struct tls_target		 to = {
		.sni = name, .names = &name, .nnames = 1,
		.check = ask == ASK_NOTHING ? TLS_CHECK_NONE :
		    ask == ASK_NAME ? TLS_CHECK_NAMES : TLS_CHECK_DANE,
		.tlsa = &r, .ntlsa = ask >= ASK_KEY, .peer = SPAN("mx:25")
	};
	const char			*why;
	struct tls_connect		*t;

	t = tls_connect_new(connector, fd, &to, ready, NULL, &why);
	assert(t != NULL);
	return t;
}

/* As far as the client goes; false: no further. */
static bool
step(struct tls_connect *t, enum ask ask, bool *done)
{
	static char	away[4096];
	enum tls_result	is;
	size_t		n, total = 0;

	if (!*done) {
		is = tls_connect_handshake(t);
		if (is != TLS_DONE) {
			assert((is != TLS_FAILED && is != TLS_CLOSED) ||
			    tls_connect_class(t) != TLS_CLASS_NONE);
			return is == TLS_WANT_READ || is == TLS_WANT_WRITE;
		}
		assert(ask != ASK_OTHER_KEY);
		*done = true;
		(void)tls_connect_reached(t);
		(void)tls_connect_write(t, "EHLO a\r\n", 8, &n);
	}
	(void)tls_connect_waiting(t);
	while ((is = tls_connect_read(t, away, sizeof(away), &n)) ==
	    TLS_DONE) {
		total += n;
		assert(n > 0 && total <= 2 * TLS_RUN_OCTETS + 65536);
	}
	assert(!tls_connect_pending(t));
	if (is == TLS_FAILED)
		assert(tls_connect_read(t, away, 1, &n) == TLS_FAILED);
	return is == TLS_WANT_READ || is == TLS_WANT_WRITE;
}

/* What the input lays over the server's octets. */
static void
lay_over(const uint8_t **in, size_t *left, char *p, size_t n)
{
	size_t	at = 0;

	while (*left >= 2 && at + (*in)[0] < n) {
		at += (*in)[0];
		p[at] = (char)(p[at] ^ (*in)[1]);
		at++;
		*in += 2;
		*left -= 2;
	}
}

static void
by_server(struct tls_connect *t, int fd, uint8_t how, const uint8_t *in,
    size_t left)
{
	SSL	*s = SSL_new(contexts[how >> 1 & 1]);
	BIO	*to = BIO_new(BIO_s_mem()), *from = BIO_new(BIO_s_mem());
	char	 octets[32768];
	bool	 done = false, goes_on = true;
	ssize_t	 n;

	SSL_set_bio(s, to, from);
	SSL_set_accept_state(s);
	for (unsigned i = 0; i < 8 && goes_on; i++) {
		goes_on = step(t, (enum ask)(how >> 2 & 3), &done);
		while ((n = read(fd, octets, sizeof(octets))) > 0)
			BIO_write(to, octets, (int)n);
		ERR_clear_error();
		if (SSL_do_handshake(s) == 1) {
			(void)SSL_write(s, "220 mx\r\n", 8);
			(void)SSL_read(s, octets, sizeof(octets));
		}
		while ((n = BIO_read(from, octets, sizeof(octets))) > 0) {
			lay_over(&in, &left, octets, (size_t)n);
			if (write(fd, octets, (size_t)n) != n)
				goes_on = false;
		}
	}
	SSL_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	struct tls_connect	*t;
	bool			 done = false;
	int			 fds[2];

	if (connector == NULL)
		start();
	if (n < 1 || n > 100000)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1)
		abort();
	t = open_client(fds[0], (enum ask)(in[0] >> 2 & 3));
	if (in[0] & 1) {
		by_server(t, fds[1], in[0], in + 1, n - 1);
	} else {
		(void)step(t, (enum ask)(in[0] >> 2 & 3), &done);
		if (write(fds[1], in + 1, n - 1) == (ssize_t)(n - 1) && !done)
			(void)step(t, (enum ask)(in[0] >> 2 & 3), &done);
		(void)shutdown(fds[1], SHUT_WR);
	}
	tls_connect_close(t);
	tls_connect_free(&t);
	close(fds[0]);
	close(fds[1]);
	ERR_clear_error();
	return 0;
}
