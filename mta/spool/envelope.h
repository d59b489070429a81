/*
 * envelope.h - who sends what to whom, and the facts that routing may ask again.
 *
 * The octets of an envelope stand at the head of each message's record in a
 * segment and travel in ACCEPTED and ROUTE.  Format: doc/spool.md.  Frozen
 * facts carry their number in ruleset/facts.def and their value.
 */
#ifndef WB_MTA_SPOOL_ENVELOPE_H
#define WB_MTA_SPOOL_ENVELOPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "ruleset/value.h"

enum envelope_flags {
	ENV_8BIT = 1 << 0,	/* BODY=8BITMIME, or octets above 127 in the content */
	ENV_UTF8 = 1 << 1,	/* SMTPUTF8 */
	ENV_DSN	 = 1 << 2	/* a notification of ours: null sender, never bounced again */
};

struct envelope_fact {
	uint16_t	fact;	/* enum rs_fact; 0x8000 | n: tag number n */
	struct rs_value	value;
};

struct envelope {
	uint64_t		 qid;
	int64_t			 arrival_ms;	/* wall */
	uint32_t		 flags;
	uint64_t		 size;		/* octets of the content */
	struct span		 sender;	/* "local@domain", "" for <> */
	struct span		 policy;	/* hash of the image that accepted it */
	size_t			 nrcpts;
	struct span		*rcpts;		/* as given by the client, normalised */
	size_t			 nfacts;
	struct envelope_fact	*facts;
};

#define ENVELOPE_MAX		(4u << 20)	/* octets of one envelope */
#define ENVELOPE_SENDER_AT	30	/* offset of the sender's u16 length in the octets */

void	envelope_format(const struct envelope *, struct buf *);
/* Spans are borrowed from in, tables lie in the arena. 0, or -1: nonsense. */
int	envelope_parse(struct span in, struct arena *, struct envelope *);

#endif
