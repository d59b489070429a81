/*
 * deliverer.h - what local*.c and deliverer.c share: processes that deliver
 * for one uid, and the jobs that they have.
 */
#ifndef WB_MTA_QUEUE_DELIVERER_H
#define WB_MTA_QUEUE_DELIVERER_H

#include "base/hash.h"
#include "mta/queue/queue.h"

#define LOCAL_INLINE_MAX	(256u << 10)	/* larger contents go as a memfd */

enum local_state {
	LOCAL_READING,		/* its content becomes a memfd, on a thread */
	LOCAL_SENT,		/* DELIVER is out */
	LOCAL_LOGGING,		/* PREPARED is on its way into the log */
	LOCAL_COMMITTING	/* COMMIT is out */
};

struct local_job {
	struct local_job	*prev, *next;	/* of the deliverer */
	struct local		*local;
	struct deliverer	*deliverer;
	uint64_t		 id;
	struct message		*m;
	struct segment		*seg;		/* pinned */
	struct hop		*hop;		/* a reference */
	int64_t			 since_ms;
	int64_t			 limit_ms;	/* it is given up after */
	uint32_t		 dest;
	uint8_t			 state;
	bool			 orphan;	/* its deliverer died while a thread had it */
	int			 fd;		/* memfd, or -1 */
	int			 from_fd;	/* what the thread reads */
	uint64_t		 from_offset;
	int			 error;
	bool			 loop;		/* Delivered-To: names the address */
	char			*address;
};

struct deliverer {
	struct deliverer	*next;
	struct local		*local;
	uint32_t		 uid, gid;
	bool			 programs;	/* it runs them, and nothing else */
	struct hop		*hop;		/* a reference */
	struct chan		*chan;		/* NULL: asked for, or gone */
	struct local_job	*jobs;
	int64_t			 asked_ms;	/* boot time; 0: not asked */
	int64_t			 idle_ms;	/* since then */
	unsigned		 deaths;	/* without a delivery between them */
	unsigned		 readings;	/* of forward files (forward.c) */
	bool			 waits;		/* others have to end before it is asked for */
	char			*refused;	/* why there is none; until refused_ms */
	int64_t			 refused_ms;
};

struct local {
	struct queue		*q;
	struct chan		*spawner;
	struct deliverer	*first;
	struct htab		 by_hop;	/* by the hop's text */
	unsigned		 nlive;		/* processes that are there or asked for */
	unsigned		 nwaiting;
	bool			 room_soon;	/* make_room() will be called */
	uint64_t		 serial;
};

/* The deliverer of a hop "uid:U:G", or "run:U:G" for programs; asked for when it is not there. */
struct deliverer *deliverer_get(struct local *, struct hop *);
/* The process has said something of a job. */
bool	 local_message(struct deliverer *, struct msg *);
/* It has died: its jobs begin again, or wait when that happens too often. */
void	 local_died(struct deliverer *);
void	 deliverers_tick(struct local *);
/* It has nothing to do: another that waits may take its place. */
void	 deliverer_idle(struct deliverer *);

/* --- forward.c */
/* Its channel is there; it has been refused; it has died. */
void	 forwards_attached(struct deliverer *);
void	 forwards_refused(struct deliverer *);
void	 forwards_died(struct deliverer *);
/* FORWARD_TEXT */
bool	 forwards_message(struct deliverer *, struct msg *);

/* DELIVER with its content, a large one after a thread has read it. */
void	 local_send(struct local_job *);
void	 local_send_commit(struct local_job *);
/* The target's state says what came of it. */
void	 local_end(struct local_job *);
void	 local_fail(struct local_job *, uint16_t code, struct span status, struct span text);
/* Its deliverer has gone: another will do it. */
void	 local_again(struct local_job *);

#endif
