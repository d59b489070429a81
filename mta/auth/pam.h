/*
 * pam.h - asking the parent, who is root, to let PAM check a password.
 *
 * User and password go into a pipe, whose other end the parent gets; it
 * executes waybill-pam on it and says what that answered.
 */
#ifndef WB_MTA_AUTH_PAM_H
#define WB_MTA_AUTH_PAM_H

#include "base/chan.h"
#include "mta/msg/auth.h"

#define PAM_WAIT_MS	30000

/* Called once, from the loop. */
typedef void pam_cb(void *arg, enum auth_result);

/* parent: NULL: nobody is there to ask, AUTH_CANNOT. */
void	pam_ask(struct chan *parent, struct span user, struct span password, pam_cb *, void *arg);
/* PAM_DONE; false: nonsense. */
bool	pam_done(struct msg *);
/* No callbacks. */
void	pam_clear(void);

#endif
