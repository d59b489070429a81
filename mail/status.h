/*
 * status.h - reply codes and enhanced status codes (RFC 5321, 4.2; RFC 3463).
 */
#ifndef WB_MAIL_STATUS_H
#define WB_MAIL_STATUS_H

#include "base/span.h"

/* "5.7.1": class, subject (0-999), detail (0-999) without leading zeros. */
bool	status_ok(struct span);
/* The code's and the status' class agree: 2, 4 or 5. */
bool	status_agrees(unsigned code, struct span status);
/*
 * A reply line's parts: code, '-' or ' ', text; when `enhanced`, a status at
 * the start of the text is split off.  false: no reply line.
 */
struct reply_line {
	unsigned	code;
	bool		more;		/* '-' */
	struct span	status;		/* empty when there is none */
	struct span	text;
};
bool	reply_line_parse(struct span line, struct reply_line *out);

#endif
