/*
 * schedule_int.h - what the files of the scheduler share.
 *
 * flows.c: wants, flows, turns; site.c: what a site may take, and how that
 * changes; schedule.c: hops, jobs, time.
 */
#ifndef WB_MTA_QUEUE_SCHEDULE_INT_H
#define WB_MTA_QUEUE_SCHEDULE_INT_H

#include "mta/queue/schedule.h"

enum { RING_NEW, RING_AGAIN };

/* A message's place in line at a hop. */
struct want {
	struct message	*m;		/* NULL: given up */
	struct hop	*hop;		/* a reference */
	struct want	*in_flow;	/* next of the flow */
	struct want	*prev, *next;	/* of the message */
	struct dest_line line;		/* READY targets of the message here */
};

struct flow_key {
	uint64_t	site, sender;
	uint32_t	priority, again;
};

struct flow {
	struct flow	*prev, *next;	/* ring */
	struct site	*site;
	struct want	*first, *last;
	struct flow_key	 key;
	uint32_t	 deficit;
};

/* --- flows.c */
/* Whose turn it is; again: retries may have theirs.  NULL: nobody's. */
struct flow	*flows_turn(struct sched *, struct site *, bool again);
/* The flow's first want is done with; the flow is gone with its last. */
void		 flows_pop(struct sched *, struct flow *);
/* All wants of the hop change over to its new site. */
void		 flows_move(struct sched *, struct hop *, struct site *from);

/* --- site.c */
struct site	*site_new(struct sched *, bool local);
void		 site_enter(struct hop *, struct site *);
/* It goes with its last hop. */
void		 site_leave(struct sched *, struct hop *);
/* The least of its hops' limits, as they are now. */
void		 site_limit(struct site *);
/* Puts it behind those that may run, if it may. */
void		 site_consider(struct sched *, struct site *);
/* The next that may run, out of the list; NULL: none. */
struct site	*site_next(struct sched *);
/* There is no room for it now. */
void		 site_park(struct sched *, struct site *, enum site_place);
/* There is room again, for one of each kind. */
void		 site_unpark(struct sched *);
void		 site_unpark_all(struct sched *);
/* A quarter of relay's jobs is for new mail to where there is no trouble. */
bool		 sched_room_for_old(const struct sched *);
/* A retry may be started at it now. */
bool		 site_takes_again(const struct site *);
bool		 site_in_trouble(const struct site *);
/* How many recipients its rate leaves now, and that so many go. */
uint32_t	 site_pace_left(const struct sched *, const struct site *);
void		 site_pace_take(const struct sched *, struct site *, uint32_t n);
/* Each second: those that waited for their pace and have some again. */
void		 site_tick_paced(struct sched *);
void		 site_went(struct sched *, struct site *, enum sched_outcome);
void		 site_revive(struct sched *, struct site *);

#endif
