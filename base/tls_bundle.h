/*
 * tls_bundle.h - what is shown of a certificate: the form in which the process
 * that has parsed the administrator's files hands it to those who serve.
 *
 * The octets: "WBTLS1\n" and NUL, three lengths (u32, little-endian), chain,
 * staple, authorities, nothing behind.  The PEM is written anew from what was
 * parsed: blocks of certificates and nothing else, the server's own first.
 *
 * Owns: a copy of the octets.
 */
#ifndef WB_BASE_TLS_BUNDLE_H
#define WB_BASE_TLS_BUNDLE_H

#include "base/buf.h"

#define TLS_BUNDLE_MAX	(4u << 20)	/* octets */

struct tls_bundle {
	struct span	chain;		/* PEM; never empty */
	struct span	staple;		/* OCSP answer, DER; may be empty */
	struct span	authorities;	/* of clients, PEM; may be empty */
	struct buf	octets;		/* where they lie, once it is opened */
};

void	tls_bundle_put(struct buf *, const struct tls_bundle *);
/* Reads a descriptor that stays the caller's.  false: it is none. */
bool	tls_bundle_open(int fd, struct tls_bundle *);
void	tls_bundle_clear(struct tls_bundle *);

#endif
