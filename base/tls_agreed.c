/*
 * tls_agreed.c - what a connection has agreed on.
 */
#include "config.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/tls_int.h"

const char *
tls_version(const struct tls *t)
{
	return SSL_get_version(t->ssl);
}

const char *
tls_cipher(const struct tls *t)
{
	return SSL_get_cipher_name(t->ssl);
}

const char *
tls_group(const struct tls *t)
{
	const char	*name;

	name = SSL_group_to_name(t->ssl,
	    (int)SSL_get_negotiated_group(t->ssl));
	return name == NULL ? "-" : name;
}

bool
tls_resumed(const struct tls *t)
{
	return SSL_session_reused(t->ssl);
}

struct span
tls_sni(const struct tls *t)
{
	return span_of(t->sni);
}

uint64_t
tls_octets_in(const struct tls *t)
{
	return t->wire.in;
}

/* RFC 9266, 2; before 1.3 it says who the peer is only with RFC 7627. */
size_t
tls_exporter(SSL *ssl, uint8_t *out)
{
	static const char	label[] = "EXPORTER-Channel-Binding";

	if (SSL_version(ssl) < TLS1_3_VERSION &&
	    SSL_get_extms_support(ssl) != 1)
		return 0;
	return SSL_export_keying_material(ssl, out, 32, label,
	    sizeof(label) - 1, (const unsigned char *)"", 0, 1) == 1 ? 32 : 0;
}

/* RFC 5929, 4.1: the hash of its signature, SHA-256 for MD5 and SHA-1. */
size_t
tls_certificate_hash(const X509 *x, uint8_t *out)
{
	unsigned	 n = 0;
	int		 md;

	if (x == NULL || X509_get_signature_info((X509 *)(uintptr_t)x, &md, NULL, NULL, NULL) != 1 ||
	    md == NID_undef)
		return 0;
	if (md == NID_md5 || md == NID_sha1)
		md = NID_sha256;
	if (X509_digest(x, EVP_get_digestbynid(md), out, &n) != 1)
		return 0;
	return n;
}

/*
 * What is taken up again has shown no certificate: the client knows the one of
 * the first handshake, which may be of another key than we would show now, or
 * renewed since.  Its hash goes with the session.
 */
int
tls_agreed_keep(SSL *ssl, void *arg)
{
	uint8_t	hash[TLS_BINDING_MAX];
	size_t	n;

	(void)arg;
	if (SSL_session_reused(ssl))
		return 1;	/* it has it already */
	n = tls_certificate_hash(SSL_get_certificate(ssl), hash);
	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), hash, n);
}

static size_t
end_point(const struct tls *t, uint8_t *out)
{
	void	*kept;
	size_t	 n;

	if (!SSL_session_reused(t->ssl))
		return tls_certificate_hash(SSL_get_certificate(t->ssl), out);
	if (SSL_SESSION_get0_ticket_appdata(SSL_get_session(t->ssl), &kept,
	    &n) != 1 || kept == NULL || n > TLS_BINDING_MAX)
		return 0;
	memcpy(out, kept, n);
	return n;
}

size_t
tls_binding(const struct tls *t, enum tls_binding which,
    uint8_t out[TLS_BINDING_MAX])
{
	size_t	n;

	_Static_assert(EVP_MAX_MD_SIZE <= TLS_BINDING_MAX,
	    "every hash has room");
	if (!t->wire.shaken)
		return 0;
	n = which == TLS_BINDING_EXPORTER ? tls_exporter(t->ssl, out) :
	    end_point(t, out);
	ERR_clear_error();
	return n;
}
