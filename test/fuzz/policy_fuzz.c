/*
 * policy_fuzz.c - any octets as the text of a policy.
 */
#include <stddef.h>
#include <stdint.h>

#include "test/fuzz/policy_check.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	(void)policy_check(span_mem(data, n));
	return 0;
}
