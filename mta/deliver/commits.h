/*
 * commits.h - the second step of Maildirs, for many messages at once.
 */
#ifndef WB_MTA_DELIVER_COMMITS_H
#define WB_MTA_DELIVER_COMMITS_H

#include "mta/deliver/job.h"

/*
 * A COMMIT of a Maildir.  All that come in a turn of the loop, or while others
 * of the same Maildir are on a thread, are renamed together and share a sync.
 */
void	commits_add(struct job *);

#endif
