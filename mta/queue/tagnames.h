/*
 * tagnames.h - what the numbers of tags in envelopes mean.
 *
 * An envelope names a tag by its number in the image that accepted the message.
 * The names of the images that this process has run are remembered, the last
 * TAGNAMES_MAX of them; of older ones a tag has no name any more.
 */
#ifndef WB_MTA_QUEUE_TAGNAMES_H
#define WB_MTA_QUEUE_TAGNAMES_H

#include "base/span.h"

#define TAGNAMES_MAX	16	/* images */

struct rs_image;
struct tagnames;

/* *names may be NULL; it is made, or added to. */
void	tagnames_learn(struct tagnames **names, const struct rs_image *);
void	tagnames_free(struct tagnames **);
/* Whether the fact of an envelope of that policy is the tag of this name. */
bool	tagnames_is(const struct tagnames *, struct span policy, unsigned fact, struct span name);
/* Its name, or an empty one: no tag, or not known. */
struct span tagnames_name(const struct tagnames *, struct span policy, unsigned fact);

#endif
