/*
 * lmtp.h - where mail is handed over by LMTP (RFC 2033): a reply for each
 * recipient.
 *
 * The commands are those of SMTP but for LHLO, which stands for EHLO (4.1);
 * after the content there are as many replies as RCPT commands were accepted, in
 * their order, also for a recipient that was given twice (4.2).  Our 250 says
 * that the message is in the queue and synced, which is so for all of them or
 * for none; what a recipient's mailbox says afterwards becomes a notification.
 */
#ifndef WB_MTA_SMTP_LMTP_H
#define WB_MTA_SMTP_LMTP_H

#include "mta/smtp/session.h"

/* Octets that wait to be sent: where the next reply begins. */
size_t	lmtp_mark(const struct session *);
/*
 * What has been said since the mark is one recipient's: it is said for all
 * others of the transaction too.  Does nothing in SMTP.
 */
void	lmtp_repeat(struct session *, size_t mark);

#endif
