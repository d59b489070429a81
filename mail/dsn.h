/*
 * dsn.h - delivery status notifications (RFC 3464, RFC 6522): composing one.
 */
#ifndef WB_MAIL_DSN_H
#define WB_MAIL_DSN_H

#include "base/buf.h"

enum dsn_action { DSN_FAILED, DSN_DELAYED };

struct dsn_rcpt {
	struct span	address;	/* as the client gave it */
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
	struct span	id;		/* queue id of the message that failed */
	struct span	sender;		/* to whom the notification goes */
	int64_t		arrival_ms, now_ms;
	const struct dsn_rcpt *rcpts;
	size_t		n;
	struct span	header;		/* of the original, with its empty line */
	bool		header_utf8;	/* message/global-headers */
};

/* The whole content: header, text part, delivery-status, original headers; CRLF lines. */
void	dsn_compose(const struct dsn *, struct buf *out);

#endif
