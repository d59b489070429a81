/*
 * golden_test.c - small policies and what the compiler makes of them.
 *
 * NAME.conf has NAME.err, the messages wanted, or NAME.dis, the code wanted.
 * One that names a driver which this build does not have is skipped, and said so.
 * With CF_GOLDEN_WRITE=1 in the environment both are written anew from what the
 * compiler says now; read the difference before it is committed.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fileio.h"
#include "base/xalloc.h"
#include "cf/cf.h"
#include "ruleset/disasm.h"

#include "test/unit/cf/needs.h"

#define NAMES_MAX	500

static void
messages(const struct cf *cf, struct buf *out)
{
	size_t	 i;

	for (i = 0; i < cf_ndiags(cf); i++)
		cf_diag_print(cf, cf_diag(cf, i), false, out);
}

/* The functions of the image: what comes before names this machine's paths. */
static void
functions(const struct cf *cf, const char *conf, struct buf *out)
{
	struct span	 image = cf_image(cf);
	struct rs_image	*im;
	struct buf	 text = { 0 }, source = { 0 };
	const char	*why = NULL, *from;

	im = rs_image_open_mem(image.p, image.n, &why);
	if (im == NULL)
		fail_msg("%s: the image does not open: %s", conf, why);
	assert_int_equal(file_read(conf, 1 << 20, &source), 0);
	rs_disasm(im, buf_span(&source), &text);
	from = strstr(buf_cstr(&text), "function 0");
	assert_non_null(from);
	buf_add_str(out, from);
	rs_image_free(&im);
	buf_clear(&source);
	buf_clear(&text);
}

static void
write_golden(const char *path, struct span text)
{
	FILE	*fp = fopen(path, "w");

	assert_non_null(fp);
	assert_int_equal(fwrite(text.p, 1, text.n, fp), text.n);
	assert_int_equal(fclose(fp), 0);
}

static void
compare(const char *path, struct span got)
{
	struct buf	 want = { 0 };

	if (getenv("CF_GOLDEN_WRITE") != NULL) {
		write_golden(path, got);
		return;
	}
	if (file_read(path, 1 << 20, &want) == -1)
		fail_msg("%s is not there", path);
	if (!span_eq(buf_span(&want), got))
		fail_msg("%s wants\n%.*s\nand got\n%.*s", path,
		    SPAN_ARG(buf_span(&want)), SPAN_ARG(got));
	buf_clear(&want);
}

static void
one_policy(void **state)
{
	const char	*name = *state;
	char		*conf = xasprintf("%s.conf", name), *golden;
	const char	*driver = needs_driver(conf);
	struct buf	 got = { 0 };
	struct cf	*cf;
	int		 io;

	if (driver != NULL) {
		print_message("%s: skipped, built without %s\n", conf, driver);
		free(conf);
		skip();
	}
	cf = cf_compile(conf, &io);
	assert_int_equal(io, 0);
	messages(cf, &got);
	if (cf_ndiags(cf) == 0) {
		golden = xasprintf("%s.dis", name);
		functions(cf, conf, &got);
	} else {
		golden = xasprintf("%s.err", name);
		assert_true(cf_errors(cf) > 0 || cf_warnings(cf) > 0);
		if (cf_errors(cf) > 0)
			assert_int_equal(cf_image(cf).n, 0);
	}
	compare(golden, buf_span(&got));
	buf_clear(&got);
	cf_free(&cf);
	assert_null(cf);
	free(golden);
	free(conf);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t
list(char *names[NAMES_MAX])
{
	DIR		*dir = opendir(".");
	struct dirent	*e;
	size_t		 n = 0, len;

	if (dir == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL && n < NAMES_MAX) {
		len = strlen(e->d_name);
		if (len > 5 && strcmp(e->d_name + len - 5, ".conf") == 0)
			names[n++] = xstrndup(e->d_name, len - 5);
	}
	closedir(dir);
	qsort(names, n, sizeof(names[0]), by_name);
	return n;
}

int
main(void)
{
	struct CMUnitTest	 tests[NAMES_MAX];
	char			*names[NAMES_MAX];
	size_t			 i, n;
	int			 failed;

	if (chdir(SOURCES "/test/unit/cf") == -1)
		return 99;
	n = list(names);
	memset(tests, 0, sizeof(tests));
	for (i = 0; i < n; i++) {
		tests[i].name = names[i];
		tests[i].test_func = one_policy;
		tests[i].initial_state = names[i];
	}
	failed = n == 0 ? 1 :
	    _cmocka_run_group_tests("golden", tests, n, NULL, NULL);
	for (i = 0; i < n; i++)
		free(names[i]);
	return failed;
}
