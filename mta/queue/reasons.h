/*
 * reasons.h - the names of what makes mail wait, and what can be done.
 *
 * Every wait, delay and refusal of the queue has one entry in reasons.def;
 * logs, `waybill status` and `waybill queue why` print its word, so that the
 * same thing has the same name everywhere.
 */
#ifndef WB_MTA_QUEUE_REASONS_H
#define WB_MTA_QUEUE_REASONS_H

#include "base/span.h"

struct dest;
struct message;
struct queue;

enum reason {
#define REASON(name, word, of, means, remedy) REASON_##name,
#include "mta/queue/reasons.def"
#undef REASON
	REASON_N		/* also: none */
};

enum reason_of { REASON_OF_TARGET, REASON_OF_MESSAGE, REASON_OF_SERVER };

/* Texts live for ever.  r is below REASON_N. */
const char	*reason_word(enum reason);
const char	*reason_means(enum reason);	/* one sentence, no full stop */
const char	*reason_remedy(enum reason);	/* the same; "nothing" where nothing need be done */
enum reason_of	 reason_of(enum reason);
/* REASON_N: there is no such word. */
enum reason	 reason_parse(struct span word);

/* Why this target of the message is not done yet (or DONE). */
enum reason	 reason_of_dest(const struct queue *, const struct message *,
		    const struct dest *);

#endif
