/*
 * names_test.c - names of folders and of files in a Maildir.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mailbox/store/names.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static void
folders_have_the_names_that_other_servers_give_them(void **state)
{
	static const struct {
		const char	*text, *disk;
	} rows[] = {
		{ "lists", ".lists" },
		{ "lists.linux", ".lists.linux" },
		{ "a b", ".a b" },
		{ "Entwürfe", ".Entw&APw-rfe" },
		{ "R&D", ".R&-D" },
		{ "台北", ".&U,BTFw-" },	/* RFC 3501, 5.1.3 */
		{ "☺!", ".&Jjo-!" },
		{ "😀", ".&2D3eAA-" },
		{ "INBOX.x", ".INBOX.x" },
	};
	char	 disk[STORE_FOLDER_MAX], text[1000];
	size_t	 i;
	int	 n;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_true(name_of_folder(span_of(rows[i].text), disk));
		assert_string_equal(disk, rows[i].disk);
		assert_true(name_is_folder(span_of(disk)));
		n = name_folder_text(span_of(disk), text, sizeof(text));
		assert_int_equal(n, strlen(rows[i].text));
		assert_memory_equal(text, rows[i].text, (size_t)n);
	}
}

static void
what_names_no_folder_is_none(void **state)
{
	static const struct span	 rows[] = {
		{ "", 0 }, { "INBOX", 5 }, { "iNbOx", 5 }, { ".", 1 },
		{ "..", 2 }, { ".a", 2 }, { "a.", 2 }, { "a..b", 4 },
		{ "a/b", 3 }, { "../x", 4 }, { "a\0b", 3 }, { "a\nb", 3 },
		{ "a\x7f", 2 }, { "\xff", 1 }, { "\xc3", 1 },
		{ "\xc0\xaf", 2 }, { "\xed\xa0\x80", 3 },
	};
	char				 disk[STORE_FOLDER_MAX];
	char				 large[STORE_FOLDER_MAX];
	size_t				 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_false(name_of_folder(rows[i], disk));
	memset(large, 'a', sizeof(large));
	assert_true(name_of_folder(span_mem(large, sizeof(large) - 2), disk));
	assert_false(name_of_folder(span_mem(large, sizeof(large) - 1), disk));
}

static void
names_on_the_disk_that_are_none_of_ours(void **state)
{
	static const char *const	 no_text[] = {
		"lists", ".", "..", ".&", ".&A", ".&A-", ".&APw", ".&!!-",
		".&2D0-", ".&3gA-", ".&AAA-", ".a/b", ".\xc3\xbc",
	};
	char				 text[100];
	size_t				 i;

	(void)state;
	for (i = 0; i < COUNT(no_text); i++)
		assert_int_equal(name_folder_text(span_of(no_text[i]), text,
		    sizeof(text)), -1);
	assert_int_equal(name_folder_text(SPAN(".abc"), text, 2), -1);
	assert_false(name_is_folder(SPAN("...")));
	assert_false(name_is_folder(SPAN(".a/../b")));
}

static void
a_file_name_says_its_sizes_and_flags(void **state)
{
	static const struct {
		const char	*file, *base, *flags;
		int		 s, w;		/* -1: it does not say */
	} rows[] = {
		{ "1.Q2.host,S=10,W=12", "1.Q2.host,S=10,W=12", "", 10, 12 },
		{ "1.a,S=10:2,FS", "1.a,S=10", "FS", 10, -1 },
		{ "1.a:2,ST", "1.a", "ST", -1, -1 },
		{ "1.a,W=5,S=4:2,", "1.a,W=5,S=4", "", 4, 5 },
		{ "1.a,S=x,W=", "1.a,S=x,W=", "", -1, -1 },
		{ "1.a:1,T", "1.a", "", -1, -1 },
		{ "1.a,X=3,S=7,Y", "1.a,X=3,S=7,Y", "", 7, -1 },
		{ "", "", "", -1, -1 },
	};
	struct name_parts	 p;
	size_t			 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		name_parse(span_of(rows[i].file), &p);
		assert_true(span_eq(p.base, span_of(rows[i].base)));
		assert_true(span_eq(p.flags, span_of(rows[i].flags)));
		assert_int_equal(p.has_s, rows[i].s >= 0);
		assert_int_equal(p.has_w, rows[i].w >= 0);
		assert_true(rows[i].s < 0 || p.s == (uint64_t)rows[i].s);
		assert_true(rows[i].w < 0 || p.w == (uint64_t)rows[i].w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    folders_have_the_names_that_other_servers_give_them),
		cmocka_unit_test(what_names_no_folder_is_none),
		cmocka_unit_test(names_on_the_disk_that_are_none_of_ours),
		cmocka_unit_test(a_file_name_says_its_sizes_and_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
