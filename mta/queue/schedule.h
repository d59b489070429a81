/*
 * schedule.h - whose turn it is: next hops, their concurrency, their fairness.
 *
 * A hop is interned by its text (mta/msg/target.h; "uid:U:G" for the deliverer
 * of a uid).  For each pair of message and hop with READY targets there is one
 * want; wants of one sender make a flow; the flows of a hop take turns by
 * deficit round robin.  New mail and retries have rings of their own: one turn
 * in four is for retries, as long as there is new mail.
 *
 * Concurrency of a hop begins at 5 and grows by one for each window (as many
 * jobs as concurrency) without a failed connection; a failed one halves it, once for
 * those that were under way together.  After three such windows without a
 * success between them the hop is dead and then probed by one job at a time.
 *
 * The clock is what the caller says; nothing here does I/O.
 */
#ifndef WB_MTA_QUEUE_SCHEDULE_H
#define WB_MTA_QUEUE_SCHEDULE_H

#include "base/hash.h"
#include "mta/queue/index.h"

#define SCHED_JOB_RCPTS		100	/* targets of one job */
#define SCHED_RETRIES_MAX	16

struct flow;

struct ring {
	struct flow	*head;		/* whose turn it is; circular */
	uint32_t	 flows;
};

struct hop {
	char		*text;
	struct hop	*next_runnable;
	struct want	*last;		/* that was looked for here */
	struct ring	 fresh, again;
	int64_t		 probe_ms;	/* dead: not before this */
	uint32_t	 refs;		/* targets, wants, jobs */
	uint32_t	 wants;
	uint32_t	 outstanding;	/* jobs */
	uint32_t	 concurrency;
	uint32_t	 good;		/* successes in this window */
	uint32_t	 together;	/* jobs still out of a window that has failed */
	uint32_t	 turn;
	uint16_t	 text_n;
	uint8_t		 bad_windows;
	uint8_t		 probes;	/* in vain */
	bool		 local;
	bool		 dead;
	bool		 blocked;	/* start() has said not now: sched_unblock() */
	bool		 runnable;	/* stands in the list */
	uint8_t		 idle_ticks;	/* without a reference */
};

struct sched_ops {
	/*
	 * Starts a job for these targets of the message, which are ACTIVE
	 * from now on; sched_ended() ends it.  false: not now, hop is blocked.
	 */
	bool	(*start)(void *arg, struct hop *, struct message *,
		    const uint32_t *dests, uint32_t n);
};

struct sched {
	struct htab	 hops;
	struct htab	 flows;		/* by hop, ring and hash of the sender */
	struct hop	*run_first, *run_last;
	const struct sched_ops *ops;
	void		*arg;
	int64_t		 now_ms;	/* boot time; the caller keeps it */
	uint32_t	 limit;		/* most jobs for one hop */
	struct htab	 limits;	/* for some hops: another */
	uint32_t	 jobs, jobs_max;
	uint32_t	 run_max;	/* jobs that one sched_run() starts; 0: all */
	size_t		 nretries;
	int64_t		 retries_ms[SCHED_RETRIES_MAX];
};

enum sched_outcome {
	SCHED_OK,	/* the hop has answered, whatever it said */
	SCHED_BAD,	/* no connection, or 421 */
	SCHED_NONE	/* says nothing of the hop */
};

void		 sched_init(struct sched *, const struct sched_ops *, void *arg);
void		 sched_clear(struct sched *);
/* This hop ("relay:NAME") has a limit of its own; htab_clear(&limits) forgets all. */
void		 sched_limit(struct sched *, struct span hop, uint32_t most);
/* A reference; hop_unref() gives it back and forgets the caller's pointer. */
struct hop	*sched_hop(struct sched *, struct span text);
struct hop	*hop_ref(struct hop *);
void		 hop_unref(struct sched *, struct hop **);

/* The READY targets in the message's line (with their hop) get into line there. */
void		 sched_ready(struct sched *, struct message *);
/*
 * The message's places in all lines are given up.  Targets that stay READY get
 * into line again by dest_set_state().
 */
void		 sched_forget(struct sched *, struct message *);
void		 sched_ended(struct sched *, struct hop *, enum sched_outcome);
void		 sched_unblock(struct sched *, struct hop *);
/* All blocked hops (local or not), and with revive dead ones too. */
void		 sched_unblock_all(struct sched *, bool local);
void		 sched_revive(struct sched *);
/* A dead hop may be probed at once, by one job. */
void		 sched_probe(struct sched *, struct hop *);
/* Starts what can be started.  True: it stopped at run_max, and there is more. */
bool		 sched_run(struct sched *);
/* Each second: dead hops whose probe is due become runnable, forgotten ones go. */
void		 sched_tick(struct sched *);
/* The wait before attempt n + 1, with 10 % of jitter by seed. */
int64_t		 sched_retry_ms(const struct sched *, unsigned attempts, uint64_t seed);

#endif
