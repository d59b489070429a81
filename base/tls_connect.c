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

#define RECORD_MAX	(16u << 10)	/* octets of content; RFC 8446, 5.1 */

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
	if (t->shaken)
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
	if (t->shaken || error == X509_V_OK ||
	    SSL_get_verify_mode(t->ssl) == SSL_VERIFY_NONE)
		return;
	if (last != SSL_R_CERTIFICATE_VERIFY_FAILED)
		return;
	t->why = X509_verify_cert_error_string(error);
	t->class = tls_demand_class(error);
}

static enum tls_result
result(struct tls_connect *t, int r)
{
	enum tls_result	is = tls_wire_result(&t->wire, t->ssl, r);

	if (is == TLS_FAILED) {
		explain(t);
		if (t->why == NULL)
			t->why = t->wire.why;
		t->failed = true;
	} else if (is == TLS_CLOSED && !t->shaken) {
		t->class = TLS_CLASS_FAILURE;
		t->why = "the peer has closed in the handshake";
		t->failed = true;
	} else if (is == TLS_CLOSED && t->wire.eof) {
		t->failed = true;
	}
	return is;
}

const char *
tls_connect_why(const struct tls_connect *t)
{
	return t->why == NULL ? "-" : t->why;
}

enum tls_class
tls_connect_class(const struct tls_connect *t)
{
	return t->class;
}

/* --- handshake */

enum tls_result
tls_connect_handshake(struct tls_connect *t)
{
	enum tls_result	is = TLS_DONE;
	int		r;

	assert(!t->failed && !t->shaken);
	ERR_clear_error();
	r = t->connector->remote ? tls_wait_handshake(&t->wait, t->ssl) :
	    SSL_do_handshake(t->ssl);
	if (r != 1) {
		is = result(t, r);
		if (t->failed && t->keeps)
			tls_sessions_drop(t->connector->sessions, t->key);
	} else {
		t->shaken = t->wire.shaken = true;
		tls_wire_more(&t->wire, TLS_RUN_OCTETS);
	}
	ERR_clear_error();
	return is;
}

/* --- octets */

enum tls_result
tls_connect_read(struct tls_connect *t, void *to, size_t n, size_t *got)
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
tls_connect_pending(const struct tls_connect *t)
{
	return t->shaken && !t->failed && !t->dry && SSL_has_pending(t->ssl);
}

bool
tls_connect_waiting(struct tls_connect *t)
{
	char	octet;
	size_t	n = 0;

	if (!t->shaken || t->failed)
		return false;
	if (t->dry)
		tls_wire_more(&t->wire, TLS_RUN_OCTETS);
	t->dry = false;		/* what was read ahead has to be looked at */
	ERR_clear_error();
	if (SSL_peek_ex(t->ssl, &octet, 1, &n) != 1)
		n = 0;
	ERR_clear_error();
	return n > 0;
}

enum tls_result
tls_connect_write(struct tls_connect *t, const void *from, size_t n,
    size_t *put)
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
tls_connect_close(struct tls_connect *t)
{
	if (!t->shaken || t->failed || t->closed)
		return;
	t->closed = true;
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

/* --- what was agreed on */

/*
 * Of a session that is taken up again OpenSSL has the result of the first
 * handshake, which had the same demand.
 */
enum tls_reached
tls_connect_reached(const struct tls_connect *t)
{
	if (!t->shaken)
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

	if (!t->shaken)
		return 0;
	n = which == TLS_BINDING_EXPORTER ? tls_exporter(t->ssl, out) :
	    tls_certificate_hash(SSL_get0_peer_certificate(t->ssl), out);
	ERR_clear_error();
	return n;
}
