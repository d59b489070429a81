/*
 * mx_set.c - the digest of a set of MX hosts.
 */
#include "mta/relay/mx_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"

static int
compare_names(struct span a, struct span b)
{
	size_t	n = a.n < b.n ? a.n : b.n, i;
	int	x, y;

	for (i = 0; i < n; i++) {
		x = ascii_lower(a.p[i]);
		y = ascii_lower(b.p[i]);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

static int
compare(const void *a, const void *b)
{
	const struct dns_record	*x = a, *y = b;

	if (x->pref != y->pref)
		return x->pref < y->pref ? -1 : 1;
	return compare_names(x->name, y->name);
}

void
mx_set(struct dns_record *r, size_t n, uint16_t port, uint8_t out[MX_SET])
{
	struct buf	text = { 0 };
	uint8_t		digest[32];
	unsigned	rank = 0;
	size_t		i, k;

	qsort(r, n, sizeof(*r), compare);
	buf_addf(&text, "%u", port);
	for (i = 0; i < n; i++) {
		if (i > 0 && r[i].pref != r[i - 1].pref)
			rank++;
		buf_addf(&text, "\n%u ", rank);
		for (k = 0; k < r[i].name.n; k++)
			buf_add_char(&text, ascii_lower(r[i].name.p[k]));
	}
	digest_sha256(buf_span(&text), digest);
	memcpy(out, digest, MX_SET);
	buf_clear(&text);
}
