/*
 * policy_fuzz.c - any text is compiled: it ends in messages or in an image that
 * the verifier takes, and what `show` and `fmt` print of it compiles again.
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

/* Any text is laid out, or refused; a policy stays one, laid out for good. */
static void
must_lay_out(struct span text, bool is_policy)
{
	struct buf	 out = { 0 }, twice = { 0 };
	struct cf	*cf, *again;

	cf = cf_layout_mem("fuzz.conf", text, &out);
	if (is_policy) {
		again = cf_compile_mem("fuzz.conf", buf_span(&out));
		if (cf_errors(cf) > 0 || cf_errors(again) > 0)
			abort();
		cf_free(&again);
		again = cf_layout_mem("again.conf", buf_span(&out), &twice);
		if (!span_eq(buf_span(&out), buf_span(&twice)))
			abort();
		cf_free(&again);
	}
	cf_free(&cf);
	buf_clear(&out);
	buf_clear(&twice);
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
	must_lay_out(span_mem(data, n), cf_errors(cf) == 0);
	cf_free(&cf);
	return 0;
}
