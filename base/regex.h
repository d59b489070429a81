/*
 * regex.h - regular expressions: PCRE2 with its compiler to machine code, and
 * limits, so that no pattern can hang a process.
 */
#ifndef WB_BASE_REGEX_H
#define WB_BASE_REGEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define REGEX_TEXT_MAX		4096	/* octets of an expression */
#define REGEX_GROUPS_MAX	32	/* captures */
#define REGEX_MATCH_LIMIT	1000000	/* PCRE2's match and depth counts */

struct regex;

/*
 * NULL: it is no regular expression; *at is the octet and why (buffer of n,
 * always terminated) what is wrong.  UTF-8 is on where the subject is valid.
 */
struct regex	*regex_compile(struct span text, bool icase, size_t *at, char *why, size_t n);
void		 regex_free(struct regex **);

enum regex_result { REGEX_NO, REGEX_YES, REGEX_TOO_MUCH };	/* the limit */

/* groups[0] is the whole match; a group that took no part has p NULL. */
enum regex_result regex_match(const struct regex *, struct span subject, struct span groups[REGEX_GROUPS_MAX], unsigned *ngroups);
/* Number of a named group; 0: there is none. */
unsigned	 regex_group(const struct regex *, struct span name);
unsigned	 regex_ngroups(const struct regex *);
/* The name of group i, empty when it has none. */
struct span	 regex_group_name(const struct regex *, unsigned i);

#endif
