/*
 * cut_relay.h - a message on its way through relay to the next hop, before its
 * client has an answer: CUT and CUT_DONE.
 *
 * Nothing is sent twice: when the relay process dies, or says nothing in
 * time, the message has no answer, and is spooled.
 *
 * Owns: what has been asked.  Borrows: the channel of callouts.
 */
#ifndef WB_MTA_SMTP_CUT_RELAY_H
#define WB_MTA_SMTP_CUT_RELAY_H

#include "mta/msg/callout.h"
#include "mta/smtp/cut_terms.h"
#include "mta/spool/envelope.h"

#define CUT_INLINE_MAX	(64u << 10)	/* octets; a larger content goes as a memory file */
#define CUT_BACKLOG_MAX	(4u << 20)	/* octets that relay has not read yet */

struct cut_relay;

/* All of it is copied. */
struct cut_message {
	uint64_t		 qid;
	struct span		 hop;
	const struct cut_terms	*terms;
	uint32_t		 flags;		/* ENV_8BIT ... */
	struct span		 sender, envid, content;
	size_t			 n;
	const struct span	*rcpts;
	const struct envelope_param *params;	/* of each; NULL: none has any */
};

struct cut_result {
	unsigned	code;		/* 0: nothing has been said of it */
	struct span	status, text;
};

/* Borrowed. */
struct cut_answer {
	struct span		 mta;		/* name and address of the hop; empty: not tried */
	struct span		 tls, login;	/* wanted and reached (mta/msg/relayed.h); how it has logged in */
	size_t			 n;
	const struct cut_result	*rcpts;		/* in the order of the message's */
};

/* Called once, from the loop; NULL: relay has died, or says nothing. */
typedef void cut_answer_cb(void *arg, const struct cut_answer *);

struct cut_relay *cut_relay_new(struct callout_client *);
/* No callbacks. */
void		 cut_relay_free(struct cut_relay **);
/* A ticket; 0: it cannot be sent now. */
uint64_t	 cut_relay_send(struct cut_relay *, const struct cut_message *, cut_answer_cb *, void *arg);
/* The client has gone; the hop may have the message nevertheless, which is logged then. */
void		 cut_relay_forget(struct cut_relay *, uint64_t ticket);

#endif
