/*
 * outcome.h - how an attempt ended, for one recipient or all: the hop's words or ours.
 */
#ifndef WB_MTA_RELAY_OUTCOME_H
#define WB_MTA_RELAY_OUTCOME_H

#include "mta/relay/replies.h"

struct outcome {
	uint16_t	code;			/* 0: none yet; 2yz, 4yz, 5yz */
	char		status[12];		/* "4.4.1" */
	char		text[REPLY_TEXT_MAX + 1];	/* without code and status */
	uint8_t		trouble;		/* enum relay_trouble; none unless somebody says so */
};

/* Our own finding. */
void	outcome_set(struct outcome *, unsigned code, const char *status, const char *, ...)
	    __attribute__((format(printf, 4, 5)));
/* The hop's reply: its code, its status (x.0.0 when it has none), its text. */
void	outcome_reply(struct outcome *, const struct reply *);

static inline bool
outcome_is_final(const struct outcome *o)
{
	return o->code >= 500;
}

#endif
