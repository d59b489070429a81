/*
 * callout.h - asking the relay process whether a hop would take a recipient.
 *
 * The relay speaks MAIL FROM:<> and RCPT TO to the hop and goes no further; it
 * keeps the answers for a while (mta/relay/callouts.h).
 */
#ifndef WB_MTA_MSG_CALLOUT_H
#define WB_MTA_MSG_CALLOUT_H

#include "base/chan.h"

enum callout_answer {
	CALLOUT_NO,	/* refused for good */
	CALLOUT_YES,
	CALLOUT_CANNOT	/* cannot say now */
};

#define CALLOUT_TEXT_MAX	1024	/* octets of hop or address; longer: CANNOT */

struct callout_client;
typedef void callout_cb(void *arg, enum callout_answer);

struct callout_client	*callout_client_new(void);
/* A channel to relay, new or again; takes fd. */
void			 callout_client_attach(struct callout_client *, int fd);
void			 callout_client_free(struct callout_client **);	/* no callbacks */
/* Whoever sends other messages on the same channel. */
struct callout_share {
	/* What is no answer to a callout; false: nonsense. */
	bool	(*message)(void *arg, struct msg *);
	/* The channel is gone, and all that was sent on it unanswered. */
	void	(*closed)(void *arg);
};
void		 callout_client_share(struct callout_client *, const struct callout_share *, void *arg);
/* NULL: relay is not there. */
struct chan	*callout_client_chan(struct callout_client *);
/*
 * Asks about address at the hop (text of mta/msg/target.h); cb is called
 * exactly once, from the loop, with CANNOT after 30 s at the latest.  Returns
 * a ticket for callout_cancel().
 */
uint64_t		 callout_ask(struct callout_client *, struct span hop, struct span address, callout_cb *, void *arg);
void			 callout_cancel(struct callout_client *, uint64_t ticket);

#endif
