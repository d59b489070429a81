/*
 * commands.c - which command may come when (RFC 5321, 4.1.1 and 4.1.4).
 */
#include "config.h"

#include "mta/smtp/auth.h"
#include "mta/smtp/commands.h"

#define GREETED	(SMTP_FRESH | SMTP_READY | SMTP_MAIL | SMTP_RCPT)
#define ANY	(GREETED | SMTP_REFUSED)

static const struct command {
	enum smtp_verb	 verb;
	const char	*section;	/* of RFC 5321 where no other is named */
	const char	*stage;		/* of log lines */
	unsigned	 admitted;	/* states */
	command_fn	*run;
} commands[] = {
	{ VERB_EHLO,	"4.1.1.1",	"helo",	GREETED,		cmd_ehlo },
	{ VERB_HELO,	"4.1.1.1",	"helo",	GREETED,		cmd_helo },
	{ VERB_MAIL,	"4.1.1.2",	"mail",	SMTP_READY,		cmd_mail },
	{ VERB_RCPT,	"4.1.1.3",	"rcpt",	SMTP_MAIL | SMTP_RCPT,	cmd_rcpt },
	{ VERB_DATA,	"4.1.1.4",	"data",	SMTP_RCPT,		cmd_data },
	{ VERB_RSET,	"4.1.1.5",	"rset",	GREETED,		cmd_rset },
	{ VERB_VRFY,	"4.1.1.6",	"vrfy",	GREETED,		cmd_vrfy },
	{ VERB_EXPN,	"4.1.1.7",	"expn",	GREETED,		cmd_expn },
	{ VERB_HELP,	"4.1.1.8",	"help",	GREETED,		cmd_help },
	{ VERB_NOOP,	"4.1.1.9",	"noop",	GREETED,		cmd_noop },
	{ VERB_QUIT,	"4.1.1.10",	"quit",	ANY,			cmd_quit },
	{ VERB_STARTTLS, "3207, 4",	"starttls", GREETED,		cmd_not_served },
	{ VERB_AUTH,	"4954, 4",	"auth",	SMTP_READY,		cmd_auth },
	{ VERB_BDAT,	"3030, 2",	"bdat",	GREETED,		cmd_not_served },
	{ VERB_TURN,	"F.1",		"turn",	GREETED,		cmd_not_served },
	{ VERB_LHLO,	"2033, 4.1",	"helo",	GREETED,		cmd_lhlo },
	{ VERB_XCLIENT,	"XCLIENT_README", "xclient", GREETED,		cmd_xclient },
	{ VERB_XFORWARD, "XFORWARD_README", "xforward", GREETED,	cmd_xforward },
};

static const struct command *
find(enum smtp_verb verb)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].verb == verb)
			return &commands[i];
	return NULL;
}

/* Bad sequence of commands (4.1.4): which, depends on what is missing. */
static enum smtp_reply
out_of_order(const struct session *s, enum smtp_verb verb)
{
	bool	lmtp = s->door->kind == DOOR_LMTP;

	switch (s->state) {
	case SMTP_REFUSED:
		return REPLY_REFUSED;
	case SMTP_FRESH:
		return lmtp ? REPLY_LHLO_FIRST : REPLY_HELO_FIRST;
	case SMTP_READY:
		return REPLY_MAIL_FIRST;
	default:
		/* RFC 5321, 3.3: all recipients were refused; 2033, 4.2. */
		if (verb == VERB_DATA)
			return lmtp ? REPLY_LMTP_NO_RCPTS : REPLY_NO_RCPTS;
		return REPLY_NESTED;
	}
}

void
commands_run(struct session *s, const struct smtp_command *c)
{
	const struct command	*cmd = find(c->verb);

	s->stage = cmd == NULL ? "command" : cmd->stage;
	if (s->state == SMTP_REFUSED && c->verb != VERB_QUIT)
		session_refuse(s, REPLY_REFUSED, SPAN_NONE);
	else if (cmd == NULL)
		session_refuse(s, REPLY_UNKNOWN, SPAN_NONE);
	else if (!(s->state & cmd->admitted)) {
		session_refuse(s, out_of_order(s, c->verb), SPAN_NONE);
		if (c->verb == VERB_DATA)
			data_refused(s);
	} else if (session_needs_login(s, c->verb)) {
		session_refuse(s, REPLY_AUTH_FIRST, SPAN_NONE);
	} else
		cmd->run(s, c);
}
