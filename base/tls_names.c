/*
 * tls_names.c - certificates, and which of them a name gets (RFC 6066, 3;
 * RFC 9525, 6.3).
 */
#include "config.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/tls_int.h"
#include "base/xalloc.h"

#define CHAIN_MAX	16		/* certificates behind the server's own */

/* --- a certificate */

STACK_OF(X509) *
tls_pem_read(struct span pem, const char **why)
{
	STACK_OF(X509)	*all = sk_X509_new_null();
	X509		*x = NULL;
	BIO		*b;

	*why = NULL;
	b = pem.n > INT_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
	while (all != NULL && b != NULL &&
	    (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(all, x) == 0)
			X509_free(x);
	if (b == NULL || ERR_GET_REASON(ERR_peek_last_error()) !=
	    PEM_R_NO_START_LINE)
		*why = "a certificate cannot be read";
	else if (sk_X509_num(all) <= 0)
		*why = "there is no certificate in it";
	BIO_free(b);
	ERR_clear_error();
	if (*why != NULL) {
		sk_X509_pop_free(all, X509_free);
		return NULL;
	}
	return all;
}

static enum tls_type
type_of(X509 *x)
{
	const EVP_PKEY	*key = X509_get0_pubkey(x);

	switch (key == NULL ? NID_undef : EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_EC:
		return TLS_TYPE_EC;
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return TLS_TYPE_RSA;
	default:
		return TLS_TYPE_OTHER;
	}
}

static EVP_PKEY *
key_of(const struct tls_certificate *in, X509 *leaf, const char **why)
{
	if (in->key == NULL)
		return tls_remote_key(leaf, in->signer, why);
	EVP_PKEY_up_ref(in->key);
	return in->key;
}

struct tls_cert *
tls_cert_new(const struct tls_certificate *in, const char **why)
{
	struct tls_cert	*c;
	STACK_OF(X509)	*all;
	EVP_PKEY	*key;

	if ((all = tls_pem_read(in->chain, why)) == NULL)
		return NULL;
	if (sk_X509_num(all) > CHAIN_MAX + 1)
		*why = "there are more than 17 certificates in one file";
	else if ((key = key_of(in, sk_X509_value(all, 0), why)) != NULL) {
		c = xcalloc(1, sizeof(*c));
		c->leaf = sk_X509_shift(all);
		c->chain = all;
		c->type = type_of(c->leaf);
		c->key = key;
		return c;
	}
	sk_X509_pop_free(all, X509_free);
	return NULL;
}

void
tls_cert_free(struct tls_cert **cp)
{
	struct tls_cert	*c = *cp;

	*cp = NULL;
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	OPENSSL_free(c->staple);
	free(c);
}

/* --- names */

/*
 * Small letters, without the root's dot; empty: no name of a host.  An empty
 * label has no place, so that a wildcard's rest is never all of a name.
 */
static struct span
fold(struct span name, char out[TLS_SNI_MAX])
{
	size_t	n = name.n;

	if (n > 0 && name.p[n - 1] == '.')
		n--;
	if (n == 0 || n > TLS_SNI_MAX)
		return SPAN_NONE;
	for (size_t i = 0; i < n; i++) {
		out[i] = ascii_lower(name.p[i]);
		if (out[i] <= ' ' || out[i] > '~' ||
		    (out[i] == '.' && (i == 0 || out[i - 1] == '.')))
			return SPAN_NONE;
	}
	return span_mem(out, n);
}

/* Like fold(); of "*.example.org" too, but of no other star. */
static struct span
fold_pattern(struct span name, char out[TLS_SNI_MAX])
{
	struct span	s = fold(name, out);
	struct span	rest = span_prefix(s, SPAN("*.")) ?
			    span_from(s, 2) : s;

	if (rest.n == 0 || span_index(rest, '*') >= 0)
		return SPAN_NONE;
	return s;
}

static void
add_name(struct tls_server *ts, struct span folded, struct tls_cert *c)
{
	struct tls_host	*h = htab_get(&ts->hosts, folded);

	if (h == NULL) {
		h = xcalloc(1, sizeof(*h));
		htab_put(&ts->hosts, folded, h);
	}
	if (h->by[c->type] == NULL)
		h->by[c->type] = c;
}

static void
add_alt_names(struct tls_server *ts, struct tls_cert *c)
{
	GENERAL_NAMES		*names;
	const GENERAL_NAME	*gn;
	char			 lower[TLS_SNI_MAX];
	struct span		 name;

	names = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		gn = sk_GENERAL_NAME_value(names, i);
		if (gn->type != GEN_DNS)
			continue;
		name = fold_pattern(span_mem(
		    ASN1_STRING_get0_data(gn->d.dNSName),
		    (size_t)ASN1_STRING_length(gn->d.dNSName)), lower);
		if (name.n > 0)
			add_name(ts, name, c);
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
}

void
tls_names_add(struct tls_server *ts, struct tls_cert *c, struct span host)
{
	char		lower[TLS_SNI_MAX];
	struct span	name = fold_pattern(host, lower);

	if (host.n == 0)
		add_name(ts, SPAN_NONE, c);
	else if (name.n > 0)
		add_name(ts, name, c);
	add_alt_names(ts, c);
}

/* --- which set */

/* "*.example.org" for mail.example.org; empty: nothing covers it. */
static struct span
wildcard(struct span name, char out[TLS_SNI_MAX + 1])
{
	ptrdiff_t	dot = span_index(name, '.');

	if (dot <= 0 || name.p[0] == '*')
		return SPAN_NONE;
	out[0] = '*';
	memcpy(out + 1, name.p + dot, name.n - (size_t)dot);
	return span_mem(out, 1 + name.n - (size_t)dot);
}

static struct tls_set *
set_of(struct tls_server *ts, struct tls_cert *const by[TLS_NTYPES],
    const char **why)
{
	struct tls_set	*s;
	SSL_CTX		*ctx;

	for (s = ts->sets; s != NULL; s = s->next)
		if (memcmp(s->by, by, sizeof(s->by)) == 0)
			return s;
	if ((ctx = tls_context_new(ts, by, why)) == NULL)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	memcpy(s->by, by, sizeof(s->by));
	s->ctx = ctx;
	SSL_CTX_set_app_data(ctx, s);
	s->next = ts->sets;
	ts->sets = s;
	return s;
}

/* A type of key that its own certificates lack comes from a wildcard's. */
static bool
give_set(struct tls_server *ts, struct span name, struct tls_host *h,
    const char **why)
{
	struct tls_cert		*by[TLS_NTYPES];
	const struct tls_host	*wild;
	char			 star[TLS_SNI_MAX + 1];
	struct span		 pattern = wildcard(name, star);

	memcpy(by, h->by, sizeof(by));
	wild = pattern.n == 0 ? NULL : htab_get(&ts->hosts, pattern);
	for (unsigned i = 0; wild != NULL && i < TLS_NTYPES; i++)
		if (by[i] == NULL)
			by[i] = wild->by[i];
	h->set = set_of(ts, by, why);
	return h->set != NULL;
}

static bool
shares(const struct tls_host *a, const struct tls_host *b)
{
	for (unsigned i = 0; i < TLS_NTYPES; i++)
		if (a->by[i] != NULL && a->by[i] == b->by[i])
			return true;
	return false;
}

/*
 * The default has what its own names have: who asks for no name may be one who
 * can use but the other type of key.
 */
static void
widen_default(struct tls_server *ts)
{
	struct tls_host		*dflt = htab_get(&ts->hosts, SPAN_NONE);
	const struct tls_host	*h;
	struct span		 name;
	size_t			 pos = 0;
	void			*v;

	while (htab_next(&ts->hosts, &pos, &name, &v)) {
		h = v;
		if (!shares(dflt, h))
			continue;
		for (unsigned i = 0; i < TLS_NTYPES; i++)
			if (dflt->by[i] == NULL)
				dflt->by[i] = h->by[i];
	}
}

bool
tls_names_ready(struct tls_server *ts, const char **why)
{
	struct tls_host	*h;
	struct tls_cert	*first = ts->certs;
	struct span	 name;
	size_t		 pos = 0;
	void		*v;

	while (first->next != NULL)
		first = first->next;
	if (htab_get(&ts->hosts, SPAN_NONE) == NULL)
		add_name(ts, SPAN_NONE, first);
	widen_default(ts);
	while (htab_next(&ts->hosts, &pos, &name, &v))
		if (!give_set(ts, name, v, why))
			return false;
	h = htab_get(&ts->hosts, SPAN_NONE);
	ts->dflt = h->set;
	return true;
}

void
tls_names_clear(struct tls_server *ts)
{
	struct tls_set	*s;
	struct tls_cert	*c;
	struct span	 name;
	size_t		 pos = 0;
	void		*v;

	while ((s = ts->sets) != NULL) {
		ts->sets = s->next;
		SSL_CTX_free(s->ctx);
		free(s);
	}
	while (htab_next(&ts->hosts, &pos, &name, &v))
		free(v);
	htab_clear(&ts->hosts);
	while ((c = ts->certs) != NULL) {
		ts->certs = c->next;
		tls_cert_free(&c);
	}
}

static const struct tls_host *
host_of(const struct tls_server *ts, struct span name)
{
	const struct tls_host	*h = htab_get(&ts->hosts, name);
	char			 star[TLS_SNI_MAX + 1];
	struct span		 pattern;

	if (h != NULL)
		return h;
	pattern = wildcard(name, star);
	return pattern.n == 0 ? NULL : htab_get(&ts->hosts, pattern);
}

/* RFC 6066, 3: an unknown name is no reason to end the handshake. */
int
tls_names_cb(SSL *ssl, int *alert, void *server)
{
	const struct tls_server	*ts = server;
	const struct tls_host	*h;
	struct tls		*t = SSL_get_app_data(ssl);
	const char		*asked;
	char			 lower[TLS_SNI_MAX];
	struct span		 name;

	(void)alert;
	asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	if (asked == NULL || t == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	name = fold(span_of(asked), lower);
	if (name.n == 0 || name.p[0] == '*')
		return SSL_TLSEXT_ERR_NOACK;
	free(t->sni);
	t->sni = xstrndup(name.p, name.n);
	if ((h = host_of(ts, name)) == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_SSL_CTX(ssl, h->set->ctx);
	return SSL_TLSEXT_ERR_OK;
}
