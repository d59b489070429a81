/*
 * rdata_fuzz.c - the data of resource records; the first octet is the type.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mta/resolve/rdata.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const enum dns_type	types[] = {
		DNS_A, DNS_AAAA, DNS_MX, DNS_PTR, DNS_TXT, DNS_SRV,
		DNS_TLSA, DNS_CNAME
	};
	struct arena			a = { 0 };
	struct dns_record		r;
	enum dns_type			type;

	if (n == 0)
		return 0;
	type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	if (rdata_parse(type, span_mem(data + 1, n - 1), &a, &r) &&
	    type != DNS_TXT && type != DNS_TLSA && r.name.n > 0 &&
	    !rdata_name_ok(r.name))
		abort();
	arena_clear(&a);
	return 0;
}
