/*
 * limits.c - counting sessions.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/smtp/limits.h"

#define CLIENT_BITS_V4	32
#define CLIENT_BITS_V6	64

struct span
limits_key(const struct ip *ip, struct limits_key *k)
{
	struct ip	net;

	net = ip_mask(ip, ip->family == 4 ? CLIENT_BITS_V4 : CLIENT_BITS_V6);
	k->n = ip->family == 4 ? 5 : 9;
	k->octets[0] = ip->family;
	memcpy(k->octets + 1, net.a, k->n - 1);
	return span_mem(k->octets, k->n);
}

enum limits_result
limits_enter(struct limits *l, const struct ip *ip, unsigned sessions_max,
    unsigned per_client_max)
{
	struct limits_key	 k;
	struct span		 key = limits_key(ip, &k);
	unsigned		*count;

	if (l->sessions >= sessions_max)
		return LIMITS_SESSIONS;
	if ((count = htab_get(&l->clients, key)) == NULL) {
		count = xcalloc(1, sizeof(*count));
		htab_put(&l->clients, key, count);
	}
	if (*count >= per_client_max) {
		if (*count == 0)
			free(htab_del(&l->clients, key));
		return LIMITS_CLIENT;
	}
	++*count;
	l->sessions++;
	return LIMITS_OK;
}

void
limits_leave(struct limits *l, const struct ip *ip)
{
	struct limits_key	 k;
	struct span		 key = limits_key(ip, &k);
	unsigned		*count = htab_get(&l->clients, key);

	assert(count != NULL && *count > 0 && l->sessions > 0);
	l->sessions--;
	if (--*count == 0)
		free(htab_del(&l->clients, key));
}

unsigned
limits_of(const struct limits *l, const struct ip *ip)
{
	struct limits_key	 k;
	const unsigned		*count;

	count = htab_get(&l->clients, limits_key(ip, &k));
	return count == NULL ? 0 : *count;
}
