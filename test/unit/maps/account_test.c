/*
 * account_test.c - entries of accounts tables: what is read of them, and what
 * is wrong with those that cannot be read.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "maps/account.h"
#include "test/unit/maps/map_fixture.h"

#define K20	"AAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define K32	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define YES	"$y$j9T$colincolincolinc$" \
		"0123456789012345678901234567890123456789012"

/* --- the forms of secrets; made by libcrypt from the password "one" */

static const struct {
	const char	*name, *secret;
	const char	*what;		/* of the fault; NULL: it is well-formed */
	const char	*weak;
} secrets[] = {
	{ "yescrypt", "{CRYPT}" YES, NULL, NULL },
	{ "by its name", "{yescrypt}" YES, NULL, NULL },
	{ "gost-yescrypt", "{CRYPT}$gy$j9T$saltsaltsaltsalt$4dJ5N9/RNimZsYwikJbdg1MlrswRrIOFpV5x9OR4v3/", NULL, NULL },
	{ "scrypt", "{CRYPT}$7$CU..../....saltsaltsalt$Dmyq6x4Y0R0e7d9.nmSmF110lH694TPJlSjJ3AZdI.3", NULL, NULL },
	{ "bcrypt", "{BLF-CRYPT}$2b$05$abcdefghijklmnopqrstuuuLZW9x3q.ZSiA0aOz2IIJndlFR9/Q16", NULL, NULL },
	{ "SHA-512", "{SHA512-CRYPT}$6$saltsaltsalt$hxXfQWUfhfWcdNKwCCsc0EN3NvPK4Df14onmQM1Cm.0x645cktewq0sOKURURz3q6omKkK0cHlDnu2c5Uk.ea1", NULL, NULL },
	{ "SHA-512 with rounds", "{CRYPT}$6$rounds=5000$saltsaltsalt$hxXfQWUfhfWcdNKwCCsc0EN3NvPK4Df14onmQM1Cm.0x645cktewq0sOKURURz3q6omKkK0cHlDnu2c5Uk.ea1", NULL, NULL },
	{ "SHA-256", "{SHA256-CRYPT}$5$saltsaltsalt$j45XQjlOyy.T1kR0WgvpBd7Z0K64cgtDwLYjhmhtZ97", NULL, NULL },
	{ "MD5", "{CRYPT}$1$saltsalt$e6Tp.CsfN0eElmaoD0tBJ.", NULL, "an old method" },
	{ "SHA-1 of NetBSD", "{CRYPT}$sha1$40$saltsalt$JyXftWjRQuHOltEtT3ULFrMpiWjl", NULL, "an old method" },
	{ "MD5 of SunOS", "{CRYPT}$md5,rounds=10$saltsalt$$De6P9pZF1QZDtq7WuTB7e/", NULL, "an old method" },
	{ "NT", "{CRYPT}$3$$e721aa5317844363f6c833a3ff4c1638", NULL, "an old method" },
	{ "DES", "{CRYPT}abjxGl2gNP.sk", NULL, "a hash of DES" },
	{ "extended DES", "{CRYPT}_J9..saltGw7dnw4/jso", NULL, "a hash of DES" },
	{ "cut", "{CRYPT}$y$j9T$colincolincolinc$012345678901234", "the hash is shorter", NULL },
	{ "cut bcrypt", "{CRYPT}$2b$05$abcdefghijklmnopqrstuuuLZW9x3q.ZSiA0aOz2IIJn", "the hash is shorter", NULL },
	{ "no method", "{CRYPT}$9$abc$def", "no method of crypt(3)", NULL },
	{ "locked", "{CRYPT}!" YES, "no hash that crypt(3)", NULL },
	{ "a passwd-file", "{CRYPT}" YES ":1000:1000::/home/a", "a hash of crypt(3) has no such", NULL },
	{ "another scheme", "{BLF-CRYPT}" YES, "the hash behind it is of another", NULL },
	{ "SCRAM", "{SCRAM-SHA-256}4096,c2FsdA==," K32 "," K32, NULL, NULL },
	{ "SCRAM of SHA-1", "{SCRAM-SHA-1}4096,c2FsdA==," K20 "," K20, NULL, NULL },
	{ "few iterations", "{SCRAM-SHA-1}4095,c2FsdA==," K20 "," K20, NULL, "fewer than 4096" },
	{ "no iterations", "{SCRAM-SHA-1}0,c2FsdA==," K20 "," K20, "it is made so", NULL },
	{ "too many iterations", "{SCRAM-SHA-1}1000001,c2FsdA==," K20 "," K20, "it is made so", NULL },
	{ "keys of SHA-1", "{SCRAM-SHA-256}4096,c2FsdA==," K20 "," K20, "it is made so", NULL },
	{ "no salt", "{SCRAM-SHA-1}4096,," K20 "," K20, "it is made so", NULL },
	{ "three fields", "{SCRAM-SHA-1}4096,c2FsdA==," K20, "it is made so", NULL },
	{ "five fields", "{SCRAM-SHA-1}4096,c2FsdA==," K20 "," K20 ",", "it is made so", NULL },
	{ "no base64", "{SCRAM-SHA-1}4096,c2Fs-A==," K20 "," K20, "it is made so", NULL },
	{ "plain", "{PLAIN}one", NULL, "the password stands there" },
	{ "nothing", "{PLAIN}", "the password is missing", NULL },
	{ "SSHA", "{SSHA}QUFBQUFBQUFBQUFBQUFBQUFBQUFzYWx0", NULL, "one round of SHA-1" },
	{ "SHA without salt", "{SSHA}" K20, "it is the base64 of", NULL },
	{ "no scheme", "one", "a secret is {SCHEME}text", NULL },
	{ "an open brace", "{CRYPT" YES, "a secret is {SCHEME}text", NULL },
	{ "unknown", "{ARGON2ID}$argon2id$x", "no such scheme", NULL },
	{ "nobody", "x", NULL, NULL },
	{ "nobody, as in shadow", "*", NULL, NULL },
	{ "locked, as in shadow", "!", NULL, NULL },
	{ "left out", "", NULL, NULL },
};

/* What the reader was told, as text. */
static void
on_item(void *arg, const struct account_item *i)
{
	switch (i->part) {
	case ACCOUNT_SECRET:
		buf_addf(arg, "secret %.*s/%s ", SPAN_ARG(i->name),
		    account_scheme_name(i->scheme));
		break;
	case ACCOUNT_COLUMN:
		buf_addf(arg, "%.*s=%.*s ", SPAN_ARG(i->name),
		    SPAN_ARG(i->value));
		break;
	case ACCOUNT_APP:
		buf_addf(arg, "app %.*s(%.*s) ", SPAN_ARG(i->name),
		    SPAN_ARG(i->value));
		break;
	}
}

static void
on_fault(void *arg, enum account_fault f, const char *at, const char *what)
{
	static const char *const	 names[] = { "weak", "bad", "broken" };

	(void)at;
	buf_addf(arg, "%s: %s ", names[f], what);
}

static void
forms_of_secrets(void **state)
{
	struct buf			 said = { 0 };
	const struct account_reader	 r = { NULL, on_fault, &said };
	char				*want;
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		account_parse_secrets(span_of(secrets[i].secret), &r);
		want = secrets[i].what != NULL ?
		    xasprintf("bad: %s", secrets[i].what) :
		    secrets[i].weak != NULL ?
		    xasprintf("weak: %s", secrets[i].weak) : xstrdup("");
		if (strncmp(buf_cstr(&said), want, strlen(want)) != 0 ||
		    (want[0] == '\0' && said.n > 0))
			fail_msg("%s: %s", secrets[i].name, buf_cstr(&said));
		free(want);
		buf_reset(&said);
	}
	buf_clear(&said);
}

/* --- entries */

static const struct {
	const char	*name, *raw, *want;
} entries[] = {
	{ "one secret", "ann:{PLAIN}one\n",
	    "weak secret /PLAIN " },
	{ "several", "ann:{CRYPT}" YES " {SCRAM-SHA-1}4096,c2FsdA==," K20 "," K20,
	    "secret /CRYPT secret /SCRAM-SHA-1 " },
	{ "columns and apps", "ann:*\n quota=2G\n\tapp tea 2026-11-21 {CRYPT}" YES "\n"
	    " app b.2 {CRYPT}" YES " {PLAIN}x\n note = a = b \n",
	    "quota=2G app tea(2026-11-21) secret tea/CRYPT app b.2() "
	    "secret b.2/CRYPT weak secret b.2/PLAIN note=a = b " },
	{ "an app without a secret", "ann:*\n app tea\n",
	    "bad app tea() " },
	{ "an app that is there", "ann:*\n app tea {CRYPT}" YES "\n app Tea {CRYPT}" YES "\n",
	    "app tea() secret tea/CRYPT bad " },
	{ "no name of an app", "ann:*\n app -x {CRYPT}" YES "\n", "bad " },
	{ "a date that is none", "ann:*\n app tea 2026-11 {CRYPT}" YES "\n",
	    "app tea() bad secret tea/CRYPT " },
	{ "a column called app", "ann:*\n app=1\n", "app=1 " },
	{ "a column twice", "ann:*\n a=1\n A=2\n", "a=1 broken " },
	{ "no column", "ann:*\n {CRYPT}" YES "\n", "broken " },
	{ "a control character", "ann:*\n a=\x01\n", "broken " },
	{ "a colon in the name of a column", "ann:*\n a:b=1\n", "broken " },
};

static void
on_fault_kind(void *arg, enum account_fault f, const char *at,
    const char *what)
{
	static const char *const	 names[] = { "weak ", "bad ", "broken " };

	assert_non_null(at);
	assert_non_null(what);
	buf_add_str(arg, names[f]);
}

static void
entries_are_taken_apart(void **state)
{
	struct buf			 said = { 0 };
	const struct account_reader	 r = { on_item, on_fault_kind, &said };
	struct span			 name, head;
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		assert_null(account_parse(span_of(entries[i].raw), &r, &name,
		    &head));
		assert_true(span_eq(name, SPAN("ann")));
		if (strcmp(buf_cstr(&said), entries[i].want) != 0)
			fail_msg("%s: %s", entries[i].name, buf_cstr(&said));
		buf_reset(&said);
	}
	buf_clear(&said);
}

static void
more_than_there_may_be(void **state)
{
	struct buf			 raw = { 0 }, said = { 0 };
	const struct account_reader	 r = { NULL, on_fault_kind, &said };
	struct span			 name, head;
	int				 i;

	(void)state;
	buf_add_str(&raw, "ann:");
	for (i = 0; i < ACCOUNT_SECRETS_MAX + 1; i++)
		buf_add_str(&raw, "{CRYPT}" YES " ");
	for (i = 0; i < ACCOUNT_APPS_MAX + 1; i++)
		buf_addf(&raw, "\n app a%d {CRYPT}" YES, i);
	for (i = 0; i < ACCOUNT_COLUMNS_MAX + 1; i++)
		buf_addf(&raw, "\n c%d=1", i);
	assert_null(account_parse(buf_span(&raw), &r, &name, &head));
	assert_string_equal(buf_cstr(&said), "bad bad broken ");
	buf_clear(&raw);
	buf_clear(&said);
}

/* --- a file */

static void
on_entry(void *arg, const struct account_entry *e)
{
	buf_addf(arg, "%u:%zu:%zu:%.*s%s ", e->line, e->at, e->raw.n,
	    SPAN_ARG(e->name), e->broken ? "(broken)" : "");
}

static void
a_file_with_its_secrets(void **state)
{
	static const char	 text[] = "# all\nann:{PLAIN}one\n a=1\n"
	    "# between\n\n b=2\n\nno colon\nbob:x\nann:y\n";
	struct buf		 said = { 0 };
	const char		*why;
	int			 fd = fixture_fd(SPAN(text));

	(void)state;
	assert_int_equal(accounts_each(fd, on_entry, &said, &why), 0);
	assert_string_equal(buf_cstr(&said),
	    "2:6:36:ann 9:52:6:bob 10:58:6:ann 8:0:0:no(broken) ");
	close(fd);
	buf_reset(&said);
	fd = fixture_fd(SPAN("\0:x\nann:x\n"));
	assert_int_equal(accounts_each(fd, on_entry, &said, &why), 0);
	assert_string_equal(buf_cstr(&said), "2:4:6:ann 0:0:0:(broken) ");
	close(fd);
	buf_clear(&said);
	assert_int_equal(accounts_each(-1, on_entry, &said, &why), -1);
	assert_non_null(strstr(why, "not there"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(forms_of_secrets),
		cmocka_unit_test(entries_are_taken_apart),
		cmocka_unit_test(more_than_there_may_be),
		cmocka_unit_test(a_file_with_its_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
