/*
 * base64_test.c - RFC 4648, 10, and what is not base64.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/sasl/base64.h"

static const struct {
	const char	*octets, *digits;
} vectors[] = {
	{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfb", "//77" },
	{ "\xfb\xff", "+/8=" },
};

static void
rfc_4648_10(void **state)
{
	char		out[16];
	struct buf	b = { 0 };
	size_t		n;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		base64_add(&b, span_of(vectors[i].octets));
		assert_string_equal(buf_cstr(&b), vectors[i].digits);
		assert_true(base64_read(span_of(vectors[i].digits), out, &n));
		assert_true(span_eq(span_mem(out, n),
		    span_of(vectors[i].octets)));
		buf_reset(&b);
	}
	buf_clear(&b);
}

static void
every_octet_there_and_back(void **state)
{
	char		in[256], out[BASE64_OCTETS(344)];
	struct buf	b = { 0 };
	size_t		n;

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)i;
	for (size_t len = 0; len <= sizeof(in); len++) {
		buf_reset(&b);
		base64_add(&b, span_mem(in, len));
		assert_int_equal(b.n, (len + 2) / 3 * 4);
		assert_true(base64_read(buf_span(&b), out, &n));
		assert_int_equal(n, len);
		assert_memory_equal(out, in, len);
	}
	buf_clear(&b);
}

static const char	*const bad[] = {
	"Z", "Zg", "Zg=", "Zm9", "Zm9v=", "=", "==", "====", "A===", "=AAA",
	"Zg==Zg==", "Zg=a", "Zm=v", " Zm9v", "Zm9v ", "Zm 9v", "Zm9v\r\n",
	"Zm9v\n", "Zm-_", "Zm9\x80", "Z\t9v", "*", "Zm9*",
	"Zh==", "Zn==", "Zm9=",		/* 3.5: bits that mean nothing */
};

static void
what_is_not_base64(void **state)
{
	char	out[16];
	size_t	n;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (base64_read(span_of(bad[i]), out, &n))
			fail_msg("'%s' was read", bad[i]);
	assert_false(base64_read(SPAN("Zm9\0"), out, &n));
	assert_false(base64_read(SPAN("\0\0\0\0"), out, &n));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(rfc_4648_10),
		cmocka_unit_test(every_octet_there_and_back),
		cmocka_unit_test(what_is_not_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
