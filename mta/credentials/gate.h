/*
 * gate.h - a password of which nobody knows yet whether it is right is tried
 * by one session alone: a wrong one costs one attempt, not one for each session.
 *
 * What waits goes on when it was right, and is refused with it when it was not.
 * A refusal is remembered for a few seconds, for the sessions that were on
 * their way; after that it is the queue's to hold back the hop.
 */
#ifndef WB_MTA_CREDENTIALS_GATE_H
#define WB_MTA_CREDENTIALS_GATE_H

#include <sys/queue.h>

#include "base/hash.h"

#define GATE_KEY	32	/* digest of hop, login and secret */
#define GATE_MAX	20000	/* keys */
#define GATE_REFUSED_MS	10000
#define GATE_TEXT_MAX	512

enum gate_says { GATE_GO, GATE_WAIT, GATE_REFUSED };

/* A place in line; lies in its owner's struct, zeroed before first use. */
struct gate_wait {
	TAILQ_ENTRY(gate_wait)	 entry;
	struct gate_key		*at;		/* NULL: in no line */
	/* GO: it tries now, or may go; REFUSED: told says how. */
	void			(*cb)(void *arg, enum gate_says, const char *told);
	void			*arg;
};

enum gate_end { GATE_RIGHT, GATE_WRONG, GATE_UNKNOWN };

struct gate;

struct gate	*gate_new(int64_t (*now_ms)(void));
void		 gate_free(struct gate **);
/*
 * GO: gate_leave() has to follow.  WAIT: cb comes later.  REFUSED: *told is what
 * was said of it, until the next call.
 */
enum gate_says	 gate_enter(struct gate *, const uint8_t key[GATE_KEY], struct gate_wait *, const char **told);
/* Out of the line. */
void		 gate_give_up(struct gate_wait *);
/* How the attempt of who had GO has ended. */
void		 gate_leave(struct gate *, const uint8_t key[GATE_KEY], enum gate_end, const char *told);

#endif
