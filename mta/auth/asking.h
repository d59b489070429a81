/*
 * asking.h - one question of a login, from its message to its answer.
 *
 * It is a copy of what was asked and of the user's secrets, so that it lives
 * on when the table or the channel goes; both are wiped when it is decided.
 */
#ifndef WB_MTA_AUTH_ASKING_H
#define WB_MTA_AUTH_ASKING_H

#include "mta/auth/service.h"

/* Answers it, at once or later. */
void	asking_begin(struct auth_peer *, uint64_t ticket, const struct auth_question *);

/* Its turn has come for a thread, or for PAM; or it may not wait. */
void	asking_hash(struct turn *);
void	asking_pam(struct turn *);
void	asking_busy(struct turn *);
/* Answers that are held are not given. */
void	asking_drop_held(struct auth_service *);

#endif
