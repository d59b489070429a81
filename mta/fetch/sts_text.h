/*
 * sts_text.h - a policy as a web server has it (RFC 8461, 3.2).
 *
 * A parser of bytes.  Strict where the policy would be understood in another
 * way than it was meant; blank lines and blanks at a line's end are let pass.
 */
#ifndef WB_MTA_FETCH_STS_TEXT_H
#define WB_MTA_FETCH_STS_TEXT_H

#include "base/arena.h"
#include "mta/msg/sts.h"

#define STS_MAX_AGE_S	31557600	/* more is taken for this (3.2) */

#define STS_NAME_MAX	32	/* octets of a field's name */

/* ALPHA / DIGIT, and the name of a field or an extension (RFC 8461, 3.1 and 3.2). */
bool	sts_is_alnum(char);
bool	sts_is_name(struct span);

struct sts_text {
	enum sts_mode	 mode;
	uint32_t	 max_age_s;
	size_t		 n;
	struct span	*mx;	/* lower case, in the arena */
};

/* 0, or -1 with *why (static). */
int	sts_text_parse(struct span text, struct arena *, struct sts_text *, const char **why);

/*
 * A domain's name in lower case, without a final dot, as the kept policy is
 * called; false: it is none, or too long to have a policy.  out is
 * NUL-terminated.
 */
bool	sts_domain(struct span, char out[STS_DOMAIN_MAX + 1]);

#endif
