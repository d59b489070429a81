/*
 * tls_connect_int.h - what the files of base/tls_connect*.c share.
 *
 * tls_connector.c		authorities, ways to connect
 * tls_sessions.c		sessions that can be taken up again
 * tls_demand.c		what is asked of the peer, and how it was not met
 * tls_connect.c		connections
 */
#ifndef WB_BASE_TLS_CONNECT_INT_H
#define WB_BASE_TLS_CONNECT_INT_H

#include <openssl/ssl.h>

#include "base/tls_connect.h"
#include "base/tls_sign.h"
#include "base/tls_wire.h"

struct tls_trust {
	unsigned	 refs;
	X509_STORE	*store;
	size_t		 n;
	uint8_t		 digest[32];	/* of the PEM */
};

struct tls_connector {
	unsigned	 refs;
	SSL_CTX		*ctx;
	struct tls_trust *trust;	/* NULL: nobody */
	struct tls_sessions *sessions;	/* borrowed; NULL: none */
	bool		 remote;	/* its key is in another process */
	uint8_t		 digest[32];	/* of all that makes a session another one */
};

struct tls_connect {
	SSL		*ssl;
	struct tls_connector *connector;
	struct tls_wait	 wait;
	struct tls_wire	 wire;
	enum tls_check	 check;
	size_t		 usable;	/* TLSA records */
	bool		 names;		/* reference names are set */
	bool		 keeps;		/* sessions, under the key */
	uint8_t		 key[32];
	bool		 asked;		/* a certificate of us */
	enum tls_class	 class;
};

/* --- tls_sessions.c */

/* A reference for the caller; NULL: none, or too old. */
SSL_SESSION	*tls_sessions_get(struct tls_sessions *, const uint8_t key[32]);
/* Takes the session. */
void	 tls_sessions_put(struct tls_sessions *, const uint8_t key[32], SSL_SESSION *);
void	 tls_sessions_drop(struct tls_sessions *, const uint8_t key[32]);

/* --- tls_demand.c */

/* The target, into the SSL; false: *why. */
bool	 tls_demand_set(struct tls_connect *, const struct tls_target *, const char **why);
/* A session that met one demand is none for another. */
void	 tls_demand_key(const struct tls_connect *, const struct tls_target *, uint8_t key[32]);
/* Of X509_verify_cert(), as reports name it. */
enum tls_class	 tls_demand_class(long error);

#endif
