/*
 * tls_client.c - certificates of clients: whether one is verified, and what it
 * is called.
 */
#include "config.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/tls_int.h"
#include "base/xalloc.h"

#define DEPTH_MAX	8	/* certificates between a client's and a trusted one */
#define SAID_MAX	32	/* names of authorities that a client is told */
#define NAME_OCTETS	255

/* --- whom we trust */

static bool
trust(struct tls_server *ts, X509 *x)
{
	X509_NAME	*name = X509_NAME_dup(X509_get_subject_name(x));

	if (name == NULL || X509_STORE_add_cert(ts->authorities, x) != 1 ||
	    sk_X509_NAME_push(ts->authority_names, name) == 0) {
		X509_NAME_free(name);
		return false;
	}
	return true;
}

bool
tls_authorities_set(struct tls_server *ts, struct span pem,
    const char **why)
{
	STACK_OF(X509)	*all;
	bool		 good = true;

	if (pem.n == 0) {
		if (ts->clients != TLS_CLIENTS_REQUIRED)
			return true;
		*why = "certificates are required and nobody is trusted";
		return false;
	}
	if ((all = tls_pem_read(pem, why)) == NULL)
		return false;
	ts->authorities = X509_STORE_new();
	ts->authority_names = sk_X509_NAME_new_null();
	if (ts->authorities == NULL || ts->authority_names == NULL)
		good = false;
	for (int i = 0; good && i < sk_X509_num(all); i++)
		good = trust(ts, sk_X509_value(all, i));
	sk_X509_pop_free(all, X509_free);
	if (!good)
		*why = "an authority cannot be used";
	/* What the administrator names is trusted, root or not. */
	else
		X509_STORE_set_flags(ts->authorities, X509_V_FLAG_PARTIAL_CHAIN);
	return good;
}

/*
 * What OpenSSL finds stays as the result; whether a handshake ends for it is a
 * question of `asked` or `required`.
 */
static int
verify_cb(X509_STORE_CTX *ctx, void *arg)
{
	const struct tls_server	*ts = arg;
	int			 is;

	if (ts->authorities == NULL) {
		X509_STORE_CTX_set_error(ctx,
		    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
		return ts->clients != TLS_CLIENTS_REQUIRED;
	}
	is = X509_verify_cert(ctx);
	if (is == 1)
		return 1;
	if (X509_STORE_CTX_get_error(ctx) == X509_V_OK)
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_UNSPECIFIED);
	ERR_clear_error();
	return ts->clients != TLS_CLIENTS_REQUIRED;
}

void
tls_clients_context(struct tls_server *ts, SSL_CTX *ctx)
{
	int	mode = SSL_VERIFY_PEER;

	if (ts->clients == TLS_CLIENTS_NONE)
		return;
	if (ts->clients == TLS_CLIENTS_REQUIRED)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ctx, mode, NULL);
	SSL_CTX_set_verify_depth(ctx, DEPTH_MAX);
	SSL_CTX_set_cert_verify_callback(ctx, verify_cb, ts);
	(void)SSL_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	if (ts->authorities == NULL)
		return;
	SSL_CTX_set1_verify_cert_store(ctx, ts->authorities);
	if (sk_X509_NAME_num(ts->authority_names) <= SAID_MAX)
		SSL_CTX_set_client_CA_list(ctx,
		    SSL_dup_CA_list(ts->authority_names));
}

/* --- after the handshake */

static void
keep_first(void *arg, enum tls_name kind, struct span name)
{
	struct tls	*t = arg;

	(void)kind;
	if (t->name == NULL)
		t->name = xstrndup(name.p, name.n);
}

/*
 * A session that is taken up again brings the certificate and what was found
 * then; the certificate may have run out since.
 */
static bool
still_good(const X509 *x)
{
	return X509_cmp_current_time(X509_get0_notAfter(x)) > 0;
}

bool
tls_client_look(struct tls *t)
{
	const X509	*x = SSL_get0_peer_certificate(t->ssl);

	t->verified = x != NULL && t->server->authorities != NULL &&
	    SSL_get_verify_result(t->ssl) == X509_V_OK && still_good(x);
	if (t->verified)
		tls_client_names(t, keep_first, t);
	return t->verified || t->server->clients != TLS_CLIENTS_REQUIRED;
}

bool
tls_client_shown(const struct tls *t)
{
	return t->wire.shaken && SSL_get0_peer_certificate(t->ssl) != NULL;
}

bool
tls_client_verified(const struct tls *t)
{
	return t->verified;
}

const char *
tls_client_why(const struct tls *t)
{
	const X509	*x = t->wire.shaken ? SSL_get0_peer_certificate(t->ssl) :
			    NULL;

	if (x == NULL || t->verified)
		return "-";
	if (t->server->authorities != NULL && !still_good(x))
		return X509_verify_cert_error_string(
		    X509_V_ERR_CERT_HAS_EXPIRED);
	return X509_verify_cert_error_string(SSL_get_verify_result(t->ssl));
}

struct span
tls_client_name(const struct tls *t)
{
	return span_of(t->name);
}

/* --- names */

struct names {
	void	(*cb)(void *arg, enum tls_name, struct span);
	void	*arg;
	unsigned n;
};

/* C0, DEL, and C1 as UTF-8 has them. */
static bool
is_clean(struct span s)
{
	size_t	n;

	if (s.n == 0 || s.n > NAME_OCTETS)
		return false;
	for (; s.n > 0; s = span_from(s, n)) {
		unsigned char	c = (unsigned char)s.p[0];

		if (c < ' ' || c == 0x7f || (n = span_utf8(s)) == 0 ||
		    (c == 0xc2 && (unsigned char)s.p[1] < 0xa0))
			return false;
	}
	return true;
}

static void
tell(struct names *to, enum tls_name kind, struct span name)
{
	if (to->n >= TLS_NAMES_MAX || !is_clean(name))
		return;
	to->n++;
	to->cb(to->arg, kind, name);
}

static void
tell_alt_names(struct names *to, const GENERAL_NAMES *all, int type,
    enum tls_name kind)
{
	const GENERAL_NAME	*gn;

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		gn = sk_GENERAL_NAME_value(all, i);
		if (gn->type == type)
			tell(to, kind, span_mem(
			    ASN1_STRING_get0_data(gn->d.ia5),
			    (size_t)ASN1_STRING_length(gn->d.ia5)));
	}
}

static void
tell_common_names(struct names *to, const X509_NAME *subject)
{
	const ASN1_STRING	*s;
	unsigned char		*utf8;
	int			 i = -1, n;

	while ((i = X509_NAME_get_index_by_NID(subject, NID_commonName,
	    i)) >= 0) {
		s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
		if ((n = ASN1_STRING_to_UTF8(&utf8, s)) < 0)
			continue;
		tell(to, TLS_NAME_COMMON, span_mem(utf8, (size_t)n));
		OPENSSL_free(utf8);
	}
}

void
tls_client_names(const struct tls *t,
    void (*cb)(void *arg, enum tls_name, struct span), void *arg)
{
	struct names	 to = { cb, arg, 0 };
	const X509	*x;
	GENERAL_NAMES	*all;

	if (!t->verified)
		return;
	x = SSL_get0_peer_certificate(t->ssl);
	all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	tell_alt_names(&to, all, GEN_EMAIL, TLS_NAME_EMAIL);
	tell_alt_names(&to, all, GEN_DNS, TLS_NAME_DNS);
	GENERAL_NAMES_free(all);
	tell_common_names(&to, X509_get_subject_name(x));
	ERR_clear_error();
}
