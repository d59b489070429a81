/*
 * client_auth.h - the login of a session with a next hop (RFC 4954).
 *
 * What is said comes from the credentials process (mta/msg/login.h), which has
 * the secrets; here it becomes lines of SMTP.  A session that wants a login is
 * ready when it has one, and fails when it gets none.
 *
 * For the administrator: waybill.conf(5), RELAY; doc/smart-host-logins.md.
 */
#ifndef WB_MTA_RELAY_CLIENT_AUTH_H
#define WB_MTA_RELAY_CLIENT_AUTH_H

#include "mta/msg/login.h"
#include "mta/relay/client.h"

/*
 * Before the loop has had a turn with a new session: logs in when the block of
 * its address wants that.  logins is borrowed; NULL: nobody logs in.
 */
void		 client_want_login(struct client *, struct login_client *logins, const struct job *first);
/* How the session has logged in, or why not, into RELAYED's fields; nothing where no login is wanted. */
void		 client_tell_login(const struct client *, struct job *);

#endif
