/*
 * pattern.h - patterns of addresses: `like`, and the left sides of `rewrite`.
 *
 * An address is a row of tokens: each of . : % ! ^ / [ ] + ( ) < > , ; and \
 * is one, what stands between them is another, and a quoted local part is one
 * as a whole.  '@' divides the local part from the domain.  A pattern with '@'
 * matches the two parts each by itself; one without matches the whole address,
 * '@' being a token like another.
 *
 * {x not in S} is one token, but where it alone is the domain of a pattern: then
 * it is the domain as a whole, as a person would read it, whatever its dots.
 *
 * Of several ways to match, the one whose first tokens take least counts.  All
 * that a match takes is bounded; a table that is not there yet lets it begin
 * anew: it holds no state.
 */
#ifndef WB_RULESET_PATTERN_H
#define WB_RULESET_PATTERN_H

#include "ruleset/image.h"
#include "ruleset/world.h"

#define RS_PATTERN_TOKENS	64	/* of one pattern */
#define RS_ADDRESS_TOKENS	400	/* of one address; RFC 5321, 4.5.3.1 */
#define RS_LIKE_STEPS		20000	/* of one match */
#define RS_LIKE_ASKS		64	/* questions to tables in one match */

/*
 * Divides a local part or a domain; how many tokens there are, at most max + 1
 * (of which the last is not stored).
 */
size_t		rs_tokenize(struct span part, bool is_local,
    struct span *tokens, size_t max);

enum rs_like {
	RS_LIKE_NO, RS_LIKE_YES,
	RS_LIKE_TOO_MUCH,	/* it was given up at a limit */
	RS_LIKE_CANNOT,		/* a table could not be asked */
	RS_LIKE_WAIT		/* a table has not answered: once more */
};

/* Asks a table whether it has a key, as world->map_get(). */
struct rs_like_tables {
	enum rs_answer	(*has)(void *ctx, uint32_t map,
	    const struct rs_value *key);
	void		*ctx;
};

/*
 * captures: one for each token of the pattern, what it has taken; those of
 * TEXT and AT too.  What is no address, and <>, matches nothing.
 */
enum rs_like	rs_pattern_match(const struct rs_image *, uint32_t pattern,
    const struct rs_value *address, const struct rs_like_tables *,
    struct span captures[RS_PATTERN_TOKENS]);

#endif
