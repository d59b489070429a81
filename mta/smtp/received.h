/*
 * received.h - the Received: field that this server prepends (RFC 5321, 4.4).
 */
#ifndef WB_MTA_SMTP_RECEIVED_H
#define WB_MTA_SMTP_RECEIVED_H

#include "base/buf.h"
#include "base/ip.h"

struct received {
	struct span	 helo;		/* as the client called itself */
	struct span	 client_name;	/* verified; empty: not known */
	const struct ip	*client;
	struct span	 hostname;	/* ours */
	/* Of the protocol's name: EHLO was said, or LHLO, under TLS, by who has logged in, with SMTPUTF8. */
	bool		 esmtp, lmtp, tls, login, utf8;
	struct span	 tls_version, tls_cipher;	/* where tls is */
	bool		 program;	/* of this machine: helo and client say nothing */
	uint32_t	 uid;		/* of who runs it */
	struct span	 user;		/* his name */
	const char	*qid;
	struct span	 rcpt;		/* the only recipient; empty: more than one */
	int64_t		 now_ms;	/* wall */
};

#define RECEIVED_WITH_MAX	16
/*
 * How the message came: SMTP, ESMTP, ESMTPS, LMTPSA (RFC 3848), UTF8SMTP,
 * UTF8LMTPA (RFC 6531, 4.3) and so on.
 */
const char *received_with(const struct received *, char out[RECEIVED_WITH_MAX]);
/*
 * Adds the field, folded, with its CRLF.  `for` stands there only for a
 * message with one recipient: the others' names are nobody's business (7.6).
 */
void	received_put(const struct received *, struct buf *);

#endif
