/*
 * cut.h - `cut through`: the message goes to its next hop before the client is
 * answered, and into the spool only where that does not succeed at once.
 *
 *   all taken by the hop   250, nothing is written
 *   all refused by it      its 5xx is the answer (with `soft bounce`: spooled)
 *   anything else          spooled for those whom the hop has not taken
 *
 * Tried for a content in memory whose recipients all leave, as they are, for one
 * relay block with this option; not for what only the queue can keep: NOTIFY=SUCCESS,
 * BY=, REQUIRETLS, quarantine, hold, low priority.
 *
 * For the administrator: doc/queue.md, Cut through.
 */
#ifndef WB_MTA_SMTP_CUT_H
#define WB_MTA_SMTP_CUT_H

#include "mta/smtp/session.h"

struct cut;

enum cut_end {
	CUT_TAKEN,	/* 250 */
	CUT_REFUSED,	/* the verdict says how */
	CUT_SPOOL	/* those who are left in the transaction */
};

/* verdict: of REFUSED, in the transaction's arena; else NULL. */
typedef void cut_step(struct session *, enum cut_end, const struct rs_verdict *);

/* Whether the message, complete and edited, may be tried. */
bool	cut_wanted(const struct session *);
/* step: now or later. */
void	cut_try(struct session *, cut_step *step);
/* Gives up what is under way. */
void	cut_free(struct cut **);

#endif
