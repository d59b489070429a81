/*
 * auth.h - asking the auth process whether a password is right.
 *
 * Who asks wipes its own copy of the password; the other end wipes what it
 * was sent.
 */
#ifndef WB_MTA_MSG_AUTH_H
#define WB_MTA_MSG_AUTH_H

#include "base/chan.h"

#define AUTH_MAP_MAX		255	/* octets of a map's name */
#define AUTH_USER_MAX		1024	/* octets of a user's */
#define AUTH_PASSWORD_MAX	1024
#define AUTH_WHICH_MAX		64	/* octets of an app password's name */

enum auth_result {
	AUTH_RIGHT,
	AUTH_WRONG,	/* no such user, or another password: nobody learns which */
	AUTH_CANNOT	/* cannot be told just now: 454 4.7.0 (RFC 4954, 6) */
};

struct auth_verdict {
	enum auth_result	result;
	char			which[AUTH_WHICH_MAX + 1];	/* RIGHT: the app password's name, or "" */
};

const char	*auth_result_name(enum auth_result);	/* "right" */
/* AUTH_VERIFY; longer texts than the above are not sent: false, the answer is AUTH_WRONG. */
bool		 auth_ask(struct chan *, uint64_t ticket, struct span map, struct span user, struct span password);
void		 auth_answer(struct chan *, uint64_t ticket, const struct auth_verdict *);
/* AUTH_VERDICT; false: nonsense. */
bool		 auth_read(struct msg *, uint64_t *ticket, struct auth_verdict *);

#endif
