/*
 * image_test.c - what is written by the builder is read from the image.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fileio.h"
#include "test/unit/ruleset/sample_open.h"

static void
is(struct span got, const char *wanted)
{
	assert_true(span_eq(got, span_of(wanted)));
}

static void
test_the_same_policy_gives_the_same_octets(void **state)
{
	struct buf	again = { 0 };

	(void)state;
	sample_home(&again, 10);
	assert_true(span_eq(buf_span(&again), buf_span(&octets)));
	buf_clear(&again);
}

static void
test_a_file_is_mapped_and_read(void **state)
{
	char		 path[] = "/tmp/wb-image-XXXXXX";
	int		 fd = mkstemp(path);
	struct rs_image	*mapped;
	const char	*why;

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_int_equal(unlink(path), 0);
	assert_null(rs_image_open(fd, &why));	/* empty */
	assert_int_equal(file_write_all(fd, octets.base + octets.off,
	    octets.n), 0);
	mapped = rs_image_open(fd, &why);
	assert_non_null(mapped);
	close(fd);
	assert_string_equal(rs_image_hash(mapped), rs_image_hash(im));
	assert_int_equal(strlen(rs_image_hash(im)), 16);
	rs_image_free(&mapped);
	rs_image_free(&mapped);
}

static void
test_an_image_that_grew_or_shrank_is_refused(void **state)
{
	const char	*why;

	(void)state;
	assert_null(rs_image_open_mem(octets.base + octets.off, octets.n - 8,
	    &why));
	assert_non_null(strstr(why, "cut off"));
	assert_null(rs_image_open_mem(octets.base + octets.off, 10, &why));
	assert_non_null(strstr(why, "not a compiled policy"));
}

static void
test_tables_are_read_back(void **state)
{
	struct span	key, value;

	(void)state;
	assert_int_equal(rs_nmap(im), 2);
	is(rs_string(im, rs_map(im, SAMPLE_USERS)->name), "users");
	is(rs_string(im, rs_map(im, SAMPLE_USERS)->driver), "inline");
	is(rs_string(im, rs_map(im, SAMPLE_USERS)->kind), "accounts");
	assert_int_equal(rs_map(im, SAMPLE_USERS)->nentries, 1);
	rs_map_entry(im, rs_map(im, SAMPLE_USERS)->first_entry, &key, &value);
	is(key, "colin");
	is(value, "");
	assert_int_equal(rs_nfile(im), 2);
	is(rs_string(im, rs_file(im, 0)->path), "/etc/waybill/home.conf");
	assert_int_equal(rs_file(im, 1)->role, 2);
	assert_int_equal(rs_nreply(im), 2);
	assert_int_equal(rs_reply(im, 0)->code, 550);
	is(rs_string(im, rs_reply(im, 0)->status), "5.7.1");
	assert_int_equal(rs_nrule(im), 6);
	assert_int_equal(rs_rule(im, 0)->line, 33);
	assert_int_equal(rs_rule(im, 5)->func, rs_hook(im, RS_HOOK_ROUTE));
	assert_int_equal(rs_ntag(im), 0);
}

static void
test_hooks_are_found_and_what_they_name(void **state)
{
	uint64_t	rcpt, route;

	(void)state;
	assert_int_equal(rs_hook(im, RS_HOOK_DATA), UINT32_MAX);
	rcpt = rs_func_facts(im, rs_hook(im, RS_HOOK_RCPT));
	route = rs_func_facts(im, rs_hook(im, RS_HOOK_ROUTE));
	assert_int_equal(rcpt, RS_FACT_BIT(RS_FACT_CLIENT_IP) |
	    RS_FACT_BIT(RS_FACT_CLIENT_AUTHENTICATED) |
	    RS_FACT_BIT(RS_FACT_RCPT));
	assert_int_equal(route, RS_FACT_BIT(RS_FACT_RCPT));
}

static void
test_settings_of_single_blocks(void **state)
{
	(void)state;
	is(rs_setting_text(im, RS_OPT_SERVER_hostname),
	    "mail.murphy.example");
	assert_int_equal(rs_setting_int(im, RS_OPT_LIMITS_message), 50 << 20);
	is(rs_setting_text(im, RS_OPT_SERVER_postmaster), "");
	assert_int_equal(rs_setting_int(im, RS_OPT_QUEUE_lifetime), 0);
}

static uint32_t
object(enum rs_object_kind kind)
{
	uint32_t	i = 0;

	while (rs_object(im, i)->kind != kind)
		i++;
	return i;
}

static void
test_options_of_blocks(void **state)
{
	const struct rs_optval	*v;
	struct rs_place		 p;

	(void)state;
	assert_true(rs_option(im, object(RS_O_RELAY), RS_OPT_RELAY_host, 0,
	    &v));
	assert_int_equal(v->nplaces, 2);
	is(rs_const(im, rs_option_place(im, v, 0).index).s,
	    "smtp.provider.example");
	assert_int_equal(rs_const(im, rs_option_place(im, v, 1).index).i,
	    587);
	p = rs_option_place(im, v, 2);
	assert_int_equal(p.index, UINT32_MAX);
	assert_false(rs_option(im, object(RS_O_RELAY), RS_OPT_RELAY_host, 1,
	    &v));
	assert_true(rs_option(im, object(RS_O_MAILBOX), RS_OPT_MAILBOX_path,
	    0, &v));
	p = rs_option_place(im, v, 0);
	assert_true(p.is_func);
	assert_int_equal(rs_func(im, p.index)->kind, RS_FUNC_EXPR);
	assert_false(rs_option(im, object(RS_O_MAILBOX),
	    RS_OPT_MAILBOX_owner, 0, &v));
}

static const struct {
	enum rs_option	option;
	unsigned	place;
	char		letter;
} letters[] = {
	{ RS_OPT_SERVER_hostname, 0, 't' },
	{ RS_OPT_SERVER_hostname, 1, '\0' },
	{ RS_OPT_RELAY_host, 0, 'T' },
	{ RS_OPT_RELAY_host, 1, 'i' },
	{ RS_OPT_RELAY_host, 2, 'w' },
	{ RS_OPT_RELAY_host, 3, 'i' },
	{ RS_OPT_RELAY_host, 4, '\0' },
	{ RS_OPT_LIMITS_per_client, 0, 'c' },
	{ RS_OPT_LIMITS_per_client, 1, '\0' },
	{ RS_OPT_QUEUE_retry, 0, 'd' },
	{ RS_OPT_QUEUE_retry, 7, 'd' },
	{ RS_OPT_RELAY_auth, 1, 'S' },
	{ RS_OPT_LISTEN_xclient, 3, 'N' },
	{ RS_OPT_LIMITS_user_octets, 1, 'd' },
};

static void
test_places_of_options_have_letters(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		assert_int_equal(rs_option_letter(letters[i].option,
		    letters[i].place), letters[i].letter);
	for (unsigned i = 0; i < RS_NOPTIONS; i++)
		assert_int_not_equal(rs_option_letter((enum rs_option)i, 0),
		    '\0');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_policy_gives_the_same_octets),
		cmocka_unit_test(test_a_file_is_mapped_and_read),
		cmocka_unit_test(test_an_image_that_grew_or_shrank_is_refused),
		cmocka_unit_test(test_tables_are_read_back),
		cmocka_unit_test(test_hooks_are_found_and_what_they_name),
		cmocka_unit_test(test_settings_of_single_blocks),
		cmocka_unit_test(test_options_of_blocks),
		cmocka_unit_test(test_places_of_options_have_letters),
	};

	return cmocka_run_group_tests_name("ruleset/image", tests,
	    sample_open, sample_close);
}
