/*
 * names.h - what a name means where it stands.
 */
#ifndef WB_CF_NAMES_H
#define WB_CF_NAMES_H

#include "cf/cf_int.h"

struct cf_local {
	struct cf_sym	*sym;
	struct cf_local	*next;
};

/* Where an expression stands. */
struct cf_scope {
	enum rs_hook	 hook;		/* of which the facts are known */
	struct cf_sym	*ruleset;	/* or inside this: callers say the hook */
	struct cf_local	*locals;	/* arguments, lets, captures so far */
	struct cf_local	*others;	/* captures of alternatives before */
	struct cf_local	*captured;	/* all of this rule, lost ones too */
	bool		 quiet;		/* no facts at all: constants of the top */
	bool		 applying;	/* the call of an `apply` */
};

/* names.c */
bool	cf_is_server_word(struct span);		/* "client", "rcpt", ... */
/* Whether a name is free; where it is not that is reported. */
bool	cf_may_declare(struct cf *, struct span name, struct cf_loc);
/* The number of a let or capture in its block. */
uint32_t cf_local_number(struct cf *);
struct cf_sym *cf_sym_new(struct cf *, enum cf_sym_kind, struct span name, struct cf_loc);
const char *cf_kind_word(enum cf_sym_kind);	/* "set" */

/* typenames.c: NONE, reported: there is no such type. */
uint8_t	cf_type_named(struct cf *, struct span name, struct cf_loc);
uint8_t	cf_type_of_tag(struct cf *, struct span name, struct cf_loc);

/* rewrite.c */
void	cf_rewrite_declare(struct cf *, struct cf_decl *);
/* Whether a rule is one of `rewrite`: its pattern is cond->b. */
bool	cf_rewrites(const struct cf_rule *);
void	cf_rewrite_resolve(struct cf *, struct cf_decl *);
void	cf_rewrite_types(struct cf *, struct cf_decl *);
/* resolve.c: rulesets that it calls come first. */
void	cf_resolve_ruleset(struct cf *, struct cf_sym *);
void	cf_resolve_hooks(struct cf *);
void	cf_resolve_block(struct cf *, struct cf_scope *, struct cf_arg *, struct cf_rule *);
/* The fact of that name; RS_NFACTS: none. */
unsigned cf_fact_named(struct span name);
/* Fills in ref, sym, fact, part of e and of all below it. */
void	cf_resolve(struct cf *, struct cf_scope *, struct cf_expr *);
/* The symbol of that name and kind, used from now on; NULL: reported. */
struct cf_sym *cf_need(struct cf *, struct span name, struct cf_loc, enum cf_sym_kind);
/* The arguments, lets and captures that can be named here; NULL: none such. */
struct cf_sym *cf_local_named(const struct cf_scope *, struct span name);
/*
 * What is known from a hook on, in the hooks of the bit set: here, or in all
 * callers; reported where it is not.
 */
void	cf_need_known(struct cf *, struct cf_scope *, struct cf_expr *, const char *what, unsigned known, uint32_t hooks);

/* resolve_cond.c */
void	cf_resolve_cond(struct cf *, struct cf_scope *, struct cf_expr *);

/* captures.c */
/* and, or: what their parts capture holds behind them. */
void	cf_resolve_chain(struct cf *, struct cf_scope *, struct cf_expr *);
/* {1} in a text. */
void	cf_resolve_number(struct cf *, struct cf_scope *, struct cf_expr *);
/* What has been captured since `before` can no longer be named. */
void	cf_captures_lose(struct cf_scope *, struct cf_local *before);
/* A name that a match of this rule takes; NULL, reported: it may not. */
struct cf_sym *cf_capture(struct cf *, struct cf_scope *, struct span name, struct cf_loc, struct cf_local **list);
/* From here on the list can be named. */
void	cf_captures_enter(struct cf *, struct cf_scope *, const struct cf_local *list);
/* Says why a name that this rule captures cannot be named; false: it does not. */
bool	cf_error_captured(struct cf *, const struct cf_scope *, struct span name, struct cf_loc);

/* resolve_known.c */
/* Whether a fact is known in a hook. */
bool	cf_known_in(unsigned fact, enum rs_hook);
/* The hooks in which it is, as a bit set. */
uint32_t cf_fact_hooks(unsigned fact);

/* srs.c: `srs` at this place wants the block; false: it has been reported. */
bool	cf_srs_need(struct cf *, struct cf_loc);

#endif
