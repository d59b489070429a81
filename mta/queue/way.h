/*
 * way.h - how a message went to its next hop, or did not: TLS and login, in
 * the status log, in answers on the control socket.
 *
 * Both are relay's words (mta/msg/relayed.h); those of the last attempt are
 * kept with a target's last answer.
 */
#ifndef WB_MTA_QUEUE_WAY_H
#define WB_MTA_QUEUE_WAY_H

#include "base/buf.h"

struct answer;
struct dest;
struct json;
struct message;
struct queue;
struct record;

#define WAY_LOGIN_MAX	300	/* octets of a login that are kept */

/* "tls": an object or null; "login": text or null. */
void		 way_answer(struct json *, const struct answer *);
/* The record WAY of a target's last answer; false: there is nothing to say. */
bool		 way_record(const struct message *, const struct dest *, const struct answer *, struct record *);
/* What the log says of it, put to the last answer, which it follows. */
void		 way_replay(struct dest *, const struct record *);

#endif
