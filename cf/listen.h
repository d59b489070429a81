/*
 * listen.h - what option values must be beyond their form.
 */
#ifndef WB_CF_LISTEN_H
#define WB_CF_LISTEN_H

#include "cf/cf_int.h"

/* Values of one block: names, paths, ports; relative paths become absolute. */
void	cf_object_check(struct cf *, struct cf_object *);
/* All listeners and relays together: the same port twice, a relay to itself. */
void	cf_listen_check(struct cf *);

#endif
