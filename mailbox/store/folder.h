/*
 * folder.h - the folders of a Maildir: opened without following links where
 * the mailbox's owner could have put one, made where they are missing, and
 * synced once for many.
 */
#ifndef WB_MAILBOX_STORE_FOLDER_H
#define WB_MAILBOX_STORE_FOLDER_H

#include <limits.h>
#include <stdbool.h>

/*
 * The path without needless '/' into out; false: it is not absolute, has a
 * "." or ".." component, or is longer than a path may be.
 */
bool	folder_path(const char *path, char out[PATH_MAX]);
/*
 * The Maildir; with make, at most the last two components of path are made
 * where they are missing, and their names are synced.  -1 with errno.
 */
int	folder_open(const char *path, bool make);
/* A folder in it, by its name on the disk (".lists"), which is never made. */
int	folder_open_in(int maildir, const char *name);
/*
 * tmp, new or cur of a Maildir or of a folder in it.  With make all three are
 * made where they are missing, and with marker the file maildirfolder too.
 */
int	folder_open_sub(int at, const char *sub, bool make, bool marker);
/*
 * As fsync(2) of a folder; who asks while another's sync of the same folder
 * runs shares the next one with all who wait for it.
 */
int	folder_sync(int fd);
/* Closes, and keeps errno. */
void	folder_close(int fd);

#endif
