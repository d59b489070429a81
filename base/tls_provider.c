/*
 * tls_provider.c - the provider of tls_sign.h: keys and signatures as OpenSSL
 * asks for them.
 *
 * Two algorithms, RSA and EC: a key management whose keys compare, say their
 * size and parameters, and never give a private half; and one signature for
 * both, which digests here and has the digest signed elsewhere.  Manuals:
 * provider-keymgmt(7), provider-signature(7), provider-base(7).
 */
#include "base/tls_sign_int.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "base/log.h"
#include "base/xalloc.h"

#define PROVIDER	"waybill"

typedef void (*fn)(void);

/* --- key management */

static void *
key_new(void *provctx)
{
	(void)provctx;
	return tls_remote_new();
}

static void
key_free(void *key)
{
	struct tls_remote	*r = key;

	tls_remote_drop(&r);
}

static int
key_has(const void *key, int selection)
{
	const struct tls_remote	*r = key;

	if (r == NULL || r->public_key == NULL)
		return 0;
	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 ||
	    r->signer != NULL;
}

static int
key_match(const void *a, const void *b, int selection)
{
	const struct tls_remote	*x = a, *y = b;

	(void)selection;	/* the public half says it all */
	if (x->public_key == NULL || y->public_key == NULL)
		return 0;
	return EVP_PKEY_eq(x->public_key, y->public_key) == 1;
}

/* A public key of another provider, to compare with. */
static int
import_public(struct tls_remote *r, const char *type, const OSSL_PARAM params[])
{
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	int		 ok;

	ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &r->public_key, EVP_PKEY_PUBLIC_KEY,
	    (OSSL_PARAM *)(uintptr_t)params) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static int
import(struct tls_remote *r, const char *type, const OSSL_PARAM params[])
{
	const OSSL_PARAM	*p;
	struct tls_remote	*from;

	if (r->public_key != NULL)
		return 0;
	p = OSSL_PARAM_locate_const(params, TLS_REMOTE_PARAM);
	if (p == NULL)
		return import_public(r, type, params);
	if (p->data_size != sizeof(from))
		return 0;
	memcpy(&from, p->data, sizeof(from));
	if (EVP_PKEY_up_ref(from->public_key) != 1)
		return 0;
	r->public_key = from->public_key;
	r->signer = from->signer;
	memcpy(r->id, from->id, sizeof(r->id));
	return 1;
}

static int
rsa_import(void *key, int selection, const OSSL_PARAM params[])
{
	(void)selection;
	return import(key, "RSA", params);
}

static int
ec_import(void *key, int selection, const OSSL_PARAM params[])
{
	(void)selection;
	return import(key, "EC", params);
}

/* What a key may be made of. */
static const OSSL_PARAM *
import_types(int selection)
{
	static const OSSL_PARAM	types[] = {
		OSSL_PARAM_octet_string(TLS_REMOTE_PARAM, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END
	};

	(void)selection;
	return types;
}

static int
key_get_params(void *key, OSSL_PARAM params[])
{
	const struct tls_remote	*r = key;

	return r->public_key != NULL &&
	    EVP_PKEY_get_params(r->public_key, params) == 1;
}

static const OSSL_PARAM *
key_gettable(void *provctx)
{
	static const OSSL_PARAM	types[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
		    NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END
	};

	(void)provctx;
	return types;
}

/* The signature's name, which no other provider has. */
static const char *
operation(int id)
{
	return id == OSSL_OP_SIGNATURE ? "WAYBILL" : NULL;
}

#define KEY_FUNCTIONS(import_fn) { \
	{ OSSL_FUNC_KEYMGMT_NEW, (fn)key_new }, \
	{ OSSL_FUNC_KEYMGMT_FREE, (fn)key_free }, \
	{ OSSL_FUNC_KEYMGMT_HAS, (fn)key_has }, \
	{ OSSL_FUNC_KEYMGMT_MATCH, (fn)key_match }, \
	{ OSSL_FUNC_KEYMGMT_IMPORT, (fn)import_fn }, \
	{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (fn)import_types }, \
	{ OSSL_FUNC_KEYMGMT_GET_PARAMS, (fn)key_get_params }, \
	{ OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (fn)key_gettable }, \
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (fn)operation }, \
	{ 0, NULL } \
}

static const OSSL_DISPATCH	rsa_key[] = KEY_FUNCTIONS(rsa_import);
static const OSSL_DISPATCH	ec_key[] = KEY_FUNCTIONS(ec_import);

/* --- signature */

struct signing {
	struct tls_remote	*key;
	bool			 pss;
	char			 hash[32];	/* "SHA2-256", as TLS names it */
};

static void *
sig_new(void *provctx, const char *propq)
{
	(void)provctx;
	(void)propq;
	return xcalloc(1, sizeof(struct signing));
}

static void
sig_free(void *ctx)
{
	struct signing	*s = ctx;

	if (s == NULL)
		return;
	tls_remote_drop(&s->key);
	free(s);
}

static bool
set_hash(struct signing *s, const char *name)
{
	if (strlen(name) >= sizeof(s->hash))
		return false;
	memcpy(s->hash, name, strlen(name) + 1);
	return true;
}

/* TLS asks for PSS with "digest" (1.3: as long as the hash), or for PKCS#1. */
static bool
set_padding(struct signing *s, const OSSL_PARAM *p)
{
	int	mode;

	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (p->data == NULL)
			return false;
		if (strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0)
			mode = RSA_PKCS1_PSS_PADDING;
		else if (strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0)
			mode = RSA_PKCS1_PADDING;
		else
			return false;
	} else if (OSSL_PARAM_get_int(p, &mode) != 1)
		return false;
	s->pss = mode == RSA_PKCS1_PSS_PADDING;
	return s->pss || mode == RSA_PKCS1_PADDING;
}

/* The only length that TLS has; OpenSSL says -1, or "digest". */
static bool
right_salt(const OSSL_PARAM *p)
{
	int	n;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return p->data != NULL &&
		    (strcmp(p->data, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0 ||
		    strcmp(p->data, "-1") == 0);
	return OSSL_PARAM_get_int(p, &n) == 1 && n == RSA_PSS_SALTLEN_DIGEST;
}

static int
sig_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct signing		*s = ctx;
	const OSSL_PARAM	*p;

	if (params == NULL)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p != NULL && !set_padding(s, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	return p == NULL || right_salt(p);
}

static const OSSL_PARAM *
sig_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM	types[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL,
		    0),
		OSSL_PARAM_END
	};

	(void)ctx;
	(void)provctx;
	return types;
}

static int
sig_init(void *ctx, const char *hash, void *key, const OSSL_PARAM params[])
{
	struct signing	*s = ctx;

	if (hash == NULL || !set_hash(s, hash))
		return 0;
	if (key != NULL) {
		tls_remote_hold(key);
		tls_remote_drop(&s->key);
		s->key = key;
	}
	return s->key != NULL && s->key->signer != NULL &&
	    sig_set_params(ctx, params);
}

/* 0: not one that TLS signs with. */
static unsigned
scheme_of(const struct signing *s, const EVP_MD *md)
{
	static const unsigned	all[] = {
		TLS_RSA_PKCS1_SHA256, TLS_RSA_PKCS1_SHA384,
		TLS_RSA_PKCS1_SHA512, TLS_ECDSA_SHA256, TLS_ECDSA_SHA384,
		TLS_ECDSA_SHA512, TLS_RSA_PSS_SHA256, TLS_RSA_PSS_SHA384,
		TLS_RSA_PSS_SHA512
	};
	bool	rsa = EVP_PKEY_is_a(s->key->public_key, "RSA");

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (tls_scheme_is_rsa(all[i]) == rsa &&
		    tls_scheme_is_pss(all[i]) == s->pss &&
		    EVP_MD_is_a(md, tls_scheme_hash(all[i])))
			return all[i];
	}
	return 0;
}

/* Digests, and says by which scheme; 0: not one that TLS signs with. */
static unsigned
digest(const struct signing *s, struct span text,
    uint8_t out[EVP_MAX_MD_SIZE], unsigned *n)
{
	EVP_MD		*md = EVP_MD_fetch(NULL, s->hash, NULL);
	unsigned	 scheme = 0;

	if (md != NULL && (scheme = scheme_of(s, md)) != 0 &&
	    EVP_Digest(text.p, text.n, out, n, md, NULL) != 1)
		scheme = 0;
	EVP_MD_free(md);
	return scheme;
}

__attribute__((no_sanitize_address))
static int
sig_sign(void *ctx, unsigned char *sig, size_t *n, size_t size,
    const unsigned char *text, size_t text_n)
{
	struct signing		*s = ctx;
	struct tls_question	 q = { .key_id = s->key->id };
	uint8_t			 md[EVP_MAX_MD_SIZE], out[TLS_SIGNATURE_MAX];
	unsigned		 md_n = 0;

	if (sig == NULL) {
		*n = (size_t)EVP_PKEY_get_size(s->key->public_key);
		return 1;
	}
	q.scheme = digest(s, span_mem(text, text_n), md, &md_n);
	if (q.scheme == 0)
		return 0;
	q.digest = span_mem(md, md_n);
	*n = tls_remote_sign(s->key, &q, out);
	if (*n == 0 || *n > size) {
		ERR_raise_data(ERR_LIB_USER, ERR_R_INTERRUPTED_OR_CANCELLED,
		    "the keys process has not signed");
		return 0;
	}
	memcpy(sig, out, *n);
	return 1;
}

static const OSSL_DISPATCH	signature[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, (fn)sig_new },
	{ OSSL_FUNC_SIGNATURE_FREECTX, (fn)sig_free },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (fn)sig_init },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (fn)sig_sign },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (fn)sig_set_params },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (fn)sig_settable },
	{ 0, NULL }
};

/* --- the provider */

static const OSSL_ALGORITHM *
query(void *provctx, int id, int *no_cache)
{
	static const OSSL_ALGORITHM	keys[] = {
		{ "RSA", "provider=" PROVIDER, rsa_key, NULL },
		{ "EC", "provider=" PROVIDER, ec_key, NULL },
		{ NULL, NULL, NULL, NULL }
	};
	static const OSSL_ALGORITHM	signatures[] = {
		{ "WAYBILL", "provider=" PROVIDER, signature, NULL },
		{ NULL, NULL, NULL, NULL }
	};

	(void)provctx;
	*no_cache = 0;
	switch (id) {
	case OSSL_OP_KEYMGMT:
		return keys;
	case OSSL_OP_SIGNATURE:
		return signatures;
	default:
		return NULL;
	}
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provctx)
{
	static const OSSL_DISPATCH	functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (fn)query },
		{ 0, NULL }
	};
	static int			here;

	(void)handle;
	(void)in;
	*out = functions;
	*provctx = &here;
	return 1;
}

OSSL_LIB_CTX *
tls_provider_context(void)
{
	static OSSL_LIB_CTX	*context;

	if (context != NULL)
		return context;
	context = OSSL_LIB_CTX_new();
	if (context == NULL || OSSL_PROVIDER_add_builtin(context, PROVIDER,
	    provider_init) != 1 ||
	    OSSL_PROVIDER_load(context, PROVIDER) == NULL)
		fatalx("OpenSSL does not take the provider of TLS keys");
	return context;
}
