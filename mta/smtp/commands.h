/*
 * commands.h - the commands of RFC 5321, 4.1, in its order; the table is in
 * commands.c.
 */
#ifndef WB_MTA_SMTP_COMMANDS_H
#define WB_MTA_SMTP_COMMANDS_H

#include "mta/smtp/session.h"

typedef void command_fn(struct session *, const struct smtp_command *);

/* Runs a command, or says why it has no place here. */
void		commands_run(struct session *, const struct smtp_command *);

/* cmd_hello.c; session_greet() begins everything: `on connect`, then 220. */
void		session_greet(struct session *);
command_fn	cmd_ehlo, cmd_helo, cmd_lhlo;
command_fn	cmd_mail;			/* cmd_mail.c */
command_fn	cmd_rcpt;			/* cmd_rcpt.c */
command_fn	cmd_bdat;			/* cmd_bdat.c */
command_fn	cmd_data;			/* cmd_data.c */
command_fn	cmd_starttls;			/* cmd_starttls.c */
/* DATA was refused: closes when the client has not waited for that. */
void		data_refused(struct session *);
command_fn	cmd_xclient, cmd_xforward, cmd_etrn;	/* of each its file */
/* Whether ETRN is offered. */
bool		etrn_may(const struct session *);
command_fn	cmd_auth;			/* cmd_auth.c */
/* cmd_other.c */
command_fn	cmd_rset, cmd_vrfy, cmd_expn, cmd_help, cmd_noop, cmd_quit;
command_fn	cmd_not_served;

#endif
