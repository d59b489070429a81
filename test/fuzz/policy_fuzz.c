/*
 * policy_fuzz.c - any text is compiled: it ends in messages or in an image that
 * the verifier takes, and what `show` prints of it compiles again.
 */
#include <stdlib.h>

#include "cf/cf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
read_messages(const struct cf *cf)
{
	struct buf	out = { 0 };
	size_t		i;

	for (i = 0; i < cf_ndiags(cf); i++)
		cf_diag_print(cf, cf_diag(cf, i), i % 2 == 0, &out);
	buf_clear(&out);
}

static void
must_open(const struct cf *cf)
{
	struct span	 image = cf_image(cf);
	struct rs_image	*im;
	const char	*why;

	if ((im = rs_image_open_mem(image.p, image.n, &why)) == NULL)
		abort();
	rs_image_free(&im);
}

static void
must_show(const struct cf *cf)
{
	struct buf	 text = { 0 }, json = { 0 };
	struct cf	*again;

	cf_show(cf, false, &text);
	cf_show(cf, true, &json);
	again = cf_compile_mem("shown.conf", buf_span(&text));
	if (cf_errors(again) > 0)
		abort();
	cf_free(&again);
	buf_clear(&text);
	buf_clear(&json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct cf	*cf;

	cf = cf_compile_mem("fuzz.conf", span_mem(data, n));
	read_messages(cf);
	if (cf_errors(cf) == 0) {
		must_open(cf);
		must_show(cf);
	}
	cf_free(&cf);
	return 0;
}
