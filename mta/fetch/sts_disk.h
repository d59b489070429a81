/*
 * sts_disk.h - the folder of the kept policies: a file for each domain.
 *
 * Written beside, synced, renamed, the folder synced; a thread of its own
 * does that, one file after the other, so that nobody waits for the disk.
 */
#ifndef WB_MTA_FETCH_STS_DISK_H
#define WB_MTA_FETCH_STS_DISK_H

#include "mta/fetch/sts_kept.h"

#define STS_DISK_WAITING_MAX	1000	/* files that wait to be written; what is more is only in memory */

struct sts_disk;

/* Takes the folder. */
struct sts_disk	*sts_disk_new(int folder);
/* What has not been written yet is not kept: it will be fetched again. */
void		 sts_disk_free(struct sts_disk **);
/* Each policy that is kept there is the callee's; what is none is said in the log, and removed. */
void		 sts_disk_load(struct sts_disk *, void (*)(void *arg, struct sts_kept *), void *arg);
/* Failures are said in the log and counted. */
void		 sts_disk_put(struct sts_disk *, const struct sts_kept *);
void		 sts_disk_remove(struct sts_disk *, const char *domain);
/* Files that could not be written. */
unsigned long	 sts_disk_failures(const struct sts_disk *);

#endif
