/*
 * cmd_other.c - RSET, HELP, NOOP, QUIT (RFC 5321, 4.1.1.5 to
 * 4.1.1.10),
 * and what other servers offer and this one does not.
 */
#include "config.h"

#include "mta/smtp/commands.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"
#include "mta/smtp/xclient.h"

/* False: has said that there must be none. */
static bool
no_args(struct session *s, const struct smtp_command *c)
{
	if (c->args.n == 0)
		return true;
	session_refuse(s, REPLY_NO_ARGS, c->word);
	return false;
}

void
cmd_rset(struct session *s, const struct smtp_command *c)
{
	if (!no_args(s, c))
		return;
	transaction_end(s);
	xforward_clear(s);
	if (s->state & SMTP_TRANSACTION)
		session_enter(s, SMTP_READY, "RSET");
	session_reply(s, REPLY_RSET, SPAN_NONE);
}

void
cmd_help(struct session *s, const struct smtp_command *c)
{
	(void)c;
	session_reply(s, REPLY_HELP, SPAN_NONE);
}

/* 4.1.1.9: an argument is ignored. */
void
cmd_noop(struct session *s, const struct smtp_command *c)
{
	(void)c;
	session_reply(s, REPLY_NOOP, SPAN_NONE);
}

void
cmd_quit(struct session *s, const struct smtp_command *c)
{
	if (!no_args(s, c))
		return;
	transaction_end(s);
	session_reply(s, REPLY_BYE, s->gen->hostname);
	session_close(s, "quit");
}

void
cmd_not_served(struct session *s, const struct smtp_command *c)
{
	session_refuse(s, REPLY_NOT_SERVED, c->word);
}
