/*
 * secret.c - verifying and making secrets: libcrypt and OpenSSL.
 */
#include "config.h"

#include <crypt.h>
#include <stdlib.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/digest.h"
#include "base/xalloc.h"

#include "mta/auth/scram.h"
#include "mta/auth/secret.h"

#define SALT_OCTETS		16
#define ITERATIONS		10000	/* for what people choose */
#define ITERATIONS_RANDOM	SCRAM_ITERATIONS_LEAST
#define SHA1_OCTETS		20

void
secret_buf_clear(struct buf *b)
{
	if (b->base != NULL)
		explicit_bzero(b->base, b->cap);
	buf_clear(b);
}

/* As libcrypt wants it; wiped and freed by free_text(). */
static char *
text_of(struct span s)
{
	return xstrndup(s.n > 0 ? s.p : "", s.n);
}

static void
free_text(char *s)
{
	if (s != NULL)
		explicit_bzero(s, strlen(s));
	free(s);
}

static enum auth_result
same(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0 ? AUTH_RIGHT : AUTH_WRONG;
}

/* --- crypt(3) */

/* The hash under a setting; NULL: libcrypt cannot.  Freed by free_text(). */
static char *
hash_of(const char *password, const char *setting)
{
	void		*data = NULL;
	int		 size = 0;
	const char	*hash = crypt_ra(password, setting, &data, &size);
	char		*copy = NULL;

	if (hash != NULL && hash[0] != '*')
		copy = xstrdup(hash);
	if (data != NULL)
		explicit_bzero(data, (size_t)size);
	free(data);
	return copy;
}

static enum auth_result
verify_crypt(struct span text, struct span password)
{
	char			*setting = text_of(text);
	char			*phrase = text_of(password);
	char			*hash = hash_of(phrase, setting);
	enum auth_result	 is = AUTH_WRONG;

	if (hash == NULL)
		is = AUTH_CANNOT;
	else if (strlen(hash) == text.n)
		is = same(hash, setting, text.n);
	free_text(hash);
	free_text(phrase);
	free_text(setting);
	return is;
}

/* --- base64 */

size_t
secret_decode(struct span s, uint8_t out[SECRET_DECODED_MAX])
{
	int	 n;

	if (s.n > SECRET_DECODED_MAX || s.n % 4 != 0 || s.n == 0)
		return 0;
	n = EVP_DecodeBlock(out, (const unsigned char *)s.p, (int)s.n);
	if (n < 3)
		return 0;
	return (size_t)n - (s.p[s.n - 1] == '=') - (s.p[s.n - 2] == '=');
}

static void
add_base64(struct buf *out, const uint8_t *p, size_t n)
{
	char	*to = buf_reserve(out, n / 3 * 4 + 5);

	buf_grown(out, (size_t)EVP_EncodeBlock((unsigned char *)to, p,
	    (int)n));
}

/* --- SCRAM, SSHA, PLAIN */

static enum auth_result
verify_scram(enum account_scheme s, struct span text, struct span password)
{
	struct account_scram	 scram;
	struct scram_keys	 k;
	uint8_t			 salt[SECRET_DECODED_MAX], stored[SECRET_DECODED_MAX];
	size_t			 n;
	enum auth_result	 is = AUTH_CANNOT;

	if (!account_scram_parse(s, text, &scram))
		return AUTH_CANNOT;
	n = secret_decode(scram.salt, salt);
	if (scram_keys(s, password, span_mem(salt, n), scram.iterations, &k) &&
	    secret_decode(scram.stored_key, stored) == k.n)
		is = same(k.stored, stored, k.n);
	explicit_bzero(&k, sizeof(k));
	explicit_bzero(stored, sizeof(stored));
	return is;
}

/* SHA-1 over password and salt; the salt stands behind it. */
static enum auth_result
verify_salted(struct span text, struct span password)
{
	uint8_t			 all[SECRET_DECODED_MAX], digest[SHA1_OCTETS];
	size_t			 n = secret_decode(text, all);
	EVP_MD_CTX		*md = EVP_MD_CTX_new();
	enum auth_result	 is = AUTH_CANNOT;

	if (md != NULL && n > SHA1_OCTETS &&
	    EVP_DigestInit_ex(md, EVP_sha1(), NULL) == 1 &&
	    EVP_DigestUpdate(md, password.p, password.n) == 1 &&
	    EVP_DigestUpdate(md, all + SHA1_OCTETS, n - SHA1_OCTETS) == 1 &&
	    EVP_DigestFinal_ex(md, digest, NULL) == 1)
		is = same(digest, all, SHA1_OCTETS);
	EVP_MD_CTX_free(md);
	explicit_bzero(all, sizeof(all));
	return is;
}

/* By digests, so that neither length nor content shows in the time. */
static enum auth_result
verify_plain(struct span text, struct span password)
{
	uint8_t			 a[32], b[32];
	enum auth_result	 is;

	digest_sha256(text, a);
	digest_sha256(password, b);
	is = same(a, b, sizeof(a));
	explicit_bzero(a, sizeof(a));
	explicit_bzero(b, sizeof(b));
	return is;
}

/* --- */

/* What nobody could have set is nobody's password. */
static bool
could_be(struct span password)
{
	return password.n > 0 && password.n <= SECRET_PASSWORD_MAX &&
	    span_index(password, '\0') < 0;
}

enum auth_result
secret_verify(enum account_scheme s, struct span text, struct span password)
{
	if (!could_be(password))
		return AUTH_WRONG;
	switch (account_scheme_form(s)) {
	case ACCOUNT_FORM_CRYPT:
		return verify_crypt(text, password);
	case ACCOUNT_FORM_SCRAM:
		return verify_scram(s, text, password);
	case ACCOUNT_FORM_SALTED:
		return verify_salted(text, password);
	case ACCOUNT_FORM_PLAIN:
		return verify_plain(text, password);
	}
	return AUTH_CANNOT;
}

/* Of no password: the hash is all dots, and the keys are all zero. */
#define NOBODY_CRYPT	"$y$j9T$nobodynobodynobo$" \
			"..........................................."
#define NOBODY_KEY	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define NOBODY_SCRAM	"10000,bm9ib2R5bm9ib2R5bm9ibw==," NOBODY_KEY "," \
			NOBODY_KEY

void
secret_verify_nobody(struct span password)
{
	(void)secret_verify(ACCOUNT_CRYPT, SPAN(NOBODY_CRYPT), password);
	(void)secret_verify(ACCOUNT_SCRAM_SHA_256, SPAN(NOBODY_SCRAM),
	    password);
}

const char *
secret_password_fault(struct span password)
{
	if (password.n == 0)
		return "an empty password";
	if (password.n > SECRET_PASSWORD_MAX)
		return "a password longer than 512 octets";
	return span_has_control(password) ?
	    "a control character in the password" : NULL;
}

/* --- making them */

/* What crypt_gensalt(3) is to make; NULL: not of this form. */
static const char *
prefix_of(enum account_scheme s)
{
	switch (s) {
	case ACCOUNT_CRYPT:
	case ACCOUNT_YESCRYPT:
		return "$y$";
	case ACCOUNT_BLF_CRYPT:
		return "$2b$";
	case ACCOUNT_SHA512_CRYPT:
		return "$6$";
	case ACCOUNT_SHA256_CRYPT:
		return "$5$";
	default:
		return NULL;
	}
}

static int
make_crypt(const char *prefix, struct span password, struct buf *out)
{
	char	*setting = crypt_gensalt_ra(prefix, 0, NULL, 0);
	char	*phrase = text_of(password);
	char	*hash = setting == NULL ? NULL : hash_of(phrase, setting);
	int	 rc = hash == NULL ? -1 : 0;

	if (hash != NULL)
		buf_add_str(out, hash);
	free_text(hash);
	free_text(phrase);
	free(setting);
	return rc;
}

static int
make_scram(enum account_scheme s, struct span password, uint32_t iterations,
    struct span salt, struct buf *out)
{
	struct scram_keys	 k;

	if (!scram_keys(s, password, salt, iterations, &k))
		return -1;
	buf_addf(out, "%u,", iterations);
	add_base64(out, (const uint8_t *)salt.p, salt.n);
	buf_add_char(out, ',');
	add_base64(out, k.stored, k.n);
	buf_add_char(out, ',');
	add_base64(out, k.server, k.n);
	explicit_bzero(&k, sizeof(k));
	return 0;
}

static int
make_new_scram(enum account_scheme s, struct span password, bool random,
    struct buf *out)
{
	uint8_t	salt[SALT_OCTETS];

	random_bytes(salt, sizeof(salt));
	return make_scram(s, password, random ? ITERATIONS_RANDOM : ITERATIONS,
	    span_mem(salt, sizeof(salt)), out);
}

static int
make_scram_like(enum account_scheme s, struct span password,
    const struct account_scram *like, struct buf *out)
{
	uint8_t	salt[SECRET_DECODED_MAX];
	size_t	n = secret_decode(like->salt, salt);

	return n == 0 ? -1 : make_scram(s, password, like->iterations,
	    span_mem(salt, n), out);
}

int
secret_make(enum account_scheme s, struct span password, bool random,
    const struct account_scram *like, struct buf *out, const char **why)
{
	const char	*prefix = prefix_of(s);
	int		 rc;

	*why = "such secrets are read, and not made";
	if (prefix == NULL && account_scheme_form(s) != ACCOUNT_FORM_SCRAM)
		return -1;
	/* In one piece: what grows leaves copies behind. */
	(void)buf_reserve(out, 1024);
	buf_addf(out, "{%s}", account_scheme_name(s));
	rc = prefix != NULL ? make_crypt(prefix, password, out) :
	    like != NULL ? make_scram_like(s, password, like, out) :
	    make_new_scram(s, password, random, out);
	*why = "the library of this system cannot make such a secret";
	return rc;
}

/* Six groups of four of 32 letters and digits: 120 bits. */
void
secret_random(char out[SECRET_RANDOM_SIZE])
{
	static const char	 letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t			 r[24];
	size_t			 i, n = 0;

	random_bytes(r, sizeof(r));
	for (i = 0; i < sizeof(r); i++) {
		if (i > 0 && i % 4 == 0)
			out[n++] = '-';
		out[n++] = letters[r[i] % 32];
	}
	out[n] = '\0';
	explicit_bzero(r, sizeof(r));
}
