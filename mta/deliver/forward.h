/*
 * forward.h - a user's forward file, read as that user.
 *
 * With the checks of sendmail: a plain file of the user's or root's, which
 * nobody else may write, under one name, in folders that nobody else may
 * write.  What is unsafe is not used, and the mail goes as without it.
 */
#ifndef WB_MTA_DELIVER_FORWARD_H
#define WB_MTA_DELIVER_FORWARD_H

#include "base/buf.h"
#include "mta/msg/forward.h"

/* FOUND: text is filled.  UNSAFE, LATER: *why says it (static). */
enum forward_result	forward_read(const char *path, struct buf *text, const char **why);
/*
 * Whether commands and files may stand in it: the user's login shell is one of
 * shells(5).  Who is no user of the system has no shell that could forbid it.
 */
bool			forward_shell_ok(void);

#endif
