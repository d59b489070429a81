/*
 * tls_wire.c - a descriptor as OpenSSL sees it.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "base/tls_wire.h"

#define RECORD_MAX	(16u << 10)	/* octets of content; RFC 8446, 5.1 */

static int
bio_read(BIO *b, char *to, int n)
{
	struct tls_wire	*w = BIO_get_data(b);
	uint64_t	 room = w->in_max - w->in;
	ssize_t		 got;

	BIO_clear_retry_flags(b);
	if (n <= 0 || w->eof)
		return 0;
	if (room == 0) {
		/* A handshake that long is refused, later it is a turn's end. */
		if (w->shaken)
			BIO_set_retry_read(b);
		else
			w->why = "the peer's handshake is too long";
		return -1;
	}
	got = recv(w->fd, to, room < (size_t)n ? room : (size_t)n,
	    MSG_DONTWAIT);
	if (got > 0)
		w->in += (uint64_t)got;
	else if (got == 0)
		w->eof = true;
	else if (errno == EAGAIN || errno == EINTR)
		BIO_set_retry_read(b);
	else
		w->error = errno;
	return (int)got;
}

static int
bio_write(BIO *b, const char *from, int n)
{
	struct tls_wire	*w = BIO_get_data(b);
	ssize_t		 put;

	BIO_clear_retry_flags(b);
	put = send(w->fd, from, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (put == -1 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(b);
	else if (put == -1)
		w->error = errno;
	return (int)put;
}

static long
bio_ctrl(BIO *b, int what, long n, void *p)
{
	const struct tls_wire	*w = BIO_get_data(b);

	(void)n;
	(void)p;
	switch (what) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return w->eof;
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

void
tls_wire_init(struct tls_wire *w, SSL *ssl, int fd, uint64_t octets)
{
	BIO	*b = BIO_new(bio_method());

	assert(b != NULL);
	*w = (struct tls_wire){ .fd = fd, .in_max = octets, .ssl = ssl };
	BIO_set_data(b, w);
	BIO_set_init(b, 1);
	SSL_set_bio(ssl, b, b);		/* it has b now */
}

void
tls_wire_more(struct tls_wire *w, uint64_t octets)
{
	w->in_max = w->in + octets;
}

/* --- results */

enum tls_result
tls_wire_fail(struct tls_wire *w, const char *why)
{
	w->failed = true;
	if (w->why == NULL)
		w->why = why;
	return TLS_FAILED;
}

enum tls_result
tls_wire_result(struct tls_wire *w, int r)
{
	const char	*reason;

	switch (SSL_get_error(w->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_WANT_ASYNC:
		return TLS_PARKED;
	case SSL_ERROR_ZERO_RETURN:
		if (w->eof)
			w->failed = true;
		return TLS_CLOSED;
	}
	if (w->error != 0)
		reason = strerror(w->error);
	else if (w->eof) {
		w->failed = true;
		return TLS_CLOSED;
	} else
		reason = ERR_reason_error_string(ERR_peek_last_error());
	return tls_wire_fail(w, reason != NULL ? reason :
	    "no cause is known");
}

/* What a call says in a connection that has failed before. */
static enum tls_result
failed(const struct tls_wire *w)
{
	return w->why == NULL ? TLS_CLOSED : TLS_FAILED;
}

void
tls_wire_shaken(struct tls_wire *w)
{
	w->shaken = true;
	tls_wire_more(w, TLS_RUN_OCTETS);
}

/* --- octets */

/* A run of reads that has ended is followed by another. */
static void
begin_run(struct tls_wire *w)
{
	if (w->dry)
		tls_wire_more(w, TLS_RUN_OCTETS);
	w->dry = false;
	ERR_clear_error();
}

enum tls_result
tls_wire_read(struct tls_wire *w, void *to, size_t n, size_t *got)
{
	enum tls_result	is = TLS_DONE;
	int		r;

	assert(w->shaken);
	*got = 0;
	if (w->failed)
		return failed(w);
	begin_run(w);
	r = SSL_read_ex(w->ssl, to, n, got);
	if (r != 1) {
		is = tls_wire_result(w, r);
		w->dry = true;
		ERR_clear_error();
	}
	return is;
}

bool
tls_wire_pending(const struct tls_wire *w)
{
	return w->shaken && !w->failed && !w->dry && SSL_has_pending(w->ssl);
}

bool
tls_wire_waiting(struct tls_wire *w)
{
	char	octet;
	size_t	n = 0;

	if (!w->shaken || w->failed)
		return false;
	begin_run(w);		/* what was read ahead has to be looked at */
	if (SSL_peek_ex(w->ssl, &octet, 1, &n) != 1)
		n = 0;
	ERR_clear_error();
	return n > 0;
}

enum tls_result
tls_wire_write(struct tls_wire *w, const void *from, size_t n, size_t *put)
{
	enum tls_result	is = TLS_DONE;
	int		r;

	assert(w->shaken && n > 0);
	*put = 0;
	if (w->failed)
		return failed(w);
	ERR_clear_error();
	r = SSL_write_ex(w->ssl, from, n < RECORD_MAX ? n : RECORD_MAX, put);
	if (r != 1) {
		is = tls_wire_result(w, r);
		ERR_clear_error();
	}
	return is;
}

void
tls_wire_close(struct tls_wire *w)
{
	if (!w->shaken || w->failed || w->closed)
		return;
	w->closed = true;
	(void)SSL_shutdown(w->ssl);
	ERR_clear_error();
}
