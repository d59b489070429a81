/*
 * parser.y - the grammar of a policy, as waybill.conf(5) gives it.
 *
 * Pure, with locations; an action is one call that builds a node.  Where
 * statements end is decided in ends.c.  An error is reported where it is and
 * the grammar goes on behind the statement.
 */
%code top {
#include "config.h"
}
%code requires {
#include "cf/tree.h"
struct cf_parser;
}
%code {
#include "cf/lexer.h"
#include "cf/syntax.h"

#define YYLLOC_DEFAULT(cur, rhs, n) do {				\
	(cur).pos = (n) ? YYRHSLOC(rhs, 1).pos : YYRHSLOC(rhs, 0).end;	\
	(cur).end = (n) ? YYRHSLOC(rhs, n).end : YYRHSLOC(rhs, 0).end;	\
} while (0)

#define C	(p->cf)
/* What follows is skipped: the next error is a new one. */
#define RESUME() do {							\
	if (p->recover) {						\
		yyclearin;						\
		yyerrok;						\
	}								\
} while (0)
}

%define api.pure full
%define api.prefix {cf_yy}
%define api.token.prefix {T_}
%define api.location.type {struct cf_loc}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param {struct cf_parser *p}

%union {
	struct rs_value		 v;
	struct cf_expr		*expr;
	struct cf_exprs		 exprs;
	struct cf_targets	 targets;
	struct cf_action	*action;
	struct cf_actions	 actions;
	struct cf_rule		*rule;
	struct cf_rules		 rules;
	struct cf_item		*item;
	struct cf_items		 items;
	struct cf_opt		*opt;
	struct cf_opts		 opts;
	struct cf_arg		*arg;
	struct cf_args		 args;
	struct cf_decl		*decl;
	struct cf_tnode		*tnode;
	struct cf_tnodes	 tnodes;
	struct cf_reply		 reply;
	struct {
		enum cf_tnode_kind	kind;
		struct cf_reply		reply;
	} says;
}

%code {
static int	 cf_yylex(CF_YYSTYPE *, struct cf_loc *, struct cf_parser *);
static void	 cf_yyerror(struct cf_loc *, struct cf_parser *, const char *);
}

%token YYEOF 0 "the end of the file"
%token BEGIN_POLICY BEGIN_OPTIONS NEWLINE
%token END "the end of the line"
%token <v> WORD "a name" TEXT "a text" INT "a number" SIZE "a size"
%token <v> TIME "a time" DATE "a date" STATUS "a status" IP "an address"
%token <v> NETWORK "a network" RANGE "a range" ADDRESS "a mail address"
%token <v> RATE "a rate" REGEX "a regular expression"
%token <v> TEXT_HEAD "the start of a text" TEXT_MID "more of a text"
%token <v> TEXT_TAIL "the rest of a text"
%token ARROW "'=>'" GIVES "'->'" EQ "'=='" NE "'!='" LE "'<='" GE "'>='"

/* Words that are never names. */
%token <v> AND "'and'" OR "'or'" NOT "'not'" IN "'in'" OF "'of'"
%token <v> MATCHES "'matches'" LIKE "'like'" LISTED "'listed'"
%token <v> UNKNOWN "'unknown'" ELSE "'else'" OTHERWISE "'otherwise'"
%token <v> FAILING "'failing'" TRUE "'true'" FALSE "'false'"
%token <v> ACCEPT "'accept'" REJECT "'reject'" DEFER "'defer'"
%token <v> DISCARD "'discard'" MX "'mx'" REACHABLE "'reachable'"
%token <v> RESOLVES "'resolves'" VERDICT "'verdict'"

/* Words that are reserved only where they stand. */
%token <v> ADD "'add'" AFTER "'after'" AS "'as'" BODY "'body'"
%token <v> CLIENT "'client'" CLOCK "'time'" DELIVER "'deliver'" DNS "'dns'"
%token <v> EDITION "'edition'" EXPAND "'expand'" EXPECT "'expect'"
%token <v> FILE "'file'" FROM "'from'" HEADER "'header'" HELO "'helo'"
%token <v> LET "'let'" LIMITS "'limits'" LISTEN "'listen'" LOG "'log'"
%token <v> MAIL "'mail'" MAILBOX "'mailbox'" MAP "'map'" MOVED "'moved'"
%token <v> NET "'net'" ON "'on'" QUEUE "'queue'" RCPT "'rcpt'"
%token <v> REDIRECT "'redirect'" RELAY "'relay'" REMOVE "'remove'"
%token <v> ROUTE "'route'" RULESET "'ruleset'" SENDER "'sender'"
%token <v> SET "'set'" SPOOL "'spool'" TAG "'tag'" TEST "'test'" TO "'to'"
%token <v> WITH "'with'" ALLOW "'allow'" APPLY "'apply'"
%token <v> BECAUSE "'because'" BCC "'bcc'" BY "'by'"
%token <v> CODES "'codes'" DELAY "'delay'"
%token <v> DNSLIST "'dnslist'" FOR "'for'" GREYLISTED "'greylisted'"
%token <v> HEADERS "'headers'" INBOUND "'inbound'" FILTER "'filter'" LMTP "'lmtp'"
%token <v> MILTER "'milter'" ONLY "'only'" OPEN "'open'"
%token <v> OUTBOUND "'outbound'" OVER "'over'" PIPE "'pipe'"
%token <v> QUARANTINE "'quarantine'" RATES "'rate'"
%token <v> REWRITE "'rewrite'" SKIP "'skip'" SPF "'spf'" TLS "'tls'"
%token <v> USE "'use'" BOUNCE "'bounce'" HOP "'hop'"
%token <v> STARTTLS "'starttls'" FIRST "'first'" UNION "'union'"
%token <v> NOTIFY "'notify'" LANGUAGE "'language'" PRIORITY "'priority'" SRS "'srs'"
%token <v> PROGRAMS "'programs'"
%token <v> AUTH "'auth'" HIDE "'hide'" VRFY "'vrfy'" EXPN "'expn'"
%token <v> HOLD "'hold'"
%token HIDES_TOO "','"		/* between the extensions of 'hide' */

/* A name before a '(' is a ruleset's. */
%precedence NAME
%precedence '('

%type <v> word word_but_on type direction login listener account cell bare record stage
%type <v> octets made who
%type <expr> cond expr conj neg cmp val masked post primary text text_part literal
%type <expr> value path_text reply_text part index call
%type <exprs> args args1 values keys elses
%type <targets> targets extensions
%type <reply> reply
%type <says> milter_says
%type <action> action
%type <actions> actions
%type <rule> value_rule rewrite_rule
%type <rules> rule rules value_rules rewrite_rules
%type <item> item net_item entry
%type <items> items item_list net_items net_list entries entry_list
%type <opt> option
%type <opts> options opts_block opts_maybe
%type <arg> param
%type <args> params params1
%type <decl> map_head ruleset_head verdict_head
%type <tnode> step expected tls_said waited dns_line
%type <tnodes> steps dns_lines with_step

%%

input
	: BEGIN_POLICY statements
	| BEGIN_OPTIONS options	{ p->options = $options.first; }
	;

statements
	: statement
	| statements END statement
	;

statement
	: %empty
	| EDITION INT		{ cf_decl(C, @$, CF_D_EDITION)->expr = cf_const(C, @2, $2); }
	| WORD values		{ cf_setting(C, @$, $1, @1, $2); }
	| SET word '=' '{' items '}'
				{ cf_decl_items(cf_decl_name(C, @$, CF_D_SET, $2, @2), $items); }
	| NET word '=' '{' net_items '}'
				{ cf_decl_items(cf_decl_name(C, @$, CF_D_NET, $2, @2), $net_items); }
	| map
	| LISTEN word ON values opts_maybe
				{ cf_decl_listen(C, cf_decl_name(C, @$, CF_D_LISTEN, $2, @2), $2, @3, $values, $5); }
	| LISTEN word word_but_on ON values opts_maybe
				{ cf_decl_listen(C, cf_decl_name(C, @$, CF_D_LISTEN, $3, @3), $2, @4, $values, $6); }
	| LISTEN word opts_maybe
				{ cf_decl_programs(cf_decl_name(C, @$, CF_D_LISTEN, $2, @2), $2, $opts_maybe); }
	| LISTEN word word_but_on opts_maybe
				{ cf_decl_programs(cf_decl_name(C, @$, CF_D_LISTEN, $3, @3), $2, $opts_maybe); }
	| SPOOL opts_block	{ cf_decl_opts(cf_decl(C, @$, CF_D_SPOOL), $2); }
	| QUEUE opts_block	{ cf_decl_opts(cf_decl(C, @$, CF_D_QUEUE), $2); }
	| QUEUE FOR values opts_block
				{ cf_decl_queue_for(C, cf_decl(C, @$, CF_D_QUEUE), @2, $3, $4); }
	| LIMITS opts_block	{ cf_decl_opts(cf_decl(C, @$, CF_D_LIMITS), $2); }
	| MAILBOX word opts_block
				{ cf_decl_opts(cf_decl_name(C, @$, CF_D_MAILBOX, $2, @2), $3); }
	| RELAY word opts_block	{ cf_decl_opts(cf_decl_name(C, @$, CF_D_RELAY, $2, @2), $3); }
	| MX opts_block		{ cf_decl_opts(cf_decl(C, @$, CF_D_MX), $2); }
	| FILTER word opts_block
				{ cf_decl_opts(cf_decl_name(C, @$, CF_D_FILTER, $2, @2), $3); }
	| TLS opts_block	{ cf_decl_opts(cf_decl(C, @$, CF_D_TLS), $2); }
	| TLS word opts_block	{ cf_decl_reports(C, cf_decl(C, @$, CF_D_REPORTS), $2, @2, $3); }
	| AUTH opts_block	{ cf_decl_opts(cf_decl(C, @$, CF_D_AUTH), $2); }
	| SRS opts_block	{ cf_decl_opts(cf_decl(C, @$, CF_D_SRS), $2); }
	| NOTIFY opts_block	{ cf_decl_opts(cf_decl(C, @$, CF_D_NOTIFY), $2); }
	| PROGRAMS opts_block	{ cf_decl_opts(cf_decl(C, @$, CF_D_PROGRAMS), $2); }
	| MILTER word opts_block
				{ cf_decl_opts(cf_decl_name(C, @$, CF_D_MILTER, $2, @2), $3); }
	| DNSLIST word '=' TEXT CODES net_items
				{ cf_decl_dnslist(cf_decl_name(C, @$, CF_D_DNSLIST, $2, @2), $4, @4, $6); }
	| REWRITE direction targets '{' rewrite_rules '}'
				{ cf_decl_rewrite(cf_decl_name(C, @$, CF_D_REWRITE, $2, @2), $targets, $5); }
	| TAG word ':' type	{ cf_decl_type(cf_decl_name(C, @$, CF_D_TAG, $2, @2), $4, @4); }
	| TAG word ':' type '=' val
				{ cf_decl_tag(cf_decl_name(C, @$, CF_D_TAG, $2, @2), $4, @4, $6); }
	| ruleset_head '{' value_rules '}'
				{ cf_decl_rules($1, $3); }
	| verdict_head '{' rules '}'
				{ cf_decl_rules($1, $3); }
	| ON word '{' rules '}'	{ cf_decl_rules(cf_decl_name(C, @$, CF_D_HOOK, $2, @2), $4); }
	| ROUTE '{' rules '}'	{ cf_decl_rules(cf_decl(C, @$, CF_D_ROUTE), $3); }
	| TEST TEXT '{' steps '}'
				{ cf_decl_steps(cf_decl_name(C, @$, CF_D_TEST, $2, @2), $4); }
	| error			{ RESUME(); }
	;

/* Sets, networks, maps. */
items
	: item_list
	| item_list ','
	;
item_list
	: item			{ $$ = cf_items((struct cf_items){ 0 }, $1); }
	| item_list ',' item	{ $$ = cf_items($1, $3); }
	| error			{ $$ = (struct cf_items){ 0 }; }
	;
item
	: TEXT			{ $$ = cf_item(C, @$, CF_I_VALUE, $1); }
	| ADDRESS		{ $$ = cf_item(C, @$, CF_I_VALUE, $1); }
	| INT			{ $$ = cf_item(C, @$, CF_I_VALUE, $1); }
	| FILE TEXT		{ $$ = cf_item(C, @2, CF_I_FILE, $2); }
	;

net_items
	: net_list
	| net_list ','
	;
net_list
	: net_item		{ $$ = cf_items((struct cf_items){ 0 }, $1); }
	| net_list ',' net_item { $$ = cf_items($1, $3); }
	| error			{ $$ = (struct cf_items){ 0 }; }
	;
net_item
	: IP			{ $$ = cf_item(C, @$, CF_I_VALUE, $1); }
	| NETWORK		{ $$ = cf_item(C, @$, CF_I_VALUE, $1); }
	| RANGE			{ $$ = cf_range(C, @$, $1); }
	| FILE TEXT		{ $$ = cf_item(C, @2, CF_I_FILE, $2); }
	;

map
	: map_head '{' '}'
	| map_head '{' entries '}'
				{ cf_decl_items($1, $3); }
	| map_head '{' entries '}' AS word
				{ cf_decl_items($1, $3); cf_decl_type($1, $6, @6); }
	| map_head word		{ cf_decl_map($1, $2, @2, NULL, @2); }
	| map_head word AS word	{ cf_decl_map($1, $2, @2, NULL, @2); cf_decl_type($1, $4, @4); }
	| map_head word TEXT	{ cf_decl_map($1, $2, @2, &$3, @3); }
	| map_head word TEXT AS word
				{ cf_decl_map($1, $2, @2, &$3, @3); cf_decl_type($1, $5, @5); }
	| map_head word opts_block
				{ cf_decl_map($1, $2, @2, NULL, @2); cf_decl_opts($1, $3); }
	| map_head word AS word opts_block
				{ cf_decl_map($1, $2, @2, NULL, @2); cf_decl_type($1, $4, @4); cf_decl_opts($1, $5); }
	| map_head word TEXT opts_block
				{ cf_decl_map($1, $2, @2, &$3, @3); cf_decl_opts($1, $4); }
	| map_head word TEXT AS word opts_block
				{ cf_decl_map($1, $2, @2, &$3, @3); cf_decl_type($1, $5, @5); cf_decl_opts($1, $6); }
	| map_head made OF targets
				{ cf_decl_made($1, $2, @2, $4); }
	| map_head made OF targets AS word
				{ cf_decl_made($1, $2, @2, $4); cf_decl_type($1, $6, @6); }
	;
made
	: FIRST | UNION | PIPE
	;
map_head
	: MAP word '='		{ $$ = cf_decl_name(C, @$, CF_D_MAP, $2, @2); }
	;
entries
	: entry_list
	| entry_list ','
	;
entry_list
	: entry			{ $$ = cf_items((struct cf_items){ 0 }, $1); }
	| entry_list ',' entry	{ $$ = cf_items($1, $3); }
	| error			{ $$ = (struct cf_items){ 0 }; }
	;
entry
	: TEXT '=' cell		{ $$ = cf_entry(C, @$, $1, $3); }
	;
cell
	: bare
	| '{' record '}'	{ $$ = $2; }
	;
bare
	: TEXT | INT | SIZE | TIME | IP | NETWORK | STATUS | ADDRESS
	;
record
	: word bare		{ $$ = cf_record(C, @$, rs_text(RS_T_TEXT, SPAN_NONE), $1, $2); }
	| record ',' word bare	{ $$ = cf_record(C, @3, $1, $3, $4); }
	| error			{ $$ = rs_text(RS_T_TEXT, SPAN_NONE); }
	;

/* Option blocks: a word, then its values; cf/options.c knows which. */
opts_maybe
	: %empty		{ $$ = (struct cf_opts){ 0 }; }
	| opts_block
	;
opts_block
	: '{' options '}'	{ $$ = $2; }
	;
options
	: option		{ $$ = cf_opts((struct cf_opts){ 0 }, $1); }
	| options END option	{ $$ = cf_opts($1, $3); }
	;
option
	: %empty		{ $$ = NULL; }
	| values		{ $$ = cf_opt(C, @$, $1); }
	| values opts_block	{ $$ = cf_opt_block(C, @$, $1, $2); }
	| error			{ $$ = NULL; RESUME(); }
	;
values
	: value			{ $$ = cf_exprs((struct cf_exprs){ 0 }, $1); }
	| values value		{ $$ = cf_exprs($1, $2); }
	| values ',' value	{ $$ = cf_comma($1, $3); }
	;
value
	: val
	| ACCEPT		{ $$ = cf_name(C, @$, $1); }
	| DEFER			{ $$ = cf_name(C, @$, $1); }
	| REJECT		{ $$ = cf_name(C, @$, $1); }
	| IN			{ $$ = cf_name(C, @$, $1); }
	| MX			{ $$ = cf_name(C, @$, $1); }
	;

/* Rules. */
ruleset_head
	: RULESET word '(' params ')' GIVES word
				{ $$ = cf_decl_ruleset(cf_decl_name(C, @$, CF_D_RULESET, $2, @2), $params, $7, @7); }
	;
verdict_head
	: RULESET word '(' params ')' GIVES VERDICT
				{ $$ = cf_decl_ruleset(cf_decl_name(C, @$, CF_D_RULESET, $2, @2), $params, $7, @7); }
	;
params
	: %empty		{ $$ = (struct cf_args){ 0 }; }
	| params1
	;
params1
	: param			{ $$ = cf_args((struct cf_args){ 0 }, $1); }
	| params1 ',' param	{ $$ = cf_args($1, $3); }
	;
param
	: word ':' type		{ $$ = cf_arg(C, $1, @1, $3, @3); }
	;

type
	: word | VERDICT
	| word OF word		{ $$ = cf_type_of(C, $1, $3); }
	;

value_rules
	: value_rule		{ $$ = cf_rules((struct cf_rules){ 0 }, $1); }
	| value_rules END value_rule
				{ $$ = cf_rules($1, $3); }
	;
value_rule
	: %empty		{ $$ = NULL; }
	| LET word '=' expr	{ $$ = cf_let(C, @$, $2, $4); }
	| cond ARROW expr	{ $$ = cf_rule(C, @$, $1, cf_actions((struct cf_actions){ 0 }, cf_action(C, @3, CF_A_VALUE, $3))); }
	| error			{ $$ = NULL; RESUME(); }
	;

/* Rewriting: a pattern, and the address that it becomes. */
direction
	: INBOUND | OUTBOUND
	;
targets
	: word			{ $$ = cf_targets(C, (struct cf_targets){ 0 }, $1, @1); }
	| targets ',' word	{ $$ = cf_targets(C, $1, $3, @3); }
	;
rewrite_rules
	: rewrite_rule		{ $$ = cf_rules((struct cf_rules){ 0 }, $1); }
	| rewrite_rules END rewrite_rule
				{ $$ = cf_rules($1, $3); }
	;
rewrite_rule
	: %empty		{ $$ = NULL; }
	| text ARROW val	{ $$ = cf_rule(C, @$, $1, cf_actions((struct cf_actions){ 0 }, cf_action(C, @3, CF_A_VALUE, $3))); }
	| error			{ $$ = NULL; RESUME(); }
	;

rules
	: rule
	| rules END rule	{ $$ = cf_rules_join($1, $3); }
	| rules END FAILING ARROW actions
				{ $$ = cf_failing(C, @3, $1, $5); }
	;
rule
	: %empty		{ $$ = (struct cf_rules){ 0 }; }
	| LET word '=' expr	{ $$ = cf_rules((struct cf_rules){ 0 }, cf_let(C, @$, $2, $4)); }
	| cond ARROW actions	{ $$ = cf_rules((struct cf_rules){ 0 }, cf_rule(C, @$, $1, $3)); }
	| cond ARROW elses actions
				{ $$ = cf_rules_else(C, @$, $1, $3, $4); }
	| error			{ $$ = (struct cf_rules){ 0 }; RESUME(); }
	;
/* The verdict of the first table that has the key. */
elses
	: index ELSE		{ $$ = cf_exprs((struct cf_exprs){ 0 }, $1); }
	| elses index ELSE	{ $$ = cf_exprs($1, $2); }
	;
cond
	: expr
	| OTHERWISE		{ $$ = cf_one(C, @$, CF_E_OTHERWISE, NULL); }
	;

actions
	: action		{ $$ = cf_actions((struct cf_actions){ 0 }, $1); }
	| actions ',' action	{ $$ = cf_actions($1, $3); }
	;
action
	: ACCEPT		{ $$ = cf_action(C, @$, CF_A_ACCEPT, NULL); }
	| REJECT reply		{ $$ = cf_action_reply(C, @$, CF_A_REJECT, $2); }
	| DEFER reply		{ $$ = cf_action_reply(C, @$, CF_A_DEFER, $2); }
	| DISCARD		{ $$ = cf_action(C, @$, CF_A_DISCARD, NULL); }
	| ADD HEADER text	{ $$ = cf_action(C, @$, CF_A_ADD, $3); }
	| SET HEADER text	{ $$ = cf_action(C, @$, CF_A_SET, $3); }
	| REMOVE HEADER text	{ $$ = cf_action(C, @$, CF_A_REMOVE, $3); }
	| LOG text		{ $$ = cf_action(C, @$, CF_A_LOG, $2); }
	| TAG word '=' expr	{ $$ = cf_action_name(C, @$, CF_A_TAG, $2, @2, $4); }
	| EXPAND word		{ $$ = cf_action_name(C, @$, CF_A_EXPAND, $2, @2, NULL); }
	| DELIVER word		{ $$ = cf_action_name(C, @$, CF_A_DELIVER, $2, @2, NULL); }
	| RELAY val		{ $$ = cf_action(C, @$, CF_A_RELAY, $2); }
	| MX			{ $$ = cf_action(C, @$, CF_A_MX, NULL); }
	| REDIRECT val		{ $$ = cf_action(C, @$, CF_A_REDIRECT, $2); }
	| MOVED val		{ $$ = cf_action(C, @$, CF_A_MOVED, $2); }
	| index			{ $$ = cf_action(C, @$, CF_A_VERDICT, $1); }
	| QUARANTINE reply_text	{ $$ = cf_action(C, @$, CF_A_QUARANTINE, $2); }
	| HOLD reply_text	{ $$ = cf_action(C, @$, CF_A_HOLD, $2); }
	| LMTP text		{ $$ = cf_action(C, @$, CF_A_LMTP, $2); }
	| FILTER word		{ $$ = cf_action_name(C, @$, CF_A_FILTER, $2, @2, NULL); }
	| FILE text		{ $$ = cf_action(C, @$, CF_A_FILE, $2); }
	| PIPE text AS word	{ $$ = cf_action_name(C, @$, CF_A_PIPE, $4, @4, $2); }
	| PIPE text AS TEXT	{ $$ = cf_action_name(C, @$, CF_A_PIPE, $4, @4, $2); }
	| DELAY TIME		{ $$ = cf_action(C, @$, CF_A_DELAY, cf_const(C, @2, $2)); }
	| BCC val		{ $$ = cf_action(C, @$, CF_A_BCC, $2); }
	| USE MILTER word	{ $$ = cf_action_name(C, @$, CF_A_USE, $3, @3, NULL); }
	| SKIP MILTER word	{ $$ = cf_action_name(C, @$, CF_A_SKIP, $3, @3, NULL); }
	| APPLY call		{ $$ = cf_action(C, @$, CF_A_APPLY, $2); }
	| PRIORITY word		{ $$ = cf_action_priority(C, @$, $2, @2); }
	| LANGUAGE text		{ $$ = cf_action(C, @$, CF_A_LANGUAGE, $2); }
	| HEADERS ONLY		{ $$ = cf_action(C, @$, CF_A_HEADERS_ONLY, NULL); }
	| ALLOW OPEN RELAY BECAUSE text
				{ $$ = cf_action(C, @$, CF_A_ALLOW, $5); }
	| HIDE extensions	{ $$ = cf_action_hide(C, @$, $2); }
	;
/* Only ends.c knows which ',' goes on with these. */
extensions
	: word			{ $$ = cf_targets(C, (struct cf_targets){ 0 }, $1, @1); }
	| extensions HIDES_TOO word
				{ $$ = cf_targets(C, $1, $3, @3); }
	;
index
	: word '[' expr ']'	{ $$ = cf_index(C, @$, cf_name(C, @1, $1), $3); }
	;
call
	: word '(' args ')'	{ $$ = cf_call(C, @$, $1, $args); }
	;
reply
	: reply_text		{ $$ = cf_reply(NULL, @1, NULL, @1, $1); }
	| INT reply_text	{ $$ = cf_reply(&$1, @1, NULL, @1, $2); }
	| STATUS reply_text	{ $$ = cf_reply(NULL, @1, &$1, @1, $2); }
	| INT STATUS reply_text	{ $$ = cf_reply(&$1, @1, &$2, @2, $3); }
	;
reply_text
	: %empty		{ $$ = NULL; }
	| text
	;

/* Expressions; from the loosest binding to the tightest. */
expr
	: conj
	| expr OR conj		{ $$ = cf_chain(C, @$, CF_E_OR, $1, $3); }
	;
conj
	: neg
	| conj AND neg		{ $$ = cf_chain(C, @$, CF_E_AND, $1, $3); }
	;
neg
	: cmp
	| NOT neg		{ $$ = cf_one(C, @$, CF_E_NOT, $2); }
	;
cmp
	: val
	| val EQ val		{ $$ = cf_pair(C, @$, CF_E_EQ, $1, $3, false); }
	| val NE val		{ $$ = cf_pair(C, @$, CF_E_EQ, $1, $3, true); }
	| val '<' val		{ $$ = cf_order(C, @$, RS_LT, $1, $3); }
	| val LE val		{ $$ = cf_order(C, @$, RS_LE, $1, $3); }
	| val '>' val		{ $$ = cf_order(C, @$, RS_GT, $1, $3); }
	| val GE val		{ $$ = cf_order(C, @$, RS_GE, $1, $3); }
	| val IN val		{ $$ = cf_pair(C, @$, CF_E_IN, $1, $3, false); }
	| val NOT IN val	{ $$ = cf_pair(C, @$, CF_E_IN, $1, $4, true); }
	| val MATCHES REGEX	{ $$ = cf_matches(C, @$, $1, $3, false); }
	| val NOT MATCHES REGEX	{ $$ = cf_matches(C, @$, $1, $4, true); }
	| val LIKE text		{ $$ = cf_pair(C, @$, CF_E_LIKE, $1, $3, false); }
	| val NOT LIKE text	{ $$ = cf_pair(C, @$, CF_E_LIKE, $1, $4, true); }
	| val LISTED BY word	{ $$ = cf_listed(C, @$, $1, $4, @4, false); }
	| val NOT LISTED BY word
				{ $$ = cf_listed(C, @$, $1, $5, @5, true); }
	| val OF val		{ $$ = cf_pair(C, @$, CF_E_OF, $1, $3, false); }
	| val NOT OF val	{ $$ = cf_pair(C, @$, CF_E_OF, $1, $4, true); }
	| val RESOLVES		{ $$ = cf_pair(C, @$, CF_E_RESOLVES, $1, NULL, false); }
	| val NOT RESOLVES	{ $$ = cf_pair(C, @$, CF_E_RESOLVES, $1, NULL, true); }
	| val REACHABLE		{ $$ = cf_pair(C, @$, CF_E_REACHABLE, $1, NULL, false); }
	| val NOT REACHABLE	{ $$ = cf_pair(C, @$, CF_E_REACHABLE, $1, NULL, true); }
	| RATES TEXT BY keys OVER RATE
				{ $$ = cf_rate(C, @$, $2, $keys, $6); }
	| GREYLISTED BY keys FOR TIME
				{ $$ = cf_greylisted(C, @$, $keys, $5); }
	| SPF word		{ $$ = cf_spf(C, @$, $2, @2); }
	| val UNKNOWN		{ $$ = cf_one(C, @$, CF_E_UNKNOWN, $1); }
	;
keys
	: val			{ $$ = cf_exprs((struct cf_exprs){ 0 }, $1); }
	| keys ',' val		{ $$ = cf_exprs($1, $3); }
	;
val
	: masked
	| masked ELSE val	{ $$ = cf_pair(C, @$, CF_E_ELSE, $1, $3, false); }
	;
masked
	: post
	| post '/' INT		{ $$ = cf_mask(C, @$, $1, $3, NULL); }
	| post '/' INT '/' INT	{ $$ = cf_mask(C, @$, $1, $3, &$5); }
	;
post
	: primary
	| post '.' word		{ $$ = cf_field(C, @$, $1, $3); }
	| post '[' expr ']'	{ $$ = cf_index(C, @$, $1, $3); }
	;
primary
	: word %prec NAME	{ $$ = cf_name(C, @$, $1); }
	| call
	| literal
	| text
	| '(' expr ')'		{ $$ = $2; }
	;
literal
	: INT			{ $$ = cf_const(C, @$, $1); }
	| SIZE			{ $$ = cf_const(C, @$, $1); }
	| TIME			{ $$ = cf_const(C, @$, $1); }
	| STATUS		{ $$ = cf_const(C, @$, $1); }
	| IP			{ $$ = cf_const(C, @$, $1); }
	| NETWORK		{ $$ = cf_const(C, @$, $1); }
	| ADDRESS		{ $$ = cf_const(C, @$, $1); }
	| DATE			{ $$ = cf_const(C, @$, $1); }
	| RATE			{ $$ = cf_const(C, @$, $1); }
	| TRUE			{ $$ = cf_const(C, @$, rs_bool(true)); }
	| FALSE			{ $$ = cf_const(C, @$, rs_bool(false)); }
	;
text
	: TEXT			{ $$ = cf_const(C, @$, $1); }
	| text_part part TEXT_TAIL
				{ $$ = cf_text_add(C, @$, $1, $2, $3); }
	;
text_part
	: TEXT_HEAD		{ $$ = cf_text_begin(C, @$, $1); }
	| text_part part TEXT_MID
				{ $$ = cf_text_add(C, @$, $1, $2, $3); }
	;
/* The last two stand in patterns of addresses only. */
part
	: expr
	| post '*'		{ $$ = cf_patvar(C, @$, $1, '*'); }
	| post '.'		{ $$ = cf_patvar(C, @$, $1, '.'); }
	;
args
	: %empty		{ $$ = (struct cf_exprs){ 0 }; }
	| args1
	;
args1
	: expr			{ $$ = cf_exprs((struct cf_exprs){ 0 }, $1); }
	| args1 ',' expr	{ $$ = cf_exprs($1, $3); }
	;

/* Tests. */
steps
	: with_step
	| steps END with_step	{ $$ = cf_tnodes_join($1, $3); }
	;
with_step
	: %empty		{ $$ = (struct cf_tnodes){ 0 }; }
	| step			{ $$ = cf_tnodes((struct cf_tnodes){ 0 }, $1); }
	| WITH DNS '{' dns_lines '}'
				{ $$ = $dns_lines; }
	| error			{ $$ = (struct cf_tnodes){ 0 }; RESUME(); }
	;
step
	: WITH CLOCK DATE	{ $$ = cf_tnode1(C, @$, CF_TN_TIME, $3, @3); }
	| WITH MAP word '[' TEXT ']' '=' cell
				{ $$ = cf_tnode_map(C, @$, $3, @3, $5, $8); }
	| WITH MAP word FAILING	{ $$ = cf_tnode1(C, @$, CF_TN_MAP_FAILING, $3, @3); }
	| WITH RATES TEXT INT	{ $$ = cf_tnode2(C, @$, CF_TN_RATE, $3, @3, $4, @4); }
	| WITH RATES TEXT FAILING
				{ $$ = cf_tnode1(C, @$, CF_TN_RATE, $3, @3); }
	| WITH ADDRESS REACHABLE
				{ $$ = cf_tnode2(C, @$, CF_TN_CALLOUT, $2, @2, rs_bool(true), @3); }
	| WITH ADDRESS NOT REACHABLE
				{ $$ = cf_tnode2(C, @$, CF_TN_CALLOUT, $2, @2, rs_bool(false), @3); }
	| WITH ADDRESS FAILING	{ $$ = cf_tnode1(C, @$, CF_TN_CALLOUT, $2, @2); }
	| WITH MILTER word milter_says stage
				{ $$ = cf_tnode_milter(C, @$, $3, @3, $4.kind, $4.reply, $5, @5); }
	| CLIENT IP login listener
				{ $$ = cf_tnode_client(C, @$, $2, $3, @3, $4, @4); }
	| HELO TEXT		{ $$ = cf_tnode1(C, @$, CF_TN_HELO, $2, @2); }
	| tls_said
	| MAIL FROM ADDRESS	{ $$ = cf_tnode1(C, @$, CF_TN_MAIL, $3, @3); }
	| MAIL FROM ADDRESS WORD octets
				{ $$ = cf_tnode2(C, @$, CF_TN_MAIL, $3, @3, $4, @4); $$->value3 = $5; }
	| RCPT TO ADDRESS	{ $$ = cf_tnode1(C, @$, CF_TN_RCPT, $3, @3); }
	| VRFY who		{ $$ = cf_tnode1(C, @$, CF_TN_VRFY, $2, @2); }
	| EXPN who		{ $$ = cf_tnode1(C, @$, CF_TN_EXPN, $2, @2); }
	| HEADER TEXT		{ $$ = cf_tnode1(C, @$, CF_TN_HEADER, $2, @2); }
	| BODY TEXT		{ $$ = cf_tnode1(C, @$, CF_TN_BODY, $2, @2); }
	| DELIVER waited	{ $$ = cf_tnode_waited(C, @$, CF_TN_DELIVERY, $2); }
	| BOUNCE waited		{ $$ = cf_tnode_waited(C, @$, CF_TN_BOUNCE, $2); }
	| HOP TEXT IP waited	{ $$ = cf_tnode_hop(C, @$, $2, $3, NULL, $4); }
	| HOP TEXT IP tls_said waited
				{ $$ = cf_tnode_hop(C, @$, $2, $3, $4, $5); }
	| AFTER TIME		{ $$ = cf_tnode1(C, @$, CF_TN_AFTER, $2, @2); }
	| EXPECT expected	{ $$ = cf_tnode_expect(@$, $2, false); }
	| EXPECT NOT expected	{ $$ = cf_tnode_expect(@$, $3, true); }
	;
octets
	: SIZE | INT
	;
who
	: TEXT | ADDRESS
	;
tls_said
	: STARTTLS TEXT login	{ $$ = cf_tnode2(C, @$, CF_TN_STARTTLS, $2, @2, $3, @3); }
	| STARTTLS TEXT TEXT login
				{ $$ = cf_tnode2(C, @$, CF_TN_STARTTLS, $2, @2, $4, @4); $$->value3 = $3; }
	;
/* How long the message has been in the queue, and which try this is. */
waited
	: %empty		{ $$ = NULL; }
	| AFTER TIME		{ $$ = cf_tnode1(C, @$, CF_TN_AFTER, $2, @2); }
	| AFTER TIME WORD INT	{ $$ = cf_tnode2(C, @$, CF_TN_AFTER, $2, @2, $3, @3); $$->value3 = $4; }
	;
expected
	: ACCEPT		{ $$ = cf_tnode(C, @$, CF_TN_ACCEPT); }
	| REJECT reply		{ $$ = cf_tnode_reply(C, @$, CF_TN_REJECT, $2); }
	| DEFER reply		{ $$ = cf_tnode_reply(C, @$, CF_TN_DEFER, $2); }
	| DISCARD		{ $$ = cf_tnode(C, @$, CF_TN_DISCARD); }
	| QUARANTINE account	{ $$ = cf_tnode1(C, @$, CF_TN_QUARANTINE, $2, @2); }
	| HOLD account		{ $$ = cf_tnode1(C, @$, CF_TN_HOLD, $2, @2); }
	| LMTP account		{ $$ = cf_tnode1(C, @$, CF_TN_LMTP, $2, @2); }
	| PIPE account		{ $$ = cf_tnode1(C, @$, CF_TN_PIPE, $2, @2); }
	| FILE account		{ $$ = cf_tnode1(C, @$, CF_TN_FILE, $2, @2); }
	| MX			{ $$ = cf_tnode(C, @$, CF_TN_MX); }
	| FILTER word		{ $$ = cf_tnode1(C, @$, CF_TN_FILTER, $2, @2); }
	| UNKNOWN		{ $$ = cf_tnode(C, @$, CF_TN_UNKNOWN); }
	| DELIVER word account	{ $$ = cf_tnode2(C, @$, CF_TN_DELIVER, $2, @2, $3, @3); }
	| RELAY path_text	{ $$ = cf_tnode_expr(C, @$, CF_TN_RELAY, $2); }
	| SENDER ADDRESS	{ $$ = cf_tnode1(C, @$, CF_TN_SENDER, $2, @2); }
	| RCPT ADDRESS		{ $$ = cf_tnode1(C, @$, CF_TN_RCPT_IS, $2, @2); }
	| HEADER TEXT		{ $$ = cf_tnode1(C, @$, CF_TN_HEADER_IS, $2, @2); }
	| HEADERS ONLY		{ $$ = cf_tnode(C, @$, CF_TN_HEADERS_ONLY); }
	| HIDE extensions	{ $$ = cf_tnode_hide(C, @$, $2); }
	| DELAY TIME		{ $$ = cf_tnode1(C, @$, CF_TN_DELAY, $2, @2); }
	| BCC ADDRESS		{ $$ = cf_tnode1(C, @$, CF_TN_BCC, $2, @2); }
	| LOG TEXT		{ $$ = cf_tnode1(C, @$, CF_TN_LOG, $2, @2); }
	| TAG word '=' val	{ $$ = cf_tnode_tag(C, @$, $2, @2, $4); }
	;
milter_says
	: ACCEPT		{ $$.kind = CF_TN_ACCEPT; $$.reply = cf_reply(NULL, @1, NULL, @1, NULL); }
	| REJECT reply		{ $$.kind = CF_TN_REJECT; $$.reply = $2; }
	| DEFER reply		{ $$.kind = CF_TN_DEFER; $$.reply = $2; }
	| DISCARD		{ $$.kind = CF_TN_DISCARD; $$.reply = cf_reply(NULL, @1, NULL, @1, NULL); }
	| QUARANTINE reply_text	{ $$.kind = CF_TN_QUARANTINE; $$.reply = cf_reply(NULL, @1, NULL, @1, $2); }
	| FAILING		{ $$.kind = CF_TN_MILTER_FAILING; $$.reply = cf_reply(NULL, @1, NULL, @1, NULL); }
	;
stage
	: %empty		{ $$ = rs_text(RS_T_NONE, SPAN_NONE); }
	| ON word		{ $$ = $2; }
	;
path_text
	: word			{ $$ = cf_name(C, @$, $1); }
	| TEXT			{ $$ = cf_const(C, @$, $1); }
	;
account
	: %empty		{ $$ = rs_text(RS_T_NONE, SPAN_NONE); }
	| TEXT
	;
login
	: %empty		{ $$ = rs_text(RS_T_TEXT, SPAN_NONE); }
	| AS TEXT		{ $$ = $2; }
	;
listener
	: %empty		{ $$ = rs_text(RS_T_TEXT, SPAN_NONE); }
	| ON word		{ $$ = $2; }
	;
dns_lines
	: dns_line		{ $$ = cf_tnodes((struct cf_tnodes){ 0 }, $1); }
	| dns_lines END dns_line { $$ = cf_tnodes($1, $3); }
	;
dns_line
	: %empty		{ $$ = NULL; }
	| TEXT FAILING		{ $$ = cf_tnode1(C, @$, CF_TN_DNS_FAILING, $1, @1); }
	| TEXT word values	{ $$ = cf_tnode_dns(C, @$, $1, @1, $2, @2, $3); }
	| error			{ $$ = NULL; RESUME(); }
	;

word
	: word_but_on | ON
	;
word_but_on
	: WORD | ADD | AFTER | AS | BODY | CLIENT | CLOCK | DELIVER | DNS
	| EDITION | EXPAND | EXPECT | FILE | FROM | HEADER | HELO | LET
	| LIMITS | LISTEN | LOG | MAIL | MAILBOX | MAP | MOVED | NET
	| QUEUE | RCPT | REDIRECT | RELAY | REMOVE | ROUTE | RULESET | SENDER
	| SET | SPOOL | TAG | TEST | TO | WITH | ALLOW | APPLY | BECAUSE | BCC
	| BY | CODES | DELAY | DNSLIST | FOR | GREYLISTED
	| HEADERS | INBOUND | FILTER | LMTP | MILTER | ONLY | OPEN | OUTBOUND | OVER
	| PIPE | QUARANTINE | RATES | REWRITE | SKIP
	| SPF | TLS | USE | BOUNCE | HOP | STARTTLS | FIRST | UNION
	| AUTH | HIDE | VRFY | EXPN | HOLD | NOTIFY | LANGUAGE | PRIORITY | SRS | PROGRAMS
	;

%%

static int
cf_yylex(CF_YYSTYPE *value, struct cf_loc *loc, struct cf_parser *p)
{
	struct cf_token	 tok;

	cf_next_token(p, &tok);
	value->v = tok.value;
	*loc = tok.loc;
	return tok.kind;
}

/* Only for what the grammar itself does not tell: its stack is full. */
static void
cf_yyerror(struct cf_loc *loc, struct cf_parser *p, const char *what)
{
	(void)what;
	cf_error(p->cf, *loc, "this is nested too deep");
}

static int
yyreport_syntax_error(const yypcontext_t *ctx, struct cf_parser *p)
{
	yysymbol_kind_t	 expected[CF_EXPECTED_MAX];
	const char	*names[CF_EXPECTED_MAX];
	int		 i, n;

	n = yypcontext_expected_tokens(ctx, expected, CF_EXPECTED_MAX);
	for (i = 0; i < n; i++)
		names[i] = yysymbol_name(expected[i]);
	cf_syntax_error(p, yysymbol_name(yypcontext_token(ctx)), names,
	    n < 0 ? 0 : (size_t)n);
	return 0;
}
