/*
 * store.c - one account.
 */
#include "config.h"

#include <assert.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/digest.h"
#include "mta/auth/scram.h"
#include "mta/sasl/base64.h"

#include "test/unit/sasl/store.h"

#define ITERATIONS	4096

static struct {
	uint8_t		 octets[SASL_SALT_MAX];
	size_t		 n;
	bool		 known;
	struct scram_keys keys;
} scrams[2];			/* by enum sasl_hash */

static void
learn(enum sasl_hash h)
{
	struct span	text = h == SASL_SHA_1 ? SPAN("QSXCR+Q6sek8bf92") :
			    SPAN("W22ZaJ0SNY7soEsUEjb6gQ==");

	if (scrams[h].known)
		return;
	assert(base64_read(text, (char *)scrams[h].octets, &scrams[h].n));
	assert(scram_keys(h == SASL_SHA_1 ? ACCOUNT_SCRAM_SHA_1 :
	    ACCOUNT_SCRAM_SHA_256, SPAN(STORE_PASSWORD),
	    span_mem(scrams[h].octets, scrams[h].n), ITERATIONS,
	    &scrams[h].keys));
	scrams[h].known = true;
}

/* RFC 5802, 3: whether the proof is right, and our signature. */
static bool
proved(const struct sasl_question *q, uint8_t signature[SCRAM_KEY_MAX])
{
	const EVP_MD		*md = q->hash == SASL_SHA_1 ? EVP_sha1() :
				    EVP_sha256();
	const struct scram_keys	*k = &scrams[q->hash].keys;
	uint8_t			 key[SCRAM_KEY_MAX], stored[SCRAM_KEY_MAX];

	learn(q->hash);
	assert(HMAC(md, k->stored, (int)k->n, (const uint8_t *)q->text.p,
	    q->text.n, key, NULL) != NULL);
	for (size_t i = 0; i < k->n; i++)
		key[i] ^= (uint8_t)q->secret.p[i];
	assert(EVP_Digest(key, k->n, stored, NULL, md, NULL) == 1);
	assert(HMAC(md, k->server, (int)k->n, (const uint8_t *)q->text.p,
	    q->text.n, signature, NULL) != NULL);
	return memcmp(stored, k->stored, k->n) == 0;
}

static bool
digested(const struct sasl_question *q)
{
	uint8_t	octets[16];
	char	hex[33];

	assert(HMAC(EVP_md5(), STORE_PASSWORD, sizeof(STORE_PASSWORD) - 1,
	    (const uint8_t *)q->text.p, q->text.n, octets, NULL) != NULL);
	digest_hex(octets, sizeof(octets), hex);
	return span_eq(q->secret, span_of(hex));
}

static bool
right(const struct sasl_question *q, struct sasl_told *t,
    uint8_t signature[SCRAM_KEY_MAX])
{
	switch (q->want) {
	case SASL_PASSWORD:
		return span_eq(q->secret, SPAN(STORE_PASSWORD));
	case SASL_SALT:
		learn(q->hash);
		t->salt = span_mem(scrams[q->hash].octets, scrams[q->hash].n);
		t->iterations = ITERATIONS;
		return true;
	case SASL_PROOF:
		t->signature = span_mem(signature,
		    q->hash == SASL_SHA_1 ? 20 : 32);
		return proved(q, signature);
	case SASL_DIGEST:
		return digested(q);
	case SASL_TOKEN:
		return span_eq(q->secret, SPAN(STORE_TOKEN));
	case SASL_KNOWN:
		return true;
	}
	return false;
}

/* A salt is there for everybody, as in auth. */
bool
store_right(const struct sasl_question *q, struct sasl_told *t,
    uint8_t signature[SCRAM_KEY_MAX])
{
	bool	known = span_ieq(q->user, SPAN(STORE_USER)) ||
		    (q->want == SASL_TOKEN && q->user.n == 0);

	t->user = SPAN(STORE_USER);
	return right(q, t, signature) && (known || q->want == SASL_SALT);
}

enum sasl_step
store_answers(struct sasl *s, bool cannot)
{
	struct sasl_told	 t = { .answer = SASL_DONT_KNOW };
	uint8_t			 signature[SCRAM_KEY_MAX];

	if (!cannot)
		t.answer = store_right(sasl_question(s), &t, signature) ?
		    SASL_RIGHT : SASL_NOT_RIGHT;
	return sasl_told(s, &t);
}

enum sasl_step
store_runs(struct sasl *s, enum sasl_step step)
{
	while (step == SASL_ASK)
		step = store_answers(s, false);
	return step;
}
