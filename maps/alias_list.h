/*
 * alias_list.h - the right side of an alias, taken apart.
 *
 * Members stand between commas: addresses (RFC 5322, 3.4, with comments and
 * "Name <address>"), `\user`, `:include:path`, `|command`, `/file`.  Of one
 * that is bad the rest can mostly be read; behind quotes or a comment without
 * an end it cannot.
 */
#ifndef WB_MAPS_ALIAS_LIST_H
#define WB_MAPS_ALIAS_LIST_H

#include "maps/map.h"

struct alias_list {
	struct span	 left;
	struct arena	*scratch;	/* reset for each member */
	const char	*why;		/* of the last ALIAS_LIST_BAD */
	const char	*at;		/* where this member begins */
};

enum alias_list_result { ALIAS_LIST_END, ALIAS_LIST_ITEM, ALIAS_LIST_BAD };

/*
 * The next member: text as struct alias_member has it, a part of the list or
 * in the scratch.  BAD: l->why says it, text is the member as it stands there;
 * what follows is the next one.
 */
enum alias_list_result	alias_list_next(struct alias_list *, enum alias_item *, struct span *text);

#endif
