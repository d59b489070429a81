/*
 * policy_grammar_fuzz.c - policies by chance, out of the grammar.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "test/fuzz/policy_check.h"
#include "test/fuzz/policy_grammar.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf	 text = { 0 };
	bool		 compiled;

	policy_grammar(span_mem(data, n), &text);
	if (getenv("POLICY_GRAMMAR_SHOW") != NULL)
		fputs(buf_cstr(&text), stderr);
	compiled = policy_check(buf_span(&text));
	buf_clear(&text);
	/* What does not compile teaches less: it is not kept. */
	return compiled ? 0 : -1;
}
