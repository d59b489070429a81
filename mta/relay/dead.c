/*
 * dead.c - a short memory of dead addresses.
 */
#include "mta/relay/dead.h"

static size_t
find(const struct dead *d, const struct ip *ip, uint16_t port)
{
	size_t	i;

	for (i = 0; i < DEAD_MAX; i++)
		if (d->at[i].until_ms != 0 && d->at[i].port == port &&
		    ip_eq(&d->at[i].ip, ip))
			break;
	return i;
}

void
dead_mark(struct dead *d, const struct ip *ip, uint16_t port, int64_t now_ms)
{
	dead_mark_until(d, ip, port, now_ms + DEAD_MS);
}

void
dead_mark_until(struct dead *d, const struct ip *ip, uint16_t port,
    int64_t until_ms)
{
	size_t	i = find(d, ip, port);

	if (i == DEAD_MAX) {
		i = d->next;
		d->next = (d->next + 1) % DEAD_MAX;
	}
	d->at[i].ip = *ip;
	d->at[i].port = port;
	d->at[i].until_ms = until_ms;
}

bool
dead_has(const struct dead *d, const struct ip *ip, uint16_t port,
    int64_t now_ms)
{
	size_t	i = find(d, ip, port);

	return i < DEAD_MAX && d->at[i].until_ms > now_ms;
}

void
dead_clear(struct dead *d, const struct ip *ip, uint16_t port)
{
	size_t	i = find(d, ip, port);

	if (i < DEAD_MAX)
		d->at[i].until_ms = 0;
}
