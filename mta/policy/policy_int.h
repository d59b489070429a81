/*
 * policy_int.h - what the files of this room see of each other.
 *
 *   policy.c   opens an image and its tables, keeps what is asked often
 *   world.c    an evaluation, and what it asks: facts, tables, headers
 *   tables.c   what rules ask of tables, and what their verdicts mean
 *   tables_ask.c  the one way to a table: here, a server's, made of others
 *   tables_trace.c  which tables had an answer, for the record
 *   table_says.c  a table is asked from outside of rules
 *   memo.c     what servers' tables have said in an evaluation
 *   effects.c  what an evaluation does: header edits, tags, log lines, ...
 *   world_dns.c  what only DNS can say; lookup.c, lists.c and spf.c find it out
 *   names.c    the client's names, by DNS, once a session
 *   asked.c    a question to another process, and its answer
 *   callouts.c  what a next hop says of a recipient; `rcpt unknown`
 *   owned.c    whose mailbox an address is
 *   counted.c  rates and greylist, by the counters
 *   waiter.c   who waits for an answer of DNS
 *   srs.c      the block srs: its secrets, and addresses by it
 *   decide.c   a hook, and the dry run of route behind `on rcpt`
 *   parts.c    attachments of a message
 *   rewrite.c  an address becomes another
 *   routing.c  a recipient from the top, expanded, to its targets
 *   leaving.c  the envelope with which it leaves
 *   expansion.c  its members; list_owner.c  whom their mail comes from
 *   mailbox.c  account, owner and path of a mailbox
 *   home_domain.c  the domain of names that programs give without one
 *   postmaster.c  whom <postmaster> without a domain stands for
 *   facts.c    facts frozen into an envelope, and put back
 *   reply.c    a verdict as a reply
 *   record.c   a decision record, as a line of the log
 */
#ifndef WB_MTA_POLICY_POLICY_INT_H
#define WB_MTA_POLICY_POLICY_INT_H

#include "base/hash.h"

#include "mail/srs.h"
#include "mail/srs.h"
#include "mta/policy/policy.h"

#define IDLE_MAX	64	/* of each kind kept for the next use */

struct list;
struct lookups;
struct asking;

/* A mailbox block, taken apart once. */
struct policy_box {
	uint32_t	accounts;	/* map; UINT32_MAX: not a mailbox */
	struct rs_place	forward;	/* index UINT32_MAX: none */
	bool		owner_account;	/* uid and gid are columns of accounts */
	struct rs_place	account, path, quota, folder;
	bool		no_detail;	/* `detail none` */
};

/* Where a table is; those that are made of others are the last. */
enum table_how { TABLE_HERE, TABLE_ASKED, TABLE_FIRST, TABLE_UNION, TABLE_PIPE };
struct policy_table {
	enum table_how	 how;
	bool		 strangers;	/* who writes its values is nobody of ours */
	uint32_t	*members;	/* maps that it is made of */
	uint32_t	 n;
	uint64_t	 found, none, failed;
	int64_t		 alarm_ms;	/* when the log may hear of it again; 0: at once */
};

/* The block `programs`. */
struct policy_programs {
	struct span	 user, folder;
	struct span	*files;
	size_t		 nfiles;
	unsigned	 time_s, output;
	bool		 from_line;
};

struct policy {
	unsigned		 refs;
	struct rs_image		*image;
	struct map		**maps;		/* by number in the image */
	struct policy_table	*tables;	/* the same */
	bool			*failing;	/* `with map M failing` */
	uint32_t		 nmaps;
	bool			 virtusers;	/* one of them has whole addresses */
	struct policy_box	*boxes;		/* by object */
	uint32_t		 hooks[RS_NHOOKS];	/* function, or UINT32_MAX */
	struct span		 hostname, detail, postmaster;
	char			*postmaster_is;	/* found when first wanted */
	struct postmaster	*postmaster_search;	/* under way */
	struct span		 home_domain;	/* empty: not found yet */
	struct home_search	*home_search;	/* under way */
	uint64_t		 named;		/* facts_named() */
	struct policy_dns	 dns;
	struct policy_limits	 limits;
	struct policy_callouts	 callouts;
	struct policy_lookup	 lookup;
	struct policy_forward	 forward;
	struct policy_programs	 programs;
	uint32_t		 generation;
	struct list		*lists;		/* by number in the image */
	struct policy_counts	 counts;
	int64_t			 spf_alarm_ms;	/* none before */
	int64_t			 match_alarm_ms;
	bool			 quiet;
	void			(*later)(void (*)(void *), void *);
	bool			(*owner)(void *, uint32_t, uint32_t *, uint32_t *);
	bool			(*user)(void *, struct span, uint32_t *, uint32_t *);
	void			*owner_arg;
	struct policy_srs	*srs;		/* NULL: no such block */
	struct asking		*idle_askings;
	struct decision		*idle_decisions;
	struct routing		*idle_routings;
	unsigned		 nidle_askings, nidle_decisions, nidle_routings;
};

/* --- waiter.c */

/* Who waits for one answer at a time; cb and arg are the caller's. */
struct waiter {
	struct waiter		*next;
	struct waiter		**list;		/* NULL: waits for nothing */
	void			(*cb)(void *);
	void			*arg;
};
/* On the list of those who wait for an answer; off any other. */
void		 waiter_add(struct waiter **list, struct waiter *);
void		 waiter_stop(struct waiter *);
/*
 * The answer is there: each is called once, and may ask again or go.  The last
 * may take with it what the list lies in.
 */
void		 waiters_tell(struct waiter **list);
/* Nobody will be told: what they wait for goes. */
void		 waiters_stop(struct waiter **list);

/* --- names.c */

/* RS_WAIT: the waiter is told when it is there. */
enum rs_answer	names_get(struct policy_names *, const struct policy_dns *, const struct ip *, bool verified, struct waiter *, struct span *out);
/* What else DNS is asked for the session (lookup.h). */
struct lookups	*names_lookups(struct policy_names *);
/* What is known without asking; RS_WAIT: not yet. */
enum rs_answer	names_peek(const struct policy_names *, bool verified, struct span *out);

/* --- asked.c */

/* A question to another process: an evaluation has one at a time. */
struct asked {
	enum { ASKED_NOTHING, ASKED_WAITS, ASKED_ANSWERED } is;
	bool		in_ask;		/* it may be answered at once */
	uint64_t	ticket;
	enum rs_answer	answer;		/* HAVE: yes or no; CANNOT */
	bool		yes;
	void		(*cancel)(void *ctx, uint64_t ticket);	/* may be NULL */
	void		*ctx;
};
/* Before it is asked, and with the ticket behind it. */
void		asked_begin(struct asking *, void (*cancel)(void *, uint64_t), void *ctx);
void		asked_ticket(struct asking *, uint64_t ticket);
/* The answer, from the loop or while it is being asked; goes on. */
void		asked_told(struct asking *, enum rs_answer, bool yes);
/* RS_WAIT: it is not there.  Each answer is taken once. */
enum rs_answer	asked_take(struct asking *, struct rs_value *out);
/* Nobody waits for the answer any more. */
void		asked_stop(struct asking *);

/* --- memo.c */

struct memo_entry;
struct memo {
	struct arena		 arena;
	struct memo_entry	*entries;
	unsigned		 open;		/* questions under way */
};
/*
 * What a server says of its table; the question is copied.  MAP_WAIT: the
 * asking is resumed when all that is under way is there.  Lies in the memo.
 */
enum map_result	memo_ask(struct asking *, uint32_t map, const struct map_question *, struct map_answer *);
/* Nobody waits for what is under way; answers are gone. */
void		memo_drop(struct memo *);

/* --- tables_ask.c */

/* What a table says, and which one: of a table that is made of others one of those. */
struct table_answer {
	uint32_t		map;
	struct map_answer	a;
};
struct table_answers {
	struct table_answer	*all;	/* n; at one, or in the evaluation's memory */
	size_t			 n;	/* of a union more than one */
	struct table_answer	 one;	/* where nothing was found: who could not say */
};
/*
 * Asks a table, wherever it is.  MAP_WAIT: the asking is resumed when it may
 * be asked again, with the same question.  Answers last as long as the
 * evaluation.  Points into itself: not to be copied.
 */
enum map_result	tables_ask(struct asking *, uint32_t map, const struct map_question *, struct table_answers *);
/* Whether host names can matter to it (map_access_has_names). */
bool		tables_have_names(const struct policy *, uint32_t map);
void		tables_how(struct policy *);
void		tables_how_free(struct policy *);

/* --- tables_trace.c */

/*
 * What had a part in the last answer: of a table that is made of others those
 * of them that count (of a pipe each), of a server's table its key.  Where
 * it has no such key, or cannot say, key is what was asked.
 */
struct traced {
	struct table_answer	 said;
	enum map_result		 is;
};
struct trace {
	bool		 on;	/* somebody wants to know */
	struct traced	*v;	/* in the evaluation's memory */
	size_t		 n, cap;
};
void		trace_add(struct asking *, enum map_result, const struct map_question *, const struct table_answer *);
/* Those from `from` up to `to` had no part in it. */
void		trace_drop(struct asking *, size_t from, size_t to);
/* rs_world's answered(); ctx is the asking. */
bool		world_answered(void *ctx, unsigned i, struct rs_step *);
/* The same into a record. */
void		trace_record(struct asking *, struct rs_record *);

/* --- counted.c: rs_world's; ctx is the asking. */
enum rs_answer	world_rate(void *ctx, struct rs_eval *, uint32_t rate, const struct rs_value *key, struct rs_value *out);
enum rs_answer	world_greylisted(void *ctx, struct rs_eval *, const struct rs_value *key, int64_t wait_ms, struct rs_value *out);

/* --- callouts.c: rs_world's; ctx is the asking. */
enum rs_answer	world_reachable(void *ctx, struct rs_eval *, const struct rs_value *address, bool recipient, struct rs_value *out);
enum rs_answer	world_rcpt_unknown(void *ctx, struct rs_eval *, struct rs_value *out);

/* --- owned.c */
enum rs_answer	world_owned(void *ctx, struct rs_eval *, const struct rs_value *address, const struct rs_value *user, struct rs_value *out);

/* --- world.c */

/* One evaluation at a time; its memory is used again. */
struct asking {
	struct asking		*next;		/* idle */
	struct policy		*policy;
	struct rs_eval		*eval;
	struct policy_facts	*facts;
	struct waiter		 wait;		/* for DNS */
	unsigned		 hook;		/* enum rs_hook, that is asked */
	struct routing		*unknown;	/* the dry run for `rcpt unknown` */
	bool			 asking_unknown;	/* it is being started */
	struct asked		 asked;
	struct memo		 memo;
	struct trace		 trace;
	struct routing		*owner;		/* whose mailbox is owner_of? */
	struct span		 owner_of;
	bool			 asking_owner;	/* it is being started */
	struct policy_parts	*parts;		/* of facts that have only the content */
	bool			 peeks;		/* what is asked is not counted */
	bool			 routing;	/* belongs to a routing: no dry run inside */
	bool			 dry;		/* no effects */
	bool			 as_path;	/* facts are escaped as file names */
	bool			 empty_name;	/* as_path: one of them was empty */
	bool			 quarantined;	/* in `on rcpt`, by an access table */
	struct span		 quarantine_why;	/* lies in the evaluation */
	bool			 dns_failed;	/* DNS could not say what a rule has to know */
	struct arena		*tags_arena;	/* routing: tags are copied here when one is set */
	struct header_edit	*edits;
	size_t			 nedits, edits_cap;
	struct policy_effect	*effects;
	size_t			 neffects, effects_cap;
	void			(*resume)(void *);	/* an answer has come */
	void			*arg;
};

struct asking	*asking_new(struct policy *);
/* Its place on a list of those who wait: it is resumed. */
struct waiter	*asking_waiter(struct asking *);
/* Gives up what it waits for; back to the idle ones. */
void		 asking_free(struct asking **);
/* Frees those that are idle; when the policy ends. */
void		 askings_drop(struct policy *);
/* Prepares for another run: values of the last one are gone. */
void		 asking_reset(struct asking *, struct policy_facts *, struct rs_record *);
enum rs_run	 asking_run(struct asking *, uint32_t func, struct rs_verdict *);
/* With the arguments of a ruleset or rewrite block. */
enum rs_run	 asking_call(struct asking *, uint32_t func, const struct rs_value *args, unsigned n, struct rs_verdict *);
enum rs_run	 asking_resume(struct asking *, struct rs_verdict *);
/* The dry run that `rcpt unknown` made, for who needs it too; or NULL. */
struct routing	*asking_take_dry(struct asking *);

/* --- tables.c: rs_world's map_get(), access() and verdict(); ctx is the asking. */
enum rs_answer	 world_map_get(void *ctx, struct rs_eval *, uint32_t map, const struct rs_value *key, struct rs_value *out, uint32_t *line);
enum rs_answer	 world_access(void *ctx, struct rs_eval *, uint32_t map, enum rs_role, struct rs_value *out, uint32_t *line);
enum rs_answer	 world_verdict(void *ctx, struct rs_eval *, uint32_t map, const struct rs_value *, struct rs_verdict *);

/* --- effects.c */

/* rs_world's effect(); ctx is the asking. */
void		 world_effect(void *ctx, struct rs_eval *, enum rs_effect, uint32_t number, struct span name, const struct rs_value *);
/* policy_tags_new() has given them: their arena. */
struct arena	*tags_arena(struct rs_value *);
/* Memory for n tags that knows its arena. */
struct rs_value	*tags_alloc(size_t n, struct arena *);

/* --- world_dns.c: as struct rs_world has them */
enum rs_answer	 world_listed(void *ctx, struct rs_eval *, uint32_t list, const struct rs_value *key, struct rs_value *out);
enum rs_answer	 world_spf(void *ctx, struct rs_eval *, struct rs_value *out);
/* A verdict that is there: what DNS adds to it. */
void		 world_dns_ended(const struct asking *, struct rs_verdict *);
enum rs_answer	 world_resolves(void *ctx, struct rs_eval *, const struct rs_value *domain, struct rs_value *out);
/* --- rewrite.c */

/* Whether the block is to be asked of this address at all. */
bool		 rewrite_wanted(const struct policy *, enum rs_hook which, struct span whole, size_t at);
/* Runs the block; RS_PENDING: asking_resume(). */
enum rs_run	 rewrite_run(struct asking *, enum rs_hook which, struct policy_facts *, struct span whole, struct rs_record *, struct rs_verdict *);
/* What it has said of the address old; NEW: *out in the arena. */
enum rewritten	 rewrite_said(const struct rs_verdict *, const struct address *old, struct arena *, struct address *out);

/* --- parts.c: rs_world's item(); ctx is the asking. */
enum rs_answer	 world_item(void *ctx, struct rs_eval *, unsigned listof, unsigned i, struct rs_value *out);

/* --- srs.c */
void		 srs_open(struct policy *);
void		 srs_close(struct policy *);
/* rs_world's srs(); ctx is the asking. */
enum rs_answer	 world_srs(void *ctx, struct rs_eval *, const struct rs_value *address, bool back, struct rs_value *out);

/* --- routing.c */
enum routing_kind {
	ROUTING_REAL,
	ROUTING_DRY,	/* nothing is counted; over at the first target that goes somewhere */
	ROUTING_ALL,	/* nothing is counted; all targets */
	ROUTING_MEMBERS, /* nothing is counted; of a list its members, which are not routed */
	ROUTING_LEAVING	/* as REAL; over as soon as it is not one next hop for the recipient itself */
};
struct routing	*routing_start(struct policy *, struct policy_facts *, struct rs_record *, enum routing_kind, routing_cb *, void *arg);
void		 routings_drop(struct policy *);
/* A mailbox here is among the targets. */
bool		 routing_is_local(const struct routing *);

/* --- decide.c */
void		 decisions_drop(struct policy *);

/* --- postmaster.c */
/*
 * <postmaster> without a domain: RS_HAVE whom it stands for (the policy's
 * memory); RS_ABSENT: it is another address; RS_WAIT: the waiter is told.
 */
enum rs_answer	 policy_postmaster(struct policy *, struct span whole, size_t at, struct waiter *, struct span *out);
/* This route of his takes the mail to somebody. */
bool		 policy_postmaster_arrives(const struct policy *, const struct routing *);

/* --- programs.c */
void		 programs_open(struct policy *);
void		 programs_close(struct policy *);
/*
 * What `|command` of an alias or forward file becomes (*out, in the arena);
 * NULL, or why it may not be (static).
 */
const char	*programs_command(const struct policy *, struct span command, struct arena *, struct span *out);
/* The same of `/file` of an alias. */
const char	*programs_file(const struct policy *, struct span path);
/* An absolute path without ".", ".." and empty components. */
bool		 programs_straight(struct span path);
/*
 * PIPE or FILE with a path becomes what is done with it; rcpt: whom it is for,
 * where that is not the target's address.
 */
void		 programs_target(const struct policy *, struct target *, struct span rcpt, struct arena *);
/* The address of such a target that is a member of rcpt. */
struct span	 programs_name(const struct target *, struct span rcpt, struct arena *);
/* As this user, or the one of `programs`; false: there is no such user. */
bool		 programs_user(const struct policy *, struct span name, struct target *);

/* --- facts.c */

/* What route and the expressions of objects may name: RS_FACT_BIT, RS_TAG_BIT. */
uint64_t	 facts_named(const struct policy *);
bool		 facts_have_tags(const struct policy *);

/* --- mailbox.c */

/*
 * reply.c; what `on auth` says without a reply of its own, as AUTH does (RFC
 * 4954, 6): 535 5.7.8, 454 4.7.0.
 */
void		 verdict_of_auth(struct rs_verdict *);

/* value as a part of a path: octets that may not stand in a file's name as %XX. */
struct span	 mailbox_escape(struct span value, struct arena *);

/* BOX_WAIT: mailbox_told() is to be called again, with the same, when the asking is resumed. */
enum mailbox_step { BOX_ASK, BOX_DONE, BOX_NONE, BOX_LATER, BOX_WAIT };

/*
 * Finding account and path for an address, and what else a delivery wants to
 * know: ask says which function is to be run next, told takes its answer.
 */
struct mailbox_find {
	struct policy		*policy;
	struct asking		*asking;
	const struct policy_box	*box;
	uint32_t		 object;
	struct span		 users[2];	/* with detail, without */
	struct span		 detail;
	unsigned		 nusers, user;
	uint32_t		 uid, gid;	/* of the account, where the box wants it */
	struct span		 forward;	/* the file; empty: none */
	struct span		 domain;
	struct span		 account;	/* as the table writes it */
	enum { FIND_ACCOUNT, FIND_PATH, FIND_FORWARD, FIND_QUOTA, FIND_FOLDER } step;
	bool			 whole;		/* quota and folder are wanted too */
	struct span		 path, folder;
	uint64_t		 quota;		/* octets; 0: none */
	const char		*why;		/* BOX_LATER */
	struct rs_place		 place;		/* BOX_ASK: what to evaluate */
};

enum mailbox_step mailbox_begin(struct mailbox_find *, struct asking *, uint32_t object, const struct address *, bool whole, struct policy_facts *, struct arena *);
/* How it is delivered (mta/msg/deliver.h); empty: a Maildir without more. */
struct span	 mailbox_how(const struct mailbox_find *, struct arena *);
enum mailbox_step mailbox_told(struct mailbox_find *, const struct rs_value *, bool empty_name, struct policy_facts *, struct rs_record *, struct arena *);

#endif
