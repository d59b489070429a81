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
	ENV_DSN	 = 1 << 2,	/* a notification of ours: null sender, never bounced again */
	ENV_BINARY = 1 << 3,	/* BODY=BINARYMIME: lines need not end, NUL and bare CR are data */
	ENV_REQUIRETLS = 1 << 4,	/* RFC 8689 */
	ENV_RET_FULL = 1 << 5,	/* RET= (RFC 3461, 4.3); neither: not given */
	ENV_RET_HDRS = 1 << 6,
	ENV_BY_RETURN = 1 << 7,	/* BY= (RFC 2852): mode R; by_ms is set */
	ENV_BY_NOTIFY = 1 << 8,	/* mode N; by_ms is set */
	ENV_BY_TRACE = 1 << 9,	/* with R or N: T */
	ENV_TLS_NOT_REQUIRED = 1 << 10,	/* header field TLS-Required: No (RFC 8689, 3); never with REQUIRETLS */
	ENV_FLAGS = (1 << 11) - 1	/* all of them */
};

/* NOTIFY= of a recipient (RFC 3461, 4.1); 0: not given. */
enum envelope_notify {
	NOTIFY_SUCCESS = 1 << 0,
	NOTIFY_FAILURE = 1 << 1,
	NOTIFY_DELAY = 1 << 2,
	NOTIFY_NEVER = 1 << 3,	/* alone */
	NOTIFY_ALL = (1 << 4) - 1
};

/* What RCPT said besides the address. */
struct envelope_param {
	uint8_t		notify;		/* enum envelope_notify */
	struct span	orcpt_type;	/* "rfc822", "utf-8", ...; empty: no ORCPT */
	struct span	orcpt;		/* the address, its xtext or utf-8 form decoded */
};

struct envelope_fact {
	uint16_t	fact;	/* enum rs_fact; 0x8000 | n: tag number n */
	struct rs_value	value;
};

/* What few envelopes have: attributes.h. */
struct envelope_attr {
	uint16_t	id;	/* enum attr_id, or one that only others know */
	struct span	value;
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
	struct span		 envid;		/* ENVID=, xtext decoded; empty: none */
	int64_t			 by_ms;		/* deadline of BY=, wall; with a flag of it */
	struct envelope_param	*params;	/* of each recipient; NULL: none has any */
	size_t			 nattrs;
	struct envelope_attr	*attrs;		/* by rising ids; set and asked by attributes.h */
};

#define ENVELOPE_MAX		(4u << 20)	/* octets of one envelope */
#define ENVELOPE_ENVID_MAX	100	/* octets; RFC 3461, 4.4 */
#define ENVELOPE_ORCPT_MAX	500	/* octets of an address; RFC 3461, 4.2 */
#define ENVELOPE_ORCPT_TYPE_MAX	40	/* octets of its type; open */
#define ENVELOPE_PARAM_MAX	(4 + 1 + 2 * 2 + ENVELOPE_ORCPT_TYPE_MAX + ENVELOPE_ORCPT_MAX)	/* of all parameters of a recipient */
#define ENVELOPE_ARRIVAL_AT	14	/* offset of the time of arrival in the octets */
#define ENVELOPE_SENDER_AT	30	/* offset of the sender's u16 length in the octets */

/* Values above the limits are the caller's bug. */
void	envelope_format(const struct envelope *, struct buf *);
/* Spans are borrowed from in, tables lie in the arena. 0, or -1: nonsense. */
int	envelope_parse(struct span in, struct arena *, struct envelope *);

#endif
