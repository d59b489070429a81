/*
 * client.h - one SMTP session as client (RFC 5321): from the greeting to QUIT.
 *
 * Messages go one after the other; MAIL, all RCPT and DATA leave together
 * where the hop offers PIPELINING (RFC 2920), else one by one.
 *
 * Owns: the connection.  Borrows: the job, from client_send() to finished().
 */
#ifndef WB_MTA_RELAY_CLIENT_H
#define WB_MTA_RELAY_CLIENT_H

#include "mta/relay/hops.h"
#include "mta/relay/job.h"

struct client;

enum client_end {
	CLIENT_IDLE,	/* takes another message */
	CLIENT_CLOSED,	/* the session is over */
	CLIENT_STALE	/* an idle session had ended meanwhile: the job has no results, try it on a fresh one */
};

/* In each of these the owner may free the client. */
struct client_ops {
	/* The session takes messages. */
	void	(*ready)(void *arg);
	/* No session came about (why), or an idle one has ended (why is NULL). */
	void	(*failed)(void *arg, const struct outcome *why);
	/* The job has all its results, or is to be tried again (STALE). */
	void	(*finished)(void *arg, enum client_end);
};

/* fd: a socket on which connect() is under way or done; taken.  addr is copied. */
struct client	*client_new(int fd, const struct hop_addr *, struct self *, const struct client_ops *, void *arg);
void		 client_free(struct client **);
/* Only when ready or idle.  finished() may be called before this returns. */
void		 client_send(struct client *, struct job *);
/* Ends an idle session; failed() comes when the hop has answered, or not. */
void		 client_quit(struct client *);
/* It has had as many messages as the hop takes in one session (RFC 9422, MAILMAX). */
bool		 client_is_spent(const struct client *);
/* It is ready, and has to wait for a message: it may end meanwhile like any idle one. */
void		 client_rest(struct client *);
/* By what the hop offers it takes this message without a conversion. */
bool		 client_suits(const struct client *, const struct job *);
/* The whole message has left: to close now would not keep the hop from taking it. */
bool		 client_at_dot(const struct client *);
/* Once a second: looks at the time-outs. */
void		 client_tick(struct client *, int64_t now_ms);
/* Where it is; borrowed. */
const struct hop_addr *client_addr(const struct client *);
/* As if time had run out, whatever it waits for. */
void		 client_expire(struct client *);

#endif
