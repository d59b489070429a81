/*
 * dsn.h - delivery status notifications (RFC 3464, RFC 6522): composing one.
 */
#ifndef WB_MAIL_DSN_H
#define WB_MAIL_DSN_H

#include "base/buf.h"

enum dsn_action {
	DSN_FAILED,
	DSN_DELAYED,
	DSN_DELIVERED,
	DSN_RELAYED,	/* to a hop that will not tell what becomes of it */
	DSN_EXPANDED,	/* an alias has become several recipients */
	DSN_NACTIONS
};

struct dsn_rcpt {
	struct span	address;	/* as the client gave it */
	struct span	orcpt_type;	/* ORCPT as it was given, decoded; empty: none */
	struct span	orcpt;
	enum dsn_action	action;
	struct span	status;		/* "5.1.1" */
	struct span	mta;		/* remote MTA, empty: none */
	struct span	reply;		/* its reply, "550 5.1.1 no such user"; empty: none */
	struct span	why;		/* a sentence for people */
	int64_t		last_attempt_ms;	/* 0: none */
	int64_t		will_retry_until_ms;	/* DELAYED */
};

struct dsn {
	struct span	reporting_mta;	/* our hostname */
	struct span	id;		/* queue id of the message that it is about */
	struct span	envid;		/* ENVID as it was given, decoded; empty: none */
	struct span	sender;		/* to whom the notification goes */
	int64_t		arrival_ms, now_ms;
	const struct dsn_rcpt *rcpts;
	size_t		n;
	struct span	original;	/* its header with the empty line, or all of it */
	bool		full;		/* original is the whole message */
	const char	*not_full;	/* why it is not, although that was asked for; NULL: it was not */
	bool		utf8;		/* the types of RFC 6533: message/global-... */
};

/* Whether anything in it cannot be said in ASCII; for d->utf8, where the message was SMTPUTF8. */
bool	dsn_needs_utf8(const struct dsn *);
/* The whole content: header, text part, delivery-status, the original; CRLF lines. */
void	dsn_compose(const struct dsn *, struct buf *out);

#endif
