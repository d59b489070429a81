/*
 * value_test.c - operators, parts, masks and conversions, row by row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ruleset/op.h"
#include "test/unit/ruleset/spec.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

static struct arena	arena;

static int
clear(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

static const char *
show(struct rs_value v)
{
	return spec_show(&v, &arena);
}

static const struct { const char *a, *b; int wanted; } compared[] = {
	{ "int 1", "int 2", -1 },
	{ "int 2", "int 2", 0 },
	{ "int -3", "int -4", 1 },
	{ "int 1024", "size 1K", 0 },
	{ "size 2K", "int 1024", 1 },
	{ "size 1M", "size 1024K", 0 },
	{ "time 60s", "time 1m", 0 },
	{ "int 60000", "time 1m", 2 },
	{ "bool true", "bool true", 0 },
	{ "bool false", "bool true", -1 },
	{ "bool true", "int 1", 2 },
	{ "text a", "text a", 0 },
	{ "text A", "text a", -1 },
	{ "text ", "text ", 0 },
	{ "text ab", "text a", 1 },
	{ "text MX.Example", "domain mx.example", 0 },
	{ "domain a.example", "domain b.example", -1 },
	{ "domain", "domain", 2 },
	{ "domain", "text ", 2 },
	{ "address Ann@x.example", "address ann@x.example", 0 },
	{ "address ann@x.example", "text ANN@X.EXAMPLE", 0 },
	{ "address <>", "address <>", 0 },
	{ "address <>", "address a@x.example", -1 },
	{ "address <>", "text ", 2 },
	{ "address a@x.example", "domain x.example", 2 },
	{ "status 5.7.1", "status 5.7.1", 0 },
	{ "date 2026-01-05T08:30:00Z", "date 2026-01-05T08:30:01Z", -1 },
	{ "date 2026-01-05T08:30:00Z", "date 2026-01-05T08:30:00Z", 0 },
	{ "date 1970-01-01T00:00:01Z", "int 1000", 2 },
	{ "date 1970-01-01T00:00:01Z", "time 1s", 2 },
	{ "verdict REJECT", "verdict REJECT", 2 },
	{ "verdict REJECT", "text REJECT", 2 },
	{ "client", "ip 192.0.2.1", 2 },
	{ "status 5.7.1", "text 5.7.1", 0 },
	{ "ip 192.0.2.1", "ip 192.0.2.1", 0 },
	{ "ip 192.0.2.1", "ip 192.0.2.2", -1 },
	{ "ip ::ffff:192.0.2.1", "ip 192.0.2.1", 0 },
	{ "ip", "ip", 2 },
	{ "ip 192.0.2.0", "net 192.0.2.0/24", 2 },
	{ "net 192.0.2.0/24", "net 192.0.2.0/24", 0 },
	{ "net 192.0.2.0/24", "net 192.0.2.0/25", -1 },
	{ "none", "none", 2 },
	{ "none", "text ", 2 },
	{ "none", "bool false", 2 },
	{ "int 1", "text 1", 2 },
};

static void
test_values_compare_within_what_goes_together(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(compared); i++) {
		struct rs_value	a = spec_value(compared[i].a, &arena);
		struct rs_value	b = spec_value(compared[i].b, &arena);
		int		back = compared[i].wanted;

		print_message("%s with %s\n", compared[i].a, compared[i].b);
		assert_int_equal(rs_compare(&a, &b), compared[i].wanted);
		if (back != 2)
			back = -back;
		assert_int_equal(rs_compare(&b, &a), back);
	}
}

static const struct { const char *a, *b, *eq, *lt, *ge; } ordered[] = {
	{ "int 1", "int 2", "bool false", "bool true", "bool false" },
	{ "int 2", "int 2", "bool true", "bool false", "bool true" },
	{ "none", "none", "bool false", "bool false", "bool false" },
	{ "none", "int 1", "bool false", "bool false", "bool false" },
	{ "text a", "int 1", "bool false", "bool false", "bool false" },
	{ "?table", "int 1", "?table", "?table", "?table" },
	{ "?table", "?soft", "?both", "?both", "?both" },
	{ "none", "?soft", "?soft", "?soft", "?soft" },
};

static void
test_what_cannot_be_compared_is_false_and_unknown_stays_unknown(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ordered); i++) {
		struct rs_value	a = spec_value(ordered[i].a, &arena);
		struct rs_value	b = spec_value(ordered[i].b, &arena);

		print_message("%s with %s\n", ordered[i].a, ordered[i].b);
		assert_string_equal(show(rs_eq(&a, &b)), ordered[i].eq);
		assert_string_equal(show(rs_order(RS_LT, &a, &b)),
		    ordered[i].lt);
		assert_string_equal(show(rs_order(RS_GE, &a, &b)),
		    ordered[i].ge);
	}
}

static void
test_orders_agree_with_compare(void **state)
{
	struct rs_value	one = rs_int(RS_T_INT, 1), two = rs_int(RS_T_INT, 2);

	(void)state;
	assert_string_equal(show(rs_order(RS_LE, &one, &one)), "bool true");
	assert_string_equal(show(rs_order(RS_LE, &two, &one)), "bool false");
	assert_string_equal(show(rs_order(RS_GT, &two, &one)), "bool true");
	assert_string_equal(show(rs_order(RS_GT, &one, &one)), "bool false");
}

/* a, b, a and b, a or b, not a.  What is no truth is false. */
static const struct { const char *a, *b, *and, *or, *not; } logic[] = {
	{ "bool true", "bool true", "bool true", "bool true", "bool false" },
	{ "bool true", "bool false", "bool false", "bool true", "bool false" },
	{ "bool false", "bool false", "bool false", "bool false",
	    "bool true" },
	{ "bool true", "?table", "?table", "bool true", "bool false" },
	{ "bool false", "?table", "bool false", "?table", "bool true" },
	{ "bool false", "?soft", "bool false", "?soft", "bool true" },
	{ "?table", "?soft", "?both", "?both", "?table" },
	{ "?soft", "?soft", "?soft", "?soft", "?soft" },
	{ "none", "bool true", "bool false", "bool true", "bool true" },
	{ "none", "?soft", "bool false", "?soft", "bool true" },
	{ "text x", "bool true", "bool false", "bool true", "bool true" },
};

static void
test_logic_has_three_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(logic); i++) {
		struct rs_value	a = spec_value(logic[i].a, &arena);
		struct rs_value	b = spec_value(logic[i].b, &arena);

		print_message("%s with %s\n", logic[i].a, logic[i].b);
		assert_string_equal(show(rs_and(&a, &b)), logic[i].and);
		assert_string_equal(show(rs_and(&b, &a)), logic[i].and);
		assert_string_equal(show(rs_or(&a, &b)), logic[i].or);
		assert_string_equal(show(rs_or(&b, &a)), logic[i].or);
		assert_string_equal(show(rs_not(&a)), logic[i].not);
	}
}

static const struct {
	const char *address, *user, *detail, *domain, *local;
} parts[] = {
	{ "address ann@x.example", "text ann", "text ", "domain x.example",
	    "text ann" },
	{ "address ann+news@x.example", "text ann", "text news",
	    "domain x.example", "text ann+news" },
	{ "address ann-a+b@x.example", "text ann", "text a+b",
	    "domain x.example", "text ann-a+b" },
	{ "address ann+@x.example", "text ann", "text ", "domain x.example",
	    "text ann+" },
	{ "address +news@x.example", "text +news", "text ",
	    "domain x.example", "text +news" },
	{ "address \"a+b\"@x.example", "text \"a+b\"", "text ",
	    "domain x.example", "text \"a+b\"" },
	{ "address <>", "text ", "text ", "domain", "text " },
	{ "none", "none", "none", "none", "none" },
	{ "text ann@x.example", "none", "none", "none", "none" },
	{ "?table", "?table", "?table", "?table", "?table" },
};

static void
test_an_address_has_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(parts); i++) {
		struct rs_value	v = spec_value(parts[i].address, &arena);
		struct span	detail = SPAN("+-");

		print_message("%s\n", parts[i].address);
		assert_string_equal(show(rs_part(&v, RS_F_USER, detail)),
		    parts[i].user);
		assert_string_equal(show(rs_part(&v, RS_F_DETAIL, detail)),
		    parts[i].detail);
		assert_string_equal(show(rs_part(&v, RS_F_DOMAIN, detail)),
		    parts[i].domain);
		assert_string_equal(show(rs_part(&v, RS_F_LOCAL, detail)),
		    parts[i].local);
	}
}

static void
test_without_detail_characters_nothing_is_split(void **state)
{
	struct rs_value	v = rs_address(SPAN("ann+news@x.example"));

	(void)state;
	assert_string_equal(show(rs_part(&v, RS_F_USER, SPAN_NONE)),
	    "text ann+news");
}

static void
test_postmaster_needs_no_domain(void **state)
{
	struct rs_value	v = rs_address(SPAN("postmaster"));

	(void)state;
	assert_string_equal(show(rs_part(&v, RS_F_USER, SPAN("+"))),
	    "text postmaster");
	assert_string_equal(show(rs_part(&v, RS_F_DOMAIN, SPAN("+"))),
	    "domain");
}

static void
test_a_stranger_marks_what_is_made_of_his_text(void **state)
{
	struct rs_value	v = rs_address(SPAN("ann@x.example")), out;

	(void)state;
	v.tainted = true;
	assert_true(rs_part(&v, RS_F_DOMAIN, SPAN("+")).tainted);
	assert_true(rs_convert(&v, RS_T_TEXT, &arena, &out));
	assert_true(out.tainted);
}

static const struct { const char *v; unsigned b4, b6; const char *wanted; }
masks[] = {
	{ "ip 192.0.2.77", 24, 64, "net 192.0.2.0/24" },
	{ "ip 192.0.2.77", 32, 64, "net 192.0.2.77/32" },
	{ "ip 192.0.2.77", 0, 64, "net 0.0.0.0/0" },
	{ "ip 2001:db8:1:2:3::1", 24, 64, "net 2001:db8:1:2::/64" },
	{ "ip 2001:db8:1:2:3::1", 24, 56, "net 2001:db8:1::/56" },
	{ "ip", 24, 64, "none" },
	{ "text 192.0.2.77", 24, 64, "none" },
	{ "none", 24, 64, "none" },
	{ "?soft", 24, 64, "?soft" },
};

static void
test_a_mask_gives_the_network_around(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(masks); i++) {
		struct rs_value	v = spec_value(masks[i].v, &arena);

		print_message("%s\n", masks[i].v);
		assert_string_equal(show(rs_mask(&v, masks[i].b4,
		    masks[i].b6)), masks[i].wanted);
	}
}

/* text, type, what it is read as; NULL: it cannot be. */
static const struct { const char *text, *type, *wanted; } reads[] = {
	{ "true", "bool", "bool true" },
	{ "yes", "bool", NULL },
	{ "0", "int", "int 0" },
	{ "-12", "int", "int -12" },
	{ "9223372036854775807", "int", "int 9223372036854775807" },
	{ "9223372036854775808", "int", NULL },
	{ "", "int", NULL },
	{ "-", "int", NULL },
	{ "1x", "int", NULL },
	{ "2G", "size", "size 2G" },
	{ "1048576", "size", "size 1M" },
	{ "1500", "size", "size 1500" },
	{ "2g", "size", NULL },
	{ "2GB", "size", NULL },
	{ "9999999999T", "size", NULL },
	{ "90s", "time", "time 1m30s" },
	{ "1h30m", "time", "time 1h30m" },
	{ "500ms", "time", "time 500ms" },
	{ "14d", "time", "time 2w" },
	{ "30m1h", "time", NULL },
	{ "1h1h", "time", NULL },
	{ "5", "time", NULL },
	{ "5M", "time", NULL },
	{ "", "time", NULL },
	{ "99999999999999w", "time", NULL },
	{ "Mail.Example", "domain", "domain mail.example" },
	{ "a_b.example", "domain", "domain a_b.example" },
	{ "example.", "domain", NULL },
	{ ".example", "domain", NULL },
	{ "a..example", "domain", NULL },
	{ "a b.example", "domain", NULL },
	{ "b\xc3\xbc" "cher.example", "domain", NULL },
	{ "", "domain", NULL },
	{ "Ann@X.Example", "address", "address Ann@x.example" },
	{ "<ann@x.example>", "address", "address ann@x.example" },
	{ "\"a b\"@x.example", "address", "address \"a b\"@x.example" },
	{ "<>", "address", "address <>" },
	{ "", "address", NULL },
	{ "ann", "address", NULL },
	{ "@x.example", "address", NULL },
	{ "a b@x.example", "address", NULL },
	{ "a@b@x.example", "address", NULL },
	{ "ann@", "address", NULL },
	{ "a\r\nb@x.example", "address", NULL },
	{ "192.0.2.1", "ip", "ip 192.0.2.1" },
	{ "192.0.2", "ip", NULL },
	{ "192.0.2.0/24", "net", "net 192.0.2.0/24" },
	{ "192.0.2.1/24", "net", NULL },
	{ "2026-01-05T08:30:00Z", "date", "date 2026-01-05T08:30:00Z" },
	{ "2024-02-29T23:59:59Z", "date", "date 2024-02-29T23:59:59Z" },
	{ "1969-12-31T23:59:59Z", "date", "date 1969-12-31T23:59:59Z" },
	{ "0001-01-01T00:00:00Z", "date", "date 0001-01-01T00:00:00Z" },
	{ "2026-02-29T00:00:00Z", "date", NULL },
	{ "2026-13-01T00:00:00Z", "date", NULL },
	{ "2026-00-01T00:00:00Z", "date", NULL },
	{ "2026-01-00T00:00:00Z", "date", NULL },
	{ "2026-01-05T24:00:00Z", "date", NULL },
	{ "2026-01-05T08:60:00Z", "date", NULL },
	{ "2026-01-05T08:30:60Z", "date", NULL },
	{ "2026-01-05 08:30:00Z", "date", NULL },
	{ "2026-01-05T08:30:00", "date", NULL },
	{ "2026-01-05T08:30:00+01:00", "date", NULL },
	{ "2026-1-5T08:30:00Z", "date", NULL },
	{ "", "date", NULL },
	{ "100/1h", "rate", "rate 100/1h" },
	{ "134217727/1ms", "rate", "rate 134217727/1ms" },
	{ "5/90m", "rate", "rate 5/1h30m" },
	{ "134217728/1h", "rate", NULL },
	{ "1/68719476736ms", "rate", NULL },
	{ "1/68719476735ms", "rate", "rate 1/113w4d8h44m36s735ms" },
	{ "0/1h", "rate", NULL },
	{ "100/0s", "rate", NULL },
	{ "100/", "rate", NULL },
	{ "100", "rate", NULL },
	{ "/1h", "rate", NULL },
	{ "550 go away", "verdict", "verdict 550 go away" },
	{ "192.0.2.1", "client", NULL },
	{ "5.7.1", "status", "status 5.7.1" },
	{ "4.100.999", "status", "status 4.100.999" },
	{ "3.1.1", "status", NULL },
	{ "5.7", "status", NULL },
	{ "5.7.1.2", "status", NULL },
	{ "5..71", "status", NULL },
	{ "5.1234.1", "status", NULL },
	{ "550", "status", NULL },
	{ "any", "text", "text any" },
};

static void
test_text_is_read_as_the_type_that_is_wanted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(reads); i++) {
		struct rs_value	v = rs_text(RS_T_TEXT, span_of(reads[i].text));
		struct rs_value	type = spec_value(reads[i].type, &arena), out;
		bool		ok;

		print_message("'%s' as %s\n", reads[i].text, reads[i].type);
		ok = rs_convert(&v, (enum rs_type)type.type, &arena, &out);
		assert_int_equal(ok, reads[i].wanted != NULL);
		if (ok)
			assert_string_equal(show(out), reads[i].wanted);
	}
}

static const struct { const char *v, *type, *wanted; } widened[] = {
	{ "domain x.example", "text", "text x.example" },
	{ "address a@x.example", "text", "text a@x.example" },
	{ "address <>", "text", "text <>" },
	{ "ip 192.0.2.1", "text", "text 192.0.2.1" },
	{ "ip 192.0.2.1", "net", "net 192.0.2.1/32" },
	{ "ip ::1", "net", "net ::1/128" },
	{ "ip", "net", NULL },
	{ "net 10.0.0.0/8", "text", "text 10.0.0.0/8" },
	{ "size 3K", "text", "text 3K" },
	{ "size 3K", "int", "int 3072" },
	{ "int 3072", "size", "size 3K" },
	{ "time 0s", "text", "text 0s" },
	{ "int 5", "time", NULL },
	{ "bool true", "text", "text true" },
	{ "bool true", "int", NULL },
	{ "address a@x.example", "domain", NULL },
	{ "none", "text", NULL },
	{ "none", "int", NULL },
	{ "?table", "text", NULL },
	{ "?table", "bool", NULL },
};

static void
test_other_types_widen_only_where_nothing_is_lost(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(widened); i++) {
		struct rs_value	v = spec_value(widened[i].v, &arena), out;
		struct rs_value	type = spec_value(widened[i].type, &arena);
		bool		ok;

		print_message("%s as %s\n", widened[i].v, widened[i].type);
		ok = rs_convert(&v, (enum rs_type)type.type, &arena, &out);
		assert_int_equal(ok, widened[i].wanted != NULL);
		if (ok)
			assert_string_equal(show(out), widened[i].wanted);
	}
}

static void
test_a_copy_outlives_what_it_was_made_of(void **state)
{
	char		text[] = "ann@x.example";
	struct rs_value	v = rs_address(span_of(text)), out;

	(void)state;
	out = rs_copy(&v, &arena);
	memset(text, 'z', sizeof(text) - 1);
	assert_string_equal(show(out), "address ann@x.example");
	assert_int_equal(out.at, 3);
}

static void
test_types_have_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RS_NTYPES; i++)
		assert_string_not_equal(rs_type_name(i), "?");
	assert_string_equal(rs_type_name(RS_NTYPES), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_have_names),
		cmocka_unit_test(test_values_compare_within_what_goes_together),
		cmocka_unit_test(test_what_cannot_be_compared_is_false_and_unknown_stays_unknown),
		cmocka_unit_test(test_orders_agree_with_compare),
		cmocka_unit_test(test_logic_has_three_values),
		cmocka_unit_test(test_an_address_has_parts),
		cmocka_unit_test(test_without_detail_characters_nothing_is_split),
		cmocka_unit_test(test_postmaster_needs_no_domain),
		cmocka_unit_test(test_a_stranger_marks_what_is_made_of_his_text),
		cmocka_unit_test(test_a_mask_gives_the_network_around),
		cmocka_unit_test(test_text_is_read_as_the_type_that_is_wanted),
		cmocka_unit_test(test_other_types_widen_only_where_nothing_is_lost),
		cmocka_unit_test(test_a_copy_outlives_what_it_was_made_of),
	};

	return cmocka_run_group_tests_name("ruleset/value", tests, NULL,
	    clear);
}
