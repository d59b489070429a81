/*
 * sasl_fuzz.c - exchanges of a client that says what it likes.
 *
 * The first octet is the mechanism, the next whether its first line comes with
 * the command and what the answers are; then lines.  The same once as they are,
 * and once encoded, so that the mechanisms see what is behind base64.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "mta/sasl/base64.h"
#include "mta/sasl/sasl.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct sasl_context	context = {
	.hostname = { "mx.example", 10 },
	.offered = SASL_BIT(SASL_SCRAM_SHA_256_PLUS),
	.certificate = { "user", 4 },
	.exporter = { "exporter", 8 },
	.end_point = { "end-point", 9 },
	.nonce = "xyz"
};

static void
check_question(const struct sasl_question *q)
{
	assert(q->want <= SASL_KNOWN);
	assert(q->user.n <= 1024 &&
	    (q->user.n > 0 || q->want == SASL_TOKEN));
	assert(q->user.n == 0 || memchr(q->user.p, 0, q->user.n) == NULL);
	assert(q->want == SASL_SALT || q->want == SASL_KNOWN ||
	    q->secret.n > 0);
	if (q->want == SASL_PROOF)
		assert(q->secret.n == (q->hash == SASL_SHA_1 ? 20 : 32));
	else if (q->secret.n > 0)
		assert(memchr(q->secret.p, 0, q->secret.n) == NULL);
}

static enum sasl_step
answered(struct sasl *s, enum sasl_step step, unsigned how)
{
	static const char	zeros[32];
	struct sasl_told	t;

	while (step == SASL_ASK) {
		check_question(sasl_question(s));
		t = (struct sasl_told){
			.answer = (enum sasl_answer)(how % 3), .user =
			SPAN("user"), .salt = span_mem(zeros, 16),
			.iterations = 4096, .signature = span_mem(zeros, 32)
		};
		if (sasl_question(s)->want == SASL_SALT && how < 128)
			t.answer = SASL_RIGHT;
		step = sasl_told(s, &t);
	}
	return step;
}

static enum sasl_step
hear(struct sasl *s, struct span line, bool encode, bool initial)
{
	struct buf	digits = { 0 };
	enum sasl_step	step;

	if (encode)
		base64_add(&digits, line);
	else
		buf_add_span(&digits, line);
	line = buf_span(&digits);
	step = initial ? sasl_begin(s, &line) : sasl_line(s, line);
	buf_clear(&digits);
	return step;
}

static void
play(const uint8_t *in, size_t n, bool encode)
{
	struct span	 rest = span_mem(in + 2, n - 2), line;
	struct buf	 said = { 0 };
	struct sasl	*s = sasl_new((enum sasl_mech)(in[0] % SASL_NMECHS),
			    &context);
	enum sasl_step	 step;
	ptrdiff_t	 lf;
	bool		 initial = in[1] & 1;

	step = initial ? SASL_SAY : sasl_begin(s, NULL);
	while (step == SASL_SAY && rest.n > 0) {
		lf = span_index(rest, '\n');
		line = lf == -1 ? rest : span_mem(rest.p, (size_t)lf);
		rest = span_from(rest, line.n + 1);
		step = answered(s, hear(s, line, encode, initial), in[1] >> 1);
		initial = false;
		if (step == SASL_SAY) {
			buf_reset(&said);
			sasl_say(s, &said);
			assert(said.n % 4 == 0 && said.n < SASL_LINE_MAX * 2);
		}
	}
	assert(step != SASL_DONE || sasl_user(s).n > 0);
	assert(step != SASL_FAILED || sasl_why(s) != NULL);
	buf_clear(&said);
	sasl_free(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	if (n < 2 || n > SASL_LINE_MAX)
		return 0;
	play(in, n, false);
	play(in, n, true);
	return 0;
}
