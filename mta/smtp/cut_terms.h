/*
 * cut_terms.h - which relay blocks say `cut through`, and the limits of their
 * next hops: what `queue`, `queue for relay NAME` and `connections` say, as the
 * queue reads them too.
 */
#ifndef WB_MTA_SMTP_CUT_TERMS_H
#define WB_MTA_SMTP_CUT_TERMS_H

#include "base/arena.h"
#include "ruleset/image.h"

struct cut_terms {
	struct span	relay;		/* the block */
	uint32_t	connections;	/* most of them */
	uint32_t	recipients;	/* of one transaction */
	uint32_t	messages;	/* over one connection */
};

struct cut_hops {
	size_t			 n;
	struct cut_terms	*all;
	bool			 soft_bounce;	/* refusals are tried again: none is passed on */
};

/* In the arena. */
void	cut_hops_read(struct cut_hops *, const struct rs_image *, struct arena *);
/* By the text of a hop (mta/msg/hop.h); NULL: it is of none of them. */
const struct cut_terms *cut_hops_find(const struct cut_hops *, struct span hop);

#endif
