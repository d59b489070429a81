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
	struct cf_local	*locals;	/* arguments and lets so far */
	bool		 quiet;		/* no facts at all: constants of the top */
	bool		 applying;	/* the call of an `apply` */
};

/* names.c */
bool	cf_is_server_word(struct span);		/* "client", "rcpt", ... */
/* Whether a name is free; where it is not that is reported. */
bool	cf_may_declare(struct cf *, struct span name, struct cf_loc);
struct cf_sym *cf_sym_new(struct cf *, enum cf_sym_kind, struct span name, struct cf_loc);
const char *cf_kind_word(enum cf_sym_kind);	/* "set" */

/* rewrite.c */
void	cf_rewrite_declare(struct cf *, struct cf_decl *);
/* resolve.c: rulesets that it calls come first. */
void	cf_resolve_ruleset(struct cf *, struct cf_sym *);
void	cf_resolve_hooks(struct cf *);
/* The argument or let of that name; NULL: none. */
struct cf_sym *cf_local_named(const struct cf_scope *, struct span name);
/* The fact of that name; RS_NFACTS: none. */
unsigned cf_fact_named(struct span name);
/* Fills in ref, sym, fact, part of e and of all below it. */
void	cf_resolve(struct cf *, struct cf_scope *, struct cf_expr *);
/* The symbol of that name and kind, used from now on; NULL: reported. */
struct cf_sym *cf_need(struct cf *, struct span name, struct cf_loc, enum cf_sym_kind);
/* Whether a fact is known in a hook. */
bool	cf_known_in(unsigned fact, enum rs_hook);

#endif
