/*
 * conns_int.h - what the files of sessions share.
 *
 * conns.c: jobs and sessions, idle ones, time; tries.c: where a session
 * begins: its addresses, which one is tried, and what follows from a failure.
 */
#ifndef WB_MTA_RELAY_CONNS_INT_H
#define WB_MTA_RELAY_CONNS_INT_H

#include "base/loop.h"
#include "mta/relay/client.h"
#include "mta/relay/conns.h"
#include "mta/relay/health.h"
#include "mta/relay/in_clear.h"

/*
 * A session has a job, or is idle, or is about to end.  While it finds its
 * address it has a query or a list, then a client.
 */
struct session {
	TAILQ_ENTRY(session)	 entry;		/* in conns->all */
	TAILQ_ENTRY(session)	 idle_entry;	/* latest first */
	struct conns		*conns;
	char			*hop;
	size_t			 hop_octets;
	struct job		*job;
	int64_t			 job_until_ms;
	struct hop_query	*query;
	struct hop_list		*list;
	size_t			 at;		/* in list */
	int64_t			 try_until_ms;
	struct outcome		 why;		/* of the address tried last */
	struct client		*client;
	struct hop_addr		 addr;		/* the client's */
	bool			 idle, old;	/* old: not for another message */
	bool			 settled;	/* no other host takes without a conversion what it does not */
	bool			 has_set;
	uint8_t			 set[MX_SET];	/* of its MX hosts */
	uint32_t		 messages;	/* that it has carried */
	int64_t			 idle_until_ms;
};

TAILQ_HEAD(sessions, session);

struct conns {
	const struct hops	*hops;
	void			(*done)(void *, struct job *);
	void			(*ended)(void *);	/* not NULL: stopping */
	void			*arg;
	struct sessions		 all, idle;
	TAILQ_HEAD(, job)	 waiting;
	bool			 called;	/* start_waiting() will come */
	struct health		*health;
	struct in_clear		 clear;		/* a handshake has failed there */
	struct timer		 tick;
	struct conns_counters	 n;
};

/* --- conns.c */
/* All addresses have failed, or are not to be tried: s->why.  The session is gone. */
void	session_give_up(struct session *);
void	session_free(struct session *);
/* Its client may have been freed in here. */
void	session_resume(struct session *, struct job *);
/* Digest of its set of MX hosts; empty: none. */
struct span session_set(const struct session *);
/* For a job that another session has had. */
void	session_begin(struct conns *, struct job *);
/* Its job gets a session of its own, which has nothing else yet; this one is idle. */
struct session *session_split(struct session *);
/* An idle one to this address takes the job as it can; false: there is none. */
bool	session_reuse(struct conns *, const struct hop_addr *, struct job *);
extern const struct client_ops session_ops;

/* --- tries.c */
/* Those that rest come last, each kind in its order. */
void	tries_rested_last(const struct conns *, struct hop_list *);
/* Finds its addresses and tries them; the session may be gone when this returns. */
void	tries_begin(struct session *);
/* The address that is tried works: a session is there. */
void	tries_worked(struct session *);
/*
 * It does, but cannot take the message as it is, and others may: true: they are
 * tried first, and the session has another message, or none.
 */
bool	tries_aside(struct session *);
/* It does not; the next one is tried, or none.  Likewise. */
void	tries_failed(struct session *, const struct outcome *why);
/* Not by TLS: once more in the clear.  Likewise. */
void	tries_clear(struct session *);
/*
 * A message has its results: true: some of them are to be tried at the next
 * host, and the job is to have another session.
 */
bool	tries_move_on(struct session *);
/* What it was trying is not known: it goes away before it has an answer. */
void	tries_stop(struct session *);

#endif
