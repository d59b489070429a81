/*
 * types.h - what an expression is worth, and reading it as what is wanted.
 */
#ifndef WB_CF_TYPES_H
#define WB_CF_TYPES_H

#include "cf/names.h"

/* Types e and all below; folds constants.  A mistake makes it CF_E_BAD. */
void	cf_type_expr(struct cf *, struct cf_expr *);
/*
 * Makes e of that type where the language allows it: a constant is read as
 * it, text out of a table is converted, a domain or address widens to text.
 * `where` names the place in messages: "the text of 'log'".
 */
bool	cf_type_want(struct cf *, struct cf_expr *, unsigned type, const char *where);
/* What of e a stranger wrote; NULL: nothing. */
const struct cf_expr *cf_type_taint(const struct cf_expr *);

/* types_action.c; RS_NHOOKS: in a ruleset. */
void	cf_type_actions(struct cf *, struct cf_action *, enum rs_hook, unsigned result);
/* actions.c: what rules do. */
bool	cf_action_is_final(const struct cf_action *);
/* It takes mail in: `accept`, and what is then kept, `quarantine` and `hold`. */
bool	cf_action_accepts(const struct cf_action *);
/* "add header", as messages name the action. */
const char *cf_action_word(const struct cf_action *);
/* Bits of the hooks in which it may stand; sym is known. */
uint32_t cf_action_hooks(const struct cf_action *);
/* Tries the first words of all actions for one that is none. */
void	cf_action_near(struct cf_near *);
/* Reports an action that may not stand in the hook, or is not served. */
void	cf_action_place(struct cf *, const struct cf_action *, enum rs_hook);
/* Code and status, with the defaults of what is not written. */
unsigned	 cf_reply_code(const struct cf_action *);
struct span	 cf_reply_status(const struct cf_action *);

#endif
