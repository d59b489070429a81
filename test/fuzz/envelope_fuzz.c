/*
 * envelope_fuzz.c - envelopes of the spool: what is read is written so that
 * the same is read again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mta/spool/envelope.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena	a = { 0 };
	struct buf	once = { 0 }, twice = { 0 };
	struct envelope	e;

	if (envelope_parse(span_mem(data, n), &a, &e) == 0) {
		envelope_format(&e, &once);
		if (envelope_parse(buf_span(&once), &a, &e) == -1)
			abort();
		envelope_format(&e, &twice);
		if (!span_eq(buf_span(&once), buf_span(&twice)))
			abort();
	}
	buf_clear(&once);
	buf_clear(&twice);
	arena_clear(&a);
	return 0;
}
