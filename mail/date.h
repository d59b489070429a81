/*
 * date.h - RFC 5322 date-time, UTC and local offset.
 */
#ifndef WB_MAIL_DATE_H
#define WB_MAIL_DATE_H

#include <stdint.h>

#define DATE_MAX	40
/* "Sat, 21 Nov 2026 11:03:09 +0000" of wall milliseconds since 1970. */
const char	*date_rfc5322(int64_t wall_ms, char out[DATE_MAX]);
/* "2026-11-21T11:03:09Z" */
const char	*date_iso(int64_t wall_ms, char out[DATE_MAX]);

#endif
