/*
 * folder.h - a folder of a process's own in the spool's.
 */
#ifndef WB_MTA_CHILD_FOLDER_H
#define WB_MTA_CHILD_FOLDER_H

/*
 * Before privileges are dropped: makes the folder `name` in the folder spool
 * when it is not there, gives it to the user (as root), mode 700; a link in its
 * place is not followed.  Its descriptor; fatal() when there is none.
 */
int	child_folder(const char *spool, const char *name, const char *user);

#endif
