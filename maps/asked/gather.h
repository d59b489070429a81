/*
 * gather.h - rows while they arrive, copied and bounded.
 */
#ifndef WB_MAPS_ASKED_GATHER_H
#define WB_MAPS_ASKED_GATHER_H

#include "base/arena.h"
#include "maps/asked/asked.h"

#define ASKED_OCTETS_MAX	(1u << 20)	/* of all values of an answer */
#define ASKED_VALUES_MAX	100000		/* as a list of aliases has */
#define ASKED_TOO_MUCH		"the answer has more than 1 MiB or 100,000 values"

/* A zeroed one is empty. */
struct asked_gather {
	struct arena	 arena;		/* who gathers may put names there too */
	struct span	*values;
	size_t		 n, cap;
	size_t		 octets;
	bool		 over;		/* there was more than may be: what is held is not all */
};

/* A value; p NULL stays so. */
void	asked_gather_add(struct asked_gather *, struct span);
/* What is held as rows; names may be NULL. */
void	asked_gather_rows(const struct asked_gather *, const char *const *names, size_t ncolumns, struct asked_rows *);
/* Empties it for the next answer. */
void	asked_gather_reset(struct asked_gather *);
void	asked_gather_clear(struct asked_gather *);

#endif
