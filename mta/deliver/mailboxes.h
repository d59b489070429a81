/*
 * mailboxes.h - what the kinds of mailboxes share: quota, and what a failure
 * of the store is for the queue.
 */
#ifndef WB_MTA_DELIVER_MAILBOXES_H
#define WB_MTA_DELIVER_MAILBOXES_H

#include "mailbox/store/store.h"

#include "mta/deliver/job.h"

/* QUOTA is a number, OVER one of its words. */
bool		mailboxes_sane(const struct job *);
/* Octets; 0: none. */
uint64_t	mailboxes_quota(const struct job *);
/* Fails the job, unless it was STORE_OK. */
void		mailboxes_failed(struct job *, enum store_result, const struct store_error *);

#endif
