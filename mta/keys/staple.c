/*
 * staple.c - an OCSP answer (RFC 6960): whether it may be sent with a
 * certificate.
 *
 * It must be of that certificate, say that it is good, be of now, and be
 * signed by the issuer or by whom he has told to (RFC 6960, 4.2.2.2).
 */
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "mta/keys/pair_int.h"

/* Of the certificate, by the hash that the answer uses (RFC 6960, 4.1.1). */
static bool
is_of(const OCSP_CERTID *id, X509 *cert, X509 *issuer)
{
	ASN1_OBJECT	*hash;
	const EVP_MD	*md;
	OCSP_CERTID	*ours;
	bool		 same;

	OCSP_id_get0_info(NULL, &hash, NULL, NULL,
	    (OCSP_CERTID *)(uintptr_t)id);
	if ((md = EVP_get_digestbyobj(hash)) == NULL ||
	    (ours = OCSP_cert_to_id(md, cert, issuer)) == NULL)
		return false;
	same = OCSP_id_cmp(ours, (OCSP_CERTID *)(uintptr_t)id) == 0;
	OCSP_CERTID_free(ours);
	return same;
}

static OCSP_SINGLERESP *
find_single(OCSP_BASICRESP *basic, X509 *cert, X509 *issuer)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP	*one = OCSP_resp_get0(basic, i);

		if (is_of(OCSP_SINGLERESP_get0_id(one), cert, issuer))
			return one;
	}
	return NULL;
}

static bool
is_signed(OCSP_BASICRESP *basic, STACK_OF(X509) *chain, X509 *issuer)
{
	X509_STORE	*store = X509_STORE_new();
	bool		 ok;

	if (store == NULL)
		abort();
	(void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	ok = X509_STORE_add_cert(store, issuer) == 1 &&
	    OCSP_basic_verify(basic, chain, store, 0) == 1;
	X509_STORE_free(store);
	return ok;
}

static const char *
why_not_single(OCSP_SINGLERESP *one, int64_t now_s, int64_t *until_s)
{
	ASN1_GENERALIZEDTIME	*from, *until;
	int			 status;

	status = OCSP_single_get0_status(one, NULL, NULL, &from, &until);
	*until_s = until == NULL ? 0 : pair_time(until);
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return "it says that the certificate is revoked";
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return "it does not know the certificate";
	if (from == NULL || pair_time(from) > now_s + 300)
		return "it is not of now: of the future";
	if (*until_s <= now_s)
		return "it has expired";
	return NULL;
}

static const char *
why_not_basic(OCSP_BASICRESP *basic, STACK_OF(X509) *chain, X509 *issuer,
    int64_t now_s, int64_t *until_s)
{
	OCSP_SINGLERESP	*one;

	if (issuer == NULL)
		return "the certificate's file does not hold its issuer, by "
		    "whom it is verified";
	one = find_single(basic, sk_X509_value(chain, 0), issuer);
	if (one == NULL)
		return "it is of another certificate";
	if (!is_signed(basic, chain, issuer))
		return "its signature is wrong";
	return why_not_single(one, now_s, until_s);
}

static const char *
why_not(OCSP_RESPONSE *response, STACK_OF(X509) *chain, X509 *issuer,
    int64_t now_s, int64_t *until_s)
{
	OCSP_BASICRESP	*basic;
	const char	*why;

	if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return "it is the answer of a failure";
	if ((basic = OCSP_response_get1_basic(response)) == NULL)
		return "it is no answer of this protocol's basic kind";
	why = why_not_basic(basic, chain, issuer, now_s, until_s);
	OCSP_BASICRESP_free(basic);
	return why;
}

int64_t
staple_until(struct span file, STACK_OF(X509) *chain, X509 *issuer,
    int64_t now_s, const char **why)
{
	const unsigned char	*p = (const unsigned char *)file.p;
	OCSP_RESPONSE		*response = d2i_OCSP_RESPONSE(NULL, &p,
				    (long)file.n);
	int64_t			 until_s = 0;

	if (response == NULL || p != (const unsigned char *)file.p + file.n)
		*why = "it is no OCSP answer in DER";
	else
		*why = why_not(response, chain, issuer, now_s, &until_s);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return *why == NULL ? until_s : 0;
}
