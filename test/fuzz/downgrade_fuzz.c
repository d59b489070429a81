/*
 * downgrade_fuzz.c - whatever the message and the pieces: the same is decided
 * and written, what is written can be taken by the hop, and it needs no other
 * conversion.
 *
 * The first octet of the input says what the hop lacks, the second is the size
 * of the pieces.
 */
#include "config.h"

#include <assert.h>

#include "mail/downgrade.h"
#include "mail/header.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static enum downgrade_result
convert(unsigned lacks, struct span in, size_t most, struct buf *out)
{
	struct downgrade	*d = downgrade_new(lacks);
	struct span		 rest;
	enum downgrade_result	 is;
	const char		*status = NULL, *why = NULL;

	for (rest = in; rest.n > 0; rest = span_from(rest, most))
		downgrade_look(d, span_mem(rest.p,
		    rest.n < most ? rest.n : most));
	is = downgrade_decide(d, &status, &why);
	assert((is == DOWNGRADE_REFUSED) == (why != NULL));
	if (is == DOWNGRADE_CONVERTED) {
		downgrade_begin(d);
		for (rest = in; rest.n > 0; rest = span_from(rest, most))
			downgrade_write(d, span_mem(rest.p,
			    rest.n < most ? rest.n : most), out);
		downgrade_end(d, out);
	}
	downgrade_free(&d);
	return is;
}

static void
check_octets(unsigned lacks, struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++) {
		assert(!(lacks & DOWNGRADE_8BIT) || (s.p[i] & 0x80) == 0);
		if (!(lacks & DOWNGRADE_BINARY))
			continue;
		assert(s.p[i] != '\0');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf		whole = { 0 }, pieces = { 0 }, again = { 0 };
	struct span		in;
	unsigned		lacks;
	enum downgrade_result	is;

	if (n < 2)
		return 0;
	in = span_mem(data + 2, n - 2);
	lacks = data[0] & 7;
	is = convert(lacks, in, SIZE_MAX, &whole);
	assert(convert(lacks, in, (size_t)data[1] + 1, &pieces) == is);
	assert(span_eq(buf_span(&whole), buf_span(&pieces)));
	if (is == DOWNGRADE_CONVERTED) {
		check_octets(lacks, buf_span(&whole));
		assert(convert(lacks & (DOWNGRADE_8BIT | DOWNGRADE_HEADER),
		    buf_span(&whole), SIZE_MAX, &again) == DOWNGRADE_AS_IS);
	}
	buf_clear(&whole);
	buf_clear(&pieces);
	buf_clear(&again);
	return 0;
}
