/*
 * said.h - what a server has said, held against what it should have.
 *
 * After cmocka.h.
 */
#ifndef WB_TEST_UNIT_SMTP_SAID_H
#define WB_TEST_UNIT_SMTP_SAID_H

#include <string.h>

static inline void
is(const char *text, const char *want)
{
	if (strcmp(text, want) != 0)
		fail_msg("wanted: %sgot: %s", want, text);
}

static inline void
has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, text);
}

static inline void
has_not(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("'%s' is in: %s", part, text);
}

#endif
