/*
 * policy_check.c - compile, open, show, run.
 */
#include <stdlib.h>

#include "cf/cf.h"
#include "ruleset/interp.h"
#include "test/fuzz/policy_check.h"

static void
read_messages(const struct cf *cf)
{
	struct buf	 out = { 0 };
	size_t		 i;

	for (i = 0; i < cf_ndiags(cf); i++)
		cf_diag_print(cf, cf_diag(cf, i), i % 2 == 0, &out);
	buf_clear(&out);
}

/* A world that knows nothing: what is asked cannot be said. */
static void
must_end(const struct rs_image *im, uint32_t func)
{
	static const struct rs_world	 nothing;
	struct rs_eval			*ev;
	struct rs_verdict		 v;
	struct rs_value			 arg = rs_address(SPAN("a@b.example"));

	ev = rs_eval_new(im, &nothing, NULL, NULL);
	if (rs_eval_run(ev, func, &arg, rs_func(im, func)->nargs, &v) !=
	    RS_DONE)
		abort();
	rs_eval_free(&ev);
}

static void
must_run(const struct cf *cf)
{
	struct span	 image = cf_image(cf);
	struct rs_image	*im;
	const char	*why;
	unsigned	 h;

	if ((im = rs_image_open_mem(image.p, image.n, &why)) == NULL)
		abort();
	for (h = 0; h < RS_NHOOKS; h++) {
		if (rs_hook(im, (enum rs_hook)h) != UINT32_MAX)
			must_end(im, rs_hook(im, (enum rs_hook)h));
	}
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

bool
policy_check(struct span text)
{
	struct cf	*cf;
	bool		 ok;

	cf = cf_compile_mem("fuzz.conf", text);
	read_messages(cf);
	ok = cf_errors(cf) == 0;
	if (ok) {
		must_run(cf);
		must_show(cf);
	}
	cf_free(&cf);
	return ok;
}
