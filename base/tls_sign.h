/*
 * tls_sign.h - handshakes whose private key is in another process.
 *
 * A provider of OpenSSL 3, built in: its keys have a public half and a name,
 * and hand what is to be signed to a signer (struct tls_signer), which asks
 * another process.  Meanwhile the handshake is parked: OpenSSL runs it on a
 * stack of its own (ASYNC jobs, SSL_MODE_ASYNC), and other sessions go on.
 * Why a provider and no engine or key methods, and what ASan sees of those
 * stacks, stands in doc/tls.md.
 *
 * What the owner of an SSL does; it needs nothing else of ASYNC:
 *
 *   SSL_CTX	SSL_CTX_use_certificate(), then SSL_CTX_use_PrivateKey() with
 *		tls_remote_key(): OpenSSL compares them as any pair.
 *   new	tls_wait_init() of a struct tls_wait that lies beside the SSL and
 *		does not move.
 *   handshake	tls_wait_handshake() wherever SSL_do_handshake() would stand.
 *		Where SSL_get_error() then is SSL_ERROR_WANT_ASYNC it is parked:
 *		the owner returns to the loop and leaves the socket alone (it may
 *		keep a time-out of its own).  SSL_ERROR_WANT_READ and _WRITE are
 *		as ever.
 *   resume	ready() of the tls_wait is called once for each park, from the
 *		loop, never from inside tls_wait_handshake(): it calls
 *		tls_wait_handshake() again, and may end and free the session.  An
 *		answer that failed or did not come in time is ready too; the
 *		handshake then fails as any other does (SSL_ERROR_SSL; the peer
 *		gets the alert internal_error).
 *   data	SSL_read() and SSL_write() only after the handshake is done; they
 *		are not parked and cost nothing more.
 *   end	tls_wait_end() before SSL_free(), in every case.  A handshake that
 *		is parked is run to its failure there; without it its stack would
 *		never be given back.  Take the transport away before, where no
 *		alert is to be written (SSL_set0_wbio() with a null or memory BIO).
 *
 * Callbacks of OpenSSL (SNI, certificates of clients, tickets) run on the
 * stack of the handshake: it has 32 KiB, so they hold no large arrays.
 *
 * Owns: a question from sign() to its answer.  Borrows: the signer, which
 * outlives its keys.
 */
#ifndef WB_BASE_TLS_SIGN_H
#define WB_BASE_TLS_SIGN_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/span.h"

#define TLS_KEY_ID_SIZE		32	/* SHA-256 of the SubjectPublicKeyInfo */
#define TLS_SIGNATURE_MAX	1024	/* octets: RSA with 8192 bits */
#define TLS_RSA_BITS_MIN	2048
#define TLS_RSA_BITS_MAX	8192

/*
 * Algorithms, by their numbers in TLS (RFC 8446, 4.2.3).  RFC 5246's numbers
 * of hash and signature are the same; there the hash of ECDSA does not hang on
 * the curve, and here neither.
 */
enum tls_scheme {
	TLS_RSA_PKCS1_SHA256	= 0x0401,
	TLS_RSA_PKCS1_SHA384	= 0x0501,
	TLS_RSA_PKCS1_SHA512	= 0x0601,
	TLS_ECDSA_SHA256	= 0x0403,
	TLS_ECDSA_SHA384	= 0x0503,
	TLS_ECDSA_SHA512	= 0x0603,
	TLS_RSA_PSS_SHA256	= 0x0804,	/* MGF1 of the same hash, salt as long as it */
	TLS_RSA_PSS_SHA384	= 0x0805,
	TLS_RSA_PSS_SHA512	= 0x0806
};

/* Octets of the digest that a scheme signs; 0: no scheme of ours. */
size_t		 tls_scheme_digest(unsigned scheme);
/* "SHA256"; NULL: no scheme of ours. */
const char	*tls_scheme_hash(unsigned scheme);
bool		 tls_scheme_is_rsa(unsigned scheme);
bool		 tls_scheme_is_pss(unsigned scheme);

struct tls_question {
	const uint8_t	*key_id;	/* TLS_KEY_ID_SIZE octets */
	unsigned	 scheme;	/* enum tls_scheme */
	struct span	 digest;	/* tls_scheme_digest() octets */
};

/* signature: borrowed; empty: it was refused, or the time is over. */
typedef void tls_signed_cb(void *arg, struct span signature);

/* Who can have something signed; base does not know by whom. */
struct tls_signer {
	/*
	 * Asks; cb is called once, at the latest when the signer's own time-out
	 * is over, from the loop and not from inside sign(); not any more after
	 * cancel().  Returns a ticket for cancel(); 0: it cannot be asked, and cb
	 * will not be called.
	 */
	uint64_t	(*sign)(void *ctx, const struct tls_question *, tls_signed_cb *, void *arg);
	void		(*cancel)(void *ctx, uint64_t ticket);
	void		*ctx;
};

/* The name of a certificate's key, as keys has it; false: it has none of ours. */
bool		 tls_key_id(X509 *, uint8_t out[TLS_KEY_ID_SIZE]);
/*
 * The key of a certificate, RSA or EC on P-256 or P-384, as far as a process
 * without private keys has it.  The caller's to EVP_PKEY_free().  NULL: why.
 */
EVP_PKEY	*tls_remote_key(X509 *, const struct tls_signer *, const char **why);

/* Beside each SSL; see above. */
struct tls_request;
struct tls_wait {
	void			(*ready)(void *arg);
	void			*arg;
	struct tls_request	*request;	/* parked for it; NULL: not parked */
	bool			 ended;		/* nothing is asked any more */
};

void		 tls_wait_init(struct tls_wait *, void (*ready)(void *), void *arg);
/* As SSL_do_handshake(). */
int		 tls_wait_handshake(struct tls_wait *, SSL *);
/* Whether ready() is still to come. */
bool		 tls_wait_parked(const struct tls_wait *);
/* Before SSL_free(); ready() is not called any more. */
void		 tls_wait_end(struct tls_wait *, SSL *);

#endif
