/*
 * play.h - a session against a policy without a server: what `explain` and
 * `test` share.
 *
 * Hooks run in the order in which a client's commands would ask them, each
 * with its milters behind it; each is kept with its record, its reply and its
 * effects.  DNS and milters say what was given.
 */
#ifndef WB_MTA_CMD_PLAY_H
#define WB_MTA_CMD_PLAY_H

#include "base/buf.h"
#include "mail/address.h"

#include "mta/counters/counters.h"
#include "mta/policy/policy.h"

/*
 * --- fakedns.c: what DNS says; all other names are not there.  A name that
 * has a CNAME is answered for by the other.
 */

#define FAKEDNS_CNAME	5	/* beside enum dns_type: nobody asks for it */

struct fakedns_entry {
	struct span	name, value;	/* borrowed */
	unsigned	type;		/* of no matter when failing */
	bool		failing;
};

struct fakedns {
	struct arena		 arena;
	struct fakedns_entry	*v;
	size_t			 n;
};

void	fakedns_add(struct fakedns *, unsigned type, struct span name, struct span value, bool failing);
/* "NAME=IP": the name's address, and the address' name; "NAME=TYPE VALUE"; "NAME=failing". -1: none of these. */
int	fakedns_add_text(struct fakedns *, const char *);
void	fakedns_clear(struct fakedns *);
struct policy_dns fakedns_policy(struct fakedns *);

/* --- fakelimits.c: what has been counted */

/* As if so much had been counted of every key when the clock stood at began_ms. */
struct fakerate {
	struct span	name;
	int64_t		count;
	bool		failing;	/* cannot say */
};

struct fakelimits {
	struct counters	counters;	/* the caller's to init and clear */
	int64_t		now_ms, began_ms;
	struct fakerate	*rates;		/* the caller's */
	size_t		nrates;
};

struct policy_limits fakelimits_policy(struct fakelimits *);

/* --- fakecallouts.c: which addresses others would take mail for */

struct fakecallout {
	struct span		address;
	enum callout_answer	answer;
};

struct fakecallouts {
	struct arena		 arena;
	struct fakecallout	*v;
	size_t			 n;
	struct span		 unsaid;	/* the first that was asked for and is not there */
};

void	fakecallouts_add(struct fakecallouts *, struct span address, enum callout_answer);
/* "ADDRESS=yes", "ADDRESS=no", "ADDRESS=failing"; -1: none of these. */
int	fakecallouts_add_text(struct fakecallouts *, const char *);
void	fakecallouts_clear(struct fakecallouts *);
struct policy_callouts fakecallouts_policy(struct fakecallouts *);

/* --- play.c */

/* A hook that was asked, a milter, or a rewrite block. */
struct played {
	struct span		 command;	/* "RCPT TO:<b@example.org>" */
	struct span		 milter;	/* its name; empty: the hook */
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
	bool			 taken;		/* RCPT: it has been accepted */
	enum rs_verdict_kind	 kept;		/* RS_V_QUARANTINE, RS_V_HOLD; RS_V_END: not */
	struct span		 kept_why;
	bool			 rewrites;	/* a rewrite block */
	struct span		 rewritten;	/* what it gave; empty: nothing */
};

/* What a milter says at a stage; one that says nothing lets all pass. */
struct play_milter {
	uint32_t		 object;
	enum rs_hook		 stage;
	struct rs_verdict	 says;
	bool			 failing;	/* it cannot be asked */
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
	ptrdiff_t		 last_route;	/* of it, asked again; -1: it was not */
	bool			 rcpt_refused;	/* the last one */
	struct header_edit	*edits;
	size_t			 nedits;
	struct policy_effect	*effects;	/* delay, bcc, headers only, hide */
	size_t			 neffects;
	const struct play_milter *milters;	/* borrowed */
	size_t			 nmilters;
	bool			*milter_on;	/* by object */
	struct span		 login;		/* as whom it is still to log in; empty: not */
	bool			 content_done;
};

/* TLS of the client or of the next hop; all empty: none. */
struct play_tls {
	struct span	version, cipher;
	struct span	certificate;	/* the name in a verified one */
};

/* A hop that is about to get a message. */
struct play_hop {
	struct span	name;
	struct ip	ip;
	struct play_tls	tls;
};

/* How long a message has been in the queue. */
struct play_wait {
	int64_t		age_ms;
	unsigned	attempts;
};

/*
 * now_ms: the stopped clock. The policy is borrowed.  tx: of the session, and
 * one more for each message; 0: nothing is counted.
 */
void	play_begin(struct play *, struct policy *, int64_t now_ms, uint64_t tx);
void	play_end(struct play *);
/*
 * Each asks its hook, when nothing before has refused the session.  user: as
 * whom play_login() logs in, as the table of accounts writes the name; until
 * then nobody has, as in a session.
 */
void	play_connect(struct play *, const struct ip *, struct span listener, struct span user);
void	play_helo(struct play *, struct span name);
void	play_starttls(struct play *, const struct play_tls *);
/* Whoever is to log in does it now; `mail from` comes behind it anyhow. */
void	play_login(struct play *);
/* "a@b", "<a@b>", "<>"; -1: no address.  size: octets announced; 0: none. */
int	play_mail(struct play *, struct span address, uint64_t size);
int	play_rcpt(struct play *, struct span address);
/* "a@b", "<a@b>", or a name, which is at our hostname; -1: none of these. */
int	play_vrfy(struct play *, struct span who, bool expands);
void	play_header(struct play *, struct span field);
void	play_body(struct play *, struct span text);
/* Asks `on data` and `on content`, once. */
void	play_content(struct play *);
/* What answered the last command: the refusal that stands, or the last hook; NULL: nothing was asked. */
const struct played *play_answer(const struct play *);
/* The set of extensions that its listener and its rules hide from the client. */
uint32_t play_hidden(const struct play *);
/* The last recipient's routing; NULL when it was refused or not routed. */
struct routing *play_routing(const struct play *);
/* A hook has said so of the message, or of its last recipient: discard.  NULL: none. */
const struct played *play_fate(const struct play *, enum rs_verdict_kind);
/* A hook has said so of the message: RS_V_QUARANTINE, RS_V_HOLD.  NULL: none. */
const struct played *play_kept(const struct play *, enum rs_verdict_kind);
/* The content with the edits of all hooks so far; as it leaves, where it originates here. */
struct span	play_message(struct play *);
/* One of the forms in which the sender leaves for the last recipient's targets, or the sender itself. */
bool	play_sender_is(const struct play *, struct span address);

/* --- play_queue.c: what happens behind the queue, to the last recipient */

/* `on deliver`, for each mailbox that it goes into. */
void	play_delivery(struct play *, const struct play_wait *);
void	play_bounce(struct play *, const struct play_wait *);
void	play_relay(struct play *, const struct play_hop *, const struct play_wait *);

/* --- play_rewrite.c */

/*
 * An address becomes another (in the arena), or stays; false: that cannot be
 * said now, which is kept as a refusal.  Without such a block nothing is kept.
 */
bool	play_rewrite(struct play *, enum rs_hook which, struct address *);
/* The addresses of the content's header; false as above. */
bool	play_rewrite_header(struct play *, enum rs_hook which);
/* The message originates here: from one who may relay. */
bool	play_originates(struct play *);

/* --- play_reroute.c */

/* The tags as they are, in the arena. */
struct rs_value	*play_tags(struct play *);
/* After the content: routes that read a tag which has changed since are asked again. */
void	play_reroute(struct play *, const struct rs_value *before);

/* --- play_ask.c: between these files */

/* A new entry of v, without a verdict. */
struct played *play_new(struct play *, enum rs_hook, struct span command);
/* Keeps a verdict for it, with its reply. */
void	play_keep(struct play *, struct played *, const struct rs_verdict *);

/* Asks a hook; its number in v.  command is taken as it is. */
size_t	play_ask(struct play *, enum rs_hook, struct span command);
/* The milters of a stage, behind the hook at v[i]; the number of what refuses, or i. */
size_t	play_milters(struct play *, size_t i);
/* Those that the listener names. */
void	play_milters_begin(struct play *);

static inline bool
played_refused(const struct played *p)
{
	return p->verdict.kind == RS_V_REJECT || p->verdict.kind == RS_V_DEFER;
}

#endif
