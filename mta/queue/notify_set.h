/*
 * notify_set.h - what the block `notify` says: texts by kind and language,
 * and of what the postmaster is told.
 */
#ifndef WB_MTA_QUEUE_NOTIFY_SET_H
#define WB_MTA_QUEUE_NOTIFY_SET_H

#include "mail/dsn_text.h"
#include "ruleset/image.h"

struct notify_text {
	enum dsn_text_kind	 kind;
	char			*language, *text;
};

struct notify_set {
	uint32_t		 classes;	/* bits 1 << enum notify_class */
	char			*postmaster, *language;
	bool			 asks;		/* the policy has `on bounce` */
	struct notify_text	*texts;
	size_t			 ntexts;
};

struct notify_set *notify_set_read(const struct rs_image *);
void		 notify_set_free(struct notify_set **);
/*
 * The text of this kind in one of the languages that are wanted ("de-AT, en;q=
 * 0.8" as Accept-Language has them; order is what counts), or in the default
 * one; never empty.  *language lies in the set, or is constant.  The set may
 * be NULL.
 */
struct span	 notify_set_text(const struct notify_set *, enum dsn_text_kind, struct span wanted, struct span *language);

#endif
