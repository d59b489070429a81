/*
 * ldap_test.c - URLs and options of LDAP tables, and keys in filters and
 * names of entries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "maps/asked/ldap_int.h"

static const struct asked_source plain = {
	.name = { "m", 1 }, .where = { "ldap://h", 8 },
	.base = { "dc=x", 4 }, .filter = { "(uid={key})", 11 },
};

static const struct {
	const char	*where, *path, *host;
	uint16_t	 port;
	enum ldap_tls	 tls;
	const char	*url;
} urls[] = {
	{ "ldap://h", NULL, "h", 389, LDAP_TLS_NONE, "ldap://h:389" },
	{ "ldap://h:3890/", NULL, "h", 3890, LDAP_TLS_NONE, "ldap://h:3890" },
	{ "LDAPS://h", NULL, "h", 636, LDAP_TLS_ALWAYS, "ldaps://h:636" },
	{ "ldap://[2001:db8::1]", NULL, "2001:db8::1", 389, LDAP_TLS_NONE,
	    "ldap://[2001:db8::1]:389" },
	{ "ldap:///", NULL, "localhost", 389, LDAP_TLS_NONE,
	    "ldap://localhost:389" },
	{ "ldapi:///", "/run/slapd/ldapi", NULL, 0, LDAP_TLS_NONE,
	    "ldapi:///" },
	{ "ldapi://%2Frun%2Fx", "/run/x", NULL, 0, LDAP_TLS_NONE,
	    "ldapi:///" },
	{ "ldap://h/?" "?" "?" "?StartTLS", NULL, "h", 389, LDAP_TLS_START,
	    "ldap://h:389" },
	{ "ldap://h/?" "?" "?" "?!x-starttls", NULL, "h", 389, LDAP_TLS_START,
	    "ldap://h:389" },
	{ "ldaps://h/?" "?" "?" "?StartTLS", NULL, "h", 636, LDAP_TLS_ALWAYS,
	    "ldaps://h:636" },
};

static void
test_urls(void **state)
{
	struct asked_source	 src = plain;
	struct ldap_words	 w;
	const char		*why = "";
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		src.where = span_of(urls[i].where);
		if (ldap_words_init(&w, &src, &why) != 0)
			fail_msg("%s: %s", urls[i].where, why);
		assert_int_equal(w.nservers, 1);
		assert_string_equal(w.servers[0].url, urls[i].url);
		assert_int_equal(w.servers[0].tls, urls[i].tls);
		if (urls[i].path != NULL)
			assert_string_equal(w.servers[0].place.path,
			    urls[i].path);
		else {
			assert_string_equal(w.servers[0].place.host,
			    urls[i].host);
			assert_int_equal(w.servers[0].place.port,
			    urls[i].port);
		}
		ldap_words_clear(&w);
	}
}

static void
test_no_urls(void **state)
{
	static const char *const	none[] = {
		"", " , ", "h", "http://h", "ldap:/h", "ldap://h/dc=x",
		"ldap://h/?mail", "ldap://h/?" "?sub", "ldapi://x",
		"ldap://h/?" "?" "?(a=b)", "ldap://h/?" "?" "?" "?other",
		"ldap://a ldap://b http://c",
	};
	struct asked_source		src = plain;
	struct ldap_words		w;
	const char			*why;
	size_t				i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		why = NULL;
		src.where = span_of(none[i]);
		if (ldap_words_init(&w, &src, &why) != -1)
			fail_msg("%s", none[i]);
		assert_non_null(why);
	}
}

static void
test_options(void **state)
{
	struct asked_source	 src = plain;
	struct ldap_words	 w;
	const char		*why;

	(void)state;
	src.where = SPAN("ldap://a ldaps://b,ldapi:///");
	src.attributes = SPAN(" mail,uid  quota ");
	src.scope = SPAN("one");
	src.login = SPAN("cn=x");
	src.password = SPAN("pw");
	assert_int_equal(ldap_words_init(&w, &src, &why), 0);
	assert_int_equal(w.nservers, 3);
	assert_int_equal(w.ncolumns, 3);
	assert_string_equal(w.columns[2], "quota");
	assert_null(w.columns[3]);
	assert_int_equal(w.scope, LDAP_SCOPE_ONELEVEL);
	assert_string_equal(w.login, "cn=x");
	assert_string_equal(w.password, "pw");
	ldap_words_clear(&w);
	src.scope = SPAN("all");
	assert_int_equal(ldap_words_init(&w, &src, &why), -1);
}

static const struct {
	const char	*text;
	struct span	 key;
	const char	*wanted;
} fills[] = {
	{ "(uid={key})", SPAN("ann"), "(uid=ann)" },
	{ "(uid={key})", SPAN("*)(uid=*"), "(uid=\\2a\\29\\28uid\\3d\\2a)" },
	{ "(uid={key})", SPAN("a\\b\0c"), "(uid=a\\5cb\\00c)" },
	{ "(uid={key})", SPAN("\xc3\xa9"), "(uid=\\c3\\a9)" },
	{ "(|(mail={user}@{domain})(uid={key}))", SPAN("a.b-c_d@x"),
	    "(|(mail=a.b-c_d@x)(uid=a.b-c_d@x))" },
	{ "uid={key},dc=x", SPAN("a,dc=y+z=\"#;<> "),
	    "uid=a\\2cdc\\3dy\\2bz\\3d\\22\\23\\3b\\3c\\3e\\20,dc=x" },
	{ "(uid=\\{{key}})", SPAN("{key}"), "(uid={\\7bkey\\7d})" },
};

static void
test_fill(void **state)
{
	struct asked_template	 t;
	struct buf		 out = { 0 };
	const char		*why;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
		assert_int_equal(asked_template_init(&t,
		    span_of(fills[i].text), &why), 0);
		buf_reset(&out);
		ldap_fill(&t, fills[i].key, &out);
		assert_string_equal(buf_cstr(&out), fills[i].wanted);
		asked_template_clear(&t);
	}
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_no_urls),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
