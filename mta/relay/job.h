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
#include "mta/relay/outcome.h"
#include "mta/relay/segments.h"

struct job_rcpt {
	uint32_t	index;		/* in the envelope */
	struct span	address;
	bool		accepted;	/* by RCPT; waits for the final dot */
	uint16_t	code;		/* 0: no result yet */
	struct span	status, text;
};

struct job {
	TAILQ_ENTRY(job) entry;		/* its owner's list */
	struct arena	 arena;		/* the job itself lies in it */
	uint64_t	 id, qid;
	struct span	 hop;		/* as mta/msg/target.h says */
	struct span	 sender;	/* "" for <> */
	uint8_t		 flags;		/* enum envelope_flags */
	uint64_t	 offset, length;	/* of the content in fd */
	int		 fd;
	struct segment	*segment;	/* whose fd it is; NULL: the job's own */
	size_t		 n;
	struct job_rcpt	*rcpts;
	bool		 probe;		/* a callout: nothing is sent after RCPT */
	bool		 connected;	/* a session came about and did not break */
	struct span	 mta;		/* "name[address]" of the hop that was tried last */
};

/* Reads a RELAY message; NULL: nonsense. */
struct job	*job_read(struct msg *, struct segments *);
/* A callout for one address. */
struct job	*job_probe(uint64_t id, struct span hop, struct span address);
/* An address that cannot end a command's line. */
bool		 job_address_ok(struct span);
void		 job_free(struct job **);
/* Whether an address has octets above 127, or the envelope says SMTPUTF8. */
bool		 job_needs_utf8(const struct job *);
void		 job_set_mta(struct job *, struct span);
/* A result for one recipient; the first one stays. */
void		 job_result(struct job *, size_t rcpt, const struct outcome *);
/* For all that have none yet. */
void		 job_result_rest(struct job *, const struct outcome *);
/* For those that RCPT accepted and that have none yet. */
void		 job_result_accepted(struct job *, const struct outcome *);
/* Writes RELAYED. */
void		 job_write(const struct job *, struct chan *);

#endif
