/*
 * health_status.c - what `waybill status` says of addresses that rest.
 */
#include "mta/relay/health.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "mail/date.h"

#define SHOWN_MAX	100

static void
put_time(struct json *j, const char *key, int64_t boot_ms)
{
	char	text[DATE_MAX];

	json_str(j, key, date_iso(clock_wall_ms() + boot_ms - clock_boot_ms(),
	    text));
}

static void
put_entry(struct json *j, const struct health_entry *e)
{
	char	ip[IP_TEXT_MAX], address[IP_TEXT_MAX + 16];

	snprintf(address, sizeof(address), "[%s]:%u",
	    ip_format(&e->key.ip, ip), (unsigned)e->key.port);
	json_object(j, NULL);
	json_str(j, "host", e->name);
	json_str(j, "address", address);
	json_uint(j, "failures", e->failures);
	put_time(j, "since", e->since_ms);
	put_time(j, "until", e->until_ms);
	json_bool(j, "tried", e->tried_ms != 0);
	json_str(j, "why", e->why);
	json_object_end(j);
}

void
health_status(const struct health *h, struct buf *out)
{
	const struct health_entry	*e;
	struct buf			 text = { 0 };
	struct json			 j;
	size_t				 n;

	json_init(&j, &text);
	json_array(&j, NULL);
	for (n = 0; n < SHOWN_MAX && (e = health_entry(h, n)) != NULL; n++)
		put_entry(&j, e);
	json_array_end(&j);
	buf_add_str(out, ",\"resting\":");
	buf_add_span(out, buf_span(&text));
	buf_clear(&text);
}
