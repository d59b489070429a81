/*
 * conns.h - from jobs to sessions: finding an idle one, or connecting anew.
 *
 * A session belongs to one next hop and takes its messages one after the
 * other.  Which addresses are tried, and what follows from a failure, is said in
 * tries.c.  How many sessions a hop gets is the queue's business: one for each
 * job that it has under way.
 *
 * Owns: sessions, and jobs from conns_take() until they are answered.
 */
#ifndef WB_MTA_RELAY_CONNS_H
#define WB_MTA_RELAY_CONNS_H

#include "mta/relay/hops.h"
#include "mta/relay/job.h"

#define CONNS_MAX	2000	/* sessions; more jobs wait */
#define CONNS_IDLE_MAX	300	/* the one that is idle longest ends */
#define CONNS_IDLE_MS	10000	/* how long an idle session is kept */
#define CONNS_TRY_MS	240000	/* after these no further address is tried for a job */
#define CONNS_CLEAR_MS	600000	/* how long opportunistic sessions go without TLS where a handshake has failed */
/*
 * Until when the final dot must have been sent: with the ten minutes that a
 * hop may take to answer it (RFC 5321, 4.5.3.2.6) a job ends before the queue
 * takes it for lost (RELAY in messages.def).
 */
#define CONNS_JOB_MS	1100000

struct conns;
struct health;

struct conns_counters {
	size_t		sessions, idle, waiting;
	uint64_t	connects, reused, delivered, deferred, failed;
};

/* hops is borrowed; done takes the job that has all its results. */
struct conns	*conns_new(const struct hops *, void (*done)(void *arg, struct job *), void *arg);
/* Drops all sessions and jobs, at once and silently. */
void		 conns_free(struct conns **);
void		 conns_take(struct conns *, struct job *);
/* The policy has changed: sessions under way end after their message. */
void		 conns_renew(struct conns *);
/*
 * Who gave these jobs (all that mine() says) has gone: they are dropped, but
 * those whose final dot has been sent; these still come to done().
 */
void		 conns_abandon(struct conns *, bool (*mine)(const struct job *));
/*
 * Takes a job back, which its hop has not got then: true, and it is the
 * caller's again.  False: its final dot has been sent, and it comes to done().
 */
bool		 conns_take_back(struct conns *, struct job *);
bool		 conns_can_take_back(const struct conns *, const struct job *);
/* How many jobs this hop has under way. */
size_t		 conns_busy(const struct conns *, struct span hop);
/* What is due at this time; comes by itself once a second. */
void		 conns_tick(struct conns *, int64_t now_ms);
/* Nothing new; calls ended() when no session is left, perhaps before this returns. */
void		 conns_stop(struct conns *, void (*ended)(void *arg));
const struct conns_counters *conns_counters(struct conns *);
/* What of its next hops has failed. */
const struct health *conns_health(const struct conns *);

#endif
