/*
 * tls.h - the server's side of TLS 1.2 and 1.3 (OpenSSL 3).
 *
 * A struct tls_server is one configuration: certificates, chosen by the name
 * that the client asks for (SNI), and what clients may do.  It is counted by
 * references: a connection keeps the one that it began with, so that a renewed
 * certificate is a new tls_server for new connections and touches no other.
 *
 * A struct tls is one connection over a non-blocking descriptor.  Nothing here
 * waits or watches: each call does what it can, and says what it needs.
 *
 * Sane without any option: TLS 1.2 and 1.3; for 1.2 only ECDHE with AEAD;
 * X25519, P-256, P-384; no compression, no renegotiation, no early data.  What
 * is still allowed stands in doc/tls.md.
 *
 * Owns: contexts, SSL objects.  Borrows: the descriptor, the tickets' keys.
 * For the administrator: waybill.conf(5), TLS.
 */
#ifndef WB_BASE_TLS_H
#define WB_BASE_TLS_H

#include "base/span.h"

/* OpenSSL's; who has only connections to look at needs none of its headers. */
typedef struct evp_pkey_st EVP_PKEY;

/* --- keys of session tickets, the same in all workers */

struct tls_ticket_key {
	uint8_t	name[16];	/* goes in the clear with each ticket */
	uint8_t	aes[32];	/* AES-256-CBC */
	uint8_t	hmac[32];	/* SHA-256 */
};

#define TLS_TICKET_KEYS_MAX	16

struct tls_tickets;
struct tls_tickets	*tls_tickets_new(void);
/* Wiped.  After all who use it. */
void	 tls_tickets_free(struct tls_tickets **);
/*
 * The whole list; the first is for new tickets, all are accepted.  Until there
 * is one no tickets are given.  More than TLS_TICKET_KEYS_MAX: false, nothing
 * has changed.
 */
bool	 tls_tickets_set(struct tls_tickets *, const struct tls_ticket_key *,
	    size_t n);

/* --- configurations */

enum tls_clients {		/* certificates of clients */
	TLS_CLIENTS_NONE,
	TLS_CLIENTS_ASKED,	/* none, or one that is not verified: no harm */
	TLS_CLIENTS_REQUIRED	/* without a verified one no handshake */
};

struct tls_options {
	bool		 only_1_3;	/* minimum "1.3" */
	enum tls_clients clients;
	struct span	 authorities;	/* PEM; empty: no client is verified */
	const char	*ciphers;	/* OpenSSL's list, for 1.2; NULL: ours */
	struct tls_tickets *tickets;	/* borrowed; NULL: none are given */
	uint32_t	 ticket_s;	/* how long one is good; 0: none are given */
	/*
	 * The protocol that is spoken inside, as ALPN names it ("smtp").  A client
	 * that offers only others is not ours (RFC 9325, 3.8): it is refused.
	 * NULL: offers are ignored.
	 */
	const char	*protocol;
};

/* Whether OpenSSL here knows one cipher of the list, for TLS 1.2. */
bool	 tls_ciphers_known(const char *list);

struct tls_server;
struct tls_signer;
/* What is pointed at is copied, but the tickets.  NULL: *why is static. */
struct tls_server *tls_server_new(const struct tls_options *, const char **why);
struct tls_server *tls_server_ref(struct tls_server *);
void	 tls_server_unref(struct tls_server **);

struct tls_certificate {
	struct span	 host;		/* of `for "host"`; empty: the default */
	struct span	 chain;		/* PEM, the server's own first */
	struct span	 staple;	/* OCSP answer, DER; may be empty */
	/* Of the first certificate: a reference is taken; or who signs for it. */
	EVP_PKEY	*key;
	const struct tls_signer	*signer;	/* where key is NULL; base/tls_sign.h */
};

/*
 * Adds one.  It is shown to who asks for host or for one of its names (SAN;
 * "*.example.org" is for one label); without such a name to none.  The first
 * one of each type of key (EC, RSA) for a name is used, an exact name before a
 * wildcard.  Who asks for nothing or for an unknown name gets those with an empty
 * host.  false: *why is static, nothing has changed.  A staple that cannot be
 * used spoils nothing: *why says so, and the result is true.
 */
bool	 tls_server_add(struct tls_server *, const struct tls_certificate *,
	    const char **why);
/* Before the first connection, after the last tls_server_add(). */
bool	 tls_server_ready(struct tls_server *, const char **why);
/* How many certificates. */
size_t	 tls_server_count(const struct tls_server *);

/* --- connections */

enum tls_result {
	TLS_DONE,
	TLS_WANT_READ,		/* again, when the descriptor can be read */
	TLS_WANT_WRITE,		/* again, when it can be written */
	TLS_PARKED,		/* again, when ready() has been called; leave it alone until then */
	TLS_CLOSED,		/* the peer will send nothing more */
	TLS_FAILED		/* and so it stays; tls_why() */
};

struct tls;
/*
 * fd is the caller's, also after tls_free().  ready(arg) is called once after
 * each TLS_PARKED, from the loop; never after tls_free().
 */
struct tls	*tls_new(struct tls_server *, int fd, void (*ready)(void *),
		    void *arg);
/* At any time, but not from ready() of another one's tls_handshake(). */
void		 tls_free(struct tls **);

/*
 * DONE, WANT_READ, WANT_WRITE, PARKED, CLOSED, FAILED.  A client that has sent
 * TLS_HANDSHAKE_OCTETS without an end is refused.  What takes too long is the
 * caller's affair.
 */
#define TLS_HANDSHAKE_OCTETS	(64u << 10)
enum tls_result	 tls_handshake(struct tls *);
/*
 * After the handshake.  Up to n octets into to; *got is above 0 when it is DONE.
 * Before the caller waits for the descriptor it reads until WANT_READ, or asks
 * tls_pending(): what OpenSSL holds no poll announces.  One run until WANT_READ
 * is bounded (TLS_RUN_OCTETS), also when the client never stops sending.
 */
#define TLS_RUN_OCTETS		(128u << 10)
enum tls_result	 tls_read(struct tls *, void *to, size_t n, size_t *got);
/* Whether tls_read() may have something without a new octet. */
bool		 tls_pending(const struct tls *);
/*
 * After the handshake; *put octets, maybe fewer than n, have been taken when it is
 * DONE.  After WANT_READ or WANT_WRITE the same octets come again, and maybe
 * more behind them.
 */
enum tls_result	 tls_write(struct tls *, const void *, size_t n, size_t *put);
/* close_notify, once; what does not leave now never will. */
void		 tls_close(struct tls *);

/* Why it has failed, for the log: static text or OpenSSL's, no octet of the peer. */
const char	*tls_why(const struct tls *);

/* --- what was agreed on; after the handshake, borrowed until tls_free() */

const char	*tls_version(const struct tls *);	/* "TLSv1.3" */
const char	*tls_cipher(const struct tls *);	/* as OpenSSL names it */
const char	*tls_group(const struct tls *);		/* of the key exchange: "x25519"; "-" */
bool		 tls_resumed(const struct tls *);
/* The name that was asked for, in small letters; also after a failure; empty: none. */
struct span	 tls_sni(const struct tls *);
/* Octets that the client has sent so far. */
uint64_t	 tls_octets_in(const struct tls *);

/* Whether the client has shown a certificate, and one that is verified. */
bool		 tls_client_shown(const struct tls *);
bool		 tls_client_verified(const struct tls *);
/* Why one that was shown is not verified; "-". */
const char	*tls_client_why(const struct tls *);

enum tls_name { TLS_NAME_EMAIL, TLS_NAME_DNS, TLS_NAME_COMMON };
/*
 * Names of a verified certificate, in this order: rfc822Names and dNSNames of the
 * SAN, then CNs.  One with a control character, that is empty, no UTF-8, or
 * longer than 255 octets is left out.  Borrowed by the callback.
 */
#define TLS_NAMES_MAX	64
void		 tls_client_names(const struct tls *,
		    void (*)(void *arg, enum tls_name, struct span), void *arg);
/* The first of them; empty: none, or not verified. */
struct span	 tls_client_name(const struct tls *);

enum tls_binding {
	TLS_BINDING_EXPORTER,	/* RFC 9266; of TLS 1.2 only with RFC 7627 */
	/* RFC 5929, 4: a hash of the certificate that the client was shown, also when
	 * its session is taken up again. */
	TLS_BINDING_END_POINT
};
#define TLS_BINDING_MAX	64
/* Octets of the channel binding in out; 0: there is none. */
size_t		 tls_binding(const struct tls *, enum tls_binding,
		    uint8_t out[TLS_BINDING_MAX]);

#endif
