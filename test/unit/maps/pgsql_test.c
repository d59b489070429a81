/*
 * pgsql_test.c - conninfo: what is refused, and what libpq is given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/loop.h"
#include "maps/asked/pgsql_conninfo.h"

/* a.test has two addresses, b.test one; others have none. */
static uint64_t
ask(void *ctx, const char *type, struct span name, asked_records_cb *cb,
    void *arg)
{
	static const struct span	a4[] = {
		{ "192.0.2.1", 9 }, { "192.0.2.2", 9 }
	};
	static const struct span	b6[] = { { "2001:db8::1", 11 } };
	bool				v6 = strcmp(type, "AAAA") == 0;

	(void)ctx;
	if (span_eq(name, SPAN("a.test")) && !v6)
		cb(arg, MAP_FOUND, a4, 2, 60);
	else if (span_eq(name, SPAN("b.test")) && v6)
		cb(arg, MAP_FOUND, b6, 1, 60);
	else
		cb(arg, MAP_NONE, NULL, 0, 60);
	return 0;
}

static void
cancel(void *ctx, uint64_t ticket)
{
	(void)ctx;
	(void)ticket;
	fail();
}

static const struct asked_names	names = { ask, cancel, NULL };

/* The words as "key=value " in the order of libpq's list, those we care for. */
static void
take(void *arg, const struct pgsql_words *w, const char *why)
{
	static const char *const	wanted[] = {
		"host", "hostaddr", "port", "user", "password", "dbname",
		"gssencmode", "client_encoding",
	};
	struct buf			*out = arg;
	size_t				i, j;

	buf_reset(out);
	if (w == NULL)
		buf_add_str(out, why);
	for (i = 0; w != NULL && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		for (j = 0; w->keys[j] != NULL; j++) {
			if (strcmp(w->keys[j], wanted[i]) == 0)
				buf_addf(out, "%s=%s ", wanted[i],
				    w->values[j]);
		}
	}
	loop_stop();
}

#define OURS	"gssencmode=disable client_encoding=UTF8 "
static const struct {
	const char	*where, *login, *password, *wanted;
} rows[] = {
	{ "dbname=mail", "", "", "dbname=mail " OURS },
	{ "host=/run/x dbname=mail user=u", "", "",
	    "host=/run/x hostaddr= user=u dbname=mail " OURS },
	{ "host=a.test port=5433 dbname=m", "u", "p",
	    "host=a.test,a.test hostaddr=192.0.2.1,192.0.2.2 port=5433,5433 "
	    "user=u password=p dbname=m " OURS },
	{ "host=b.test,no.test,/run/x,192.0.2.9 port=1,2,3,4", "u", "",
	    "host=b.test,/run/x,192.0.2.9 hostaddr=2001:db8::1,,192.0.2.9 "
	    "port=1,3,4 user=u " OURS },
	{ "postgresql://u@a.test/m?gssencmode=prefer", "", "",
	    "host=a.test,a.test hostaddr=192.0.2.1,192.0.2.2 user=u dbname=m "
	    "gssencmode=prefer client_encoding=UTF8 " },
	{ "host=x.test hostaddr=192.0.2.5", "", "",
	    "host=x.test hostaddr=192.0.2.5 " OURS },
	{ "host=no.test", "", "", "no.test has no address" },
};

static void
test_words(void **state)
{
	struct pgsql_conninfo	*info;
	struct pgsql_addresses	*a;
	struct buf		 out = { 0 };
	const char		*why;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		info = pgsql_conninfo_new(span_of(rows[i].where),
		    span_of(rows[i].login), span_of(rows[i].password), &why);
		assert_non_null(info);
		a = pgsql_addresses_new(info, &names, take, &out);
		loop_run();
		assert_string_equal(buf_cstr(&out), rows[i].wanted);
		pgsql_addresses_free(&a);
		pgsql_conninfo_free(&info);
	}
	buf_clear(&out);
}

static void
test_refused(void **state)
{
	static const struct {
		const char	*where, *login, *word;
	} refused[] = {
		{ "host=x password=y", "", "login \"user\" password file" },
		{ "postgresql://u:p@x/y", "", "login \"user\"" },
		{ "service=x", "", "service" },
		{ "user=x", "y", "twice" },
		{ "hots=x", "", "invalid connection option" },
		{ "host", "", "missing" },
	};
	const char	*why;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_null(pgsql_conninfo_new(span_of(refused[i].where),
		    span_of(refused[i].login), SPAN_NONE, &why));
		if (strstr(why, refused[i].word) == NULL)
			fail_msg("%s: %s", refused[i].where, why);
	}
}

static int
set_up(void **state)
{
	(void)state;
	loop_init();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	loop_clear();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
