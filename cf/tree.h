/*
 * tree.h - the policy as it was written: declarations, rules, expressions.
 *
 * The grammar's actions build it, one call each; names.c and types.c fill in
 * what a node means; prove.c and emit.c read it.  Everything lies in the
 * compilation's arena.
 */
#ifndef WB_CF_TREE_H
#define WB_CF_TREE_H

#include "base/buf.h"
#include "ruleset/image.h"

struct cf;

/* A stretch of the policy text, in octets. */
struct cf_loc {
	uint32_t	pos, end;
};

struct cf_sym;
struct cf_local;
struct cf_pattern;

enum cf_expr_kind {
	CF_E_BAD,		/* an error has been reported */
	CF_E_CONST,		/* value */
	CF_E_TEXT,		/* list: parts, one after the other */
	CF_E_NAME,		/* name */
	CF_E_FIELD,		/* a.name */
	CF_E_INDEX,		/* a[b] */
	CF_E_CALL,		/* name(list) */
	CF_E_ELSE,		/* a else b */
	CF_E_MASK,		/* a/bits4/bits6 */
	CF_E_EQ,		/* a == b; negated: != */
	CF_E_ORDER,		/* a op b */
	CF_E_IN,		/* a in b; negated: not in */
	CF_E_NOT,		/* not a */
	CF_E_AND, CF_E_OR,	/* list */
	CF_E_UNKNOWN,		/* rcpt unknown */
	CF_E_MATCHES,		/* a matches /value/; value.bits: RS_REGEX_ICASE; negated */
	CF_E_LIKE,		/* a like b: a text whose parts are a pattern; negated */
	CF_E_LISTED,		/* a listed by name (name_loc); negated */
	CF_E_RATE,		/* rate value by list over value2 */
	CF_E_GREYLISTED,	/* greylisted by list for value */
	CF_E_SPF,		/* spf name */
	CF_E_RESOLVES,		/* a resolves; negated */
	CF_E_REACHABLE,		/* a reachable; negated */
	CF_E_OF,		/* a of b; negated */
	CF_E_PATVAR,		/* in a pattern: {name*} (op '*'), {name.} (op '.') */
	CF_E_OTHERWISE,		/* true, as the last rule says it */
	CF_E_CONVERT,		/* a read as type; made by types.c */
	CF_E_ADDRESS,		/* a@b; made of a text by rewrite.c */
	CF_E_SRS		/* a: the address that is rewritten; by rewrite.c */
};

/* What names.c has found a CF_E_NAME, FIELD or INDEX to mean. */
enum cf_ref {
	CF_R_NONE,
	CF_R_FACT,		/* fact */
	CF_R_PART,		/* part of the address a */
	CF_R_HEADER,		/* header["value"] */
	CF_R_LIST,		/* attachments, attachments.type: listof */
	CF_R_CAPTURE,		/* name: what a match of this rule has captured */
	CF_R_MAP,		/* sym[b] */
	CF_R_COLUMN,		/* column `name` of the record a */
	CF_R_SYM		/* sym: a tag, a let, an argument, or a whole set, map, ... */
};

struct cf_expr {
	enum cf_expr_kind	 kind;
	struct cf_loc		 loc;
	struct span		 name;
	struct cf_loc		 name_loc;	/* LISTED, SPF */
	struct rs_value		 value;
	struct rs_value		 value2;	/* RATE */
	uint8_t			 op;		/* ORDER: enum rs_op */
	uint8_t			 bits4, bits6;	/* MASK */
	bool			 negated;
	bool			 comma;		/* option values: a comma stood before */
	bool			 is_file;	/* a secret: the name of its file */
	uint16_t		 depth;		/* of the tree below */
	struct cf_expr		*a, *b;
	struct cf_expr		*list, *last;	/* operands, parts, arguments */
	struct cf_expr		*next;		/* in the list of another */

	/* names.c and types.c */
	enum cf_ref		 ref;
	enum rs_fact		 fact;
	enum rs_field		 part;
	enum rs_listof		 listof;
	struct cf_sym		*sym;
	struct cf_local		*captured;	/* MATCHES, LIKE */
	struct cf_pattern	*pattern;	/* LIKE */
	uint8_t			 type;		/* enum rs_type; NONE: not known */
	bool			 typed;
	bool			 tainted;	/* a stranger wrote it */
	bool			 asked;		/* a server has said it, as a table */
	bool			 table;		/* text out of a table: read as wanted */
	bool			 may_fail;	/* can come out unknown */
	bool			 nothing;	/* can come out as nothing */
};

enum cf_action_kind {
	CF_A_ACCEPT, CF_A_REJECT, CF_A_DEFER, CF_A_DISCARD,
	CF_A_ADD, CF_A_SET, CF_A_REMOVE, CF_A_LOG, CF_A_TAG,
	CF_A_EXPAND, CF_A_DELIVER, CF_A_RELAY, CF_A_MX, CF_A_REDIRECT,
	CF_A_MOVED, CF_A_VALUE,
	CF_A_VERDICT,		/* expr: MAP[...], a verdict out of a map */
	CF_A_QUARANTINE, CF_A_HOLD,	/* expr: why */
	CF_A_LMTP, CF_A_FILE,	/* expr: path */
	CF_A_PIPE,		/* expr: command; name: system user */
	CF_A_DELAY,		/* expr: constant time */
	CF_A_BCC,		/* expr */
	CF_A_USE, CF_A_SKIP,	/* name: of a milter */
	CF_A_APPLY,		/* expr: the call */
	CF_A_HEADERS_ONLY,
	CF_A_LANGUAGE,		/* expr */
	CF_A_PRIORITY,		/* expr: constant int, enum rs_priority */
	CF_A_SRS,		/* expand srs */
	CF_A_ALLOW,		/* expr: because; allow open relay */
	CF_A_HIDE,		/* targets; expr: their set, by types.c */
	CF_A_FILTER		/* name */
};

struct cf_reply {
	bool			 has_code, has_status;
	struct cf_loc		 code_loc, status_loc;
	int64_t			 code;
	struct span		 status;
	struct cf_expr		*text;		/* NULL: none */
};

struct cf_action {
	enum cf_action_kind	 kind;
	struct cf_loc		 loc;
	struct span		 name;		/* of map, mailbox, tag */
	struct cf_loc		 name_loc;
	struct cf_expr		*expr;
	struct cf_reply		 reply;
	struct cf_target	*targets;	/* HIDE: extensions */
	struct cf_sym		*sym;		/* names.c */
	struct span		 field;		/* types.c: header field's name */
	struct cf_action	*next;
};

struct cf_rule {
	struct cf_loc		 loc;
	bool			 is_let;
	struct span		 name;		/* let */
	struct cf_expr		*cond;		/* let: its value */
	struct cf_action	*actions;
	struct cf_action	*failing;	/* NULL: none written */
	bool			 has_failing;
	struct cf_sym		*sym;		/* let */
	struct cf_local		*captured;	/* all that its condition captures */
	bool			 goes_on;	/* the next one was written with it: tree_else.c */
	struct cf_rule		*next;
};

/* Items of sets and networks, entries of maps. */
enum cf_item_kind { CF_I_VALUE, CF_I_FILE, CF_I_RANGE, CF_I_ENTRY };
struct cf_item {
	enum cf_item_kind	 kind;
	struct cf_loc		 loc;
	struct rs_value		 value;		/* VALUE; FILE: path */
	struct ip		 last;		/* RANGE: from value.ip on */
	struct span		 key, text;	/* ENTRY */
	struct cf_item		*next;
};

/* One statement of an option block: a word, then its values. */
struct cf_opt {
	struct cf_loc		 loc;
	struct cf_expr		*values;	/* the words before, too */
	struct cf_opt		*block;		/* `for "*.shop.example" { ... }` */
	bool			 has_block;
	struct cf_opt		*next;
};

/* Statements of a test block; tests.c makes cf.h's steps of them. */
enum cf_tnode_kind {
	CF_TN_CLIENT, CF_TN_HELO,
	CF_TN_MAIL,		/* value; value2: "size", value3: octets; NONE: none */
	CF_TN_RCPT, CF_TN_VRFY, CF_TN_EXPN, CF_TN_HEADER,
	CF_TN_BODY, CF_TN_TIME, CF_TN_AFTER, CF_TN_MAP, CF_TN_MAP_FAILING,
	CF_TN_DNS, CF_TN_DNS_FAILING, CF_TN_ACCEPT, CF_TN_REJECT,
	CF_TN_DEFER, CF_TN_DISCARD, CF_TN_DELIVER, CF_TN_RELAY, CF_TN_MX,
	CF_TN_SENDER, CF_TN_RCPT_IS, CF_TN_HEADER_IS, CF_TN_TAG,
	CF_TN_UNKNOWN,
	CF_TN_MILTER,		/* value: its name; reply; value2: enum cf_tnode_kind in i; value3: stage, NONE: the last */
	CF_TN_MILTER_FAILING,	/* only in a CF_TN_MILTER */
	CF_TN_QUARANTINE, CF_TN_HOLD, CF_TN_FILTER, CF_TN_LMTP, CF_TN_PIPE, CF_TN_FILE,	/* value: text, NONE: any */
	CF_TN_STARTTLS,		/* value: version; value2: certificate; value3: cipher, both may be empty */
	CF_TN_DELIVERY, CF_TN_BOUNCE,	/* waited */
	CF_TN_HOP,		/* value: name; value2: ip; tls, waited */
	CF_TN_HEADERS_ONLY,
	CF_TN_HIDE,		/* extensions */
	CF_TN_DELAY, CF_TN_BCC, CF_TN_LOG,	/* value */
	CF_TN_RATE,		/* value: its name; value2: how many, NONE: failing */
	CF_TN_CALLOUT		/* value: address; value2: reachable, NONE: failing */
};

struct cf_tnode {
	enum cf_tnode_kind	 kind;
	struct cf_loc		 loc;
	struct rs_value		 value, value2, value3;
	struct cf_loc		 value_loc, value2_loc;
	struct cf_expr		*expr;		/* relay, tag */
	struct cf_expr		*list;		/* DNS: values */
	struct cf_target	*extensions;	/* HIDE */
	struct cf_reply		 reply;
	bool			 negated;	/* expect not */
	struct cf_tnode		*tls;		/* STARTTLS; NULL: none */
	struct cf_tnode		*waited;	/* value: time; value2: "attempts", value3: how many; NULL: none */
	struct cf_tnode		*next;
};

enum cf_decl_kind {
	CF_D_EDITION,		/* expr */
	CF_D_SETTING,		/* opts: one */
	CF_D_SET, CF_D_NET,	/* name, items */
	CF_D_MAP,		/* name, driver, where, as, items */
	CF_D_LISTEN,		/* name, where: what is spoken; opts */
	CF_D_SPOOL, CF_D_QUEUE, CF_D_LIMITS,	/* opts; QUEUE with `for`: expr too */
	CF_D_MAILBOX, CF_D_RELAY, CF_D_FILTER,	/* name, opts */
	CF_D_TLS, CF_D_AUTH, CF_D_NOTIFY, CF_D_SRS, CF_D_PROGRAMS, CF_D_MX, CF_D_REPORTS,	/* opts */
	CF_D_MILTER,				/* name, opts */
	CF_D_DNSLIST,		/* name, where, items (codes) */
	CF_D_REWRITE,		/* name: inbound or outbound; targets, rewrites */
	CF_D_TAG,		/* name, type_name, expr */
	CF_D_HOOK, CF_D_ROUTE,	/* name, rules */
	CF_D_RULESET,		/* name, args, type_name, rules; "verdict": rules of actions */
	CF_D_TEST		/* name, steps */
};

struct cf_arg {
	struct span		 name, type_name;
	struct cf_loc		 loc, type_loc;
	struct cf_sym		*sym;
	struct cf_arg		*next;
};

/* `rewrite inbound sender, rcpt { pattern => address }`, `hide dsn, chunking` */
struct cf_target {
	struct span		 name;		/* sender, rcpt, header */
	struct cf_loc		 loc;
	struct cf_target	*next;
};

struct cf_decl {
	enum cf_decl_kind	 kind;
	struct cf_loc		 loc;		/* of its first line */
	struct span		 name;
	struct cf_loc		 name_loc;
	struct span		 type_name;	/* tag, ruleset; map: kind */
	struct cf_loc		 type_loc;
	struct span		 driver, where;
	struct cf_loc		 driver_loc, where_loc;
	bool			 has_where, in_place;
	struct cf_expr		*expr;
	struct cf_item		*items;
	struct cf_opt		*opts;
	struct cf_rule		*rules;		/* REWRITE: cond is the pattern's text, one CF_A_VALUE */
	struct cf_target	*targets;	/* REWRITE; MAP: of which it is made */
	struct cf_arg		*args;
	struct cf_tnode		*steps;
	enum rs_hook		 hook;		/* names.c */
	struct cf_sym		*sym;
	struct cf_decl		*next;
};

/* A list that grows at its end, for the grammar. */
struct cf_rules { struct cf_rule *first, *last; };
struct cf_actions { struct cf_action *first, *last; };
struct cf_items { struct cf_item *first, *last; };
struct cf_opts { struct cf_opt *first, *last; };
struct cf_tnodes { struct cf_tnode *first, *last; };
struct cf_args { struct cf_arg *first, *last; };
struct cf_exprs { struct cf_expr *first, *last; };
struct cf_targets { struct cf_target *first, *last; };

#define CF_TREE_DEPTH	200	/* of one expression */

/* Expressions. */
struct cf_expr	*cf_bad(struct cf *, struct cf_loc);
struct cf_expr	*cf_const(struct cf *, struct cf_loc, struct rs_value);
struct cf_expr	*cf_name(struct cf *, struct cf_loc, struct rs_value word);
struct cf_expr	*cf_field(struct cf *, struct cf_loc, struct cf_expr *, struct rs_value word);
struct cf_expr	*cf_index(struct cf *, struct cf_loc, struct cf_expr *, struct cf_expr *);
struct cf_expr	*cf_call(struct cf *, struct cf_loc, struct rs_value word, struct cf_exprs);
struct cf_expr	*cf_mask(struct cf *, struct cf_loc, struct cf_expr *, struct rs_value bits4, const struct rs_value *bits6);
struct cf_expr	*cf_pair(struct cf *, struct cf_loc, enum cf_expr_kind, struct cf_expr *, struct cf_expr *, bool negated);
struct cf_expr	*cf_order(struct cf *, struct cf_loc, unsigned op, struct cf_expr *, struct cf_expr *);
struct cf_expr	*cf_one(struct cf *, struct cf_loc, enum cf_expr_kind, struct cf_expr *);
struct cf_expr	*cf_matches(struct cf *, struct cf_loc, struct cf_expr *, struct rs_value regex, bool negated);
struct cf_expr	*cf_listed(struct cf *, struct cf_loc, struct cf_expr *, struct rs_value list, struct cf_loc, bool negated);
struct cf_expr	*cf_rate(struct cf *, struct cf_loc, struct rs_value name, struct cf_exprs keys, struct rs_value rate);
struct cf_expr	*cf_greylisted(struct cf *, struct cf_loc, struct cf_exprs keys, struct rs_value wait);
struct cf_expr	*cf_spf(struct cf *, struct cf_loc, struct rs_value result, struct cf_loc);
/* {x*}, {x.}: e must be a bare name. */
struct cf_expr	*cf_patvar(struct cf *, struct cf_loc, struct cf_expr *, int op);
/* and, or: a long chain is one node, so that its length costs no depth. */
struct cf_expr	*cf_chain(struct cf *, struct cf_loc, enum cf_expr_kind, struct cf_expr *, struct cf_expr *);
/* Text with expressions: the first constant, then expression and constant in turn. */
struct cf_expr	*cf_text_begin(struct cf *, struct cf_loc, struct rs_value);
struct cf_expr	*cf_text_add(struct cf *, struct cf_loc, struct cf_expr *, struct cf_expr *, struct rs_value);
struct cf_exprs	 cf_exprs(struct cf_exprs, struct cf_expr *);
struct cf_exprs	 cf_comma(struct cf_exprs, struct cf_expr *);

/* Rules. */
struct cf_action *cf_action(struct cf *, struct cf_loc, enum cf_action_kind, struct cf_expr *);
struct cf_action *cf_action_name(struct cf *, struct cf_loc, enum cf_action_kind, struct rs_value name, struct cf_loc, struct cf_expr *);
struct cf_action *cf_action_reply(struct cf *, struct cf_loc, enum cf_action_kind, struct cf_reply);
struct cf_action *cf_action_hide(struct cf *, struct cf_loc, struct cf_targets);
struct cf_reply	 cf_reply(const struct rs_value *code, struct cf_loc, const struct rs_value *status, struct cf_loc, struct cf_expr *text);
struct cf_actions cf_actions(struct cf_actions, struct cf_action *);
struct cf_rule	*cf_rule(struct cf *, struct cf_loc, struct cf_expr *, struct cf_actions);
struct cf_rule	*cf_let(struct cf *, struct cf_loc, struct rs_value name, struct cf_expr *);
/* Appends; a NULL rule (in error) is left out. */
struct cf_rules	 cf_rules(struct cf_rules, struct cf_rule *);
/* `c => m[k] else n[k] else actions`: as many rules as that comes to. */
struct cf_rules	 cf_rules_else(struct cf *, struct cf_loc, struct cf_expr *cond, struct cf_exprs tables, struct cf_actions);
struct cf_rules	 cf_rules_join(struct cf_rules, struct cf_rules);
/* As written: before names are resolved. */
struct cf_action *cf_actions_copy(struct cf *, const struct cf_action *);
/* `failing => ...` belongs to the rule above it. */
struct cf_rules	 cf_failing(struct cf *, struct cf_loc, struct cf_rules, struct cf_actions);

/* Declarations. */
struct cf_item	*cf_item(struct cf *, struct cf_loc, enum cf_item_kind, struct rs_value);
struct cf_item	*cf_range(struct cf *, struct cf_loc, struct rs_value written);
struct cf_item	*cf_entry(struct cf *, struct cf_loc, struct rs_value key, struct rs_value value);
struct cf_items	 cf_items(struct cf_items, struct cf_item *);
/* A record's columns as the text that tables hold: name=value, one a line. */
struct rs_value	 cf_record(struct cf *, struct cf_loc, struct rs_value record, struct rs_value name, struct rs_value value);
bool		 cf_has_column(struct span record, struct span name);
struct cf_action *cf_action_priority(struct cf *, struct cf_loc, struct rs_value word, struct cf_loc);
struct cf_opt	*cf_opt(struct cf *, struct cf_loc, struct cf_exprs);
struct cf_opt	*cf_opt_block(struct cf *, struct cf_loc, struct cf_exprs, struct cf_opts);
struct cf_opts	 cf_opts(struct cf_opts, struct cf_opt *);
struct cf_targets cf_targets(struct cf *, struct cf_targets, struct rs_value word, struct cf_loc);
struct cf_arg	*cf_arg(struct cf *, struct rs_value name, struct cf_loc, struct rs_value type, struct cf_loc);
struct cf_args	 cf_args(struct cf_args, struct cf_arg *);
/* Each adds a declaration to the policy and returns it, for the few that go on. */
struct cf_decl	*cf_decl(struct cf *, struct cf_loc, enum cf_decl_kind);
struct cf_decl	*cf_decl_name(struct cf *, struct cf_loc, enum cf_decl_kind, struct rs_value name, struct cf_loc);
void		 cf_decl_items(struct cf_decl *, struct cf_items);
void		 cf_decl_opts(struct cf_decl *, struct cf_opts);
/* `tls reports`: there is no other word. */
void		 cf_decl_reports(struct cf *, struct cf_decl *, struct rs_value word, struct cf_loc, struct cf_opts);
void		 cf_decl_rules(struct cf_decl *, struct cf_rules);
void		 cf_decl_queue_for(struct cf *, struct cf_decl *, struct cf_loc, struct cf_exprs whom, struct cf_opts);
void		 cf_decl_type(struct cf_decl *, struct rs_value type, struct cf_loc);
/* `set of domain`, as one name. */
struct rs_value	 cf_type_of(struct cf *, struct rs_value what, struct rs_value of);
void		 cf_decl_map(struct cf_decl *, struct rs_value driver, struct cf_loc, const struct rs_value *where, struct cf_loc);
/* `first of a, b`: how is the driver. */
void		 cf_decl_made(struct cf_decl *, struct rs_value how, struct cf_loc, struct cf_targets);
void		 cf_decl_rewrite(struct cf_decl *, struct cf_targets, struct cf_rules);
void		 cf_decl_dnslist(struct cf_decl *, struct rs_value zone, struct cf_loc, struct cf_items codes);
void		 cf_decl_steps(struct cf_decl *, struct cf_tnodes);
void		 cf_decl_tag(struct cf_decl *, struct rs_value type, struct cf_loc, struct cf_expr *);
struct cf_decl	*cf_decl_ruleset(struct cf_decl *, struct cf_args, struct rs_value type, struct cf_loc);
/* `hostname "..."`: an option that stands at the top. */
void		 cf_setting(struct cf *, struct cf_loc, struct rs_value word, struct cf_loc, struct cf_exprs);
/* kind: what is spoken there; its name too, where it has none. */
void		 cf_decl_listen(struct cf *, struct cf_decl *, struct rs_value kind, struct cf_loc, struct cf_exprs, struct cf_opts);
/* A listener without an address: `listen programs`. */
void		 cf_decl_programs(struct cf_decl *, struct rs_value kind, struct cf_opts);

/* Tests. */
struct cf_tnode	*cf_tnode(struct cf *, struct cf_loc, enum cf_tnode_kind);
struct cf_tnode	*cf_tnode1(struct cf *, struct cf_loc, enum cf_tnode_kind, struct rs_value, struct cf_loc);
struct cf_tnode	*cf_tnode2(struct cf *, struct cf_loc, enum cf_tnode_kind, struct rs_value, struct cf_loc, struct rs_value, struct cf_loc);
struct cf_tnode	*cf_tnode_expr(struct cf *, struct cf_loc, enum cf_tnode_kind, struct cf_expr *);
struct cf_tnode	*cf_tnode_reply(struct cf *, struct cf_loc, enum cf_tnode_kind, struct cf_reply);
struct cf_tnode	*cf_tnode_map(struct cf *, struct cf_loc, struct rs_value map, struct cf_loc, struct rs_value key, struct rs_value value);
struct cf_tnode	*cf_tnode_client(struct cf *, struct cf_loc, struct rs_value ip, struct rs_value login, struct cf_loc, struct rs_value listener, struct cf_loc);
struct cf_tnode	*cf_tnode_milter(struct cf *, struct cf_loc, struct rs_value milter, struct cf_loc, enum cf_tnode_kind answer, struct cf_reply, struct rs_value stage, struct cf_loc);
struct cf_tnode	*cf_tnode_waited(struct cf *, struct cf_loc, enum cf_tnode_kind, struct cf_tnode *waited);
struct cf_tnode	*cf_tnode_hop(struct cf *, struct cf_loc, struct rs_value name, struct rs_value ip, struct cf_tnode *tls, struct cf_tnode *waited);
/* What is expected becomes a statement of its own: loc with the word `expect`. */
struct cf_tnode	*cf_tnode_expect(struct cf_loc, struct cf_tnode *, bool negated);
struct cf_tnode	*cf_tnode_hide(struct cf *, struct cf_loc, struct cf_targets);
struct cf_tnode	*cf_tnode_tag(struct cf *, struct cf_loc, struct rs_value tag, struct cf_loc, struct cf_expr *);
struct cf_tnode	*cf_tnode_dns(struct cf *, struct cf_loc, struct rs_value name, struct cf_loc, struct rs_value type, struct cf_loc, struct cf_exprs);
struct cf_tnodes cf_tnodes_join(struct cf_tnodes, struct cf_tnodes);
struct cf_tnodes cf_tnodes(struct cf_tnodes, struct cf_tnode *);

/* As it would be written; for messages and `show`. */
void		 cf_expr_print(const struct cf_expr *, struct buf *);
struct span	 cf_expr_text(struct cf *, const struct cf_expr *);
void		 cf_value_print(const struct rs_value *, struct buf *);
/* Quoted, with the escapes of the language. */
void		 cf_quote(struct span, struct buf *);

#endif
