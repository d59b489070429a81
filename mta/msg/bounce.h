/*
 * bounce.h - what BOUNCE_ASK and BOUNCE_ANSWER say (messages.def).
 */
#ifndef WB_MTA_MSG_BOUNCE_H
#define WB_MTA_MSG_BOUNCE_H

/* What the notification is about. */
enum bounce_kind { BOUNCE_FAILED, BOUNCE_DELAYED, BOUNCE_LATE, BOUNCE_ARRIVED };

enum bounce_verdict {
	BOUNCE_WRITE,
	BOUNCE_DISCARD	/* none is written, and nobody is told */
};

#define BOUNCE_COPIES_MAX	10	/* addresses that a copy goes to */

#endif
