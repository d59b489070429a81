/*
 * ip_test.c - addresses and networks: text, masks, socket addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/ip.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const struct {
	struct span	 in;
	unsigned	 family;
	const char	*out, *literal, *reverse;
} good[] = {
	{ S("192.0.2.1"), 4, "192.0.2.1", "[192.0.2.1]",
	    "1.2.0.192.in-addr.arpa" },
	{ S("0.0.0.0"), 4, "0.0.0.0", "[0.0.0.0]", "0.0.0.0.in-addr.arpa" },
	{ S("255.99.100.9"), 4, "255.99.100.9", "[255.99.100.9]",
	    "9.100.99.255.in-addr.arpa" },
	{ S("::ffff:192.0.2.1"), 4, "192.0.2.1", "[192.0.2.1]",
	    "1.2.0.192.in-addr.arpa" },
	{ S("::FFFF:c000:201"), 4, "192.0.2.1", "[192.0.2.1]",
	    "1.2.0.192.in-addr.arpa" },
	{ S("2001:DB8::1"), 6, "2001:db8::1", "[IPv6:2001:db8::1]",
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
	    ".ip6.arpa" },
	{ S("::"), 6, "::", "[IPv6:::]",
	    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
	    ".ip6.arpa" },
};

static void
addresses_have_one_text(void **state)
{
	char		text[IP_TEXT_MAX], literal[64], reverse[80];
	struct ip	ip;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		assert_true(ip_parse(good[i].in, &ip));
		assert_int_equal(ip.family, good[i].family);
		assert_string_equal(ip_format(&ip, text), good[i].out);
		assert_string_equal(ip_literal(&ip, literal), good[i].literal);
		assert_string_equal(ip_reverse_name(&ip, reverse),
		    good[i].reverse);
	}
	ip = (struct ip){ 0 };
	assert_string_equal(ip_format(&ip, text), "");
}

static void
networks_have_one_text(void **state)
{
	static const char *const	nets[] = { "0.0.0.0/0", "10.0.0.0/8",
	    "192.0.2.0/24", "192.0.2.1/32", "::/0", "2001:db8::/32",
	    "2001:db8:1111:2222:3333:4444:5555:6666/128" };
	struct ipnet			net;
	char				text[IPNET_TEXT_MAX];
	size_t				i;

	(void)state;
	for (i = 0; i < COUNT(nets); i++) {
		assert_true(ipnet_parse(span_of(nets[i]), &net));
		assert_string_equal(ipnet_format(&net, text), nets[i]);
	}
}

static const struct span bad[] = {
	S(""), S("1"), S("1.2.3"), S("1.2.3.4.5"), S("01.2.3.4"),
	S("256.1.1.1"),
	S("1.2.3.4 "), S(" 1.2.3.4"), S("1.2.3.4\0"), S("0x7f.1"), S("::1::"),
	S("1:2:3:4:5:6:7"), S("fe80::1%eth0"), S("[::1]"), S("g::"),
	S("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"),
};

static void
what_is_no_address(void **state)
{
	struct ip	ip;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		assert_false(ip_parse(bad[i], &ip));
		assert_int_equal(ip.family, 0);
	}
}

static const struct { struct span net; struct span ip; int has; } nets[] = {
	{ S("192.0.2.0/24"), S("192.0.2.255"), 1 },
	{ S("192.0.2.0/24"), S("192.0.3.0"), 0 },
	{ S("192.0.2.0/25"), S("192.0.2.128"), 0 },
	{ S("192.0.2.1"), S("192.0.2.1"), 1 },
	{ S("192.0.2.1"), S("192.0.2.2"), 0 },
	{ S("0.0.0.0/0"), S("203.0.113.9"), 1 },
	{ S("0.0.0.0/0"), S("2001:db8::1"), 0 },
	{ S("::/0"), S("203.0.113.9"), 0 },
	{ S("2001:db8::/33"), S("2001:db8:7fff::1"), 1 },
	{ S("2001:db8::/33"), S("2001:db8:8000::1"), 0 },
	{ S("::ffff:192.0.2.0/120"), S("192.0.2.9"), 1 },
	{ S("192.0.2.0/24"), S("::ffff:192.0.2.9"), 1 },
	{ S("192.0.2.1/24"), S("192.0.2.1"), -1 },	/* host bits */
	{ S("2001:db8::1/64"), S("::"), -1 },
	{ S("192.0.2.0/33"), S("192.0.2.1"), -1 },
	{ S("192.0.2.0/"), S("192.0.2.1"), -1 },
	{ S("/24"), S("192.0.2.1"), -1 },
	{ S("::/129"), S("::"), -1 },
};

static void
networks_have_their_addresses(void **state)
{
	struct ipnet	net;
	struct ip	ip;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(nets); i++) {
		assert_int_equal(ipnet_parse(nets[i].net, &net),
		    nets[i].has >= 0);
		assert_true(ip_parse(nets[i].ip, &ip));
		if (nets[i].has >= 0)
			assert_int_equal(ipnet_has(&net, &ip), nets[i].has);
	}
	ip = (struct ip){ 0 };
	assert_true(ipnet_parse(SPAN("0.0.0.0/0"), &net));
	assert_false(ipnet_has(&net, &ip));
}

static void
socket_addresses_and_back(void **state)
{
	struct sockaddr_storage	ss;
	struct sockaddr		un = { .sa_family = AF_UNIX };
	struct ip		ip, back;
	uint16_t		port;
	size_t			i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		assert_true(ip_parse(good[i].in, &ip));
		assert_true(ip_to_sockaddr(&ip, 2525, &ss) > 0);
		assert_true(ip_from_sockaddr((struct sockaddr *)&ss, &back,
		    &port));
		assert_true(ip_eq(&ip, &back));
		assert_int_equal(port, 2525);
		assert_true(ip_from_sockaddr((struct sockaddr *)&ss, &back,
		    NULL));
		back = ip_from_octets(ip.a, ip.family == 4 ? 4 : 16);
		assert_true(ip_eq(&ip, &back));
	}
	assert_false(ip_from_sockaddr(&un, &back, &port));
	assert_int_equal(ip_from_octets(ip.a, 5).family, 0);
}

static void
order_and_loopback(void **state)
{
	struct ip	a, b;

	(void)state;
	assert_true(ip_parse(SPAN("192.0.2.9"), &a));
	assert_true(ip_parse(SPAN("192.0.2.10"), &b));
	assert_true(ip_cmp(&a, &b) < 0);
	assert_true(ip_parse(SPAN("::1"), &b));
	assert_true(ip_cmp(&a, &b) < 0);
	assert_true(ip_is_loopback(&b));
	assert_false(ip_is_loopback(&a));
	assert_true(ip_parse(SPAN("127.9.9.9"), &a));
	assert_true(ip_is_loopback(&a));
	assert_true(ip_parse(SPAN("::2"), &b));
	assert_false(ip_is_loopback(&b));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(addresses_have_one_text),
		cmocka_unit_test(networks_have_one_text),
		cmocka_unit_test(what_is_no_address),
		cmocka_unit_test(networks_have_their_addresses),
		cmocka_unit_test(socket_addresses_and_back),
		cmocka_unit_test(order_and_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
