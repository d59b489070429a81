/*
 * tls_server.c - configurations: contexts of OpenSSL, and how they are set.
 *
 * The system's openssl.cnf is not read: what is allowed stands here, and in the
 * policy.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "base/digest.h"
#include "base/tls_int.h"
#include "base/xalloc.h"

/* For TLS 1.2 (RFC 9325, 4.2); 1.3 has nothing else. */
#define CIPHERS		"ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS		"X25519:P-256:P-384"
#define SECURITY_LEVEL	2		/* 112 bits: RSA from 2048, no SHA-1 */
#define CLIENT_CHAIN_MAX (32 << 10)	/* octets of what a client may show */

void
tls_load(void)
{
	static bool	loaded;

	if (loaded)
		return;
	loaded = true;
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

bool
tls_ciphers_known(const char *list)
{
	SSL_CTX	*ctx;
	bool	 known;

	tls_load();
	ctx = SSL_CTX_new(TLS_server_method());
	known = ctx != NULL && SSL_CTX_set_cipher_list(ctx, list) == 1;
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return known;
}

/* --- one context */

static int
alpn_cb(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *arg)
{
	const struct tls_server	*ts = arg;
	struct span		 ours = span_of(ts->protocol), rest, one;

	(void)ssl;
	if (ts->protocol == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	for (rest = span_mem(in, inlen); rest.n > 0;
	    rest = span_from(rest, 1 + one.n)) {
		one.n = (unsigned char)rest.p[0];
		if (one.n > rest.n - 1)
			break;
		one.p = rest.p + 1;
		if (!span_eq(one, ours))
			continue;
		*out = (const unsigned char *)one.p;
		*outlen = (unsigned char)one.n;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;	/* no_application_protocol */
}

static bool
set_protocol(const struct tls_server *ts, SSL_CTX *ctx, const char **why)
{
	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	if (!SSL_CTX_set_min_proto_version(ctx, ts->only_1_3 ?
	    TLS1_3_VERSION : TLS1_2_VERSION) ||
	    !SSL_CTX_set1_groups_list(ctx, GROUPS)) {
		*why = "OpenSSL here lacks TLS 1.2, TLS 1.3 or their groups";
		return false;
	}
	if (!SSL_CTX_set_cipher_list(ctx, ts->ciphers != NULL ?
	    ts->ciphers : CIPHERS)) {
		*why = "no cipher of the list is known";
		return false;
	}
	return true;
}

/*
 * Buffers are given back while nothing is in them.  OpenSSL shall not look in the
 * authorities of clients for a chain of our own.
 */
static void
set_ways(SSL_CTX *ctx)
{
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_max_cert_list(ctx, CLIENT_CHAIN_MAX);
}

/* Sessions live in tickets only, which every worker can open. */
static void
set_resumption(const struct tls_server *ts, SSL_CTX *ctx)
{
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, ts->context_id,
	    sizeof(ts->context_id));
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, tls_tickets_cb);
	SSL_CTX_set_session_ticket_cb(ctx, tls_agreed_keep, NULL, NULL);
	SSL_CTX_set_num_tickets(ctx, 1);
	if (ts->ticket_s > 0)
		SSL_CTX_set_timeout(ctx, (long)ts->ticket_s);
}

static void
set_callbacks(struct tls_server *ts, SSL_CTX *ctx)
{
	SSL_CTX_set_tlsext_servername_callback(ctx, tls_names_cb);
	SSL_CTX_set_tlsext_servername_arg(ctx, ts);
	SSL_CTX_set_tlsext_status_cb(ctx, tls_staple_cb);
	SSL_CTX_set_tlsext_status_arg(ctx, ts);
	SSL_CTX_set_alpn_select_cb(ctx, alpn_cb, ts);
}

static bool
set_cert(SSL_CTX *ctx, const struct tls_cert *c, const char **why)
{
	if (SSL_CTX_use_certificate(ctx, c->leaf) != 1) {
		*why = "the certificate cannot be used: its key is too short, "
		    "or its signature too weak";
		return false;
	}
	if (X509_check_private_key(c->leaf, c->key) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, c->key) != 1) {
		*why = "the key does not belong to the certificate";
		return false;
	}
	if (SSL_CTX_set1_chain(ctx, c->chain) != 1) {
		*why = "a certificate of the chain cannot be used";
		return false;
	}
	return true;
}

SSL_CTX *
tls_context_new(struct tls_server *ts, struct tls_cert *const by[],
    const char **why)
{
	SSL_CTX	*ctx;
	bool	 good;

	if ((ctx = SSL_CTX_new(TLS_server_method())) == NULL) {
		*why = "OpenSSL gives no context";
		return NULL;
	}
	good = set_protocol(ts, ctx, why);
	for (unsigned i = 0; good && i < TLS_NTYPES; i++)
		good = by[i] == NULL || set_cert(ctx, by[i], why);
	if (!good) {
		ERR_clear_error();
		SSL_CTX_free(ctx);
		return NULL;
	}
	set_ways(ctx);
	set_resumption(ts, ctx);
	set_callbacks(ts, ctx);
	tls_clients_context(ts, ctx);
	return ctx;
}

/* --- a configuration */

/*
 * A ticket that was given while other authorities were trusted, or while nobody
 * asked for certificates, opens nothing: there will be a full handshake.
 */
static void
set_context_id(struct tls_server *ts, const struct tls_options *o)
{
	uint8_t	of[33];

	_Static_assert(sizeof(ts->context_id) <= SSL_MAX_SID_CTX_LENGTH,
	    "OpenSSL takes a whole SHA-256");
	digest_sha256(o->authorities, of);
	of[32] = (uint8_t)o->clients;
	digest_sha256(span_mem(of, sizeof(of)), ts->context_id);
}

struct tls_server *
tls_server_new(const struct tls_options *o, const char **why)
{
	struct tls_server	*ts = xcalloc(1, sizeof(*ts));

	tls_load();
	ts->refs = 1;
	ts->only_1_3 = o->only_1_3;
	ts->clients = o->clients;
	ts->ciphers = o->ciphers == NULL ? NULL : xstrdup(o->ciphers);
	ts->protocol = o->protocol == NULL ? NULL : xstrdup(o->protocol);
	ts->tickets = o->tickets;
	ts->ticket_s = o->tickets == NULL ? 0 : o->ticket_s;
	set_context_id(ts, o);
	if (!tls_authorities_set(ts, o->authorities, why))
		tls_server_unref(&ts);
	return ts;
}

struct tls_server *
tls_server_ref(struct tls_server *ts)
{
	ts->refs++;
	return ts;
}

void
tls_server_unref(struct tls_server **tsp)
{
	struct tls_server	*ts = *tsp;

	if (ts == NULL)
		return;
	*tsp = NULL;
	assert(ts->refs > 0);
	if (--ts->refs > 0)
		return;
	tls_names_clear(ts);
	X509_STORE_free(ts->authorities);
	sk_X509_NAME_pop_free(ts->authority_names, X509_NAME_free);
	free(ts->ciphers);
	free(ts->protocol);
	free(ts);
}

bool
tls_server_add(struct tls_server *ts, const struct tls_certificate *in,
    const char **why)
{
	struct tls_cert	*by[TLS_NTYPES] = { NULL }, *c;
	SSL_CTX		*trial;

	assert(ts->sets == NULL);
	if ((c = tls_cert_new(in, why)) == NULL)
		return false;
	by[c->type] = c;
	if ((trial = tls_context_new(ts, by, why)) == NULL) {
		tls_cert_free(&c);
		return false;
	}
	SSL_CTX_free(trial);
	c->next = ts->certs;
	ts->certs = c;
	ts->ncerts++;
	tls_names_add(ts, c, in->host);
	*why = NULL;
	if (in->staple.n > 0)
		(void)tls_staple_set(c, in->staple, why);
	return true;
}

bool
tls_server_ready(struct tls_server *ts, const char **why)
{
	assert(ts->sets == NULL);
	if (ts->ncerts == 0) {
		*why = "there is no certificate";
		return false;
	}
	return tls_names_ready(ts, why);
}

size_t
tls_server_count(const struct tls_server *ts)
{
	return ts->ncerts;
}
