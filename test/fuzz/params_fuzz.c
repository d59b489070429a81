/*
 * params_fuzz.c - parameters of MAIL and RCPT, and what is decoded in them.
 *
 * The first octet: bit 0 RCPT, bit 1 SMTPUTF8, bit 2 nothing is offered.  What
 * must hold: text that comes out has no control character, and is UTF-8 within
 * its limits; what was encoded again decodes to the same; where nothing is
 * offered nothing is taken.
 */
#include "config.h"

#include <assert.h>

#include "mail/xtext.h"
#include "mta/smtp/params.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct arena	arena;

static void
check_text(struct span t, size_t max)
{
	size_t	n;

	assert(t.n <= max);
	for (size_t i = 0; i < t.n; i += n) {
		n = span_utf8(span_from(t, i));
		assert(n > 1 || (n == 1 && (unsigned char)t.p[i] >= ' ' &&
		    t.p[i] != 127));
	}
}

static void
check_again(struct span text)
{
	struct buf	b = { 0 };
	struct span	back;

	xtext_encode(text, &b);
	assert(xtext_decode(buf_span(&b), &arena, &back));
	assert(span_eq(back, text));
	buf_clear(&b);
}

static void
check_again_utf8(struct span text, bool raw)
{
	struct buf	b = { 0 };
	struct span	back;

	xtext_encode_utf8(text, raw, &b);
	assert(xtext_decode_utf8(buf_span(&b), raw, &arena, &back));
	assert(span_eq(back, text));
	buf_clear(&b);
}

static void
check(const struct smtp_params *p, const struct params_place *place)
{
	const struct envelope_param	*r = &p->rcpt;

	check_text(p->envid, ENVELOPE_ENVID_MAX);
	check_text(p->auth, SIZE_MAX);
	check_text(r->orcpt_type, ENVELOPE_ORCPT_TYPE_MAX);
	check_text(r->orcpt, ENVELOPE_ORCPT_MAX);
	check_again(p->envid);
	if (span_ieq(r->orcpt_type, SPAN("utf-8")))
		check_again_utf8(r->orcpt, place->utf8);
	else
		check_again(r->orcpt);
	assert(!(r->notify & NOTIFY_NEVER) || r->notify == NOTIFY_NEVER);
	assert(p->by != PARAMS_BY_RETURN || p->by_s > 0);
	assert(p->by_s <= 999999999 && p->by_s >= -999999999);
	assert(place->offered != 0 || p->given == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	struct params_place	place = { .arena = &arena };
	struct smtp_params	p;
	struct span		text, out;
	const char		*why = NULL;

	if (n == 0)
		return 0;
	place.command = in[0] & 1 ? PARAMS_RCPT : PARAMS_MAIL;
	place.utf8 = in[0] & 2;
	place.offered = in[0] & 4 ? 0 : UINT32_MAX;
	text = span_mem(in + 1, n - 1);
	if (params_parse(text, &place, &p, &why) == PARAMS_OK)
		check(&p, &place);
	else
		assert(why != NULL);
	if (xtext_decode(text, &arena, &out)) {
		check_text(out, text.n);
		check_again(out);
	}
	if (xtext_decode_utf8(text, place.utf8, &arena, &out)) {
		check_text(out, text.n);
		check_again_utf8(out, place.utf8);
	}
	arena_reset(&arena);
	return 0;
}
