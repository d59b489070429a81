/*
 * request.h - what a line on the control socket asks for.
 *
 *   WORD [ID] [KEY=VALUE ...]
 *
 * Words are divided by blanks.  In a value octets other than 0x21 to 0x7e and
 * '%' itself are %XX.  Keys are selections (all of them must hold) or say how
 * it is to be done; a key stands once.  The table of both: control.h.
 *
 * A parser: no queue in sight.  Spans of a request lie in its arena.
 */
#ifndef WB_MTA_QUEUE_REQUEST_H
#define WB_MTA_QUEUE_REQUEST_H

#include "base/arena.h"

#define REQUEST_LINE_MAX	4096	/* octets without the line's end */

/* Bits of request.states: those of targets as 1 << enum dest_state, and: */
#define REQUEST_HELD		(1u << 16)
#define REQUEST_QUARANTINED	(1u << 17)

/* A text with '*' for any octets; empty with given: the empty text. */
struct request_text {
	bool		given;
	struct span	text;
};

struct request {
	struct span	word;		/* the command */
	bool		has_id;
	uint64_t	id;
	/* Of messages. */
	struct request_text	sender;
	struct request_text	tag, tag_value;
	int64_t		older_ms, newer_ms;	/* age; 0: not given */
	unsigned	priorities;	/* bits of enum attr_priority; 0: any */
	/* Of targets. */
	struct request_text	recipient, hop;
	struct span	domain;		/* ".d": below it; empty: any */
	struct span	code, status;	/* the first digits, the first parts */
	struct span	text;		/* in the last reply; empty: any */
	uint32_t	states;		/* bits; 0: any */
	uint64_t	reasons;	/* bits of enum reason; 0: any */
	/* How. */
	bool		all;		/* everything is meant */
	bool		dry;		/* count, and do nothing */
	uint64_t	limit;		/* messages; 0: none */
	uint64_t	after;		/* list: behind this id; 0: from the first */
	struct span	to;		/* reroute: a relay of the policy */
	struct span	why;		/* hold, bounce: for people */
	struct span	by;		/* count: what by */
	struct span	part;		/* content: header */
	struct span	day;		/* tls-report: 2026-11-22; empty: today */
};

/* 0, or -1 with *why for people (lives in the arena or for ever). */
int	request_parse(struct span line, struct arena *, struct request *, const char **why);
/* Something is selected: `all` was not meant. */
bool	request_selects(const struct request *);
/* There are conditions on targets. */
bool	request_selects_targets(const struct request *);
/* Letters of ASCII in any case. */
bool	request_text_matches(const struct request_text *, struct span);

#endif
