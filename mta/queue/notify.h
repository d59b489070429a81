/*
 * notify.h - what the parameters of RFC 3461 mean for one target.
 *
 * A recipient may become several targets (5.2.7).  An alias hands ENVID, RET,
 * ORCPT and NOTIFY on to all of them, without SUCCESS: it is told once that
 * it was expanded.  To a mailing list (the sender of what leaves is its
 * owner) the message has been delivered, and its members' mail is another,
 * which has no parameters.
 */
#ifndef WB_MTA_QUEUE_NOTIFY_H
#define WB_MTA_QUEUE_NOTIFY_H

#include "mta/queue/index.h"

/* Whether it belongs to a mailing list. */
bool	notify_is_list(const struct dest *);
/* That it failed, is late, has arrived: whether who sent it is to be told. */
bool	notify_failure(const struct dest *, const struct envelope *);
bool	notify_delay(const struct dest *, const struct envelope *);
bool	notify_success(const struct dest *, const struct envelope *);
/* It asks that nobody is told anything. */
bool	notify_never(const struct dest *, const struct envelope *);
/* The recipient has become several, which is told in place of each one's success. */
bool	notify_expanded(uint32_t rcpt, const struct envelope *);
/* What goes with it to a hop that has DSN. */
struct envelope_param	notify_param(const struct dest *, const struct envelope *);

#endif
