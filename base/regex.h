/*
 * regex.h - regular expressions: PCRE2 with its compiler to machine code, and
 * limits, so that no pattern can hang a process.
 *
 * A subject that is UTF-8 is matched by characters, any other by octets.
 * Machine code needs memory that is written and then run.  Where the system
 * refuses that (a sandbox, W^X), PCRE2's own loop does the same: slower, with
 * the same result.
 */
#ifndef WB_BASE_REGEX_H
#define WB_BASE_REGEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define REGEX_TEXT_MAX		4096	/* octets of an expression */
#define REGEX_GROUPS_MAX	32	/* captures, the whole match among them */
#define REGEX_MATCH_LIMIT	1000000	/* PCRE2's match and depth counts */
#define REGEX_TIME_MS		100	/* of one match, about */

struct regex;

/*
 * NULL: it is no regular expression; *at is the octet and why (buffer of n,
 * always terminated) what is wrong.
 */
struct regex	*regex_compile(struct span text, bool icase, size_t *at,
    char *why, size_t n);
void		 regex_free(struct regex **);

/* TOO_MUCH: it was given up at a limit; nobody knows whether it matches. */
enum regex_result { REGEX_NO, REGEX_YES, REGEX_TOO_MUCH };

/* groups[0] is the whole match; a group that took no part has p NULL. */
enum regex_result regex_match(const struct regex *, struct span subject,
    struct span groups[REGEX_GROUPS_MAX], unsigned *ngroups);
/* Number of a named group; 0: there is none. */
unsigned	 regex_group(const struct regex *, struct span name);
/* Groups beside the whole match. */
unsigned	 regex_ngroups(const struct regex *);
/* The name of group i, empty when it has none. */
struct span	 regex_group_name(const struct regex *, unsigned i);
/* Whether it runs as machine code. */
bool		 regex_is_compiled(const struct regex *);

#endif
