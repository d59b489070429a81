/*
 * hash_test.c - hashes, the table, checksums and digests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/crc.h"
#include "base/crc_int.h"
#include "base/digest.h"
#include "base/hash.h"

/* Part of the image's format: these numbers never change. */
static void
the_fixed_hash_is_fixed(void **state)
{
	(void)state;
	assert_true(hash_fixed(SPAN("")) == 0xefd01f60ba992926u);
	assert_true(hash_fixed(SPAN("example.org")) == 0xcd3b846cb9256ccfu);
	assert_true(hash_fixed(SPAN("a")) != hash_fixed(SPAN("b")));
}

static void
the_keyed_hash_sees_every_octet(void **state)
{
	char	 text[40];
	uint64_t before;
	size_t	 n, i;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (n = 1; n <= sizeof(text); n++)
		for (i = 0; i < n; i++) {
			before = hash_keyed(span_mem(text, n));
			assert_true(before == hash_keyed(span_mem(text, n)));
			text[i] ^= 1;
			assert_true(before != hash_keyed(span_mem(text, n)));
			text[i] ^= 1;
		}
	assert_true(hash_keyed(SPAN("a\0")) != hash_keyed(SPAN("a")));
}

#define KEYS	5000

static struct span
key(unsigned i, char out[16])
{
	(void)snprintf(out, 16, "key%u", i);
	return span_of(out);
}

/* Every value is its key's number plus one: which are there is in `there`. */
static void
agrees(const struct htab *t, const bool *there)
{
	char		text[16];
	unsigned	i;

	for (i = 0; i < KEYS; i++)
		assert_true(htab_get(t, key(i, text)) ==
		    (there[i] ? (void *)(uintptr_t)(i + 1) : NULL));
}

static void
a_table_is_what_was_put_and_deleted(void **state)
{
	static bool	there[KEYS];
	struct htab	t = { 0 };
	char		text[16];
	unsigned	round, i, count = 0;
	void		*before;

	(void)state;
	srandom(2);
	for (round = 0; round < 40000; round++) {
		i = (unsigned)random() % KEYS;
		if (random() % 2)
			before = htab_put(&t, key(i, text),
			    (void *)(uintptr_t)(i + 1));
		else
			before = htab_del(&t, key(i, text));
		assert_int_equal(before != NULL, there[i]);
		there[i] = htab_get(&t, key(i, text)) != NULL;
	}
	agrees(&t, there);
	for (i = 0; i < KEYS; i++)
		count += there[i];
	assert_int_equal(t.n, count);
	htab_clear(&t);
	assert_null(htab_get(&t, SPAN("key1")));
}

static void
a_walk_meets_each_once(void **state)
{
	struct htab	 t = { 0 };
	bool		 seen[100] = { false };
	char		 text[16];
	struct span	 k;
	size_t		 pos = 0, n = 0;
	void		*v;
	unsigned	 i;

	(void)state;
	for (i = 0; i < 100; i++)
		(void)htab_put(&t, key(i, text), &seen[i]);
	while (htab_next(&t, &pos, &k, &v)) {
		assert_false(*(bool *)v);
		*(bool *)v = true;
		assert_true(span_prefix(k, SPAN("key")));
		n++;
	}
	assert_int_equal(n, 100);
	htab_clear(&t);
}

static void
an_empty_key_is_a_key(void **state)
{
	struct htab	t = { 0 };
	int		v;

	(void)state;
	assert_null(htab_get(&t, SPAN_NONE));
	assert_null(htab_put(&t, SPAN_NONE, &v));
	assert_ptr_equal(htab_get(&t, SPAN("")), &v);
	assert_ptr_equal(htab_put(&t, SPAN(""), &t), &v);
	assert_ptr_equal(htab_del(&t, SPAN("")), &t);
	assert_null(htab_del(&t, SPAN("")));
	htab_clear(&t);
}

/* RFC 3720, B.4. */
static void
crc_of_the_rfc(void **state)
{
	uint8_t	octets[32];
	int	i;

	(void)state;
	memset(octets, 0, sizeof(octets));
	assert_int_equal(crc32c(0, octets, 32), 0x8a9136aa);
	memset(octets, 0xff, sizeof(octets));
	assert_int_equal(crc32c(0, octets, 32), 0x62a8ab43);
	for (i = 0; i < 32; i++)
		octets[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, octets, 32), 0x46dd794e);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, NULL, 0), 0);
}

static void
crc_by_instruction_and_by_table_agree(void **state)
{
	static char	octets[1000];
	size_t		from, n;
	uint32_t	whole;

	(void)state;
	random_bytes(octets, sizeof(octets));
	for (from = 0; from < 20; from++)
		for (n = 0; n < 200; n++)
			assert_int_equal(crc32c(7, octets + from, n),
			    crc32c_table(7, octets + from, n));
	whole = crc32c(0, octets, sizeof(octets));
	for (n = 0; n < sizeof(octets); n += 37)
		assert_int_equal(crc32c(crc32c(0, octets, n), octets + n,
		    sizeof(octets) - n), whole);
}

/* FIPS 180-2, B.1, and the empty text. */
static void
sha256_of_known_texts(void **state)
{
	uint8_t	out[32];
	char	hex[65];

	(void)state;
	digest_sha256(SPAN("abc"), out);
	digest_hex(out, 32, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	digest_sha256(SPAN_NONE, out);
	digest_hex(out, 32, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
}

static void
random_octets_differ(void **state)
{
	uint8_t	a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(the_fixed_hash_is_fixed),
		cmocka_unit_test(the_keyed_hash_sees_every_octet),
		cmocka_unit_test(a_table_is_what_was_put_and_deleted),
		cmocka_unit_test(a_walk_meets_each_once),
		cmocka_unit_test(an_empty_key_is_a_key),
		cmocka_unit_test(crc_of_the_rfc),
		cmocka_unit_test(crc_by_instruction_and_by_table_agree),
		cmocka_unit_test(sha256_of_known_texts),
		cmocka_unit_test(random_octets_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
