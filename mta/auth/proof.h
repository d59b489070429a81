/*
 * proof.h - what somebody shows to be a user, against that account's secrets.
 *
 * Pure, and on any thread.  Comparisons take as long for what is wrong as for
 * what is right, and nothing stops at the first secret that fits but a
 * password's.
 */
#ifndef WB_MTA_AUTH_PROOF_H
#define WB_MTA_AUTH_PROOF_H

#include "maps/account.h"
#include "mta/msg/auth.h"

/* Secrets that did not come out of a file. */
struct account_secrets {
	struct span	 app;		/* empty: of the account itself; at most ACCOUNT_WORD_MAX */
	struct span	 text;		/* {SCHEME}secret ..., `x` or nothing */
};

/* One account, borrowed; all zero: nobody. */
struct proof_of {
	struct span			 raw;	/* its logical line; or empty: */
	const struct account_secrets	*v;
	size_t				 n;
};

struct proof {
	enum auth_result result;	/* RIGHT, WRONG or CANNOT */
	struct span	which;		/* RIGHT: the app, or empty; of the account's octets */
	struct span	secret;		/* RIGHT: what was shown to be known; of its octets */
	const char	*why;		/* CANNOT: what is wrong with a secret (static) */
	bool		refuted;	/* a secret that can be read was compared, and is another */
	uint8_t		signature[AUTH_KEY_MAX];	/* scram: ServerSignature */
	size_t		nsignature;
};

/* Nobody's takes as long, and is WRONG. */
void	 proof_password(const struct proof_of *, struct span password, struct proof *);
/*
 * SCRAM speaks of one salt: that of the account's first secret for the hash,
 * its own or an app's.  Others with the same salt and iterations fit too.
 */
struct proof_scram {
	uint8_t		salt[AUTH_SALT_MAX];
	size_t		nsalt;
	uint32_t	iterations;
};
/* false: it has no such secret. */
bool	 proof_scram_begins(const struct proof_of *, enum auth_hash, struct proof_scram *);
/* RFC 5802, 3: proof is a ClientProof of the AuthMessage. */
void	 proof_scram(const struct proof_of *, enum auth_hash, struct span message, struct span proof, struct proof *);
/* RFC 2195: the digest is HMAC-MD5 of the challenge; only secrets in plain fit. */
void	 proof_cram(const struct proof_of *, struct span challenge, struct span digest, struct proof *);

/* Which mechanisms it can use with each of its passwords (sane), with one (could). */
struct auth_offers proof_offers(const struct proof_of *);
/* Each secret: item->name is its app, or empty. */
void	 proof_each(const struct proof_of *, void (*)(void *, const struct account_item *), void *arg);

#endif
