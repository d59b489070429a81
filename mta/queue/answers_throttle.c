/*
 * answers_throttle.c - what status says of arrivals, departures and limits.
 */
#include "mta/queue/control.h"

#include "mail/date.h"

#include <stdio.h>

/* Thousandths as "12.3". */
static void
put_rate(struct json *j, const char *key, uint64_t mps)
{
	char	text[32];

	(void)snprintf(text, sizeof(text), "%llu.%llu",
	    (unsigned long long)(mps / 1000),
	    (unsigned long long)(mps % 1000 / 100));
	json_raw(j, key, span_of(text));
}

static void
put_reason(struct json *j, const struct throttle *t, enum reason r)
{
	char	since[DATE_MAX];

	json_object(j, NULL);
	json_str(j, "reason", reason_word(r));
	json_str(j, "since", date_iso(throttle_since_ms(t, r), since));
	json_str(j, "text", reason_means(r));
	json_str(j, "remedy", reason_remedy(r));
	json_object_end(j);
}

static void
put_reasons(struct json *j, const struct throttle *t)
{
	unsigned	r;

	json_array(j, "reasons");
	for (r = 0; r < REASON_N; r++)
		if (reason_of(r) == REASON_OF_SERVER && throttle_holds(t, r))
			put_reason(j, t, r);
	json_array_end(j);
}

void
answer_throttle(const struct queue *q, struct json *j)
{
	const struct throttle	*t = &q->throttle;

	json_object(j, "throttle");
	put_rate(j, "arrivals", t->come_mps);
	put_rate(j, "departures", t->gone_mps);
	json_uint(j, "mark", t->mark);
	json_uint(j, "messages", t->messages);
	json_uint(j, "memory", t->memory);
	json_uint(j, "memory_used", index_memory());
	json_uint(j, "disk_free", q->free_octets);
	json_uint(j, "disk_reserve", q->set.reserve_octets);
	json_uint(j, "delay_ms", t->space.delay_ms);
	put_reasons(j, t);
	json_object_end(j);
}
