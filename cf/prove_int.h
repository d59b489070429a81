/*
 * prove_int.h - what the proofs share: conditions as functions of atoms.
 *
 * An atom is a question that the rules ask and that the proof leaves open:
 * `sender.domain in spammers`.  The same question is the same atom wherever it
 * stands, also behind calls, lets and negations.
 */
#ifndef WB_CF_PROVE_INT_H
#define WB_CF_PROVE_INT_H

#include "cf/bdd.h"
#include "cf/cf_int.h"

#define PROVE_WORK_MAX	1000000u	/* expressions looked at in a proof */

/* Of whom the facts are. */
enum prove_world {
	PROVE_ANY,		/* anybody: every question is open */
	PROVE_STRANGER,		/* the relay proof's stranger */
	PROVE_NOBODY		/* a stranger writes to one who does not exist */
};

/* What binds a stranger's value: it is in no set, table, network or constant. */
enum prove_bound {
	BOUND_NOT,		/* he writes it as he likes */
	BOUND_IP, BOUND_NET,	/* his address; a network around it */
	BOUND_NAME,		/* his verified name */
	BOUND_RCPT, BOUND_RCPT_DOMAIN,
	BOUND_NOBODY		/* who does not exist is in no table and no constant */
};

/* A value as far as it is known; terms are numbered: same number, same value. */
struct prove_value {
	bool			 is_const;
	struct rs_value		 value;		/* is_const; NONE: nothing */
	uint32_t		 term;
	enum prove_bound	 bound;
	const struct cf_expr	*expr;		/* as it was written */
};

enum prove_atom_kind {
	ATOM_TRUTH,		/* a bool that is not known */
	ATOM_EQ, ATOM_ORDER, ATOM_IN_SET, ATOM_IN_NETS, ATOM_IN_MAP,
	ATOM_UNKNOWN,		/* rcpt unknown */
	ATOM_ASKED,		/* matches, like, listed, rate, spf, resolves, ... */
	ATOM_SOFT,		/* what ASKED asks cannot say: the rule is not taken */
	ATOM_WIDE,		/* in a network or set of domains too wide to grant */
	ATOM_FAILS		/* what the rule asks cannot be had */
};

struct prove_atom {
	enum prove_atom_kind	 kind;
	const struct cf_expr	*expr;		/* the question */
	struct prove_value	 a, b;		/* its sides */
	const struct cf_sym	*sym;		/* set, net or map */
	const struct cf_rule	*rule;		/* FAILS */
};

/* What an argument or a let stands for. */
struct prove_binding {
	const struct cf_sym		*sym;
	struct prove_value		 value;
	bdd_node			 truth, untruth;	/* definitely so */
	const struct prove_binding	*next;
};

typedef const struct prove_binding *prove_env;

struct prover {
	struct cf		*cf;
	enum prove_world	 world;
	struct bdd		*bdd;
	struct htab		 terms;		/* number + 1 */
	uint32_t		 nterms;
	struct htab		 atom_vars;	/* variable */
	struct htab		 calls;		/* node + 1 */
	struct prove_atom	*atoms;		/* by variable, from 1 */
	uint32_t		 natoms, cap_atoms;
	unsigned		 version;	/* of tags and headers */
	uint32_t		 work;		/* expressions looked at */
};

/*
 * prove_left.c: what no rule so far has taken, as conditions that all hold.
 * Those that share no question are kept apart, so that many rules about
 * different things do not multiply.
 */
struct prove_left {
	struct bdd	*bdd;		/* borrowed */
	bdd_node	 none;		/* FALSE: nothing is left */
	bool		 lossy;		/* a condition was too much: less is left */
	uint32_t	*parent;	/* by variable: group it is in */
	bdd_node	*group;		/* by the group's first variable */
	uint32_t	 cap;
};

void		 prove_left_begin(struct prove_left *, struct bdd *);
void		 prove_left_end(struct prove_left *);
/* From now on f holds too. */
void		 prove_left_and(struct prove_left *, bdd_node f);
/* f, and all that is left which could contradict it: FALSE when f cannot be. */
bdd_node	 prove_left_meet(struct prove_left *, bdd_node f);
/* One case of what is left and f, a result of prove_left_meet(). */
void		 prove_left_path(struct prove_left *, bdd_node f, int8_t *values);

/* prove_values.c */
__attribute__((format(printf, 4, 5)))
struct prove_value prove_term(struct prover *, const struct cf_expr *, enum prove_bound, const char *key, ...);
struct prove_value prove_known(struct prover *, const struct cf_expr *, struct rs_value);
struct prove_value prove_value_of(struct prover *, prove_env, const struct cf_expr *);
bool		 prove_is_nothing(const struct prove_value *);
/* Empty values are in no set or table and equal nothing. */
bool		 prove_is_empty(const struct prove_value *);

/* prove_terms.c */
bool		 prove_is_no_key(const struct prove_value *, const struct cf_sym *map);
const struct prove_binding *prove_bound_to(prove_env, const struct cf_sym *);
/* The caller's values as the callee's arguments; adds to the key of the call. */
const struct prove_binding *prove_bind_call(struct prover *, prove_env, const struct cf_expr *, struct buf *key);
void		 prove_begin(struct prover *, struct cf *, enum prove_world);
void		 prove_end(struct prover *);
/*
 * When the condition is definitely true (yes) or definitely false: a DNS list
 * that cannot say makes it neither.
 */
bdd_node	 prove_is(struct prover *, const struct prove_binding *, const struct cf_expr *, bool yes);
bdd_node	 prove_truth(struct prover *, const struct prove_binding *, const struct cf_expr *);
const struct prove_binding *prove_bind_let(struct prover *, const struct prove_binding *, const struct cf_rule *);
const struct prove_binding *prove_bind_args(struct prover *, const struct cf_sym *);
/* A new atom: the rule's question cannot be answered. */
bdd_node	 prove_fails(struct prover *, const struct cf_rule *);
/* A new or known atom: key says when two questions are the same. */
bdd_node	 prove_atom_of(struct prover *, struct span key, const struct prove_atom *);
/* prove_asked.c: matches, like, listed, rate, greylisted, spf, resolves, reachable, of. */
bool		 prove_is_asked(const struct cf_expr *);
bdd_node	 prove_asked(struct prover *, const struct prove_binding *, const struct cf_expr *, bool yes);

/* prove_apply.c */
/* One of the actions ends the block, whatever happens. */
bool		 prove_is_final(const struct cf_action *);
/* When the actions end the block: always, or as the rulesets they apply do. */
bdd_node	 prove_actions_end(struct prover *, prove_env, const struct cf_action *);
/* The same of one action. */
bdd_node	 prove_action_ends(struct prover *, prove_env, const struct cf_action *);
/* It changes a tag or a header field: what stands behind it asks anew. */
bool		 prove_is_effect(const struct cf_action *);
/* The ruleset of an `apply`, with the caller's values as its arguments. */
prove_env	 prove_enter(struct prover *, prove_env, const struct cf_expr *call);
/* Whether the rule changes a tag or a header field. */
bool		 prove_has_effects(const struct cf_rule *);
/* ".com": all domains below a name of the top are too many to grant anything. */
bool		 prove_domain_is_wide(struct span below);
/* The first such of a set; NULL: none. */
const struct rs_value *prove_wide_item(const struct cf_sym *set);
/* A network that is everybody, or nearly: too wide to grant anything. */
bool		 prove_net_is_wide(const struct ipnet *);
/* door.c: the networks whose hosts may say who a client is. */
void		 prove_trusted(struct cf *);
bool		 prove_nets_are_wide(const struct cf_sym *);

/* The side of a comparison that is no constant. */
static inline const struct cf_expr *
prove_open_side(const struct prove_atom *a)
{
	return a->kind == ATOM_EQ && a->a.is_const ? a->b.expr : a->a.expr;
}

/* prove_relay.c */
void		 prove_relay(struct cf *, const struct cf_decl *);
/* prove_session.c: "client 203.0.113.9, MAIL FROM:<...", with these answers; in the arena of cf. */
struct span	 prove_session(struct prover *, const int8_t *values);
/* prove_scatter.c: taken without asking whether the recipient exists. */
void		 prove_scatter(struct cf *);
/* prove_loops.c: next hops that are ourselves. */
void		 prove_loops(struct cf *);
/* prove_filters.c: who may give mail back, and the order of filters. */
void		 prove_filters(struct cf *);
/* prove_failing.c: a 5xx because a table or server cannot be asked. */
void		 prove_failing(struct cf *);

#endif
