/*
 * tls.c - one connection of a server: handshake, octets in, octets out.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "base/tls_int.h"
#include "base/xalloc.h"

#define RECORD_MAX	(16u << 10)	/* octets of content; RFC 8446, 5.1 */

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

	assert(ts->dflt != NULL);	/* tls_server_ready() */
	t->server = tls_server_ref(ts);
	t->ssl = SSL_new(ts->dflt->ctx);
	assert(t->ssl != NULL);
	tls_wire_init(&t->wire, t->ssl, fd, TLS_HANDSHAKE_OCTETS);
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
	enum tls_result	is = tls_wire_result(&t->wire, t->ssl, r);

	if (is == TLS_FAILED)
		return fail(t, t->wire.why);
	if (is == TLS_CLOSED && t->wire.eof)
		t->failed = true;
	return is;
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
		t->shaken = t->wire.shaken = true;
		tls_wire_more(&t->wire, TLS_RUN_OCTETS);
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
		tls_wire_more(&t->wire, TLS_RUN_OCTETS);
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
