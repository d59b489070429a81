/*
 * chain.c - certificates in PEM: read, put in order, written anew, and the
 * names that they are for.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "mta/keys/pair_int.h"

/* --- reading */

static bool
is_certificate(const char *name)
{
	return strcmp(name, PEM_STRING_X509) == 0 ||
	    strcmp(name, PEM_STRING_X509_OLD) == 0;
}

/* One block; NULL: no certificate, all of it. */
static X509 *
parse_block(const unsigned char *der, long n)
{
	const unsigned char	*p = der;
	X509			*x = d2i_X509(NULL, &p, n);

	if (x != NULL && p == der + n)
		return x;
	X509_free(x);
	return NULL;
}

/* 1: a certificate, or something else that is passed over; 0: the end; -1. */
static int
read_block(BIO *bio, STACK_OF(X509) *all)
{
	char		*name = NULL, *header = NULL;
	unsigned char	*der = NULL;
	long		 n = 0;
	X509		*x;
	int		 rc = 1;

	if (PEM_read_bio(bio, &name, &header, &der, &n) != 1)
		return ERR_GET_REASON(ERR_peek_last_error()) ==
		    PEM_R_NO_START_LINE ? 0 : -1;
	if (is_certificate(name)) {
		x = parse_block(der, n);
		if (x == NULL || sk_X509_push(all, x) == 0) {
			X509_free(x);
			rc = -1;
		}
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(der, (size_t)n);	/* may be a key */
	return rc;
}

static void
free_all(STACK_OF(X509) *all)
{
	sk_X509_pop_free(all, X509_free);
	ERR_clear_error();
}

STACK_OF(X509) *
chain_read(struct span file, enum keys_part part, int max,
    struct pair_fault *f)
{
	STACK_OF(X509)	*all = sk_X509_new_null();
	BIO		*bio = BIO_new_mem_buf(file.n == 0 ? "" : file.p,
			    (int)file.n);
	int		 rc = -1;

	if (all == NULL || bio == NULL)
		abort();
	while (sk_X509_num(all) <= max && (rc = read_block(bio, all)) == 1)
		continue;
	BIO_free(bio);
	ERR_clear_error();
	if (sk_X509_num(all) > max)
		(void)pair_fail(f, part, "more than %d certificates", max);
	else if (rc == -1)
		(void)pair_fail(f, part, "certificate number %d cannot be read",
		    sk_X509_num(all) + 1);
	else if (sk_X509_num(all) == 0)
		(void)pair_fail(f, part, "no certificate in PEM");
	else
		return all;
	free_all(all);
	return NULL;
}

/* --- the order */

/* Takes the one at i out of all, to the end of out. */
static void
move(STACK_OF(X509) *all, int i, STACK_OF(X509) *out)
{
	X509	*x = sk_X509_delete(all, i);

	if (sk_X509_push(out, x) == 0)
		abort();
}

static int
find_owner(STACK_OF(X509) *all, EVP_PKEY *key)
{
	for (int i = 0; i < sk_X509_num(all); i++) {
		EVP_PKEY	*k = X509_get0_pubkey(sk_X509_value(all, i));

		if (k != NULL && EVP_PKEY_eq(k, key) == 1)
			return i;
	}
	return -1;
}

static bool
signs_itself(X509 *x)
{
	return (X509_get_extension_flags(x) & EXFLAG_SS) != 0;
}

static int
find_issuer(STACK_OF(X509) *all, X509 *of, bool roots)
{
	for (int i = 0; i < sk_X509_num(all); i++) {
		X509	*x = sk_X509_value(all, i);

		if (signs_itself(x) == roots &&
		    X509_check_issued(x, of) == X509_V_OK)
			return i;
	}
	return -1;
}

/* Of the first in out: the second, or a root among the others; NULL. */
static X509 *
issuer_of_first(STACK_OF(X509) *out, STACK_OF(X509) *others)
{
	X509	*x = NULL;
	int	 i;

	if (sk_X509_num(out) > 1)
		x = sk_X509_value(out, 1);
	else if ((i = find_issuer(others, sk_X509_value(out, 0), true)) != -1)
		x = sk_X509_value(others, i);
	if (x != NULL)
		(void)X509_up_ref(x);
	return x;
}

int
chain_order(STACK_OF(X509) *all, EVP_PKEY *key, X509 **issuer,
    struct pair_fault *f)
{
	STACK_OF(X509)	*out;
	int		 i = find_owner(all, key);

	ERR_clear_error();
	if (i == -1) {
		f->unfit = true;
		return pair_fail(f, KEYS_KEY, "the key does not belong to the "
		    "certificate");
	}
	if ((out = sk_X509_new_null()) == NULL)
		abort();
	do {
		move(all, i, out);
		i = find_issuer(all, sk_X509_value(out,
		    sk_X509_num(out) - 1), false);
	} while (i != -1 && sk_X509_num(out) < PAIR_CHAIN_MAX);
	*issuer = issuer_of_first(out, all);
	ERR_clear_error();
	while (sk_X509_num(all) > 0)
		X509_free(sk_X509_pop(all));
	while (sk_X509_num(out) > 0)
		move(out, 0, all);
	sk_X509_free(out);
	return 0;
}

/* --- writing */

void
chain_pem(STACK_OF(X509) *chain, struct buf *out)
{
	BIO	*bio = BIO_new(BIO_s_mem());
	char	*p;
	long	 n;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		if (PEM_write_bio_X509(bio, sk_X509_value(chain, i)) != 1)
			abort();
	}
	n = BIO_get_mem_data(bio, &p);
	buf_add(out, p, (size_t)n);
	BIO_free(bio);
}

/* --- names */

/* Of a stranger's making, as far as we know: only what a name may hold. */
static void
add_name(struct buf *out, const unsigned char *p, int n)
{
	if (n <= 0 || out->n + (size_t)n + 1 > KEYS_TEXT_MAX)
		return;
	for (int i = 0; i < n; i++) {
		if (p[i] <= ' ' || p[i] >= 0x7f)
			return;
	}
	if (out->n > 0)
		buf_add_char(out, ' ');
	buf_add(out, p, (size_t)n);
}

static void
add_address(struct buf *out, const ASN1_OCTET_STRING *octets)
{
	char		text[INET6_ADDRSTRLEN];
	int		n = ASN1_STRING_length(octets);
	const void	*p = ASN1_STRING_get0_data(octets);

	if ((n == 4 && inet_ntop(AF_INET, p, text, sizeof(text)) != NULL) ||
	    (n == 16 && inet_ntop(AF_INET6, p, text, sizeof(text)) != NULL))
		add_name(out, (const unsigned char *)text, (int)strlen(text));
}

static void
add_common_name(struct buf *out, X509 *x)
{
	X509_NAME		*subject = X509_get_subject_name(x);
	int			 i;
	const ASN1_STRING	*s;

	i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (i < 0)
		return;
	s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
	add_name(out, ASN1_STRING_get0_data(s), ASN1_STRING_length(s));
}

void
chain_names(X509 *x, struct buf *out)
{
	GENERAL_NAMES	*all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
			    NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME	*g = sk_GENERAL_NAME_value(all, i);

		if (g->type == GEN_DNS)
			add_name(out, ASN1_STRING_get0_data(g->d.dNSName),
			    ASN1_STRING_length(g->d.dNSName));
		else if (g->type == GEN_IPADD)
			add_address(out, g->d.iPAddress);
	}
	GENERAL_NAMES_free(all);
	if (out->n == 0)
		add_common_name(out, x);
	ERR_clear_error();
}
