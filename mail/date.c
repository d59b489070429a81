/*
 * date.c - RFC 5322 date-time and ISO 8601, in UTC whatever the locale.
 */
#include "config.h"

#include <stdio.h>
#include <time.h>

#include "mail/date.h"

static const char *const days[] = {
	"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
};
static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

/* Broken-down time; what lies outside the years 1 to 9999 is the epoch. */
static struct tm
broken_down(int64_t wall_ms)
{
	time_t		 t = (time_t)(wall_ms / 1000);
	struct tm	 tm;

	if (wall_ms % 1000 < 0)
		t--;
	if (gmtime_r(&t, &tm) != NULL && tm.tm_year >= -1899 &&
	    tm.tm_year <= 8099)
		return tm;
	t = 0;
	gmtime_r(&t, &tm);
	return tm;
}

const char *
date_rfc5322(int64_t wall_ms, char out[DATE_MAX])
{
	struct tm	 tm = broken_down(wall_ms);

	snprintf(out, DATE_MAX, "%s, %u %s %04u %02u:%02u:%02u +0000",
	    days[tm.tm_wday], (unsigned)tm.tm_mday % 32, months[tm.tm_mon],
	    (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 24,
	    (unsigned)tm.tm_min % 60, (unsigned)tm.tm_sec % 61);
	return out;
}

const char *
date_iso(int64_t wall_ms, char out[DATE_MAX])
{
	struct tm	 tm = broken_down(wall_ms);

	snprintf(out, DATE_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ",
	    (unsigned)(tm.tm_year + 1900) % 10000,
	    (unsigned)(tm.tm_mon + 1) % 13, (unsigned)tm.tm_mday % 32,
	    (unsigned)tm.tm_hour % 24, (unsigned)tm.tm_min % 60,
	    (unsigned)tm.tm_sec % 61);
	return out;
}
