/*
 * user_limits.h - what one who has logged in may have and send at a time
 * (`limits { user ... }`).
 *
 * Counted by the limits process, over all workers and restarts, under the
 * user's name without regard to case.  Who has not logged in is nobody, and
 * not counted here.
 */
#ifndef WB_MTA_SMTP_USER_LIMITS_H
#define WB_MTA_SMTP_USER_LIMITS_H

#include "ruleset/image.h"

struct session;

enum user_limit {
	USER_MESSAGES,		/* asked when MAIL is good */
	USER_RECIPIENTS,	/* each RCPT that is accepted */
	USER_OCTETS,		/* a content that would be kept */
	USER_NLIMITS
};

struct user_limits {
	struct {
		uint32_t	count;		/* 0: no limit */
		int64_t		period_ms;
	}		rate[USER_NLIMITS];	/* octets: in KiB */
	unsigned	sessions;		/* at once; 0: no limit */
};

void	user_limits_read(struct user_limits *, const struct rs_image *);

/* What goes on; ok false: a reply has said why. */
typedef void user_limit_step(struct session *, bool ok);
/*
 * Counts n more, all or none.  step is called now, or later with the session
 * parked meanwhile.  It cannot be told: 451 4.3.0.
 */
void	user_limit_ask(struct session *, enum user_limit, uint64_t n,
	    user_limit_step *);
/*
 * A login has succeeded: the session is counted.  One too many, and it ends
 * with 421 behind the answer to AUTH, as soon as limits has said so.
 */
void	user_limit_login(struct session *);
/* The session ends, or forgets its login (RFC 3207, 4.2). */
void	user_limit_leave(struct session *);

#endif
