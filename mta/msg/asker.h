/*
 * asker.h - questions to another process that are open: what the clients of
 * resolve, limits and relay have in common.
 *
 * A question has a ticket and a time until which it waits.  It is sent when
 * there is a channel, again on a new channel, and given up when its time is
 * over.  All wait equally long, so the first of the list runs out first.
 *
 * Owns: the channel, and questions from asker_ask() until they are taken,
 * given up or cancelled.
 */
#ifndef WB_MTA_MSG_ASKER_H
#define WB_MTA_MSG_ASKER_H

#include <sys/queue.h>

#include "base/chan.h"
#include "base/hash.h"
#include "base/loop.h"

/* The first member of what a client asks; malloc'd. */
struct question {
	TAILQ_ENTRY(question)	 entry;
	uint64_t		 ticket;
	int64_t			 until_ms;
	bool			 unsent;	/* never sent: it is given up in the next turn */
};

struct asker_ops {
	void	(*send)(struct chan *, const struct question *);
	/* Its time is over; it is out of the list and freed after this. */
	void	(*give_up)(struct question *);
	/* What the other side says; false: nonsense. */
	bool	(*message)(void *client, struct msg *);
	/* The channel is gone; may be NULL. */
	void	(*closed)(void *client);
	/* What is secret in it, before it is freed unanswered; may be NULL. */
	void	(*wipe)(struct question *);
};

struct asker {
	const struct asker_ops	*ops;
	void			*client;
	const char		*name;		/* of the other process, for logs */
	int64_t			 wait_ms;
	struct chan		*chan;		/* NULL: it is not there */
	uint64_t		 last_ticket;
	TAILQ_HEAD(, question)	 open;
	struct htab		 by_ticket;
	struct timer		 timer;
};

void	asker_init(struct asker *, const char *name, int64_t wait_ms, const struct asker_ops *, void *client);
/* No callbacks. */
void	asker_clear(struct asker *);
/* A channel, new or again; takes fd.  Open questions are sent on it. */
void	asker_attach(struct asker *, int fd);
/* The same of a channel on which secrets pass (chan_secret()). */
void	asker_attach_secret(struct asker *, int fd);
/* Takes the question and returns its ticket. */
uint64_t asker_ask(struct asker *, struct question *);
void	asker_cancel(struct asker *, uint64_t ticket);
/* The question that is answered, the caller's to free(); NULL: cancelled, or too late. */
struct question *asker_take(struct asker *, uint64_t ticket);
/* The same, but it stays open. */
struct question *asker_find(struct asker *, uint64_t ticket);

#endif
