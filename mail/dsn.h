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

/* Why no more than the header is returned, although all was asked for. */
enum dsn_cut {
	DSN_CUT_NONE,
	DSN_CUT_ENCRYPTED,	/* it was to be sent encrypted only */
	DSN_CUT_BINARY,
	DSN_CUT_LARGE
};

struct dsn_rcpt {
	struct span	address;	/* as the client gave it */
	struct span	orcpt_type;	/* ORCPT as it was given, decoded; empty: none */
	struct span	orcpt;
	enum dsn_action	action;
	struct span	status;		/* "5.1.1" */
	struct span	mta;		/* remote MTA, empty: none */
	struct span	diagnostic;	/* type of reply: "smtp", "x-unix"; empty: smtp */
	struct span	reply;		/* its reply, "550 5.1.1 no such user"; empty: none */
	struct span	why;		/* a sentence for people */
	int64_t		last_attempt_ms;	/* 0: none */
	int64_t		will_retry_until_ms;	/* DELAYED */
};

struct dsn {
	struct span	reporting_mta;	/* our hostname */
	struct span	id;		/* queue id of the message that it is about */
	struct span	envid;		/* ENVID as it was given, decoded; empty: none */
	struct span	to;		/* to whom the notification goes */
	struct span	sender;		/* of the message that it is about */
	int64_t		arrival_ms, now_ms;
	const struct dsn_rcpt *rcpts;
	size_t		n;
	struct span	original;	/* its header with the empty line, or all of it */
	bool		full;		/* original is the whole message */
	enum dsn_cut	cut;
	bool		utf8;		/* the types of RFC 6533: message/global-... */
	bool		is_double;	/* what could not be delivered has no sender to tell */
	unsigned	more;		/* of which the postmaster is not told one by one */
	struct span	text;		/* template (dsn_text.h) */
	struct span	language;	/* of it: "de" */
};

/* Whether anything in it cannot be said in ASCII; for d->utf8, where the message was SMTPUTF8. */
bool	dsn_needs_utf8(const struct dsn *);
/*
 * The whole content: header, text part, delivery-status, the original; CRLF
 * lines.  Its octets are ASCII unless utf8 is wanted, or an original that is
 * returned whole has others.
 */
void	dsn_compose(const struct dsn *, struct buf *out);

#endif
