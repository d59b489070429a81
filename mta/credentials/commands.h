/*
 * commands.h - token commands: the spawner starts a process of the command's
 * user, which runs it and tells what it has written.
 *
 * Commands that no process can run yet wait here.
 */
#ifndef WB_MTA_CREDENTIALS_COMMANDS_H
#define WB_MTA_CREDENTIALS_COMMANDS_H

#include "mta/credentials/tokens.h"

#define COMMANDS_WAIT_MS	45000	/* for its process and its end */

struct commands;

struct commands	*commands_new(void);
void		 commands_free(struct commands **);
/* The spawner's channel, new or again; takes fd. */
void		 commands_attach(struct commands *, int fd);
/* As struct tokens_how has it; ctx is the commands. */
void		 commands_run(void *ctx, const struct source *, struct span login, token_run_cb *, void *arg);

#endif
