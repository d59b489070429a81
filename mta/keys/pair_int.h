/*
 * pair_int.h - what the files of an examination share: pair.c (the whole of
 * it), chain.c (certificates), key.c (private keys), staple.c (OCSP answers).
 */
#ifndef WB_MTA_KEYS_PAIR_INT_H
#define WB_MTA_KEYS_PAIR_INT_H

#include <openssl/x509.h>

#include "mta/keys/pair.h"

/* Says what is at fault; always -1. */
int	pair_fail(struct pair_fault *, enum keys_part, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
/* The first warning stays. */
void	pair_warn(struct pair *, enum keys_part, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
/* "2026-11-21" */
#define PAIR_DATE_MAX	32
const char *pair_date(int64_t s, char out[PAIR_DATE_MAX]);
/* Since 1970; 0 where it is no time. */
int64_t	pair_time(const ASN1_TIME *);

/* chain.c */
/*
 * The certificates of a PEM file, at most max, in its order; other blocks are
 * passed over.  The caller's to sk_X509_pop_free(); NULL: what is at fault.
 */
STACK_OF(X509) *chain_read(struct span, enum keys_part, int max, struct pair_fault *);
/*
 * The certificate of that key first, then its issuers in order, without a root
 * that signs itself; the rest is freed.  issuer: of the first, which may be such
 * a root; the caller's to X509_free(), NULL: it is not there.  -1: none has that
 * key (unfit).
 */
int	chain_order(STACK_OF(X509) *, EVP_PKEY *, X509 **issuer, struct pair_fault *);
void	chain_pem(STACK_OF(X509) *, struct buf *);
/* DNS names and addresses that it is for, blanks between. */
void	chain_names(X509 *, struct buf *);

/* key.c */
/* The private key of a PEM file; NULL: what is at fault. */
EVP_PKEY *key_read(struct span, struct pair_fault *);
/* "RSA-2048"; -1: not one that we serve. */
int	key_algorithm(EVP_PKEY *, struct buf *, struct pair_fault *);
/* Whether what key signs is verified by the certificate's public half. */
bool	key_fits(EVP_PKEY *key, X509 *);

/* staple.c */
/* Until when it may be sent with chain's first certificate; 0: not, *why (static). */
int64_t	staple_until(struct span, STACK_OF(X509) *chain, X509 *issuer, int64_t now_s, const char **why);

#endif
