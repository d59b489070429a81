/*
 * login.h - what the queue has to do with logins at next hops: what their
 * expressions may know of a message goes with its job (mta/msg/login.h).
 */
#ifndef WB_MTA_QUEUE_LOGIN_H
#define WB_MTA_QUEUE_LOGIN_H

#include "base/arena.h"
#include "mta/spool/envelope.h"

struct hop;
struct queue;
struct rs_image;

/* A relay block has an expression that is asked when somebody logs in. */
bool		login_wants_facts(const struct rs_image *);
/* Facts of RELAY, in the arena; empty: none are wanted there. */
struct span	login_facts(const struct queue *, const struct hop *, const struct envelope *, struct span rcpt, struct arena *);

#endif
