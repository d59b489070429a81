/*
 * readable.h - the files that a process may still open which asks servers:
 * the folders of its databases, and what libraries read by themselves.
 */
#ifndef WB_MTA_ASKED_READABLE_H
#define WB_MTA_ASKED_READABLE_H

#include "ruleset/image.h"

#define READABLE_MAX	256

/* A zeroed one is empty. */
struct readable {
	bool	 locked;	/* paths are all that may be read */
	size_t	 n;
	char	*paths[READABLE_MAX];
};

/*
 * The folders of the files that drivers of the image's tables read by
 * themselves; kind: of those tables alone, empty: of all.  False: it is
 * locked, and one was not among them.
 */
bool	readable_add(struct readable *, const struct rs_image *, struct span kind);
/* From here on nothing else is read, and nothing is written (landlock(7)); a kernel that has none is told of. */
void	readable_lock(struct readable *);

#endif
