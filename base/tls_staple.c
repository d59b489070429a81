/*
 * tls_staple.c - OCSP answers that go with a certificate (RFC 6066, 8;
 * RFC 6960).
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "base/tls_int.h"

/* Seconds since 1970; 0: none, or it cannot be read. */
static time_t
time_of(const ASN1_GENERALIZEDTIME *at)
{
	struct tm	tm;
	time_t		t;

	if (at == NULL || ASN1_TIME_to_tm(at, &tm) != 1)
		return 0;
	t = timegm(&tm);
	return t < 0 ? 0 : t;
}

/* What it says of this certificate; NULL: nothing. */
static OCSP_SINGLERESP *
answer_for(OCSP_BASICRESP *basic, const X509 *x)
{
	OCSP_SINGLERESP		*one;
	ASN1_INTEGER		*serial;

	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		one = OCSP_resp_get0(basic, i);
		if (OCSP_id_get0_info(NULL, NULL, NULL, &serial,
		    (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(one)) == 1 &&
		    ASN1_INTEGER_cmp(serial,
		    X509_get0_serialNumber(x)) == 0)
			return one;
	}
	return NULL;
}

/* NULL: it can be used, until *until. */
static const char *
fault(const X509 *x, struct span der, time_t *until)
{
	const unsigned char	*p = (const unsigned char *)der.p;
	ASN1_GENERALIZEDTIME	*from = NULL, *next = NULL;
	OCSP_RESPONSE		*r = NULL;
	OCSP_BASICRESP		*basic = NULL;
	OCSP_SINGLERESP		*one;
	const char		*why = NULL;

	if (der.n <= LONG_MAX)
		r = d2i_OCSP_RESPONSE(NULL, &p, (long)der.n);
	if (r != NULL)
		basic = OCSP_response_get1_basic(r);
	if (basic == NULL || OCSP_response_status(r) !=
	    OCSP_RESPONSE_STATUS_SUCCESSFUL)
		why = "the staple is no OCSP answer";
	else if ((one = answer_for(basic, x)) == NULL)
		why = "the staple is for another certificate";
	else if (OCSP_single_get0_status(one, NULL, NULL, &from, &next) !=
	    V_OCSP_CERTSTATUS_GOOD)
		why = "the staple does not say that the certificate is good";
	*until = time_of(next);
	if (why == NULL && *until != 0 && *until <= time(NULL))
		why = "the staple is too old";
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(r);
	ERR_clear_error();
	return why;
}

bool
tls_staple_set(struct tls_cert *c, struct span der, const char **why)
{
	time_t	until;

	if ((*why = fault(c->leaf, der, &until)) != NULL)
		return false;
	if ((c->staple = OPENSSL_memdup(der.p, der.n)) == NULL)
		return false;
	c->staple_n = der.n;
	c->staple_until = until;
	return true;
}

/* The certificate that OpenSSL has chosen for this handshake. */
static const struct tls_cert *
chosen(SSL *ssl)
{
	const struct tls_set	*set;
	const X509		*x = SSL_get_certificate(ssl);

	set = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	for (unsigned i = 0; i < TLS_NTYPES; i++)
		if (set->by[i] != NULL && set->by[i]->leaf == x)
			return set->by[i];
	return NULL;
}

int
tls_staple_cb(SSL *ssl, void *server)
{
	const struct tls_cert	*c = chosen(ssl);
	unsigned char		*copy;

	(void)server;
	if (c == NULL || c->staple == NULL ||
	    (c->staple_until != 0 && c->staple_until <= time(NULL)) ||
	    (copy = OPENSSL_memdup(c->staple, c->staple_n)) == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (int)c->staple_n);
	return SSL_TLSEXT_ERR_OK;
}
