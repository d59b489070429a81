/*
 * hosts.c - the addresses of a server's name.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/asked/dial.h"

enum { V6, V4, NASKED };
static const char *const types[NASKED] = { [V6] = "AAAA", [V4] = "A" };

struct question {
	struct asked_hosts	*hosts;
	uint64_t		 ticket;	/* 0: not under way */
	bool			 done;
	enum map_result		 result;
	struct ip		 ips[ASKED_ADDRESSES_MAX / NASKED];
	size_t			 n;
};

struct asked_hosts {
	char				*host;
	const struct asked_names	*names;
	asked_hosts_cb			*cb;
	void				*arg;
	struct question			 questions[NASKED];
	struct timer			 soon;
	char				 why[ASKED_WHY_MAX];
};

static void
tell(void *arg)
{
	struct asked_hosts	*h = arg;
	struct ip		 ips[ASKED_ADDRESSES_MAX];
	const struct question	*q;
	bool			 later = false;
	size_t			 n = 0, i, j;

	for (i = 0; i < NASKED; i++) {
		q = &h->questions[i];
		later = later || (q->n == 0 && q->result != MAP_NONE);
		for (j = 0; j < q->n; j++)
			ips[n++] = q->ips[j];
	}
	if (n == 0 && h->why[0] == '\0')
		snprintf(h->why, sizeof(h->why), later ?
		    "the address of %s cannot be asked for now" :
		    "%s has no address", h->host);
	h->cb(h->arg, ips, n, n > 0 ? MAP_FOUND : later ? MAP_LATER : MAP_NONE,
	    h->why);
}

static void
on_records(void *arg, enum map_result result, const struct span *records,
    size_t n, uint32_t ttl_s)
{
	struct question		*q = arg;
	struct asked_hosts	*h = q->hosts;
	size_t			 i;

	(void)ttl_s;
	q->ticket = 0;
	q->done = true;
	q->result = result == MAP_FOUND ? MAP_NONE : result;
	for (i = 0; i < n && q->n < ASKED_ADDRESSES_MAX / NASKED; i++) {
		if (ip_parse(records[i], &q->ips[q->n]))
			q->n++;
	}
	if (h->questions[V6].done && h->questions[V4].done)
		timer_set(&h->soon, 0, tell, h);
}

static void
ask(struct asked_hosts *h)
{
	struct question	*q;
	uint64_t	 ticket;
	size_t		 i;

	for (i = 0; i < NASKED; i++) {
		q = &h->questions[i];
		q->hosts = h;
		ticket = h->names->ask(h->names->ctx, types[i],
		    span_of(h->host), on_records, q);
		if (!q->done)
			q->ticket = ticket;
	}
}

struct asked_hosts *
asked_hosts_new(const char *host, const struct asked_names *names,
    asked_hosts_cb *cb, void *arg)
{
	struct asked_hosts	*h = xcalloc(1, sizeof(*h));
	struct question		*q = &h->questions[V4];

	h->host = xstrdup(host);
	h->names = names;
	h->cb = cb;
	h->arg = arg;
	h->questions[V6].result = h->questions[V4].result = MAP_NONE;
	if (ip_parse(span_of(host), &q->ips[0])) {
		q->n = 1;
		timer_set(&h->soon, 0, tell, h);
	} else if (names == NULL) {
		q->result = MAP_LATER;
		timer_set(&h->soon, 0, tell, h);
	} else
		ask(h);
	return h;
}

void
asked_hosts_free(struct asked_hosts **hp)
{
	struct asked_hosts	*h = *hp;
	size_t			 i;

	*hp = NULL;
	if (h == NULL)
		return;
	for (i = 0; i < NASKED; i++) {
		if (h->questions[i].ticket != 0)
			h->names->cancel(h->names->ctx,
			    h->questions[i].ticket);
	}
	timer_clear(&h->soon);
	free(h->host);
	free(h);
}
