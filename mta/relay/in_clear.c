/*
 * in_clear.c - a short memory of handshakes that failed.
 */
#include "mta/relay/in_clear.h"

static size_t
find(const struct in_clear *c, const struct ip *ip, uint16_t port)
{
	size_t	i;

	for (i = 0; i < IN_CLEAR_MAX; i++)
		if (c->at[i].until_ms != 0 && c->at[i].port == port &&
		    ip_eq(&c->at[i].ip, ip))
			break;
	return i;
}

void
in_clear_mark(struct in_clear *c, const struct ip *ip, uint16_t port,
    int64_t until_ms)
{
	size_t	i = find(c, ip, port);

	if (i == IN_CLEAR_MAX) {
		i = c->next;
		c->next = (c->next + 1) % IN_CLEAR_MAX;
	}
	c->at[i].ip = *ip;
	c->at[i].port = port;
	c->at[i].until_ms = until_ms;
}

bool
in_clear_has(const struct in_clear *c, const struct ip *ip, uint16_t port,
    int64_t now_ms)
{
	size_t	i = find(c, ip, port);

	return i < IN_CLEAR_MAX && c->at[i].until_ms > now_ms;
}
