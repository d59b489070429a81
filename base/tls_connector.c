/*
 * tls_connector.c - whom to trust, and ways to connect.
 *
 * The system's openssl.cnf is not read: what is allowed stands here.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/tls_connect_int.h"
#include "base/tls_int.h"
#include "base/xalloc.h"

#define GROUPS		"X25519:P-256:P-384"
#define DEPTH_MAX	10		/* certificates between the peer's and a trusted one */
#define PEER_CHAIN_MAX	(64 << 10)	/* octets of what a peer may show */

/* --- authorities */

/* What stands there twice is no mistake. */
static bool
trust(struct tls_trust *t, const STACK_OF(X509) *all)
{
	for (int i = 0; i < sk_X509_num(all); i++)
		if (X509_STORE_add_cert(t->store, sk_X509_value(all, i)) != 1)
			return false;
	t->n = (size_t)sk_X509_num(all);
	X509_STORE_set_flags(t->store, X509_V_FLAG_PARTIAL_CHAIN);
	return true;
}

struct tls_trust *
tls_trust_new(struct span pem, const char **why)
{
	struct tls_trust	*t;
	STACK_OF(X509)		*all;

	if ((all = tls_pem_read(pem, why)) == NULL)
		return NULL;
	t = xcalloc(1, sizeof(*t));
	t->refs = 1;
	t->store = X509_STORE_new();
	digest_sha256(pem, t->digest);
	if (t->store == NULL || !trust(t, all)) {
		*why = "an authority cannot be used";
		tls_trust_unref(&t);
	}
	sk_X509_pop_free(all, X509_free);
	ERR_clear_error();
	return t;
}

struct tls_trust *
tls_trust_ref(struct tls_trust *t)
{
	if (t != NULL)
		t->refs++;
	return t;
}

void
tls_trust_unref(struct tls_trust **tp)
{
	struct tls_trust	*t = *tp;

	*tp = NULL;
	if (t == NULL || --t->refs > 0)
		return;
	X509_STORE_free(t->store);
	free(t);
}

size_t
tls_trust_count(const struct tls_trust *t)
{
	return t == NULL ? 0 : t->n;
}

/* --- a context */

/*
 * The end of the stream without a close_notify is no attack where the protocol
 * inside says itself when it is done.
 */
static bool
set_protocol(SSL_CTX *ctx, bool only_1_3)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_max_cert_list(ctx, PEER_CHAIN_MAX);
	SSL_CTX_set_verify_depth(ctx, DEPTH_MAX);
	return SSL_CTX_set_min_proto_version(ctx, only_1_3 ? TLS1_3_VERSION :
	    TLS1_2_VERSION) == 1 && SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 &&
	    SSL_CTX_dane_enable(ctx) == 1;
}

/* The peer asks for a certificate; what we have stands in the context. */
static int
asked_cb(SSL *ssl, void *arg)
{
	struct tls_connect	*t = SSL_get_app_data(ssl);

	(void)arg;
	t->asked = true;
	return 1;
}

static int
new_session_cb(SSL *ssl, SSL_SESSION *session)
{
	struct tls_connect	*t = SSL_get_app_data(ssl);

	if (!t->keeps || SSL_SESSION_is_resumable(session) != 1)
		return 0;
	tls_sessions_put(t->connector->sessions, t->key, session);
	return 1;
}

static void
set_callbacks(struct tls_connector *c)
{
	SSL_CTX_set_cert_cb(c->ctx, asked_cb, NULL);
	if (c->sessions == NULL) {
		SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
		return;
	}
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c->ctx, new_session_cb);
	SSL_CTX_set_timeout(c->ctx, TLS_SESSION_S);
}

static bool
set_certificate(struct tls_connector *c, const struct tls_connector_options *o,
    const char **why)
{
	const struct tls_certificate	 in = { .chain = o->chain,
		.key = o->key, .signer = o->signer };
	struct tls_cert			*cert;
	bool				 good;

	if (o->chain.n == 0)
		return true;
	if ((cert = tls_cert_new(&in, why)) == NULL)
		return false;
	*why = "the key does not belong to the certificate";
	good = X509_check_private_key(cert->leaf, cert->key) == 1 &&
	    SSL_CTX_use_certificate(c->ctx, cert->leaf) == 1 &&
	    SSL_CTX_use_PrivateKey(c->ctx, cert->key) == 1 &&
	    SSL_CTX_set1_chain(c->ctx, cert->chain) == 1;
	tls_cert_free(&cert);
	c->remote = o->key == NULL;
	return good;
}

static void
set_digest(struct tls_connector *c, const struct tls_connector_options *o)
{
	struct buf	all = { 0 };

	buf_add_char(&all, o->only_1_3 ? '3' : '2');
	if (c->trust != NULL)
		buf_add_span(&all, span_mem(c->trust->digest,
		    sizeof(c->trust->digest)));
	buf_add_char(&all, c->trust != NULL ? 'T' : '-');
	buf_add_span(&all, o->chain);
	digest_sha256(buf_span(&all), c->digest);
	buf_clear(&all);
}

struct tls_connector *
tls_connector_new(const struct tls_connector_options *o, const char **why)
{
	struct tls_connector	*c = xcalloc(1, sizeof(*c));

	tls_load();
	c->refs = 1;
	c->trust = tls_trust_ref(o->trust);
	c->sessions = o->sessions;
	c->ctx = SSL_CTX_new(TLS_client_method());
	*why = "OpenSSL here lacks TLS 1.2, TLS 1.3 or their groups";
	if (c->ctx == NULL || !set_protocol(c->ctx, o->only_1_3) ||
	    !set_certificate(c, o, why)) {
		ERR_clear_error();
		tls_connector_unref(&c);
		return NULL;
	}
	if (c->trust != NULL)
		SSL_CTX_set1_verify_cert_store(c->ctx, c->trust->store);
	set_callbacks(c);
	set_digest(c, o);
	return c;
}

struct tls_connector *
tls_connector_ref(struct tls_connector *c)
{
	c->refs++;
	return c;
}

void
tls_connector_unref(struct tls_connector **cp)
{
	struct tls_connector	*c = *cp;

	*cp = NULL;
	if (c == NULL || --c->refs > 0)
		return;
	SSL_CTX_free(c->ctx);
	tls_trust_unref(&c->trust);
	free(c);
}
