/*
 * folder.h - the folders of a Maildir: opened without following links where
 * the mailbox's owner could have put one, made where they are missing.
 */
#ifndef WB_MAILBOX_STORE_FOLDER_H
#define WB_MAILBOX_STORE_FOLDER_H

#include "mailbox/store/store.h"

/* Absolute, no empty, "." or ".." component, of a length that a path may have. */
bool	folder_path_ok(const char *maildir);
/*
 * Opens maildir/sub (tmp, new); with make, tmp, new and cur are made where they
 * are missing, and at most the last two components of maildir; their names are
 * synced.  -1 with errno.
 */
int	folder_open(const char *maildir, const char *sub, bool make);

#endif
