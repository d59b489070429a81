/*
 * xclient.h - XCLIENT and XFORWARD: who may say them, and what was forwarded.
 */
#ifndef WB_MTA_SMTP_XCLIENT_H
#define WB_MTA_SMTP_XCLIENT_H

#include "mta/smtp/session.h"
#include "mta/smtp/xattr.h"

bool		xclient_may(const struct session *);
bool		xforward_may(const struct session *);

/*
 * What XFORWARD has said of the next message: goes to the log when MAIL is
 * accepted, and nowhere else.  Cleared at the end of its transaction.
 */
void		xforward_log(const struct session *);
void		xforward_clear(struct session *);
/* NULL: nothing. */
const struct xattrs *xforward_given(const struct session *);

/* For a log line: quoted, "-" where there is none; good until log_quote() is. */
const char	*xattr_logged(const struct xattrs *, enum xattr);

#endif
