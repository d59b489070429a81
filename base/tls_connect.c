/*
 * tls_connect.c - one connection of a client: handshake, octets in, octets out.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "base/tls_connect_int.h"
#include "base/tls_int.h"
#include "base/xalloc.h"


/* --- life */

static void
take_up(struct tls_connect *t, const struct tls_target *to)
{
	SSL_SESSION	*session;

	t->keeps = to->peer.n > 0 && t->connector->sessions != NULL;
	if (!t->keeps)
		return;
	tls_demand_key(t, to, t->key);
	session = tls_sessions_get(t->connector->sessions, t->key);
	if (session == NULL)
		return;
	(void)SSL_set_session(t->ssl, session);
	SSL_SESSION_free(session);
}

struct tls_connect *
tls_connect_new(struct tls_connector *c, int fd, const struct tls_target *to,
    void (*ready)(void *), void *arg, const char **why)
{
	struct tls_connect	*t = xcalloc(1, sizeof(*t));

	t->connector = tls_connector_ref(c);
	t->check = to->check;
	t->ssl = SSL_new(c->ctx);
	assert(t->ssl != NULL);
	tls_wire_init(&t->wire, t->ssl, fd, TLS_CONNECT_OCTETS);
	SSL_set_app_data(t->ssl, t);
	SSL_set_connect_state(t->ssl);
	tls_wait_init(&t->wait, ready, arg);
	if (!tls_demand_set(t, to, why)) {
		ERR_clear_error();
		tls_connect_free(&t);
		return NULL;
	}
	take_up(t, to);
	return t;
}

void
tls_connect_free(struct tls_connect **tp)
{
	struct tls_connect	*t = *tp;

	if (t == NULL)
		return;
	*tp = NULL;
	if (tls_wait_parked(&t->wait))	/* nobody hears its alert */
		SSL_set0_wbio(t->ssl, BIO_new(BIO_s_null()));
	tls_wait_end(&t->wait, t->ssl);
	/* Else OpenSSL takes the session for one that must not be taken up again. */
	if (t->wire.shaken)
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN |
		    SSL_RECEIVED_SHUTDOWN);
	SSL_free(t->ssl);
	tls_connector_unref(&t->connector);
	ERR_clear_error();
	free(t);
}

/* --- results */

/* A certificate that was not good enough says more than OpenSSL's last error. */
static void
explain(struct tls_connect *t)
{
	long	error = SSL_get_verify_result(t->ssl);
	int	last = ERR_GET_REASON(ERR_peek_last_error());

	t->class = TLS_CLASS_FAILURE;
	if (error == X509_V_OK ||
	    SSL_get_verify_mode(t->ssl) == SSL_VERIFY_NONE)
		return;
	if (last != SSL_R_CERTIFICATE_VERIFY_FAILED)
		return;
	t->wire.why = X509_verify_cert_error_string(error);
	t->class = tls_demand_class(error);
}

const char *
tls_connect_why(const struct tls_connect *t)
{
	return t->wire.why == NULL ? "-" : t->wire.why;
}

enum tls_class
tls_connect_class(const struct tls_connect *t)
{
	return t->class;
}

/* --- handshake */

static enum tls_result
not_shaken(struct tls_connect *t, int r)
{
	enum tls_result	is = tls_wire_result(&t->wire, r);

	if (is == TLS_CLOSED) {
		(void)tls_wire_fail(&t->wire,
		    "the peer has closed in the handshake");
		t->class = TLS_CLASS_FAILURE;
	} else if (is == TLS_FAILED)
		explain(t);
	if (t->wire.failed && t->keeps)
		tls_sessions_drop(t->connector->sessions, t->key);
	return is;
}

enum tls_result
tls_connect_handshake(struct tls_connect *t)
{
	enum tls_result	is = TLS_DONE;
	int		r;

	assert(!t->wire.failed && !t->wire.shaken);
	ERR_clear_error();
	r = t->connector->remote ? tls_wait_handshake(&t->wait, t->ssl) :
	    SSL_do_handshake(t->ssl);
	if (r != 1)
		is = not_shaken(t, r);
	else
		tls_wire_shaken(&t->wire);
	ERR_clear_error();
	return is;
}

/* --- octets */

/* What fails behind the handshake has no class of its own. */
static enum tls_result
classed(struct tls_connect *t, enum tls_result is)
{
	if (is == TLS_FAILED && t->class == TLS_CLASS_NONE)
		t->class = TLS_CLASS_FAILURE;
	return is;
}

enum tls_result
tls_connect_read(struct tls_connect *t, void *to, size_t n, size_t *got)
{
	return classed(t, tls_wire_read(&t->wire, to, n, got));
}

bool
tls_connect_pending(const struct tls_connect *t)
{
	return tls_wire_pending(&t->wire);
}

bool
tls_connect_waiting(struct tls_connect *t)
{
	return tls_wire_waiting(&t->wire);
}

enum tls_result
tls_connect_write(struct tls_connect *t, const void *from, size_t n,
    size_t *put)
{
	return classed(t, tls_wire_write(&t->wire, from, n, put));
}

void
tls_connect_close(struct tls_connect *t)
{
	tls_wire_close(&t->wire);
}

/* --- what was agreed on */

/*
 * Of a session that is taken up again OpenSSL has the result of the first
 * handshake, which had the same demand.
 */
enum tls_reached
tls_connect_reached(const struct tls_connect *t)
{
	if (!t->wire.shaken)
		return TLS_REACHED_CLEAR;
	if (t->usable > 0)
		return TLS_REACHED_DANE;
	return t->names && t->check != TLS_CHECK_DANE &&
	    SSL_get_verify_result(t->ssl) == X509_V_OK ?
	    TLS_REACHED_VERIFIED : TLS_REACHED_ENCRYPTED;
}

const char *
tls_connect_unverified(const struct tls_connect *t)
{
	long	error = SSL_get_verify_result(t->ssl);

	if (tls_connect_reached(t) != TLS_REACHED_ENCRYPTED ||
	    error == X509_V_OK)
		return "-";
	return X509_verify_cert_error_string(error);
}

enum tls_class
tls_connect_lacks(const struct tls_connect *t)
{
	if (tls_connect_reached(t) != TLS_REACHED_ENCRYPTED)
		return TLS_CLASS_NONE;
	return tls_demand_class(SSL_get_verify_result(t->ssl));
}

const char *
tls_connect_version(const struct tls_connect *t)
{
	return SSL_get_version(t->ssl);
}

const char *
tls_connect_cipher(const struct tls_connect *t)
{
	return SSL_get_cipher_name(t->ssl);
}

bool
tls_connect_resumed(const struct tls_connect *t)
{
	return SSL_session_reused(t->ssl);
}

bool
tls_connect_asked(const struct tls_connect *t)
{
	return t->asked;
}

bool
tls_connect_shown(const struct tls_connect *t)
{
	return t->asked && SSL_get_certificate(t->ssl) != NULL;
}

size_t
tls_connect_usable(const struct tls_connect *t)
{
	return t->usable;
}

size_t
tls_connect_binding(const struct tls_connect *t, enum tls_binding which,
    uint8_t out[TLS_BINDING_MAX])
{
	size_t	n;

	if (!t->wire.shaken)
		return 0;
	n = which == TLS_BINDING_EXPORTER ? tls_exporter(t->ssl, out) :
	    tls_certificate_hash(SSL_get0_peer_certificate(t->ssl), out);
	ERR_clear_error();
	return n;
}
