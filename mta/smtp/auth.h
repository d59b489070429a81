/*
 * auth.h - who a session is logged in as (RFC 4954).
 */
#ifndef WB_MTA_SMTP_AUTH_H
#define WB_MTA_SMTP_AUTH_H

#include "mta/smtp/session.h"

/* The mechanisms that EHLO offers now; 0: AUTH is not offered. */
uint32_t	session_mechanisms(const struct session *);
/*
 * It is somebody from now on, until session_forget_login(): STARTTLS forgets
 * (RFC 3207, 4.2), EHLO does not.  mechanism: static, for the log.
 */
void		session_login(struct session *, struct span user,
		    const char *mechanism);
/*
 * `auth required`: whether a command has to wait for a login (RFC 4954, 6: 530
 * 5.7.0).
 */
bool		session_needs_login(const struct session *, enum smtp_verb);

/* The line of a client that answers 334, without CRLF; in SMTP_LOGIN only. */
void		auth_response(struct session *, struct span line);
/* Instead of such a line: it was too long, or not ended by CRLF. */
void		auth_spoiled(struct session *, enum smtp_reply);
/* An exchange under way is given up; for session_free(). */
void		auth_end(struct session *);

#endif
