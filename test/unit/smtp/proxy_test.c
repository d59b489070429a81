/*
 * proxy_test.c - headers of proxies (proxy-protocol.txt, 2.1 and 2.2).
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/crc.h"
#include "mta/smtp/proxy.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define SIG	"\r\n\r\n\0\r\nQUIT\n"
#define V4	"\xc0\x00\x02\x01\xc6\x33\x64\x02\x30\x39\x00\x19"
#define V6	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07" \
		"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x08\x30\x39\x00\x19"
#define MAPPED	"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01" \
		"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x02\x30\x39\x00\x19"

static const struct {
	struct span	 in;
	enum proxy_says	 says;
	const char	*source;
	unsigned	 port;
} good[] = {
	{ S("PROXY TCP4 192.0.2.1 198.51.100.2 12345 25\r\n"), PROXY_CLIENT,
	    "192.0.2.1", 12345 },
	{ S("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
	    PROXY_CLIENT, "255.255.255.255", 65535 },
	{ S("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), PROXY_CLIENT, "0.0.0.0", 0 },
	{ S("PROXY TCP6 2001:db8::7 2001:DB8::8 12345 25\r\n"), PROXY_CLIENT,
	    "2001:db8::7", 12345 },
	{ S("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    PROXY_CLIENT, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535 },
	/* One spelling of an address: no network is slipped past. */
	{ S("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n"),
	    PROXY_CLIENT, "192.0.2.1", 1 },
	{ S("PROXY UNKNOWN\r\n"), PROXY_UNKNOWN, NULL, 0 },
	{ S("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    PROXY_UNKNOWN, NULL, 0 },
	{ S("PROXY UNKNOWN \x01 whatever \xff\r\n"), PROXY_UNKNOWN, NULL, 0 },
	{ S(SIG "\x21\x11\x00\x0c" V4), PROXY_CLIENT, "192.0.2.1", 12345 },
	{ S(SIG "\x21\x21\x00\x24" V6), PROXY_CLIENT, "2001:db8::7", 12345 },
	{ S(SIG "\x21\x21\x00\x24" MAPPED), PROXY_CLIENT, "192.0.2.1", 12345 },
	{ S(SIG "\x20\x00\x00\x00"), PROXY_LOCAL, NULL, 0 },
	{ S(SIG "\x20\x11\x00\x0c" V4), PROXY_LOCAL, NULL, 0 },
	{ S(SIG "\x20\xff\x00\x03" "abc"), PROXY_LOCAL, NULL, 0 },
	{ S(SIG "\x21\x00\x00\x00"), PROXY_UNKNOWN, NULL, 0 },
	{ S(SIG "\x21\x12\x00\x0c" V4), PROXY_UNKNOWN, NULL, 0 },
	{ S(SIG "\x21\x10\x00\x0c" V4), PROXY_UNKNOWN, NULL, 0 },
	/* Vectors: an authority, a TLS that is not believed, none of a length. */
	{ S(SIG "\x21\x11\x00\x15" V4 "\x02\x00\x03" "abc" "\x04\x00\x00"),
	    PROXY_CLIENT, "192.0.2.1", 12345 },
	{ S(SIG "\x21\x11\x00\x14" V4 "\x20\x00\x05\x07\0\0\0\0"),
	    PROXY_CLIENT, "192.0.2.1", 12345 },
};

static const struct {
	struct span	 in;
	const char	*why;
} bad[] = {
	{ S("EHLO client.example\r\n"), "no PROXY" },
	{ S("PROXYTCP4 "), "no PROXY" }, { S("proxy TCP4 "), "no PROXY" },
	{ S("\r\n\r\n\1"), "no PROXY" }, { S("\n"), "no PROXY" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.2 12345 25\n"), "alone" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.2 12345 25\r\r\n"), "alone" },
	{ S("PROXY TCP4 192.0.2.1\rX"), "alone" },
	{ S("PROXY TCP4 192.0.2.01 198.51.100.2 12345 25\r\n"), "read" },
	{ S("PROXY TCP4 00.0.2.1 198.51.100.2 12345 25\r\n"), "read" },
	{ S("PROXY TCP4 192.0.2.256 198.51.100.2 12345 25\r\n"), "read" },
	{ S("PROXY TCP4 192.0.2 198.51.100.2 12345 25\r\n"), "read" },
	{ S("PROXY TCP4 192.0.2.1.1 198.51.100.2 12345 25\r\n"), "read" },
	{ S("PROXY TCP4 0xc0.0.2.1 198.51.100.2 12345 25\r\n"), "read" },
	{ S("PROXY TCP4 2001:db8::7 2001:db8::8 12345 25\r\n"), "read" },
	{ S("PROXY TCP6 192.0.2.1 198.51.100.2 12345 25\r\n"), "read" },
	{ S("PROXY TCP6 2001:db8::7%eth0 2001:db8::8 12345 25\r\n"), "read" },
	{ S("PROXY TCP6 2001:db8:::7 2001:db8::8 12345 25\r\n"), "read" },
	{ S("PROXY TCP6 [2001:db8::7] [2001:db8::8] 12345 25\r\n"), "read" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.2 012345 25\r\n"), "read" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.2 00 25\r\n"), "read" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n"), "read" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.2 -1 25\r\n"), "read" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.2 +1 25\r\n"), "read" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.2 12345\r\n"), "read" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.2 12345 25 \r\n"), "read" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.2 12345 25 1\r\n"), "read" },
	{ S("PROXY TCP4  192.0.2.1 198.51.100.2 12345 25\r\n"), "read" },
	{ S("PROXY TCP4\t192.0.2.1 198.51.100.2 12345 25\r\n"), "none of" },
	{ S("PROXY TCP4 192.0.2.1\0 198.51.100.2 12345 25\r\n"), "read" },
	{ S("PROXY TCP4\r\n"), "read" }, { S("PROXY \r\n"), "none of" },
	{ S("PROXY TCP5 192.0.2.1 198.51.100.2 12345 25\r\n"), "none of" },
	{ S("PROXY unknown\r\n"), "none of" },
	{ S("PROXY  UNKNOWN\r\n"), "none of" },
	{ S(SIG "\x11"), "version" }, { S(SIG "\x31"), "version" },
	{ S(SIG "\x22\x11\x00\x0c" V4), "neither LOCAL" },
	{ S(SIG "\x21\x41\x00\x0c" V4), "family" },
	{ S(SIG "\x21\x13\x00\x0c" V4), "family" },
	{ S(SIG "\x21\x11\x00\x0b\xc0\x00\x02\x01\xc6\x33\x64\x02\x30\x39\x00"),
	    "too short" },
	{ S(SIG "\x21\x21\x00\x0c" V4), "too short" },
	{ S(SIG "\x21\x31\x00\x0c" V4), "too short" },
	/* Said after 16 octets: nobody waits for 64 KiB. */
	{ S(SIG "\x21\x11\xff\xff"), "too long" },
	{ S(SIG "\x20\x11\x0f\xf1"), "too long" },
	{ S(SIG "\x21\x11\x00\x0d" V4 "\x02"), "beyond" },
	{ S(SIG "\x21\x11\x00\x0f" V4 "\x02\x00\x01"), "beyond" },
	{ S(SIG "\x21\x11\x00\x11" V4 "\x02\x00\x03" "ab"), "beyond" },
	{ S(SIG "\x21\x11\x00\x13" V4 "\x03\x00\x04" "abcd"), "checksum" },
	{ S(SIG "\x21\x11\x00\x12" V4 "\x03\x00\x03" "abc"), "checksum" },
};

/* Followed by octets that are not its own, and no longer than it is. */
static void
good_headers(void **state)
{
	struct proxy_header	h;
	struct ip		ip;
	const char		*why;
	char			 octets[512];
	size_t			 used;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		memcpy(octets, good[i].in.p, good[i].in.n);
		memset(octets + good[i].in.n, '\n', 20);
		assert_int_equal(proxy_parse(span_mem(octets,
		    good[i].in.n + 20), &h, &used, &why), PROXY_WHOLE);
		assert_int_equal(used, good[i].in.n);
		assert_int_equal(h.says, good[i].says);
		assert_int_equal(h.source_port, good[i].port);
		memset(&ip, 0, sizeof(ip));
		assert_true(good[i].source == NULL ||
		    ip_parse(span_of(good[i].source), &ip));
		assert_true(ip_eq(&h.source, &ip));
		/* Less than the whole is a part, and all of it is its own. */
		for (size_t n = 0; n < good[i].in.n; n++)
			assert_int_equal(proxy_parse(span_mem(octets, n), &h,
			    &used, &why), PROXY_PART);
	}
}

static void
bad_headers(void **state)
{
	struct proxy_header	 h;
	const char		*why;
	size_t			 used;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		why = "";
		if (proxy_parse(bad[i].in, &h, &used, &why) != PROXY_BAD ||
		    strstr(why, bad[i].why) == NULL)
			fail_msg("%zu: '%s', wanted '%s'", i, why, bad[i].why);
	}
}

static void
a_line_has_107_octets_at_most(void **state)
{
	char			 line[200] = "PROXY UNKNOWN ";
	struct proxy_header	 h;
	const char		*why;
	size_t			 used;

	(void)state;
	memset(line + 14, 'x', sizeof(line) - 14);
	memcpy(line + 105, "\r\n", 2);
	assert_int_equal(proxy_parse(span_mem(line, 107), &h, &used, &why),
	    PROXY_WHOLE);
	memcpy(line + 105, "x\r\n", 3);
	assert_int_equal(proxy_parse(span_mem(line, 106), &h, &used, &why),
	    PROXY_PART);
	assert_int_equal(proxy_parse(span_mem(line, 108), &h, &used, &why),
	    PROXY_BAD);
}

/* 2.2.3; the sum is of the whole header with zeros in its own place. */
static void
the_checksum_is_looked_at(void **state)
{
	char			 header[] = SIG "\x21\x11\x00\x16" V4
				    "\x04\x00\x00\x03\x00\x04\0\0\0\0";
	size_t			 n = sizeof(header) - 1, used;
	uint32_t		 crc = crc32c(0, header, n);
	struct proxy_header	 h;
	const char		*why;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		header[n - 1 - i] = (char)(crc >> 8 * i);
	assert_int_equal(proxy_parse(span_mem(header, n), &h, &used, &why),
	    PROXY_WHOLE);
	for (size_t i = 16; i < n; i++) {
		header[i] ^= 1;
		if (i < 28 || i >= n - 4)	/* elsewhere lengths change */
			assert_int_equal(proxy_parse(span_mem(header, n), &h,
			    &used, &why), PROXY_BAD);
		header[i] ^= 1;
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(good_headers),
		cmocka_unit_test(bad_headers),
		cmocka_unit_test(a_line_has_107_octets_at_most),
		cmocka_unit_test(the_checksum_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
