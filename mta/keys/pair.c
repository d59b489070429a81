/*
 * pair.c - the files of one tls block, examined.
 */
#include "mta/keys/pair.h"

#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/tls_bundle.h"

#include "mta/keys/pair_int.h"

int
pair_fail(struct pair_fault *f, enum keys_part part, const char *form, ...)
{
	va_list	ap;

	f->part = part;
	buf_reset(&f->why);
	va_start(ap, form);
	buf_vaddf(&f->why, form, ap);
	va_end(ap);
	return -1;
}

void
pair_warn(struct pair *p, enum keys_part part, const char *form, ...)
{
	va_list	ap;

	if (p->warning.n > 0)
		return;
	p->warned_part = part;
	va_start(ap, form);
	buf_vaddf(&p->warning, form, ap);
	va_end(ap);
}

const char *
pair_date(int64_t s, char out[PAIR_DATE_MAX])
{
	time_t		t = (time_t)s;
	struct tm	tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, PAIR_DATE_MAX, "%Y-%m-%d", &tm) == 0)
		memcpy(out, "?", 2);
	return out;
}

int64_t
pair_time(const ASN1_TIME *t)
{
	struct tm	tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

/* --- what should be mended */

static void
warn_of_times(struct pair *p, int64_t now_s)
{
	char	date[PAIR_DATE_MAX];

	if (p->not_after_s <= now_s)
		pair_warn(p, KEYS_CERTIFICATE, "has expired on %s: clients "
		    "that verify it will not talk to us",
		    pair_date(p->not_after_s, date));
	else if (p->not_before_s > now_s)
		pair_warn(p, KEYS_CERTIFICATE, "is not valid before %s",
		    pair_date(p->not_before_s, date));
}

/*
 * Who is certified by an authority of the public (it says where its issuer is
 * to be found) and shows the certificate alone is not verified by many.
 */
static void
warn_of_chain(struct pair *p, STACK_OF(X509) *chain)
{
	X509	*x = sk_X509_value(chain, 0);

	if (sk_X509_num(chain) == 1 &&
	    X509_get_ext_by_NID(x, NID_info_access, -1) >= 0)
		pair_warn(p, KEYS_CERTIFICATE, "the certificates between it "
		    "and its root are not in the file; many clients will not "
		    "verify it");
}

static void
warn_of_use(struct pair *p, X509 *x, bool client)
{
	if (client && (X509_get_extended_key_usage(x) &
	    (XKU_SSL_CLIENT | XKU_ANYEKU)) == 0)
		pair_warn(p, KEYS_CERTIFICATE, "it is not for clients "
		    "(extended key usage): next hops will refuse it");
	if (client)
		return;
	if ((X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE) == 0)
		pair_warn(p, KEYS_CERTIFICATE, "it may not sign (key usage): "
		    "clients will refuse it");
	else if ((X509_get_extended_key_usage(x) &
	    (XKU_SSL_SERVER | XKU_ANYEKU)) == 0)
		pair_warn(p, KEYS_CERTIFICATE, "it is not for servers "
		    "(extended key usage): clients will refuse it");
}

/* --- the whole of it */

/* Workers give it to OpenSSL: what that says of it is known before. */
static int
try_in_openssl(STACK_OF(X509) *chain, EVP_PKEY *key, struct pair_fault *f)
{
	SSL_CTX		*ctx = SSL_CTX_new(TLS_server_method());
	STACK_OF(X509)	*others = sk_X509_dup(chain);
	const char	*reason;
	int		 rc = 0;

	if (ctx == NULL || others == NULL)
		abort();
	(void)sk_X509_shift(others);
	if (SSL_CTX_use_cert_and_key(ctx, sk_X509_value(chain, 0), key,
	    others, 1) != 1) {
		reason = ERR_reason_error_string(ERR_peek_last_error());
		rc = pair_fail(f, KEYS_CERTIFICATE, "OpenSSL refuses it: %s",
		    reason == NULL ? "?" : reason);
	}
	sk_X509_free(others);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

/* What is shown, and who has signed the first of it; NULL: not known. */
struct shown {
	STACK_OF(X509)	*chain;
	X509		*issuer;
};

static struct span
take_staple(struct pair *p, struct span file, const struct shown *shown,
    int64_t now_s)
{
	const char	*why;

	if (file.n == 0)
		return SPAN_NONE;
	p->staple_until_s = staple_until(file, shown->chain, shown->issuer,
	    now_s, &why);
	if (p->staple_until_s != 0)
		return file;
	pair_warn(p, KEYS_STAPLE, "left out: %s", why);
	return SPAN_NONE;
}

static int
put_authorities(struct span file, struct buf *out, struct pair_fault *f)
{
	STACK_OF(X509)	*all;

	if (file.n == 0)
		return 0;
	all = chain_read(file, KEYS_AUTHORITIES, PAIR_AUTHORITIES_MAX, f);
	if (all == NULL)
		return -1;
	chain_pem(all, out);
	sk_X509_pop_free(all, X509_free);
	return 0;
}

static int
put_bundle(struct pair *p, const struct span parts[KEYS_NPARTS],
    const struct shown *shown, int64_t now_s, struct pair_fault *f)
{
	struct buf		pem = { 0 }, authorities = { 0 };
	struct tls_bundle	b = { .chain = SPAN_NONE };
	int			rc;

	rc = put_authorities(parts[KEYS_AUTHORITIES], &authorities, f);
	if (rc == 0) {
		chain_pem(shown->chain, &pem);
		b.chain = buf_span(&pem);
		b.staple = take_staple(p, parts[KEYS_STAPLE], shown, now_s);
		b.authorities = buf_span(&authorities);
		tls_bundle_put(&p->bundle, &b);
	}
	buf_clear(&pem);
	buf_clear(&authorities);
	return rc;
}

static int
prove_key(struct pair *p, STACK_OF(X509) *chain, struct pair_fault *f)
{
	if (!key_fits(p->key, sk_X509_value(chain, 0)))
		return pair_fail(f, KEYS_KEY, "the key is damaged: what it "
		    "signs does not verify");
	return try_in_openssl(chain, p->key, f);
}

/* key: the private one, or the certificate's own public half. */
static int
order_chain(struct pair *p, EVP_PKEY *key, struct shown *shown,
    struct pair_fault *f)
{
	if (key_algorithm(key, &p->algorithm, f) == -1 ||
	    chain_order(shown->chain, key, &shown->issuer, f) == -1 ||
	    (p->key != NULL && prove_key(p, shown->chain, f) == -1))
		return -1;
	if (!tls_key_id(sk_X509_value(shown->chain, 0), p->id))
		return pair_fail(f, KEYS_CERTIFICATE, "its key cannot be read");
	return 0;
}

static void
describe(struct pair *p, STACK_OF(X509) *chain, bool client, int64_t now_s)
{
	X509	*x = sk_X509_value(chain, 0);

	p->not_before_s = pair_time(X509_get0_notBefore(x));
	p->not_after_s = pair_time(X509_get0_notAfter(x));
	chain_names(x, &p->names);
	warn_of_times(p, now_s);
	warn_of_use(p, x, client);
	warn_of_chain(p, chain);
}

enum look { LOOK_SERVER, LOOK_CLIENT, LOOK_PUBLIC };

static int
examine(const struct span parts[KEYS_NPARTS], enum look how, int64_t now_s,
    struct pair *p, struct pair_fault *f)
{
	struct shown	 shown = { NULL, NULL };
	EVP_PKEY	*key;
	int		 rc = -1;

	*p = (struct pair){ .key = NULL };
	*f = (struct pair_fault){ .unfit = false };
	shown.chain = chain_read(parts[KEYS_CERTIFICATE], KEYS_CERTIFICATE,
	    PAIR_CERTIFICATES_MAX, f);
	if (shown.chain == NULL)
		return -1;
	if (how == LOOK_PUBLIC)
		key = X509_get0_pubkey(sk_X509_value(shown.chain, 0));
	else
		key = p->key = key_read(parts[KEYS_KEY], f);
	if (key == NULL && how == LOOK_PUBLIC)
		(void)pair_fail(f, KEYS_CERTIFICATE, "its key cannot be read");
	if (key != NULL && order_chain(p, key, &shown, f) == 0) {
		describe(p, shown.chain, how == LOOK_CLIENT, now_s);
		rc = put_bundle(p, parts, &shown, now_s, f);
	}
	X509_free(shown.issuer);
	sk_X509_pop_free(shown.chain, X509_free);
	if (rc == -1)
		pair_clear(p);
	return rc;
}

int
pair_read(const struct span parts[KEYS_NPARTS], int64_t now_s,
    struct pair *p, struct pair_fault *f)
{
	return examine(parts, LOOK_SERVER, now_s, p, f);
}

int
pair_read_client(const struct span parts[KEYS_NPARTS], int64_t now_s,
    struct pair *p, struct pair_fault *f)
{
	return examine(parts, LOOK_CLIENT, now_s, p, f);
}

int
pair_look(const struct span parts[KEYS_NPARTS], int64_t now_s,
    struct pair *p, struct pair_fault *f)
{
	return examine(parts, LOOK_PUBLIC, now_s, p, f);
}

void
pair_clear(struct pair *p)
{
	EVP_PKEY_free(p->key);
	buf_clear(&p->bundle);
	buf_clear(&p->names);
	buf_clear(&p->algorithm);
	buf_clear(&p->warning);
	*p = (struct pair){ .key = NULL };
}

void
pair_fault_clear(struct pair_fault *f)
{
	buf_clear(&f->why);
}
