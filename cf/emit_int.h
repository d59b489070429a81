/*
 * emit_int.h - between the two halves of code generation.
 */
#ifndef WB_CF_EMIT_INT_H
#define WB_CF_EMIT_INT_H

#include "cf/cf_int.h"
#include "ruleset/build.h"

/* emit_expr.c: one function under way. */

/* Facts and parts of sender and rcpt are kept in a register once loaded. */
#define EMIT_SLOTS	(RS_NFACTS + 2 * RS_NFIELDS)

struct emit {
	struct cf		*cf;
	struct rs_build		*b;
	struct cf_loc		 loc;		/* of the block, for messages */
	uint32_t		 line;		/* of what is emitted */
	uint64_t		 used[4];	/* registers */
	uint8_t			 slot_reg[EMIT_SLOTS];
	bool			 slot_has[EMIT_SLOTS];	/* slot_reg is its */
	uint64_t		 loaded;	/* slots loaded on every path here */
	uint8_t			*let_regs;	/* lets, captures; by number */
	bool			*let_has;	/* captures */
	unsigned		 chain;		/* rules left of one that a SWITCH cuts short */
	struct htab		 waiting;	/* jumps of the chain, by constant */
	struct waiting		*all_waiting;
	bool			 full;		/* out of registers: reported */
};

struct emit_op {
	uint8_t		reg;
	bool		temp;
};

void		 emit_begin(struct emit *, struct cf *, struct rs_build *, struct cf_loc);
unsigned	 emit_reg(struct emit *, unsigned n);	/* n in a row */
void		 emit_release(struct emit *, struct emit_op);
struct emit_op	 emit_expr(struct emit *, const struct cf_expr *);
void		 emit_into(struct emit *, const struct cf_expr *, unsigned reg);
/* `apply RULESET(...)` */
void		 emit_apply(struct emit *, const struct cf_expr *call);
uint32_t	 emit_op(struct emit *, enum rs_op, unsigned a, unsigned b, uint32_t c);

/* The slot of a fact, or of a part of sender or rcpt; -1: none. */
int		 emit_slot_of(const struct cf_expr *);

/* emit_cond.c */
/* Of whom an access table is asked; RS_NROLES: the map is none. */
enum rs_role	 emit_role(const struct cf_sym *map, const struct cf_expr *key);
void		 emit_cond(struct emit *, const struct cf_expr *, unsigned reg);
/* Around a rule whose condition captures. */
void		 emit_captures_begin(struct emit *, const struct cf_rule *);
void		 emit_captures_end(struct emit *, const struct cf_rule *);

/* emit_chain.c */
/*
 * Rules that ask one value for constants: how many from r on; 0: too few.
 * emit_switch() goes behind the RULE of the first, emit_case() before that of
 * each other, emit_chain_end() behind the last.
 */
unsigned	 emit_chain_length(struct emit *, const struct cf_rule *r);
void		 emit_switch(struct emit *, const struct cf_rule *r);
void		 emit_case(struct emit *, const struct cf_rule *);
/*
 * Behind the actions of a rule of a chain: to the next one that can be taken.
 * false: what follows is asked one by one.
 */
bool		 emit_chain_leave(struct emit *, const struct cf_rule *);
void		 emit_chain_end(struct emit *);
/* `x == c or x == d or ...` as `x in { c, d, ... }`; false: it is something else. */
bool		 emit_as_set(struct emit *, const struct cf_expr *, unsigned reg);

/* A command: what is put into its text becomes arguments. */
struct emit_op	 emit_command(struct emit *, const struct cf_expr *);

/* emit_rules.c */
void		 emit_hook(struct cf *, struct rs_build *, struct cf_decl *);
void		 emit_rewrite(struct cf *, struct rs_build *, const struct cf_decl *, enum rs_hook);
void		 emit_ruleset(struct cf *, struct rs_build *, struct cf_sym *);
/* The number of a function that gives the expression's value. */
uint32_t	 emit_place(struct cf *, struct rs_build *, const struct cf_object *, enum rs_option, const struct cf_expr *);

#endif
