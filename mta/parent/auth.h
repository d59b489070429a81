/*
 * auth.h - what the auth process is for, what it alone is given, and PAM,
 * which it has asked by who is root.
 */
#ifndef WB_MTA_PARENT_AUTH_H
#define WB_MTA_PARENT_AUTH_H

#include "mta/parent/generation.h"

struct slot;

/* Somebody may log in: a listener offers AUTH, and there are accounts. */
bool	auth_wanted(const struct generation *);
/* It opens sockets: servers have accounts, or tokens are verified elsewhere. */
bool	auth_asks(const struct generation *);
/* The files of accounts, and the passwords for servers that have them. */
void	auth_send_config(const struct generation *, struct chan *);
/* PAM_WANTED of that slot; false: nonsense. */
bool	auth_pam_wanted(struct slot *, struct msg *);

#endif
