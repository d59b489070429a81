/*
 * place.h - the value of an option's place, for who has neither hook nor route:
 * an expression is evaluated with a message's facts, a constant is there.
 */
#ifndef WB_MTA_POLICY_PLACE_H
#define WB_MTA_POLICY_PLACE_H

#include "mta/policy/policy.h"

struct place;
/* It ends with this: whoever holds it forgets it.  The value, borrowed; RS_T_NONE: there is none; RS_T_UNKNOWN: a table cannot say. */
typedef void place_cb(void *arg, const struct rs_value *);

/*
 * cb is called once, also before this returns: then NULL is returned.  Nothing is
 * counted.  facts are borrowed until then.
 */
struct place	*place_ask(struct policy *, uint32_t object, enum rs_option, unsigned place, struct policy_facts *, place_cb *, void *arg);
/* Gives it up, cb is not called. */
void		 place_free(struct place **);

#endif
