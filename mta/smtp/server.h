/*
 * server.h - one worker: what its sessions share.
 */
#ifndef WB_MTA_SMTP_SERVER_H
#define WB_MTA_SMTP_SERVER_H

#include "base/arena.h"
#include "base/pool.h"
#include "mta/msg/auth.h"
#include "mta/msg/dns.h"
#include "mta/msg/told.h"
#include "mta/smtp/gateways.h"
#include "mta/smtp/generation.h"
#include "mta/smtp/intake.h"
#include "mta/smtp/limits.h"
#include "mta/smtp/secure.h"
#include "mta/smtp/session.h"

struct child_config;
struct listener;

/*
 * Octets of content in memory, all sessions of a worker and what the intake
 * holds.  Above it a session goes on with a body file as soon as it has more
 * than HELD_SMALL, so that no session waits for another: what can be held is
 * HELD_MAX and HELD_SMALL for each session.
 */
#define SERVER_HELD_MAX		(64u << 20)
#define SERVER_HELD_SMALL	(16u << 10)

/* What the postmaster was told of sessions in this hour; notes.c. */
struct server_told {
	int64_t		since_ms;	/* boot time */
	unsigned	sent, more;
};

struct server {
	struct generation	*gen;		/* of new sessions */
	struct session		*sessions;
	struct limits		 limits;
	struct gateways		 gateways;
	struct intake		*intake;
	struct pool		*bodies;	/* threads for body files */
	struct dns_client	*dns;
	struct callout_client	*callouts;
	struct cut_relay	*cut;		/* on its channel */
	struct limits_client	*counters;
	struct lookup_client	*lookup;
	struct auth_client	*auth;
	struct keys_client	*keys;
	struct secure_server	 secure;
	struct listener		*listeners;
	struct chan		*pickup;	/* programs.c; NULL: it is not there */
	struct arrival		*arrivals;	/* connections without their PROXY header yet */
	unsigned		 narrivals;
	struct arena		 scratch;	/* of one reply */
	struct timer		 sweep;
	unsigned		 instance;
	unsigned		 workers;	/* of this server's kind */
	bool			 records;	/* decision records go to the log */
	uint64_t		 next_id;
	uint64_t		 held;		/* octets of content in sessions */
	struct server_told	 told[SESSION_TOLD_N];
	bool			 stopping;
	bool			 sealing;
	int64_t			 stop_ms;	/* when the drain ends; boot time */
	void			(*stopped)(void *);
	void			*stopped_arg;
	struct {
		uint64_t	sessions, refused, accepted, commands, logins;
		uint64_t	cut, cut_spooled, cut_refused;	/* messages */
	} count;
};

struct server	*server_new(unsigned instance, unsigned workers);
/*
 * A new generation of settings and listeners; takes the descriptors. false: it
 * cannot be used, nothing has changed.
 */
bool		 server_config(struct server *, struct child_config *);
/* Another message of the parent: GATEWAYS. */
bool		 server_message(struct server *, struct msg *);
/* The same with a policy that is open, without listeners: for tests. */
void		 server_policy(struct server *, uint32_t number,
	    struct policy *);
/*
 * No new sessions; idle ones end with 421; cb when all have ended or drain_ms
 * is over.
 */
void		 server_stop(struct server *, uint32_t drain_ms,
	    void (*cb)(void *), void *arg);
/* Called by sessions that end. */
void		 server_left(struct server *);
/* What this worker may have: all, or its share while nobody counts for all. */
unsigned	 server_sessions_max(const struct server *);
void		 server_stats(struct server *, struct buf *);
/* Whether contents in memory are below SERVER_HELD_MAX. */
bool		 server_may_hold(const struct server *);

#endif
