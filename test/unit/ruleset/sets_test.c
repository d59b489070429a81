/*
 * sets_test.c - sets and networks against a model that looks at every item.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ruleset/build.h"

#define NITEMS	3000
#define NASKED	20000

static uint64_t	seed = 20261121;

static unsigned
pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 11) % n;
}

struct built {
	struct rs_build	*b;
	struct buf	 octets;
	struct rs_image	*im;
};

static void
finish(struct built *t)
{
	const char	*why = "";

	if (rs_build_finish(t->b, &t->octets, &why) == -1)
		fail_msg("%s", why);
	rs_build_free(&t->b);
	t->im = rs_image_open_mem(t->octets.base + t->octets.off, t->octets.n,
	    &why);
	assert_non_null(t->im);
}

static void
clear(struct built *t)
{
	rs_image_free(&t->im);
	buf_clear(&t->octets);
}

/* Names of few letters, so that they meet often. */
static struct span
random_name(char *out, bool dot)
{
	size_t	n = 0;

	if (dot)
		out[n++] = '.';
	for (unsigned labels = 1 + pick(4); labels > 0; labels--) {
		for (unsigned k = 1 + pick(2); k > 0; k--)
			out[n++] = (char)('a' + pick(5));
		out[n++] = '.';
	}
	return span_mem(out, n - 1);
}

static bool
below(struct span name, struct span suffix)
{
	return name.n > suffix.n && suffix.n > 0 && suffix.p[0] == '.' &&
	    span_eq(span_from(name, name.n - suffix.n), suffix);
}

static void
test_domains_are_found_exactly_and_below(void **state)
{
	static char	text[NITEMS][16];
	struct span	items[NITEMS];
	struct built	t = { .b = rs_build_new() };
	unsigned	found = 0;

	(void)state;
	for (unsigned i = 0; i < NITEMS; i++)
		items[i] = random_name(text[i], i % 20 == 0);
	/* few suffixes, or all would be below one */
	assert_int_equal(rs_build_domains(t.b, SPAN("d"), items, 200), 0);
	assert_int_equal(rs_build_domains(t.b, SPAN("e"), items, NITEMS), 1);
	finish(&t);
	for (unsigned i = 0; i < NASKED; i++) {
		char		name[16];
		struct rs_value	v;
		bool		wanted = false;
		uint32_t	set = i % 2;

		v = rs_text(RS_T_DOMAIN, random_name(name, false));
		for (unsigned k = 0; k < (set == 0 ? 200 : NITEMS); k++)
			wanted |= span_eq(v.s, items[k]) ||
			    below(v.s, items[k]);
		found += wanted;
		if (rs_set_has(t.im, set, &v) != wanted)
			fail_msg("%.*s should %s", SPAN_ARG(v.s),
			    wanted ? "be in" : "not be in");
	}
	assert_in_range(found, NASKED / 10, NASKED * 9 / 10);
	clear(&t);
}

static bool
has(const struct built *t, uint32_t set, struct rs_value v)
{
	return rs_set_has(t->im, set, &v);
}

static void
test_types_meet_in_sets_as_they_do_in_comparisons(void **state)
{
	struct span	domains[] = { SPAN("example.org"), SPAN(".club.test"),
			    SPAN("example.org") };
	struct rs_value	texts[] = { rs_text(RS_T_TEXT, SPAN("Ann")),
			    rs_text(RS_T_TEXT, SPAN("ann")),
			    rs_text(RS_T_TEXT, SPAN("bob@x.example")) };
	struct rs_value	addresses[] = { rs_address(SPAN("Ann@x.example")) };
	struct rs_value	ints[] = { rs_int(RS_T_INT, 25),
			    rs_int(RS_T_INT, -1) };
	struct built	t = { .b = rs_build_new() };

	(void)state;
	rs_build_domains(t.b, SPAN("d"), domains, 3);
	rs_build_values(t.b, SPAN("t"), RS_T_TEXT, texts, 3);
	rs_build_values(t.b, SPAN("a"), RS_T_ADDRESS, addresses, 1);
	rs_build_values(t.b, SPAN("i"), RS_T_INT, ints, 2);
	rs_build_domains(t.b, SPAN("none"), NULL, 0);
	finish(&t);
	assert_true(has(&t, 0, rs_text(RS_T_DOMAIN, SPAN("example.org"))));
	assert_true(has(&t, 0, rs_text(RS_T_TEXT, SPAN("EXAMPLE.org"))));
	assert_false(has(&t, 0, rs_text(RS_T_DOMAIN, SPAN("a.example.org"))));
	assert_true(has(&t, 0, rs_text(RS_T_DOMAIN, SPAN("a.club.test"))));
	assert_true(has(&t, 0, rs_text(RS_T_DOMAIN, SPAN("a.b.club.test"))));
	assert_false(has(&t, 0, rs_text(RS_T_DOMAIN, SPAN("club.test"))));
	assert_false(has(&t, 0, rs_text(RS_T_TEXT, SPAN(".club.test"))));
	assert_false(has(&t, 0, rs_text(RS_T_DOMAIN, SPAN("xclub.test"))));
	assert_false(has(&t, 0, rs_empty(RS_T_DOMAIN)));
	assert_false(has(&t, 0, rs_empty(RS_T_NONE)));
	assert_false(has(&t, 0, rs_address(SPAN("a@example.org"))));
	assert_true(has(&t, 1, rs_text(RS_T_TEXT, SPAN("Ann"))));
	assert_false(has(&t, 1, rs_text(RS_T_TEXT, SPAN("ANN"))));
	assert_true(has(&t, 1, rs_address(SPAN("Bob@x.example"))));
	assert_false(has(&t, 1, rs_text(RS_T_TEXT, SPAN(""))));
	assert_true(has(&t, 2, rs_address(SPAN("ANN@x.example"))));
	assert_true(has(&t, 2, rs_text(RS_T_TEXT, SPAN("ann@X.example"))));
	assert_false(has(&t, 2, rs_address(SPAN(""))));
	assert_true(has(&t, 3, rs_int(RS_T_INT, 25)));
	assert_true(has(&t, 3, rs_int(RS_T_INT, -1)));
	assert_false(has(&t, 3, rs_int(RS_T_INT, 26)));
	assert_false(has(&t, 3, rs_text(RS_T_TEXT, SPAN("25"))));
	assert_false(has(&t, 4, rs_text(RS_T_DOMAIN, SPAN("example.org"))));
	assert_true(span_eq(rs_set_name(t.im, 2), SPAN("a")));
	clear(&t);
}

/* Addresses of few bits, so that they meet often. */
static struct ip
random_ip(unsigned family)
{
	struct ip	ip = { .family = (uint8_t)family };

	for (unsigned i = 0; i < (family == 4 ? 4u : 16u); i++)
		ip.a[i] = (uint8_t)(pick(3) | pick(2) << 7);
	return ip;
}

static struct ipnet
random_net(void)
{
	unsigned	family = pick(2) == 0 ? 4 : 6;
	struct ipnet	net = { .ip = random_ip(family) };

	net.bits = (uint8_t)(family == 4 ? 8 + pick(25) : 4 + pick(125));
	net.ip = ip_mask(&net.ip, net.bits);
	return net;
}

static void
test_networks_are_found_as_if_each_were_asked(void **state)
{
	static const unsigned	sizes[] = { 0, 1, 10, 100, 1500 };
	struct ipnet		nets[1500];
	struct built		t = { .b = rs_build_new() };
	unsigned		found = 0;

	(void)state;
	for (unsigned i = 0; i < 1500; i++)
		nets[i] = random_net();
	for (unsigned k = 0; k < 5; k++)
		assert_int_equal(rs_build_nets(t.b, SPAN("n"), nets, sizes[k]),
		    k);
	finish(&t);
	for (unsigned i = 0; i < NASKED; i++) {
		struct ip	ip = random_ip(pick(2) == 0 ? 4 : 6);
		unsigned	k = pick(5);
		bool		wanted = false;
		char		text[IP_TEXT_MAX];

		for (unsigned j = 0; j < sizes[k]; j++)
			wanted |= ipnet_has(&nets[j], &ip);
		found += wanted;
		if (rs_nets_has(t.im, k, &ip) != wanted)
			fail_msg("%s in %u networks", ip_format(&ip, text),
			    sizes[k]);
	}
	assert_in_range(found, NASKED / 20, NASKED * 19 / 20);
	clear(&t);
}

static void
test_the_whole_world_and_no_address(void **state)
{
	struct ipnet	all[2];
	struct ip	ip;
	struct built	t = { .b = rs_build_new() };

	(void)state;
	assert_true(ipnet_parse(SPAN("0.0.0.0/0"), &all[0]));
	assert_true(ipnet_parse(SPAN("10.0.0.0/8"), &all[1]));
	rs_build_nets(t.b, SPAN("world"), all, 2);
	finish(&t);
	assert_true(ip_parse(SPAN("203.0.113.1"), &ip));
	assert_true(rs_nets_has(t.im, 0, &ip));
	assert_true(ip_parse(SPAN("2001:db8::1"), &ip));
	assert_false(rs_nets_has(t.im, 0, &ip));
	ip.family = 0;
	assert_false(rs_nets_has(t.im, 0, &ip));
	assert_true(span_eq(rs_nets_name(t.im, 0), SPAN("world")));
	clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_meet_in_sets_as_they_do_in_comparisons),
		cmocka_unit_test(test_domains_are_found_exactly_and_below),
		cmocka_unit_test(test_the_whole_world_and_no_address),
		cmocka_unit_test(test_networks_are_found_as_if_each_were_asked),
	};

	return cmocka_run_group_tests_name("ruleset/sets", tests, NULL, NULL);
}
