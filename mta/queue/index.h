/*
 * index.h - the messages that are not finished, and where each recipient stands.
 *
 * A message has targets: at first one for each recipient of its envelope,
 * more where one expands.  Memory is counted in octets here, because a
 * million messages must fit 1 GiB: envelopes stay packed, next hops are
 * interned, texts of a target are one packed piece each.
 */
#ifndef WB_MTA_QUEUE_INDEX_H
#define WB_MTA_QUEUE_INDEX_H

#include "base/buf.h"
#include "mta/msg/target.h"
#include "mta/spool/envelope.h"

struct hop;		/* schedule.h */
struct segment;		/* segments.h */
struct want;		/* schedule.h */

enum dest_state {
	DEST_NEW,	/* to be routed */
	DEST_ROUTING,	/* route has been asked */
	DEST_LOGGING,	/* its expansion is on its way into the status log */
	DEST_READY,	/* waits for its turn at the hop */
	DEST_ACTIVE,	/* in a job */
	DEST_WAIT,	/* until next_s; routed when hop is NULL then */
	DEST_FAILED,	/* for good; a notification has to be written */
	DEST_DONE,
	DEST_ARRIVED,	/* done, but its sender is still to be told */
	DEST_NSTATES
};

enum dest_flags {
	DEST_EXPANDED = 1 << 0,		/* one of several of its recipient */
	DEST_PREPARED = 1 << 1,		/* logged: only COMMIT is left; name is set */
	DEST_NAMED = 1 << 2,		/* by the expansion that is being read */
	DEST_IN_LINE = 1 << 3,		/* READY, and in a line */
	DEST_RELAYED = 1 << 4,		/* ARRIVED: at a next hop, not in a mailbox */
	DEST_FALLBACK = 1 << 5,		/* its hop could not take it: fallback.h */
	DEST_PINNED = 1 << 6		/* its hop was said by hand: a reload leaves it */
};

struct dest {
	struct hop	*hop;		/* a reference; NULL: not routed */
	char		*place;		/* packed target (record.h), NULL: the recipient at hop */
	char		*last;		/* packed last answer (struct answer), NULL: none */
	char		*name;		/* PREPARED: final base name; few have one, not in index_memory() */
	uint32_t	 place_n;
	uint32_t	 rcpt;		/* in the envelope */
	uint32_t	 next_s;	/* index time */
	uint32_t	 sub;		/* which of those that rcpt expands to */
	uint32_t	 next;		/* in its line: number + 1, 0: the last */
	uint16_t	 attempts;
	uint8_t		 state;
	uint8_t		 flags;
};

/* Targets one behind the other, by their numbers + 1. */
struct dest_line {
	uint32_t	first, last;	/* 0: none */
};

enum message_flags {
	M_BODY = 1 << 1,	/* content in a body file */
	M_ASKED = 1 << 2,	/* stands in a route ticket */
	M_DSN = 1 << 3,	/* a notification of ours */
	M_GONE = 1 << 4,	/* removed by hand; waits for its jobs */
	M_NOTIFYING = 1 << 5,	/* a notification about it is being written */
	M_TELLS = 1 << 6,	/* its sender may want to know that it has arrived */
	M_BY_RETURN = 1 << 7,	/* it has a deadline (RFC 2852), mode R */
	M_BY_NOTIFY = 1 << 8,	/* mode N */
	M_LATE = 1 << 9,	/* the sender has been told that it has passed */
	M_BINARY = 1 << 10,	/* BINARYMIME */
	M_HELD = 1 << 11,	/* kept.h: nothing of it is begun */
	M_QUARANTINED = 1 << 12,	/* with M_HELD: and not for ever */
	M_RELEASED = 1 << 13,	/* has been HELD: arrival_s says until when */
	M_HIGH = 1 << 14,	/* its priority; neither: normal */
	M_LOW = 1 << 15
};

struct message {
	struct message	*prev, *next;	/* in the order of arrival here */
	uint64_t	 qid;
	uint64_t	 size;		/* octets of content */
	struct segment	*seg;
	char		*env;		/* envelope's octets */
	struct dest	*dests;
	struct want	*wants;
	uint32_t	 offset8;	/* of the record in seg, divided by 8 */
	uint32_t	 env_n;
	uint32_t	 ndests, dests_cap;
	struct dest_line ready;		/* READY, and not at their hops yet */
	uint32_t	 in_state[DEST_NSTATES];	/* targets */
	uint32_t	 nopen;		/* that are not DONE */
	uint32_t	 jobs;		/* that are under way */
	uint32_t	 soonest_s;	/* none of WAIT is due before; 0: none waits */
	uint32_t	 wake_s;	/* earliest time that something is due */
	uint32_t	 heap_at;	/* place in the heap of such times; 0: none */
	uint32_t	 arrival_s;	/* wall; from here on its lifetime counts */
	uint16_t	 flags;
	uint8_t		 warned;	/* how often its sender was told of a delay */
};

/* What was last heard of a target. */
struct answer {
	uint16_t	code;
	struct span	status, mta, text;
	struct span	tls;		/* wanted and reached (mta/msg/relayed.h); empty: not known */
	struct span	login;		/* how the session has logged in, or why not; empty: not known */
	int64_t		when_ms;	/* wall */
};

/* Walks over all messages in slices, while messages come and go. */
enum index_cursor { CURSOR_DUMP, CURSOR_ROUTE, CURSOR_MOVE, CURSOR_ETRN,
	CURSOR_NCURSORS };

/* One of anybody's: index_walk_begin(). */
struct index_walk {
	struct index_walk	*next;
	struct message		*at;	/* to be looked at next */
	size_t			 left;	/* as many as there were, and no more */
};

struct index {
	struct message	**slots;	/* by queue id */
	size_t		 cap, n;
	struct message	*first, *last;
	struct message	**heap;		/* by wake_s, from 1 on */
	size_t		 heap_n, heap_cap;
	struct message	*cursors[CURSOR_NCURSORS];	/* next to be looked at */
	struct index_walk *walks;
	uint64_t	 octets;	/* contents of all */
	uint64_t	 come, gone;	/* messages, ever */
};

/*
 * A message of these envelope octets (copied), one NEW target for each
 * recipient; NULL: nonsense.  Not in the index yet.
 */
struct message	*message_new(struct span envelope);
void		 message_free(struct message **);
/* The envelope, tables in the arena, spans in the message. */
void		 message_envelope(const struct message *, struct arena *, struct envelope *);
struct span	 message_sender(const struct message *);	/* without parsing all */
int64_t		 message_arrival_ms(const struct message *);	/* wall; likewise */
unsigned	 message_priority(const struct message *);	/* enum attr_priority */
uint64_t	 message_offset(const struct message *);
/* In its segment; of a message with a body file: in that file. */
uint64_t	 message_content_offset(const struct message *);
uint64_t	 message_record_length(const struct message *);

/* false: there is one of this queue id. */
bool		 index_add(struct index *, struct message *);
struct message	*index_find(const struct index *, uint64_t qid);
void		 index_del(struct index *, struct message *);
/* In the order of arrival, by ids; nobody walks meanwhile. */
void		 index_sort(struct index *);

/*
 * Octets that messages take in this process, places in tables and lines
 * included; what is being allocated for a moment is not.
 */
size_t		 index_memory(void);

/*
 * A walk over all messages in the order of arrival, behind the message of this
 * id (0: from the first), while messages come and go; it does not follow those
 * that come for ever.  The storage is the caller's until index_walk_end().
 */
void		 index_walk_begin(struct index *, struct index_walk *, uint64_t after);
/* NULL: it is over. */
struct message	*index_walk_next(struct index_walk *);
void		 index_walk_end(struct index *, struct index_walk *);

/* Times are seconds of the boot clock; wake_s 0 takes it out. */
void		 index_wake_at(struct index *, struct message *, uint32_t wake_s);
/* The message that is due first, or NULL. */
struct message	*index_due(const struct index *, uint32_t now_s);

/* n more targets at the end, zeroed; the table may move. */
struct dest	*message_add_dests(struct message *, uint32_t n);
/* The first of a recipient. */
struct dest	*message_first_dest(struct message *, uint32_t rcpt);
/*
 * The one way for a state to change.  READY gets into the message's line, and
 * stays in one (sched_ready(), sched_forget()) until a job takes it.
 */
void		 dest_set_state(struct message *, struct dest *, unsigned state);
/* What is READY and has these flags gets into line again; for what was left out of it. */
void		 message_line_up(struct message *, uint8_t flags);
/* WAIT until then. */
void		 dest_wait(struct message *, struct dest *, uint32_t next_s);
void		 dest_line_add(struct message *, struct dest_line *, uint32_t dest);
void		 dest_line_push(struct message *, struct dest_line *, uint32_t dest);
/* The first, out of the line. */
uint32_t	 dest_line_take(struct message *, struct dest_line *);
void		 dest_line_drop(struct message *, struct dest_line *);
/* Copies; replaces what stood there.  NULL forgets. */
void		 dest_set_place(struct dest *, const struct target *);
/* The target as route gave it; spans live in dest. false: none (NULL place). */
bool		 dest_place(const struct dest *, struct target *);
/* NULL: none any more. */
void		 dest_set_answer(struct dest *, const struct answer *);
bool		 dest_answer(const struct dest *, struct answer *);
/* Final recipient: its own address, or the envelope's. */
struct span	 dest_address(const struct dest *, const struct envelope *);
/* The same for people: a command or file of a list has the list's (local.c). */
struct span	 dest_recipient(const struct dest *, const struct envelope *);
/* The envelope that leaves for it: MAIL FROM and RCPT TO. */
struct span	 dest_mail_from(const struct dest *, struct span sender);
bool		 dest_same_sender(const struct dest *, const struct dest *);
struct span	 dest_rcpt_to(const struct dest *, const struct envelope *);
const char	*dest_state_name(unsigned);

#endif
