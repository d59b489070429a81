/*
 * tls_tickets.c - session tickets (RFC 5077; RFC 8446, 4.6.1): what a worker
 * gives any other takes, because they have the same keys.
 */
#include "config.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "base/tls_int.h"
#include "base/xalloc.h"

struct tls_tickets {
	struct tls_ticket_key	keys[TLS_TICKET_KEYS_MAX];
	size_t			n;
};

struct tls_tickets *
tls_tickets_new(void)
{
	return xcalloc(1, sizeof(struct tls_tickets));
}

void
tls_tickets_free(struct tls_tickets **tp)
{
	if (*tp == NULL)
		return;
	OPENSSL_cleanse(*tp, sizeof(**tp));
	free(*tp);
	*tp = NULL;
}

bool
tls_tickets_set(struct tls_tickets *t, const struct tls_ticket_key *keys,
    size_t n)
{
	if (n > TLS_TICKET_KEYS_MAX)
		return false;
	OPENSSL_cleanse(t, sizeof(*t));
	if (n > 0)
		memcpy(t->keys, keys, n * sizeof(*keys));
	t->n = n;
	return true;
}

bool
tls_tickets_any(const struct tls_tickets *t)
{
	return t != NULL && t->n > 0;
}

static const struct tls_ticket_key *
find(const struct tls_tickets *t, const unsigned char *name)
{
	for (size_t i = 0; t != NULL && i < t->n; i++)
		if (memcmp(t->keys[i].name, name, sizeof(t->keys[i].name)) == 0)
			return &t->keys[i];
	return NULL;
}

static bool
set_mac(EVP_MAC_CTX *mac, const struct tls_ticket_key *k)
{
	char		sha256[] = "SHA256";
	OSSL_PARAM	params[2];

	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
	    sha256, 0);
	params[1] = OSSL_PARAM_construct_end();
	return EVP_MAC_init(mac, k->hmac, sizeof(k->hmac), params) == 1;
}

/* 1: go on; 2: go on, and give a new one; 0: as without a ticket. */
int
tls_tickets_cb(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	const struct tls		*t = SSL_get_app_data(ssl);
	const struct tls_tickets	*ring = t->server->tickets;
	const struct tls_ticket_key	*k;

	if (!tls_tickets_any(ring) || t->server->ticket_s == 0)
		return 0;
	if (encrypt) {
		k = &ring->keys[0];
		memcpy(name, k->name, sizeof(k->name));
		return RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1 &&
		    EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), k->aes, iv,
		    NULL) == 1 && set_mac(mac, k) ? 1 : -1;
	}
	if ((k = find(ring, name)) == NULL)
		return 0;
	if (EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), k->aes, iv,
	    NULL) != 1 || !set_mac(mac, k))
		return -1;
	/* In 1.3 each is used once (RFC 8446, C.4): there is always a new one. */
	return k == &ring->keys[0] && SSL_version(ssl) < TLS1_3_VERSION ?
	    1 : 2;
}
