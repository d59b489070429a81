/*
 * servers_test.c - name servers out of resolv.conf and of --resolver.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/resolve/servers.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }

static const struct {
	struct span	 in;
	bool		 ok;
	size_t		 n;
	const char	*first, *last;
} given[] = {
	{ S("127.0.0.1@5353"), true, 1, "127.0.0.1@5353", "127.0.0.1@5353" },
	{ S("192.0.2.1, ::1@53"), true, 2, "192.0.2.1", "::1@53" },
	{ S("fe80::1%eth0"), true, 1, "fe80::1%eth0", "fe80::1%eth0" },
	{ S(""), false, 0, NULL, NULL },
	{ S("resolver.example"), false, 0, NULL, NULL },
	{ S("127.0.0.1@0"), false, 0, NULL, NULL },
	{ S("127.0.0.1@65536"), false, 0, NULL, NULL },
	{ S("127.0.0.1@x"), false, 0, NULL, NULL },
	{ S("127.0.0.1,,127.0.0.2"), false, 0, NULL, NULL },
};

static void
addresses_with_ports_are_read(void **state)
{
	struct servers	s;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		assert_int_equal(servers_parse(given[i].in, &s), given[i].ok);
		if (!given[i].ok)
			continue;
		assert_int_equal(s.n, given[i].n);
		assert_string_equal(s.at[0], given[i].first);
		assert_string_equal(s.at[s.n - 1], given[i].last);
	}
}

static const struct {
	struct span	 in;
	size_t		 n;
	const char	*first;
} confs[] = {
	{ S("search example.org\nnameserver 192.0.2.1\nnameserver\t::1 # x\n"),
	    2, "192.0.2.1" },
	{ S("  nameserver 192.0.2.2\r\n"), 1, "192.0.2.2" },
	{ S("#nameserver 192.0.2.1\nnameservers 192.0.2.1\n"), 1, "127.0.0.1" },
	{ S("nameserver\nnameserver nonsense\n"), 1, "127.0.0.1" },
	{ S(""), 1, "127.0.0.1" },
	{ S("nameserver 192.0.2.1\nnameserver 192.0.2.1\n"
	    "nameserver 192.0.2.1\nnameserver 192.0.2.1\n"
	    "nameserver 192.0.2.1\nnameserver 192.0.2.1\n"
	    "nameserver 192.0.2.1\nnameserver 192.0.2.1\n"
	    "nameserver 192.0.2.1"), SERVERS_MAX, "192.0.2.1" },
};

static void
resolv_conf_names_servers_or_this_machine(void **state)
{
	struct servers	s;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(confs) / sizeof(confs[0]); i++) {
		servers_resolv_conf(confs[i].in, &s);
		assert_int_equal(s.n, confs[i].n);
		assert_string_equal(s.at[0], confs[i].first);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(addresses_with_ports_are_read),
		cmocka_unit_test(resolv_conf_names_servers_or_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
