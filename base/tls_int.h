/*
 * tls_int.h - what the files of base/tls*.c share.
 *
 * tls_server.c	contexts of OpenSSL, and how they are set
 * tls_names.c		certificates, and which of them a name gets
 * tls_staple.c		OCSP answers
 * tls_tickets.c	session tickets
 * tls_client.c		certificates of clients
 * tls.c		connections
 * tls_agreed.c		what one of them has agreed on
 */
#ifndef WB_BASE_TLS_INT_H
#define WB_BASE_TLS_INT_H

#include <time.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/hash.h"
#include "base/tls.h"
#include "base/tls_sign.h"
#include "base/tls_wire.h"

#define TLS_SNI_MAX	255

/* Types of keys that may stand side by side for one name. */
enum tls_type { TLS_TYPE_EC, TLS_TYPE_RSA, TLS_TYPE_OTHER, TLS_NTYPES };

struct tls_cert {
	struct tls_cert	*next;
	X509		*leaf;
	STACK_OF(X509)	*chain;		/* what stands behind it; may be empty */
	EVP_PKEY	*key;
	enum tls_type	 type;
	unsigned char	*staple;	/* of OpenSSL's heap; NULL: none */
	size_t		 staple_n;
	time_t		 staple_until;	/* 0: for ever */
};

/* Certificates that are shown together, and their context. */
struct tls_set {
	struct tls_set	*next;
	struct tls_cert	*by[TLS_NTYPES];
	SSL_CTX		*ctx;
};

/* A name as a certificate or a block has it; "" is the default. */
struct tls_host {
	struct tls_cert	*by[TLS_NTYPES];
	struct tls_set	*set;		/* after tls_server_ready() */
};

struct tls_server {
	unsigned	 refs;
	bool		 only_1_3;
	enum tls_clients clients;
	char		*ciphers;	/* NULL: ours */
	char		*protocol;	/* NULL: ALPN is ignored */
	struct tls_tickets *tickets;	/* borrowed */
	uint32_t	 ticket_s;
	X509_STORE	*authorities;	/* NULL: none */
	STACK_OF(X509_NAME) *authority_names; /* NULL: none are said */
	uint8_t		 context_id[32]; /* tickets of other settings do not count */
	struct tls_cert	*certs;
	size_t		 ncerts;
	struct htab	 hosts;		/* struct tls_host */
	struct tls_set	*sets;
	struct tls_set	*dflt;
};

struct tls {
	SSL		*ssl;
	struct tls_server *server;
	struct tls_wait	 wait;
	struct tls_wire	 wire;
	bool		 verified;	/* the client's certificate */
	char		*sni;
	char		*name;		/* of the client; NULL: none */
};

/* --- tls_server.c */

/* OpenSSL, once, without its configuration file. */
void	 tls_load(void);
/* The context for these certificates; NULL: *why. */
SSL_CTX	*tls_context_new(struct tls_server *, struct tls_cert *const by[],
	    const char **why);

/* --- tls_names.c */

/* A new certificate from its PEM; NULL: *why. */
struct tls_cert	*tls_cert_new(const struct tls_certificate *,
	    const char **why);
void	 tls_cert_free(struct tls_cert **);
/* Enters it for host and all of its names. */
void	 tls_names_add(struct tls_server *, struct tls_cert *,
	    struct span host);
/* A context for each set of certificates that some name gets. */
bool	 tls_names_ready(struct tls_server *, const char **why);
void	 tls_names_clear(struct tls_server *);
/* Of SSL_CTX_set_tlsext_servername_callback(). */
int	 tls_names_cb(SSL *, int *alert, void *server);
/* The certificates of a PEM text, in their order; NULL: there are none, or *why. */
STACK_OF(X509) *tls_pem_read(struct span, const char **why);

/* --- tls_staple.c */

/* Takes the OCSP answer, when it can be used. */
bool	 tls_staple_set(struct tls_cert *, struct span der,
	    const char **why);
/* Of SSL_CTX_set_tlsext_status_cb(). */
int	 tls_staple_cb(SSL *, void *server);

/* --- tls_tickets.c */

bool	 tls_tickets_any(const struct tls_tickets *);
/* Of SSL_CTX_set_tlsext_ticket_key_evp_cb(). */
int	 tls_tickets_cb(SSL *, unsigned char *name, unsigned char *iv,
	    EVP_CIPHER_CTX *, EVP_MAC_CTX *, int encrypt);

/* --- tls_agreed.c */

/* Bindings, for both sides; octets in out (TLS_BINDING_MAX), 0: none. */
size_t	 tls_exporter(SSL *, uint8_t *out);
size_t	 tls_certificate_hash(const X509 *, uint8_t *out);
/* Of SSL_CTX_set_session_ticket_cb(): what a ticket has besides. */
int	 tls_agreed_keep(SSL *, void *arg);

/* --- tls_client.c */

bool	 tls_authorities_set(struct tls_server *, struct span pem,
	    const char **why);
void	 tls_clients_context(struct tls_server *, SSL_CTX *);
/*
 * After the handshake: is the client's certificate verified, also now, and how
 * is it called?  false: one is required, and this one does not do.
 */
bool	 tls_client_look(struct tls *);

#endif
