/*
 * routing_int.h - a routing under way: routing.c walks it, expansion.c keeps
 * its addresses, targets.c what it has found, leaving.c its envelopes.
 */
#ifndef WB_MTA_POLICY_ROUTING_INT_H
#define WB_MTA_POLICY_ROUTING_INT_H

#include "mail/address.h"

#include "mta/policy/policy_int.h"

#define ROUTE_DEPTH	32	/* expansions inside each other */
#define ROUTE_MEMBERS	MAP_MEMBERS_MAX	/* of all lists of one routing */
#define ROUTE_SLICE_US	2000	/* of one turn of the loop */
#define ROUTE_LOOK	16	/* addresses between two looks at the clock */

/* What comes next for the address under way. */
enum route_phase {
	ROUTE_FIRST,		/* whom <postmaster> stands for is being found out */
	ROUTE_RULES,		/* `route` is asked */
	ROUTE_MAILBOX,		/* an expression of the mailbox is asked */
	ROUTE_FORWARD,		/* a forward file is being read */
	ROUTE_KEPT,		/* no mailbox: the general key holds */
	ROUTE_HOP,		/* an expression of the relay block is asked */
	ROUTE_SENDER,		/* `rewrite outbound sender` is asked */
	ROUTE_RCPT,		/* `rewrite outbound rcpt` is asked */
	ROUTE_NEXT,		/* nothing: on to the next address */
	ROUTE_OVER
};

/* A forward file and those that it includes. */
struct forward {
	struct target		 own;		/* the mailbox */
	bool			 commands;	/* its user may have some */
	bool			 self;		/* his own address is in it: said of that */
	bool			 bad, looped;	/* entries that are of no use, or lead back */
	bool			 good;		/* one that goes somewhere */
	unsigned		 frames;	/* open */
};

#define FRAME_FORWARD	(UINT32_MAX - 1)	/* a frame's map: a forward file */

/* An address that is being expanded. */
struct frame {
	struct address		 at;
	size_t			 first;		/* of its targets */
	struct span		 owner;		/* whom its members' mail comes from; empty: the sender */
	uint32_t		 map;		/* whose list it is; UINT32_MAX: a redirect */
	struct map_members	*members;	/* of the list; of several tables one behind the other */
	size_t			 nlists, list;	/* which of them */
	struct span		 redirect;
	struct forward		*forward;	/* NULL: it is none */
	struct span		 lines, line;	/* of it, still to be read */
	size_t			 n;		/* members so far, itself not counted */
	bool			 self;		/* it is one of its members */
	bool			 looped;	/* a member has led back to it */
	bool			 unsafe;	/* no table that may name commands */
};

struct outcome {
	const struct rs_verdict	*verdict;	/* NULL: not kept */
	const char		*file;		/* an included one that names it; NULL: none */
	uint32_t		line;		/* of that file */
	bool			unknown;	/* no such account */
	bool			cannot;		/* something could not be asked */
};

#define FILTERS_NOTED	8	/* of one routing, for who asks whether it goes through one */

struct routing {
	struct routing		*next;		/* idle */
	struct policy		*policy;
	struct arena		 arena;
	struct arena		 scratch;	/* until the next member */
	struct policy_facts	 facts;
	struct rs_record	*record;
	struct asking		*asking;
	routing_cb		*cb;
	void			*arg;
	enum routing_kind	 kind;
	bool			 dry;
	bool			 is_list;	/* the first address has been expanded */
	bool			 parked;	/* the evaluation is to be resumed */
	bool			 say_again;	/* what it said is to be taken once more */
	struct rs_verdict	 said;
	bool			 queued;	/* work() will be called by later() */
	bool			 over, busy, given_up;
	enum route_phase	 phase;
	struct address		 at;		/* the address under way */
	bool			 mailbox_only;	/* no table is asked for it (`\user`) */
	struct span		 from;		/* owner of the list it came from; empty: the sender */
	const char		*file;		/* included, that has it; NULL: none */
	uint32_t		 line;
	struct mailbox_find	 find;
	struct hop_asks		*hop;		/* next_hop.c; in the arena */
	struct {		/* a forward file that is being read */
		struct forward		*forward;
		struct span		 path, text;
		uint64_t		 ticket;
		bool			 open, in_ask, commands;
		enum forward_result	 is;
	}			 reading;
	struct span		 sender_of;	/* whose rewriting is known */
	enum rewritten		 sender_is;
	bool			 sender_known;
	struct address		 sender;	/* NEW: that leaves */
	const struct rs_verdict	*last;		/* of the address under way */
	struct rs_verdict	 deliver;	/* where last may be */
	struct rs_verdict	 kept_last;	/* likewise, while a relay block's expressions are asked */
	struct rs_verdict	 kept;		/* expand by a general key, while something nearer is looked for */
	bool			 has_kept;
	enum map_rank		 kept_rank;
	struct frame		*stack[ROUTE_DEPTH];	/* each when first needed */
	unsigned		 depth;
	bool			 own;		/* the address under way is among its own members */
	size_t			 members;	/* of all expansions */
	uint64_t		 steps;
	uint32_t		 through[FILTERS_NOTED];	/* filters that were met */
	unsigned		 nthrough;
	struct htab		 seen;		/* folded addresses: open or closed */
	struct target		*targets, first;
	struct outcome		*outcomes, first_outcome;
	size_t			 n, cap;
};

enum expansion {
	EXPANDED, EXPANDED_SELF, EXPANDED_DEEP, EXPANDED_BROKEN,
	EXPANDED_WAIT,		/* a table is being asked: again, when the asking is resumed */
	EXPANDED_REFUSED	/* the table says so; refusal is filled in */
};

static inline bool
target_good(const struct target *t)
{
	return t->kind != TARGET_FAIL && t->kind != TARGET_LATER;
}

/* --- targets.c */
struct routing	*routing_new(struct policy *, struct policy_facts *);
/* Adds a target for the address under way, with the last verdict. */
void		 routing_add(struct routing *, const struct target *);
/* What has been found so far does not count. */
void		 routing_forget(struct routing *);
void		 routing_fail(struct routing *, unsigned code, const char *status, struct span text);
/* "host", "host:port", "[address]:port" as a hop, or several of them (and "mx:name") by blanks; false: it is none. */
bool		 routing_host(struct span, struct arena *, struct span *hop);
/* "host", "host:port", "address", "[address]", "[address]:port" of a hop's parameter, in its one form; false: it is none. */
bool		 routing_host_value(struct span, struct arena *, struct span *out);
/* "/path", "unix:/path", "host:port", "[address]:port" as a hop of LMTP; false: it is none. */
bool		 routing_lmtp(struct span, struct arena *, struct span *hop);

/* --- routing.c */
/* An answer has come: it goes on. */
void		 routing_resume(struct routing *);
/* The address under way is deferred, because something could not be asked. */
void		 routing_cannot(struct routing *, struct span text);

/* The address under way is told so, with such a code. */
void		 routing_refuse(struct routing *, unsigned code, const char *status, struct span text);

/* --- next_hop.c */
/* By the rules: to this relay block, by MX (value: of whom, where a table says it), to a host, to a socket. */
void		 next_hop_relay(struct routing *, uint32_t object);
void		 next_hop_mx(struct routing *, const struct rs_value *);
void		 next_hop_host(struct routing *, struct span host);
void		 next_hop_lmtp(struct routing *, struct span where);
/* In ROUTE_HOP: what is to be evaluated, and what it has come to. */
struct rs_place	 next_hop_place(const struct routing *);
void		 next_hop_said(struct routing *, const struct rs_verdict *);

/* --- leaving.c */
/* The address under way leaves for this hop: with its envelope as it is, or the phase is ROUTE_SENDER or ROUTE_RCPT. */
void		 leaving_to(struct routing *, struct span hop);
/* In these phases: asks how the sender, or the recipient, is written. */
enum rs_run	 leaving_run(struct routing *, struct rs_verdict *);
/* And what was said of it. */
void		 leaving_said(struct routing *, const struct rs_verdict *);

/* --- list_owner.c */
/*
 * Whom the mail of the members of the list under way comes from, whose key has
 * this rank: its owner (MAP_FOUND), or as for the list (MAP_NONE).  MAP_WAIT, or
 * the table cannot be asked.
 */
enum map_result	 list_owner(struct routing *, uint32_t map, enum map_rank, struct span *owner);

/* --- forward.c */
/* The mailbox that was found has a forward file, which is to be asked for. */
bool		 forward_wanted(const struct routing *);
/* The phase is ROUTE_FORWARD; own: the mailbox. */
void		 forward_ask(struct routing *, const struct target *own);
/* In that phase: false: it has to be waited for. */
bool		 forward_said(struct routing *);
/* Nobody waits for it any more. */
void		 forward_stop(struct routing *);
/* The next entry; false: there are no more. */
bool		 forward_next(struct routing *, struct frame *, struct alias_member *);
void		 forward_include(struct routing *, struct frame *, const struct alias_member *);
void		 forward_elsewhere(struct routing *, struct frame *, const struct alias_member *);
void		 forward_bad(struct routing *, struct frame *, const struct alias_member *, const char *why);
/* All of it has been walked: the mailbox, where it is to have the mail too. */
void		 forward_end(struct routing *, struct frame *);

/* --- expansion.c */
/* A frame for the address under way; NULL: 32 deep already. */
struct frame	*routing_push(struct routing *);
/* Adds PIPE or FILE, a member of the address under way. */
void		 routing_add_elsewhere(struct routing *, struct target *);
void		 routing_first(struct routing *, struct span whole, size_t at);
/* One step to the next address: the phase is ROUTE_RULES when it is there, ROUTE_NEXT, or ROUTE_OVER. */
void		 routing_next(struct routing *);
/* WAIT: nothing has been done yet. */
enum expansion	 routing_expand(struct routing *, uint32_t map, struct rs_verdict *refusal);
/* How near the table's key is to the address under way; false: to be waited for. */
bool		 routing_rank(struct routing *, uint32_t map, enum map_rank *);
enum expansion	 routing_redirect(struct routing *, const struct rs_value *);

#endif
