/*
 * srs.h - the Sender Rewriting Scheme: a sender of another domain as an address
 * of ours, so that what is forwarded passes SPF and comes back here.
 *
 * The addresses are those of libsrs2 and postsrsd (doc/srs.md):
 *
 *   SRS0=HASH=TT=DOMAIN=LOCAL@OURS
 *   SRS1=HASH=FORWARDER==REST@OURS, of SRS0=REST@FORWARDER
 */
#ifndef WB_MAIL_SRS_H
#define WB_MAIL_SRS_H

#include "base/arena.h"

#define SRS_SECRETS_MAX	8	/* the first signs, all verify */
#define SRS_SECRET_MAX	4096	/* octets of one */
#define SRS_FILE_MAX	16384	/* octets of a file of them */

struct srs {
	struct span	domain;		/* ours */
	int64_t		lifetime_s;	/* of an address; whole days count */
	struct span	secrets[SRS_SECRETS_MAX];
	size_t		nsecrets;
};

enum srs_result {
	SRS_OK,
	SRS_NOT,	/* back: it is no such address.  forward: it has none, and stays as it is */
	SRS_WRONG,	/* back: the hash is not ours */
	SRS_OLD		/* back: it was ours */
};

/*
 * The address that leaves in the place of sender ("local@domain"), in the arena.
 * Not of <>, a quoted local part, one of our domain, nor where the result were
 * longer than RFC 5321, 4.5.3.1 lets an address be in all.
 */
enum srs_result	srs_forward(const struct srs *, struct span sender, int64_t now_s, struct arena *, struct span *out);
/* The sender that is in an address of ours. */
enum srs_result	srs_back(const struct srs *, struct span address, int64_t now_s, struct arena *, struct span *out);

#endif
