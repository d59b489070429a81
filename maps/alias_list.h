/*
 * alias_list.h - the right side of an alias, taken apart.
 *
 * Members stand between commas: addresses (RFC 5322, 3.4, with comments and
 * "Name <address>"), `\user`, `:include:path`, `|command`, `/file`.
 */
#ifndef WB_MAPS_ALIAS_LIST_H
#define WB_MAPS_ALIAS_LIST_H

#include "maps/map.h"

struct alias_list {
	struct span	 left;
	struct arena	*scratch;	/* reset for each member */
	const char	*why;		/* of ALIAS_LIST_BAD */
	const char	*at;		/* where this member begins */
};

enum alias_list_result { ALIAS_LIST_END, ALIAS_LIST_ITEM, ALIAS_LIST_BAD };

/* The next member; text is a part of the list, of an include its path. */
enum alias_list_result	alias_list_next(struct alias_list *, enum alias_item *, struct span *text);

#endif
