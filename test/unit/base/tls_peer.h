/*
 * tls_peer.h - for tests of base/tls: certificates that are made on the spot, and
 * a client of OpenSSL at the other end of a socket pair.
 */
#ifndef WB_TEST_UNIT_BASE_TLS_PEER_H
#define WB_TEST_UNIT_BASE_TLS_PEER_H

#include <openssl/ssl.h>

#include "base/tls.h"

struct made {
	EVP_PKEY	*key;
	X509		*cert;
	char		*pem;		/* of the certificate alone */
};

struct made_how {
	const char	*type;		/* "RSA", "EC" */
	const char	*common;	/* CN */
	const char	*alt;		/* SAN as openssl.cnf has it; NULL: none */
	const char	*usage;		/* extendedKeyUsage; NULL: none */
	const struct made *by;		/* its issuer; NULL: itself */
	bool		 ca;
	int		 days;		/* from now; below 0: it has run out */
};

struct made	made_new(const struct made_how *);
void		made_clear(struct made *);

/* A server and a client that are connected. */
struct pair {
	int		 fds[2];
	struct tls	*server;
	SSL		*client;
	enum tls_result	 is;		/* of the server's handshake */
	int		 client_is;	/* SSL_get_error() of the client's */
};

/* The client's context is borrowed; name: SNI, or NULL. */
void	pair_open(struct pair *, struct tls_server *, SSL_CTX *,
	    const char *name, SSL_SESSION *);
/* Both shake hands until neither goes on; true: both are done. */
bool	pair_shake(struct pair *);
void	pair_close(struct pair *);
/* TLS 1.x alone (TLS1_2_VERSION), without looking at the server's certificate. */
SSL_CTX	*client_context(int version);

#endif
