/*
 * tls_sign.c - keys of other processes, and the handshakes that wait for them.
 */
#include "base/tls_sign.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/async.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/digest.h"
#include "base/tls_sign_int.h"
#include "base/xalloc.h"

static const struct scheme {
	unsigned	 number;
	const char	*hash;
	size_t		 digest;	/* octets */
	bool		 rsa, pss;
} schemes[] = {
	{ TLS_RSA_PKCS1_SHA256, "SHA256", 32, true, false },
	{ TLS_RSA_PKCS1_SHA384, "SHA384", 48, true, false },
	{ TLS_RSA_PKCS1_SHA512, "SHA512", 64, true, false },
	{ TLS_ECDSA_SHA256, "SHA256", 32, false, false },
	{ TLS_ECDSA_SHA384, "SHA384", 48, false, false },
	{ TLS_ECDSA_SHA512, "SHA512", 64, false, false },
	{ TLS_RSA_PSS_SHA256, "SHA256", 32, true, true },
	{ TLS_RSA_PSS_SHA384, "SHA384", 48, true, true },
	{ TLS_RSA_PSS_SHA512, "SHA512", 64, true, true },
};

static const struct scheme *
find_scheme(unsigned number)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (schemes[i].number == number)
			return &schemes[i];
	}
	return NULL;
}

size_t
tls_scheme_digest(unsigned number)
{
	const struct scheme	*s = find_scheme(number);

	return s == NULL ? 0 : s->digest;
}

const char *
tls_scheme_hash(unsigned number)
{
	const struct scheme	*s = find_scheme(number);

	return s == NULL ? NULL : s->hash;
}

bool
tls_scheme_is_rsa(unsigned number)
{
	const struct scheme	*s = find_scheme(number);

	return s != NULL && s->rsa;
}

bool
tls_scheme_is_pss(unsigned number)
{
	const struct scheme	*s = find_scheme(number);

	return s != NULL && s->pss;
}

/* --- keys */

struct tls_remote *
tls_remote_new(void)
{
	struct tls_remote	*r = xcalloc(1, sizeof(*r));

	r->users = 1;
	return r;
}

void
tls_remote_hold(struct tls_remote *r)
{
	r->users++;
}

void
tls_remote_drop(struct tls_remote **rp)
{
	struct tls_remote	*r = *rp;

	*rp = NULL;
	if (r == NULL || --r->users > 0)
		return;
	EVP_PKEY_free(r->public_key);
	free(r);
}

/* Of the octets, so that it has no private half whatever the X509 was made of. */
static EVP_PKEY *
public_half(X509 *cert, uint8_t id[TLS_KEY_ID_SIZE])
{
	unsigned char		*der = NULL;
	const unsigned char	*p;
	int			 n;
	EVP_PKEY		*key;

	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (n <= 0)
		return NULL;
	digest_sha256(span_mem(der, (size_t)n), id);
	p = der;
	key = d2i_PUBKEY(NULL, &p, n);
	OPENSSL_free(der);
	return key;
}

bool
tls_key_id(X509 *cert, uint8_t out[TLS_KEY_ID_SIZE])
{
	EVP_PKEY	*key = public_half(cert, out);

	EVP_PKEY_free(key);
	return key != NULL;
}

/* An EVP_PKEY of the provider that holds r. */
static EVP_PKEY *
wrap(struct tls_remote *r, const char *type)
{
	EVP_PKEY_CTX	*ctx;
	EVP_PKEY	*key = NULL;
	OSSL_PARAM	 params[] = {
		OSSL_PARAM_construct_octet_string(TLS_REMOTE_PARAM, &r,
		    sizeof(r)),
		OSSL_PARAM_construct_end()
	};

	ctx = EVP_PKEY_CTX_new_from_name(tls_provider_context(), type, NULL);
	if (ctx == NULL)
		return NULL;
	if (EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static bool
is_curve(const EVP_PKEY *key, const char *name)
{
	char	group[64];
	size_t	n;

	return EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
	    strcmp(group, name) == 0;
}

/* "RSA", "EC", or NULL and why not. */
static const char *
type_of(const EVP_PKEY *key, const char **why)
{
	int	bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "RSA")) {
		*why = "an RSA key has 2048 to 8192 bits";
		return bits >= TLS_RSA_BITS_MIN && bits <= TLS_RSA_BITS_MAX ?
		    "RSA" : NULL;
	}
	*why = "neither an RSA key nor one of P-256 or P-384";
	return EVP_PKEY_is_a(key, "EC") && (is_curve(key, "prime256v1") ||
	    is_curve(key, "secp384r1")) ? "EC" : NULL;
}

EVP_PKEY *
tls_remote_key(X509 *cert, const struct tls_signer *signer, const char **why)
{
	struct tls_remote	*r = tls_remote_new();
	EVP_PKEY		*key = NULL;
	const char		*type;

	r->signer = signer;
	r->public_key = public_half(cert, r->id);
	*why = "the certificate's key cannot be read";
	if (r->public_key != NULL &&
	    (type = type_of(r->public_key, why)) != NULL) {
		*why = "OpenSSL does not take the key";
		key = wrap(r, type);
	}
	if (key != NULL)
		*why = NULL;
	tls_remote_drop(&r);
	return key;
}

/* --- handshakes */

enum state { ASKED, SIGNED, FAILED };

/* A signature that a handshake waits for; its owner is the handshake. */
struct tls_request {
	struct tls_wait		*wait;
	const struct tls_signer	*signer;
	uint64_t		 ticket;
	enum state		 state;
	bool			 parked;
	size_t			 n;
	uint8_t			 signature[TLS_SIGNATURE_MAX];
};

/* The handshake that runs right now, in the one thread that has them. */
static struct tls_wait	*running;

static void
on_signed(void *arg, struct span signature)
{
	struct tls_request	*q = arg;

	assert(q->state == ASKED);
	q->state = FAILED;
	if (signature.n > 0 && signature.n <= sizeof(q->signature)) {
		memcpy(q->signature, signature.p, signature.n);
		q->n = signature.n;
		q->state = SIGNED;
	}
	if (q->parked)
		q->wait->ready(q->wait->arg);	/* may free everything */
}

static bool
ask(struct tls_request *q, const struct tls_question *question)
{
	const struct tls_signer	*s = q->signer;

	q->wait->request = q;
	q->ticket = s->sign(s->ctx, question, on_signed, q);
	return q->ticket != 0;
}

/*
 * Parks until there is an answer.  On the stack of an ASYNC job, which ASan
 * does not know: what lives across a pause is not instrumented, or frames that
 * are parked would be taken for dead ones (doc/tls.md).
 */
__attribute__((no_sanitize_address))
static void
park(struct tls_request *q)
{
	while (q->state == ASKED) {
		q->parked = true;
		if (ASYNC_pause_job() != 1 && q->state == ASKED) {
			q->signer->cancel(q->signer->ctx, q->ticket);
			q->state = FAILED;
		}
	}
}

__attribute__((no_sanitize_address))
size_t
tls_remote_sign(const struct tls_remote *r, const struct tls_question *question,
    uint8_t *out)
{
	struct tls_request	*q;
	struct tls_wait		*wait = running;
	size_t			 n = 0;

	/* Outside of tls_wait_handshake() nobody could wait. */
	if (r->signer == NULL || wait == NULL || wait->ended ||
	    ASYNC_get_current_job() == NULL)
		return 0;
	q = xcalloc(1, sizeof(*q));
	q->wait = wait;
	q->signer = r->signer;
	if (ask(q, question))
		park(q);
	if (q->state == SIGNED) {
		n = q->n;
		memcpy(out, q->signature, n);
	}
	wait->request = NULL;
	free(q);
	return n;
}

void
tls_wait_init(struct tls_wait *w, void (*ready)(void *), void *arg)
{
	*w = (struct tls_wait){ .ready = ready, .arg = arg };
}

int
tls_wait_handshake(struct tls_wait *w, SSL *ssl)
{
	struct tls_wait	*outer = running;
	int		 rc;

	(void)SSL_set_mode(ssl, SSL_MODE_ASYNC);
	running = w;
	rc = SSL_do_handshake(ssl);
	running = outer;
	if (rc == 1)		/* each read and write would start a job */
		(void)SSL_clear_mode(ssl, SSL_MODE_ASYNC);
	return rc;
}

bool
tls_wait_parked(const struct tls_wait *w)
{
	return w->request != NULL && w->request->state == ASKED;
}

void
tls_wait_end(struct tls_wait *w, SSL *ssl)
{
	struct tls_request	*q = w->request;

	w->ended = true;
	if (q == NULL)
		return;
	if (q->state == ASKED) {
		q->signer->cancel(q->signer->ctx, q->ticket);
		q->state = FAILED;
	}
	(void)tls_wait_handshake(w, ssl);	/* to its end: it asks no more */
	assert(w->request == NULL);
	ERR_clear_error();
}
