/*
 * edit_test.c - changes of an accounts file: what changes, and that nothing
 * else does.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/auth/edit.h"
#include "mta/auth/secret.h"
#include "test/unit/maps/map_fixture.h"

enum what { ADD, PASSWD, REMOVE, APP_ADD, APP_REMOVE };

static const struct {
	const char	*name;
	enum what	 what;
	const char	*text, *user, *app, *want;
} rows[] = {
	{ "the first", ADD, "", "ann", NULL, "ann:NEW\n    quota=2G\n" },
	{ "at the end", ADD, "# x\nbob:x\n\n# y\n", "ann", NULL,
	    "# x\nbob:x\n\n# y\nann:NEW\n    quota=2G\n" },
	{ "behind a line that has no end", ADD, "bob:x", "ann", NULL,
	    "bob:x\nann:NEW\n    quota=2G\n" },
	{ "passwd", PASSWD, "# x\nann:{PLAIN}a {PLAIN}b\n quota=1G\nbob:x\n", "ann", NULL,
	    "# x\nann:NEW\n quota=1G\nbob:x\n" },
	{ "passwd of another case", PASSWD, "Ann:x\n", "ann", NULL, "Ann:NEW\n" },
	{ "passwd without an end", PASSWD, "bob:x\nann:x", "ann", NULL, "bob:x\nann:NEW" },
	{ "passwd with the marks of another system", PASSWD, "ann:x\r\nbob:x\r\n", "ann", NULL,
	    "ann:NEW\r\nbob:x\r\n" },
	{ "passwd keeps apps", PASSWD, "ann:x\n# why\n app tea {PLAIN}t\n", "ann", NULL,
	    "ann:NEW\n# why\n app tea {PLAIN}t\n" },
	{ "passwd of the first of two", PASSWD, "ann:x\nann:y\n", "ann", NULL, "ann:NEW\nann:y\n" },
	{ "behind an editor's mark", PASSWD, "\xef\xbb\xbf" "ann:x\n", "ann", NULL, "\xef\xbb\xbf" "ann:NEW\n" },
	{ "remove", REMOVE, "bob:x\nann:{PLAIN}a\n a=1\n\n b=2\n\n# of eve\neve:x\n", "ann", NULL,
	    "bob:x\n\n# of eve\neve:x\n" },
	{ "remove the last", REMOVE, "ann:x", "ann", NULL, "" },
	{ "app add", APP_ADD, "ann:x\n quota=1G\n# of bob\nbob:x\n", "ann", "tea",
	    "ann:x\n quota=1G\n    app tea 2026-11-21 NEW\n# of bob\nbob:x\n" },
	{ "app add without an end", APP_ADD, "ann:x", "ann", "tea",
	    "ann:x\n    app tea 2026-11-21 NEW\n" },
	{ "app remove", APP_REMOVE, "ann:x\n app a {PLAIN}1\n\tapp Tea {PLAIN}2\n app c {PLAIN}3\nbob:x\n", "ann", "tea",
	    "ann:x\n app a {PLAIN}1\n app c {PLAIN}3\nbob:x\n" },
	{ "app remove the last", APP_REMOVE, "ann:x\n app tea {PLAIN}1", "ann", "tea", "ann:x\n" },
	{ "a comment that looks like an app", APP_REMOVE, "ann:x\n# app tea {PLAIN}0\n app tea {PLAIN}1\n", "ann", "tea",
	    "ann:x\n# app tea {PLAIN}0\n" },
};

static void
edit(size_t i, struct span text, const struct edit_place *p, struct buf *out)
{
	static const struct edit_column	 quota = { SPAN("quota"), SPAN("2G") };
	struct span			 secrets = SPAN("NEW");

	switch (rows[i].what) {
	case ADD:
		edit_add(text, span_of(rows[i].user), secrets, &quota, 1, out);
		break;
	case PASSWD:
		edit_passwd(text, p, secrets, out);
		break;
	case REMOVE:
		edit_remove(text, p, out);
		break;
	case APP_ADD:
		edit_app_add(text, p, span_of(rows[i].app),
		    SPAN("2026-11-21"), secrets, out);
		break;
	case APP_REMOVE:
		edit_app_remove(text, p, out);
		break;
	}
}

static void
only_what_is_meant_changes(void **state)
{
	struct buf		 out = { 0 };
	struct edit_place	 p;
	struct span		 text;
	const char		*why;
	size_t			 i;
	int			 fd;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text = span_of(rows[i].text);
		fd = fixture_fd(text);
		assert_int_equal(edit_find(fd, span_of(rows[i].user),
		    span_of(rows[i].app), &p, &why), 0);
		close(fd);
		if (p.found == (rows[i].what == ADD) ||
		    p.app_found != (rows[i].what == APP_REMOVE))
			fail_msg("%s: where it is", rows[i].name);
		edit(i, text, &p, &out);
		if (strcmp(buf_cstr(&out), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, buf_cstr(&out));
		secret_buf_clear(&out);
	}
}

static void
where_nothing_is(void **state)
{
	struct edit_place	 p;
	const char		*why;
	int			 fd = fixture_fd(SPAN("ann:x\n app a {PLAIN}1\nno colon\n"));

	(void)state;
	assert_int_equal(edit_find(fd, SPAN("bob"), SPAN_NONE, &p, &why), 0);
	assert_false(p.found);
	assert_int_equal(edit_find(fd, SPAN("no"), SPAN_NONE, &p, &why), 0);
	assert_false(p.found);
	assert_int_equal(edit_find(fd, SPAN("ann"), SPAN("b"), &p, &why), 0);
	assert_true(p.found && !p.app_found && p.napps == 1 && p.line == 1);
	close(fd);
	assert_int_equal(edit_find(-1, SPAN("ann"), SPAN_NONE, &p, &why), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(only_what_is_meant_changes),
		cmocka_unit_test(where_nothing_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
