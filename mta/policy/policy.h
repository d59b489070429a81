/*
 * policy.h - a policy that runs: image, open tables, and the world of mail.
 *
 * What smtp, route, `explain` and `test` share: they bring facts, and get
 * verdicts and routes.  Hooks may be pending (DNS); then the callback comes
 * later, from the loop.
 */
#ifndef WB_MTA_POLICY_POLICY_H
#define WB_MTA_POLICY_POLICY_H

#include "base/buf.h"
#include "base/ip.h"
#include "mail/address.h"
#include "mail/header.h"
#include "maps/map.h"
#include "mta/msg/dns.h"
#include "mta/msg/callout.h"
#include "mta/msg/forward.h"
#include "mta/msg/limits.h"
#include "mta/msg/lookup.h"
#include "mta/msg/target.h"
#include "ruleset/interp.h"

/* Reference-counted: an evaluation holds the policy that it began with. */
struct policy;

/* How the world asks DNS: the server's dns_client, or a test's `with dns`. */
struct policy_dns {
	uint64_t	(*ask)(void *ctx, enum dns_type, struct span name, dns_cb *, void *arg);
	void		(*cancel)(void *ctx, uint64_t ticket);
	void		*ctx;
};

/*
 * How it asks what was counted: the server's limits_client, or a test's own
 * counters.  All NULL: nothing was ever counted.
 */
struct policy_limits {
	uint64_t	(*rate)(void *ctx, const struct limits_rate *, limits_cb *, void *arg);
	uint64_t	(*greylisted)(void *ctx, struct span key, int64_t wait_ms, bool peek, limits_cb *, void *arg);
	void		(*cancel)(void *ctx, uint64_t ticket);
	void		*ctx;
};

/* The limits process, by its client; NULL: all NULL. */
struct policy_limits policy_limits_by(struct limits_client *);

/*
 * How it asks a hop whether it would take a recipient: the relay process, by its
 * client, or a test's answers.  All NULL: it cannot be said.
 */
struct policy_callouts {
	uint64_t	(*ask)(void *ctx, struct span hop, struct span address, callout_cb *, void *arg);
	void		(*cancel)(void *ctx, uint64_t ticket);
	void		*ctx;
};

struct policy_callouts policy_callouts_by(struct callout_client *);

/*
 * How it asks a table that a server has: the lookup process, by its client, or
 * `waybill map query`'s.  All NULL: such a table says what was added to it
 * (map_add), and nothing else.
 */
struct policy_lookup {
	uint64_t	(*ask)(void *ctx, uint32_t generation, uint32_t map, const struct map_question *, lookup_client_cb *, void *arg);
	void		(*cancel)(void *ctx, uint64_t ticket);
	void		*ctx;
};

struct policy_lookup policy_lookup_by(struct lookup_client *);

/*
 * How it has a forward file read: the queue, which has a process of its owner do
 * it.  cb is called once, also before this returns.  NULL: there are none.
 */
typedef void policy_forward_cb(void *arg, enum forward_result, bool commands, struct span text);
struct policy_forward {
	uint64_t	(*read)(void *ctx, uint32_t uid, uint32_t gid, struct span path, policy_forward_cb *, void *arg);
	void		(*cancel)(void *ctx, uint64_t ticket);
	void		*ctx;
};

/*
 * What becomes of `|command` or `/file` in a table of aliases: NULL, or why
 * nothing may be done with it, and what to write (static).
 */
struct policy;
const char	*policy_alias_refusal(const struct policy *, bool is_command, struct span text);

struct policy_source {
	int		 image_fd;	/* or image_mem */
	struct span	 image_mem;
	const int	*file_fds;	/* by manifest index, -1: not there; NULL: paths are opened */
	size_t		 nfiles;
	struct policy_dns dns;
	struct policy_limits limits;
	struct policy_callouts callouts;
	struct policy_lookup lookup;
	uint32_t	 generation;	/* that lookup knows the image by */
	/*
	 * Indexes of tables that are files, by map number (maps/index.h), -1:
	 * the table could not be read.  NULL: the files are read here.
	 */
	const int	*index_fds;
	size_t		 nindexes;
	/* route and delivery: owner of a mailbox object (CONFIG_OWNER); NULL: 0, 0 */
	bool		(*owner)(void *arg, uint32_t mailbox, uint32_t *uid, uint32_t *gid);
	/* route: a system user whom the policy names (CONFIG_USER); NULL: 0, 0 */
	bool		(*user)(void *arg, struct span name, uint32_t *uid, uint32_t *gid);
	void		*owner_arg;
	struct policy_forward forward;
	/*
	 * `log "..."` of a rule, alarms and mistakes in tables are not written (the
	 * compiler has told them), and no DNS list is asked for its entry 127.0.0.2
	 * (explain, test)
	 */
	bool		 quiet;
	/* Long routings go on in another turn by this (loop_soon); NULL: at once. */
	void		(*later)(void (*)(void *), void *arg);
	/* mistakes in tables go to the log, and to this when it is not NULL */
	void		(*problem)(void *arg, const char *map, const char *path, const struct map_problem *);
	void		*problem_arg;
	bool		 notes;		/* what other servers do with an entry is told too */
};

struct policy	*policy_open(const struct policy_source *, const char **why);
struct policy	*policy_ref(struct policy *);
void		 policy_unref(struct policy **);
const struct rs_image *policy_image(const struct policy *);
struct map	*policy_map(struct policy *, uint32_t map);	/* for tests: map_add */
void		 policy_map_failing(struct policy *, uint32_t map);	/* `with map M failing` */
struct span	 policy_hostname(const struct policy *);
/*
 * The domain of a name that a program of this machine gives without one: our
 * hostname or the domain above it, whichever has mailboxes here; the hostname
 * as long as that is not known.  The first call begins to find out.
 */
struct span	 policy_home_domain(struct policy *);

/*
 * A secret of the block `srs`, copied: the first one signs, all verify.  Before
 * anything is evaluated; of a quiet policy it is one that tests know.
 */
void		 policy_srs_secret(struct policy *, struct span);
/* Those of a file, one on each line. */
void		 policy_srs_file(struct policy *, int fd);

/*
 * What a table says, as rules ask it, wherever it is.  cb is called once, before
 * this returns when nothing has to be waited for; what it is told is borrowed.
 * The question is the caller's until then.
 */
struct table_said {
	uint32_t		map;	/* that says it; of a made one a member */
	enum map_result		is;
	struct map_answer	answer;
};
struct table_says {
	enum map_result		 is;	/* never MAP_WAIT */
	size_t			 n;	/* of a union more than one */
	struct table_said	*all;
	struct span		 why;	/* a server's cannot say: the cause, or empty */
	/* Of one that is made of others, who had a part in it: of a pipe each. */
	size_t			 nby;
	struct table_said	*by;
};
typedef void table_says_cb(void *arg, const struct table_says *);
void		 policy_table_ask(struct policy *, uint32_t map, const struct map_question *, table_says_cb *, void *arg);

/* What could not be said since it was opened; each session asks once. */
struct policy_counts {
	uint64_t	list_cannot;	/* DNS lists */
	uint64_t	spf_cannot;	/* temperror */
};
const struct policy_counts *policy_counts(const struct policy *);
/* "tables":{"NAME":{"found":...,"none":...,"failed":...}}: how often each was asked, since it was opened. */
void		 policy_tables_stats(const struct policy *, struct buf *out);

/* What is known; borrowed by an evaluation until it ends.  Empty means not yet or none. */
struct policy_facts {
	struct ip	 client_ip;
	uint16_t	 client_port;
	struct span	 listener;
	struct span	 helo;
	struct span	 filtered;	/* the content filter that the message has come back from; empty: none */
	bool		 gateway;	/* client_ip may be that of a gateway: grants nothing */
	bool		 authenticated;
	struct span	 user;
	uint32_t	 user_map;	/* of accounts that user is in, its number and one; 0: not known */
	struct span	 sender;	/* whole address */
	size_t		 sender_at;
	struct span	 rcpt;
	size_t		 rcpt_at;
	unsigned	 rcpts_count;
	uint64_t	 size;
	uint64_t	 lines;
	unsigned	 hops;
	struct span	 content;	/* on content: the message, for header["..."] */
	const struct policy_parts *parts; /* of the content, ended; NULL: content is all there is, and looked through */
	int64_t		 now_ms;	/* wall; 0: the clock */
	/*
	 * `rate` counts once for each tx (session or message, unique for
	 * ever), command and hook; with tx 0 rates and greylist are asked
	 * without being counted.
	 */
	uint64_t	 tx;
	uint32_t	 command;
	bool		 probe;		/* only a question: the hook has no effects, but on these tags */
	/* TLS with the client; in HOOK_RELAY with the next hop */
	struct span	 tls_version, tls_cipher;	/* "TLSv1.3"; empty: none */
	bool		 tls_verified;
	struct span	 certificate;	/* name in the client's verified one */
	/* HOOK_DELIVER, HOOK_BOUNCE, HOOK_RELAY */
	int64_t		 queue_age_ms;
	unsigned	 queue_attempts;
	struct span	 bounce_kind, bounce_status;	/* HOOK_BOUNCE */
	struct span	 hop_name;	/* HOOK_RELAY */
	struct ip	 hop_ip;
	/* account of a mailbox expression */
	struct span	 account_user, account_domain, account_detail, account;
	/* names, lists and domains looked up so far; the world fills them in and asks at most once a session */
	struct policy_names *names;	/* policy_names_new(), one for a session; may be NULL: not asked */
	struct rs_value	*tags;		/* by tag number; TAG changes them */
};

struct policy_names;
struct policy_names *policy_names_new(void);
/*
 * The name is what somebody tells who is believed (XCLIENT), instead of what the
 * reverse zone says; it counts as verified only if it leads back to the address.
 * Empty: there is none, or (cannot) it could not be found out.
 */
void		 policy_names_tell(struct policy_names *, struct span name, bool cannot);
/* Questions under way are given up; nobody waits for them then. */
void		 policy_names_free(struct policy_names **);
/* What is known of the client's names from elsewhere (a frozen fact): DNS is not asked.  Copied. */
void		 policy_names_set(struct policy_names *, struct span name, struct span verified);
/* Tags at their defaults, in the arena; what TAG sets is copied into it too. */
struct rs_value	*policy_tags_new(const struct policy *, struct arena *);

/*
 * Frozen facts: smtp asks for each bit of policy_route_facts() and keeps the
 * value in the envelope, route puts it back.  Neither asks DNS: a name that
 * is not known yet is RS_T_UNKNOWN, one that is not there RS_T_NONE.  fact is
 * an enum rs_fact, or POLICY_FACT_TAG | number of a tag, as in the envelope.
 */
#define POLICY_FACT_TAG	0x8000u
struct rs_value	 policy_fact_get(const struct policy *, const struct policy_facts *, unsigned fact);
void		 policy_fact_set(const struct policy *, struct policy_facts *, unsigned fact, const struct rs_value *);

/*
 * The attachments of a message, gathered as its octets come: from the first
 * header field on, without dot-stuffing.  After the last of them end, then they
 * may be the facts' parts.
 */
struct policy_parts;
struct policy_parts *policy_parts_new(void);
void		 policy_parts_feed(struct policy_parts *, struct span);
void		 policy_parts_end(struct policy_parts *);
void		 policy_parts_free(struct policy_parts **);
/* Whether the policy asks for them anywhere. */
bool		 policy_asks_parts(const struct policy *);

/* What a hook decided, with its effects; lies in the decision. */
struct decision;
typedef void decision_cb(void *arg, struct decision *);

/*
 * Evaluates a hook.  cb is called once: before this returns when nothing had
 * to be waited for (the usual case), else from the loop.  facts are borrowed
 * until then.  record may be NULL.  For HOOK_RCPT an accept is followed by the
 * dry run of route, whose refusal is the answer (design, order of evaluation 5).
 * A hook that the policy does not have: RS_V_END; on rcpt ends closed, with
 * a reject 550 5.7.1.  <postmaster> without a domain is asked as postmaster at
 * our hostname or the domain above it (or what `postmaster` says), and
 * accepted where that is a mailbox here (RFC 5321, 4.5.1).  cb may be NULL; it may free the decision,
 * which is never pending when it runs: NULL is returned then.
 */
struct decision	*policy_decide(struct policy *, enum rs_hook, struct policy_facts *, struct rs_record *, decision_cb *, void *arg);
/* Whether the policy has that hook, or that block of `rewrite`. */
bool		 policy_has(const struct policy *, enum rs_hook);
const struct rs_verdict *decision_verdict(const struct decision *);
/* Header edits of HOOK_CONTENT (and earlier hooks), in order. */
const struct header_edit *decision_edits(const struct decision *, size_t *n);
/*
 * The other effects for who runs the session, in order: RS_E_DELAY, RS_E_BCC,
 * RS_E_MILTER_USE, RS_E_MILTER_SKIP, RS_E_HEADERS_ONLY, RS_E_LANGUAGE, RS_E_PRIORITY, RS_E_HIDE.  Lie in the
 * decision.
 */
struct policy_effect {
	enum rs_effect	kind;
	uint32_t	object;		/* MILTER_*: in the image; HIDE: bits RS_EXT_BIT() */
	struct rs_value	value;		/* DELAY: time; BCC: address */
};
const struct policy_effect *decision_effects(const struct decision *, size_t *n);
/*
 * RS_V_QUARANTINE or RS_V_HOLD when the message is to be kept, else RS_V_END.
 * Besides the verdict, `on rcpt` may have met an access table's QUARANTINE,
 * which is no objection there.  why lies in the decision.
 */
enum rs_verdict_kind decision_kept(const struct decision *, struct span *why);
/* Rule that decided: line in the policy, 0: none. */
uint32_t	 decision_line(const struct decision *);
/* cb has been called. */
bool		 decision_done(const struct decision *);
/*
 * An accept of `on rcpt` that rested on the client's address only, which may
 * be a gateway's (facts.gateway): it has become a refusal.
 */
bool		 decision_by_gateway(const struct decision *);
/* The verdict is that of route, run dry after `on rcpt` had accepted. */
bool		 decision_by_route(const struct decision *);
/* Frees; one that is pending is given up, cb is not called. */
void		 decision_free(struct decision **);

/*
 * Rewriting of an address by the block which (RS_HOOK_REWRITE_...), in the
 * style of policy_decide(): cb is called once, before this returns when
 * nothing had to be waited for; it may free the rewriting, NULL is returned
 * then.  <> and an address without a domain stay as they are; so does one that
 * no pattern matches.  record may be NULL.
 */
enum rewritten {
	REWRITTEN_SAME,
	REWRITTEN_NEW,
	REWRITTEN_CANNOT	/* a table has failed, or says what is no address */
};
struct rewriting;
typedef void rewriting_cb(void *arg, struct rewriting *);
struct rewriting *policy_rewrite(struct policy *, enum rs_hook which, struct policy_facts *, struct span whole, struct rs_record *record, rewriting_cb *, void *arg);
bool		 rewriting_done(const struct rewriting *);
/*
 * Whether a client may relay: `on rcpt` would accept this recipient, whom
 * nobody knows (RFC 2606, 2), with facts.probe and without counting.
 */
#define POLICY_STRANGER	"nobody@relaying.invalid"
/* NEW: *out lies in the rewriting. */
enum rewritten	 rewriting_result(const struct rewriting *, struct address *out);
/* Frees; one that is pending is given up, cb is not called. */
void		 rewriting_free(struct rewriting **);

/*
 * The reply to an SMTP command for a verdict: code, status, text (hostile
 * octets are not in it; CR, LF and NUL never).  Lies in the arena.
 */
void		 policy_reply(const struct rs_verdict *, struct arena *, unsigned *code, struct span *status, struct span *text);

/*
 * Routes a recipient from the top, expanding (32 deep, a name that leads to
 * itself is delivered).  The targets lie in the routing; real runs and dry
 * runs differ in nothing but who reads them.  facts->rcpt is the recipient.
 */
struct routing;
typedef void routing_cb(void *arg, struct routing *);
struct routing	*policy_route(struct policy *, struct policy_facts *, struct rs_record *, routing_cb *, void *arg);
/*
 * The same without counting, and over at the first target that goes
 * somewhere: a long list is not read further.
 */
struct routing	*policy_route_dry(struct policy *, struct policy_facts *, struct rs_record *, routing_cb *, void *arg);
/*
 * As policy_route() for who only wants to know whether the recipient leaves as
 * it is for one next hop; else it is over early.  It counts, once with the real
 * route of the same facts.tx.
 */
struct routing	*policy_route_leaving(struct policy *, struct policy_facts *, struct rs_record *, routing_cb *, void *arg);
/* Its target: a next hop, with the envelope as it leaves; NULL: it does not. */
const struct target *routing_leaves(const struct routing *);
/*
 * Whom a list has, one level deep (EXPN), without counting: the targets'
 * addresses are its members, as they stand in the table, POLICY_MEMBERS_MAX at
 * most.  Not told: commands, files, and whom an included file names, which may
 * be somebody else's.  Of what is no list the targets are where it goes.
 */
#define POLICY_MEMBERS_MAX	100
struct routing	*policy_route_members(struct policy *, struct policy_facts *, routing_cb *, void *arg);
bool		 routing_is_list(const struct routing *);
/*
 * Whether a dry run has come past `filter` with this object.  Dry runs, and those
 * of POLICY_ALL_FILTERS in filtered, see what is behind the filters.
 */
#define POLICY_ALL_FILTERS	"*"
bool		 routing_goes_through(const struct routing *, uint32_t object);
const struct target *routing_targets(const struct routing *, size_t *n);
/*
 * The verdict that ended each target's last route: of dry runs, of those with a
 * record, and where routings are not sliced (`test`, `explain`); else NULL.
 */
const struct rs_verdict *routing_verdict(const struct routing *, size_t target);
/* The included file and its line that name a target's address; NULL: none does. */
const char	*routing_member(const struct routing *, size_t target, uint32_t *line);
/* cb has been called. */
bool		 routing_done(const struct routing *);
/* How far it is: members read and rules asked so far. */
uint64_t	 routing_steps(const struct routing *);
/* `rcpt unknown`: 1 no mailbox would be found, 0 known, -1 cannot say. */
int		 routing_unknown(const struct routing *);
/* The first target that refuses, when none of them goes anywhere: what RCPT is told; -1: none. */
ptrdiff_t	 routing_refusal(const struct routing *);
void		 routing_free(struct routing **);

/*
 * Records of the running server (`waybill run --records`): a new one for a
 * decision or a routing, its line `decision` in the log, its end.  NULL is
 * none: nothing is logged.
 */
struct rs_record	*policy_record_new(const char *ref);
void		 policy_record_log(const struct policy *, struct rs_record **);
void		 policy_record_free(struct rs_record **);
/*
 * What is known at RCPT, or where a session was refused, as a line `traffic`
 * of the log: a session for `waybill diff` (waybill(8), TRAFFIC).
 */
void		 policy_traffic_log(const struct policy *, const struct policy_facts *, const char *ref);

/* `trust gateway IP because "..."`: this address grants as it stands. */
bool		 policy_trusts_gateway(const struct policy *, const struct ip *);
/*
 * Which facts route, and the expressions of mailboxes and relays, may name:
 * what smtp freezes into the envelope.  Bit n: enum rs_fact n.
 */
uint64_t	 policy_route_facts(const struct policy *);
/* The same of a tag. */
bool		 policy_route_tag(const struct policy *, unsigned tag);

#endif
