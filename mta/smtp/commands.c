/*
 * commands.c - which command may come when (RFC 5321, 4.1.1 and 4.1.4).
 */
#include "config.h"

#include "mta/smtp/auth.h"
#include "mta/smtp/chunk.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/extensions.h"
#include "mta/smtp/secure.h"

#define GREETED	(SMTP_FRESH | SMTP_READY | SMTP_MAIL | SMTP_RCPT | \
	    SMTP_CHUNKS | SMTP_FAILED)
#define ANY	(GREETED | SMTP_REFUSED)

/*
 * To an extension, and then: basic ones, or those that look themselves, are
 * there unless they are hidden; others when EHLO has offered them.
 */
enum belongs { TO_NONE, TO_BASIC, TO_ESMTP };

#define PLAIN	TO_NONE, RS_NEXTENSIONS

static const struct command {
	enum smtp_verb	 verb;
	const char	*section;	/* of RFC 5321 where no other is named */
	const char	*stage;		/* of log lines */
	unsigned	 admitted;	/* states */
	enum belongs	 belongs;
	enum rs_extension extension;
	command_fn	*run;
} commands[] = {
	{ VERB_EHLO,	"4.1.1.1",	"helo",	GREETED, PLAIN, cmd_ehlo },
	{ VERB_HELO,	"4.1.1.1",	"helo",	GREETED, PLAIN, cmd_helo },
	{ VERB_MAIL,	"4.1.1.2",	"mail",	SMTP_READY, PLAIN, cmd_mail },
	{ VERB_RCPT,	"4.1.1.3",	"rcpt",	SMTP_MAIL | SMTP_RCPT, PLAIN, cmd_rcpt },
	{ VERB_DATA,	"4.1.1.4",	"data",	SMTP_RCPT, PLAIN, cmd_data },
	{ VERB_RSET,	"4.1.1.5",	"rset",	GREETED, PLAIN, cmd_rset },
	{ VERB_VRFY,	"4.1.1.6",	"vrfy",	GREETED, TO_BASIC, RS_EXT_VRFY, cmd_vrfy },
	{ VERB_EXPN,	"4.1.1.7",	"expn",	GREETED, TO_BASIC, RS_EXT_EXPN, cmd_expn },
	{ VERB_HELP,	"4.1.1.8",	"help",	GREETED, TO_BASIC, RS_EXT_HELP, cmd_help },
	{ VERB_NOOP,	"4.1.1.9",	"noop",	GREETED, PLAIN, cmd_noop },
	{ VERB_QUIT,	"4.1.1.10",	"quit",	ANY, PLAIN, cmd_quit },
	{ VERB_STARTTLS, "3207, 4",	"starttls", SMTP_READY, PLAIN, cmd_starttls },
	{ VERB_AUTH,	"4954, 4",	"auth",	SMTP_READY, TO_BASIC, RS_EXT_AUTH, cmd_auth },
	{ VERB_BDAT,	"3030, 2",	"bdat",	SMTP_RCPT | SMTP_CHUNKS, TO_ESMTP, RS_EXT_CHUNKING, cmd_bdat },
	{ VERB_TURN,	"F.1",		"turn",	GREETED, PLAIN, cmd_not_served },
	{ VERB_LHLO,	"2033, 4.1",	"helo",	GREETED, PLAIN, cmd_lhlo },
	{ VERB_ETRN,	"1985, 5",	"etrn",	SMTP_READY, PLAIN, cmd_etrn },
	{ VERB_XCLIENT,	"XCLIENT_README", "xclient", GREETED, PLAIN, cmd_xclient },
	{ VERB_XFORWARD, "XFORWARD_README", "xforward", GREETED, PLAIN, cmd_xforward },
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
	case SMTP_CHUNKS:
		return REPLY_CHUNKS_OPEN;
	case SMTP_FAILED:
		return REPLY_CHUNK_FAILED;
	default:
		if (verb == VERB_BDAT)
			return REPLY_RCPT_FIRST;
		/* RFC 5321, 3.3: all recipients were refused; 2033, 4.2. */
		if (verb == VERB_DATA)
			return lmtp ? REPLY_LMTP_NO_RCPTS : REPLY_NO_RCPTS;
		return REPLY_NESTED;
	}
}

/* Whether its extension is there; without EHLO there is none to be had. */
static bool
is_served(const struct session *s, const struct command *cmd)
{
	switch (cmd->belongs) {
	case TO_NONE:
		return true;
	case TO_BASIC:
		return !extensions_hidden(s, cmd->extension);
	case TO_ESMTP:
		return s->state == SMTP_FRESH ||
		    (extensions_offered(s) & RS_EXT_BIT(cmd->extension));
	}
	return false;
}

static void
refuse(struct session *s, const struct smtp_command *c, enum smtp_reply why)
{
	if (span_iprefix(c->word, SPAN("BDAT")))
		bdat_refuse(s, c, why);
	else
		session_refuse(s, why, c->word);
	if (c->verb == VERB_DATA)
		data_refused(s);
}

void
commands_run(struct session *s, const struct smtp_command *c)
{
	const struct command	*cmd = find(c->verb);

	s->stage = cmd == NULL ? "command" : cmd->stage;
	if (s->state == SMTP_REFUSED && c->verb != VERB_QUIT) {
		if (!secure_refusal(s))
			refuse(s, c, REPLY_REFUSED);
	} else if (cmd == NULL)
		refuse(s, c, REPLY_UNKNOWN);
	else if (secure_first(s, c->verb))
		refuse(s, c, REPLY_TLS_FIRST);
	else if (!is_served(s, cmd))
		refuse(s, c, REPLY_NOT_SERVED);
	else if (!(s->state & cmd->admitted))
		refuse(s, c, out_of_order(s, c->verb));
	else if (session_needs_login(s, c->verb))
		refuse(s, c, REPLY_AUTH_FIRST);
	else
		cmd->run(s, c);
}
