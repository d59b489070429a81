/*
 * schedule.h - whose turn it is: next hops, their concurrency, their fairness.
 *
 * A hop is interned by its text (mta/msg/target.h; "uid:U:G" for the deliverer
 * of a uid).  What it may take at a time is the business of its site: most hops
 * have one of their own, domains whose MX hosts are the same share one, as far
 * as relay has told (sched_learned()).  For each pair of message and hop with
 * READY targets there is one want; wants of one sender and priority make a flow;
 * the flows of a site take turns by deficit round robin.  Each priority has
 * rings of its own for new mail and for retries.
 *
 * Concurrency of a site begins at `start` and grows by one for each window (as
 * many jobs as concurrency) without a failed connection; a failed one halves
 * it, once for those that were under way together.  After three such windows
 * without a success between them the site is dead and then probed by one job at
 * a time.  Figures: doc/queue.md.
 *
 * A hop with a rate has a pace (pace.h) at its site: a job has no more recipients
 * than may go now, and who has none left waits for the next second.
 *
 * The clock is what the caller says; nothing here does I/O.
 */
#ifndef WB_MTA_QUEUE_SCHEDULE_H
#define WB_MTA_QUEUE_SCHEDULE_H

#include <sys/queue.h>

#include "base/hash.h"
#include "mta/queue/index.h"
#include "mta/queue/pace.h"
#include "mta/queue/terms.h"
#include "mta/spool/attributes.h"

#define SCHED_JOB_RCPTS		1000	/* most targets of one job */
#define SCHED_SET		16	/* octets that tell one set of MX hosts from another */
#define SCHED_REMOTE_MAX	1800	/* jobs of relay, below its CONNS_MAX */
#define SCHED_BAD_WINDOWS	3	/* that make a site dead */

struct flow;
struct sched;

struct ring {
	struct flow	*head;		/* whose turn it is; circular */
	uint32_t	 flows;
};

enum site_place {
	SITE_NOWHERE,
	SITE_RUNNABLE,		/* in the list of those that may run */
	SITE_PARKED,		/* until there is room for any job */
	SITE_PARKED_OLD		/* until there is room for one of old trouble */
};

/* What hops share whose mail goes to the same hosts. */
struct site {
	LIST_HEAD(, hop)	 hops;
	TAILQ_ENTRY(site)	 entry;		/* in the list of its place */
	TAILQ_ENTRY(site)	 dead_entry;
	TAILQ_ENTRY(site)	 paced_entry;
	struct pace		*pace;		/* the least rate of its hops; NULL: none has one */
	struct ring		 rings[NPRIORITIES][2];	/* new mail, retries */
	int64_t			 probe_ms;	/* dead: not before this */
	uint32_t		 flows[2];	/* new mail, retries */
	uint32_t		 wants;
	uint32_t		 outstanding;	/* jobs */
	uint32_t		 retries;	/* of these */
	uint32_t		 concurrency;
	uint32_t		 limit;		/* the least of its hops' */
	uint32_t		 good;		/* successes in this window */
	uint32_t		 together;	/* jobs still out of a window that has failed */
	uint32_t		 turn;
	int16_t			 credit[NPRIORITIES];
	uint8_t			 set[SCHED_SET];	/* with shared */
	uint8_t			 bad_windows;
	uint8_t			 probes;	/* in vain */
	uint8_t			 last_class;	/* of its last error */
	uint8_t			 place;		/* enum site_place */
	bool			 shared;	/* known by its set of hosts */
	bool			 failed;	/* last_class says how */
	bool			 local;
	bool			 dead;
	bool			 held;		/* with dead: it refuses our login */
	bool			 waits;		/* for its pace: in the list of those */
	bool			 blocked;	/* start() has said not now: sched_unblock() */
};

struct hop {
	char			*text;
	struct sched		*sched;
	struct site		*site;
	LIST_ENTRY(hop)		 entry;		/* of the site */
	TAILQ_ENTRY(hop)	 idle_entry;	/* without a reference */
	const struct terms	*terms;
	struct want		*last;		/* that was looked for here */
	int64_t			 idle_ms;	/* since when */
	int64_t			 moved_ms;	/* to this site; 0: never */
	uint32_t		 refs;		/* targets, wants, jobs */
	uint32_t		 wants;
	uint32_t		 outstanding;
	uint32_t		 retries;	/* of these */
	uint16_t		 text_n;
	uint16_t		 recipients;	/* that it takes in one transaction, learned; 0: not known */
	bool			 local;
};

struct sched_ops {
	/*
	 * Starts a job for these targets of the message, which are ACTIVE
	 * from now on; sched_ended() ends it.  false: not now, site is blocked.
	 */
	bool	(*start)(void *arg, struct hop *, struct message *,
		    const uint32_t *dests, uint32_t n);
	/* Of a hop; lives until sched_renew().  NULL: general ones for all. */
	const struct terms *(*terms)(void *arg, struct span hop);
};

TAILQ_HEAD(sites, site);

struct sched {
	struct htab	 hops;
	struct htab	 flows;		/* by site, ring and hash of the sender */
	struct htab	 sets;		/* sites by their sets of hosts */
	struct sites	 runnable, parked, parked_old, dead, paced;
	TAILQ_HEAD(, hop) idle;		/* longest first */
	const struct sched_ops *ops;
	void		*arg;
	int64_t		 now_ms;	/* boot time; the caller keeps it */
	struct terms	 general;	/* the caller fills it */
	uint32_t	 jobs, jobs_max;	/* jobs_max 0: nothing new begins */
	uint32_t	 remote, remote_max;	/* of these: of relay */
	uint32_t	 old;		/* of these: retries, and what goes to sites in trouble */
	uint32_t	 run_max;	/* jobs that one sched_run() starts; 0: all */
	bool		 starting_old;	/* in start(): which kind it is */
	bool		 starting_again;
	uint64_t	 steps;		/* things looked at, ever: what a turn costs */
};

enum sched_outcome {
	SCHED_OK,	/* the hop has answered, whatever it said */
	SCHED_BAD,	/* no connection, or 421 */
	SCHED_REFUSED,	/* our login: nothing more goes there for an hour, or until sched_release() */
	SCHED_NONE	/* says nothing of the hop */
};

/* What a job is: start() asks, sched_ended() is told. */
enum sched_job {
	SCHED_AGAIN = 1 << 0,	/* a retry */
	SCHED_OLD = 1 << 1	/* a retry, or to a site in trouble */
};

void		 sched_init(struct sched *, const struct sched_ops *, void *arg);
void		 sched_clear(struct sched *);
/* The terms of all hops are asked anew. */
void		 sched_renew(struct sched *);
/* A reference; hop_unref() gives it back and forgets the caller's pointer. */
struct hop	*sched_hop(struct sched *, struct span text);
struct hop	*hop_ref(struct hop *);
void		 hop_unref(struct sched *, struct hop **);
/* Most targets of one job for it. */
uint32_t	 hop_recipients(const struct hop *);

/* The READY targets in the message's line (with their hop) get into line there. */
void		 sched_ready(struct sched *, struct message *);
/*
 * The message's places in all lines are given up.  Targets that stay READY get
 * into line again by dest_set_state().
 */
void		 sched_forget(struct sched *, struct message *);
/* Within start(): enum sched_job of the job that is started. */
unsigned	 sched_starting(const struct sched *);
void		 sched_ended(struct sched *, struct hop *, enum sched_outcome, unsigned job);
/* Something has failed there by this: for people. */
void		 sched_failed(struct hop *, enum error_class);
/* Its MX hosts are known by these octets; NULL: it has none, and its own site. */
void		 sched_learned(struct sched *, struct hop *, const uint8_t *set);
/* It has taken so many recipients of one transaction, and not more. */
void		 sched_takes(struct hop *, uint32_t recipients);
void		 sched_unblock(struct sched *, struct hop *);
/* All blocked sites (local or not), and with revive dead ones too. */
void		 sched_unblock_all(struct sched *, bool local);
void		 sched_revive(struct sched *);
/* Logins may be others now: sites that refuse ours may be probed at once. */
void		 sched_release(struct sched *);
/* A dead site may be probed at once, by one job. */
void		 sched_probe(struct sched *, struct hop *);
/* Starts what can be started.  True: it stopped at run_max, and there is more. */
bool		 sched_run(struct sched *);
/* Each second: dead sites whose probe is due become runnable, forgotten hops go. */
void		 sched_tick(struct sched *);
/* It has had as many recipients as its rate allows just now. */
bool		 sched_is_paced(const struct sched *, const struct site *);
/* There is no room for a job to that site, whatever it may take. */
bool		 sched_is_full(const struct sched *, const struct site *);

#endif
