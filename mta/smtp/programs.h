/*
 * programs.h - sessions of programs of this machine.
 *
 * pickup has their socket: it accepts, asks the kernel whose program it is and
 * the system for his name, and hands the connection on (PROGRAM).  The same
 * way come the messages of the drop folder, which pickup reads aloud itself.
 * Such a session is served as any other, through all hooks; its `listener` is
 * "programs", its `client.user` the login name, its `client.ip` 127.0.0.1.
 */
#ifndef WB_MTA_SMTP_PROGRAMS_H
#define WB_MTA_SMTP_PROGRAMS_H

#include "mta/smtp/session.h"

/* Takes fd: the channel to pickup, in the place of an earlier one. */
void		programs_attach(struct server *, int fd);
/* No more of them. */
void		programs_detach(struct server *);
/*
 * The domain of an address that has none: the policy's, or that of our
 * mailboxes, or our hostname.  Said in the answer to EHLO ("for=DOMAIN"), since
 * the program has to write it into the header.
 */
struct span	programs_domain(const struct session *);

#endif
