/*
 * cram.c - CRAM-MD5 (RFC 2195).
 */
#include "config.h"

#include <inttypes.h>

#include "base/clock.h"
#include "mta/sasl/sasl_int.h"

#define DIGEST_DIGITS	32

/* RFC 2195, 2: like a Message-ID, new for each. */
static enum sasl_step
cram_start(struct sasl *s)
{
	struct buf	text = { 0 };

	if (s->cx->nonce != NULL)
		buf_add_str(&text, s->cx->nonce);
	else {
		buf_add_char(&text, '<');
		buf_add_span(&text, sasl_nonce(s));
		buf_addf(&text, ".%" PRId64 "@%.*s>", clock_wall_ms() / 1000,
		    SPAN_ARG(s->cx->hostname));
	}
	s->question.text = sasl_keep(s, buf_span(&text));
	buf_clear(&text);
	return sasl_says(s, s->question.text);
}

static bool
digest_ok(struct span d)
{
	for (size_t i = 0; i < d.n; i++)
		if (!((d.p[i] >= '0' && d.p[i] <= '9') ||
		    (d.p[i] >= 'a' && d.p[i] <= 'f')))
			return false;
	return d.n == DIGEST_DIGITS;
}

/* A name, a blank, and the digest in lower-case digits; names have blanks too. */
static enum sasl_step
cram_heard(struct sasl *s, struct span in)
{
	struct sasl_question	q = { .want = SASL_DIGEST,
				    .text = s->question.text };

	if (in.n <= DIGEST_DIGITS || in.p[in.n - DIGEST_DIGITS - 1] != ' ')
		return sasl_fails(s, SASL_SYNTAX, "not a name and a digest");
	q.secret = span_from(in, in.n - DIGEST_DIGITS);
	q.user = span_mem(in.p, in.n - DIGEST_DIGITS - 1);
	if (!digest_ok(q.secret) || !sasl_name_ok(q.user))
		return sasl_fails(s, SASL_SYNTAX, "not a name and a digest");
	return sasl_asks(s, &q);
}

const struct sasl_ops	sasl_cram = {
	.start = cram_start, .heard = cram_heard
};
