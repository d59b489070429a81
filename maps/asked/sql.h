/*
 * sql.h - a query's template as SQL with numbered parameters.
 *
 * {key}, {user} and {domain} become "$1", "$2", ... (or "?1"): what is asked
 * for is bound and never stands in the text.
 */
#ifndef WB_MAPS_ASKED_SQL_H
#define WB_MAPS_ASKED_SQL_H

#include "maps/asked/asked.h"

struct asked_sql {
	char			*text;
	size_t			 n;	/* parameters */
	struct asked_part	 params[ASKED_PARTS_MAX];	/* without text */
};

/*
 * mark: '$' or '?'.  0, or -1 with *why (static): among them a {key} in
 * quotes or in a comment, where it would be no parameter.
 */
int	asked_sql_init(struct asked_sql *, struct span query, char mark, const char **why);
/* A copy that needs nothing of the first. */
void	asked_sql_copy(struct asked_sql *, const struct asked_sql *);
void	asked_sql_clear(struct asked_sql *);

#endif
