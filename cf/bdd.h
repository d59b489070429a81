/*
 * bdd.h - binary decision diagrams: functions of yes and no, kept exactly.
 *
 * Two functions are the same exactly when their numbers are.  Variables are
 * 1, 2, ...; a later one stands above all earlier ones, so that a rule's new
 * condition is added to what is left of a long block in one step.
 *
 * Work is bounded: what would need more nodes or steps than allowed is
 * BDD_TOO_MUCH, and so is everything made of it.
 */
#ifndef WB_CF_BDD_H
#define WB_CF_BDD_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t bdd_node;

#define BDD_FALSE	0u
#define BDD_TRUE	1u
#define BDD_TOO_MUCH	UINT32_MAX

#define BDD_VARS_MAX	10000	/* they are the depth of recursion */

struct bdd;

struct bdd	*bdd_new(uint32_t max_nodes, uint64_t max_steps);
void		 bdd_free(struct bdd **);
/* The function that is true when the variable is. */
bdd_node	 bdd_var(struct bdd *, uint32_t var);
bdd_node	 bdd_not(struct bdd *, bdd_node);
bdd_node	 bdd_and(struct bdd *, bdd_node, bdd_node);
bdd_node	 bdd_or(struct bdd *, bdd_node, bdd_node);
/* if f then g else h */
bdd_node	 bdd_ite(struct bdd *, bdd_node f, bdd_node g, bdd_node h);
/*
 * One assignment under which f is true: sets values[var] to 1 or 0, and leaves
 * alone what does not matter.  false: there is none.
 */
bool		 bdd_path(const struct bdd *, bdd_node f, int8_t *values);
/* f under an assignment; what does not matter there counts as no. */
bool		 bdd_eval(const struct bdd *, bdd_node f, const int8_t *values);
/* Tells each variable on which f depends, once. */
typedef void bdd_support_cb(void *arg, uint32_t var);
void		 bdd_support(struct bdd *, bdd_node f, bdd_support_cb *, void *arg);
/* Whether f depends on the variable. */
bool		 bdd_depends(struct bdd *, bdd_node f, uint32_t var);

#endif
