/*
 * tls.c - one connection: handshake, octets in, octets out.
 *
 * OpenSSL reads and writes through a BIO of ours: it counts octets, so that
 * neither a handshake nor one turn is without an end; it sends without SIGPIPE;
 * and it knows the end of the stream from an error.  OpenSSL reads ahead: one
 * recv takes what is there, instead of one for the five octets of a record's
 * head and another for the rest.  For that tls_pending() has to be asked.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "base/tls_int.h"
#include "base/xalloc.h"

#define RECORD_MAX	(16u << 10)	/* octets of content; RFC 8446, 5.1 */

/* --- the descriptor */

static int
bio_read(BIO *b, char *to, int n)
{
	struct tls	*t = BIO_get_data(b);
	uint64_t	 room = t->in_max - t->in;
	ssize_t		 got;

	BIO_clear_retry_flags(b);
	if (n <= 0 || t->eof)
		return 0;
	if (room == 0) {
		/* A handshake that long is refused, later it is a turn's end. */
		if (t->shaken)
			BIO_set_retry_read(b);
		else
			t->why = "the client's handshake is too long";
		return -1;
	}
	got = recv(t->fd, to, room < (size_t)n ? room : (size_t)n, 0);
	if (got > 0)
		t->in += (uint64_t)got;
	else if (got == 0)
		t->eof = true;
	else if (errno == EAGAIN || errno == EINTR)
		BIO_set_retry_read(b);
	else
		t->error = errno;
	return (int)got;
}

static int
bio_write(BIO *b, const char *from, int n)
{
	struct tls	*t = BIO_get_data(b);
	ssize_t		 put;

	BIO_clear_retry_flags(b);
	put = send(t->fd, from, (size_t)n, MSG_NOSIGNAL);
	if (put == -1 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(b);
	else if (put == -1)
		t->error = errno;
	return (int)put;
}

static long
bio_ctrl(BIO *b, int what, long n, void *p)
{
	const struct tls	*t = BIO_get_data(b);

	(void)n;
	(void)p;
	switch (what) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return t->eof;
	default:
		return 0;
	}
}

static const BIO_METHOD *
bio_method(void)
{
	static BIO_METHOD	*m;

	if (m == NULL) {
		m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
		    "descriptor");
		assert(m != NULL);
		BIO_meth_set_read(m, bio_read);
		BIO_meth_set_write(m, bio_write);
		BIO_meth_set_ctrl(m, bio_ctrl);
	}
	return m;
}

/* --- life */

/* Without keys of tickets none may be promised. */
static void
set_tickets(struct tls *t)
{
	if (t->server->ticket_s > 0 && tls_tickets_any(t->server->tickets))
		return;
	SSL_set_options(t->ssl, SSL_OP_NO_TICKET);
	SSL_set_num_tickets(t->ssl, 0);
}

struct tls *
tls_new(struct tls_server *ts, int fd, void (*ready)(void *), void *arg)
{
	struct tls	*t = xcalloc(1, sizeof(*t));
	BIO		*b;

	assert(ts->dflt != NULL);	/* tls_server_ready() */
	t->server = tls_server_ref(ts);
	t->fd = fd;
	t->in_max = TLS_HANDSHAKE_OCTETS;
	t->ssl = SSL_new(ts->dflt->ctx);
	b = BIO_new(bio_method());
	assert(t->ssl != NULL && b != NULL);
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b);	/* it has b now */
	SSL_set_app_data(t->ssl, t);
	SSL_set_accept_state(t->ssl);
	set_tickets(t);
	tls_wait_init(&t->wait, ready, arg);
	return t;
}

void
tls_free(struct tls **tp)
{
	struct tls	*t = *tp;

	if (t == NULL)
		return;
	*tp = NULL;
	if (tls_wait_parked(&t->wait))	/* nobody hears its alert */
		SSL_set0_wbio(t->ssl, BIO_new(BIO_s_null()));
	tls_wait_end(&t->wait, t->ssl);
	SSL_free(t->ssl);
	tls_server_unref(&t->server);
	ERR_clear_error();
	free(t->sni);
	free(t->name);
	free(t);
}

/* --- results */

static enum tls_result
fail(struct tls *t, const char *why)
{
	t->failed = true;
	if (t->why == NULL)
		t->why = why;
	return TLS_FAILED;
}

/* After a call that has not done all. */
static enum tls_result
result(struct tls *t, int r)
{
	int		 is = SSL_get_error(t->ssl, r);
	const char	*reason;

	switch (is) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_WANT_ASYNC:
		return TLS_PARKED;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_CLOSED;
	}
	if (t->error != 0)
		return fail(t, strerror(t->error));
	if (t->eof) {
		t->failed = true;
		return TLS_CLOSED;
	}
	reason = ERR_reason_error_string(ERR_peek_last_error());
	return fail(t, reason != NULL ? reason : "no cause is known");
}

const char *
tls_why(const struct tls *t)
{
	return t->why == NULL ? "-" : t->why;
}

/* --- handshake */

enum tls_result
tls_handshake(struct tls *t)
{
	enum tls_result	is = TLS_DONE;
	int		r;

	assert(!t->failed && !t->shaken);
	ERR_clear_error();
	if ((r = tls_wait_handshake(&t->wait, t->ssl)) != 1)
		is = result(t, r);
	else if (!tls_client_look(t))
		is = fail(t, "the client's certificate has run out");
	else {
		t->shaken = true;
		t->in_max = t->in + TLS_RUN_OCTETS;
	}
	ERR_clear_error();
	return is;
}

/* --- octets */

enum tls_result
tls_read(struct tls *t, void *to, size_t n, size_t *got)
{
	enum tls_result	is = TLS_DONE;
	int		r;

	assert(t->shaken);
	*got = 0;
	if (t->failed)
		return t->why == NULL ? TLS_CLOSED : TLS_FAILED;
	if (t->dry)
		t->in_max = t->in + TLS_RUN_OCTETS;
	t->dry = false;
	ERR_clear_error();
	r = SSL_read_ex(t->ssl, to, n, got);
	if (r != 1) {
		is = result(t, r);
		t->dry = true;
		ERR_clear_error();
	}
	return is;
}

bool
tls_pending(const struct tls *t)
{
	return t->shaken && !t->failed && !t->dry && SSL_has_pending(t->ssl);
}

enum tls_result
tls_write(struct tls *t, const void *from, size_t n, size_t *put)
{
	enum tls_result	is = TLS_DONE;
	int		r;

	assert(t->shaken && n > 0);
	*put = 0;
	if (t->failed)
		return t->why == NULL ? TLS_CLOSED : TLS_FAILED;
	ERR_clear_error();
	r = SSL_write_ex(t->ssl, from, n < RECORD_MAX ? n : RECORD_MAX, put);
	if (r != 1) {
		is = result(t, r);
		ERR_clear_error();
	}
	return is;
}

void
tls_close(struct tls *t)
{
	if (!t->shaken || t->failed || t->closed)
		return;
	t->closed = true;
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}
