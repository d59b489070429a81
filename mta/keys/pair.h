/*
 * pair.h - the files of one tls block, examined: a certificate, its chain, the
 * key that belongs to it, an OCSP answer, authorities of clients.
 *
 * What an administrator's files hold is read here and nowhere else.  What is
 * at fault is said with its part and a cause that tells how to mend it; no
 * octet of a key is ever in it.
 *
 * Owns: what it has made.  Borrows: the files' octets, during the call.
 */
#ifndef WB_MTA_KEYS_PAIR_H
#define WB_MTA_KEYS_PAIR_H

#include <openssl/evp.h>

#include "base/buf.h"
#include "mta/msg/keys.h"

#define PAIR_CHAIN_MAX		16	/* certificates that are shown */
#define PAIR_CERTIFICATES_MAX	64	/* in one file of a certificate */
#define PAIR_AUTHORITIES_MAX	4096

struct pair {
	EVP_PKEY	*key;
	uint8_t		 id[TLS_KEY_ID_SIZE];
	struct buf	 bundle;	/* base/tls_bundle.h */
	struct buf	 names, algorithm;
	int64_t		 not_before_s, not_after_s;	/* since 1970, UTC */
	int64_t		 staple_until_s;	/* 0: there is none in the bundle */
	struct buf	 warning;	/* what should be mended; empty: nothing */
	enum keys_part	 warned_part;
};

struct pair_fault {
	enum keys_part	 part;
	bool		 unfit;		/* certificate and key do not belong together */
	struct buf	 why;
};

/*
 * now_s: since 1970.  0; or -1 with what is at fault.  A staple that cannot be
 * used is left out, with a warning: the certificate is good without.
 */
int	pair_read(const struct span parts[KEYS_NPARTS], int64_t now_s,
	    struct pair *, struct pair_fault *);
/* The same of a certificate that is shown to servers. */
int	pair_read_client(const struct span parts[KEYS_NPARTS], int64_t now_s,
	    struct pair *, struct pair_fault *);
/*
 * The same where the key is not to be had: the first certificate is taken for
 * the one that it belongs to.
 */
int	pair_look(const struct span parts[KEYS_NPARTS], int64_t now_s,
	    struct pair *, struct pair_fault *);
void	pair_clear(struct pair *);
void	pair_fault_clear(struct pair_fault *);

#endif
