/*
 * probe.h - trying a next hop without a message: connection, greeting, EHLO, TLS,
 * login, QUIT (`waybill route --probe`).
 *
 * Each probe has sessions of its own, one after the other: none that is idle is
 * taken, none is left, and what fails is not remembered of the address.  Which
 * host follows a failure is the same as for a message (tries.c).
 */
#ifndef WB_MTA_RELAY_PROBE_H
#define WB_MTA_RELAY_PROBE_H

#include "base/chan.h"
#include "mta/relay/conns.h"

#define PROBES_MAX		8	/* at once; more are told to ask again */
#define PROBE_MS		60000	/* after these no further address is tried */
#define PROBE_ADDRESS_MS	20000	/* for one address */

struct probes;

/* What was found: a JSON object, borrowed. */
typedef void probes_tell(void *arg, uint64_t ticket, struct span json);

/* All is borrowed. */
struct probes	*probes_new(const struct hops *, const struct conns *, probes_tell *, void *arg);
/* PROBE; false: nonsense.  What was found may be told before this returns. */
bool		 probes_ask(struct probes *, struct msg *);
/* Who asked has gone: nobody is told. */
void		 probes_drop(struct probes *);
void		 probes_free(struct probes **);

#endif
