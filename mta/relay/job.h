/*
 * job.h - RELAY: one message for one next hop, and what becomes of its recipients.
 *
 * Owns: its memory and its hold on the segment or body descriptor.
 */
#ifndef WB_MTA_RELAY_JOB_H
#define WB_MTA_RELAY_JOB_H

#include <sys/queue.h>

#include "base/arena.h"
#include "base/chan.h"
#include "mta/relay/content.h"
#include "mta/relay/outcome.h"
#include "mta/relay/segments.h"

#define JOB_CONTENT_MAX	(1u << 20)	/* octets of a content that is in CUT itself */

struct job_rcpt {
	uint32_t	index;		/* in the envelope */
	struct span	address;
	uint8_t		notify;		/* enum envelope_notify; 0: not given */
	struct span	orcpt_type;	/* empty: no ORCPT */
	struct span	orcpt;		/* decoded */
	struct span	wire;		/* the address as this hop can take it */
	bool		accepted;	/* by RCPT; waits for the final dot */
	uint16_t	code;		/* 0: no result yet; at the end: for another transaction */
	struct span	status, text;
	struct span	mta;		/* who said so; empty: the job's */
	struct job_before *before;	/* what the host before has said (move.h); NULL: there was none */
};

struct job_before;
struct job_moved;

struct job {
	TAILQ_ENTRY(job) entry;		/* its owner's list */
	struct arena	 arena;		/* the job itself lies in it */
	uint64_t	 id, qid;
	struct span	 hop;		/* as mta/msg/target.h says */
	struct span	 sender;	/* "" for <> */
	struct span	 wire_sender;	/* as this hop can take it */
	uint32_t	 flags;		/* enum envelope_flags */
	struct span	 envid;		/* empty: none */
	int64_t		 by_ms;		/* deadline, wall; with a flag of it */
	uint64_t	 offset, length;	/* of the content in fd */
	int		 fd;
	struct segment	*segment;	/* whose fd it is; NULL: the job's own */
	struct span	 content;	/* in the place of fd; empty: there */
	struct span	 origin[XFORWARD_NATTRS];	/* for a filter: where it came from; empty: not known */
	size_t		 n;
	struct job_rcpt	*rcpts;
	size_t		 nsend;		/* the first of these: that are sent to this hop */
	bool		 probe;		/* a callout: nothing is sent after RCPT */
	bool		 cut;		/* a server session's: its client waits */
	bool		 begun;		/* a session speaks of it */
	bool		 connected;	/* a session came about and did not break */
	uint32_t	 messages_max;	/* over one connection; 0: any number */
	struct span	 mx;		/* digest of the set of MX hosts; empty: none, not known */
	struct span	 facts;		/* of a login's expressions (mta/msg/login.h); empty: none are wanted */
	struct span	 login;		/* mechanism and login of its session, or why there is none; empty: none is wanted */
	bool		 held;		/* the hop has refused the login */
	uint8_t		 offers;	/* enum relayed_offers of the hop that was tried last */
	struct span	 mta;		/* "name[address]" of the hop that was tried last */
	uint8_t		 trouble;	/* enum relay_trouble */
	struct job_moved *moved;	/* hosts that it has been to (move.h) */
	struct span	 tls;		/* wanted and reached there: mta/msg/relayed.h */
};

/* Reads a RELAY message; NULL: nonsense. */
struct job	*job_read(struct msg *, struct segments *);
/*
 * Reads a CUT message behind its ticket; *connections is how many at most its
 * hop may have.  NULL: nonsense.
 */
struct job	*job_read_cut(struct msg *, uint32_t *connections);
/* A callout for one address. */
struct job	*job_probe(uint64_t id, struct span hop, struct span address);
/* An address that cannot end a command's line. */
bool		 job_address_ok(struct span);
/*
 * The flags that say which TLS it wants, for level_of() (mta/relay/level.h).  What
 * has no sender goes also where REQUIRETLS is not kept: a notification that is lost
 * helps nobody (RFC 8689, 5).
 */
uint32_t	 job_tls_flags(const struct job *);
void		 job_free(struct job **);
struct content_place job_content(const struct job *);
/* An address has octets above 127, or the envelope says SMTPUTF8. */
bool		 job_needs_utf8(const struct job *);
/*
 * Addresses for a hop: with utf8 as they are, else with A-labels (RFC 5890).
 * The recipients that cannot be said so have *why as their result then; what
 * is left stands first, nsend of them.  false: the sender cannot be said so,
 * and nothing is left.
 */
bool		 job_address(struct job *, bool utf8, const struct outcome *why);
/*
 * Of those that are sent, only so many recipients, of so many domains (0: any
 * number): the others stand behind them, nsend tells, and have no result.  true: there are such.
 */
bool		 job_limit(struct job *, size_t rcpts, size_t domains);
void		 job_set_mta(struct job *, struct span);
void		 job_set_mx(struct job *, struct span);
void		 job_set_tls(struct job *, struct span);
/* How its session has logged in, or why not; held: it was refused. */
void		 job_set_login(struct job *, struct span, bool held);
/* A result for one recipient; the first one stays. */
void		 job_result(struct job *, size_t rcpt, const struct outcome *);
/* For all that have none yet. */
void		 job_result_rest(struct job *, const struct outcome *);
/* For those that RCPT accepted and that have none yet. */
void		 job_result_accepted(struct job *, const struct outcome *);
/* Nothing of it was said to anybody: it has no results. */
void		 job_reset(struct job *);
/* The recipients with their results, into the message that is being written. */
void		 job_write_results(const struct job *, struct chan *);
/* Writes RELAYED. */
void		 job_write(const struct job *, struct chan *);

#endif
