/*
 * session_int.h - what session.c and session_io.c share.
 */
#ifndef WB_MTA_SMTP_SESSION_INT_H
#define WB_MTA_SMTP_SESSION_INT_H

#include "mta/smtp/session.h"

/* Whether input may be taken just now. */
bool	session_takes(const struct session *);
/*
 * Sends what it can, watches what is to be watched; frees a session that has
 * ended, and returns false.
 */
bool	session_settle(struct session *);
/* The last step of a command: errors counted, deadlines set. */
void	session_command(struct session *, struct span line);
/* The server stops: 421, unless something is under way. */
void	session_last_word(struct session *);
void	session_watch_cb(void *arg, int what);

#endif
