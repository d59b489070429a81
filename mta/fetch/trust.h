/*
 * trust.h - the authorities by which servers' certificates are verified.
 *
 * One store of OpenSSL's, shared by all transfers that begin with it; a
 * renewed file is a new store for new ones.
 */
#ifndef WB_MTA_FETCH_TRUST_H
#define WB_MTA_FETCH_TRUST_H

#include <stddef.h>

#define TRUST_FILE_MAX	(4u << 20)	/* octets of PEM */

/* OpenSSL's. */
typedef struct x509_store_st X509_STORE;
typedef struct ssl_ctx_st SSL_CTX;

struct trust {
	X509_STORE	*store;		/* NULL: none, nobody is trusted */
	size_t		 n;		/* certificates in it */
};

/* Reads fd, which stays the caller's.  0, or -1 with *why (static), nothing has changed. */
int	trust_read(struct trust *, int fd, const char **why);
void	trust_clear(struct trust *);
/* What is in it decides for this context; 0 or -1. */
int	trust_apply(const struct trust *, SSL_CTX *);

#endif
