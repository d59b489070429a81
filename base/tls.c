/*
 * tls.c - one connection of a server: handshake, octets in, octets out.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "base/tls_int.h"
#include "base/xalloc.h"


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

const char *
tls_why(const struct tls *t)
{
	return t->wire.why == NULL ? "-" : t->wire.why;
}

/* --- handshake */

enum tls_result
tls_handshake(struct tls *t)
{
	enum tls_result	is = TLS_DONE;
	int		r;

	assert(!t->wire.failed && !t->wire.shaken);
	ERR_clear_error();
	if ((r = tls_wait_handshake(&t->wait, t->ssl)) != 1)
		is = tls_wire_result(&t->wire, r);
	else if (!tls_client_look(t))
		is = tls_wire_fail(&t->wire,
		    "the client's certificate has run out");
	else
		tls_wire_shaken(&t->wire);
	ERR_clear_error();
	return is;
}

/* --- octets */

enum tls_result
tls_read(struct tls *t, void *to, size_t n, size_t *got)
{
	return tls_wire_read(&t->wire, to, n, got);
}

bool
tls_pending(const struct tls *t)
{
	return tls_wire_pending(&t->wire);
}

enum tls_result
tls_write(struct tls *t, const void *from, size_t n, size_t *put)
{
	return tls_wire_write(&t->wire, from, n, put);
}

void
tls_close(struct tls *t)
{
	tls_wire_close(&t->wire);
}
