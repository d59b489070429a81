/*
 * play.h - a session against a policy without a server: what `explain` and
 * `test` share.
 *
 * Hooks run in the order in which a client's commands would ask them; each is
 * kept with its record, its reply and its effects.  DNS is what was given.
 */
#ifndef WB_MTA_CMD_PLAY_H
#define WB_MTA_CMD_PLAY_H

#include "base/buf.h"

#include "mta/policy/policy.h"

/* --- fakedns.c: what DNS says; all other names are not there */

struct fakedns_entry {
	struct span	name, value;	/* borrowed */
	enum dns_type	type;		/* of no matter when failing */
	bool		failing;
};

struct fakedns {
	struct arena		 arena;
	struct fakedns_entry	*v;
	size_t			 n;
};

void	fakedns_add(struct fakedns *, enum dns_type, struct span name, struct span value, bool failing);
/* "NAME=IP": the name's address, and the address' name; "NAME=failing". -1: neither. */
int	fakedns_add_text(struct fakedns *, const char *);
void	fakedns_clear(struct fakedns *);
struct policy_dns fakedns_policy(struct fakedns *);

/* --- play.c */

/* A hook that was asked. */
struct played {
	struct span		 command;	/* "RCPT TO:<b@example.org>" */
	enum rs_hook		 hook;
	struct rs_record	 record;
	struct rs_verdict	 verdict;
	bool			 by_route;
	uint32_t		 line;		/* of the rule that decided; 0: none */
	unsigned		 code;		/* the reply */
	struct span		 status, text;
	struct routing		*routing;	/* RCPT that was accepted, or is unknown */
	struct rs_record	 route_record;
	struct span		 rcpt;
};

struct play {
	struct policy		*policy;
	struct policy_facts	 facts;
	struct arena		 arena;
	struct buf		 content;
	bool			 in_body;
	struct played		*v;
	size_t			 n;
	ptrdiff_t		 refused;	/* by which hook the session was; -1: not */
	size_t			 rcpts;		/* RCPTs so far */
	ptrdiff_t		 last_rcpt;	/* in v; -1: none */
	struct header_edit	*edits;
	size_t			 nedits;
	bool			 content_done;
};

/* now_ms: the stopped clock. The policy is borrowed. */
void	play_begin(struct play *, struct policy *, int64_t now_ms);
void	play_end(struct play *);
/* Each asks its hook, when nothing before has refused the session. */
void	play_connect(struct play *, const struct ip *, struct span listener, struct span user);
void	play_helo(struct play *, struct span name);
/* "a@b", "<a@b>", "<>"; -1: no address. */
int	play_mail(struct play *, struct span address);
int	play_rcpt(struct play *, struct span address);
void	play_header(struct play *, struct span field);
void	play_body(struct play *, struct span text);
/* Asks `on data` and `on content`, once. */
void	play_content(struct play *);
/* What answered the last command: the refusal that stands, or the last hook; NULL: nothing was asked. */
const struct played *play_answer(const struct play *);
/* The content with the edits of all hooks so far. */
struct span	play_message(struct play *);

static inline bool
played_refused(const struct played *p)
{
	return p->verdict.kind == RS_V_REJECT || p->verdict.kind == RS_V_DEFER;
}

#endif
