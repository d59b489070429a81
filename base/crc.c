/*
 * crc.c - CRC-32C by the processor's instruction, else by a table.
 */
#include <pthread.h>
#include <string.h>

#include "base/crc.h"
#include "base/crc_int.h"

#define POLYNOMIAL	0x82f63b78u	/* RFC 3720, 12.1, bits reversed */

static uint32_t		table[256];
static pthread_once_t	once = PTHREAD_ONCE_INIT;

static void
fill_table(void)
{
	uint32_t	i, c;
	int		bit;

	for (i = 0; i < 256; i++) {
		for (c = i, bit = 0; bit < 8; bit++)
			c = c & 1 ? (c >> 1) ^ POLYNOMIAL : c >> 1;
		table[i] = c;
	}
}

uint32_t
crc32c_table(uint32_t crc, const void *data, size_t n)
{
	const uint8_t	*p = data;

	(void)pthread_once(&once, fill_table);
	crc = ~crc;
	while (n-- > 0)
		crc = (crc >> 8) ^ table[(crc ^ *p++) & 0xff];
	return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t
crc32c_sse42(uint32_t crc, const void *data, size_t n)
{
	const uint8_t	*p = data;
	uint64_t	 word, c = (uint32_t)~crc;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&word, p, 8);
		c = __builtin_ia32_crc32di(c, word);
	}
	for (; n > 0; n--, p++)
		c = __builtin_ia32_crc32qi((uint32_t)c, *p);
	return ~(uint32_t)c;
}

uint32_t
crc32c(uint32_t crc, const void *data, size_t n)
{
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_sse42(crc, data, n);
	return crc32c_table(crc, data, n);
}
#else
uint32_t
crc32c(uint32_t crc, const void *data, size_t n)
{
	return crc32c_table(crc, data, n);
}
#endif
