/*
 * srs_fuzz.c - a stranger's address: what is taken back was ours, what leaves
 * comes back the same, and neither is longer than an address may be.
 */
#include "config.h"

#include <assert.h>

#include "mail/srs.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW	INT64_C(1577836860)

static const struct srs	ours = { .domain = { "example.com", 11 },
    .lifetime_s = 21 * 86400, .secrets = { { "tops3cr3t", 9 } },
    .nsecrets = 1 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	in = span_mem(data, n), out, again;
	struct arena	a = { 0 };

	if (srs_back(&ours, in, NOW, &a, &out) == SRS_OK)
		assert(out.n > 0 && out.n < in.n);
	if (srs_forward(&ours, in, NOW, &a, &out) == SRS_OK) {
		assert(out.n <= 254);
		assert(srs_back(&ours, out, NOW, &a, &again) == SRS_OK);
	} else
		assert(span_eq(out, in));
	arena_clear(&a);
	return 0;
}
