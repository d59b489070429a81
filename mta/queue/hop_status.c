/*
 * hop_status.c - what `waybill status` says of next hops.
 */
#include "mta/queue/control.h"

#include "base/clock.h"
#include "mail/date.h"

#define HOPS_MAX	1000

static const char *
state_of(const struct site *site)
{
	if (site->dead)
		return site->held ? "held" : "dead";
	if (site->blocked)
		return "blocked";
	return site->bad_windows > 0 ? "failing" : "good";
}

/* Wall time at which a dead one may be probed. */
static void
put_probe(struct json *j, const struct site *site)
{
	char	text[DATE_MAX];

	if (site->dead)
		json_str(j, "probe", date_iso(clock_wall_ms() +
		    site->probe_ms - clock_boot_ms(), text));
	else
		json_null(j, "probe");
}

/* How many recipients may go, in which time, and have gone; null: any number. */
static void
put_pace(struct json *j, const struct site *site)
{
	if (site->pace == NULL || site->pace->most == 0) {
		json_null(j, "rate");
		return;
	}
	json_object(j, "rate");
	json_uint(j, "recipients", site->pace->most);
	json_uint(j, "ms", (uint64_t)site->pace->ms);
	json_uint(j, "gone", pace_gone(site->pace, clock_boot_ms()));
	json_object_end(j);
}

/* Windows: how many have failed one after the other, how much of this one is good. */
static void
put_site(struct json *j, const struct site *site)
{
	const struct hop	*h;
	uint64_t		 n = 0;

	LIST_FOREACH(h, &site->hops, entry)
		n++;
	json_uint(j, "concurrency", site->concurrency);
	json_uint(j, "limit", site->limit);
	json_str(j, "state", state_of(site));
	json_bool(j, "dead", site->dead);
	put_probe(j, site);
	json_uint(j, "windows_failed", site->bad_windows);
	json_uint(j, "window_good", site->good);
	json_uint(j, "shared_by", n);
	json_uint(j, "outstanding", site->outstanding);
	put_pace(j, site);
	if (site->held)
		json_str(j, "class", "login");
	else if (site->failed)
		json_str(j, "class", error_class_name(site->last_class));
	else
		json_null(j, "class");
}

static void
put_hop(struct json *j, const struct hop *h)
{
	json_object(j, NULL);
	json_str(j, "hop", h->text);
	json_uint(j, "waiting", h->wants);
	json_uint(j, "active", h->outstanding);
	if (h->recipients > 0)
		json_uint(j, "recipients", h->recipients);
	else
		json_null(j, "recipients");
	put_site(j, h->site);
	json_object_end(j);
}

void
answer_hops(const struct queue *q, struct json *j)
{
	struct span	 key;
	size_t		 pos = 0, n = 0;
	void		*v;

	json_array(j, "hops");
	while (n < HOPS_MAX && htab_next(&q->sched.hops, &pos, &key, &v)) {
		const struct hop	*h = v;

		if (h->refs == 0 && !h->site->dead)
			continue;
		put_hop(j, h);
		n++;
	}
	json_array_end(j);
}
