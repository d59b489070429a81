/*
 * relay.h - what the blocks `relay NAME` and `mx` may say, and what contradicts
 * itself there.
 *
 * The block `mx` is an object of kind RS_O_RELAY without a name.
 */
#ifndef WB_CF_RELAY_H
#define WB_CF_RELAY_H

#include "cf/cf_int.h"

/* blocks.c: a host that is a constant is a name or an address without a port. */
void		 cf_host_check(struct cf *, const struct cf_expr *host);

/* Whether the option may stand in this one of them; false: told. */
bool		 cf_relay_may_stand(struct cf *, const struct cf_object *, struct cf_loc, enum rs_option);
/* What the option is where nobody writes it; "" for nothing. */
const char	*cf_relay_default(const struct cf_object *, enum rs_option);
/* Route alone can lead there: an expression of it, or `host mx`, is about a message. */
bool		 cf_relay_needs_route(const struct cf_object *);
/* A block with all its options. */
void		 cf_relay_check(struct cf *, const struct cf_object *);

#endif
