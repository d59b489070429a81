/*
 * folder.h - the folders of a Maildir: opened without following links where
 * the mailbox's owner could have put one, made where they are missing.
 */
#ifndef WB_MAILBOX_STORE_FOLDER_H
#define WB_MAILBOX_STORE_FOLDER_H

#include <limits.h>

#include "mailbox/store/store.h"

/*
 * The path without needless '/' into out; false: it is not absolute, has a
 * "." or ".." component, or is longer than a path may be.
 */
bool	folder_path(const char *maildir, char out[PATH_MAX]);
/*
 * Opens path/sub (tmp, new); with make, tmp, new and cur are made where they
 * are missing, and at most the last two components of path; their names are
 * synced.  -1 with errno.
 */
int	folder_open(const char *path, const char *sub, bool make);

#endif
