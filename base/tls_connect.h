/*
 * tls_connect.h - the client's side of TLS 1.2 and 1.3 (OpenSSL 3).
 *
 * A struct tls_trust is the authorities of a file.  A struct tls_connector is one way to
 * connect: whom to trust, the lowest version, the certificate that we show.
 * A struct tls_connect is one connection over a non-blocking descriptor; as
 * with tls.h nothing here waits or watches.
 *
 * What is asked of the peer stands in struct tls_target: nothing, a
 * certificate of a trusted authority for one of some names (RFC 9525), or one
 * that TLSA records name (DANE as RFC 7672 has it for SMTP).  Who asks for
 * nothing gets any encryption there is (RFC 7435), and is told whether the
 * certificate would have done.
 *
 * A private key is in another process: base/tls_sign.h.
 *
 * Owns: contexts, SSL objects, sessions.  Borrows: the descriptor.
 */
#ifndef WB_BASE_TLS_CONNECT_H
#define WB_BASE_TLS_CONNECT_H

#include "base/tls.h"

/* --- how it ended, as reports name it */

/* RFC 8460, 4.3; those of policies are said by who has the policy. */
#define TLS_CLASSES(X)							\
	X(NONE,			"")	/* no failure */		\
	X(STARTTLS_MISSING,	"starttls-not-supported")		\
	X(HOST_MISMATCH,	"certificate-host-mismatch")		\
	X(NOT_TRUSTED,		"certificate-not-trusted")		\
	X(EXPIRED,		"certificate-expired")			\
	X(FAILURE,		"validation-failure")	/* any other */	\
	X(TLSA_INVALID,		"tlsa-invalid")				\
	X(DNSSEC_INVALID,	"dnssec-invalid")			\
	X(DANE_REQUIRED,	"dane-required")			\
	X(STS_FETCH_ERROR,	"sts-policy-fetch-error")		\
	X(STS_INVALID,		"sts-policy-invalid")			\
	X(STS_WEBPKI,		"sts-webpki-invalid")

enum tls_class {
#define X(id, name) TLS_CLASS_##id,
	TLS_CLASSES(X)
#undef X
	TLS_NCLASSES
};

/* "certificate-expired"; "" for none. */
const char	*tls_class_name(enum tls_class);

/* --- whom to trust */

#define TLS_AUTHORITIES_MAX	(8u << 20)	/* octets of a file of authorities */
struct tls_trust;
/* Of PEM; what is in it is trusted, root or not.  NULL: *why is static. */
struct tls_trust *tls_trust_new(struct span pem, const char **why);
struct tls_trust *tls_trust_ref(struct tls_trust *);
void	 tls_trust_unref(struct tls_trust **);
/* How many certificates. */
size_t	 tls_trust_count(const struct tls_trust *);

/* --- sessions that can be taken up again */

/*
 * One for each peer, way to connect and demand (struct tls_target); a session that
 * met one demand never serves another.  A later one takes an earlier one's
 * place; of more than max the one that was not used for longest goes.
 */
#define TLS_SESSION_S	3600	/* none is older */
struct tls_sessions;
struct tls_sessions *tls_sessions_new(size_t max);
/* After all connectors that have it. */
void	 tls_sessions_free(struct tls_sessions **);
size_t	 tls_sessions_count(const struct tls_sessions *);

/* --- ways to connect */

struct tls_connector_options {
	struct tls_trust *trust;	/* a reference is taken; NULL: nobody is trusted */
	bool		 only_1_3;	/* minimum "1.3" */
	/* The certificate that is shown to who asks for one; chain empty: none. */
	struct span	 chain;		/* PEM, our own first; copied */
	const struct tls_signer *signer;	/* base/tls_sign.h; borrowed */
	EVP_PKEY	*key;		/* in place of a signer; a reference is taken */
	struct tls_sessions *sessions;	/* borrowed; NULL: every handshake is a full one */
};

struct tls_connector;
/* NULL: *why is static. */
struct tls_connector *tls_connector_new(const struct tls_connector_options *, const char **why);
struct tls_connector *tls_connector_ref(struct tls_connector *);
void	 tls_connector_unref(struct tls_connector **);

/* --- connections */

enum tls_check {
	TLS_CHECK_NONE,		/* anything that encrypts */
	TLS_CHECK_NAMES,	/* a trusted authority, and one of the names */
	TLS_CHECK_DANE		/* TLSA: usages 2 (with the names) and 3 (without); others are not usable */
};

/* RFC 6698, 2.1 */
struct tls_tlsa {
	uint8_t		usage, selector, matching;
	struct span	data;
};

/*
 * Whether it can be used for SMTP (RFC 7672, 3.1): DANE-TA(2) or DANE-EE(3), a
 * selector and a matching type that are known, a digest of its length, or a
 * certificate or key that is one.  Else it counts as if it were not there.
 */
bool		 tls_tlsa_usable(const struct tls_tlsa *);

struct tls_target {
	struct span	 sni;		/* the name that is asked for; empty or an address: none is */
	enum tls_check	 check;
	/*
	 * Reference names: DNS names, or one IP address alone.  A wildcard in the
	 * certificate is for one whole label; its CN counts with DANE alone, and only
	 * where it has no DNS name.  With TLS_CHECK_NONE they may be empty.
	 */
	const struct span *names;
	size_t		 nnames;
	const struct tls_tlsa *tlsa;
	size_t		 ntlsa;
	/* Whose sessions: host and port, say.  Empty: a full handshake, and none is kept. */
	struct span	 peer;
};

struct tls_connect;
/*
 * All is copied but the descriptor, which stays the caller's, also after
 * tls_connect_free().  ready(arg) is called once after each TLS_PARKED, from
 * the loop.  NULL: *why is static (a name or TLSA set that OpenSSL does not take).
 */
struct tls_connect *tls_connect_new(struct tls_connector *, int fd, const struct tls_target *,
		    void (*ready)(void *), void *arg, const char **why);
/* At any time, but not from ready() of another one's handshake. */
void		 tls_connect_free(struct tls_connect **);

/*
 * DONE, WANT_READ, WANT_WRITE, PARKED, CLOSED, FAILED.  DONE: the demand is met.
 * A peer that has sent TLS_CONNECT_OCTETS without an end is left.
 */
#define TLS_CONNECT_OCTETS	(128u << 10)
enum tls_result	 tls_connect_handshake(struct tls_connect *);
/*
 * As tls_read(), tls_pending(), tls_write(), tls_close().  With TLS 1.3 a peer that
 * does not like our certificate says so only here.
 */
enum tls_result	 tls_connect_read(struct tls_connect *, void *to, size_t n, size_t *got);
bool		 tls_connect_pending(const struct tls_connect *);
enum tls_result	 tls_connect_write(struct tls_connect *, const void *, size_t n, size_t *put);
void		 tls_connect_close(struct tls_connect *);
/*
 * Whether the peer has sent an octet of the application that was not read; looks
 * at the descriptor, too.
 */
bool		 tls_connect_waiting(struct tls_connect *);

/* Why it has failed, for the log: static text or OpenSSL's, no octet of the peer. */
const char	*tls_connect_why(const struct tls_connect *);
/* The same for reports; TLS_CLASS_NONE while it has not failed. */
enum tls_class	 tls_connect_class(const struct tls_connect *);

/* --- what was agreed on; after the handshake, borrowed until tls_connect_free() */

/* Weakest first. */
enum tls_reached {
	TLS_REACHED_CLEAR,
	TLS_REACHED_ENCRYPTED,	/* who the peer is is not known */
	TLS_REACHED_VERIFIED,	/* a trusted authority, and one of the names */
	TLS_REACHED_DANE	/* a TLSA record */
};
/* "clear", "encrypted", "verified", "dane" */
const char	*tls_reached_name(enum tls_reached);
enum tls_reached tls_connect_reached(const struct tls_connect *);
/* With `encrypted`: why it is no more; "-". */
const char	*tls_connect_unverified(const struct tls_connect *);
/* The same for reports; TLS_CLASS_NONE: it is verified. */
enum tls_class	 tls_connect_lacks(const struct tls_connect *);
const char	*tls_connect_version(const struct tls_connect *);	/* "TLSv1.3" */
const char	*tls_connect_cipher(const struct tls_connect *);
bool		 tls_connect_resumed(const struct tls_connect *);
/* The peer has asked for a certificate; we have shown one. */
bool		 tls_connect_asked(const struct tls_connect *);
bool		 tls_connect_shown(const struct tls_connect *);
/* TLSA records that could be used; 0 with TLS_CHECK_DANE: encryption is all that is asked (RFC 7672, 2.2). */
size_t		 tls_connect_usable(const struct tls_connect *);
/* For SASL; as tls_binding(). */
size_t		 tls_connect_binding(const struct tls_connect *, enum tls_binding, uint8_t out[TLS_BINDING_MAX]);

#endif
