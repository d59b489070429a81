/*
 * socketmap_fuzz.c - any octets as replies of a socketmap server: what is
 * read lies within them, and does not change when more comes behind it.
 */
#include <assert.h>

#include "maps/asked/socketmap.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span		 in = span_mem(data, size), part;
	struct socketmap_reply	 r, again;
	const char		*why = NULL;
	size_t			 used = 0, more;
	int			 rc;

	while ((rc = socketmap_parse(in, &used, &r, &why)) == 1) {
		assert(used >= 5 && used <= in.n && in.p[used - 1] == ',');
		assert(r.text.n == 0 || (r.text.p > in.p &&
		    r.text.p + r.text.n < in.p + used));
		assert(r.result <= MAP_BROKEN);
		part = (struct span){ in.p, used };
		assert(socketmap_parse(part, &more, &again, &why) == 1);
		assert(more == used && again.result == r.result &&
		    span_eq(again.text, r.text));
		part.n--;
		assert(socketmap_parse(part, &more, &again, &why) == 0);
		in = span_from(in, used);
	}
	assert(rc == 0 || why != NULL);
	return 0;
}
