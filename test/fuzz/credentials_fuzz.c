/*
 * credentials_fuzz.c - what strangers and administrators write for credentials:
 * challenges of SASL, answers of endpoints, files of secrets.
 *
 * The first octet says which mechanism; the rest is each of these at once.
 * Challenges are divided by NUL.
 */
#include "config.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mta/credentials/client.h"
#include "mta/credentials/reply.h"
#include "mta/credentials/secrets.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
exchange(enum mech m, struct span in)
{
	const struct sasl_who	 who = { .login = SPAN("ann"),
	    .secret = SPAN("secret"), .host = SPAN("hop.example"),
	    .port = 587 };
	struct sasl_client	*c;
	struct buf		 out = { 0 };
	const char		*why;
	ptrdiff_t		 nul;
	enum sasl_next		 next = SASL_SAY;

	if ((c = sasl_client_new(m, &who, &why)) == NULL)
		return;
	(void)sasl_client_begin(c, &out);
	while (in.n > 0 && next == SASL_SAY) {
		nul = span_index(in, '\0');
		buf_reset(&out);
		next = sasl_client_step(c, span_mem(in.p, nul < 0 ? in.n :
		    (size_t)nul), &out);
		in = span_from(in, nul < 0 ? in.n : (size_t)nul + 1);
		assert(out.n < 65536);
	}
	assert(strlen(sasl_client_error(c)) < 256);
	/* Nobody can make a hop of himself that has proven something. */
	assert(!sasl_client_is_done(c) || (m != MECH_SCRAM_SHA_1 &&
	    m != MECH_SCRAM_SHA_256 && m != MECH_SCRAM_SHA_1_PLUS &&
	    m != MECH_SCRAM_SHA_256_PLUS));
	sasl_client_free(&c);
	buf_clear(&out);
}

static void
reply(struct span in)
{
	struct token_reply	r;
	const char		*why = NULL;
	char			 status[16];

	reply_status(in, status, sizeof(status));
	assert(strlen(status) < sizeof(status));
	if (!token_reply_parse(in, &r, &why)) {
		assert(why != NULL && r.token == NULL);
		return;
	}
	assert(r.token != NULL || r.error[0] != '\0');
	assert(r.token == NULL || strlen(r.token) <= REPLY_TOKEN_MAX);
	assert(r.expires_s >= 0 && r.expires_s <= REPLY_EXPIRES_MAX_S);
	token_reply_clear(&r);
}

static void
secrets(struct span in)
{
	struct span	got;

	if (secrets_of(in, SPAN("ann"), &got))
		assert(got.n > 0 && got.p >= in.p &&
		    got.p + got.n <= in.p + in.n);
	got = secrets_either(in, SPAN("ann"));
	assert(span_index(got, '\n') < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	in;

	if (n == 0 || n > REPLY_JSON_MAX)
		return 0;
	in = span_mem((const char *)data + 1, n - 1);
	exchange((enum mech)(data[0] % MECH_N), in);
	reply(in);
	secrets(in);
	return 0;
}
