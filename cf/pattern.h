/*
 * pattern.h - patterns of addresses as they are written: `like`, and the left
 * sides of `rewrite`.
 *
 * What a pattern takes under a name can be named as other captures are
 * (captures.c).  How one matches says ruleset/pattern.h.
 */
#ifndef WB_CF_PATTERN_H
#define WB_CF_PATTERN_H

#include "cf/names.h"
#include "ruleset/build.h"

struct cf_pattern;

/*
 * The pattern that a text (CF_E_CONST or CF_E_TEXT) is, with the captures that
 * it takes added to *captured (for cf_captures_enter()); NULL: its mistakes
 * have been reported.
 */
struct cf_pattern	*cf_pattern(struct cf *, struct cf_scope *, struct cf_expr *text, struct cf_local **captured);
/* Whether it divides the address at its '@'; if not it is the whole address. */
bool			 cf_pattern_has_at(const struct cf_pattern *);
/* Whether a table is asked, which may not answer. */
bool			 cf_pattern_asks(const struct cf_pattern *);
/*
 * Whether the first takes every address that the second takes.  false may mean
 * that it is not known.
 */
bool			 cf_pattern_covers(const struct cf_pattern *, const struct cf_pattern *);
/* Whether its domain is a name's, so that it may cover others. */
bool			 cf_pattern_is_general(const struct cf_pattern *);
/*
 * Whether no address of RFC 5321's lengths makes a match so long that it is
 * given up (RS_LIKE_STEPS, RS_LIKE_ASKS).
 */
bool			 cf_pattern_is_short(const struct cf_pattern *);
/* Its number in the image; sets and maps have theirs already. */
uint32_t		 cf_pattern_emit(const struct cf_pattern *, struct rs_build *);

#endif
