/*
 * helper.h - PAM's side of who is root: waybill-pam, executed for each check.
 *
 * Who asks has written user and password into a pipe; its other end becomes
 * the helper's standard input, and nobody here looks at it.  The answer is
 * the helper's exit status.
 */
#ifndef WB_MTA_PAM_HELPER_H
#define WB_MTA_PAM_HELPER_H

#include <sys/types.h>

#include "mta/msg/auth.h"

#define HELPER_TIMEOUT_MS	25000	/* the helper gives up by itself after 20 s */
#define HELPERS_MAX		16	/* at a time */

/* Called once, from the loop. */
typedef void helper_cb(void *arg, enum auth_result);

/*
 * Starts libexec/waybill-pam on the pipe, which is taken.  Where that cannot
 * be (not there, too many run) the answer is AUTH_CANNOT, with a log line.  So
 * it is after timeout_ms: HELPER_TIMEOUT_MS, or what a test has time for.
 */
struct helper_how {
	const char	*libexec;
	int64_t		 timeout_ms;
};
void	helper_start(const struct helper_how *, int pipe, helper_cb *, void *arg);
/* Who waits for all children has its status; false: it is no helper. */
bool	helper_ended(pid_t, int status);
/* Ends all that run; they are not answered. */
void	helpers_clear(void);

#endif
