/*
 * request_fuzz.c - lines of the control socket; what is read stays within what
 * its arena has, and a pattern ends.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mta/queue/request.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena	 a = { 0 };
	struct request	 r;
	const char	*why = NULL;

	if (request_parse(span_mem(data, n), &a, &r, &why) == 0) {
		if (request_selects_targets(&r) && !request_selects(&r))
			abort();
		(void)request_text_matches(&r.sender, r.text);
		(void)request_text_matches(&r.recipient, r.sender.text);
		(void)request_text_matches(&r.tag_value, r.why);
	} else if (why == NULL || why[0] == '\0')
		abort();
	arena_clear(&a);
	return 0;
}
