/*
 * submission.h - what is mended of a message that its author's program hands
 * in (RFC 6409, 8), and of no other: mail that is only passed on keeps every
 * octet.
 */
#ifndef WB_MTA_SMTP_SUBMISSION_H
#define WB_MTA_SMTP_SUBMISSION_H

#include "mta/smtp/session.h"

/*
 * When its content is complete, before any rule sees it; does nothing where
 * the door is not one for submission.
 */
void	submission_mend(struct session *);

#endif
