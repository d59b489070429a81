/*
 * notice.h - one notification while it is made: bounce.c decides that it is
 * due, report.c writes it.
 */
#ifndef WB_MTA_QUEUE_NOTICE_H
#define WB_MTA_QUEUE_NOTICE_H

#include "mta/queue/queue.h"

#define NOTICE_NAMES_MAX	1000	/* recipients in one notification */

enum notice_kind {
	NOTICE_FAILED,
	NOTICE_DELAYED,
	NOTICE_LATE,		/* after the deadline of BY=, mode N */
	NOTICE_ARRIVED
};

struct notice {
	struct own_batch	 batch;
	struct own_item		 item;
	struct queue		*q;
	uint64_t		 about;		/* queue id */
	enum notice_kind	 kind;
	struct span		 to;		/* lies in the message */
	struct buf		 envelope, content;
	uint32_t		*dests;		/* that it tells of */
	uint32_t		 ndests;
};

/* Nothing is left to do for a target of which it tells. */
static inline bool
notice_ends(enum notice_kind kind)
{
	return kind == NOTICE_FAILED || kind == NOTICE_ARRIVED;
}

/* Under which name a target stands in it. */
struct span	notice_name(const struct dest *, const struct envelope *);
/* Fills envelope, content and item.  The arena is used only meanwhile. */
void		notice_compose(struct notice *, const struct message *, const struct envelope *, struct arena *);

#endif
