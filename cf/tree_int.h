/*
 * tree_int.h - lists of nodes that grow at their end.
 */
#ifndef WB_CF_TREE_INT_H
#define WB_CF_TREE_INT_H

#include "cf/cf_int.h"

#define APPEND(list, node) do {						\
	if ((node) != NULL) {						\
		if ((list).last == NULL)				\
			(list).first = (node);				\
		else							\
			(list).last->next = (node);			\
		(list).last = (node);					\
	}								\
} while (0)

/* tree.c: as it would stand in a table. */
struct span	 tree_as_text(struct cf *, const struct rs_value *);

#endif
