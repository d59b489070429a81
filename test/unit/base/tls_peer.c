/*
 * tls_peer.c - certificates and clients for tests.
 */
#include "config.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/xalloc.h"

#include "test/unit/base/tls_peer.h"

static void
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX	 ctx;
	X509_EXTENSION	*e;

	if (value == NULL)
		return;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert(e != NULL);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static char *
pem_of(X509 *x)
{
	BIO	*b = BIO_new(BIO_s_mem());
	char	*p, *text;
	long	 n;

	PEM_write_bio_X509(b, x);
	n = BIO_get_mem_data(b, &p);
	text = xstrndup(p, (size_t)n);
	BIO_free(b);
	return text;
}

struct made
made_new(const struct made_how *how)
{
	static long	 serial;
	struct made	 m;
	X509_NAME	*name;
	const struct made *by = how->by != NULL ? how->by : &m;

	m.key = *how->type == 'R' ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	m.cert = X509_new();
	X509_set_version(m.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(m.cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(m.cert), -86400L * 30);
	X509_gmtime_adj(X509_getm_notAfter(m.cert), 86400L * how->days);
	name = X509_get_subject_name(m.cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)how->common, -1, -1, 0);
	X509_set_issuer_name(m.cert, X509_get_subject_name(by->cert));
	X509_set_pubkey(m.cert, m.key);
	if (how->ca)
		extend(m.cert, by->cert, NID_basic_constraints,
		    "critical,CA:TRUE");
	extend(m.cert, by->cert, NID_subject_alt_name, how->alt);
	extend(m.cert, by->cert, NID_ext_key_usage, how->usage);
	assert(X509_sign(m.cert, by->key, EVP_sha256()) > 0);
	m.pem = pem_of(m.cert);
	return m;
}

void
made_clear(struct made *m)
{
	EVP_PKEY_free(m->key);
	X509_free(m->cert);
	free(m->pem);
}

SSL_CTX *
client_context(int version)
{
	SSL_CTX	*ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_security_level(ctx, version < TLS1_2_VERSION ? 0 : 2);
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	return ctx;
}

static void
ready(void *arg)
{
	(void)arg;
}

void
pair_open(struct pair *p, struct tls_server *ts, SSL_CTX *ctx,
    const char *name, SSL_SESSION *session)
{
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    p->fds) == 0);
	p->server = tls_new(ts, p->fds[0], ready, NULL);
	p->client = SSL_new(ctx);
	SSL_set_fd(p->client, p->fds[1]);
	SSL_set_connect_state(p->client);
	if (name != NULL)
		SSL_set_tlsext_host_name(p->client, name);
	if (session != NULL)
		SSL_set_session(p->client, session);
	p->is = TLS_WANT_READ;
	p->client_is = SSL_ERROR_WANT_READ;
}

static void
shake_client(struct pair *p)
{
	int	r;

	if (p->client_is != SSL_ERROR_WANT_READ &&
	    p->client_is != SSL_ERROR_WANT_WRITE)
		return;
	ERR_clear_error();
	r = SSL_do_handshake(p->client);
	p->client_is = r == 1 ? SSL_ERROR_NONE :
	    SSL_get_error(p->client, r);
}

bool
pair_shake(struct pair *p)
{
	for (unsigned i = 0; i < 20; i++) {
		shake_client(p);
		if (p->is == TLS_WANT_READ || p->is == TLS_WANT_WRITE)
			p->is = tls_handshake(p->server);
	}
	return p->is == TLS_DONE && p->client_is == SSL_ERROR_NONE;
}

void
pair_close(struct pair *p)
{
	tls_free(&p->server);
	SSL_free(p->client);
	close(p->fds[0]);
	close(p->fds[1]);
	ERR_clear_error();
}
