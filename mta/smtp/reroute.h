/*
 * reroute.h - routes are asked again when the content is complete.
 *
 * `route` may read tags, and `on data` and `on content` may set them after
 * RCPT has been answered.  Then each recipient is routed again, dry; when none
 * of them goes anywhere any more, the refusal answers the final dot.  Where
 * only some are refused the message is taken, and the real route tells the
 * sender of those (a refusal of the dot would be one for all).
 */
#ifndef WB_MTA_SMTP_REROUTE_H
#define WB_MTA_SMTP_REROUTE_H

#include "mta/smtp/session.h"

struct reroute;

/* Whether this policy's routes look at tags at all. */
bool	reroute_needed(const struct session *);
/* step gets RS_V_ACCEPT, or the refusal of the last recipient; now or later. */
void	reroute_ask(struct session *, session_step *step);
/* Gives up what is under way. */
void	reroute_free(struct reroute **);

#endif
