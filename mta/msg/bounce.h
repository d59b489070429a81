/*
 * bounce.h - what BOUNCE_ASK and BOUNCE_ANSWER say (messages.def).
 */
#ifndef WB_MTA_MSG_BOUNCE_H
#define WB_MTA_MSG_BOUNCE_H

#include "base/span.h"

/* What the notification is about. */
enum bounce_kind {
	BOUNCE_FAILED,
	BOUNCE_DELAYED,
	BOUNCE_LATE,		/* a delay too, after the deadline of BY= */
	BOUNCE_ARRIVED,
	BOUNCE_NKINDS
};

/* As `bounce.kind` says it. */
static inline struct span
bounce_kind_name(enum bounce_kind kind)
{
	return kind == BOUNCE_FAILED ? SPAN("failed") :
	    kind == BOUNCE_ARRIVED ? SPAN("arrived") : SPAN("delayed");
}

enum bounce_verdict {
	BOUNCE_WRITE,
	BOUNCE_DISCARD	/* none is written, and nobody is told */
};

#define BOUNCE_COPIES_MAX	10	/* addresses that a copy goes to */

#endif
