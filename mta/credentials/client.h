/*
 * client.h - our side of a SASL exchange (RFC 4422): what is said next.
 *
 * SCRAM, CRAM-MD5, PLAIN and LOGIN are GNU SASL's; OAUTHBEARER (RFC 7628) and
 * XOAUTH2, which it lacks, are ours.  Octets in and out are decoded.
 *
 * Owns: copies of the secret, wiped when it is freed.
 */
#ifndef WB_MTA_CREDENTIALS_CLIENT_H
#define WB_MTA_CREDENTIALS_CLIENT_H

#include "mta/credentials/choice.h"

#define SASL_SECRET_MAX	8192	/* octets of a password or token */
#define SASL_ITERATIONS_MAX	1000000	/* of SCRAM's hash: about a second */

struct sasl_who {
	struct span	login;
	struct span	secret;		/* the password or token */
	struct span	host;
	uint16_t	port;
	struct span	binding;	/* tls-exporter; empty: none is told of */
};

enum sasl_next {
	SASL_SAY,	/* what is in out, then comes a challenge, or the end */
	SASL_FAIL	/* the hop says what does not fit: cancel */
};

struct sasl_client;

/* NULL: *why is static (the login or secret has octets that cannot be said). */
struct sasl_client *sasl_client_new(enum mech, const struct sasl_who *, const char **why);
void		 sasl_client_free(struct sasl_client **);
/* What may come with AUTH is appended; false: the hop speaks first. */
bool		 sasl_client_begin(struct sasl_client *, struct buf *out);
/* The answer to a challenge is appended; it may be empty. */
enum sasl_next	 sasl_client_step(struct sasl_client *, struct span challenge, struct buf *out);
/*
 * The hop says that we are logged in: whether it may.  With SCRAM it must have
 * proven that it knows the password too.
 */
bool		 sasl_client_is_done(const struct sasl_client *);
/* What the hop has said of a token that it does not take, or ""; lies in it. */
const char	*sasl_client_error(const struct sasl_client *);

#endif
