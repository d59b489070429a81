/*
 * sasl.h - logging in (RFC 4422): what a client and a server say to each other,
 * as a state machine over octets.
 *
 * It knows the form of each mechanism, and no secret.  Whether a password,
 * proof or token is right it asks whoever runs it, in typed fields, and waits
 * as data: each call below ends with what has to happen next.  The protocol
 * around it (SMTP's 334, IMAP's "+") is the caller's.
 *
 * Owns: copies of all that the client has said, wiped when it is freed.
 * Borrows: the context.
 */
#ifndef WB_MTA_SASL_SASL_H
#define WB_MTA_SASL_SASL_H

#include "base/buf.h"

/* Octets of a line of the client, with CRLF; RFC 4954, 4 asks for so many. */
#define SASL_LINE_MAX	12288
#define SASL_SALT_MAX	128	/* octets of a SCRAM salt */

enum sasl_mech {
#define MECHANISM(id, name, ops, starts, clear, rfc) SASL_##id,
#include "mta/sasl/mechanisms.def"
#undef MECHANISM
	SASL_NMECHS
};

/* A set of them: bit n is the mechanism n. */
typedef uint32_t sasl_mask;
#define SASL_BIT(mech)	((sasl_mask)1 << (mech))

/* By its name in any case; false: not known. */
bool		 sasl_named(struct span name, enum sasl_mech *);
const char	*sasl_name(enum sasl_mech);
/* Whether what the client sends in it is as good as the password. */
bool		 sasl_clear(enum sasl_mech);
/* " PLAIN LOGIN": those of the set, each behind a blank. */
void		 sasl_list(sasl_mask, struct buf *out);

/* What the connection is.  Empty: there is no such thing. */
struct sasl_context {
	struct span	 hostname;	/* ours, for CRAM-MD5's challenge */
	sasl_mask	 offered;	/* to this client */
	struct span	 certificate;	/* EXTERNAL: whose the client's is */
	struct span	 exporter;	/* tls-exporter (RFC 9266, 4.2): 32 octets */
	struct span	 end_point;	/* tls-server-end-point (RFC 5929, 4) */
	const char	*nonce;		/* tests: instead of a random one */
};

enum sasl_step {
	SASL_SAY,	/* sasl_say(); what comes back goes to sasl_line() */
	SASL_ASK,	/* sasl_question(); the answer goes to sasl_told() */
	SASL_DONE,	/* logged in: sasl_user() */
	SASL_FAILED	/* sasl_failure() */
};

enum sasl_failure {
	SASL_ENCODING,	/* not base64: 501 5.5.2 (RFC 4954, 4) */
	SASL_SYNTAX,	/* not what the mechanism wants to see: 501 5.5.2 */
	SASL_NOT_FIRST,	/* an initial response where the server begins: 501 5.7.0 */
	SASL_CANCELLED,	/* by the client's "*": 501 5.7.0 */
	SASL_WRONG,	/* 535 5.7.8 */
	SASL_CANNOT	/* it could not be found out: 454 4.7.0 */
};

/* Which question, and which fields it has. */
enum sasl_want {
	SASL_PASSWORD,	/* user, secret */
	SASL_SALT,	/* user, hash: its salt and iterations */
	SASL_PROOF,	/* user, hash, text (AuthMessage), secret (ClientProof): the ServerSignature */
	SASL_DIGEST,	/* user, text (challenge), secret (digest, 32 hex digits) */
	SASL_TOKEN,	/* user (may be empty: the token says it), secret */
	SASL_KNOWN	/* user: whether there is such an account */
};

enum sasl_hash { SASL_SHA_1, SASL_SHA_256 };

struct sasl_question {
	enum sasl_want	want;
	enum sasl_hash	hash;
	struct span	user, text, secret;
};

enum sasl_answer { SASL_RIGHT, SASL_NOT_RIGHT, SASL_DONT_KNOW };

/* Borrowed for the call. */
struct sasl_told {
	enum sasl_answer answer;
	struct span	 user;		/* RIGHT: the account's own name */
	struct span	 salt;		/* SALT: at most SASL_SALT_MAX octets */
	uint32_t	 iterations;	/* SALT */
	struct span	 signature;	/* PROOF: 20 or 32 octets */
};

struct sasl;

struct sasl	*sasl_new(enum sasl_mech, const struct sasl_context *);
/* Wipes; NULL is fine. */
void		 sasl_free(struct sasl **);
/*
 * The beginning: initial is the response that came with the command, without
 * CRLF, base64 or "=" for an empty one; NULL: none came.
 */
enum sasl_step	 sasl_begin(struct sasl *, const struct span *initial);
/* The client's line, without CRLF; after SASL_SAY. */
enum sasl_step	 sasl_line(struct sasl *, struct span);
/* The answer; after SASL_ASK. */
enum sasl_step	 sasl_told(struct sasl *, const struct sasl_told *);

/* Appends the challenge, base64. */
void		 sasl_say(const struct sasl *, struct buf *out);
/* Lies in it, good until it is freed. */
const struct sasl_question *sasl_question(const struct sasl *);
/* The account's name, after SASL_DONE. */
struct span	 sasl_user(const struct sasl *);
/* Who it says it is, for logs; empty as long as it has not said so. */
struct span	 sasl_claimed(const struct sasl *);
enum sasl_mech	 sasl_mechanism(const struct sasl *);
enum sasl_failure sasl_failure(const struct sasl *);
/*
 * The cause, for people; static.  Those of SCRAM are server-error-values of RFC
 * 5802, 7 ("e=channel-bindings-dont-match"), which may be told to the client.
 */
const char	*sasl_why(const struct sasl *);

#endif
