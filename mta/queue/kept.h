/*
 * kept.h - messages that wait for a person: on hold, or in quarantine.
 *
 * That it is kept is a state of the message (M_HELD; M_QUARANTINED besides),
 * not of its targets: nothing of it is routed, sent, warned of or returned,
 * what is under way ends as it ends.  The policy has said so when it was
 * accepted (ATTR_KEPT in its envelope), or an administrator since (a record
 * HELD, and an entry here).  What is on hold stays until it is released, and
 * what is in quarantine is removed after `queue { quarantine }`.  A release is
 * a record, too; the lifetime counts from then on.
 *
 * Owns: who has put what on hold by hand, q->kept.
 */
#ifndef WB_MTA_QUEUE_KEPT_H
#define WB_MTA_QUEUE_KEPT_H

#include "mta/queue/queue.h"

/* Why a message is kept. */
struct kept {
	unsigned	how;		/* enum attr_kept */
	bool		by_hand;	/* else by the policy, when it came */
	uint32_t	uid;		/* by_hand: of whom */
	int64_t		since_ms;	/* wall */
	struct span	why;
};

#define KEPT_WHY_MAX	ATTR_WHY_MAX

/* why lives in the arena.  false: it is not kept. */
bool	kept_ask(const struct queue *, const struct message *, struct arena *, struct kept *);
/* "hold", "quarantine". */
const char *kept_name(unsigned how);
/* Wall time at which it is removed by itself; 0: it is not. */
int64_t	kept_until_ms(const struct queue *, const struct message *);

/* By hand; why is copied, and cut to KEPT_WHY_MAX.  false: it was on hold already. */
bool	message_hold(struct queue *, struct message *, uint32_t uid, struct span why);
/* false: it was not kept. */
bool	message_release(struct queue *, struct message *, uint32_t uid);

/* --- for the other files of the queue */
/* The message is in the index from now on, or about to leave it. */
void	kept_enter(struct queue *, const struct message *);
void	kept_leave(struct queue *, const struct message *);
/* message_settle() of one that is kept: what has been prepared is committed. */
void	kept_settle(struct queue *, struct message *);
/* Its time in quarantine is over: true, and it is removed (perhaps gone). */
bool	kept_expire(struct queue *, struct message *);
/* HELD, RELEASED of the log; of a message that is not in the index yet. */
void	kept_replay(struct queue *, struct message *, const struct record *);
/* What a checkpoint has to say of it. */
void	kept_dump(const struct queue *, struct journal *, const struct message *);
void	kept_clear(struct queue *);

#endif
