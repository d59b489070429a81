/*
 * patterns.h - lines of patterns: Postfix's regexp_table(5) and pcre_table(5),
 * taken apart.
 *
 *	/pattern/flags value	!/pattern/ value	if /pattern/	endif
 */
#ifndef WB_MAPS_PATTERNS_H
#define WB_MAPS_PATTERNS_H

#include "base/regex.h"
#include "maps/map.h"

enum pattern_what { PATTERN_ENTRY, PATTERN_IF, PATTERN_ENDIF };

struct pattern_line {
	enum pattern_what	 what;
	bool			 negated;
	struct span		 shown;		/* with delimiters and flags */
	struct span		 text, flags;
	struct span		 value;
};

/* A logical line.  0, or -1 with what is wrong and where. */
int		 pattern_parse(struct span raw, struct pattern_line *, struct map_fault *);
/* NULL with what is wrong; why has room for it. */
struct regex	*pattern_compile(const struct pattern_line *, struct map_fault *, char *why, size_t n);

/*
 * $1 ${1} $(1) in a value; $$ is a '$'.  *refs is the greatest number that
 * stands there, 0: none.  0, or -1: a '$' is neither.
 */
int		 pattern_refs(struct span value, unsigned *refs, struct map_fault *);
/* The value with captures put in, in the arena; false: with safe, one of them is not pattern_is_safe(). */
bool		 pattern_fill(struct span value, const struct span *groups, unsigned n, bool safe, struct arena *, struct span *out);
/* Text of a stranger that means nothing in a list of addresses. */
bool		 pattern_is_safe(struct span);

#endif
