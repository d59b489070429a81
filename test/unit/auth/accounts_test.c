/*
 * accounts_test.c - a file of accounts and the passwords of its users.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/auth/accounts.h"
#include "mta/auth/proof.h"
#include "mta/auth/secret.h"
#include "test/unit/maps/map_fixture.h"

#define ONE	"{CRYPT}$y$j9T$colincolincolinc$ewM1ixeo5YHXMTcfpn3CiaPo90o5dRwek7klXZW90wD"
#define PENCIL	"{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static const char	 text[] =
    "# users\n"
    "ann:" ONE " " PENCIL "\n"
    "    quota=2G\n"
    "# ann:{PLAIN}comment\n"
    "    app Phone 2026-11-21 {PLAIN}p-h-o\n"
    "    app tea {PLAIN}t-e-a " ONE "\n"
    "Bob@x.example:{PLAIN}bob\n"
    "eve:x\n"
    "cut:{PLAIN}good {CRYPT}$y$cut\n"
    "col:{PLAIN}one\n"
    "    quota 2G\n"
    "ann:{PLAIN}second\n"
    "no colon\n";

static const struct {
	const char		*user, *password;
	enum auth_result	 want;
	const char		*which;
} rows[] = {
	{ "ann", "one", AUTH_RIGHT, "" },
	{ "ANN", "one", AUTH_RIGHT, "" },
	{ "ann", "pencil", AUTH_RIGHT, "" },
	{ "ann", "p-h-o", AUTH_RIGHT, "Phone" },
	{ "ann", "t-e-a", AUTH_RIGHT, "tea" },
	{ "ann", "comment", AUTH_WRONG, "" },
	{ "ann", "second", AUTH_WRONG, "" },
	{ "ann", "quota=2G", AUTH_WRONG, "" },
	{ "bob@x.example", "bob", AUTH_RIGHT, "" },
	{ "eve", "x", AUTH_WRONG, "" },
	{ "eve", "", AUTH_WRONG, "" },
	{ "cut", "good", AUTH_RIGHT, "" },
	{ "cut", "bad", AUTH_CANNOT, "" },
	{ "col", "one", AUTH_RIGHT, "" },
	{ "nobody", "one", AUTH_WRONG, "" },
};

static struct accounts *
open_text(struct span s)
{
	const char	*why;
	int		 fd = fixture_fd(s);
	struct accounts	*a = accounts_open(fd, &why);

	close(fd);
	assert_non_null(a);
	return a;
}

static void
users_have_their_passwords(void **state)
{
	struct accounts		*a = open_text(SPAN(text));
	struct proof_of		 of = { .n = 0 };
	struct proof		 p;
	size_t			 i;

	(void)state;
	assert_int_equal(accounts_size(a), 6);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)accounts_find(a, span_of(rows[i].user), &of.raw);
		proof_password(&of, span_of(rows[i].password), &p);
		if (p.result != rows[i].want ||
		    !span_eq(p.which, span_of(rows[i].which)))
			fail_msg("%s %s: %s %.*s", rows[i].user,
			    rows[i].password, auth_result_name(p.result),
			    SPAN_ARG(p.which));
	}
	accounts_close(&a);
	assert_null(a);
}

static void
who_cannot_be_told(void **state)
{
	struct accounts	*a = open_text(SPAN(text)), *lost;
	struct span	 raw;

	(void)state;
	assert_int_equal(accounts_find(a, SPAN("ann"), &raw), MAP_FOUND);
	assert_int_equal(accounts_find(a, SPAN("no"), &raw), MAP_BROKEN);
	assert_int_equal(raw.n, 0);
	assert_int_equal(accounts_find(a, SPAN("nobody"), &raw), MAP_NONE);
	assert_int_equal(accounts_find(a, SPAN(""), &raw), MAP_NONE);
	accounts_close(&a);
	lost = open_text(SPAN("ann:x\n:{PLAIN}two\n"));
	assert_int_equal(accounts_find(lost, SPAN("ann"), &raw), MAP_FOUND);
	assert_int_equal(accounts_find(lost, SPAN("bob"), &raw), MAP_BROKEN);
	accounts_close(&lost);
}

static void
a_file_that_cannot_be_read(void **state)
{
	const char	*why = NULL;
	int		 ends[2];

	(void)state;
	assert_null(accounts_open(-1, &why));
	assert_non_null(why);
	assert_int_equal(pipe(ends), 0);
	assert_null(accounts_open(ends[0], &why));
	assert_non_null(strstr(why, "regular file"));
	close(ends[0]);
	close(ends[1]);
}

/* "s3cr3t-Y", which stands nowhere in the program as such. */
static void
make_needle(char out[8])
{
	static const char	 turned[] = "Y-t3rc3s";
	size_t			 i;

	for (i = 0; i < 8; i++)
		out[i] = turned[7 - i];
}

static bool
heap_can_be_searched(const char needle[8])
{
	char	*copy = malloc(8);
	bool	 found;

	memcpy(copy, needle, 8);
	found = fixture_in_heap(span_mem(copy, 8));
	explicit_bzero(copy, 8);
	free(copy);
	return found;
}

static void
no_secret_stays_in_memory(void **state)
{
	char			 needle[8], file[] = "ann:{PLAIN}........\n"
	    " app tea {PLAIN}........\n# ........\nann:{PLAIN}........\n"
	    "eve {PLAIN}........\n";
	struct accounts		*a;
	struct proof_of		 of = { .n = 0 };
	struct proof		 is;
	struct span		 password = span_mem(needle, 8);
	struct buf		 made = { 0 };
	const char		*why;
	char			*p;

	(void)state;
	make_needle(needle);
	if (!heap_can_be_searched(needle))
		skip();		/* a checker has its heap elsewhere */
	for (p = file; (p = strstr(p, "........")) != NULL; p += 8)
		memcpy(p, needle, 8);
	a = open_text(span_of(file));
	assert_true(fixture_in_heap(password));
	assert_int_equal(accounts_find(a, SPAN("ann"), &of.raw), MAP_FOUND);
	proof_password(&of, password, &is);
	assert_int_equal(is.result, AUTH_RIGHT);
	accounts_close(&a);
	assert_int_equal(secret_make(ACCOUNT_CRYPT, password, false, NULL, &made,
	    &why), 0);
	assert_int_equal(secret_verify(ACCOUNT_CRYPT,
	    span_from(buf_span(&made), strlen("{CRYPT}")), password),
	    AUTH_RIGHT);
	secret_buf_clear(&made);
	secret_verify_nobody(password);
	assert_false(fixture_in_heap(password));
}

/* More than a block of them, and one that is larger than a block. */
static void
many_accounts(void **state)
{
	struct buf	 b = { 0 };
	struct accounts	*a;
	struct span	 raw;
	char		 name[32];
	int		 i;

	(void)state;
	for (i = 0; i < 5000; i++)
		buf_addf(&b, "user%d:{PLAIN}password-%d\n", i, i);
	buf_add_str(&b, "large:x\n");
	for (i = 0; i < 60; i++)
		buf_addf(&b, " c%d=%02000d\n", i, i);
	buf_add_str(&b, "last:x\n");
	a = open_text(buf_span(&b));
	buf_clear(&b);
	assert_int_equal(accounts_size(a), 5002);
	for (i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "user%d", i);
		assert_int_equal(accounts_find(a, span_of(name), &raw),
		    MAP_FOUND);
		(void)snprintf(name, sizeof(name), "user%d:{PLAIN}pass", i);
		assert_true(span_prefix(raw, span_of(name)));
	}
	assert_int_equal(accounts_find(a, SPAN("large"), &raw), MAP_FOUND);
	assert_true(raw.n > 100000);
	assert_int_equal(accounts_find(a, SPAN("last"), &raw), MAP_FOUND);
	accounts_close(&a);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(users_have_their_passwords),
		cmocka_unit_test(who_cannot_be_told),
		cmocka_unit_test(a_file_that_cannot_be_read),
		cmocka_unit_test(many_accounts),
		cmocka_unit_test(no_secret_stays_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
