/*
 * parent.h - what the files of the parent share.
 *
 * A slot is a place for a process: smtp[0], queue, ...; whoever dies in it is
 * followed by another.  The parent tells each its configuration and its
 * peers, and hears READY, counters, and what the queue was asked on the
 * control socket.
 */
#ifndef WB_MTA_PARENT_PARENT_H
#define WB_MTA_PARENT_PARENT_H

#include "base/buf.h"
#include "base/loop.h"
#include "mta/msg/msg.h"
#include "mta/parent/auth.h"
#include "mta/parent/compile.h"
#include "mta/parent/credentials.h"
#include "mta/parent/fetch.h"
#include "mta/parent/gateways.h"
#include "mta/parent/generation.h"
#include "mta/parent/listeners.h"
#include "mta/parent/pairs.h"

#include <sys/types.h>

#define WORKERS_MAX	32	/* instances in a queue id: mta/spool/qid.h */
#define SLOTS_MAX	(WORKERS_MAX + 16)
#define TICKETS_MAX	64	/* questions under way */

struct parent;

struct slot {
	struct parent	*parent;
	enum proc	 proc;
	uint32_t	 instance;
	char		 name[24];	/* "smtp[1]" */
	pid_t		 pid;		/* 0: nobody is there */
	struct chan	*chan;		/* NULL: it has closed */
	int64_t		 started_ms;	/* boot time */
	uint32_t	 restarts;
	unsigned	 quick;		/* deaths soon after the start, in a row */
	uint32_t	 ready;		/* generation that it has taken */
	struct timer	 again;		/* back-off */
};

/* Instances of PROC_INDEX. */
enum { INDEX_TABLES, INDEX_ACCOUNTS };

/* A `status` under way: who has answered, and what. */
struct status_part {
	bool		missing;	/* was asked, may still answer */
	bool		answered;
	uint64_t	lag[LOOP_LAG_BUCKETS];
	struct buf	counters;
};

struct status {
	struct parent		*parent;
	struct status		*next;
	uint64_t		 asked;		/* the queue's ticket */
	uint64_t		 ticket;	/* ours */
	unsigned		 missing;
	struct timer		 timer;
	struct status_part	 parts[SLOTS_MAX];
};

/* A process whose end the queue has not been told yet. */
struct ended {
	enum proc	proc;
	uint32_t	instance;
	int		status;		/* as of waitpid() */
};
#define ENDED_MAX	32	/* what is more has the log */

enum stage { STAGE_RUN, STAGE_SMTP, STAGE_HOPS, STAGE_QUEUE, STAGE_REST };

struct parent {
	/* from the command line */
	const char		*policy;
	const char		*compile_command;
	const char		*libexec;
	const char		*log_level;	/* NULL: the children's own default */
	bool			 records;	/* of decisions go to the log */
	const char		*chroot;	/* NULL: not as root */
	char			*spool;

	struct generation	*generation;
	uint32_t		 last_number;	/* of a generation */
	struct listeners	 listeners;
	struct gateways		 gateways;
	struct pairs		 pairs;		/* what keys has */
	bool			 keys_wanted;	/* there has been a certificate */
	struct slot		 slots[SLOTS_MAX];
	size_t			 nslots;
	struct ended		 ended[ENDED_MAX];
	size_t			 nended;
	int64_t			 started_ms;	/* wall time */
	bool			 smtp_started;	/* the others were ready once */
	bool			 up;		/* all were ready once */
	int			 status;	/* of the process at its end */

	/* reload.c */
	bool			 started;	/* the processes, with the first tables */
	bool			 wanted;	/* a reload, before that */
	struct compile		*compile;
	struct reading		*reading;	/* reading.c */
	bool			 changed_text;	/* when the tables' change was seen */
	unsigned		 retries;	/* of tables that were given up */
	struct timer		 retry;
	uint64_t		 seen;		/* the last look at the files */
	int64_t			 seen_ms;	/* since when it is the same */
	uint64_t		 tickets[TICKETS_MAX];	/* who waits for the reload */
	size_t			 ntickets;
	bool			 settling;	/* sent, not everybody is ready */
	uint64_t		 secrets, secrets_seen;	/* that credentials has; at the last look */
	uint64_t		 tried;		/* look at the files of the last try */
	struct timer		 poll, settle;

	/* status.c */
	struct status		*status_open;
	unsigned		 nstatus;
	uint64_t		 status_ticket;

	/* stop.c */
	enum stage		 stage;
	struct timer		 drain;
};

/* slot.c */
void		 slots_init(struct parent *, unsigned workers);
/*
 * All but smtp; those follow when the others are ready, so that nobody is
 * greeted while mail cannot be taken.
 */
void		 slots_start(struct parent *);
void		 slots_start_rest(struct parent *);
struct chan	*queue_chan(struct parent *);	/* NULL: it is not there */
struct chan	*keys_chan(struct parent *);
/* The keys process, from now on and unless it is there. */
void		 slots_start_keys(struct parent *);
/* Configuration and peers to everybody who is there: a new generation. */
void		 slots_configure(struct parent *);
/* Which addresses may be gateways', to every smtp that is there. */
void		 slots_tell_gateways(struct parent *);
/* Files of secrets have changed: to credentials; the queue is told when it has them. */
void		 slots_tell_secrets(struct parent *);
/* A child has ended; false: it is none of the slots. */
bool		 slot_ended(struct parent *, pid_t, int status);
void		 slot_kill(struct slot *);
/* Whether somebody belongs there: lookup only where servers have tables, keys only for certificates, auth where somebody may log in. */
bool		 slot_wanted(const struct slot *);
/* A process for what the slot says, which gets fds[1]; fds[0] is ours. */
pid_t		 slot_fork(const struct slot *, int fds[2]);

/* reading.c */
typedef void	 reading_done(struct parent *, struct generation *);
/*
 * Reads the tables of g that are wanted, in processes of their own, and has its
 * certificates examined by keys; done gets g
 * when none is wanted any more, perhaps before this returns.  g stays the
 * caller's until then when it is p->generation, else it is the reading's.
 */
void		 reading_start(struct parent *, struct generation *, reading_done *);
/* Gives it up, done is not called. */
void		 reading_drop(struct parent *);
/* CERTIFIED has come. */
void		 reading_certified(struct parent *);
/* A child has ended; false: it was none of a reading. */
bool		 reading_ended(struct parent *, pid_t, int status);

/* reload.c */
/* Reads the first generation's tables, then starts the processes. */
void		 reload_init(struct parent *);
void		 reload_asked(struct parent *);				/* SIGHUP */
void		 reload_ticket(struct parent *, uint64_t ticket);	/* RELOAD */
void		 reload_ready(struct parent *);				/* a READY came */
void		 reload_queue_gone(struct parent *);

/* status.c */
void		 status_asked(struct parent *, uint64_t ticket);
bool		 status_stats(struct slot *, struct msg *);
void		 status_slot_gone(struct slot *);
void		 status_queue_gone(struct parent *);

/* stop.c */
void		 stop_asked(struct parent *);	/* a second time: at once */
void		 stop_failed(struct parent *);	/* could not start: status 1 */
void		 stop_slot_gone(struct parent *);

#endif
