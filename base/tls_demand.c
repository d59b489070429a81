/*
 * tls_demand.c - what is asked of the peer, and how it was not met.
 */
#include "config.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/ip.h"
#include "base/tls_connect_int.h"
#include "base/xalloc.h"

/*
 * By OpenSSL's levels.  Where nothing is asked a weak key is better than none
 * (RFC 7435); who is believed has at least 112 bits.
 */
#define LEVEL_ANY	1		/* 80 bits: RSA from 1024 */
#define LEVEL_DEMAND	2
/* TLS 1.2; RFC 9325, 4.2 where something is asked. */
#define CIPHERS_ANY	"ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!PSK:!SRP"
#define CIPHERS_DEMAND	"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM"

/* --- names */

/* OpenSSL takes a dot in front for "all below". */
static char *
name_text(struct span name)
{
	if (name.n == 0 || name.n > 255 || name.p[0] == '.' ||
	    memchr(name.p, 0, name.n) != NULL)
		return NULL;
	return xstrndup(name.p, name.n);
}

static bool
set_sni(SSL *ssl, struct span name)
{
	struct ip	 ip;
	char		*text;
	bool		 good;

	if (name.n == 0 || ip_parse(name, &ip))
		return true;
	if ((text = name_text(name)) == NULL)
		return false;
	good = SSL_set_tlsext_host_name(ssl, text) == 1;
	free(text);
	return good;
}

static bool
add_name(SSL *ssl, struct span name, bool first)
{
	char	*text = name_text(name);
	bool	 good;

	if (text == NULL)
		return false;
	good = first ? SSL_set1_host(ssl, text) == 1 :
	    SSL_add1_host(ssl, text) == 1;
	free(text);
	return good;
}

static bool
set_names(struct tls_connect *t, const struct tls_target *to)
{
	unsigned	flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

	if (to->check != TLS_CHECK_DANE)
		flags |= X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
	SSL_set_hostflags(t->ssl, flags);
	for (size_t i = 0; i < to->nnames; i++)
		if (!add_name(t->ssl, to->names[i], i == 0))
			return false;
	t->names = to->nnames > 0;
	return true;
}

/* --- TLSA (RFC 7672, 3.1): PKIX-TA and PKIX-EE are not usable for SMTP */

/* DER of a certificate with a key that is known, and nothing behind it. */
static bool
is_certificate(struct span der)
{
	const unsigned char	*p = (const unsigned char *)der.p;
	X509			*x = d2i_X509(NULL, &p, (long)der.n);
	bool			 good;

	good = x != NULL && p == (const unsigned char *)der.p + der.n &&
	    X509_get0_pubkey(x) != NULL;
	X509_free(x);
	ERR_clear_error();
	return good;
}

static bool
is_key(struct span der)
{
	const unsigned char	*p = (const unsigned char *)der.p;
	EVP_PKEY		*key = d2i_PUBKEY(NULL, &p, (long)der.n);
	bool			 good;

	good = key != NULL && p == (const unsigned char *)der.p + der.n;
	EVP_PKEY_free(key);
	ERR_clear_error();
	return good;
}

bool
tls_tlsa_usable(const struct tls_tlsa *r)
{
	if ((r->usage != 2 && r->usage != 3) || r->selector > 1)
		return false;
	switch (r->matching) {
	case 0:
		return r->selector == 0 ? is_certificate(r->data) :
		    is_key(r->data);
	case 1:
		return r->data.n == 32;
	case 2:
		return r->data.n == 64;
	}
	return false;
}

static bool
set_dane(struct tls_connect *t, const struct tls_target *to)
{
	char	*base = name_text(to->names[0]);
	bool	 good = base != NULL && SSL_dane_enable(t->ssl, base) == 1;

	free(base);
	if (!good)
		return false;
	(void)SSL_dane_set_flags(t->ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	for (size_t i = 0; i < to->ntlsa; i++) {
		const struct tls_tlsa	*r = &to->tlsa[i];

		if (!tls_tlsa_usable(r))
			continue;
		if (SSL_dane_tlsa_add(t->ssl, r->usage, r->selector,
		    r->matching, (const unsigned char *)r->data.p,
		    r->data.n) > 0)
			t->usable++;
	}
	ERR_clear_error();	/* of records that are none */
	return true;
}

bool
tls_demand_set(struct tls_connect *t, const struct tls_target *to,
    const char **why)
{
	bool	believes;

	*why = "a name of the peer is none";
	if (to->check != TLS_CHECK_NONE && to->nnames == 0)
		return false;
	if (!set_sni(t->ssl, to->sni))
		return false;
	if (to->check == TLS_CHECK_DANE && !set_dane(t, to))
		return false;
	if (!set_names(t, to))
		return false;
	believes = to->check == TLS_CHECK_NAMES || t->usable > 0;
	*why = "OpenSSL here lacks the ciphers";
	SSL_set_security_level(t->ssl, believes ? LEVEL_DEMAND : LEVEL_ANY);
	SSL_set_verify(t->ssl, believes ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
	    NULL);
	return SSL_set_cipher_list(t->ssl, believes ? CIPHERS_DEMAND :
	    CIPHERS_ANY) == 1;
}

/* --- whose session it is */

static void
add_part(struct buf *all, struct span part)
{
	buf_addf(all, "%zu:", part.n);
	buf_add_span(all, part);
}

void
tls_demand_key(const struct tls_connect *t, const struct tls_target *to,
    uint8_t key[32])
{
	struct buf	all = { 0 };

	add_part(&all, span_mem(t->connector->digest,
	    sizeof(t->connector->digest)));
	add_part(&all, to->peer);
	add_part(&all, to->sni);
	buf_addf(&all, "%d,%zu", (int)to->check, to->nnames);
	for (size_t i = 0; i < to->nnames; i++)
		add_part(&all, to->names[i]);
	for (size_t i = 0; i < to->ntlsa; i++) {
		buf_addf(&all, "%u %u %u", to->tlsa[i].usage,
		    to->tlsa[i].selector, to->tlsa[i].matching);
		add_part(&all, to->tlsa[i].data);
	}
	digest_sha256(buf_span(&all), key);
	buf_clear(&all);
}

/* --- how it was not met */

enum tls_class
tls_demand_class(long error)
{
	switch (error) {
	case X509_V_OK:
		return TLS_CLASS_FAILURE;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_CLASS_HOST_MISMATCH;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLS_CLASS_EXPIRED;
	case X509_V_ERR_DANE_NO_MATCH:
		return TLS_CLASS_TLSA_INVALID;
	default:
		return TLS_CLASS_NOT_TRUSTED;
	}
}

const char *
tls_class_name(enum tls_class c)
{
	static const char	*const names[TLS_NCLASSES] = {
#define X(id, name) [TLS_CLASS_##id] = name,
		TLS_CLASSES(X)
#undef X
	};

	return c < TLS_NCLASSES ? names[c] : "";
}

const char *
tls_reached_name(enum tls_reached r)
{
	static const char	*const names[] = {
		"clear", "encrypted", "verified", "dane"
	};

	return names[r];
}
