/*
 * hosts_test.c - /etc/hosts as a source of answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/resolve/hosts.h"

#define TEXT								\
	"127.0.0.1\tlocalhost\n"					\
	"# 192.0.2.9 commented\n"					\
	"192.0.2.1   Mail.Example.ORG mail   # a comment\r\n"		\
	"192.0.2.2 mail.example.org second\n"				\
	"2001:db8::1 mail.example.org\n"				\
	"nonsense mail.example.org\n"					\
	"192.0.2.1 other\n"						\
	"192.0.2.7"

static struct dns_record	records[DNS_RECORDS_MAX];

static void
check_ip(const struct dns_answer *a, size_t i, const char *wanted)
{
	char	text[IP_TEXT_MAX];

	assert_true(i < a->n);
	assert_string_equal(ip_format(&a->records[i].ip, text), wanted);
}

static void
a_name_has_its_addresses_in_order(void **state)
{
	struct hosts		h = { 0 };
	struct dns_answer	a;

	(void)state;
	hosts_parse(&h, SPAN(TEXT));
	assert_true(hosts_answer(&h, DNS_A, SPAN("MAIL.example.org."),
	    records, &a));
	assert_int_equal(a.result, DNS_FOUND);
	assert_int_equal(a.n, 2);
	check_ip(&a, 0, "192.0.2.1");
	check_ip(&a, 1, "192.0.2.2");
	assert_true(hosts_answer(&h, DNS_AAAA, SPAN("mail.example.org"),
	    records, &a));
	assert_int_equal(a.n, 1);
	check_ip(&a, 0, "2001:db8::1");
	hosts_clear(&h);
}

static void
a_name_without_such_an_address_has_no_data(void **state)
{
	struct hosts		h = { 0 };
	struct dns_answer	a;

	(void)state;
	hosts_parse(&h, SPAN(TEXT));
	assert_true(hosts_answer(&h, DNS_AAAA, SPAN("second"), records, &a));
	assert_int_equal(a.result, DNS_NODATA);
	hosts_clear(&h);
}

static void
what_it_does_not_name_is_for_dns(void **state)
{
	struct hosts		h = { 0 };
	struct dns_answer	a;

	(void)state;
	hosts_parse(&h, SPAN(TEXT));
	assert_false(hosts_answer(&h, DNS_A, SPAN("commented"), records, &a));
	assert_false(hosts_answer(&h, DNS_MX, SPAN("mail"), records, &a));
	assert_false(hosts_answer(&h, DNS_PTR,
	    SPAN("9.2.0.192.in-addr.arpa"), records, &a));
	assert_true(hosts_has(&h, SPAN("Other")));
	assert_false(hosts_has(&h, SPAN("")));
	hosts_clear(&h);
}

static void
the_first_line_of_an_address_names_it(void **state)
{
	struct hosts		h = { 0 };
	struct dns_answer	a;

	(void)state;
	hosts_parse(&h, SPAN(TEXT));
	assert_true(hosts_answer(&h, DNS_PTR, SPAN("1.2.0.192.IN-ADDR.arpa"),
	    records, &a));
	assert_int_equal(a.n, 1);
	assert_true(span_eq(a.records[0].name, SPAN("mail.example.org")));
	hosts_clear(&h);
}

static void
localhost_is_always_there(void **state)
{
	struct hosts		h = { 0 };
	struct dns_answer	a;

	(void)state;
	hosts_parse(&h, SPAN(""));
	assert_true(hosts_answer(&h, DNS_A, SPAN("localhost"), records, &a));
	check_ip(&a, 0, "127.0.0.1");
	assert_true(hosts_answer(&h, DNS_AAAA, SPAN("localhost"), records, &a));
	check_ip(&a, 0, "::1");
	hosts_clear(&h);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_name_has_its_addresses_in_order),
		cmocka_unit_test(a_name_without_such_an_address_has_no_data),
		cmocka_unit_test(what_it_does_not_name_is_for_dns),
		cmocka_unit_test(the_first_line_of_an_address_names_it),
		cmocka_unit_test(localhost_is_always_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
